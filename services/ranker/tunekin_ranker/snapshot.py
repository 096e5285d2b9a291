"""One state of the catalogue, as the ranker answers from it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunekin.messages import Label
from tunekin_ranker.index import Index
from tunekin_ranker.taste import Song
from tunekin_ranker.versions import recording_names

__all__ = ["Kept", "Snapshot", "TrackInfo"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackInfo:
    """What an answer says of a track besides how alike it is.

    Attributes
    ----------
    title, artist, album : str
        Empty where unknown.
    duration_s : float
        Length of its sound.
    probabilities : np.ndarray [shape=(moods,), dtype=float32]
        Probability of each mood; empty where the model has not judged the track.
    isrc, musicbrainz_id : str
        Names of the recording; empty where unknown.
    """

    title: str
    artist: str
    album: str
    duration_s: float
    probabilities: NDArray[np.float32]
    isrc: str = ""
    musicbrainz_id: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Snapshot:
    """One state of the catalogue; never changes.

    Attributes
    ----------
    index : Index
        The tracks' frames, groups and moods.
    infos : mapping of str to TrackInfo
        Every track of the index by id.
    moods : tuple of Label
        Words for each mood, by number.
    feature_version : str
        Feature version of the frames.
    model_version : str
        Mood model of the moods.
    catalogue_version : int
        Version of the catalogue that this is.
    """

    index: Index
    infos: Mapping[str, TrackInfo]
    moods: tuple[Label, ...]
    feature_version: str
    model_version: str
    catalogue_version: int

    def songs(self, track_ids: Iterable[str]) -> dict[str, Song]:
        """Look songs up.

        Parameters
        ----------
        track_ids : iterable of str
            Their ids.

        Returns
        -------
        dict of str to Song
            By id; without those that are not held.
        """
        slots = {track_id: self.index.slot_of(track_id) for track_id in track_ids}
        return {track_id: self._song(track_id, slot) for track_id, slot in slots.items() if slot is not None}

    def _song(self, track_id: str, slot: int) -> Song:
        track, info = self.index.track_at(slot), self.infos[track_id]
        return Song(
            title=info.title,
            views=track.views,
            frames=lambda: track.frames,
            recordings=recording_names(isrc=info.isrc, musicbrainz_id=info.musicbrainz_id),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Kept:
    """A state of the catalogue, and what tells which tracks have changed since.

    Attributes
    ----------
    snapshot : Snapshot
        The state.
    updated_ms : mapping of str to int
        When each of its tracks was last taken up, as the catalogue says.
    """

    snapshot: Snapshot
    updated_ms: Mapping[str, int]
