"""A small vocabulary of frames: what any music is made of, roughly.

Two things are told by it. How far a clip's frames lie from their nearest words is what a distance has to be compared
with: a busy or noisy passage lies far from everything, its own song included. And how often each word occurs says what
is typical of a track.
"""

from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST_STRANGENESS", "strangeness", "vocabulary", "word_shares"]

# Frames that all are words themselves, such as those of silence, are still compared with something.
LEAST_STRANGENESS = 0.1


@cache
def vocabulary() -> NDArray[np.float64]:
    """Load the words that belong to the feature version.

    Returns
    -------
    np.ndarray [shape=(words, d), dtype=float64]
        Centres of frames of much music, as `tunekin_training.words` found them.
    """
    with resources.files("tunekin_ranker").joinpath("words.npy").open("rb") as file:
        return np.asarray(np.load(file, allow_pickle=False), np.float64)


def strangeness(frames: NDArray[np.floating], words: NDArray[np.float64] | None = None) -> float:
    """Say how far frames lie from the words.

    Parameters
    ----------
    frames : np.ndarray [shape=(m, d)]
        Frames, one or more.
    words : np.ndarray [shape=(words, d)], optional
        The vocabulary; the shipped one by default.

    Returns
    -------
    float
        Mean Euclidean distance of a frame to its nearest word.
    """
    squares = _squares(frames, vocabulary() if words is None else words)
    return float(np.sqrt(squares.min(axis=1)).mean())


def word_shares(frames: NDArray[np.floating], words: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Say which word each frame is nearest to.

    Parameters
    ----------
    frames : np.ndarray [shape=(m, d)]
        Frames.
    words : np.ndarray [shape=(words, d)], optional
        The vocabulary; the shipped one by default.

    Returns
    -------
    np.ndarray [shape=(m, words), dtype=float64]
        1 at the nearest word, the first of several, else 0: the mean of some rows is how often each word occurs there.
    """
    words = vocabulary() if words is None else words
    return np.asarray(np.eye(len(words))[_squares(frames, words).argmin(axis=1)])


def _squares(frames: NDArray[np.floating], words: NDArray[np.float64]) -> NDArray[np.float64]:
    exact = frames.astype(np.float64)
    squares = (exact**2).sum(axis=1)[:, None] + (words**2).sum(axis=1) - 2 * exact @ words.T
    return np.asarray(np.maximum(squares, 0))
