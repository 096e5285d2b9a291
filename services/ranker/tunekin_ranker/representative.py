"""The part of a long sequence that stands for all of it."""

import numpy as np
from numpy.typing import NDArray

from tunekin.errors import InputError, OptionError

__all__ = ["representative_span"]


def representative_span(frames: NDArray[np.floating], *, length: int) -> tuple[int, int]:
    """Find the window whose mean frame is nearest to the mean of all frames, in Euclidean distance.

    Of equally near windows it is the earliest. Running sums make it one pass over the frames, O(m d). They are exact
    for float16 frames: a number has at most 40 bits, so float64 holds the sum of 8,192 of any size, and in practice of
    many more.

    Parameters
    ----------
    frames : np.ndarray [shape=(m, d)]
        The sequence.
    length : int
        Frames in the window, 1 and up.

    Returns
    -------
    start, stop : int
        The window is ``frames[start:stop]``; the whole sequence where it is no longer than the window.

    Raises
    ------
    OptionError
        The window has no frames.
    InputError
        The sequence has no frames.

    Examples
    --------
    >>> representative_span(np.array([[9.0], [1.0], [2.0], [3.0], [-5.0]]), length=3)
    (1, 4)
    """
    if length < 1:
        raise OptionError(f"length is {length}", hint="a window of at least 1 frame")
    if not len(frames):
        raise InputError("there are no frames", hint="a sequence of at least 1 frame")
    if len(frames) <= length:
        return 0, len(frames)
    sums = np.cumsum(frames, axis=0, dtype=np.float64)
    windows = sums[length - 1 :].copy()
    windows[1:] -= sums[:-length]
    away = ((windows / length - sums[-1] / len(frames)) ** 2).sum(axis=1)
    start = int(away.argmin())
    return start, start + length
