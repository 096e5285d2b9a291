"""Turn a signal into the frames and the summary that a feature version defines.

Everything comes from one magnitude spectrogram.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunekin.features import FEATURES, FeatureVersion
from tunekin_featurizer import chroma, hpss, mfcc, spectral, stft, tempo

__all__ = ["Analysis", "FeatureSet", "analyse", "average_columns", "featurize", "standardise", "summarise"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Analysis:
    """Each feature of a signal, column by column.

    Attributes
    ----------
    centroid_hz, rolloff_hz : np.ndarray [shape=(t,), dtype=float32]
        Spectral centroid and rolloff, in Hz.
    zero_crossing_rate : np.ndarray [shape=(t,), dtype=float32]
        Crossings a sample.
    harmonic_share, percussive_share : np.ndarray [shape=(t,), dtype=float32]
        Shares of the column's energy, 0 to 1.
    chroma : np.ndarray [shape=(12, t), dtype=float32]
        Pitch classes from C upwards, 0 to 1.
    mfcc : np.ndarray [shape=(n_mfcc, t), dtype=float32]
        Cepstral coefficients of levels relative to the local peak.
    tempo_bpm : float
        Beats a minute.
    """

    centroid_hz: NDArray[np.float32]
    rolloff_hz: NDArray[np.float32]
    zero_crossing_rate: NDArray[np.float32]
    harmonic_share: NDArray[np.float32]
    percussive_share: NDArray[np.float32]
    chroma: NDArray[np.float32]
    mfcc: NDArray[np.float32]
    tempo_bpm: float


@dataclass(frozen=True, kw_only=True, eq=False)
class FeatureSet:
    """What a clip or track is compared and classified by.

    Attributes
    ----------
    frames : np.ndarray [shape=(m, n_mfcc), dtype=float16]
        Standardised frames, as the catalogue stores them.
    summary : np.ndarray [shape=(summary_size,), dtype=float32]
        Numbers named by ``FeatureVersion.summary_names``, all finite.
    """

    frames: NDArray[np.float16]
    summary: NDArray[np.float32]


def featurize(y: NDArray[np.float32], *, version: FeatureVersion = FEATURES) -> FeatureSet:
    """Compute the features of a signal.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=float32]
        Mono signal in [-1, 1] at ``version.sample_rate_hz``, at least one sample. A gain changes no feature.
    version : FeatureVersion
        Fixes every number.

    Returns
    -------
    FeatureSet
        Frames and summary; finite for every signal, silence included.

    Raises
    ------
    ValueError
        If `y` is not a float32 vector of finite samples, or empty.

    Examples
    --------
    >>> t = np.arange(22_050, dtype=np.float32) / 22_050
    >>> features = featurize(np.sin(2 * np.pi * 440 * t))
    >>> features.frames.shape, features.summary.shape
    ((11, 20), (75,))
    """
    analysis = analyse(y, version=version)
    averages = average_columns(analysis.mfcc, columns_per_frame=version.columns_per_frame)
    frames = standardise(averages, version=version)
    return FeatureSet(frames=frames, summary=summarise(analysis, frames))


def analyse(y: NDArray[np.float32], *, version: FeatureVersion = FEATURES) -> Analysis:
    """Compute each feature of a signal, column by column.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=float32]
        Mono signal in [-1, 1] at ``version.sample_rate_hz``, at least one sample.
    version : FeatureVersion
        Fixes every number.

    Returns
    -------
    Analysis
        All features, of ``1 + n // hop`` columns.

    Raises
    ------
    ValueError
        If `y` is not a float32 vector of finite samples, or empty.
    """
    _validate(y)
    magnitudes = stft.magnitude(y, version=version)
    levels = mfcc.levels_db(mfcc.mel_power(magnitudes, version=version))
    harmonic_share, percussive_share = hpss.harmonic_percussive_shares(magnitudes)
    return Analysis(
        centroid_hz=spectral.centroid(magnitudes, version=version),
        rolloff_hz=spectral.rolloff(magnitudes, version=version),
        zero_crossing_rate=spectral.zero_crossing_rate(y, version=version),
        harmonic_share=harmonic_share,
        percussive_share=percussive_share,
        chroma=chroma.chroma(magnitudes, version=version),
        mfcc=mfcc.mfcc(levels, version=version),
        tempo_bpm=tempo.tempo_bpm(tempo.onset_strength(levels, version=version), version=version),
    )


def average_columns(mfcc: NDArray[np.float32], *, columns_per_frame: int) -> NDArray[np.float32]:
    """Average blocks of successive columns.

    Parameters
    ----------
    mfcc : np.ndarray [shape=(n_mfcc, t), dtype=float32]
        Coefficients, column by column.
    columns_per_frame : int > 0
        Columns of a block. A shorter rest is dropped, unless it is all there is.

    Returns
    -------
    np.ndarray [shape=(m, n_mfcc), dtype=float32]
        Means of ``m = max(1, t // columns_per_frame)`` blocks.

    Examples
    --------
    >>> average_columns(np.array([[1, 3, 5, 7, 100]], dtype=np.float32), columns_per_frame=2).ravel()
    array([2., 6.], dtype=float32)
    """
    n_mfcc, t = mfcc.shape
    width = min(t, columns_per_frame)
    m = t // width
    return np.asarray(mfcc[:, : m * width].reshape(n_mfcc, m, width).mean(axis=2).T)


def standardise(averages: NDArray[np.float32], *, version: FeatureVersion = FEATURES) -> NDArray[np.float16]:
    """Make frames of averaged coefficients, each coefficient with mean 0 and deviation 1 over the music at large.

    Parameters
    ----------
    averages : np.ndarray [shape=(m, n_mfcc), dtype=float32]
        Averaged coefficients.
    version : FeatureVersion
        Supplies ``frame_mean`` and ``frame_scale``.

    Returns
    -------
    np.ndarray [shape=(m, n_mfcc), dtype=float16, order="C"]
        Frames.
    """
    mean, scale = (np.array(constants, dtype=np.float32) for constants in (version.frame_mean, version.frame_scale))
    return np.ascontiguousarray((averages - mean) / scale, dtype=np.float16)


def summarise(analysis: Analysis, frames: NDArray[np.float16]) -> NDArray[np.float32]:
    """Means and deviations of all features, in the order of ``FeatureVersion.summary_names``.

    Parameters
    ----------
    analysis : Analysis
        Features by column.
    frames : np.ndarray [shape=(m, n_mfcc), dtype=float16]
        Frames of the same signal. Rounded as they are stored, so that whoever holds them has the summary's numbers.

    Returns
    -------
    np.ndarray [shape=(summary_size,), dtype=float32]
        Summary.
    """
    by_column = np.vstack(
        (
            analysis.centroid_hz,
            analysis.rolloff_hz,
            analysis.zero_crossing_rate,
            analysis.harmonic_share,
            analysis.percussive_share,
            analysis.chroma,
        ),
        dtype=np.float64,
    )
    by_frame = frames.T.astype(np.float64)
    means = (varying.mean(axis=1) for varying in (by_column, by_frame))
    deviations = (varying.std(axis=1) for varying in (by_column, by_frame))
    return np.concatenate((*means, *deviations, [analysis.tempo_bpm]), dtype=np.float32, casting="same_kind")


def _validate(y: NDArray[np.float32]) -> None:
    """Refuse what no decoder of this project makes."""
    if y.ndim != 1 or y.dtype != np.float32:
        raise ValueError(f"y is {y.dtype} of shape {y.shape}, but must be a mono signal, float32 of shape (n,)")
    if not y.size:
        raise ValueError("y is empty, but must have at least one sample")
    if not np.isfinite(y).all():
        raise ValueError("y has samples that are not finite, but must lie in [-1, 1]")
