"""From a distance, which has no scale that people know, to a similarity, which has."""

import numpy as np

__all__ = ["DISTANCE_QUANTILES", "similarity"]

# Share of pairs of a 6 s clip and a track by another artist that are at most so far apart: (share, distance), as
# `tunekin_training.distance_quantiles` measured them on the development music, 467,084 pairs. Close at both ends, where
# answers and misfits lie.
DISTANCE_QUANTILES: tuple[tuple[float, float], ...] = (
    (0.001, 1.6204),
    (0.002, 1.7933),
    (0.005, 1.9981),
    (0.01, 2.1602),
    (0.02, 2.3395),
    (0.05, 2.6327),
    (0.1, 2.9123),
    (0.2, 3.2726),
    (0.3, 3.551),
    (0.4, 3.7981),
    (0.5, 4.0357),
    (0.6, 4.2869),
    (0.7, 4.5669),
    (0.8, 4.9354),
    (0.9, 5.5007),
    (0.95, 6.0003),
    (0.99, 6.9134),
    (1.0, 10.6771),
)


def similarity(distance: float) -> float:
    """Say how alike a clip and a track are: the share of random pairs of a clip and a track that are less alike.

    0.98 means that of a hundred tracks chosen at random two are at least as near to a clip as this. Between measured
    quantiles it falls linearly; at distance 0 it is 1, and beyond the largest distance measured 0.

    Parameters
    ----------
    distance : float
        Subsequence DTW distance, 0 and up.

    Returns
    -------
    float
        0 to 1; of two distances the smaller has the larger similarity, up to the largest distance measured.

    Examples
    --------
    >>> similarity(0.0)
    1.0
    >>> similarity(2.0) > similarity(2.1) > similarity(1e9)
    True
    """
    shares, distances = zip((0.0, 0.0), *DISTANCE_QUANTILES, strict=True)
    return float(1 - np.interp(distance, distances, shares))
