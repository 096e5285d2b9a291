"""Measure the constants that standardise a summary's coefficients, over music.

``python -m tunekin_training.mfcc_constants MUSIC``, a folder or a CSV manifest, prints ``mfcc_mean`` and
``mfcc_scale`` for a feature version.
They belong to it for good: other constants are another version.
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tunekin.features import FEATURES, FeatureVersion
from tunekin_featurizer.featurize import average_columns
from tunekin_featurizer.mfcc import levels_db, mel_power, mfcc
from tunekin_featurizer.stft import magnitude
from tunekin_training.collection import find, read

__all__ = ["main", "mfcc_constants"]


def mfcc_constants(
    music: Iterable[NDArray[np.float32]], *, version: FeatureVersion = FEATURES
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each coefficient, over all frames before they are standardised.

    Parameters
    ----------
    music : iterable of np.ndarray [shape=(n,), dtype=float32]
        Mono signals at ``version.sample_rate_hz``; at least one.
    version : FeatureVersion
        Fixes the frames, but for their own constants.

    Returns
    -------
    mfcc_mean, mfcc_scale : tuple of float [n_mfcc]
        Constants, to 4 significant digits: far finer than the music that they were measured on decides.

    Raises
    ------
    ValueError
        If there is no music.
    """
    frames = [
        average_columns(
            mfcc(levels_db(mel_power(magnitude(y, version=version), version=version)), version=version),
            columns_per_frame=version.columns_per_frame,
        )
        for y in music
    ]
    if not frames:
        raise ValueError("there is no music, but constants are measured on at least one signal")
    every = np.concatenate(frames)
    return _rounded(every.mean(axis=0, dtype=np.float64)), _rounded(every.std(axis=0, dtype=np.float64))


def _rounded(values: NDArray[np.float64]) -> tuple[float, ...]:
    """Values to 4 significant digits."""
    return tuple(float(f"{value:.4g}") for value in values)


def main(arguments: Sequence[str]) -> None:
    """Print both tuples for the music that the one argument names.

    Parameters
    ----------
    arguments : sequence of str
        The command line without the program's name.
    """
    if len(arguments) != 1:
        sys.exit(f"usage: python -m tunekin_training.mfcc_constants MUSIC, a folder or a manifest, not {arguments}")
    mean, scale = mfcc_constants(read(recording) for recording in find(Path(arguments[0])))
    sys.stdout.write(f"mfcc_mean={mean},\nmfcc_scale={scale},\n")


if __name__ == "__main__":
    main(sys.argv[1:])
