"""Floors of one clip's distances, kept while the same question is asked again.

A list without versions of one song, and the song that a clip turned out to be, take several searches of the same
catalogue with the same clip. The floors of sketches, nearly all of a search's time, are the same in each.
"""

import numpy as np
from numpy.typing import NDArray

from tunekin_ranker.crew import Crew
from tunekin_ranker.dtw import Clip
from tunekin_ranker.index import Index

__all__ = ["KeptFloors"]


class KeptFloors:
    """Remembers the floors of sketches for one clip and one state of the catalogue; other ones take their place.

    Belongs to one question, and to one thread.
    """

    def __init__(self) -> None:
        self._asked: tuple[Index, NDArray[np.float64]] | None = None
        self._floors = np.empty(0)
        self._cutoffs = np.empty(0)

    def of(
        self,
        index: Index,
        clip: Clip,
        slots: NDArray[np.int64],
        cutoffs: NDArray[np.float64],
        *,
        crew: Crew | None = None,
    ) -> NDArray[np.float64]:
        """Bound the distances of some of the tracks, as `Index.sketch_floors` does.

        Parameters
        ----------
        index : Index
            The tracks.
        clip : Clip
            The clip.
        slots : np.ndarray [shape=(count,), dtype=int64]
            Which tracks, each at most once.
        cutoffs : np.ndarray [shape=(count,), dtype=float64]
            Distance of each track above which its floor need not be close.
        crew : Crew, optional
            Threads to share the work; only this one by default.

        Returns
        -------
        np.ndarray [shape=(count,), dtype=float64]
            Floors of the exact distances: each close, or above its cutoff.
        """
        if self._asked is None or self._asked[0] is not index or not np.array_equal(self._asked[1], clip.frames):
            self._asked = index, clip.frames
            self._floors = np.full(index.slots, -np.inf)
            self._cutoffs = np.full(index.slots, -np.inf)
        held = self._floors[slots]
        # A floor above its cutoff may be far from close: no reason to be content once more is asked for.
        open_ = (held > self._cutoffs[slots]) & (held <= cutoffs) | np.isneginf(held)
        if open_.any():
            again = slots[open_]
            self._floors[again] = index.sketch_floors(clip, again, cutoffs[open_], crew=crew)
            self._cutoffs[again] = cutoffs[open_]
        floors: NDArray[np.float64] = self._floors[slots]
        return floors
