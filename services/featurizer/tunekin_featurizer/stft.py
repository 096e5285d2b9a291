"""Cut a signal into windowed columns and take the magnitude of their Fourier transforms.

Conventions
-----------
Signals are mono float32. Spectrograms are ``[bins, t]`` as in librosa, in Fortran order, so that a column's bins lie
side by side in memory; every stage of this package takes such a magnitude spectrogram, made once.
"""

from functools import cache

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tunekin.features import FEATURES, FeatureVersion

__all__ = ["column_count", "frequencies_hz", "magnitude"]

# Columns transformed at a time: their windows and spectra, 1 MB, stay in cache, and memory does not grow with them.
_BLOCK = 64


def column_count(samples: int, *, version: FeatureVersion = FEATURES) -> int:
    """Count the STFT columns of a signal.

    Parameters
    ----------
    samples : int > 0
        Length of the signal.
    version : FeatureVersion
        Supplies ``hop``.

    Returns
    -------
    int > 0
        Columns, centred on samples ``0, hop, 2 * hop, …``.

    Examples
    --------
    >>> column_count(22_050)
    44
    """
    return 1 + samples // version.hop


@cache
def frequencies_hz(*, version: FeatureVersion = FEATURES) -> NDArray[np.float32]:
    """Centre frequencies of the bins of a spectrogram.

    Parameters
    ----------
    version : FeatureVersion
        Supplies ``sample_rate_hz`` and ``n_fft``.

    Returns
    -------
    np.ndarray [shape=(1 + n_fft // 2,), dtype=float32]
        Frequencies in Hz, read-only.
    """
    frequencies = np.fft.rfftfreq(version.n_fft, 1 / version.sample_rate_hz).astype(np.float32)
    frequencies.flags.writeable = False
    return frequencies


def magnitude(y: NDArray[np.float32], *, version: FeatureVersion = FEATURES) -> NDArray[np.float32]:
    """Magnitude of the short-time Fourier transform.

    Equals ``abs(librosa.stft(y, n_fft=n_fft, hop_length=hop))`` (Hann window, columns centred, the ends padded with
    zeros) to the rounding of a float32 transform: the largest difference is below 1e-6 of the largest magnitude.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=float32]
        Mono signal of at least one sample; it may be shorter than ``n_fft``.
    version : FeatureVersion
        Supplies ``n_fft`` and ``hop``.

    Returns
    -------
    np.ndarray [shape=(1 + n_fft // 2, t), dtype=float32, order="F"]
        Magnitudes, one column for every `hop` samples.

    Examples
    --------
    >>> magnitude(np.zeros(22_050, dtype=np.float32)).shape
    (1025, 44)
    """
    # The periodic Hann window, exact in double precision and rounded once.
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(version.n_fft) / version.n_fft)).astype(np.float32)
    frames = sliding_window_view(np.pad(y, version.n_fft // 2), version.n_fft)[:: version.hop]
    columns = np.empty((len(frames), 1 + version.n_fft // 2), dtype=np.float32)
    for start in range(0, len(frames), _BLOCK):
        block = slice(start, start + _BLOCK)
        np.abs(scipy.fft.rfft(frames[block] * window, overwrite_x=True), out=columns[block])
    return columns.T
