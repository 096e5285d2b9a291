"""From a distance, which has no scale that people know, to a similarity, which has."""

import numpy as np

__all__ = ["DISTANCE_QUANTILES", "IDENTITY_DISTANCE", "similarity"]

# Share of pairs of a 6 s clip and a track by another artist that are at most so far apart: (share, distance), as
# `tunekin_training.distance_constants` measures them on the development music. Close at both ends, where answers and
# misfits lie.
DISTANCE_QUANTILES: tuple[tuple[float, float], ...] = (
    (0.001, 1.6956),
    (0.002, 1.8482),
    (0.005, 2.0581),
    (0.01, 2.2283),
    (0.02, 2.4033),
    (0.05, 2.6821),
    (0.1, 2.9493),
    (0.2, 3.2986),
    (0.3, 3.5609),
    (0.4, 3.7962),
    (0.5, 4.024),
    (0.6, 4.2567),
    (0.7, 4.5172),
    (0.8, 4.845),
    (0.9, 5.3716),
    (0.95, 5.8546),
    (0.99, 6.7572),
    (1.0, 9.5148),
)

# A track nearer than this is the recording that the clip was cut from: at most 1 clip in 200 of the development music
# has a track by another artist as near.
IDENTITY_DISTANCE = 1.2905


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
