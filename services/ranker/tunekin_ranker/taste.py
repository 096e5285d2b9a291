"""What a listener likes and dislikes shifts which songs come first, by the sound of those songs alone.

Every song gets a *shift*, which is added to its score (the less the better): the less, the nearer it is to the nearest
song that the listener likes, and the more, the nearer it is to the nearest one that they dislike. How near is the
weighted mean over the views of `tunekin_ranker.kin`, without the moment. Beyond a cap nothing is near, so a shift is
bounded: taste decides among songs that are about equally like the clip, and never brings one that is not.

How many people like a song is nowhere in it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from tunekin.features import FEATURES, FeatureVersion
from tunekin.messages import ClipOptions
from tunekin_ranker import kin
from tunekin_ranker.crew import Crew
from tunekin_ranker.index import Index
from tunekin_ranker.versions import Candidate

__all__ = ["CAP", "DISLIKED", "LIKED", "Near", "Song", "Taste"]

# Distance from which on two songs are not near: three quarters of all pairs are farther apart.
CAP = 1.5
# What a liked and a disliked song's nearness weigh against likeness to the clip, see docs/taste.md.
LIKED, DISLIKED = 0.3, 0.1
# Songs that the loop takes at once: their views stay in a first-level cache.
_ABREAST = 64


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Song(Candidate):
    """A song that somebody likes or dislikes, or that is known already.

    Attributes
    ----------
    title : str
        Empty where unknown.
    views : np.ndarray [shape=(views_size,)]
        Its views.
    """

    title: str
    views: NDArray[np.floating]


@dataclass(frozen=True, kw_only=True, slots=True)
class Near:
    """The liked song that a song is nearest to.

    Attributes
    ----------
    track_id, title : str
        Which.
    distance : float
        Their distance, below `CAP`.
    """

    track_id: str
    title: str
    distance: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Taste:
    """What one listener likes and dislikes.

    Attributes
    ----------
    likes, dislikes : mapping of str to Song
        Songs by id.
    version : FeatureVersion
        Orders their views.
    """

    likes: Mapping[str, Song]
    dislikes: Mapping[str, Song]
    version: FeatureVersion = FEATURES

    @classmethod
    def of(cls, options: ClipOptions, songs: Mapping[str, Song], *, version: FeatureVersion = FEATURES) -> "Taste":
        """Take what is asked for.

        Parameters
        ----------
        options : ClipOptions
            Ids of the songs.
        songs : mapping of str to Song
            Those that the catalogue holds; the others are passed over.
        version : FeatureVersion
            Orders their views.

        Returns
        -------
        Taste
            By id in both, so that the order of the likes decides nothing.
        """

        def known(track_ids: Collection[str]) -> dict[str, Song]:
            return {track_id: songs[track_id] for track_id in sorted(track_ids) if track_id in songs}

        return cls(likes=known(options.likes), dislikes=known(options.dislikes), version=version)

    def __bool__(self) -> bool:
        return bool(self.likes or self.dislikes)

    def shifts(self, index: Index, *, crew: Crew | None = None) -> NDArray[np.float64]:
        """Compute the shift of every song.

        A liked song is no reason for itself: of other liked songs alone it is near or not.

        Parameters
        ----------
        index : Index
            The songs.
        crew : Crew, optional
            Threads to share the work; only this one by default.

        Returns
        -------
        np.ndarray [shape=(index.slots,), dtype=float64]
            From ``-DISLIKED * CAP`` to ``LIKED * CAP``, by slot.
        """
        near_liked = self._nearest(self.likes, index.views, crew=crew)
        for track_id in self.likes:
            slot = index.slot_of(track_id)
            if slot is not None:
                others = {name: song for name, song in self.likes.items() if name != track_id}
                near_liked[slot] = self._nearest(others, index.views[slot : slot + 1])[0]
        near_disliked = self._nearest(self.dislikes, index.views, crew=crew)
        return LIKED * near_liked - DISLIKED * near_disliked

    def near(self, track_id: str, views: NDArray[np.floating]) -> Near | None:
        """Say why a song comes sooner than it would.

        Parameters
        ----------
        track_id : str
            The song.
        views : np.ndarray [shape=(views_size,)]
            Its views.

        Returns
        -------
        Near or None
            The nearest song that the listener likes; None where none is near.
        """
        others = {name: song for name, song in self.likes.items() if name != track_id}
        if not others:
            return None
        weights = _weights()
        away = kin.apart(views, np.stack([song.views for song in others.values()]), version=self.version)
        distances = np.asarray(sum(weights[view] * distance for view, distance in away.items()), np.float64)
        nearest = int(distances.argmin())
        if distances[nearest] >= CAP:
            return None
        name = list(others)[nearest]
        return Near(track_id=name, title=others[name].title, distance=float(distances[nearest]))

    def _nearest(
        self, songs: Mapping[str, Song], views: NDArray[np.float32], *, crew: Crew | None = None
    ) -> NDArray[np.float64]:
        """Distance of each row of views from the nearest of some songs, at most the cap."""
        if not songs or not len(views):
            return np.full(len(views), CAP)
        weights = _weights()
        lengths = np.array([length for _, length in self.version.views], np.int64)
        factors = np.array([weights[name] for name, _ in self.version.views], np.float32)
        opinions = np.stack([song.views for song in songs.values()]).astype(np.float32)

        def work(part: slice) -> NDArray[np.float32]:
            return _nearest(views[part], opinions, lengths, factors, np.float32(CAP))

        return (crew or Crew()).share(work, len(views), multiple=_ABREAST).astype(np.float64)


def _weights() -> dict[str, float]:
    """Weights of the views without the moment, whatever the question at hand puts emphasis on."""
    return kin.balanced({kin.MOMENT: 0.0})


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _nearest(
    views: NDArray[np.float32],
    opinions: NDArray[np.float32],
    lengths: NDArray[np.int64],
    factors: NDArray[np.float32],
    cap: np.float32,
) -> NDArray[np.float32]:  # pragma: no cover (compiled)
    """Nearest opinion of each song: songs lie side by side, a lane for each, so every sum runs in the same order."""
    count, size = views.shape
    result = np.empty(count, np.float32)
    columns = np.zeros((size, _ABREAST), np.float32)
    squares, sums = np.empty(_ABREAST, np.float32), np.empty(_ABREAST, np.float32)
    least = np.float32(np.finfo(np.float32).tiny)
    reach = size - lengths.size
    for start in range(0, count, _ABREAST):
        held = min(_ABREAST, count - start)
        for lane in range(held):
            for i in range(size):
                columns[i, lane] = views[start + lane, i]
        best = np.full(_ABREAST, cap, np.float32)
        for opinion in opinions:
            sums[:] = np.float32(0)
            first = 0
            for view in range(lengths.size):
                squares[:] = np.float32(0)
                for i in range(first, first + lengths[view]):
                    value = opinion[i]
                    for lane in range(_ABREAST):
                        away = columns[i, lane] - value
                        squares[lane] += away * away
                first += lengths[view]
                own = opinion[reach + view]
                for lane in range(_ABREAST):
                    scale = max(columns[reach + view, lane] * own, least)
                    sums[lane] += factors[view] * np.sqrt(squares[lane] / scale)
            for lane in range(_ABREAST):
                best[lane] = min(best[lane], sums[lane])
        result[start : start + held] = best[:held]
    return result
