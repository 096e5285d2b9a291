"""Fold each column's spectrum onto the twelve pitch classes, after finding how the music is tuned."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numba
import numpy as np
from numpy.typing import NDArray

from tunekin.features import FEATURES, FeatureVersion
from tunekin_featurizer.filters import chroma_bank
from tunekin_featurizer.stft import frequencies_hz

__all__ = ["PITCH_CLASSES", "Peaks", "chroma", "peaks", "tuning", "tuning_of"]

PITCH_CLASSES = 12

# Peaks count between these frequencies and above this share of their column's largest power, as in `librosa.piptrack`:
# below, a semitone is narrower than a bin, above are mostly overtones.
_LOWEST_HZ, _HIGHEST_HZ = 150.0, 4_000.0
_PEAK_SHARE = 0.1

# Steps of a semitone that the estimate distinguishes, as in `librosa.estimate_tuning`.
_STEPS = 100
_EDGES = np.linspace(-0.5, 0.5, _STEPS + 1)

# As many columns squared at a time as stay in the second-level cache with their source.
_BLOCK = 64


def chroma(
    magnitudes: NDArray[np.float32], *, tuning_semitones: float | None = None, version: FeatureVersion = FEATURES
) -> NDArray[np.float32]:
    """Power in each pitch class, relative to the column's strongest class.

    Equals ``librosa.feature.chroma_stft(S=magnitudes**2)`` to 1e-5.

    Parameters
    ----------
    magnitudes : np.ndarray [shape=(1 + n_fft // 2, t), dtype=float32]
        Magnitude spectrogram.
    tuning_semitones : float or None
        Deviation from A = 440 Hz; by default as `tuning` estimates it.
    version : FeatureVersion
        Supplies ``sample_rate_hz`` and ``n_fft``.

    Returns
    -------
    np.ndarray [shape=(12, t), dtype=float32, order="F"]
        Chroma from C upwards, 0 to 1; 0 where a column is silent.

    References
    ----------
    .. [1] D. Ellis, "Chroma feature analysis and synthesis", 2007.
    """
    if tuning_semitones is None:
        tuning_semitones = tuning(magnitudes, version=version)
    # Rounded to the estimate's steps, so that the filter banks ever made are few.
    filters = _chroma_filters(version, round(tuning_semitones, 2))
    columns = magnitudes.T
    out = np.empty((len(columns), PITCH_CLASSES), dtype=np.float32)
    for start in range(0, len(columns), _BLOCK):
        block = columns[start : start + _BLOCK]
        np.matmul(block * block, filters, out=out[start : start + _BLOCK])
    strongest = out.max(axis=1, keepdims=True)
    strongest[strongest < np.finfo(np.float32).tiny] = 1
    out /= strongest
    return out.T


@dataclass(frozen=True, kw_only=True, eq=False)
class Peaks:
    """What spectral peaks say of the tuning; long music has millions of them.

    Attributes
    ----------
    steps : np.ndarray [shape=(n,), dtype=uint8]
        How far each is from the nearest semitone, in steps of 0.01 semitones from −0.5 on.
    powers : np.ndarray [shape=(n,), dtype=float32]
        Their powers.
    """

    steps: NDArray[np.uint8]
    powers: NDArray[np.float32]


def peaks(magnitudes: NDArray[np.float32], *, version: FeatureVersion = FEATURES) -> Peaks:
    """Find the spectral peaks of all columns.

    Parameters
    ----------
    magnitudes : np.ndarray [shape=(1 + n_fft // 2, t), dtype=float32]
        Magnitude spectrogram, or a block of one.
    version : FeatureVersion
        Supplies ``sample_rate_hz`` and ``n_fft``.

    Returns
    -------
    Peaks
        Column by column.
    """
    frequencies = frequencies_hz(version=version)
    low, high = np.searchsorted(frequencies, (_LOWEST_HZ, _HIGHEST_HZ))
    bins, powers = _peaks(np.ascontiguousarray(magnitudes.T), max(1, low), min(high, len(frequencies) - 1))
    pitches_hz = (bins * version.sample_rate_hz / version.n_fft).astype(np.float32)
    semitones_above_a0 = PITCH_CLASSES * np.log2(pitches_hz / np.float32(27.5))
    # A deviation of 0.95 upwards is one of 0.05 downwards from the next.
    upwards = np.mod(semitones_above_a0, np.float32(1))
    deviation = np.where(upwards < np.float32(0.5), upwards, upwards - 1).astype(np.float64)
    steps = np.searchsorted(_EDGES, deviation, side="right") - 1
    return Peaks(steps=steps.astype(np.uint8), powers=powers)


def tuning(magnitudes: NDArray[np.float32], *, version: FeatureVersion = FEATURES) -> float:
    """Estimate how far the music is tuned from A = 440 Hz.

    Equals ``librosa.estimate_tuning(S=magnitudes**2)``.

    Parameters
    ----------
    magnitudes : np.ndarray [shape=(1 + n_fft // 2, t), dtype=float32]
        Magnitude spectrogram.
    version : FeatureVersion
        Supplies ``sample_rate_hz`` and ``n_fft``.

    Returns
    -------
    float
        Deviation in semitones, −0.5 to 0.49 in steps of 0.01; 0 where there are no peaks.
    """
    return tuning_of([peaks(magnitudes, version=version)])


def tuning_of(parts: Sequence[Peaks]) -> float:
    """Estimate how far music is tuned from A = 440 Hz by its spectral peaks.

    Parameters
    ----------
    parts : sequence of Peaks
        Peaks of all parts of the music.

    Returns
    -------
    float
        The most frequent deviation of those that are above the median peak, in semitones, −0.5 to 0.49 in steps of
        0.01; 0 where there are no peaks.
    """
    powers = np.concatenate([part.powers for part in parts])
    if not len(powers):
        return 0.0
    median = np.median(powers)
    counts = np.zeros(_STEPS, dtype=np.int64)
    for part in parts:
        counts += np.bincount(part.steps[part.powers >= median], minlength=_STEPS)
    return (int(counts.argmax()) - _STEPS // 2) / _STEPS


@cache
def _chroma_filters(version: FeatureVersion, tuning_semitones: float) -> NDArray[np.float32]:
    """Weights of the bins in each pitch class, [bins, 12]."""
    bank = chroma_bank(sample_rate_hz=version.sample_rate_hz, n_fft=version.n_fft, tuning_semitones=tuning_semitones)
    return np.ascontiguousarray(bank.T)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _peaks(columns: NDArray[np.float32], low: int, high: int) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Interpolated bins and powers of the peaks of all rows, from bin `low` up to bin `high`."""
    bins: list[float] = []
    powers: list[np.float32] = []
    power = np.empty(columns.shape[1], np.float32)
    for i in range(columns.shape[0]):
        largest = np.float32(0)
        for k in range(len(power)):
            power[k] = columns[i, k] * columns[i, k]
            largest = max(largest, power[k])
        threshold = np.float32(_PEAK_SHARE) * largest
        for k in range(low, high):
            left, here, right = power[k - 1], power[k], power[k + 1]
            if here > threshold and here > left and here >= right:
                curvature, slope = np.float64(right + left) - 2.0 * here, np.float64(right - left) / 2.0
                # A vertex more than one bin away is none of this peak's.
                shift = np.float32(0.0 if abs(slope) >= abs(curvature) else -slope / curvature)
                bins.append(k + np.float64(shift))
                powers.append(here + np.float32(0.5) * np.float32(slope) * shift)
    return np.array(bins), np.array(powers)
