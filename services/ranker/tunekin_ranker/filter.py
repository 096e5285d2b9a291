"""Which tracks of a snapshot pass what was asked for."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from tunekin.filters import tag_key
from tunekin.messages import Bounds, Filters
from tunekin_ranker.index import Index

__all__ = ["passing"]


def passing(index: Index, filters: Filters, *, moods: Collection[int] | None = None) -> NDArray[np.bool_] | None:
    """Say which tracks may be matches.

    Parameters
    ----------
    index : Index
        The tracks.
    filters : Filters
        What was asked for.
    moods : collection of int, optional
        Moods that a track has to have one of, besides; any by default.

    Returns
    -------
    np.ndarray [shape=(slots,), dtype=bool] or None
        Whether its track passes, by slot; ``None`` where all do.
    """
    marks = []
    if moods is not None:
        marks.append(np.isin(index.moods, list(moods)))
    if filters.moods:
        marks.append(np.isin(index.moods, filters.moods))
    if filters.tempo_bpm is not None:
        marks.append(_within(index.tempi, filters.tempo_bpm))
    if filters.years is not None:
        marks.append((index.years > 0) & _within(index.years, filters.years))
    if filters.tags:
        marks.append(index.tagged([tag_key(tag) for tag in filters.tags]))
    return np.logical_and.reduce(marks) if marks else None


def _within(values: NDArray[np.integer] | NDArray[np.floating], bounds: Bounds) -> NDArray[np.bool_]:
    """Whether numbers lie within bounds; what is no number does not."""
    low, high = (-np.inf if bounds[0] is None else bounds[0]), (np.inf if bounds[1] is None else bounds[1])
    return (values >= low) & (values <= high)
