"""A way from one song to another by songs that lie between them."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tunekin_ranker import kin
from tunekin_ranker.similarity import similarity

__all__ = ["Path"]

_VIEWS: Mapping[str, float] = {name: weight for name, weight in kin.WEIGHTS.items() if name != kin.MOMENT}


class Path:
    """Distances of every song from both ends.

    A song lies between the ends, at the share ``t`` of the way, where its distance from the start is small for ``t``
    and that from the end small for ``1 - t``: the larger of ``start / t`` and ``end / (1 - t)`` is what is made small.
    On the straight line between them it is the distance of the ends, and nowhere less.

    Parameters
    ----------
    views : np.ndarray [shape=(n, views_size)]
        Views of every song.
    start, end : int
        Which are the ends.
    """

    def __init__(self, views: NDArray[np.floating], *, start: int, end: int) -> None:
        self._ends = start, end
        self._from_start = _distances(views[start], views)
        self._from_end = _distances(views[end], views)

    def songs(self, count: int) -> list[int]:
        """Choose the songs of the way.

        Parameters
        ----------
        count : int
            Most songs, both ends among them; 2 or more.

        Returns
        -------
        list of int
            The start, what lies between, the end; none twice. One song where the ends are the same.
        """
        start, end = self._ends
        if start == end:
            return [start]
        free = np.ones(len(self._from_start), dtype=np.bool_)
        free[[start, end]] = False
        between: list[int] = []
        length = min(count, len(free))
        for step in range(1, length - 1):
            share = step / (length - 1)
            detour = np.where(free, np.maximum(self._from_start / share, self._from_end / (1 - share)), np.inf)
            chosen = int(np.argmin(detour))
            free[chosen] = False
            between.append(chosen)
        # What was nearest to a place need not have kept to the order of the places.
        between.sort(key=self._progress)
        return [start, *between, end]

    def similarity(self, song: int) -> float:
        """Say how alike a song and the start are.

        Parameters
        ----------
        song : int
            Which song.

        Returns
        -------
        float
            0 to 1; 1 for the start itself.
        """
        return similarity(float(self._from_start[song]))

    def _progress(self, song: int) -> float:
        gone, left = float(self._from_start[song]), float(self._from_end[song])
        return gone / (gone + left) if gone + left else 0.0


def _distances(views: NDArray[np.floating], songs: NDArray[np.floating]) -> NDArray[np.float64]:
    """Kinship distance of songs; as that of answers, but for the moment, which whole songs do not have."""
    apart = kin.apart(views, songs)
    total = sum(_VIEWS[name] * distance for name, distance in apart.items())
    return np.asarray(total, np.float64) / sum(_VIEWS.values())
