"""Mel-frequency cepstral coefficients, of levels that are relative to what is loud nearby.

The stages compose: `mel_power`, `levels_db`, `relative_db` (with `local_peak_db`), `cepstrum`; `mfcc` runs them all.
``cepstrum(np.maximum(levels, levels.max() - 80))`` is ``librosa.feature.mfcc`` with its default ``top_db``.
"""

from functools import cache

import numba
import numpy as np
import scipy.fft
import scipy.ndimage
from numpy.typing import NDArray

from tunekin.features import FEATURES, FeatureVersion
from tunekin_featurizer.filters import mel_bank

__all__ = ["cepstrum", "levels_db", "local_peak_db", "mel_power", "mfcc", "relative_db"]

# Smallest normal float32: silence has a level, and no level that music has depends on it.
_SMALLEST_POWER = float(np.finfo(np.float32).tiny)


def mel_power(magnitudes: NDArray[np.float32], *, version: FeatureVersion = FEATURES) -> NDArray[np.float32]:
    """Power in the bands of the mel filter bank.

    Equals ``librosa.feature.melspectrogram(S=magnitudes**2, n_mels=n_mels)`` to 1e-5 of its value.

    Parameters
    ----------
    magnitudes : np.ndarray [shape=(1 + n_fft // 2, t), dtype=float32]
        Magnitude spectrogram.
    version : FeatureVersion
        Supplies ``sample_rate_hz``, ``n_fft`` and ``n_mels``.

    Returns
    -------
    np.ndarray [shape=(n_mels, t), dtype=float32, order="F"]
        Mel power spectrogram.

    References
    ----------
    .. [1] M. Slaney, *Auditory Toolbox, version 2*, Interval Research Corporation, 1998.
    """
    out = np.empty((magnitudes.shape[1], version.n_mels), dtype=np.float32)
    _filter(np.ascontiguousarray(magnitudes.T), *_mel_filters(version), out)
    return out.T


def levels_db(power: NDArray[np.float32], *, smallest_power: float = _SMALLEST_POWER) -> NDArray[np.float32]:
    """Levels in decibels, relative to a power of 1.

    Equals ``librosa.power_to_db(power, amin=smallest_power, top_db=None)`` to rounding. librosa's own `amin` of 1e-10
    is a level that quiet music reaches, so that the same passage, recorded more quietly, would differ.

    Parameters
    ----------
    power : np.ndarray [dtype=float32]
        Powers of 0 and above.
    smallest_power : float > 0
        Powers below it count as this.

    Returns
    -------
    np.ndarray [shape of `power`, dtype=float32]
        Levels in dB.
    """
    # NumPy has SIMD code for float32's natural logarithm, but not for the decimal one.
    levels = np.log(np.maximum(power, np.float32(smallest_power)))
    levels *= np.float32(10 / np.log(10))
    return levels


def local_peak_db(levels: NDArray[np.float32], *, version: FeatureVersion = FEATURES) -> NDArray[np.float32]:
    """Level of the loudest band in a window around each column.

    Parameters
    ----------
    levels : np.ndarray [shape=(n_mels, t), dtype=float32]
        Levels in dB.
    version : FeatureVersion
        Supplies ``peak_window_s`` and ``hop``. The window is centred on the column and ends where the signal does.

    Returns
    -------
    np.ndarray [shape=(t,), dtype=float32]
        Levels in dB.
    """
    reach = round(version.peak_window_s / 2 * version.sample_rate_hz / version.hop)
    # The value at an end, repeated outside, is in the window already: it changes no maximum.
    return np.asarray(scipy.ndimage.maximum_filter1d(levels.max(axis=0), 2 * reach + 1, mode="nearest"))


