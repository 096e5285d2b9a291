"""Describe the shape of each column's spectrum, and how often the signal changes its sign."""

import numba
import numpy as np
from numpy.typing import NDArray

from tunekin.features import FEATURES, FeatureVersion
from tunekin_featurizer.stft import Signal, column_count, frequencies_hz

__all__ = ["centroid", "rolloff", "zero_crossing_rate"]

# Samples this close to zero count as zero, so that a decoder's rounding of silence makes no crossings; librosa's value.
_ZERO = np.float32(1e-10)

# Columns whose samples are looked at together.
_BLOCK = 1_024


def centroid(magnitudes: NDArray[np.float32], *, version: FeatureVersion = FEATURES) -> NDArray[np.float32]:
    """Mean frequency of each column, weighted by magnitude.

    Equals ``librosa.feature.spectral_centroid(S=magnitudes)`` to 1e-5 of its value.

    Parameters
    ----------
    magnitudes : np.ndarray [shape=(1 + n_fft // 2, t), dtype=float32]
        Magnitude spectrogram.
    version : FeatureVersion
        Supplies the bins' frequencies.

    Returns
    -------
    np.ndarray [shape=(t,), dtype=float32]
        Centroids in Hz; 0 where a column is silent.

    References
    ----------
    .. [1] A. Klapuri and M. Davy (eds.), *Signal Processing Methods for Music Transcription*, chapter 5, 2006.
    """
    frequencies = frequencies_hz(version=version)
    total: NDArray[np.float32] = magnitudes.sum(axis=0)
    out = np.zeros_like(total)
    np.divide(magnitudes.T @ frequencies, total, out=out, where=total > 0)
    return out


def rolloff(
    magnitudes: NDArray[np.float32], *, roll_share: float = 0.85, version: FeatureVersion = FEATURES
) -> NDArray[np.float32]:
    """Lowest frequency below and at which `roll_share` of a column's summed magnitude lies.

    Equals ``librosa.feature.spectral_rolloff(S=magnitudes)`` for the same share, but where rounding decides between
    two neighbouring bins.

    Parameters
    ----------
    magnitudes : np.ndarray [shape=(1 + n_fft // 2, t), dtype=float32]
        Magnitude spectrogram.
    roll_share : float in (0, 1)
        Share of the sum.
    version : FeatureVersion
        Supplies the bins' frequencies.

    Returns
    -------
    np.ndarray [shape=(t,), dtype=float32]
        Frequencies in Hz, each a bin's; 0 where a column is silent.

    Raises
    ------
    ValueError
        If `roll_share` is not between 0 and 1.
    """
    if not 0 < roll_share < 1:
        msg = f"roll_share is {roll_share}, but must lie between 0 and 1"
        raise ValueError(msg)
    bins: NDArray[np.int64] = _rolloff_bins(np.ascontiguousarray(magnitudes.T), roll_share)
    return frequencies_hz(version=version)[bins]


def zero_crossing_rate(y: Signal, *, version: FeatureVersion = FEATURES) -> NDArray[np.float32]:
    """Share of neighbouring samples with different signs, in the window around each column's centre.

    Equals ``librosa.feature.zero_crossing_rate(y, frame_length=n_fft, hop_length=hop)`` exactly.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=float32 or int16]
        Mono signal of at least one sample.
    version : FeatureVersion
        Supplies ``n_fft``, the length of the window, and ``hop``.

    Returns
    -------
    np.ndarray [shape=(t,), dtype=float32]
        Crossings a sample, 0 to 1. The signal's ends are continued by their last values, which adds no crossings.
    """
    zero = 0 if y.dtype == np.int16 else -_ZERO
    reach = version.n_fft // 2
    centres = version.hop * np.arange(column_count(len(y), version=version))
    rate = np.empty(len(centres), dtype=np.float32)
    for start in range(0, len(centres), _BLOCK):
        around = centres[start : start + _BLOCK]
        begin = max(0, around[0] - reach)
        negative = y[begin : around[-1] + reach] < zero
        crossings = begin + np.flatnonzero(negative[1:] != negative[:-1])
        first, end = np.searchsorted(crossings, (around - reach, around + reach - 1))
        rate[start : start + _BLOCK] = (end - first) / version.n_fft
    return rate


# Reassociating the sums lets LLVM vectorise them; that moves a threshold by rounding only.
@numba.njit(cache=True, nogil=True, fastmath={"reassoc"})
def _rolloff_bins(columns: NDArray[np.float32], roll_share: float) -> NDArray[np.int64]:
    """Index of the bin of each row of `columns` at which its running sum reaches the share."""
    stride = 32  # sums of short blocks say where to look bin by bin
    t, bins = columns.shape
    out = np.zeros(t, np.int64)
    blocks = np.empty(bins // stride + 1, np.float32)
    for i in range(t):
        total = np.float32(0)
        for b in range(len(blocks)):
            block = np.float32(0)
            for k in range(b * stride, min(bins, (b + 1) * stride)):
                block += columns[i, k]
            blocks[b] = block
            total += block
        threshold = np.float32(roll_share * total)
        below = np.float32(0)
        b = 0
        while b < len(blocks) - 1 and below + blocks[b] < threshold:
            below += blocks[b]
            b += 1
        k = b * stride
        while k < bins - 1 and below + columns[i, k] < threshold:
            below += columns[i, k]
            k += 1
        out[i] = k
    return out
