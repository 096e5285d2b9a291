"""Separate what sounds on (harmonic) from what strikes (percussive), by medians along time and along frequency.

Conventions
-----------
Inside, spectrograms are time-major (``magnitudes.T``): row ``i`` is column ``i`` of the spectrogram.
"""

from functools import cache

import numba
import numpy as np
from numpy.typing import NDArray

from tunekin_featurizer.stft import Block, blocks_of

__all__ = ["BLOCK", "KERNEL", "harmonic_percussive", "harmonic_percussive_shares", "sliding_median"]

# Width of both medians, librosa's default: 31 columns are 0.7 s, 31 bins are 330 Hz.
KERNEL = 31

# Windows kept sorted abreast, one a SIMD lane: whole registers of any width, and 96 divides the 1,025 bins of a column
# and the 259 columns of a 6 s clip with little rest (96 against 64, 128 and 208: 10 to 25 % less time over both).
_LANES = 96

# Steps of a sweep in one pass over the lanes, their values in registers: half the time of one step a pass.
_UNROLL = 8

# Columns separated at a time, in whole lanes: the four arrays of a block (8 MB) stay in cache, and memory stays flat.
BLOCK = 5 * _LANES


def sliding_median(x: NDArray[np.float32], *, rows: NDArray[np.int64], width: int) -> NDArray[np.float32]:
    """Median of each window of `width` successive rows.

    Every lane keeps its window sorted. One sweep over the window takes the oldest value out and puts the newest in,
    with comparisons only and no branch, so that neighbouring lanes share each instruction.

    Parameters
    ----------
    x : np.ndarray [shape=(n, lanes), dtype=float32, order="C"]
        Values, none of them NaN.
    rows : np.ndarray [shape=(m,), dtype=int64]
        Rows of `x` to slide over, in order; repeat rows to continue `x` beyond its ends.
    width : int > 0
        Rows a window has; odd, so that the median is one of them.

    Returns
    -------
    np.ndarray [shape=(m - width + 1, lanes), dtype=float32]
        Exact medians.

    Examples
    --------
    >>> x = np.array([[3.0], [1.0], [2.0], [5.0]], dtype=np.float32)
    >>> sliding_median(x, rows=np.arange(4), width=3).ravel()
    array([2., 2.], dtype=float32)
    """
    out = np.empty((len(rows) - width + 1, x.shape[1]), dtype=np.float32)
    _slide(x, rows, width, out)
    return out


def harmonic_percussive(magnitudes: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Split a magnitude spectrogram into its harmonic and its percussive part by soft masks.

    Equals ``librosa.decompose.hpss(magnitudes)`` (kernel 31, power 2, margin 1), the medians bit for bit; but for 2 or
    3 columns, where SciPy's median filter reads beyond its array.

    Parameters
    ----------
    magnitudes : np.ndarray [shape=(bins, t), dtype=float32]
        Magnitude spectrogram.

    Returns
    -------
    harmonic, percussive : np.ndarray [shape=(bins, t), dtype=float32, order="F"]
        The parts; their sum is `magnitudes`.

    References
    ----------
    .. [1] D. Fitzgerald, "Harmonic/percussive separation using median filtering", DAFx-10, 2010.
    """
    harmonic, percussive = (np.empty_like(magnitudes.T, order="C") for _ in range(2))
    for block in blocks_of(magnitudes, columns=BLOCK, reach=KERNEL // 2):
        harmonic[block.columns], percussive[block.columns] = _separate(block)
    return harmonic.T, percussive.T


def harmonic_percussive_shares(block: Block) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Shares of each column's energy that its harmonic and its percussive part have.

    Both parts have part of what neither median claims alone, so the shares add up to less than 1.

    Parameters
    ----------
    block : Block
        Columns with the 15 on each side of them, which their medians reach.

    Returns
    -------
    harmonic, percussive : np.ndarray [shape=(columns,), dtype=float32]
        Shares, 0 to 1; both 0 where a column is silent.
    """
    x = block.magnitudes.T
    harmonic, percussive, total = (np.einsum("tf,tf->t", part, part) for part in (*_separate(block), x))
    total[total == 0] = 1
    return harmonic / total, percussive / total


def _separate(block: Block) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Harmonic and percussive parts of a block, time-major."""
    x = block.magnitudes.T
    harmonic = sliding_median(block.around, rows=block.rows(reach=KERNEL // 2), width=KERNEL)
    # Copied, since lanes a column's length apart (nearly 4 KiB) would share few sets of the cache.
    percussive = np.ascontiguousarray(
        sliding_median(np.ascontiguousarray(x.T), rows=_bins_around(x.shape[1]), width=KERNEL).T
    )
    _split(x, harmonic, percussive)
    return harmonic, percussive


@cache
def _bins_around(bins: int) -> NDArray[np.int64]:
    return np.pad(np.arange(bins), KERNEL // 2, mode="symmetric")


@numba.njit(cache=True, nogil=True)
def _slide(x: NDArray[np.float32], rows: NDArray[np.int64], width: int, out: NDArray[np.float32]) -> None:
    """Write the medians of the windows of `rows` to `out`."""
    lanes = x.shape[1]
    sweep = -(-width // _UNROLL) * _UNROLL
    # Sorted upwards. What is not filled is infinite, which sorts above everything and so never counts.
    window = np.empty((sweep + 1, _LANES), np.float32)
    oldest, newest, below = np.empty(_LANES, np.float32), np.empty(_LANES, np.float32), np.empty(_LANES, np.float32)
    for first in range(0, lanes, _LANES):
        used = min(_LANES, lanes - first)
        window[:] = np.inf
        oldest[:] = np.inf
        newest[:] = np.inf
        for i in range(len(rows)):
            if i >= width:
                oldest[:used] = x[rows[i - width], first : first + used]
            newest[:used] = x[rows[i], first : first + used]
            below[:] = -np.inf
            for start in range(0, sweep, _UNROLL):
                for lane in range(_LANES):
                    old, new, lower, value = oldest[lane], newest[lane], below[lane], window[start, lane]
                    for k in range(start, start + _UNROLL):
                        above = window[k + 1, lane]
                        # Without the oldest value: from its place on, everything moves down by one.
                        kept = value if value < old else above
                        # With the newest: it stands here if the value below is smaller and this one larger.
                        raised = max(lower, new)
                        window[k, lane] = min(raised, kept)
                        lower, value = kept, above
                    below[lane] = lower
            if i >= width - 1:
                out[i - width + 1, first : first + used] = window[width // 2, :used]


# NumPy's division, which raises nothing, is what vectorises.
@numba.njit(cache=True, nogil=True, error_model="numpy")
def _split(x: NDArray[np.float32], harmonic: NDArray[np.float32], percussive: NDArray[np.float32]) -> None:
    """Turn both medians into both parts of `x`, in place."""
    smallest = np.float32(np.finfo(np.float32).tiny)
    one, half = np.float32(1), np.float32(0.5)
    for i in range(x.shape[0]):
        for k in range(x.shape[1]):
            h, p = harmonic[i, k], percussive[i, k]
            larger = max(h, p)
            # Scaled before they are squared, else the squares of small medians vanish.
            scale = one if larger < smallest else larger
            h, p = h / scale, p / scale
            h, p = h * h, p * p
            total = one if larger < smallest else h + p
            harmonic[i, k] = x[i, k] * (half if larger < smallest else h / total)
            percussive[i, k] = x[i, k] * (half if larger < smallest else p / total)
