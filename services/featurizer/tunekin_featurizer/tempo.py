"""Follow the onsets of the music and estimate its tempo from how they repeat."""

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tunekin.features import FEATURES, FeatureVersion

__all__ = ["onset_strength", "tempo_bpm"]

# Levels this far below the loudest of the signal are no onsets: `librosa.power_to_db`'s default.
_RANGE_DB = 80.0

# librosa's defaults: repetitions within 8 s, tempi around 120 with a deviation of an octave, none of 320 and above.
_WINDOW_S = 8.0
_USUAL_BPM = 120.0
_SPREAD_OCTAVES = 1.0
_FASTEST_BPM = 320.0

# Windows correlated at a time, so that memory does not grow with the signal.
_BLOCK = 256


def onset_strength(levels: NDArray[np.float32], *, version: FeatureVersion = FEATURES) -> NDArray[np.float32]:
    """Mean rise of the levels from one column to the next.

    Equals ``librosa.onset.onset_strength(S=np.maximum(levels, levels.max() - 80))`` to rounding.

    Parameters
    ----------
    levels : np.ndarray [shape=(n_mels, t), dtype=float32]
        Levels in dB.
    version : FeatureVersion
        Supplies ``n_fft`` and ``hop``.

    Returns
    -------
    np.ndarray [shape=(t,), dtype=float32]
        Strengths in dB, later by half a window, since a column hears an onset that far ahead.

    References
    ----------
    .. [1] S. Böck and G. Widmer, "Maximum filter vibrato suppression for onset detection", DAFx-13, 2013.
    """
    heard = np.maximum(levels, levels.max() - np.float32(_RANGE_DB))
    rise = np.diff(heard, axis=1)
    strength = np.maximum(rise, 0, out=rise).mean(axis=0)
    delay = 1 + version.n_fft // (2 * version.hop)
    return np.pad(strength, (delay, 0))[: levels.shape[1]]


def tempo_bpm(strength: NDArray[np.float32], *, version: FeatureVersion = FEATURES) -> float:
    """Estimate one tempo for the whole signal.

    Equals ``librosa.feature.tempo(onset_envelope=strength, hop_length=hop)``, but where rounding decides between two
    equally good tempi: the mean of all windows' normalised autocorrelations, weighted by how usual a tempo is.

    Parameters
    ----------
    strength : np.ndarray [shape=(t,), dtype=float32]
        Onset strengths.
    version : FeatureVersion
        Supplies ``sample_rate_hz`` and ``hop``.

    Returns
    -------
    float
        Beats a minute; without any onsets the most usual tempo, about 120.

    References
    ----------
    .. [1] P. Grosche, M. Müller and F. Kurth, "Cyclic tempogram: a mid-level tempo representation for music signals",
       ICASSP 2010.
    """
    columns_per_s = version.sample_rate_hz / version.hop
    width = int(_WINDOW_S * columns_per_s)
    repetition = _mean_autocorrelation(strength, width=width)
    lags = np.arange(1, width)
    bpm = 60 * columns_per_s / lags
    usual = -0.5 * ((np.log2(bpm) - np.log2(_USUAL_BPM)) / _SPREAD_OCTAVES) ** 2
    # Logarithms of a likelihood and a prior; the factor makes all but the weakest repetitions count.
    score = np.log1p(1e6 * repetition[1:]) + usual
    return float(bpm[np.where(bpm < _FASTEST_BPM, score, -np.inf).argmax()])


def _mean_autocorrelation(strength: NDArray[np.float32], *, width: int) -> NDArray[np.float64]:
    """Mean over all columns of the autocorrelation of the window around each, normalised to 1 at lag 0."""
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(width) / width)).astype(np.float32)
    padded = np.pad(strength, width // 2, mode="linear_ramp")
    windows = sliding_window_view(padded, width)[: len(strength)]
    size = scipy.fft.next_fast_len(2 * width - 1, real=True)
    # The transform back is linear, so one of the mean spectrum serves for all windows.
    total = np.zeros(size // 2 + 1)
    for start in range(0, len(windows), _BLOCK):
        block = windows[start : start + _BLOCK] * window
        energy = np.einsum("ij,ij->i", block, block)
        spectrum = scipy.fft.rfft(block, n=size)
        power = spectrum.real**2 + spectrum.imag**2
        total += np.divide(1, energy, out=np.zeros_like(energy), where=energy > 0) @ power
    return np.asarray(scipy.fft.irfft(total / len(windows), n=size)[:width])
