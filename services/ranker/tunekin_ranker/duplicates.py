"""Find the tracks of a catalogue that are one recording, such as in several encodings.

Two steps, since frames of all tracks are far too many to be compared: views, which hardly change with the encoding,
propose pairs; the measure that tells versions of one recording (`tunekin_ranker.versions`) decides. A pair has to be of
about the same length, too: a song within a mix is no duplicate of the mix.
"""

import functools
from collections.abc import Callable, Collection, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from tunekin.features import FEATURES, FeatureVersion
from tunekin_ranker.kin import apart
from tunekin_ranker.versions import Candidate, are_versions

__all__ = ["NEAR", "alike_in_sound", "groups", "near_pairs"]

# Mean distance over the views, in which 1 is as near as the nearest twentieth of all music. Songs of the development
# music encoded anew, as MP3, AAC and Opus of 32 to 192 kbit/s, lie within 0.41 of each other; see docs/quality.md.
NEAR = 0.6
# Encoders add silence; players count differently.
_LENGTH_S, _LENGTH_SHARE = 5.0, 0.05


def near_pairs(
    views: NDArray[np.floating],
    *,
    of: Collection[int] | None = None,
    version: FeatureVersion = FEATURES,
) -> Iterator[tuple[int, int]]:
    """Propose pairs by their views; takes time with the square of the number of tracks, a microsecond a pair.

    Parameters
    ----------
    views : np.ndarray [shape=(tracks, views_size)]
        Views of all tracks.
    of : collection of int, optional
        Rows of which at least one is in every pair; all by default.
    version : FeatureVersion
        Orders the views.

    Yields
    ------
    tuple of (int, int)
        Rows, the smaller one first; each pair once.
    """
    wanted = range(len(views)) if of is None else sorted(of)
    seen = set() if of is None else set(wanted)
    for row in wanted:
        distances = np.mean(list(apart(views[row], views, version=version).values()), axis=0)
        for other in np.flatnonzero(distances <= NEAR).tolist():
            # A pair of two rows that are both wanted is met twice.
            if other > row or (other < row and of is not None and other not in seen):
                yield min(row, other), max(row, other)


def alike_in_sound(
    pairs: Iterable[tuple[str, str]],
    *,
    length_s: Callable[[str], float],
    frames: Callable[[str], NDArray[np.floating]],
    version: FeatureVersion = FEATURES,
) -> Iterator[tuple[str, str]]:
    """Keep the pairs that are one recording.

    Parameters
    ----------
    pairs : iterable of (str, str)
        Ids of tracks.
    length_s : callable
        Length of a track in seconds.
    frames : callable
        Frames of a track; asked in the order of the pairs.
    version : FeatureVersion
        Of the frames.

    Yields
    ------
    tuple of (str, str)
        Those pairs.
    """
    for one, other in pairs:
        lengths = length_s(one), length_s(other)
        if abs(lengths[0] - lengths[1]) > max(_LENGTH_S, _LENGTH_SHARE * max(lengths)):
            continue
        first, second = (Candidate(frames=functools.partial(frames, track_id)) for track_id in (one, other))
        if are_versions(first, second, version=version):
            yield one, other


def groups(pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Put pairs together: who is paired with somebody is in the group of everybody that one is paired with.

    Parameters
    ----------
    pairs : iterable of (str, str)
        The pairs.

    Returns
    -------
    list of list of str
        Groups of two and more, each in order, and in the order of their first.

    Examples
    --------
    >>> groups([("a", "c"), ("d", "e"), ("c", "b")])
    [['a', 'b', 'c'], ['d', 'e']]
    """
    group: dict[str, list[str]] = {}
    for one, other in pairs:
        ours, theirs = group.setdefault(one, [one]), group.setdefault(other, [other])
        if ours is not theirs:
            ours.extend(theirs)
            group.update(dict.fromkeys(theirs, ours))
    return sorted(sorted(members) for members in {id(members): members for members in group.values()}.values())
