"""Follow the onsets of the music and estimate its tempo from how they repeat.

Most music repeats at several rates, each beat, half of it, two of them, a bar, and one is the beat that listeners agree
on. So every tempo within reach is weighed by some evidence, and the best one wins:

- how far the onsets repeat after a beat, and after its multiples, which are bars of two and four beats or of three and
  six, whichever fits better, so that a beat and a half has no place in either;
- how far they repeat within a beat;
- how usual the tempo is, for music with as much and as sharp movement as this: calm music is heard as slow.

The weights are learnt from music of known tempo (`benchmarks.tempo`), by conditional logistic regression.

References
----------
.. [1] F. Gouyon et al., "An experimental comparison of audio tempo induction algorithms", IEEE Transactions on Audio,
   Speech, and Language Processing 14(5), 2006.
.. [2] G. Peeters and J. Flocon-Cholet, "Perceptual tempo estimation using GMM-regression", MIRUM 2012.
"""

import numpy as np
import scipy.fft
import scipy.ndimage
from numpy.typing import NDArray

from tunekin.features import FEATURES, FeatureVersion

__all__ = ["TEMPI_BPM", "USUAL_BPM", "evidence", "onset_strengths", "repetitions", "tempo_bpm"]

# What music without onsets is said to have, and what the others are measured from.
USUAL_BPM = 120.0

# Tempi that are weighed, in steps of 1.5 %; the peak of the repetition itself says more exactly.
TEMPI_BPM = 220.0 * 2.0 ** (-np.arange(111) / 48)

# Rises from levels this far below the local peak are no onsets.
_RANGE_DB = 40.0
# The lowest mel bands, up to 340 Hz, are where basses and bass drums play.
_LOW_BANDS = 12

# Repetitions are looked for within 12 s, every 6 s, after what changes over more than a second is taken off.
_WINDOW_COLUMNS, _WINDOW_HOP = 512, 256
_LOCAL_COLUMNS = 43
# Onsets are spread over their neighbours, since no player is exact, nor are the tempi that are weighed.
_SPREAD = np.array([0.25, 0.75, 1.0, 0.75, 0.25]) / 3
# A window has few pairs of columns far apart: where they are fewer than this share, they count as this many.
_LEAST_PAIRS = 0.02

# Added before logarithms of repetitions and of strengths in dB.
_TINY_REPETITION, _TINY_DB = 0.05, 0.1

# Logarithms of mean and deviation of the strengths of nearly all music; a metronome is no fitter than that.
_MUSICAL = (-1.5, 0.9)

# Columns compared at a time.
_BLOCK = 1_024

# In the order of `evidence`.
_WEIGHTS = np.array([6.4, 3.222, 8.831, -1.108, 1.97, -0.527, 6.091, -3.224, 4.422, 1.653])


