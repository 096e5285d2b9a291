"""Entries to write."""

import numpy as np
from sqlalchemy import Engine, delete, update

from tunekin.catalogue.database import writing
from tunekin.catalogue.models import Base, StateRow
from tunekin.catalogue.records import Entry
from tunekin.features import frames_to_bytes
from tunekin.messages import Label, Track

N_MFCC = 20


def empty(engine: Engine) -> None:
    """Take all out of a catalogue, as if nothing had ever been in it."""
    with writing(engine) as connection:
        for table in reversed(Base.metadata.sorted_tables):
            if table is not StateRow.__table__:
                connection.execute(delete(table))
        connection.execute(update(StateRow).values(version=0))


def frames_of(count: int, *, seed: int = 0):
    return np.random.default_rng(seed).standard_normal((count, N_MFCC)).astype(np.float16)


def entry(
    track_id: str = "t1",
    *,
    frames=None,
    feature_version: str = "f1",
    summary: tuple[float, ...] = (1.0, 2.0, 3.0),
    model_version: str = "m1",
    probabilities: tuple[float, ...] = (0.25, 0.75),
    n_mfcc: int = N_MFCC,
    views: bytes = b"",
    **fields,
) -> Entry:
    return Entry(
        track=Track(track_id=track_id, **fields),
        feature_version=feature_version,
        frames=frames_to_bytes(frames_of(8) if frames is None else frames),
        summary=summary,
        model_version=model_version,
        probabilities=probabilities,
        n_mfcc=n_mfcc,
        views=views,
    )


def index_of(reader, *, feature_version: str = "f1", model_version: str = "m1", batch: int = 2):
    """All rows by track id, and the catalogue's version."""
    with reader.index_snapshot(feature_version=feature_version, model_version=model_version, batch=batch) as snapshot:
        rows = [row for rows in snapshot.batches for row in rows]
        assert len(rows) == snapshot.count
    return {row.track.track_id: row for row in rows}, snapshot.catalogue_version


class InWords:
    """A mood as a manifest has it."""

    def __init__(self, number: int, ko: str, en: str) -> None:
        self.id = number
        self.label = Label(ko=ko, en=en)
        self.description = Label(ko=f"{ko}.", en=f"{en}.")
