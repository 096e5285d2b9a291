"""Time the ranker's search against the subsequence DTW of other libraries, on one thread.

``python -m benchmarks.ranker [--largest TRACKS]``. Frames are synthesised: each track wanders about a centre of its
own, with the deviations and the correlation in time of 499 real excerpts, and centres so far apart that a certified
search among 499 such tracks compares as many in full, 27 %, as it does among the real ones.

*Brute* is a million cells (clip frame × track frame) a second: a clip of 64 frames in tracks of 320, ours in
float32 (``alignment_floors``), theirs as they come; dtaidistance's ``subsequence_alignment`` has squared costs and a
penalty, so it is a peer for speed only. *Certified* searches prove the five best groups, over everything. What takes
dtaidistance minutes is measured on a part of the tracks and scaled by cells. All run in this process, by turns.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import librosa
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks import report
from tunekin_ranker.dtw import Clip, alignment_floors, exact_distances, row_floors
from tunekin_ranker.index import Index, Track
from tunekin_ranker.packed import pack
from tunekin_ranker.search import search

try:
    from dtaidistance.subsequence.dtw import subsequence_alignment
except ImportError:
    subsequence_alignment = None

__all__ = ["main", "measure", "synthesised"]

_COEFFICIENTS = 20
_CLIP_FRAMES, _TRACK_FRAMES, _SONG_FRAMES = 64, 320, 2_584
# Of real frames, standardised over all tracks: from the first coefficient to the last, evenly between. Real centres
# deviate by a sixth more, but real tracks lie closer together than independent coefficients do.
_CENTRE_DEVIATIONS = np.linspace(0.71, 0.4, _COEFFICIENTS)
_WITHIN_DEVIATIONS = np.linspace(0.55, 0.83, _COEFFICIENTS)
_LOG_SPREAD = 0.31
_CORRELATION = 0.66

_BRUTE_TRACKS, _PEER_TRACKS, _ROUNDS = 2_000, 50, 5
_QUERIES, _SLOW_QUERIES = 100, 5


def synthesised(count: int, *, length: int, seed: int) -> Iterator[NDArray[np.float16]]:
    """Make frames like those of real tracks.

    Parameters
    ----------
    count : int
        How many tracks.
    length : int
        Frames of each.
    seed : int
        Of the random numbers.

    Yields
    ------
    np.ndarray [shape=(length, 20), dtype=float16]
        Frames of one track.
    """
    rng = np.random.default_rng(seed)
    # One long stretch, cut anywhere, with coefficients exchanged and turned about, is as good as a new one.
    wander = rng.standard_normal((200_000 + length, _COEFFICIENTS), np.float32)
    for i in range(1, len(wander)):
        wander[i] = _CORRELATION * wander[i - 1] + (1 - _CORRELATION**2) ** 0.5 * wander[i]
    for _ in range(count):
        start = int(rng.integers(len(wander) - length))
        centre = rng.standard_normal(_COEFFICIENTS) * _CENTRE_DEVIATIONS
        deviations = (
            _WITHIN_DEVIATIONS * np.exp(_LOG_SPREAD * rng.standard_normal()) * rng.choice([-1, 1], _COEFFICIENTS)
        )
        part = wander[start : start + length, rng.permutation(_COEFFICIENTS)]
        yield (centre + deviations * part).astype(np.float16)


def measure(*, largest: int = 100_000) -> dict[str, float | None]:
    """Measure all figures.

    Parameters
    ----------
    largest : int
        Tracks of the largest catalogue, in whole thousands: 100,000 need 3 GB, and give the figures ending in ``100k``.

    Returns
    -------
    dict of str to float or None
        Figures by name; None where a peer is absent.
    """
    with threadpool_limits(limits=1):
        return {**_brute(), **_excerpts(), **_songs(), **_large(largest)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table and write ``ranker.json``.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line; that of the process by default.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ranker")
    parser.add_argument("--largest", type=int, default=100_000, help="tracks of the largest catalogue")
    figures = measure(largest=parser.parse_args(arguments).largest)
    report.show("ranker", figures)
    print(report.write("ranker", figures))


def _brute() -> dict[str, float | None]:
    """Measure million cells a second of each way to align a clip with every track."""
    tracks = list(synthesised(_BRUTE_TRACKS, length=_TRACK_FRAMES, seed=1))
    [frames] = synthesised(1, length=_CLIP_FRAMES, seed=2)
    packed, rows, clip = pack(tracks, coefficients=_COEFFICIENTS), np.arange(_BRUTE_TRACKS), Clip(frames)
    query = frames.astype(np.float64)
    peers = [np.ascontiguousarray(track, np.float64) for track in tracks[:_PEER_TRACKS]]

    def librosas() -> None:
        for track in peers:
            librosa.sequence.dtw(query.T, track.T, metric="euclidean", subseq=True, backtrack=False)

    def dtaidistances() -> None:
        for track in peers:
            subsequence_alignment(query, track, use_c=True).best_match()

    ways: dict[str, tuple[int, Callable[[], object]]] = {
        "float32": (_BRUTE_TRACKS, lambda: alignment_floors(clip, packed, rows)),
        "float64": (_BRUTE_TRACKS, lambda: exact_distances(clip, packed, rows)),
        "row_floors": (_BRUTE_TRACKS, lambda: row_floors(clip, packed, rows)),
        "librosa": (_PEER_TRACKS, librosas),
    }
    if subsequence_alignment is not None:
        ways["dtaidistance"] = (_PEER_TRACKS, dtaidistances)
    for _, run in ways.values():
        run()  # compiles
    best_s = dict.fromkeys(ways, np.inf)
    for _ in range(_ROUNDS):
        for name, (_, run) in ways.items():
            best_s[name] = min(best_s[name], _seconds(run))
    speeds = {name: count * _CLIP_FRAMES * _TRACK_FRAMES / best_s[name] / 1e6 for name, (count, _) in ways.items()}
    peer = speeds.get("dtaidistance")
    return {
        **{f"mcells_{name}": speed for name, speed in speeds.items()},
        "mcells_dtaidistance": peer,
        "ratio_dtaidistance_brute": None if peer is None else speeds["float32"] / peer,
        "ratio_librosa_brute": speeds["float32"] / speeds["librosa"],
    }


def _excerpts() -> dict[str, float | None]:
    """Measure certified searches in 10,000 tracks of 30 s."""
    index = Index.build(_tracks(10_000, length=_TRACK_FRAMES))
    clips = _clips(_QUERIES)
    times_s, share = _certified(index, clips)
    peer_s = None
    if subsequence_alignment is not None:
        part = [index.track_at(slot).frames.astype(np.float64, order="C") for slot in range(_PEER_TRACKS)]
        query = clips[0].frames
        peer_s = _seconds(lambda: [subsequence_alignment(query, track, use_c=True).best_match() for track in part])
        peer_s *= len(index) / _PEER_TRACKS
    one_s = _seconds(lambda: [search(index, clip, k=5) for clip in clips[:10]])
    with ThreadPoolExecutor(2) as pool:
        two_s = _seconds(lambda: list(pool.map(lambda clip: search(index, clip, k=5), clips[:10])))
    return {
        "certified_p50_ms_10k": float(np.median(times_s)) * 1e3,
        "certified_p99_ms_10k": float(np.quantile(times_s, 0.99)) * 1e3,
        "full_share_10k": share,
        "ratio_dtaidistance_certified_10k": None if peer_s is None else peer_s / float(np.median(times_s)),
        "threads_2": one_s / two_s,
        "shortlist_p50_ms_10k": float(
            np.median([_seconds(lambda clip=clip: search(index, clip, k=5, mode="shortlist")) for clip in clips])  # type: ignore[misc]
        )
        * 1e3,
    }


def _songs() -> dict[str, float | None]:
    """Measure certified searches in 10,000 whole songs."""
    times_s, _ = _certified(Index.build(_tracks(10_000, length=_SONG_FRAMES)), _clips(_SLOW_QUERIES))
    return {"certified_p50_ms_10k_240s": float(np.median(times_s)) * 1e3}


def _large(count: int) -> dict[str, float | None]:
    """Measure loading and certified searches where there are many tracks."""
    frames = np.empty((count, _TRACK_FRAMES, _COEFFICIENTS), np.float16)
    for i, track in enumerate(synthesised(count, length=_TRACK_FRAMES, seed=1)):
        frames[i] = track
    started_s = perf_counter()
    index = Index.build(Track(track_id=f"t{i}", frames=track, group=f"g{i // 3}") for i, track in enumerate(frames))
    load_s = perf_counter() - started_s
    del frames
    times_s, _ = _certified(index, _clips(_SLOW_QUERIES))
    size = f"{count // 1_000}k"
    return {
        f"certified_p50_ms_{size}": float(np.median(times_s)) * 1e3,
        f"snapshot_load_s_{size}": load_s,
        "bytes_per_track_30s": index.nbytes / len(index),
    }


def _tracks(count: int, *, length: int) -> Iterator[Track]:
    """Make a catalogue with three tracks of each artist."""
    for i, frames in enumerate(synthesised(count, length=length, seed=1)):
        yield Track(track_id=f"t{i}", frames=frames, group=f"g{i // 3}")


def _clips(count: int) -> list[Clip]:
    """Make clips of no track of the catalogue."""
    return [Clip(frames) for frames in synthesised(count, length=_CLIP_FRAMES, seed=2)]


def _certified(index: Index, clips: Sequence[Clip]) -> tuple[list[float], float]:
    """Measure the seconds of each search, and the mean share of the tracks that are compared in full."""
    search(index, clips[0], k=5)
    times_s, shares = [], []
    for clip in clips:
        started_s = perf_counter()
        found = search(index, clip, k=5)
        times_s.append(perf_counter() - started_s)
        shares.append(found.compared_in_full / found.candidates)
    return times_s, float(np.mean(shares))


def _seconds(run: Callable[[], object]) -> float:
    """Measure one run."""
    started_s = perf_counter()
    run()
    return perf_counter() - started_s


if __name__ == "__main__":
    main()
