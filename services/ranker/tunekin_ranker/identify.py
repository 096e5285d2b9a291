"""Tell "this is that very song" from "this sounds like it".

A clip of a song lies far nearer to that song than to anything else, but how near depends on the music: a drone aligns
with many songs almost as well as with its own, a busy passage not perfectly even with itself. So the distance is
compared with those of the clip's other neighbours: a track is the very recording when its distance is a fraction of
theirs. Copies of one recording are near alike, so the neighbour to compare with is not the next one but the fifth.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import islice

from tunekin_ranker.search import Hit

__all__ = ["CEILING", "REFERENCE_PLACE", "tell_apart"]

# Own songs lie below 2.3, clean or with noise 20 dB below the music; 3 % of random pairs do as well.
CEILING = 2.5
# Of 1,000 clips of the development music, clean or noisy, 99 % lie below 0.58 of their fifth other neighbour, and one
# above 0.68. Of the same clips without their own songs, 1 in 200 has any track below 0.8.
_RATIO = 0.7
# Four copies of a recording, under other names, still leave a fifth neighbour to compare with.
REFERENCE_PLACE = 5
# In a catalogue too small for a fifth neighbour; 1 clip in 200 has a stranger as near.
_ALONE = 1.24


def tell_apart(
    near: tuple[Hit, ...], far: tuple[Hit, ...], *, k: int, group_of: Callable[[str], Hashable]
) -> tuple[tuple[Hit, ...], tuple[Hit, ...]]:
    """Split what a search found into copies of the very recording and matches.

    1. The reference is the distance of the fifth best group after the best.
    2. Of the tracks within `CEILING`, those within a fraction of the reference are the very recording.
    3. All others compete for the places, one a group.

    Parameters
    ----------
    near : tuple of Hit
        All tracks within `CEILING`, best first.
    far : tuple of Hit
        The best tracks beyond it, one a group, at least ``max(k, REFERENCE_PLACE + 1)`` where there are so many groups.
    k : int
        Matches wanted.
    group_of : callable
        From a track's id to its group.

    Returns
    -------
    recordings : tuple of Hit
        The very recording and its copies, best first.
    matches : tuple of Hit
        The `k` best of all others, one a group.
    """
    # Step 1
    bests = list(islice(_one_a_group((*near, *far), group_of), REFERENCE_PLACE + 1))
    threshold = _RATIO * bests[REFERENCE_PLACE].distance if len(bests) > REFERENCE_PLACE else _ALONE
    # Step 2
    recordings = tuple(hit for hit in near if hit.distance <= threshold)
    # Step 3
    others = (*near[len(recordings) :], *far)
    return recordings, tuple(islice(_one_a_group(others, group_of), k))


def _one_a_group(hits: Iterable[Hit], group_of: Callable[[str], Hashable]) -> Iterator[Hit]:
    """Pass on the first hit of each group."""
    seen: set[Hashable] = set()
    for hit in hits:
        group = group_of(hit.track_id)
        if group not in seen:
            seen.add(group)
            yield hit
