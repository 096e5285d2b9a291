"""The tables of docs/capacity.md, computed from kept results: ``python -m benchmarks.capacity`` writes them anew.

Every figure that is not measured is an assumption in `Assumed`, and the page names it.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PAGE", "RESULTS", "Assumed", "main", "measured", "tables", "with_tables"]

PAGE = Path(__file__).parents[1] / "docs" / "capacity.md"
RESULTS = Path(__file__).parent / "results"
_BEGIN, _END = "<!-- benchmarks.capacity: {} -->", "<!-- end -->"
_DAY_S = 86_400
_GIB = 2**30
_SERVERS = ("kafka", "mariadbd", "redis_server")
_CLIP_STAGES = ("decode_clips", "featurize_clips", "classify_clips", "rank", "write", *_SERVERS)
_TRACK_STAGES = ("decode_tracks", "featurize_tracks", "classify_tracks", "write", *_SERVERS)
_CLIP_TOPICS = ("clips", "clips.audio", "clips.features", "clips.classified", "recommendations")


@dataclass(frozen=True, kw_only=True)
class Assumed:
    """What nobody measured.

    Attributes
    ----------
    song_s : float
        Length of a song; those that were measured have 30 s.
    catalogues : sequence of int
        Songs.
    rates : sequence of float
        Clips a second.
    busy : float
        Share of the time that a worker may be busy, so that clips seldom wait.
    search_s : float
        Longest search, which decides how large a shard may be.
    replicas : int
        Copies that the brokers keep.
    """

    song_s: float = 240.0
    catalogues: Sequence[int] = (10_000, 100_000, 1_000_000, 100_000_000)
    rates: Sequence[float] = (1.0, 10.0, 100.0)
    busy: float = 0.7
    search_s: float = 1.0
    replicas: int = 3


def measured(name: str) -> Mapping[str, float]:
    """Read the newest kept results of a benchmark.

    Parameters
    ----------
    name : str
        Of the benchmark.

    Returns
    -------
    dict of str to float
        Figures by name.
    """
    newest = max(RESULTS.glob(f"*/{name}.json"))
    figures: dict[str, float] = json.loads(newest.read_text(encoding="utf-8"))["figures"]
    return figures


def tables(scale: Mapping[str, float], ranker: Mapping[str, float], assumed: Assumed) -> dict[str, str]:
    """Compute the tables.

    Parameters
    ----------
    scale, ranker : mapping of str to float
        Figures of ``make bench-scale`` and ``make bench-ranker``.
    assumed : Assumed
        The rest.

    Returns
    -------
    dict of str to str
        Markdown by the name of the table.
    """
    return {
        "clip": _clip(scale),
        "catalogue": _catalogue(scale, ranker, assumed),
        "search": _search(ranker, assumed),
        "workers": _workers(scale, assumed),
        "kafka": _kafka(scale, assumed),
        "load": _load(scale, assumed),
    }


def with_tables(page: str, made: Mapping[str, str]) -> str:
    """Put tables in the places that a page has for them.

    Parameters
    ----------
    page : str
        Markdown with a pair of comments around each table.
    made : mapping of str to str
        Tables by name.

    Returns
    -------
    str
        The page with these tables.
    """
    for name, table in made.items():
        before, begin, rest = page.partition(_BEGIN.format(name))
        _, end, after = rest.partition(_END)
        if not begin or not end:
            raise ValueError(f"the page has no place for the table {name!r}")
        page = f"{before}{begin}\n\n{table}\n\n{end}{after}"
    return page


def main() -> None:
    """Write the tables into the page."""
    made = tables(measured("scale"), measured("ranker"), Assumed())
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8"), made), encoding="utf-8")


def _clip(scale: Mapping[str, float]) -> str:
    """Say what a thousand clips cost."""
    spent_ms = {stage: scale[f"cpu_ms_per_clip_{stage}"] for stage in _CLIP_STAGES}
    # Milliseconds of one are seconds of a thousand.
    rows = [(stage.removesuffix("_clips").replace("_", " "), f"{ms:.1f}") for stage, ms in spent_ms.items()]
    rows.append((f"all, with {scale['tracks']:,.0f} songs", f"{sum(spent_ms.values()):.1f}"))
    return _table(("program", "core-seconds of a thousand clips"), rows)


def _catalogue(scale: Mapping[str, float], ranker: Mapping[str, float], assumed: Assumed) -> str:
    """Say what an index and a database hold."""
    index = _index_bytes(ranker, assumed)
    database = _database_bytes(scale, assumed)
    rows = [(f"{songs:,}", _bytes(songs * index), _bytes(songs * database)) for songs in assumed.catalogues]
    return _table(("songs", "memory of the index, all shards", "database"), rows)


def _search(ranker: Mapping[str, float], assumed: Assumed) -> str:
    """Divide the catalogue, and say what a search takes."""
    per_song_s = _search_s(ranker)
    in_shard = math.floor(assumed.search_s / per_song_s)
    rows = []
    for songs in assumed.catalogues:
        shards = math.ceil(songs / in_shard)
        rows.append(
            (
                f"{songs:,}",
                f"{shards:,}",
                _bytes(min(songs, in_shard) * _index_bytes(ranker, assumed)),
                f"{1000 * songs * per_song_s:,.0f}",
            )
        )
    head = ("songs", f"shards of {in_shard:,}", "memory of each", "a thousand clips, core-seconds")
    return _table(head, rows)


def _workers(scale: Mapping[str, float], assumed: Assumed) -> str:
    """Count workers of each kind, and partitions."""
    kinds = ("decode_clips", "featurize_clips", "classify_clips", "write")
    rows = []
    for rate in assumed.rates:
        needed = [math.ceil(rate * scale[f"cpu_ms_per_clip_{kind}"] / 1000 / assumed.busy) for kind in kinds]
        rows.append((f"{rate:g}", *map(str, needed), str(max(12, *needed))))
    return _table(("clips a second", *(kind.partition("_")[0] for kind in kinds), "partitions"), rows)


def _kafka(scale: Mapping[str, float], assumed: Assumed) -> str:
    """Say what goes through the brokers, and stays."""
    by_topic = {topic: scale[f"bytes_per_clip_{topic}"] for topic in _CLIP_TOPICS}
    kept_days = {"clips": 7, "recommendations": 7}
    rows = []
    for rate in assumed.rates:
        written = rate * sum(by_topic.values())
        kept = sum(rate * _DAY_S * kept_days.get(topic, 1) * size for topic, size in by_topic.items())
        rows.append((f"{rate:g}", f"{written * 8 / 1e6:.1f} Mbit/s", _bytes(kept * assumed.replicas)))
    return _table(("clips a second", "written, and read once", f"kept, {assumed.replicas} copies"), rows)


def _load(scale: Mapping[str, float], assumed: Assumed) -> str:
    """Say what it takes to put a catalogue in."""
    longer = assumed.song_s / 30
    # What depends on the length of the sound, and what does not.
    by_length_ms = sum(scale[f"cpu_ms_per_track_{stage}"] for stage in ("decode_tracks", "featurize_tracks"))
    once_ms = sum(scale[f"cpu_ms_per_track_{stage}"] for stage in _TRACK_STAGES) - by_length_ms
    song_s = (by_length_ms * longer + once_ms) / 1000
    rows = [
        (f"{songs:,}", f"{songs * song_s / 3600:,.0f}", f"{songs * song_s / _DAY_S / 16:,.1f}")
        for songs in assumed.catalogues
    ]
    return _table(("songs", "core-hours", "days on 16 cores"), rows)


def _index_bytes(ranker: Mapping[str, float], assumed: Assumed) -> float:
    return ranker["bytes_per_track_30s"] * assumed.song_s / 30


def _database_bytes(scale: Mapping[str, float], assumed: Assumed) -> float:
    """Of a song: what two sizes of a catalogue differ by, times its length."""
    small, large = sorted(
        int(name.split("_")[2]) for name in scale if name.startswith("database_mb_") and name.endswith("_tracks")
    )[-2:]
    grown_mb = scale[f"database_mb_{large}_tracks"] - scale[f"database_mb_{small}_tracks"]
    return grown_mb * 2**20 / (large - small) * assumed.song_s / 30


def _search_s(ranker: Mapping[str, float]) -> float:
    """Of one whole song, by one thread."""
    return ranker["certified_p50_ms_10k_240s"] / 1000 / 10_000


def _bytes(count: float) -> str:
    if count >= 1000 * _GIB:
        return f"{count / 1024 / _GIB:,.1f} TiB"
    return f"{count / _GIB:,.1f} GiB"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    main()
