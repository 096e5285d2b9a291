"""Which songs are alike: distances in several views, added up.

In each view the distance of two songs is divided by the geometric mean of their reaches (see
`tunekin_featurizer.views`): 1 is as near as the nearest twentieth of all music. The weighted mean over the views is the
*kinship distance*. How well the clip aligns with the track, by its distance relative to the clip's strangeness, is one
more view, ``moment``; it is what bounds are proven for.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from tunekin.errors import InputError, OptionError
from tunekin.features import FEATURES, FeatureVersion
from tunekin_ranker.search import Scoring

__all__ = ["MOMENT", "WEIGHTS", "apart", "balanced", "scoring"]

MOMENT = "moment"
# Chosen on folds split by artist, see docs/quality.md. How well the very frames align says next to nothing of kinship;
# among songs that are equally alike it favours the one that has the moment.
WEIGHTS: Mapping[str, float] = MappingProxyType(
    {"style": 0.7, "feeling": 1.0, "timbre": 0.8, "rhythm": 0.4, "harmony": 0.2, MOMENT: 0.1}
)
# A factor beyond these is no longer a shift of emphasis.
_MOST_FACTOR = 10.0


def balanced(factors: Mapping[str, float]) -> dict[str, float]:
    """Shift the weights of views.

    Parameters
    ----------
    factors : mapping of str to float
        By view, 0 to 10: what to multiply its weight by; 1 for the others.

    Returns
    -------
    dict of str to float
        Weights by view, which add up to 1.

    Raises
    ------
    OptionError
        There is no such view, a factor is impossible, or nothing would be left.

    Examples
    --------
    >>> more = balanced({"rhythm": 3.0})
    >>> more["rhythm"] > balanced({})["rhythm"], round(sum(more.values()), 9)
    (True, 1.0)
    """
    for view, factor in factors.items():
        if view not in WEIGHTS:
            raise OptionError(f"there is no view {view[:40]!r}", hint=f"views are {', '.join(WEIGHTS)}")
        if not 0 <= factor <= _MOST_FACTOR:
            raise OptionError(f"the weight of {view} is {factor}", hint=f"a factor from 0 to {_MOST_FACTOR:g}")
    weights = {view: weight * factors.get(view, 1.0) for view, weight in WEIGHTS.items()}
    total = sum(weights.values())
    if total <= 0:
        raise OptionError("no view has a weight", hint="leave at least one above 0")
    return {view: weight / total for view, weight in weights.items()}


def apart(
    query: NDArray[np.floating], tracks: NDArray[np.floating], *, version: FeatureVersion = FEATURES
) -> dict[str, NDArray[np.float64]]:
    """Compute how far tracks are from a query, view by view.

    Parameters
    ----------
    query : np.ndarray [shape=(views_size,)]
        Views of the query.
    tracks : np.ndarray [shape=(tracks, views_size)]
        Views of the tracks.
    version : FeatureVersion
        Orders the views.

    Returns
    -------
    dict of str to np.ndarray [shape=(tracks,), dtype=float64]
        Distances by view, 0 and up, over the geometric mean of both reaches.

    Raises
    ------
    InputError
        The views are of another kind.
    """
    if query.shape != (version.views_size,) or tracks.shape[1:] != (version.views_size,):
        raise InputError(
            f"views of {query.shape[-1]} numbers for tracks of {tracks.shape[-1]}",
            hint=f"feature version {version.name} has {version.views_size}",
        )
    distances: dict[str, NDArray[np.float64]] = {}
    start, reach = 0, version.views_size - len(version.views)
    for number, (name, length) in enumerate(version.views):
        part = slice(start, start + length)
        start += length
        # Float32 holds every difference of two float16 numbers that matters, at half the time.
        away = tracks[:, part].astype(np.float32, copy=False) - query[part].astype(np.float32, copy=False)
        squares = np.einsum("ij,ij->i", away, away).astype(np.float64)
        reaches = tracks[:, reach + number].astype(np.float64) * float(query[reach + number])
        distances[name] = np.sqrt(squares / np.maximum(reaches, np.finfo(np.float32).tiny))
    return distances


def scoring(
    distances: Mapping[str, NDArray[np.float64]], weights: Mapping[str, float], *, strangeness: float
) -> Scoring:
    """Make the score that tracks are ranked by.

    Parameters
    ----------
    distances : mapping of str to np.ndarray [shape=(slots,)]
        What `apart` gives for all slots of an index.
    weights : mapping of str to float
        Of each view and of ``moment``.
    strangeness : float
        Of the clip's frames, above 0.

    Returns
    -------
    Scoring
        The weighted mean of all views as the offset; what ``moment`` adds for a distance as the slope.
    """
    total = sum(weights[name] * distance for name, distance in distances.items())
    offsets = np.asarray(total, np.float64)
    return Scoring(offsets=offsets, slopes=np.full(offsets.shape, weights[MOMENT] / strangeness))
