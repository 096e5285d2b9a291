"""Filter banks that gather the bins of a spectrum to mel bands or pitch classes.

They are librosa's, made anew: to import what makes them there takes a process 130 MB and half a second.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["chroma_bank", "mel_bank", "mel_frequencies_hz"]

# Slaney's mel scale: 200/3 Hz a mel up to 1,000 Hz, from there 27 mels to 6.4 times the frequency.
_HZ_A_MEL = 200 / 3
_LINEAR_TO_HZ = 1_000.0
_LINEAR_TO_MEL = _LINEAR_TO_HZ / _HZ_A_MEL
_LOG_STEP = np.log(6.4) / 27

_PITCH_CLASSES = 12
_A4_HZ = 440.0
# Octaves from 27.5 Hz that count most, and how fast the others fade.
_CENTRE_OCTAVE, _OCTAVES_WIDE = 5.0, 2.0


def mel_frequencies_hz(count: int, *, highest_hz: float) -> NDArray[np.float64]:
    """Frequencies at equal distances on the mel scale, from 0 Hz.

    Equals ``librosa.mel_frequencies(count, fmin=0, fmax=highest_hz)``.

    Parameters
    ----------
    count : int > 1
        How many.
    highest_hz : float
        The last one; 1,000 Hz or more.

    Returns
    -------
    np.ndarray [shape=(count,), dtype=float64]
        Frequencies in Hz.

    Examples
    --------
    >>> mel_frequencies_hz(3, highest_hz=6_400.0).round()
    array([   0., 1511., 6400.])
    """
    highest = _LINEAR_TO_MEL + np.log(highest_hz / _LINEAR_TO_HZ) / _LOG_STEP
    mels = np.linspace(0, highest, count)
    return np.where(
        mels < _LINEAR_TO_MEL, mels * _HZ_A_MEL, _LINEAR_TO_HZ * np.exp(_LOG_STEP * (mels - _LINEAR_TO_MEL))
    )


@cache
def mel_bank(*, sample_rate_hz: int, n_fft: int, n_mels: int) -> NDArray[np.float32]:
    """Triangles over three neighbouring mel frequencies each, of equal area.

    Equals ``librosa.filters.mel(sr=sample_rate_hz, n_fft=n_fft, n_mels=n_mels)``.

    Parameters
    ----------
    sample_rate_hz : int
        Rate of the signal.
    n_fft : int
        Length of the transform.
    n_mels : int
        Bands, over 0 Hz to half the rate.

    Returns
    -------
    np.ndarray [shape=(n_mels, 1 + n_fft // 2), dtype=float32]
        Weights, read-only.

    References
    ----------
    .. [1] M. Slaney, *Auditory Toolbox, version 2*, Interval Research Corporation, 1998.
    """
    corners = mel_frequencies_hz(n_mels + 2, highest_hz=sample_rate_hz / 2)
    low, centre, high = (corners[i : i + n_mels, np.newaxis] for i in range(3))
    bins = np.fft.rfftfreq(n_fft, 1 / sample_rate_hz)
    triangles = np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre))
    bank = (np.maximum(triangles, 0) * (2 / (high - low))).astype(np.float32)
    bank.flags.writeable = False
    return bank


def chroma_bank(*, sample_rate_hz: int, n_fft: int, tuning_semitones: float) -> NDArray[np.float32]:
    """Bumps around all octaves of each pitch class, strongest four to six octaves above 27.5 Hz.

    Equals ``librosa.filters.chroma(sr=sample_rate_hz, n_fft=n_fft, tuning=tuning_semitones)``.

    Parameters
    ----------
    sample_rate_hz : int
        Rate of the signal.
    n_fft : int
        Length of the transform.
    tuning_semitones : float
        Deviation from A = 440 Hz.

    Returns
    -------
    np.ndarray [shape=(12, 1 + n_fft // 2), dtype=float32]
        Weights from C upwards.

    References
    ----------
    .. [1] D. Ellis, "Chroma feature analysis and synthesis", 2007.
    """
    a0_hz = _A4_HZ * 2.0 ** (tuning_semitones / _PITCH_CLASSES) / 16
    bins_hz = np.arange(1, 2 + n_fft // 2) * sample_rate_hz / n_fft
    semitones = _PITCH_CLASSES * np.log2(bins_hz / a0_hz)
    # The bin at 0 Hz has no pitch: half an octave away from the class of the next, and wide.
    semitones = np.concatenate(([semitones[0] - 1.5 * _PITCH_CLASSES], semitones))
    widths = np.maximum(np.diff(semitones), 1.0)
    semitones = semitones[:-1]
    # From the class, downwards or upwards, whichever is nearer.
    half = _PITCH_CLASSES / 2
    classes = np.arange(_PITCH_CLASSES)[:, np.newaxis]
    away = (semitones - classes + half) % _PITCH_CLASSES - half
    bumps = np.exp(-0.5 * (2 * away / widths) ** 2)
    bumps /= np.sqrt((bumps**2).sum(axis=0))
    bumps *= np.exp(-0.5 * ((semitones / _PITCH_CLASSES - _CENTRE_OCTAVE) / _OCTAVES_WIDE) ** 2)
    # Counted from A until here.
    return np.roll(bumps, -3, axis=0).astype(np.float32)
