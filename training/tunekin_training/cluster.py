"""Find moods: groups of tracks that lie together in maps of the music.

t-SNE draws a map in which neighbours stay neighbours, K-means divides it. One map depends on where t-SNE happened to
begin: on the music that the shipped model was trained on, two maps gave groups with an adjusted Rand index of 0.64. So
several maps are drawn from random beginnings and laid side by side: distances then are those that the maps agree on,
0.77 between seeds, and 0.59 instead of 0.54 between subsets of 80 % of the artists. (Beginning at the principal
components gives nearly the same map for every seed, but no better agreement between subsets: it hides that, and does
not mend it.)

A map keeps neighbours, and tears apart what lies far from each other anywhere: groups in maps alone are harder to
recognise in new songs. So what the maps were drawn of is laid beside them. On the same music that moves the accuracy of
a classifier out of fold from 0.75 to 0.83, the share of cuts that get their track's mood from 0.68 to 0.70, and the
correlation with listeners' emotions from 0.26 to 0.28.

References
----------
.. [1] L. van der Maaten and G. Hinton, "Visualizing data using t-SNE", Journal of Machine Learning Research 9, 2008.
.. [2] A. Strehl and J. Ghosh, "Cluster ensembles", Journal of Machine Learning Research 3, 2002.
.. [3] L. Hubert and P. Arabie, "Comparing partitions", Journal of Classification 2, 1985.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import threadpoolctl
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.manifold import TSNE
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import NearestNeighbors

from tunekin.errors import InputError, OptionError
from tunekin_training.steps import Arrays, Steps

__all__ = [
    "DEFAULT_CLUSTERS",
    "FARTHEST",
    "Elbow",
    "agreement",
    "check",
    "deviations",
    "divide",
    "draw_maps",
    "elbow",
    "map_step",
    "memberships",
    "order_by",
    "standardise",
]

# Moods wanted where the music itself does not say how many there are.
DEFAULT_CLUSTERS = 10

# More bring little: between seeds 0.64 with one map, 0.71 with four, 0.77 with eight, 0.79 with sixteen.
_MAPS = 8
# Neighbours that count for a track; with 30, which is usual, maps agree on less.
_PERPLEXITY = 50.0
# How much what the maps were drawn of counts beside one of them.
_DRAWN_WEIGHT = 1.5
# K-means ends in a local optimum; the best of so many starts is the same for most seeds.
_STARTS = 50
# Further from the mean than so many deviations is just far: one odd number should make no group of its own. Without a
# limit, some seeds gave groups of 8 tracks out of 499; with it, none below 15.
FARTHEST = 3.0
# Below that a group is a handful of tracks of one album, and no mood.
_TRACKS_PER_CLUSTER = 5
# t-SNE takes some 10 s for so many tracks, and five times that for four times as many.
_LANDMARKS = 2_000
# Landmarks that tell where another track is.
_GUIDES = 5
_MOST_CLUSTERS = 20
# Two groups tell quiet from loud in any music.
_FEWEST = 3
# Groups over which the slope after an elbow is measured: from one to the next it depends on where K-means ended.
_AFTER = 3
# The curve is smooth to 1 % with these.
_ELBOW_STARTS = 10
# Even and normally distributed tracks, and maps of 15 to 100 in which there is nothing, stay below that.
_CLEAR = 2.2
_SOFTNESS = 1.0


def deviations(points: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Measure what standardises points.

    Parameters
    ----------
    points : np.ndarray [shape=(n, p)]
        Points, at least one.

    Returns
    -------
    mean, scale : np.ndarray [shape=(p,), dtype=float64]
        Mean and standard deviation of each dimension; a dimension in which all points are the same has an infinite
        scale, so that it tells nothing.
    """
    mean = points.mean(axis=0, dtype=np.float64)
    scale = (points - mean).std(axis=0)
    # What differs by rounding only is the same.
    scale[scale <= 1e-6 * np.abs(points).max(axis=0)] = np.inf
    return mean, scale


