"""Measures the constants of `tunekin_ranker.similarity`: what a distance between a clip and a track means.

Only pairs of a clip and a track by two different, known artists count: they have nothing to do with each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunekin.errors import InputError
from tunekin_ranker.dtw import Clip, exact_distances
from tunekin_ranker.packed import pack

__all__ = ["SHARES", "DistanceConstants", "distance_matrix", "identity_distance", "measure", "quantiles"]

# Close at both ends: the best answers lie below the first percent, misfits above the last.
SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, *(i / 10 for i in range(1, 10)), 0.95, 0.99, 1.0)
# Of all clips this share may be taken for a recording that they are not.
_FALSE_SHARE = 1 / 200


@dataclass(frozen=True, kw_only=True, slots=True)
class DistanceConstants:
    """What was measured.

    Attributes
    ----------
    quantiles : tuple of (float, float)
        Share of pairs of clip and track that are at most so far apart, and that distance.
    identity_distance : float
        Threshold up to which a track counts as the very recording.
    pairs : int
        How many pairs the quantiles rest on.
    false_share : float
        Share of the clips with a track by another artist within the threshold.
    recognised : dict of str to float
        For each kind of clip the share whose own track lies within the threshold.
    """

    quantiles: tuple[tuple[float, float], ...]
    identity_distance: float
    pairs: int
    false_share: float
    recognised: dict[str, float]


def distance_matrix(
    clips: Sequence[NDArray[np.floating]], tracks: Sequence[NDArray[np.floating]]
) -> NDArray[np.float64]:
    """Compute the exact distance of every clip and every track.

    Parameters
    ----------
    clips : sequence of np.ndarray [shape=(n, d)]
        Frames of each clip.
    tracks : sequence of np.ndarray [shape=(m, d)]
        Frames of each track.

    Returns
    -------
    np.ndarray [shape=(clips, tracks), dtype=float64]
        The distances.
    """
    packed = pack(tracks, coefficients=tracks[0].shape[1])
    rows = np.arange(len(packed))
    return np.stack([exact_distances(Clip(clip), packed, rows) for clip in clips])


def quantiles(distances: NDArray[np.float64], *, shares: Sequence[float] = SHARES) -> tuple[tuple[float, float], ...]:
    """Tabulate how distances are distributed.

    Parameters
    ----------
    distances : np.ndarray [shape=(pairs,)]
        Distances of pairs that have nothing to do with each other.
    shares : sequence of float
        Which quantiles, rising.

    Returns
    -------
    tuple of (float, float)
        Share and distance to four decimals; quantiles that fall together are left out, so both columns rise.

    Examples
    --------
    >>> quantiles(np.arange(101.0), shares=(0.01, 0.5, 1.0))
    ((0.01, 1.0), (0.5, 50.0), (1.0, 100.0))
    """
    table: list[tuple[float, float]] = []
    for share, distance in zip(shares, np.quantile(distances, shares).round(4).tolist(), strict=True):
        if table and table[-1][1] >= distance:
            table.pop()
        table.append((share, distance))
    return tuple(table)


def identity_distance(nearest: NDArray[np.float64], *, false_share: float = _FALSE_SHARE) -> float:
    """Choose the threshold up to which a track counts as the very recording.

    Parameters
    ----------
    nearest : np.ndarray [shape=(clips,)]
        Distance of each clip to the nearest track by another artist.
    false_share : float
        Share of the clips that may have such a track within the threshold.

    Returns
    -------
    float
        The largest such threshold, to four decimals.

    Examples
    --------
    >>> identity_distance(np.linspace(1.0, 2.0, 201))
    1.0049
    """
    first_too_many = float(np.sort(nearest)[int(false_share * nearest.size)])
    steps = int(first_too_many * 1e4)
    return max(0, steps if steps / 1e4 < first_too_many else steps - 1) / 1e4


def measure(
    tracks: Sequence[NDArray[np.floating]],
    artists: Sequence[str | None],
    clips: Mapping[str, Sequence[NDArray[np.floating]]],
    *,
    track_of: Sequence[int],
    clean: str = "clean",
) -> DistanceConstants:
    """Measure what distances mean.

    1. Compare every clean clip with every track, and keep the pairs of two different, known artists.
    2. Take the quantiles of these distances, and the threshold from each clip's smallest.
    3. Count, for each kind of clip, how many lie within the threshold of their own track.

    Parameters
    ----------
    tracks : sequence of np.ndarray [shape=(m, d)]
        Frames of each track.
    artists : sequence of str or None
        Artist of each track; ``None`` where nobody knows.
    clips : mapping of str to sequence of np.ndarray [shape=(n, d)]
        Frames of the same clips, clean and in each way degraded, by the name of the way.
    track_of : sequence of int
        Number of the track that each clip was cut from.
    clean : str
        Name of the clips as they are.

    Returns
    -------
    DistanceConstants
        What was measured.

    Raises
    ------
    InputError
        There are no two known artists, or the counts do not fit.
    """
    for name, cuts in clips.items():
        if len(cuts) != len(track_of):
            raise InputError(f"{len(cuts)} clips {name!r} of {len(track_of)} tracks", hint="one track for each clip")
    if len(artists) != len(tracks):
        raise InputError(f"{len(artists)} artists of {len(tracks)} tracks", hint="one artist for each track")

    # Step 1
    own = np.array(track_of)
    distances = distance_matrix(clips[clean], tracks)
    names = np.array(["" if artist is None else artist for artist in artists])
    known = names != ""
    strangers = (names[own][:, None] != names) & known[own][:, None] & known
    pairs = distances[strangers]
    if not pairs.size:
        raise InputError("no clip has a track by another known artist", hint="music of at least two known artists")

    # Step 2
    nearest = np.where(strangers, distances, np.inf).min(axis=1)[strangers.any(axis=1)]
    threshold = identity_distance(nearest)

    # Step 3
    recognised = {
        name: float(
            np.mean(
                [
                    distance_matrix([clip], [tracks[track]])[0, 0] <= threshold
                    for clip, track in zip(cuts, own, strict=True)
                ]
            )
        )
        for name, cuts in clips.items()
    }
    return DistanceConstants(
        quantiles=quantiles(pairs),
        identity_distance=threshold,
        pairs=pairs.size,
        false_share=float((nearest <= threshold).mean()),
        recognised=recognised,
    )
