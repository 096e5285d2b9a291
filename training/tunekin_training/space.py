"""The space that moods live in: a summary without its key.

Conventions
-----------
``n`` counts summaries, ``d`` their numbers, ``p`` the dimensions of the space.

Everything in a summary is kept as it is but chroma. Its twelve means say which pitch classes a song uses, and so, above
all, in which key it is; a song that is sung a tone higher keeps its mood. In their place stand the magnitudes of their
discrete Fourier transform, which no transposition changes: how clear the pitches are, how diatonic, how chromatic. The
twelve deviations become their mean. No transposition changes a descriptor.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunekin.features import FEATURES, FeatureVersion

__all__ = ["MoodSpace", "mood_space"]

_PITCH_CLASSES = 12


@dataclass(frozen=True, kw_only=True, eq=False)
class MoodSpace:
    """Maps summaries to points: ``[x[kept], x @ averaged, sqrt((x @ cosine)**2 + (x @ sine)**2)]``.

    As arrays, so that NumPy and an exported network compute the same.

    Attributes
    ----------
    kept : np.ndarray [shape=(k,), dtype=int64]
        Which numbers of a summary are taken as they are.
    averaged : np.ndarray [shape=(d, 1), dtype=float32]
        Averages the deviations of chroma.
    cosine, sine : np.ndarray [shape=(d, p - k - 1), dtype=float32]
        Real and imaginary part of the Fourier transform of chroma.
    """

    kept: NDArray[np.int64]
    averaged: NDArray[np.float32]
    cosine: NDArray[np.float32]
    sine: NDArray[np.float32]

    @property
    def size(self) -> int:
        """Dimensions of the space."""
        return len(self.kept) + 1 + self.cosine.shape[1]

    def points(self, summaries: NDArray[np.float32]) -> NDArray[np.float32]:
        """Place summaries in the space.

        Parameters
        ----------
        summaries : np.ndarray [shape=(n, d), dtype=float32]
            Summaries.

        Returns
        -------
        np.ndarray [shape=(n, p), dtype=float32]
            Points.
        """
        chroma = np.hypot(summaries @ self.cosine, summaries @ self.sine)
        parts = (summaries[:, self.kept], summaries @ self.averaged, chroma)
        return np.hstack(parts).astype(np.float32, copy=False)


def mood_space(version: FeatureVersion = FEATURES) -> MoodSpace:
    """Make the space for the summaries of a feature version.

    Parameters
    ----------
    version : FeatureVersion
        Says where chroma is in a summary.

    Returns
    -------
    MoodSpace
        Of ``d - 16`` dimensions: 24 numbers of chroma become 8.

    References
    ----------
    .. [1] I. Quinn, "General equal-tempered harmony", Perspectives of New Music 44(2), 2006.

    Examples
    --------
    >>> space = mood_space()
    >>> summary = np.arange(557, dtype=np.float32)[np.newaxis]
    >>> space.points(summary).shape
    (1, 541)
    """
    names = version.summary_names
    means, deviations = (
        [names.index(f"chroma_{i}_{statistic}") for i in range(_PITCH_CLASSES)] for statistic in ("mean", "std")
    )
    kept = [i for i in range(len(names)) if i not in {*means, *deviations}]
    averaged = np.zeros((len(names), 1), dtype=np.float32)
    averaged[deviations] = 1 / _PITCH_CLASSES
    angles = 2 * np.pi * np.outer(np.arange(_PITCH_CLASSES), np.arange(_PITCH_CLASSES // 2 + 1)) / _PITCH_CLASSES
    cosine, sine = (np.zeros((len(names), angles.shape[1]), dtype=np.float32) for _ in range(2))
    cosine[means], sine[means] = np.cos(angles), np.sin(angles)
    return MoodSpace(kept=np.array(kept), averaged=averaged, cosine=cosine, sine=sine)
