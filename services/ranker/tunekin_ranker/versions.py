"""Tell versions of one recording: another encoding, another edition, the same song on a compilation.

Two tracks are versions of one recording if they have an ISRC or a MusicBrainz recording id in common, or if cuts of the
one are identified in the other, by the measure that tells which song a clip is of (`tunekin_ranker.identify`). Live
recordings and covers are recordings of their own.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunekin.features import FEATURES, FeatureVersion
from tunekin_ranker.dtw import Clip, align
from tunekin_ranker.identify import identity_distance
from tunekin_ranker.kin import apart
from tunekin_ranker.words import LEAST_STRANGENESS, strangeness

__all__ = ["Candidate", "Heard", "are_versions", "recording_names"]

_CUT_S = 6.0
# Mean distance over the views beyond which frames need not be compared: halves of the development songs lie within 0.9
# of the whole, other encodings within 0.1.
_NEAR = 1.0
# Of this many cuts, spread over the shorter track, at least so many have to be identified in the other one: songs that
# share a sample or a jingle have one cut in common, and of an edit one may be missing.
_CUTS, _LEAST_CUTS = 3, 2


def _unheard() -> None:
    """Know no frames."""


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Candidate:
    """What versions are told by.

    Attributes
    ----------
    frames : callable
        Gives the track's frames, of shape (m, d), or None where there are none; asked only where they matter.
    recordings : frozenset of str
        Its ISRC and its MusicBrainz id, where they are known.
    views : np.ndarray [shape=(views_size,)] or None
        Its views; where both tracks have them, frames of tracks whose views are far apart are not compared.
    told_by : hashable or None
        Who has told already that it is no version of any other track that they have told of; unset where nobody has.
    """

    frames: Callable[[], NDArray[np.floating] | None] = _unheard
    recordings: frozenset[str] = frozenset()
    views: NDArray[np.floating] | None = None
    told_by: Hashable | None = None


def recording_names(*, isrc: str, musicbrainz_id: str) -> frozenset[str]:
    """Bring the names of a recording to one form.

    Parameters
    ----------
    isrc, musicbrainz_id : str
        Its International Standard Recording Code and its id at MusicBrainz; empty where unknown.

    Returns
    -------
    frozenset of str
        Those that are known.

    Examples
    --------
    >>> sorted(recording_names(isrc="kr-a38-17-01234", musicbrainz_id=""))
    ['isrc:KRA381701234']
    """
    names = {"isrc": isrc.replace("-", "").replace(" ", "").upper(), "musicbrainz": musicbrainz_id.strip().lower()}
    return frozenset(f"{kind}:{name}" for kind, name in names.items() if name)


def are_versions(one: Candidate, other: Candidate, *, version: FeatureVersion = FEATURES) -> bool:
    """Say whether two tracks are versions of one recording.

    Parameters
    ----------
    one, other : Candidate
        The tracks, in any order.
    version : FeatureVersion
        Of their frames.

    Returns
    -------
    bool
        Whether they are.
    """
    return Heard([other], version=version).place_of(one) is not None


def _is_within(one: NDArray[np.floating], other: NDArray[np.floating], version: FeatureVersion) -> bool:
    """Whether cuts of one track are identified in another."""
    length = min(round(_CUT_S / version.frame_s), len(one))
    starts = {round(place) for place in np.linspace(0, len(one) - length, _CUTS + 2)[1:-1].tolist()}
    missed = 0
    for start in sorted(starts):
        cut = Clip(one[start : start + length])
        limit = identity_distance(max(strangeness(cut.frames), LEAST_STRANGENESS))
        missed += align(cut, other).distance > limit
        if missed > _CUTS - _LEAST_CUTS:
            return False
    return missed < len(starts)


class Heard:
    """Tracks that stand in a list, to tell versions of them from what is new.

    Parameters
    ----------
    tracks : iterable of Candidate
        Those that stand there from the beginning.
    version : FeatureVersion
        Of their frames.
    """

    def __init__(self, tracks: Iterable[Candidate] = (), *, version: FeatureVersion = FEATURES) -> None:
        self._tracks = list(tracks)
        self._version = version

    def add(self, track: Candidate) -> None:
        """Put a track behind the others.

        Parameters
        ----------
        track : Candidate
            The track.
        """
        self._tracks.append(track)

    def place_of(self, track: Candidate) -> int | None:
        """Find the first track that another one is a version of.

        Parameters
        ----------
        track : Candidate
            The other one.

        Returns
        -------
        int or None
            Its place, from 0 on; None where there is none.
        """
        if not self._tracks:
            return None
        for place, (before, near) in enumerate(zip(self._tracks, self._near(track), strict=True)):
            if before.told_by is not None and before.told_by == track.told_by:
                continue
            if before.recordings & track.recordings or (near and self._sound_alike(track, before)):
                return place
        return None

    def _near(self, track: Candidate) -> list[bool]:
        """Whether the views of each lie near those of a track, or are not known."""
        own = track.views
        if own is None:
            return [True] * len(self._tracks)
        views = np.stack([own if before.views is None else before.views for before in self._tracks])
        distances = apart(own, views, version=self._version).values()
        return [bool(distance <= _NEAR) for distance in np.mean(list(distances), axis=0)]

    def _sound_alike(self, one: Candidate, other: Candidate) -> bool:
        first = one.frames()
        second = None if first is None else other.frames()
        if first is None or second is None:
            return False
        return _is_within(first, second, self._version) or _is_within(second, first, self._version)
