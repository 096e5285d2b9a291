"""From a distance, which has no scale that people know, to a similarity, which has."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

__all__ = ["QUANTILES", "similarity", "similarity_in"]

Table = tuple[tuple[float, float], ...]

# Share of pairs of a 6 s clip and a track by another artist that are at most so far apart: (share, distance), in each
# view and in all of them by their weights, as `tunekin_training.words` measured them on the development music. Close at
# both ends, where answers and misfits lie. "liked" is of pairs of whole tracks, in all views but the moment.
QUANTILES: Mapping[str, Table] = MappingProxyType(
    {
        "style": (
            (0.001, 1.0428),
            (0.002, 1.0968),
            (0.005, 1.1654),
            (0.01, 1.2215),
            (0.02, 1.2781),
            (0.05, 1.3605),
            (0.1, 1.4295),
            (0.2, 1.5087),
            (0.3, 1.5647),
            (0.4, 1.6108),
            (0.5, 1.6531),
            (0.6, 1.6951),
            (0.7, 1.7398),
            (0.8, 1.7934),
            (0.9, 1.8751),
            (0.95, 1.9631),
            (0.99, 2.1703),
            (1.0, 2.8972),
        ),
        "feeling": (
            (0.001, 0.5448),
            (0.002, 0.5969),
            (0.005, 0.6844),
            (0.01, 0.777),
            (0.02, 0.8826),
            (0.05, 1.0603),
            (0.1, 1.2345),
            (0.2, 1.4655),
            (0.3, 1.6441),
            (0.4, 1.8006),
            (0.5, 1.9453),
            (0.6, 2.084),
            (0.7, 2.2266),
            (0.8, 2.3832),
            (0.9, 2.5847),
            (0.95, 2.746),
            (0.99, 3.0355),
            (1.0, 3.5077),
        ),
        "timbre": (
            (0.001, 0.8251),
            (0.002, 0.8761),
            (0.005, 0.9453),
            (0.01, 1.0026),
            (0.02, 1.0675),
            (0.05, 1.1623),
            (0.1, 1.2465),
            (0.2, 1.343),
            (0.3, 1.4102),
            (0.4, 1.4662),
            (0.5, 1.5172),
            (0.6, 1.5669),
            (0.7, 1.6197),
            (0.8, 1.6801),
            (0.9, 1.7615),
            (0.95, 1.828),
            (0.99, 1.9521),
            (1.0, 2.4148),
        ),
        "rhythm": (
            (0.001, 0.7588),
            (0.002, 0.8108),
            (0.005, 0.8911),
            (0.01, 0.9617),
            (0.02, 1.0385),
            (0.05, 1.1499),
            (0.1, 1.2449),
            (0.2, 1.3527),
            (0.3, 1.4249),
            (0.4, 1.484),
            (0.5, 1.5364),
            (0.6, 1.5853),
            (0.7, 1.6356),
            (0.8, 1.6914),
            (0.9, 1.7664),
            (0.95, 1.8302),
            (0.99, 1.9667),
            (1.0, 2.5281),
        ),
        "harmony": (
            (0.001, 0.7254),
            (0.002, 0.7839),
            (0.005, 0.8691),
            (0.01, 0.9377),
            (0.02, 1.0154),
            (0.05, 1.1372),
            (0.1, 1.2448),
            (0.2, 1.3721),
            (0.3, 1.4641),
            (0.4, 1.5404),
            (0.5, 1.6119),
            (0.6, 1.6821),
            (0.7, 1.7558),
            (0.8, 1.84),
            (0.9, 1.9531),
            (0.95, 2.0442),
            (0.99, 2.217),
            (1.0, 2.6155),
        ),
        "moment": (
            (0.001, 1.153),
            (0.002, 1.1623),
            (0.005, 1.179),
            (0.01, 1.1955),
            (0.02, 1.2164),
            (0.05, 1.2557),
            (0.1, 1.2973),
            (0.2, 1.3576),
            (0.3, 1.4077),
            (0.4, 1.4529),
            (0.5, 1.5011),
            (0.6, 1.5557),
            (0.7, 1.6235),
            (0.8, 1.7113),
            (0.9, 1.8426),
            (0.95, 1.9545),
            (0.99, 2.1945),
            (1.0, 2.8471),
        ),
        "all": (
            (0.001, 0.9749),
            (0.002, 1.0223),
            (0.005, 1.0923),
            (0.01, 1.1449),
            (0.02, 1.2029),
            (0.05, 1.2924),
            (0.1, 1.3743),
            (0.2, 1.4786),
            (0.3, 1.5568),
            (0.4, 1.6233),
            (0.5, 1.6856),
            (0.6, 1.7464),
            (0.7, 1.81),
            (0.8, 1.8822),
            (0.9, 1.9784),
            (0.95, 2.0554),
            (0.99, 2.18),
            (1.0, 2.4874),
        ),
        "liked": (
            (0.001, 0.8706),
            (0.002, 0.9307),
            (0.005, 0.9992),
            (0.01, 1.0599),
            (0.02, 1.1265),
            (0.05, 1.2305),
            (0.1, 1.3231),
            (0.2, 1.4401),
            (0.3, 1.5249),
            (0.4, 1.5986),
            (0.5, 1.667),
            (0.6, 1.7342),
            (0.7, 1.806),
            (0.8, 1.8885),
            (0.9, 1.9994),
            (0.95, 2.084),
            (0.99, 2.2167),
            (1.0, 2.4213),
        ),
    }
)


def similarity(score: float) -> float:
    """Say how alike a clip and a track are: the share of random pairs of a clip and a track that are less alike.

    0.98 means that of a hundred tracks chosen at random two are at least as near to a clip as this. Between measured
    quantiles it falls linearly; at distance 0 it is 1, and beyond the largest distance measured 0. Where a caller has
    shifted the weights, the shares are those of the weights that nobody shifted.

    Parameters
    ----------
    score : float
        Weighted mean of the distances in all views, 0 and up.

    Returns
    -------
    float
        0 to 1; of two scores the smaller has the larger similarity, up to the largest that was measured.

    Examples
    --------
    >>> similarity(0.0)
    1.0
    >>> similarity(0.5) >= similarity(1.0) >= similarity(1e9)
    True
    """
    return similarity_in("all", score)


def similarity_in(view: str, distance: float) -> float:
    """Say how alike a clip and a track are in one view.

    Parameters
    ----------
    view : str
        Which view.
    distance : float
        Their distance in it, as `tunekin_ranker.kin` has it.

    Returns
    -------
    float
        0 to 1.
    """
    shares, distances = zip((0.0, 0.0), *QUANTILES[view], strict=True)
    return float(1 - np.interp(distance, distances, shares))
