"""Tell versions of one recording: another encoding, another edition, the same song on a compilation.

Two tracks are versions of one recording if they have an ISRC or a MusicBrainz recording id in common, or if cuts of the
one are identified in the other, by the measure that tells which song a clip is of (`tunekin_ranker.identify`). Live
recordings and covers are recordings of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunekin.features import FEATURES, FeatureVersion
from tunekin_ranker.dtw import Clip, align
from tunekin_ranker.identify import identity_distance
from tunekin_ranker.kin import apart
from tunekin_ranker.words import LEAST_STRANGENESS, strangeness

__all__ = ["Candidate", "are_versions", "recording_names", "repeats"]

_CUT_S = 6.0
# Mean distance over the views beyond which frames need not be compared: halves of the development songs lie within 0.9
# of the whole, other encodings within 0.1.
_NEAR = 1.0
# Of this many cuts, spread over the shorter track, at least so many have to be identified in the other one: songs that
# share a sample or a jingle have one cut in common, and of an edit one may be missing.
_CUTS, _LEAST_CUTS = 3, 2


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Candidate:
    """What versions are told by.

    Attributes
    ----------
    frames : np.ndarray [shape=(m, d)]
        Frames of the track.
    recordings : frozenset of str
        Its ISRC and its MusicBrainz id, where they are known.
    views : np.ndarray [shape=(views_size,)] or None
        Its views; where both tracks have them, frames of tracks whose views are far apart are not compared.
    """

    frames: NDArray[np.floating]
    recordings: frozenset[str] = frozenset()
    views: NDArray[np.floating] | None = None


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
    if one.recordings & other.recordings:
        return True
    if not _may_be_versions(one, other, version):
        return False
    return _is_within(one, other, version) or _is_within(other, one, version)


def _may_be_versions(one: Candidate, other: Candidate, version: FeatureVersion) -> bool:
    """Whether the views of two tracks lie near each other, or are not known."""
    if one.views is None or other.views is None:
        return True
    distances = apart(one.views, other.views[np.newaxis], version=version).values()
    return bool(np.mean(list(distances)) <= _NEAR)


def _is_within(one: Candidate, other: Candidate, version: FeatureVersion) -> bool:
    """Whether cuts of one track are identified in another."""
    length = min(round(_CUT_S / version.frame_s), len(one.frames))
    starts = {round(place) for place in np.linspace(0, len(one.frames) - length, _CUTS + 2)[1:-1].tolist()}
    missed = 0
    for start in sorted(starts):
        cut = Clip(one.frames[start : start + length])
        limit = identity_distance(max(strangeness(cut.frames), LEAST_STRANGENESS))
        missed += align(cut, other.frames).distance > limit
        if missed > _CUTS - _LEAST_CUTS:
            return False
    return missed < len(starts)


def repeats(
    candidates: Sequence[Candidate], *, known: Sequence[Candidate] = (), version: FeatureVersion = FEATURES
) -> list[int]:
    """Find the tracks of a list that are versions of what stands before them.

    Parameters
    ----------
    candidates : sequence of Candidate
        Tracks, best first.
    known : sequence of Candidate
        Tracks that stand before all of them.
    version : FeatureVersion
        Of their frames.

    Returns
    -------
    list of int
        Their places, rising.
    """
    kept, found = list(known), []
    for place, candidate in enumerate(candidates):
        if any(are_versions(candidate, before, version=version) for before in kept):
            found.append(place)
        else:
            kept.append(candidate)
    return found
