"""Cut a signal into windowed columns and take the magnitude of their Fourier transforms.

Conventions
-----------
Signals are mono float32 in [-1, 1], or int16 as decoders give them. Spectrograms are ``[bins, t]`` as in librosa, in
Fortran order, so that a column's bins lie side by side in memory; every stage of this package takes such a magnitude
spectrogram, or a block of one, made once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tunekin.features import FEATURES, FeatureVersion

__all__ = ["Block", "Signal", "blocks", "blocks_of", "column_count", "frequencies_hz", "magnitude"]

Signal = NDArray[np.float32] | NDArray[np.int16]

# Columns transformed at a time: their windows and spectra, 1 MB, stay in cache, and memory does not grow with them.
_BLOCK = 64

# int16 to the range [-1, 1).
_FULL_SCALE = np.float32(1 / 32_768)


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """Successive columns of a spectrogram, with the columns around them.

    Attributes
    ----------
    columns : slice
        Which columns of the spectrogram these are.
    t : int
        Columns of the whole spectrogram.
    first : int
        Column that the first row of `around` is.
    around : np.ndarray [shape=(n, bins), dtype=float32, order="C"]
        Magnitudes, time-major, of the columns and of their neighbours as far as they are asked for.
    """

    columns: slice
    t: int
    first: int
    around: NDArray[np.float32]

    @property
    def magnitudes(self) -> NDArray[np.float32]:
        """The columns themselves.

        Returns
        -------
        np.ndarray [shape=(bins, columns), dtype=float32, order="F"]
            Magnitudes.
        """
        return self.around[self.columns.start - self.first : self.columns.stop - self.first].T

    def rows(self, *, reach: int) -> NDArray[np.int64]:
        """Rows of `around` that are the columns and their neighbours, mirrored where the spectrogram ends.

        Parameters
        ----------
        reach : int
            Neighbours on each side; no more than the block was asked for.

        Returns
        -------
        np.ndarray [shape=(columns + 2 * reach,), dtype=int64]
            Rows, in order.
        """
        there = np.arange(self.columns.start - reach, self.columns.stop + reach) % (2 * self.t)
        return np.asarray(np.minimum(there, 2 * self.t - 1 - there) - self.first, dtype=np.int64)


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


def magnitude(y: Signal, *, version: FeatureVersion = FEATURES) -> NDArray[np.float32]:
    """Magnitude of the short-time Fourier transform.

    Equals ``abs(librosa.stft(y, n_fft=n_fft, hop_length=hop))`` (Hann window, columns centred, the ends padded with
    zeros) to the rounding of a float32 transform: the largest difference is below 1e-6 of the largest magnitude.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=float32 or int16]
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
    columns = np.empty((column_count(len(y), version=version), 1 + version.n_fft // 2), dtype=np.float32)
    _transform(y, 0, columns, version=version)
    return columns.T


def blocks(
    y: Signal,
    *,
    columns: int,
    reach: int = 0,
    start: int = 0,
    head: NDArray[np.float32] | None = None,
    version: FeatureVersion = FEATURES,
) -> Iterator[Block]:
    """Make the spectrogram block by block, each column once, so that memory does not grow with the signal.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=float32 or int16]
        Mono signal of at least one sample.
    columns : int > 0
        Columns of a block; the last one may have fewer.
    reach : int
        Neighbours of a block's columns that come with it.
    start : int
        Column that the first block begins with.
    head : np.ndarray [shape=(n, bins), dtype=float32, order="C"] or None
        Where the first columns of the spectrogram are to be, to be used again.
    version : FeatureVersion
        Supplies ``n_fft`` and ``hop``.

    Yields
    ------
    Block
        A block, which nothing overwrites; a view of `head` where that holds it.
    """
    t = column_count(len(y), version=version)
    # Of the block before: where it ended, and its magnitudes.
    end, before = max(0, start - reach), np.empty((0, 1 + version.n_fft // 2), dtype=np.float32)
    for begin in range(start, t, columns):
        stop = min(t, begin + columns)
        first, last = max(0, begin - reach), min(t, stop + reach)
        shared = end - first
        if head is not None and last <= len(head):
            around = head[first:last]
        else:
            around = np.empty((last - first, before.shape[1]), dtype=np.float32)
            around[:shared] = before[len(before) - shared :]
        _transform(y, end, around[shared:], version=version)
        yield Block(columns=slice(begin, stop), t=t, first=first, around=around)
        end, before = last, around


def blocks_of(magnitudes: NDArray[np.float32], *, columns: int, reach: int) -> Iterator[Block]:
    """Take a spectrogram block by block.

    Parameters
    ----------
    magnitudes : np.ndarray [shape=(bins, t), dtype=float32]
        Magnitude spectrogram.
    columns : int > 0
        Columns of a block; the last one may have fewer.
    reach : int
        Neighbours of a block's columns that come with it.

    Yields
    ------
    Block
        A view of the spectrogram, if that is in Fortran order.
    """
    x = np.ascontiguousarray(magnitudes.T)
    t = len(x)
    for start in range(0, t, columns):
        stop = min(t, start + columns)
        first, last = max(0, start - reach), min(t, stop + reach)
        yield Block(columns=slice(start, stop), t=t, first=first, around=x[first:last])


def _transform(y: Signal, first: int, out: NDArray[np.float32], *, version: FeatureVersion) -> None:
    """Write the magnitudes of the columns from `first` on to the rows of `out`."""
    window = _window(version)
    for start in range(0, len(out), _BLOCK):
        rows = out[start : start + _BLOCK]
        # The samples under these columns, with zeros where the signal has ended or not begun.
        begin = (first + start) * version.hop - version.n_fft // 2
        samples = np.zeros((len(rows) - 1) * version.hop + version.n_fft, dtype=np.float32)
        inside = y[max(0, begin) : begin + len(samples)]
        there = samples[max(0, -begin) :][: len(inside)]
        there[:] = inside
        if y.dtype == np.int16:
            there *= _FULL_SCALE
        frames = sliding_window_view(samples, version.n_fft)[:: version.hop]
        np.abs(scipy.fft.rfft(frames * window, overwrite_x=True), out=rows)


@cache
def _window(version: FeatureVersion) -> NDArray[np.float32]:
    """Make the periodic Hann window, exact in double precision and rounded once."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(version.n_fft) / version.n_fft)).astype(np.float32)
