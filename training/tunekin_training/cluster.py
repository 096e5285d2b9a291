"""Find moods: groups of tracks that lie together in maps of the music.

t-SNE draws a map in which neighbours stay neighbours, K-means divides it. One map depends on where t-SNE happened to
begin: on the music that the shipped model was trained on, two maps gave groups with an adjusted Rand index of 0.64. So
several maps are drawn from random beginnings and laid side by side: distances then are those that the maps agree on,
0.77 between seeds, and 0.59 instead of 0.54 between subsets of 80 % of the artists. (Beginning at the principal
components gives nearly the same map for every seed, but no better agreement between subsets: it hides that, and does
not mend it.)

References
----------
.. [1] L. van der Maaten and G. Hinton, "Visualizing data using t-SNE", Journal of Machine Learning Research 9, 2008.
.. [2] A. Strehl and J. Ghosh, "Cluster ensembles", Journal of Machine Learning Research 3, 2002.
.. [3] L. Hubert and P. Arabie, "Comparing partitions", Journal of Classification 2, 1985.
"""

import itertools
from collections.abc import Sequence

import numpy as np
import threadpoolctl
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.manifold import TSNE
from sklearn.metrics import adjusted_rand_score

from tunekin.errors import InputError, OptionError

__all__ = ["agreement", "cluster", "draw_map", "order_by", "standardise"]

# More bring little: between seeds 0.64 with one map, 0.71 with four, 0.77 with eight, 0.79 with sixteen.
_MAPS = 8
# Neighbours that count for a track; with 30, which is usual, maps agree on less.
_PERPLEXITY = 50.0
# K-means ends in a local optimum; the best of so many starts is the same for most seeds.
_STARTS = 50
# Further from the mean than so many deviations is just far: one odd number should make no group of its own. Without a
# limit, some seeds gave groups of 8 tracks out of 499; with it, none below 15.
_FARTHEST = 3.0
# Below that a group is a handful of tracks of one album, and no mood.
_TRACKS_PER_CLUSTER = 5


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
    centred = points - points.mean(axis=0, dtype=np.float64)
    scale = centred.std(axis=0)
    # What differs by rounding only is the same.
    scale[scale <= 1e-6 * np.abs(points).max(axis=0)] = np.inf
    return np.clip(centred / scale, -_FARTHEST, _FARTHEST)


def draw_map(points: NDArray[np.floating], *, seed: int, perplexity: float = _PERPLEXITY) -> NDArray[np.float64]:
    """Draw one map.

    Parameters
    ----------
    points : np.ndarray [shape=(n, p)]
        Standardised points.
    seed : int
        Where t-SNE begins.
    perplexity : float
        Neighbours that count for a point; a third of the points at most.

    Returns
    -------
    np.ndarray [shape=(n, 2), dtype=float64]
        Places with mean 0 and a mean square radius of 1.
    """
    # One thread: several would add up in another order each time, and t-SNE enlarges the rounding.
    with threadpoolctl.threadpool_limits(limits=1):
        places = TSNE(
            n_components=2,
            perplexity=min(perplexity, (len(points) - 1) / 3),
            init="random",
            random_state=seed,
            n_jobs=1,
        ).fit_transform(points)
    centred = places.astype(np.float64) - places.mean(axis=0, dtype=np.float64)
    return np.asarray(centred / np.sqrt(centred.var(axis=0).sum()))


def cluster(points: NDArray[np.floating], *, clusters: int, seed: int, maps: int = _MAPS) -> NDArray[np.int64]:
    """Divide tracks into groups.

    Parameters
    ----------
    points : np.ndarray [shape=(n, p)]
        A point for each track, see `tunekin_training.space`.
    clusters : int
        Groups wanted, 2 and up.
    seed : int
        Fixes the maps and the starts of K-means: the same seed gives the same groups.
    maps : int
        Maps that have to agree.

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
    if clusters < 2:  # noqa: PLR2004 -- what two means needs no name
        raise OptionError(f"{clusters} groups are wanted", hint="choose at least 2")
    if len(points) < clusters * _TRACKS_PER_CLUSTER:
        raise InputError(
            f"there are {len(points)} tracks for {clusters} groups",
            hint=f"so many groups need at least {clusters * _TRACKS_PER_CLUSTER} tracks; ask for fewer, or add music",
        )
    seeds = np.random.default_rng(seed).integers(2**31, size=maps + 1).tolist()
    standardised = standardise(points)
    atlas = np.hstack([draw_map(standardised, seed=map_seed) for map_seed in seeds[:-1]])
    with threadpoolctl.threadpool_limits(limits=1):
        groups = KMeans(clusters, n_init=_STARTS, random_state=seeds[-1]).fit_predict(atlas)
    return np.asarray(groups, dtype=np.int64)


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
