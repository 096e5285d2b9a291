"""Snapshots of the catalogue that follow its changes."""

import dataclasses
import functools
from collections.abc import Collection, Iterable, Iterator
from itertools import chain

import numpy as np
import structlog

from tunekin.catalogue.reader import CatalogueReader
from tunekin.catalogue.records import IndexRow
from tunekin.features import FEATURES, FeatureVersion
from tunekin.filters import tag_key
from tunekin.messages import CatalogueChange, Label
from tunekin_ranker.adapters.catalogue_frames import CatalogueFrames
from tunekin_ranker.adapters.snapshot_files import SnapshotFiles
from tunekin_ranker.index import Index, Track
from tunekin_ranker.shard import WHOLE, Shard
from tunekin_ranker.snapshot import Kept, Snapshot, TrackInfo
from tunekin_ranker.taste import Song
from tunekin_ranker.versions import recording_names

__all__ = ["CatalogueSnapshots"]

# Of two changes of a track in one millisecond a state may hold the first, and its time does not tell. What was taken up
# in the last minute of a state is therefore read again, so that writers' clocks may be a minute apart.
_UNSETTLED_MS = 60_000
# With a greater share of changed tracks the whole catalogue is read: in batches, so that memory stays bounded.
_LARGEST_CATCH_UP = 0.2
# From this share on a new state is worth writing down.
_WORTH_KEEPING = 0.01
# Songs of other shards that are remembered: what listeners like, at some hundred bytes each.
_MOST_ELSEWHERE = 20_000


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
    files : SnapshotFiles, optional
        Where states are kept, so that the next start reads only what has changed since; nowhere by default.
    shard : Shard
        Part of the catalogue to hold; all of it by default.
    """

    def __init__(
        self,
        reader: CatalogueReader,
        *,
        model_version: str,
        version: FeatureVersion = FEATURES,
        files: SnapshotFiles | None = None,
        shard: Shard = WHOLE,
    ) -> None:
        self._reader = reader
        self._model_version = model_version
        self._version = version
        self._files = files
        self._shard = shard
        self._kept: Kept | None = None
        self._before: Kept | None = None
        self._elsewhere: dict[str, Song | None] = {}
        self._frames = CatalogueFrames(reader, version=version)
        self._loaded_version = 0
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

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
        if self._kept is None:
            self._kept = self._started()
        if model_version in {None, self._model_version}:
            return self._kept.snapshot
        if self._before is not None and self._before.snapshot.model_version == model_version:
            return self._before.snapshot
        moods = self._moods(model_version or "")
        if not moods:
            return self._kept.snapshot
        self._before, self._kept = self._kept, self._judged_by(self._kept, model_version or "", moods)
        self._model_version = self._kept.snapshot.model_version
        return self._kept.snapshot

    def refresh(self) -> None:
        """Take up what has changed behind our back.

        Raises
        ------
        DependencyError
            The catalogue can't be read.
        """
        if self._kept is not None and self._reader.version() != self._kept.snapshot.catalogue_version:
            self._kept, self._before = self._caught_up(self._kept)[0], None
            self._elsewhere.clear()
            self._frames.forget()

    def songs_elsewhere(self, track_ids: Collection[str]) -> dict[str, Song]:
        """Look songs of other shards up in the catalogue, once.

        Parameters
        ----------
        track_ids : collection of str
            Ids of songs, wherever they are held.

        Returns
        -------
        dict of str to Song
            Those of other shards by id; without those that the catalogue does not hold, or not in this feature version.
            Frames are read when they are asked for.

        Raises
        ------
        DependencyError
            A song is not known yet, and the catalogue can't be read.
        """
        elsewhere = [track_id for track_id in track_ids if not self._shard.holds(track_id)]
        unknown = [track_id for track_id in elsewhere if track_id not in self._elsewhere]
        if unknown:
            if len(self._elsewhere) > _MOST_ELSEWHERE:
                self._elsewhere.clear()
                unknown = elsewhere
            rows = self._reader.views_of(unknown, feature_version=self._version.name)
            found = {
                row.track_id: Song(
                    title=row.title,
                    views=row.views,
                    frames=functools.partial(self._frames, row.track_id),
                    recordings=recording_names(isrc=row.isrc, musicbrainz_id=row.musicbrainz_id),
                )
                for row in rows
            }
            # That there is none is remembered as well, until it is said to have changed.
            self._elsewhere |= {track_id: found.get(track_id) for track_id in unknown}
        return {track_id: song for track_id in elsewhere if (song := self._elsewhere[track_id]) is not None}

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
        self._elsewhere.pop(change.track_id, None)
        self._frames.apply(change)
        kept = self._kept
        if kept is None or change.catalogue_version <= self._loaded_version:
            return
        changed = self._changed(kept, change)
        self._before = self._before and self._changed(self._before, change)
        self._kept = changed

    def _changed(self, kept: Kept, change: CatalogueChange) -> Kept:
        """Make the next state after one."""
        held = kept.snapshot
        catalogue_version = max(held.catalogue_version, change.catalogue_version)
        if not self._shard.holds(change.track_id):
            return dataclasses.replace(kept, snapshot=dataclasses.replace(held, catalogue_version=catalogue_version))
        return self._with_rows(
            kept, changed=[change.track_id], removed=[], moods=held.moods, catalogue_version=catalogue_version
        )

    def _judged_by(self, kept: Kept, model_version: str, moods: tuple[Label, ...]) -> Kept:
        """Make the state with the moods of another model; the frames are those that are held."""
        judged = self._reader.probabilities(model_version)
        nothing = np.zeros(0, np.float32)
        held = kept.snapshot
        snapshot = dataclasses.replace(
            held,
            index=held.index.with_moods({track_id: int(row.argmax()) for track_id, row in judged.items()}),
            infos={
                track_id: dataclasses.replace(info, probabilities=judged.get(track_id, nothing))
                for track_id, info in held.infos.items()
            },
            moods=moods,
            model_version=model_version,
        )
        return Kept(snapshot=snapshot, updated_ms=kept.updated_ms)

    def _started(self) -> Kept:
        """Begin with the state that was kept, or with nothing."""
        files = self._files
        found = (
            None if files is None else files.load(feature_version=self._version.name, model_version=self._model_version)
        )
        kept, changed = (self._loaded(), None) if found is None else self._caught_up(found)
        tracks = len(kept.snapshot.index)
        self._log.info("catalogue.loaded", tracks=tracks, read=tracks if changed is None else changed)
        if files is not None and (changed is None or changed > _WORTH_KEEPING * tracks):
            files.save(kept)
        return kept

    def _caught_up(self, kept: Kept) -> tuple[Kept, int | None]:
        """Bring a state up to date; also say how many tracks were read for that, None for all."""
        catalogue_version, updates = self._reader.index_updates(feature_version=self._version.name)
        updated_ms = {track_id: when_ms for track_id, when_ms in updates.items() if self._shard.holds(track_id)}
        settled_ms = max(kept.updated_ms.values(), default=0) - _UNSETTLED_MS
        changed = [
            track_id
            for track_id, when_ms in updated_ms.items()
            if when_ms > settled_ms or kept.updated_ms.get(track_id) != when_ms
        ]
        if len(changed) > _LARGEST_CATCH_UP * len(updated_ms):
            return self._loaded(), None
        removed = kept.updated_ms.keys() - updated_ms.keys()
        self._loaded_version = catalogue_version
        caught_up = self._with_rows(
            kept,
            changed=changed,
            removed=removed,
            moods=self._moods(self._model_version),
            catalogue_version=catalogue_version,
        )
        return caught_up, len(changed) + len(removed)

    def _with_rows(
        self,
        kept: Kept,
        *,
        changed: Collection[str],
        removed: Collection[str],
        moods: tuple[Label, ...],
        catalogue_version: int,
    ) -> Kept:
        """Read some tracks as they are now, and leave others out."""
        held = kept.snapshot
        rows = self._reader.index_rows(changed, feature_version=self._version.name, model_version=held.model_version)
        infos, updated_ms = dict(held.infos), dict(kept.updated_ms)
        for track_id in (*changed, *removed):
            infos.pop(track_id, None)
            updated_ms.pop(track_id, None)
        index = held.index.with_changes(
            upserts=map(_track, _noted(rows, infos, updated_ms)), removals=[*changed, *removed]
        )
        snapshot = dataclasses.replace(held, index=index, infos=infos, moods=moods, catalogue_version=catalogue_version)
        return Kept(snapshot=snapshot, updated_ms=updated_ms)

    def _loaded(self) -> Kept:
        """Read the whole catalogue."""
        moods = self._moods(self._model_version)
        with self._reader.index_snapshot(
            feature_version=self._version.name, model_version=self._model_version, holds=self._shard.holds
        ) as read:
            infos: dict[str, TrackInfo] = {}
            updated_ms: dict[str, int] = {}
            index = Index.build(map(_track, _noted(chain.from_iterable(read.batches), infos, updated_ms)))
            self._loaded_version = read.catalogue_version
            snapshot = Snapshot(
                index=index,
                infos=infos,
                moods=moods,
                feature_version=self._version.name,
                model_version=self._model_version,
                catalogue_version=read.catalogue_version,
            )
            return Kept(snapshot=snapshot, updated_ms=updated_ms)

    def _moods(self, model_version: str) -> tuple[Label, ...]:
        return tuple(mood.label for mood in self._reader.moods(model_version))


def _noted(rows: Iterable[IndexRow], infos: dict[str, TrackInfo], updated_ms: dict[str, int]) -> Iterator[IndexRow]:
    """Pass rows on, and keep what else is known of their tracks: one reading serves both."""
    for row in rows:
        infos[row.track.track_id] = _info(row)
        updated_ms[row.track.track_id] = row.updated_ms
        yield row


def _track(row: IndexRow) -> Track:
    # An unknown artist is nobody in particular: such tracks share no place.
    return Track(
        track_id=row.track.track_id,
        frames=row.frames,
        views=row.views,
        group=row.track.artist.casefold() or None,
        mood=row.mood,
        year=row.track.year or None,
        tempo_bpm=row.tempo_bpm,
        tags=tuple(map(tag_key, row.track.tags)),
    )


def _info(row: IndexRow) -> TrackInfo:
    track = row.track
    return TrackInfo(
        title=track.title,
        artist=track.artist,
        album=track.album,
        duration_s=track.duration_s,
        probabilities=row.probabilities,
        isrc=track.isrc,
        musicbrainz_id=track.musicbrainz_id,
    )
