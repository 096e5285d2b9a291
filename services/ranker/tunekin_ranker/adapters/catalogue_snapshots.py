"""Snapshots of the catalogue that follow its changes."""

import dataclasses
from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np

from tunekin.catalogue.reader import CatalogueReader
from tunekin.catalogue.records import IndexRow
from tunekin.features import FEATURES, FeatureVersion
from tunekin.messages import CatalogueChange, Label
from tunekin_ranker.index import Index, Track
from tunekin_ranker.snapshot import Snapshot, TrackInfo

__all__ = ["CatalogueSnapshots"]


class CatalogueSnapshots:
    """The newest state of the catalogue, held in memory; used by one thread.

    Parameters
    ----------
    reader : CatalogueReader
        The catalogue; reading is all that this does with it.
    model_version : str
        Mood model whose moods are in use, until a clip comes that another one has judged.
    version : FeatureVersion
        Feature version whose frames are in use.
    """

    def __init__(self, reader: CatalogueReader, *, model_version: str, version: FeatureVersion = FEATURES) -> None:
        self._reader = reader
        self._model_version = model_version
        self._version = version
        self._snapshot: Snapshot | None = None
        self._before: Snapshot | None = None
        self._loaded_version = 0

    def current(self, model_version: str | None = None) -> Snapshot:
        """Return the newest state; loads the catalogue the first time, and the moods of a model the first time.

        Parameters
        ----------
        model_version : str or None
            Mood model whose moods it should have. One that the catalogue knows is in use from then on; that before it
            stays at hand, since clips that it has judged may still be on their way.

        Returns
        -------
        Snapshot
            Never changes; hold on to it for one query. With the moods of the model in use where none is given, or the
            catalogue does not know it.

        Raises
        ------
        DependencyError
            The catalogue can't be read, and has not been before.
        """
        if self._snapshot is None:
            self._snapshot = self._load()
        if model_version in {None, self._model_version}:
            return self._snapshot
        if self._before is not None and self._before.model_version == model_version:
            return self._before
        moods = tuple(mood.label for mood in self._reader.moods(model_version or ""))
        if not moods:
            return self._snapshot
        self._before, self._snapshot = self._snapshot, self._judged_by(model_version or "", moods)
        self._model_version = self._snapshot.model_version
        return self._snapshot

    def refresh(self) -> None:
        """Load the catalogue anew if it has changed behind our back.

        Raises
        ------
        DependencyError
            The catalogue can't be read.
        """
        if self._snapshot is not None and self._reader.version() != self._snapshot.catalogue_version:
            self._snapshot, self._before = self._load(), None

    def apply(self, change: CatalogueChange) -> None:
        """Take a change up.

        Parameters
        ----------
        change : CatalogueChange
            Which track changed, and from which version of the catalogue on. Changes may come repeated and, from several
            writers, out of order: the track is read as it is now. Only what the last full load has seen is passed over.

        Raises
        ------
        DependencyError
            The catalogue can't be read; the change has to come again.
        """
        held = self._snapshot
        if held is None or change.catalogue_version <= self._loaded_version:
            return
        changed = self._changed(held, change)
        self._before = self._before and self._changed(self._before, change)
        self._snapshot = changed

    def _changed(self, held: Snapshot, change: CatalogueChange) -> Snapshot:
        """Make the next state after one."""
        rows = self._reader.index_rows(
            [change.track_id], feature_version=self._version.name, model_version=held.model_version
        )
        infos = dict(held.infos)
        infos.pop(change.track_id, None)
        infos.update(_infos(rows))
        return Snapshot(
            index=held.index.with_changes(upserts=_tracks(rows), removals=[change.track_id]),
            infos=infos,
            moods=held.moods,
            feature_version=held.feature_version,
            model_version=held.model_version,
            catalogue_version=max(held.catalogue_version, change.catalogue_version),
        )

    def _judged_by(self, model_version: str, moods: tuple[Label, ...]) -> Snapshot:
        """Make the state with the moods of another model; the frames are those that are held."""
        held = self.current()
        judged = self._reader.probabilities(model_version)
        nothing = np.zeros(0, np.float32)
        return Snapshot(
            index=held.index.with_moods({track_id: int(row.argmax()) for track_id, row in judged.items()}),
            infos={
                track_id: dataclasses.replace(info, probabilities=judged.get(track_id, nothing))
                for track_id, info in held.infos.items()
            },
            moods=moods,
            feature_version=held.feature_version,
            model_version=model_version,
            catalogue_version=held.catalogue_version,
        )

    def _load(self) -> Snapshot:
        moods = tuple(mood.label for mood in self._reader.moods(self._model_version))
        with self._reader.index_snapshot(feature_version=self._version.name, model_version=self._model_version) as read:
            infos: dict[str, TrackInfo] = {}
            index = Index.build(_tracks(_noted(chain.from_iterable(read.batches), infos)))
            self._loaded_version = read.catalogue_version
            return Snapshot(
                index=index,
                infos=infos,
                moods=moods,
                feature_version=self._version.name,
                model_version=self._model_version,
                catalogue_version=read.catalogue_version,
            )


def _noted(rows: Iterable[IndexRow], infos: dict[str, TrackInfo]) -> Iterator[IndexRow]:
    """Pass rows on, and keep what an answer says of their tracks: one reading serves both."""
    for row in rows:
        infos.update(_infos([row]))
        yield row


def _tracks(rows: Iterable[IndexRow]) -> Iterator[Track]:
    for row in rows:
        # An unknown artist is nobody in particular: such tracks share no place.
        yield Track(
            track_id=row.track.track_id, frames=row.frames, group=row.track.artist.casefold() or None, mood=row.mood
        )


def _infos(rows: Iterable[IndexRow]) -> Iterator[tuple[str, TrackInfo]]:
    for row in rows:
        track = row.track
        yield (
            track.track_id,
            TrackInfo(
                title=track.title,
                artist=track.artist,
                album=track.album,
                duration_s=track.duration_s,
                probabilities=row.probabilities,
            ),
        )
