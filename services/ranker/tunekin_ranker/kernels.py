"""The compiled loops of subsequence DTW.

Nothing here checks its input: `tunekin_ranker.dtw` does, says what the results mean and how far they can be off.

Conventions
-----------
Tracks lie in one buffer of float16 bits, coefficient by coefficient (see `tunekin_ranker.packed`), so that
neighbouring frames are neighbours in memory and fill the lanes of a vector register.

The recurrence runs along anti-diagonals: on diagonal ``t`` lane ``r`` holds the cell of clip frame ``i`` and track
frame ``j = t - i``, whose three predecessors lie on the two diagonals before. All cells of a diagonal are independent
of each other, so one track alone fills every lane, whatever its length. Clip frames are laid out backwards (the first
in the last lane): then the track's frames that a diagonal needs are neighbours too. A clip of more frames than a tile
has lanes runs as several tiles, each handing its last row to the next.

Sums over coefficients run in order, one coefficient after another, and in float64 without fused multiply-add: that
makes the float64 results equal, bit for bit, to those of a plain double loop.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["FAR", "LANES", "TILE_LANES", "Kernels", "kernels_for"]

# Float32 values of a vector register of AVX-512; narrower registers take two or four turns.
LANES = 16
# Lanes of the largest tile. Its window of clip and track (2 x 80 x 20 float32) stays in a first-level cache of 32 KiB,
# and a clip of 6 to 7 s at about 11 frames a second fits in one tile.
TILE_LANES = 80
# Coordinate of a frame that no path enters: costs more than every path between float16 frames (at most 65,504 a
# coordinate), and its square still fits into float32.
FAR = 1e15

_Bits: TypeAlias = NDArray[np.uint16]
_Integers: TypeAlias = NDArray[np.int64]
_Numbers: TypeAlias = NDArray[np.floating]

# Fused multiply-add; nothing else of fast math, so the error bound of `tunekin_ranker.dtw` stays true.
_FUSED = {"contract"}


class Kernels(NamedTuple):
    """The loops for one number of coefficients.

    Attributes
    ----------
    row_minima : callable
        From ``(clip [n, d] float32, bits, starts, rows, cutoffs [rows] float64)`` to float64 ``[rows]``: the sum over
        the clip's frames of the smallest local cost anywhere in the track; a sum that passes its cutoff may end there.
    alignments_float32 : callable
        From ``(lanes [tiles, d, lanes], n, bits, starts, rows)`` to float32 ``[rows]``: the cheapest alignment's sum.
    alignments_float64 : callable
        The same in float64.
    span : callable
        From ``(clip [n, d] float64, bits, starts, row)`` to the cheapest alignment's sum, first and last frame.
    """

    row_minima: Callable[..., NDArray[np.float64]]
    alignments_float32: Callable[..., NDArray[np.float32]]
    alignments_float64: Callable[..., NDArray[np.float64]]
    span: Callable[..., tuple[float, int, int]]


@numba.njit(nogil=True, error_model="numpy")
def _single(half: np.uint16) -> np.float32:  # pragma: no cover (compiled)
    """Value of float16 bits, by integers: true even where the processor is set to flush subnormal numbers to zero."""
    magnitude = np.uint32(np.uint32(half) & np.uint32(0x7FFF))
    normal = np.uint32(np.uint32(magnitude << np.uint32(13)) + np.uint32(0x38000000)).view(np.float32)
    subnormal = np.float32(np.int32(magnitude)) * np.float32(2.0**-24)
    value = subnormal if magnitude < np.uint32(0x400) else normal
    return -value if half > np.uint16(0x7FFF) else value


@numba.njit(nogil=True, error_model="numpy")
def _unpack(bits: _Bits, margin: int, stop: int, out: _Numbers) -> None:  # pragma: no cover (compiled)
    """Write a track's coefficients to ``out[:, margin:]``, and `FAR` before and after them, up to ``stop``."""
    length = bits.size // out.shape[0]
    for k in range(out.shape[0]):
        for j in range(margin):
            out[k, j] = FAR
        for j in range(length):
            out[k, margin + j] = _single(bits[k * length + j])
        for j in range(margin + length, stop):
            out[k, j] = FAR


@numba.njit(nogil=True, error_model="numpy")
def _width(starts: _Integers, rows: _Integers, extra: int) -> int:  # pragma: no cover (compiled)
    """Width of a scratch array for the longest of these tracks: an odd multiple of a cache line's 16 float32 values.

    An even one, above all a power of two, would put all coefficients of a frame into the same few cache sets.
    """
    longest = 0
    for row in rows:
        longest = max(longest, starts[row + 1] - starts[row])
    return ((longest + extra + LANES - 1) // LANES | 1) * LANES


def _row_minima(coefficients: int) -> Callable[..., NDArray[np.float64]]:
    # As a captured constant the number of coefficients is known when the loop over them is unrolled.
    @numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=_FUSED)
    def row_minima(
        clip: _Numbers, bits: _Bits, starts: _Integers, rows: _Integers, cutoffs: _Numbers
    ) -> NDArray[np.float64]:  # pragma: no cover (compiled)
        sums = np.empty(rows.size)
        track = np.empty((coefficients, _width(starts, rows, 0)), clip.dtype)
        lowest = np.empty(LANES, clip.dtype)
        for index in range(rows.size):
            start, stop = starts[rows[index]], starts[rows[index] + 1]
            blocks = (stop - start + LANES - 1) // LANES
            _unpack(bits[start * coefficients : stop * coefficients], 0, blocks * LANES, track)
            total = 0.0
            for i in range(clip.shape[0]):
                lowest[:] = np.inf
                for block in range(blocks):
                    for lane in range(LANES):
                        j = block * LANES + lane
                        difference = track[0, j] - clip[i, 0]
                        square = difference * difference
                        for k in range(1, coefficients):
                            difference = track[k, j] - clip[i, k]
                            square += difference * difference
                        lowest[lane] = min(lowest[lane], square)
                total += np.sqrt(np.float64(lowest.min()))
                if total > cutoffs[index]:
                    break
            sums[index] = total
        return sums

    return row_minima