def relative_db(
    levels: NDArray[np.float32], *, peak_db: NDArray[np.float32] | float, floor_db: float
) -> NDArray[np.float32]:
    """Levels relative to a peak, none further below it than the floor.

    Parameters
    ----------
    levels : np.ndarray [shape=(n_mels, t), dtype=float32]
        Levels in dB.
    peak_db : np.ndarray [shape=(t,), dtype=float32] or float
        Level that becomes 0 dB, for each column or for all.
    floor_db : float > 0
        Distance from the peak to the floor, in dB.

    Returns
    -------
    np.ndarray [shape=(n_mels, t), dtype=float32]
        Levels in dB, −`floor_db` to 0; all at the floor where the whole neighbourhood is silent.
    """
    # Nothing is audible `floor_db` above the smallest level: a peak down there is silence, not full scale.
    peak_db = np.maximum(peak_db, np.float32(10 * np.log10(_SMALLEST_POWER) + floor_db))
    return np.asarray(np.maximum(levels - peak_db, np.float32(-floor_db)))


def cepstrum(levels: NDArray[np.float32], *, version: FeatureVersion = FEATURES) -> NDArray[np.float32]:
    """First coefficients of the orthonormal DCT-II of each column.

    Equals ``librosa.feature.mfcc(S=levels, n_mfcc=n_mfcc)`` to rounding.

    Parameters
    ----------
    levels : np.ndarray [shape=(n_mels, t), dtype=float32]
        Levels in dB.
    version : FeatureVersion
        Supplies ``n_mfcc``.

    Returns
    -------
    np.ndarray [shape=(n_mfcc, t), dtype=float32]
        Coefficients.

    References
    ----------
    .. [1] S. Davis and P. Mermelstein, "Comparison of parametric representations for monosyllabic word recognition in
       continuously spoken sentences", IEEE Transactions on Acoustics, Speech, and Signal Processing 28(4), 1980.
    """
    return _dct_basis(len(levels), version.n_mfcc) @ levels


def mfcc(levels: NDArray[np.float32], *, version: FeatureVersion = FEATURES) -> NDArray[np.float32]:
    """Coefficients of levels relative to the local peak.

    The same passage has the same coefficients in a quiet recording and in a loud one, and below the floor, where a
    microphone adds noise of its own, there is nothing to compare.

    The peak is taken off, not only used to place the floor: what is left of the level, which all but coefficient 0
    ignore, would be the recording's gain. Of the references that a gain moves along, the local peak found a 6 s clip's
    own song with the widest margin; the loudest level or the mean of the whole signal differ between a clip and its
    song, and the next song came nearer by a quarter to a third.

    Parameters
    ----------
    levels : np.ndarray [shape=(n_mels, t), dtype=float32]
        Levels in dB, relative to anything.
    version : FeatureVersion
        Supplies ``floor_db``, ``peak_window_s`` and ``n_mfcc``.

    Returns
    -------
    np.ndarray [shape=(n_mfcc, t), dtype=float32]
        Coefficients.
    """
    peak_db = local_peak_db(levels, version=version)
    return cepstrum(relative_db(levels, peak_db=peak_db, floor_db=version.floor_db), version=version)


@cache
def _mel_filters(version: FeatureVersion) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """First bin and end of each band, and the weights of all bins."""
    bank = mel_bank(sample_rate_hz=version.sample_rate_hz, n_fft=version.n_fft, n_mels=version.n_mels)
    inside = bank > 0
    first = inside.argmax(axis=1)
    return first, first + inside.sum(axis=1), bank


@cache
def _dct_basis(n_mels: int, n_mfcc: int) -> NDArray[np.float32]:
    """Rows of the orthonormal DCT-II."""
    return np.ascontiguousarray(scipy.fft.dct(np.eye(n_mels), axis=0, norm="ortho")[:n_mfcc], dtype=np.float32)


@numba.njit(cache=True, nogil=True)
def _filter(
    columns: NDArray[np.float32],
    first: NDArray[np.int64],
    end: NDArray[np.int64],
    bank: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Write the power in each band to `out`, reading only the 2 % of the weights that are not zero."""
    for i in range(columns.shape[0]):
        for band in range(len(first)):
            power = np.float32(0)
            for k in range(first[band], end[band]):
                power += columns[i, k] * columns[i, k] * bank[band, k]
            out[i, band] = power
