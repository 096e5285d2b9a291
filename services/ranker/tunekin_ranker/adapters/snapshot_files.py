"""States of the catalogue in files that are mapped into memory rather than read.

A state is a folder: arrays as ``.npy`` files, and names, words and versions in msgpack. It is written under another
name, synchronised, and renamed, so that what has the right name is whole. Arrays are mapped: the operating system reads
what a search touches, and rankers of one machine share it.
"""

import os
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import structlog
from numpy.typing import NDArray

from tunekin.messages import Label
from tunekin_ranker.index import Index, Segment
from tunekin_ranker.packed import PackedFrames
from tunekin_ranker.sketches import Sketches
from tunekin_ranker.snapshot import Kept, Snapshot, TrackInfo

__all__ = ["SnapshotFiles"]

# One more whenever anything about the files, or what arrays mean, changes: older ones are then not used.
_FORMAT = 5
_PREFIX, _UNFINISHED = "snapshot-", "unfinished-"
# Three gigabytes to a slow disk.
_LONGEST_WRITING_S = 3_600.0
_SKETCHES = ("steps", "members", "lengths", "errors", "starts", "codes")


class _Names(msgspec.Struct, array_like=True):
    """What a segment knows of its tracks in words; a row for each."""

    track_ids: list[str]
    groups: list[str | None]
    tags: list[tuple[str, ...]]


class _Info(msgspec.Struct, array_like=True):
    """A track of the state: what an answer says of it, and when it was taken up."""

    track_id: str
    title: str
    artist: str
    album: str
    duration_s: float
    probabilities: bytes
    isrc: str
    musicbrainz_id: str
    updated_ms: int


class _Head(msgspec.Struct):
    """All of a state but arrays."""

    format: int
    feature_version: str
    model_version: str
    catalogue_version: int
    coefficients: int | None
    moods: list[Label]
    segments: list[_Names]
    infos: list[_Info]


class _Format(msgspec.Struct):
    """Of a head, what tells whether the rest can be read."""

    format: int