def _alignments(coefficients: int, *, fastmath: set[str]) -> Callable[..., NDArray[Any]]:
    @numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=fastmath)
    def alignments(
        lanes: _Numbers, clip_length: int, bits: _Bits, starts: _Integers, rows: _Integers
    ) -> _Numbers:  # pragma: no cover (compiled)
        sums = np.empty(rows.size, lanes.dtype)
        tiles, _, width = lanes.shape
        track = np.empty((coefficients, _width(starts, rows, 2 * width)), lanes.dtype)
        above = np.empty(track.shape[1], lanes.dtype)
        cost = np.empty(width, lanes.dtype)
        # One slot more than lanes: the last holds the row above the tile, as the predecessor of the tile's first row.
        diagonals = np.empty((3, width + 1), lanes.dtype)
        for index in range(rows.size):
            start, stop = starts[rows[index]], starts[rows[index] + 1]
            length = stop - start
            _unpack(bits[start * coefficients : stop * coefficients], width - 1, length + 2 * width, track)
            above[:] = FAR
            above[:length] = 0  # a path may begin at every frame
            for tile in range(tiles):
                clip = lanes[tile]
                last = width - min(width, clip_length - tile * width)
                diagonals[:] = FAR
                before, previous, current = diagonals[0], diagonals[1], diagonals[2]
                previous[width] = above[0]
                for t in range(length + width - 1):
                    for block in range(width // LANES):
                        for lane in range(LANES):
                            r = block * LANES + lane
                            difference = track[0, t + r] - clip[0, r]
                            square = difference * difference
                            for k in range(1, coefficients):
                                difference = track[k, t + r] - clip[k, r]
                                square += difference * difference
                            cost[r] = np.sqrt(square)
                    for r in range(width):
                        left = previous[r]
                        up = previous[r + 1]
                        diagonal = before[r + 1]
                        cheapest = min(left, up)
                        cheapest = min(cheapest, diagonal)
                        current[r] = cheapest + cost[r]
                    current[width] = above[t + 1]
                    j = t - (width - 1) + last
                    if 0 <= j < length:
                        above[j] = current[last]
                    before, previous, current = previous, current, before
            sums[index] = above[:length].min()
        return sums

    return alignments


def _span(coefficients: int) -> Callable[..., tuple[float, int, int]]:
    @numba.njit(cache=True, nogil=True, error_model="numpy")
    def span(
        clip: _Numbers, bits: _Bits, starts: _Integers, row: int
    ) -> tuple[float, int, int]:  # pragma: no cover (compiled)
        start, stop = starts[row], starts[row + 1]
        length = stop - start
        track = np.empty((coefficients, length))
        _unpack(bits[start * coefficients : stop * coefficients], 0, length, track)
        total = np.zeros(length)
        first = np.arange(length)
        cost = np.empty(length)
        for i in range(clip.shape[0]):
            for j in range(length):
                difference = track[0, j] - clip[i, 0]
                square = difference * difference
                for k in range(1, coefficients):
                    difference = track[k, j] - clip[i, k]
                    square += difference * difference
                cost[j] = np.sqrt(square)
            if i == 0:
                total[:] = cost
                continue
            diagonal, diagonal_first = total[0], first[0]
            total[0] += cost[0]
            for j in range(1, length):
                up, up_first = total[j], first[j]
                cheapest, cheapest_first = diagonal, diagonal_first
                if total[j - 1] < cheapest:
                    cheapest, cheapest_first = total[j - 1], first[j - 1]
                if up < cheapest:
                    cheapest, cheapest_first = up, up_first
                total[j] = cheapest + cost[j]
                first[j] = cheapest_first
                diagonal, diagonal_first = up, up_first
        end = int(np.argmin(total))
        return total[end], first[end], end

    return span


@functools.cache
def kernels_for(coefficients: int) -> Kernels:
    """Return the loops for frames of this many coefficients; the first call of each compiles, or loads from its cache.

    Parameters
    ----------
    coefficients : int
        Numbers in a frame, ``d``.

    Returns
    -------
    Kernels
        The loops.
    """
    return Kernels(
        row_minima=_row_minima(coefficients),
        alignments_float32=_alignments(coefficients, fastmath=_FUSED),
        alignments_float64=_alignments(coefficients, fastmath=set()),
        span=_span(coefficients),
    )