def onset_strengths(levels: NDArray[np.float32], *, peak_db: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean rise of the levels from one column to the next, in all bands and in the lowest.

    Parameters
    ----------
    levels : np.ndarray [shape=(n_mels, t), dtype=float32]
        Levels in dB.
    peak_db : np.ndarray [shape=(t,), dtype=float32]
        The local peak; levels 40 dB below it and less are no onsets.

    Returns
    -------
    np.ndarray [shape=(2, t), dtype=float32]
        Strengths in dB, 0 in the first column. The first row equals
        ``librosa.onset.onset_strength(S=np.maximum(levels, peak_db - 40))`` to rounding, without its delay.

    References
    ----------
    .. [1] S. Böck and G. Widmer, "Maximum filter vibrato suppression for onset detection", DAFx-13, 2013.
    """
    t = levels.shape[1]
    strengths = np.zeros((2, t), dtype=np.float32)
    for start in range(0, t - 1, _BLOCK):
        columns = slice(start, min(t, start + _BLOCK + 1))
        heard = np.maximum(levels[:, columns], peak_db[columns] - np.float32(_RANGE_DB))
        rises = np.maximum(np.diff(heard, axis=1), 0)
        strengths[0, start + 1 : columns.stop] = rises.mean(axis=0)
        strengths[1, start + 1 : columns.stop] = rises[:_LOW_BANDS].mean(axis=0)
    return strengths


def tempo_bpm(strengths: NDArray[np.float32], *, version: FeatureVersion = FEATURES) -> float:
    """Estimate one tempo for the whole signal.

    1. Measure how far the onsets repeat after each time.
    2. Weigh the tempi.
    3. Follow the best one's peak to its multiples, each of which places it twice as exactly.

    Parameters
    ----------
    strengths : np.ndarray [shape=(2, t), dtype=float32]
        Onset strengths, in all bands and in the lowest.
    version : FeatureVersion
        Supplies ``sample_rate_hz`` and ``hop``.

    Returns
    -------
    float
        Beats a minute; without any onsets the most usual tempo, 120.
    """
    if not strengths.any():
        return USUAL_BPM
    # Step 1
    repeated = repetitions(strengths)
    # Step 2
    weighed = evidence(repeated, strengths, version=version) @ _WEIGHTS
    columns = float(_columns_a_beat(TEMPI_BPM[weighed.argmax()], version=version))
    # Step 3
    for beats in (1, 2, 4):
        columns = _peak_near(repeated[0], beats * columns) / beats
    return 60 * version.sample_rate_hz / version.hop / columns


def repetitions(strengths: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean autocorrelation of windows of the onsets, each normalised to 1 at lag 0.

    Parameters
    ----------
    strengths : np.ndarray [shape=(rows, t), dtype=float32]
        Onset strengths.

    Returns
    -------
    np.ndarray [shape=(rows, 512), dtype=float64]
        By lag, in columns.
    """
    rows, t = strengths.shape
    away = scipy.ndimage.convolve1d(strengths, _SPREAD, axis=1, mode="nearest")
    away -= scipy.ndimage.uniform_filter1d(strengths, _LOCAL_COLUMNS, axis=1, mode="nearest")
    width = min(t, _WINDOW_COLUMNS)
    window = np.hanning(width + 2)[1:-1]
    # The last window ends where the signal does.
    starts = np.unique(np.append(np.arange(0, t - width + 1, _WINDOW_HOP), t - width))
    power = np.zeros((rows, _WINDOW_COLUMNS + 1))
    for start in starts:
        cut = away[:, start : start + width].astype(np.float64) * window
        energy = (cut**2).sum(axis=1, keepdims=True)
        spectrum = scipy.fft.rfft(cut, n=2 * _WINDOW_COLUMNS, axis=1)
        power += np.divide(np.abs(spectrum) ** 2, energy, out=np.zeros_like(power), where=energy > 0)
    pairs = scipy.fft.irfft(np.abs(scipy.fft.rfft(window, n=2 * _WINDOW_COLUMNS)) ** 2)[:_WINDOW_COLUMNS]
    pairs = np.maximum(pairs / pairs[0], _LEAST_PAIRS)
    return np.asarray(scipy.fft.irfft(power / len(starts), axis=1)[:, :_WINDOW_COLUMNS] / pairs)


def evidence(
    repeated: NDArray[np.float64], strengths: NDArray[np.float32], *, version: FeatureVersion = FEATURES
) -> NDArray[np.float64]:
    """Evidence for each of `TEMPI_BPM`.

    Parameters
    ----------
    repeated : np.ndarray [shape=(2, 512), dtype=float64]
        Repetitions of both rows of onsets.
    strengths : np.ndarray [shape=(2, t), dtype=float32]
        Onset strengths.
    version : FeatureVersion
        Supplies ``sample_rate_hz`` and ``hop``.

    Returns
    -------
    np.ndarray [shape=(111, 10), dtype=float64]
        For each row of onsets: logarithms of the repetition after a beat and after bars, repetition after half a beat.
        Then octaves from the usual tempo, their square, and the first times the movement and times its sharpness.
    """
    lags = _columns_a_beat(TEMPI_BPM, version=version)
    by_row = []
    for row in repeated:
        half, one, two, three, four, six = (
            np.maximum(np.interp(beats * lags, np.arange(len(row)), row), 0) for beats in (0.5, 1, 2, 3, 4, 6)
        )
        bars = np.maximum(two + four, three + six) / 2
        by_row += [np.log(one + _TINY_REPETITION), np.log(bars + _TINY_REPETITION), half]
    octaves = np.log2(TEMPI_BPM / USUAL_BPM)
    movement, sharpness = (
        np.clip(np.log(measure + _TINY_DB), *_MUSICAL) for measure in (strengths[0].mean(), strengths[0].std())
    )
    return np.column_stack([*by_row, octaves, octaves**2, octaves * movement, octaves * sharpness])


def _columns_a_beat(bpm: NDArray[np.float64] | np.float64, *, version: FeatureVersion) -> NDArray[np.float64]:
    return np.asarray(60 * version.sample_rate_hz / version.hop / np.asarray(bpm))


def _peak_near(row: NDArray[np.float64], lag: float) -> float:
    """Lag of the largest repetition within 4 % of a lag, by a parabola through its neighbours."""
    reach = max(1.0, 0.04 * lag)
    first = int(np.ceil(lag - reach))
    peak = first + int(row[first : int(lag + reach) + 1].argmax())
    left, here, right = row[peak - 1 : peak + 2]
    curvature = left - 2 * here + right
    shift = 0.5 * (left - right) / curvature if curvature < 0 else 0.0
    return peak + float(np.clip(shift, -0.5, 0.5))
