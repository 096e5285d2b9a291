"""Metrics of ranked lists, and their bootstrap intervals.

Conventions
-----------
A list holds the numbers of tracks, best first; ``-1`` fills a place that nothing took. Metrics give one number for each
list, NaN where nothing can be said, so that a mean and its interval come from the same values.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "EMPTY",
    "agreement",
    "bootstrap_interval",
    "emotion_cosine",
    "kept",
    "occurrences",
    "precision",
    "skewness",
    "standardised",
    "validate",
]

EMPTY = -1
_SAMPLES = 1_000
_SHARE = 0.95


def validate(lists: NDArray[np.int64], *, tracks: int) -> None:
    """Refuse lists that no metric makes sense of.

    Parameters
    ----------
    lists : np.ndarray [shape=(n, k), dtype=int64]
        Lists of tracks.
    tracks : int
        How many tracks there are.

    Raises
    ------
    ValueError
        If the lists are no matrix, hold a number that is no track's, or a track twice.

    Examples
    --------
    >>> validate(np.array([[0, 2], [1, -1]]), tracks=3)
    """
    if lists.ndim != 2:  # noqa: PLR2004 (lists by places)
        raise ValueError(f"the lists have the shape {lists.shape}, but must have (lists, places)")
    if lists.size and not (lists.min() >= EMPTY and lists.max() < tracks):
        raise ValueError(f"the lists hold tracks {lists.min()} to {lists.max()}, but there are {tracks}")
    for row in lists:
        taken = row[row != EMPTY]
        if len(set(taken.tolist())) != taken.size:
            raise ValueError(f"a list holds a track twice: {row.tolist()}")


def precision(lists: NDArray[np.int64], *, labels: NDArray[np.str_], wanted: NDArray[np.str_]) -> NDArray[np.float64]:
    """Share of a list's tracks that have the wanted label; an empty place counts as wrong.

    Parameters
    ----------
    lists : np.ndarray [shape=(n, k), dtype=int64]
        Lists of tracks.
    labels : np.ndarray [shape=(tracks,)]
        Label of each track, empty where unknown.
    wanted : np.ndarray [shape=(n,)]
        Label of each query.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float64]
        Shares; NaN for a query without a label.

    Examples
    --------
    >>> precision(np.array([[0, 1], [1, -1]]), labels=np.array(["a", "b"]), wanted=np.array(["a", "b"]))
    array([0.5, 0.5])
    """
    validate(lists, tracks=len(labels))
    right = (labels[lists] == wanted[:, None]) & (lists != EMPTY)
    return np.where(wanted == "", np.nan, right.mean(axis=1))


def standardised(emotions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Emotions with mean 0 and deviation 1 over all tracks that have them, of length 1.

    Parameters
    ----------
    emotions : np.ndarray [shape=(tracks, e), dtype=float64]
        Share of listeners who felt each emotion, NaN in the rows of tracks that nobody was asked about.

    Returns
    -------
    np.ndarray [shape=(tracks, e), dtype=float64]
        Directions; NaN where nothing is known.
    """
    known = ~np.isnan(emotions).any(axis=1)
    directions = np.full(emotions.shape, np.nan)
    if known.any():
        felt = emotions[known]
        felt = (felt - felt.mean(axis=0)) / np.maximum(felt.std(axis=0), np.finfo(float).tiny)
        directions[known] = felt / np.maximum(np.linalg.norm(felt, axis=1, keepdims=True), np.finfo(float).tiny)
    return directions


