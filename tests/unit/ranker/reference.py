"""The judge of the ranker: definitions written out as loops, in float64 over float16 frames, without any speed."""

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tunekin_ranker.index import Track


def local_cost(x: Sequence[float], y: Sequence[float]) -> float:
    """Euclidean distance, coefficient by coefficient: `sum` would compensate from Python 3.12 on."""
    square = 0.0
    for a, b in zip(x, y, strict=True):
        square += (a - b) * (a - b)
    return math.sqrt(square)


def local_costs(clip: NDArray[np.floating], track: NDArray[np.floating]) -> list[list[float]]:
    """Cost of every clip frame and every track frame; the track counts as float16."""
    xs = clip.astype(np.float64).tolist()
    ys = track.astype(np.float16).astype(np.float64).tolist()
    return [[local_cost(x, y) for y in ys] for x in xs]


def accumulated_costs(clip: NDArray[np.floating], track: NDArray[np.floating]) -> list[list[float]]:
    """Cost of the cheapest path that ends in each cell."""
    costs = local_costs(clip, track)
    total = [list(costs[0])]
    for i in range(1, len(costs)):
        row: list[float] = []
        for j, cost in enumerate(costs[i]):
            predecessors = [total[i - 1][j]]
            if j:
                predecessors += [total[i - 1][j - 1], row[j - 1]]
            row.append(cost + min(predecessors))
        total.append(row)
    return total


def distance(clip: NDArray[np.floating], track: NDArray[np.floating]) -> float:
    """Subsequence DTW distance."""
    return min(accumulated_costs(clip, track)[-1]) / len(clip)


def path(clip: NDArray[np.floating], track: NDArray[np.floating]) -> list[tuple[int, int]]:
    """Cells of the cheapest path; of equal steps back the diagonal, then along the track, then along the clip."""
    total = accumulated_costs(clip, track)
    i, j = len(total) - 1, total[-1].index(min(total[-1]))
    cells = [(i, j)]
    while i:
        steps = [(i - 1, j - 1), (i, j - 1), (i - 1, j)] if j else [(i - 1, j)]
        i, j = min(steps, key=lambda cell: total[cell[0]][cell[1]])
        cells.append((i, j))
    return cells[::-1]


def span(clip: NDArray[np.floating], track: NDArray[np.floating]) -> tuple[int, int]:
    """Frames ``[start, stop)`` of the track on the cheapest path."""
    cells = path(clip, track)
    return cells[0][1], cells[-1][1] + 1


def best(
    tracks: Sequence[Track],
    clip: NDArray[np.floating],
    *,
    k: int,
    grouping: str = "group",
    moods: Collection[int] | None = None,
    exclude: Collection[str] = (),
    unwanted: Collection[str] = (),
    identity_distance: float | None = None,
    lines: Mapping[str, tuple[float, float]] | None = None,
) -> tuple[list[tuple[float, str]], list[tuple[float, str]]]:
    """Hits (score and id) and identical tracks (distance and id) by comparing every track, best first.

    `lines` holds offset and slope of the scores by track id; without it a score is a distance. What is excluded is
    neither, and what is unwanted, or of other moods, is no hit.
    """
    entries = [(distance(clip, track.frames), track) for track in tracks if track.track_id not in exclude]
    limit = -1.0 if identity_distance is None else identity_distance
    identical = sorted((value, track.track_id) for value, track in entries if value <= limit)
    scored = []
    for value, track in entries:
        offset, slope = (0.0, 1.0) if lines is None else lines[track.track_id]
        if value > limit and track.track_id not in unwanted and (moods is None or track.mood in moods):
            scored.append((offset + slope * value, track.track_id, track.group))
    hits: list[tuple[float, str]] = []
    seen: set[str] = set()
    for value, track_id, group in sorted(scored, key=lambda entry: entry[:2]):
        if grouping == "group" and group is not None:
            if group in seen:
                continue
            seen.add(group)
        hits.append((value, track_id))
    return hits[:k], identical
