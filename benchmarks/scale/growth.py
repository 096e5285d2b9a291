"""What a growing catalogue costs: the time of a clip, a ranker's memory and start, the database's room.

The songs that are added are spliced of real ones (`benchmarks.spliced`), each with the views of one of them, moved at
random by as much as two thirds of what songs differ by: as far from each other as songs are, and none a version of
another.
"""

import itertools
import time
import uuid
from collections.abc import Iterator, Sequence

import numpy as np
from sqlalchemy import text

from benchmarks.scale.bench import Bench, Figures, say
from benchmarks.scale.load import one_by_one
from benchmarks.scale.usage import rss_mb
from benchmarks.spliced import Music
from tunekin.catalogue.database import open_engine, reading
from tunekin.catalogue.reader import CatalogueReader
from tunekin.catalogue.records import Entry, IndexRow
from tunekin.catalogue.writer import CatalogueWriter
from tunekin.features import FEATURES, frames_to_bytes, views_to_bytes
from tunekin.messages import Track

__all__ = ["growth"]

_BATCH = 200
_MOST = 1_000_000
# How far views are moved, in standard deviations over all songs.
_MOVED = 0.7
_ROOM = text(
    "SELECT SUM(data_length + index_length) FROM information_schema.tables WHERE table_schema = DATABASE()"
    " AND table_name IN ('tracks', 'track_features', 'track_moods')"
)


def growth(bench: Bench, sizes: Sequence[int]) -> Figures:
    """Measure the catalogue at some sizes, from small to large.

    Parameters
    ----------
    bench : Bench
        With a worker of each kind, and a catalogue of real songs.
    sizes : sequence of int
        Songs.

    Returns
    -------
    dict of str to float
        For each size: ``clip_p50_ms_10000_tracks`` and so on, ``ranker_mb_…``, ``ranker_start_s_…``, ``database_mb_…``.
    """
    figures: Figures = {}
    ranker = bench.stack.workers["rank"]
    engine = open_engine(bench.stack.variables["TUNEKIN_CATALOGUE_URL"])
    try:
        reader, writer = CatalogueReader(engine), CatalogueWriter(engine, clock=time.time)
        versions = reader.model_versions()
        model = max(versions, key=lambda version: versions[version])
        with reader.index_snapshot(feature_version=FEATURES.name, model_version=model) as snapshot:
            rows = list(itertools.chain.from_iterable(snapshot.batches))
        entries = _entries(rows, model)
        count = len(rows)
        for size in sizes:
            say(f"{size} songs")
            ranker.stop()
            while count < size:
                batch = list(itertools.islice(entries, min(_BATCH, size - count)))
                writer.upsert(batch)
                count += len(batch)
            began_s = time.perf_counter()
            bench.start([ranker])
            figures[f"ranker_start_s_{size}_tracks"] = time.perf_counter() - began_s
            figures |= one_by_one(bench, suffix=f"{size}_tracks")
            figures[f"ranker_mb_{size}_tracks"] = rss_mb(ranker.pid or 0)
            figures[f"frames_mean_{size}_tracks"] = float(np.mean([len(row.frames) for row in rows]))
            with reading(engine) as connection:
                connection.execute(text("ANALYZE TABLE tracks, track_features, track_moods")).all()
                figures[f"database_mb_{size}_tracks"] = float(connection.execute(_ROOM).scalar_one()) / 2**20
    finally:
        engine.dispose()
    return figures


def _entries(rows: Sequence[IndexRow], model: str) -> Iterator[Entry]:
    chance = np.random.default_rng(0)
    music = Music(sources=[row.frames for row in rows], held_out=())
    length = round(float(np.mean([len(row.frames) for row in rows])))
    views = np.array([row.views for row in rows], np.float32)
    # How far each view reaches is not moved: it is a length.
    deviations = _MOVED * views.std(axis=0)
    deviations[-len(FEATURES.views) :] = 0
    for spliced in music.tracks(_MOST, length=length):
        number = int(chance.integers(len(rows)))
        name = uuid.uuid4().hex
        yield Entry(
            track=Track(
                track_id=name,
                title=f"Made {name}",
                artist=f"Nobody {name}",
                duration_s=length * FEATURES.frame_s,
                content_sha256=name.ljust(64, "0"),
            ),
            feature_version=FEATURES.name,
            frames=frames_to_bytes(spliced.frames),
            summary=chance.normal(size=FEATURES.summary_size).tolist(),
            model_version=model,
            probabilities=rows[number].probabilities.tolist(),
            views=views_to_bytes((views[number] + chance.normal(size=deviations.size) * deviations).astype(np.float16)),
        )