class SnapshotFiles:
    """Keeps the newest state of the catalogue in a folder; several processes may share it.

    What can't be read or written is logged, and as good as absent: the catalogue itself has everything.

    Parameters
    ----------
    folder : pathlib.Path
        Where states are kept; made if it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    def load(self, *, feature_version: str, model_version: str) -> Kept | None:
        """Map the newest state of these versions.

        Parameters
        ----------
        feature_version : str
            Feature version of the frames.
        model_version : str
            Mood model of the moods.

        Returns
        -------
        Kept or None
            None where there is none that can be used.
        """
        for folder in reversed(self._states()):
            try:
                kept = _read(folder)
            except (OSError, ValueError, msgspec.MsgspecError) as error:
                self._log.warning("snapshot.unreadable", folder=folder.name, error=f"{type(error).__name__}: {error}")
                continue
            if kept is None:
                continue
            if (kept.snapshot.feature_version, kept.snapshot.model_version) == (feature_version, model_version):
                return kept
        return None

    def save(self, kept: Kept) -> None:
        """Keep a state, and remove those before it.

        Parameters
        ----------
        kept : Kept
            The state.
        """
        unfinished = self._folder / f"{_UNFINISHED}{uuid.uuid4().hex}"
        older = [*self._abandoned(), *self._states()]
        try:
            unfinished.mkdir(parents=True)
            _write(unfinished, kept)
            states = self._states()
            number = int(states[-1].name.split("-")[1]) + 1 if states else 1
            unfinished.rename(self._folder / f"{_PREFIX}{number:012}-{uuid.uuid4().hex}")
        except OSError as error:
            self._log.warning("snapshot.not_kept", error=f"{type(error).__name__}: {error}")
            older = [unfinished]
        for folder in older:
            # Who has mapped its files keeps them.
            shutil.rmtree(folder, ignore_errors=True)

    def _abandoned(self) -> list[Path]:
        """Folders that somebody began to write and did not finish."""
        begun = time.time() - _LONGEST_WRITING_S
        return [folder for folder in self._folder.glob(f"{_UNFINISHED}*") if folder.stat().st_mtime < begun]

    def _states(self) -> list[Path]:
        """Folders of whole states, the newest last."""
        return sorted(self._folder.glob(f"{_PREFIX}*-*"))


def _write(folder: Path, kept: Kept) -> None:
    snapshot = kept.snapshot
    for number, (segment, alive) in enumerate(snapshot.index.parts):
        for name, array in _arrays(segment, alive):
            with (folder / f"{number}.{name}.npy").open("wb") as file:
                np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())
    head = _Head(
        format=_FORMAT,
        feature_version=snapshot.feature_version,
        model_version=snapshot.model_version,
        catalogue_version=snapshot.catalogue_version,
        coefficients=snapshot.index.coefficients,
        moods=list(snapshot.moods),
        segments=[
            _Names(list(segment.track_ids), list(segment.groups), list(segment.tags))
            for segment, _ in snapshot.index.parts
        ],
        infos=[
            _Info(
                track_id,
                info.title,
                info.artist,
                info.album,
                info.duration_s,
                np.asarray(info.probabilities, "<f4").tobytes(),
                info.isrc,
                info.musicbrainz_id,
                kept.updated_ms[track_id],
            )
            for track_id, info in snapshot.infos.items()
        ],
    )
    with (folder / "head.msgpack").open("wb") as file:
        file.write(msgspec.msgpack.encode(head))
        file.flush()
        os.fsync(file.fileno())


def _read(folder: Path) -> Kept | None:
    """Map a state; None where another version of this program wrote it."""
    encoded = (folder / "head.msgpack").read_bytes()
    if msgspec.msgpack.decode(encoded, type=_Format).format != _FORMAT:
        return None
    head = msgspec.msgpack.decode(encoded, type=_Head)
    parts = []
    for number, names in enumerate(head.segments):

        def array(name: str, number: int = number) -> NDArray[Any]:
            # A plain view of the mapping, which compiled loops know.
            return np.asarray(np.load(folder / f"{number}.{name}.npy", mmap_mode="r", allow_pickle=False))

        segment = Segment(
            frames=PackedFrames(bits=array("bits"), starts=array("track_starts"), coefficients=head.coefficients or 0),
            track_ids=tuple(names.track_ids),
            groups=tuple(names.groups),
            moods=array("moods"),
            years=array("years"),
            tempi=array("tempi"),
            tags=tuple(names.tags),
            views=array("views"),
            means=array("means"),
            sketches=Sketches(**{name: array(name) for name in _SKETCHES}),
        )
        parts.append((segment, array("alive")))
    snapshot = Snapshot(
        index=Index(head.coefficients, tuple(parts)),
        infos={
            info.track_id: TrackInfo(
                title=info.title,
                artist=info.artist,
                album=info.album,
                duration_s=info.duration_s,
                probabilities=np.frombuffer(info.probabilities, "<f4"),
                isrc=info.isrc,
                musicbrainz_id=info.musicbrainz_id,
            )
            for info in head.infos
        },
        moods=tuple(head.moods),
        feature_version=head.feature_version,
        model_version=head.model_version,
        catalogue_version=head.catalogue_version,
    )
    return Kept(snapshot=snapshot, updated_ms={info.track_id: info.updated_ms for info in head.infos})


def _arrays(segment: Segment, alive: NDArray[np.bool_]) -> Iterator[tuple[str, NDArray[np.generic]]]:
    yield "bits", segment.frames.bits
    yield "track_starts", segment.frames.starts
    yield "moods", segment.moods
    yield "years", segment.years
    yield "tempi", segment.tempi
    yield "views", segment.views
    yield "means", segment.means
    yield "alive", alive
    for name in _SKETCHES:
        yield name, getattr(segment.sketches, name)
