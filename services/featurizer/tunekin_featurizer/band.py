"""The frames that a clip and its song are aligned by: what sounds within the band that every microphone passes.

A room, a loudspeaker and a telephone line colour the sound for as long as it lasts, take away bass and treble, and fill
quiet bands with noise. So the frames know only the band of a telephone, only what is loud nearby, and only how the
sound differs from what surrounds it.
"""

from functools import cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from tunekin.features import FEATURES, FeatureVersion
from tunekin_featurizer.filters import mel_frequencies_hz
from tunekin_featurizer.mfcc import local_peak_db, relative_db

__all__ = ["band_frames", "band_levels"]

# Added to deviations: coefficients of a drone, which hardly vary, are not blown up to noise.
_LEAST_DEVIATION_DB = 1.0


def band_levels(
    levels: NDArray[np.float32], *, floor_db: float, version: FeatureVersion = FEATURES
) -> NDArray[np.float32]:
    """Levels of the bands within the telephone's, relative to the loudest of them nearby.

    Parameters
    ----------
    levels : np.ndarray [shape=(n_mels, t), dtype=float32]
        Levels in dB, relative to anything.
    floor_db : float > 0
        Distance from the peak to the floor, in dB.
    version : FeatureVersion
        Supplies ``band_hz``, ``peak_window_s`` and the mel bands.

    Returns
    -------
    np.ndarray [shape=(bands, t), dtype=float32]
        Levels in dB, −`floor_db` to 0.
    """
    inside = levels[_bands(version)]
    return relative_db(inside, peak_db=local_peak_db(inside, version=version), floor_db=floor_db)


def band_frames(levels: NDArray[np.float32], *, version: FeatureVersion = FEATURES) -> NDArray[np.float16]:
    """Frames of a signal, as the catalogue stores them.

    1. Levels within the band, relative to the local peak, with a floor.
    2. Their cepstrum, averaged over ``columns_per_frame`` columns.
    3. Less the mean of a window around each frame, which takes a constant colour out.
    4. Divided by the deviation in a window around it, since noise and reverberation flatten the sound.

    Parameters
    ----------
    levels : np.ndarray [shape=(n_mels, t), dtype=float32]
        Levels in dB, relative to anything.
    version : FeatureVersion
        Fixes every number.

    Returns
    -------
    np.ndarray [shape=(m, n_mfcc), dtype=float16, order="C"]
        Frames.
    """
    # Step 1
    inside = band_levels(levels, floor_db=version.band_floor_db, version=version)
    # Step 2
    t = inside.shape[1]
    width = min(t, version.columns_per_frame)
    m = t // width
    averages = inside[:, : m * width].reshape(len(inside), m, width).mean(axis=2)
    frames = (_dct_basis(len(inside), version.n_mfcc) @ averages).astype(np.float64)
    # Step 3
    frames -= _window_mean(frames, window_s=version.centre_window_s, version=version)
    # Step 4
    power = _window_mean(frames**2, window_s=version.spread_window_s, version=version)
    frames /= np.sqrt(np.maximum(power, 0)) + _LEAST_DEVIATION_DB
    return np.ascontiguousarray(frames.T, dtype=np.float16)


def _window_mean(rows: NDArray[np.float64], *, window_s: float, version: FeatureVersion) -> NDArray[np.float64]:
    """Mean of each row in a window around each place, which ends where the row does."""
    reach = round(window_s / 2 / version.frame_s)
    count = rows.shape[1]
    sums = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(rows, axis=1)], axis=1)
    places = np.arange(count)
    first, end = np.maximum(places - reach, 0), np.minimum(places + reach + 1, count)
    return np.asarray((sums[:, end] - sums[:, first]) / (end - first))


@cache
def _bands(version: FeatureVersion) -> NDArray[np.int64]:
    """Mel bands whose centres lie within the band."""
    low_hz, high_hz = version.band_hz
    centres = mel_frequencies_hz(version.n_mels + 2, highest_hz=version.sample_rate_hz / 2)[1:-1]
    return np.flatnonzero((centres >= low_hz) & (centres <= high_hz))


@cache
def _dct_basis(bands: int, n_mfcc: int) -> NDArray[np.float32]:
    """Rows of the orthonormal DCT-II."""
    return np.ascontiguousarray(scipy.fft.dct(np.eye(bands), axis=0, norm="ortho")[:n_mfcc], dtype=np.float32)