def standardise(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Give every dimension mean 0 and deviation 1, so that Hz and shares count alike, and limit what is far out.

    Parameters
    ----------
    points : np.ndarray [shape=(n, p)]
        Points, at least one.

    Returns
    -------
    np.ndarray [shape=(n, p), dtype=float64]
        Standardised, −3 to 3; 0 where all tracks are the same.
    """
    mean, scale = deviations(points)
    return np.clip((points - mean) / scale, -FARTHEST, FARTHEST)


def check(count: int, *, clusters: int) -> None:
    """Refuse what no clustering could do.

    Parameters
    ----------
    count : int
        Tracks there are.
    clusters : int
        Groups wanted.

    Raises
    ------
    OptionError
        Fewer than two groups are wanted.
    InputError
        There are too few tracks for so many groups.
    """
    if clusters < 2:  # noqa: PLR2004 -- what two means needs no name
        raise OptionError(f"{clusters} groups are wanted", hint="choose at least 2")
    if count < clusters * _TRACKS_PER_CLUSTER:
        raise InputError(
            f"there are {count} tracks for {clusters} groups",
            hint=f"so many groups need at least {clusters * _TRACKS_PER_CLUSTER} tracks; ask for fewer, or add music",
        )


def map_step(points: NDArray[np.float64], seed: int, perplexity: float) -> Arrays:
    """Draw one map; a step of `tunekin_training.steps`.

    Of a large catalogue t-SNE draws the tracks that chance chose as landmarks; every other track stands in the middle
    of the landmarks that it is most like.

    Parameters
    ----------
    points : np.ndarray [shape=(n, p)]
        A point for each track.
    seed : int
        Where t-SNE begins, and which the landmarks are.
    perplexity : float
        Neighbours that count for a point; a third of the points at most.

    Returns
    -------
    mapping of str to np.ndarray
        ``places`` [shape=(n, 2), dtype=float64], with mean 0 and a mean square radius of 1.
    """
    landmarks = np.arange(len(points))
    if len(points) > _LANDMARKS:
        landmarks = np.sort(np.random.default_rng(seed).choice(len(points), _LANDMARKS, replace=False))
    # One thread: several would add up in another order each time, and t-SNE enlarges the rounding.
    with threadpoolctl.threadpool_limits(limits=1):
        drawn = TSNE(
            n_components=2,
            perplexity=min(perplexity, (len(landmarks) - 1) / 3),
            init="random",
            random_state=seed,
            n_jobs=1,
        ).fit_transform(points[landmarks])
        places = drawn.astype(np.float64)
        if len(landmarks) < len(points):
            alike = NearestNeighbors(n_neighbors=_GUIDES).fit(points[landmarks])
            everywhere = places[alike.kneighbors(points, return_distance=False)].mean(axis=1)
            everywhere[landmarks] = places
            places = everywhere
    centred = places - places.mean(axis=0)
    return {"places": centred / np.sqrt(centred.var(axis=0).sum())}


def draw_maps(
    points: NDArray[np.float64],
    *,
    seeds: Sequence[int],
    steps: Steps,
    maps: int = _MAPS,
    perplexity: float = _PERPLEXITY,
) -> list[NDArray[np.float64]]:
    """Draw maps and lay them side by side, once for each of several seeds.

    Parameters
    ----------
    points : np.ndarray [shape=(n, p)]
        A point for each track.
    seeds : sequence of int
        Each gives maps of its own.
    steps : Steps
        Runs them.
    maps : int
        Maps that have to agree.
    perplexity : float
        Neighbours that count for a track.

    Returns
    -------
    list of np.ndarray [shape=(n, 2 * maps + p), dtype=float64]
        For each seed: its maps, the first one in the first two columns, then `points`, as if they were `maps` times
        ``_DRAWN_WEIGHT`` squared maps more.
    """
    begins = [int(begin) for seed in seeds for begin in np.random.default_rng(seed).integers(2**31, size=maps)]
    drawn = steps.run("drawing maps", map_step, [(points, begin, perplexity) for begin in begins])
    places = [result["places"] for result in drawn]
    radius = np.sqrt(points.var(axis=0).sum())
    drawn_of = _DRAWN_WEIGHT * np.sqrt(maps) * points / (radius if radius > 0 else 1.0)
    return [np.hstack((*places[i * maps : (i + 1) * maps], drawn_of)) for i in range(len(seeds))]


def divide(atlas: NDArray[np.float64], *, clusters: int, seed: int) -> NDArray[np.int64]:
    """Divide tracks into groups by K-means.

    Parameters
    ----------
    atlas : np.ndarray [shape=(n, p)]
        Places of the tracks, such as `draw_maps` gives.
    clusters : int
        Groups wanted.
    seed : int
        Where K-means starts.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=int64]
        Group of each track, 0 to ``clusters - 1``.

    Raises
    ------
    OptionError
        Fewer than two groups are wanted.
    InputError
        There are too few tracks for so many groups.
    """
    check(len(atlas), clusters=clusters)
    with threadpoolctl.threadpool_limits(limits=1):
        starts = _STARTS if len(atlas) <= _LANDMARKS else _STARTS // 5
        groups = KMeans(clusters, n_init=starts, random_state=seed).fit_predict(atlas)
    return np.asarray(groups, dtype=np.int64)


@dataclass(frozen=True, kw_only=True)
class Elbow:
    """How many groups the music falls into.

    Attributes
    ----------
    inertias : tuple of float
        Share of the tracks' spread that is left inside the groups, for 1 group and up.
    clusters : int
        Where the elbow is; ``DEFAULT_CLUSTERS``, or for fewer than 180 tracks the root of half as many as there are,
        where it is not clear.
    sharpness : float
        How many times steeper the curve is before the elbow than after it.
    """

    inertias: tuple[float, ...]
    clusters: int
    sharpness: float

    @property
    def clear(self) -> bool:
        """Whether there is an elbow."""
        return self.sharpness >= _CLEAR


def elbow(atlas: NDArray[np.float64], *, seed: int) -> Elbow:
    """Find the elbow of the spread that is left inside groups.

    On logarithmic axes the spread of tracks that lie evenly falls along a straight line, whatever the number of
    dimensions. Groups that are really there bend it: it falls steeply until each has been found, and slowly after. The
    elbow is where the last step before is the greatest multiple of the three after it; it is clear from 2.2 on. The
    steps after it may make groups that are too small to be moods: they only say what dividing on would bring.

    Parameters
    ----------
    atlas : np.ndarray [shape=(n, p)]
        Places of the tracks.
    seed : int
        Where K-means starts.

    Returns
    -------
    Elbow
        From 3 to 17 groups, or fewer where there are few tracks: five for each.

    References
    ----------
    .. [1] K. V. Mardia, J. T. Kent and J. M. Bibby, *Multivariate Analysis*, 1979: the root of half the number.
    """
    largest = min(_MOST_CLUSTERS - _AFTER, len(atlas) // _TRACKS_PER_CLUSTER)
    spread = float(((atlas - atlas.mean(axis=0)) ** 2).sum())
    default = max(min(DEFAULT_CLUSTERS, round(math.sqrt(len(atlas) / 2)), len(atlas) // _TRACKS_PER_CLUSTER), 2)
    if largest < _FEWEST or spread == 0:
        return Elbow(inertias=(1.0,), clusters=default, sharpness=0.0)
    most = largest + _AFTER
    with threadpoolctl.threadpool_limits(limits=1):
        left = [spread] + [
            float(KMeans(k, n_init=_ELBOW_STARTS, random_state=seed).fit(atlas).inertia_) for k in range(2, most + 1)
        ]
    inertias = np.maximum(np.array(left) / spread, np.finfo(np.float64).tiny)
    heights, counts = np.log(inertias), np.log(np.arange(1, most + 1))
    candidates = range(_FEWEST, largest + 1)

    def slope(begin: int, end: int) -> float:
        """How steeply the curve falls between two numbers of groups."""
        return float((heights[begin - 1] - heights[end - 1]) / (counts[end - 1] - counts[begin - 1]))

    # A slope of nearly nothing divides nothing: count it as that of even tracks in all these dimensions.
    ratios = [slope(k - 1, k) / max(slope(k, k + _AFTER), 2.0 / atlas.shape[1]) for k in candidates]
    best = candidates[int(np.argmax(ratios))]
    sharpness = max(ratios)
    return Elbow(
        inertias=tuple(inertias.tolist()),
        clusters=best if sharpness >= _CLEAR else default,
        sharpness=sharpness,
    )


def memberships(
    places: NDArray[np.float64], *, groups: NDArray[np.int64], softness: float = _SOFTNESS
) -> NDArray[np.float32]:
    """Say how far each track belongs to each group: one between two groups belongs to both.

    Parameters
    ----------
    places : np.ndarray [shape=(n, p)]
        Where the tracks are.
    groups : np.ndarray [shape=(n,), dtype=int64]
        Group of each, from 0 without a gap.
    softness : float
        Squared distance, in medians of that to the own centre, over which belonging falls to 1/e.

    Returns
    -------
    np.ndarray [shape=(n, groups), dtype=float32]
        Rows sum to 1; the own group has the most.
    """
    count = int(groups.max()) + 1
    centres = np.array([places[groups == group].mean(axis=0) for group in range(count)])
    squares = ((places[:, np.newaxis] - centres) ** 2).sum(axis=2)
    own = squares[np.arange(len(groups)), groups]
    # K-means has ended when every track is with its nearest centre, but for rounding.
    squares[np.arange(len(groups)), groups] = np.minimum(own, squares.min(axis=1))
    scaled = -squares / max(softness * float(np.median(own)), np.finfo(np.float64).tiny)
    exact = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(exact / exact.sum(axis=1, keepdims=True), dtype=np.float32)


def order_by(values: NDArray[np.floating], *, groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give groups numbers by the rising mean of a value, since K-means numbers them by chance.

    Parameters
    ----------
    values : np.ndarray [shape=(n,)]
        A value of each track.
    groups : np.ndarray [shape=(n,), dtype=int64]
        Group of each track.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=int64]
        The same groups, numbered from 0.

    Examples
    --------
    >>> order_by(np.array([5.0, 1.0, 3.0, 5.0]), groups=np.array([0, 1, 2, 0]))
    array([2, 0, 1, 2])
    """
    _, numbers = np.unique(groups, return_inverse=True)
    means = np.bincount(numbers, weights=values) / np.bincount(numbers)
    return np.argsort(np.argsort(means, kind="stable"), kind="stable")[numbers]


def agreement(partitions: Sequence[NDArray[np.int64]]) -> float:
    """Say how alike several ways to group the same tracks are.

    Parameters
    ----------
    partitions : sequence of np.ndarray [shape=(n,), dtype=int64]
        Two or more.

    Returns
    -------
    float
        Mean adjusted Rand index over all pairs: 1 for the same groups, 0 for what chance gives.

    Examples
    --------
    >>> agreement([np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0])])
    1.0
    """
    return float(np.mean([adjusted_rand_score(one, other) for one, other in itertools.combinations(partitions, 2)]))