def emotion_cosine(
    lists: NDArray[np.int64], *, directions: NDArray[np.float64], wanted: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean cosine of a query's emotions with those of a list's tracks; 0 is what chance gives.

    Parameters
    ----------
    lists : np.ndarray [shape=(n, k), dtype=int64]
        Lists of tracks.
    directions : np.ndarray [shape=(tracks, e), dtype=float64]
        As `standardised` gives them.
    wanted : np.ndarray [shape=(n, e), dtype=float64]
        Direction of each query.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float64]
        Cosines; empty places and tracks without emotions count as chance, and a query without them is NaN.
    """
    validate(lists, tracks=len(directions))
    cosines = np.einsum("nke,ne->nk", directions[lists], wanted)
    cosines[lists == EMPTY] = 0.0
    cosines = np.where(np.isnan(cosines), 0.0, cosines)
    return np.where(np.isnan(wanted).any(axis=1), np.nan, cosines.mean(axis=1))


def kept(lists: NDArray[np.int64], *, reference: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of the tracks of a reference list that another list has too.

    Parameters
    ----------
    lists, reference : np.ndarray [shape=(n, k), dtype=int64]
        Lists of tracks, row by row for the same query.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float64]
        Shares; NaN where the reference is empty.

    Examples
    --------
    >>> kept(np.array([[3, 1]]), reference=np.array([[1, 2]]))
    array([0.5])
    """
    shares = np.full(len(lists), np.nan)
    for i, (row, wanted) in enumerate(zip(lists, reference, strict=True)):
        members = wanted[wanted != EMPTY]
        if members.size:
            shares[i] = np.isin(members, row).mean()
    return shares


def agreement(first: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.float64]:
    """Whether each first place is the wanted track.

    Parameters
    ----------
    first, wanted : np.ndarray [shape=(n,), dtype=int64]
        Tracks.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float64]
        1 or 0.
    """
    return np.asarray(first == wanted, dtype=np.float64)


def occurrences(lists: NDArray[np.int64], *, tracks: int) -> NDArray[np.int64]:
    """Count the lists that each track is in.

    Parameters
    ----------
    lists : np.ndarray [shape=(n, k), dtype=int64]
        Lists of tracks.
    tracks : int
        How many tracks there are.

    Returns
    -------
    np.ndarray [shape=(tracks,), dtype=int64]
        Counts, which a hub has many of.
    """
    validate(lists, tracks=tracks)
    return np.bincount(lists[lists != EMPTY], minlength=tracks)


def skewness(counts: NDArray[np.int64]) -> float:
    """Third standardised moment: 0 where all tracks are recommended alike, large where there are hubs.

    Parameters
    ----------
    counts : np.ndarray [shape=(tracks,), dtype=int64]
        As `occurrences` gives them.

    Returns
    -------
    float
        Skewness; 0 where all counts are equal.

    References
    ----------
    .. [1] M. Radovanović, A. Nanopoulos and M. Ivanović, "Hubs in space", JMLR 11, 2010.
    """
    away = counts - counts.mean()
    deviation = float(counts.std())
    return float((away**3).mean() / deviation**3) if deviation > 0 else 0.0


def bootstrap_interval(
    values: NDArray[np.float64], *, groups: NDArray[np.str_], seed: int = 0
) -> tuple[float, float] | None:
    """Interval of the mean: the middle 95 % over samples of whole groups, drawn with replacement.

    Parameters
    ----------
    values : np.ndarray [shape=(n,), dtype=float64]
        One value a query; NaN does not count.
    groups : np.ndarray [shape=(n,)]
        Group of each, an artist for instance, which is drawn as a whole.
    seed : int
        Of the drawing.

    Returns
    -------
    tuple of (float, float) or None
        Ends of the interval; None where fewer than two groups have a value.

    References
    ----------
    .. [1] A. C. Davison and D. V. Hinkley, *Bootstrap Methods and their Application*, section 3.8, 1997.
    """
    known = ~np.isnan(values)
    names, group_of = np.unique(groups[known], return_inverse=True)
    if len(names) < 2:  # noqa: PLR2004 (one group can't be drawn in two ways)
        return None
    sums = np.bincount(group_of, weights=values[known])
    sizes = np.bincount(group_of)
    drawn = np.random.default_rng(seed).integers(len(names), size=(_SAMPLES, len(names)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - _SHARE) / 2, (1 + _SHARE) / 2])
    return float(low), float(high)
