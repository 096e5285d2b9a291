"""Measure the constants that standardise frames, over a folder of music.

``python -m tunekin_training.frame_constants DIR`` prints ``frame_mean`` and ``frame_scale`` for a feature version.
They belong to it for good: other constants are another version.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from tunekin.features import FEATURES, FeatureVersion
from tunekin_featurizer.featurize import average_columns
from tunekin_featurizer.mfcc import levels_db, mel_power, mfcc
from tunekin_featurizer.stft import magnitude

__all__ = ["frame_constants", "main", "signals"]

_SUFFIXES = frozenset({".flac", ".mp3", ".ogg", ".wav"})


def frame_constants(
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
    frame_mean, frame_scale : tuple of float [n_mfcc]
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


def signals(folder: Path, *, version: FeatureVersion = FEATURES) -> Iterator[NDArray[np.float32]]:
    """Read all sound files below a folder, in order of their paths.

    Parameters
    ----------
    folder : Path
        Folder of FLAC, MP3, Ogg or WAV files.
    version : FeatureVersion
        Supplies ``sample_rate_hz``.

    Yields
    ------
    np.ndarray [shape=(n,), dtype=float32]
        Signal of one file, mixed to mono.

    Raises
    ------
    ValueError
        If a file has another sample rate: constants measured through a resampler would hold its filter, too.
    """
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in _SUFFIXES):
        y, sample_rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
        if sample_rate_hz != version.sample_rate_hz:
            raise ValueError(f"{path} has {sample_rate_hz} Hz, but must have {version.sample_rate_hz} Hz")
        yield y.mean(axis=1)


def _rounded(values: NDArray[np.float64]) -> tuple[float, ...]:
    """Values to 4 significant digits."""
    return tuple(float(f"{value:.4g}") for value in values)


def main(arguments: Sequence[str]) -> None:
    """Print both tuples for the folder that the one argument names.

    Parameters
    ----------
    arguments : sequence of str
        The command line without the program's name.
    """
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        sys.exit(f"usage: python -m tunekin_training.frame_constants DIR (an existing folder), not {arguments}")
    mean, scale = frame_constants(signals(Path(arguments[0])))
    sys.stdout.write(f"frame_mean={mean},\nframe_scale={scale},\n")


if __name__ == "__main__":
    main(sys.argv[1:])
