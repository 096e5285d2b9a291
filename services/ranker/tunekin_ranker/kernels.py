"""The compiled loops of subsequence DTW.

Nothing here checks its input: `tunekin_ranker.dtw` and `tunekin_ranker.sketches` do, say what the results mean and how
far they can be off.

Conventions
-----------
Tracks lie in one buffer of float16 bits, coefficient by coefficient (see `tunekin_ranker.packed`), so that
neighbouring frames are neighbours in memory and fill the lanes of a vector register.

There are two ways to fill lanes. The float32 loops, which bound distances, take 16 tracks abreast, a lane for each:
every step is then one instruction for 16 tracks. Local costs are ``|x|² + |y|² - 2 x·y``, both squares lowered by what
rounding can add, and used at once, so that no matrix of them is ever stored. Eight clip frames go along the tracks
together; where all 16 tracks have passed their cutoffs after these eight, their loop ends.

The float64 loop, which decides, takes one track and runs along anti-diagonals: on diagonal ``t`` lane ``r`` holds the
cell of clip frame ``i`` and track frame ``j = t - i``, whose three predecessors lie on the two diagonals before. Clip
frames are laid out backwards (the first in the last lane): then the track's frames that a diagonal needs are neighbours
too. A clip of more frames than a tile has lanes runs as several tiles, each handing its last row to the next. Sums over
coefficients run in order, one coefficient after another, and without fused multiply-add: that makes the results equal,
bit for bit, to those of a plain double loop.
"""
# Loops that compiled code keeps in one piece, and calls by position.
# ruff: noqa: C901, PLR0912, PLR0917

import functools
import hashlib
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

from tunekin_ranker import lanes
from tunekin_ranker.lanes import (
    add,
    adding_products,
    fma,
    load,
    load_bytes,
    load_halves,
    maximum,
    minimum,
    multiply,
    root_less,
    splat,
    store,
    transpose,
)

__all__ = [
    "FAR",
    "LANES",
    "LEAST_SQUARE",
    "ROWS",
    "SMALLEST_STEP",
    "TILE_LANES",
    "Kernels",
    "kernels_for",
    "shrink",
    "sketch_frames",
]

# Float32 values of a vector register of AVX-512; narrower registers take two or four turns.
LANES = lanes.WIDTH
# Clip frames that go along the tracks together: each value of a track is read once for so many cells, and so many sums
# run at once that none waits for another. Twice as many would not fit into the 32 registers of AVX-512.
ROWS = 8
# Lanes of the largest tile. Its window of clip and track (2 x 80 x 20 float32) stays in a first-level cache of 32 KiB,
# and a clip of 6 to 7 s at about 11 frames a second fits in one tile.
TILE_LANES = 80
# Coordinate of a frame that no path enters: costs more than every path between float16 frames (at most 65,504 a
# coordinate), and its square still fits into float32.
FAR = 1e15
# Costs are roots of no less, which `lanes.root_less` can take.
LEAST_SQUARE = 2.0**-100
# Of the codes of sketches: its square is no subnormal number in float32.
SMALLEST_STEP = 2.0**-40
# Greatest relative error of one rounding to float32.
_UNIT_ROUNDOFF = 2.0**-24

_Bits: TypeAlias = NDArray[np.uint16]
_Integers: TypeAlias = NDArray[np.int64]
_Numbers: TypeAlias = NDArray[np.floating]

# Fused multiply-add; nothing else of fast math, so the error bound of `tunekin_ranker.dtw` stays true.
_FUSED = {"contract"}


class Kernels(NamedTuple):
    """The loops for one number of coefficients.

    Attributes
    ----------
    alignments_float32 : callable
        From ``(clip [blocks * d * ROWS], squares [blocks * ROWS], bits, starts, rows, cutoffs [rows])``, all float32,
        to float32 ``[rows]``: the cheapest alignment's sum, of costs that may be lower, but higher only by the root's
        error and the root of `LEAST_SQUARE`; a sum that passes its cutoff may end there.
    sketched_float32 : callable
        The same of sketches: from ``(clip, squares, codes, starts, lengths, steps, middles, slacks, blocks,
        cutoffs)`` to
        float32 ``[blocks, LANES]``; each cost is lowered by its track's slack.
    alignments_float64 : callable
        From ``(lanes [tiles, d, lanes], n, bits, starts, rows)`` to float64 ``[rows]``: the cheapest alignment's sum.
    span : callable
        From ``(clip [n, d] float64, bits, starts, row)`` to the cheapest alignment's sum, first and last frame.
    """

    alignments_float32: Callable[..., NDArray[np.float32]]
    sketched_float32: Callable[..., NDArray[np.float32]]
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


def shrink(coefficients: int) -> float:
    """Say by what to multiply squares of norms, so that no rounding of ``|x|² + |y|² - 2 x·y`` raises it.

    Parameters
    ----------
    coefficients : int
        Numbers in a frame.

    Returns
    -------
    float
        A little less than 1, exact in float32.
    """
    return 1 - (4 * coefficients + 12) * _UNIT_ROUNDOFF


@numba.njit(cache=True, nogil=True, error_model="numpy")
def sketch_frames(
    bits: _Bits,
    starts: _Integers,
    members: _Integers,
    centre: _Numbers,
    basis: _Numbers,
    block_starts: _Integers,
    codes: NDArray[np.int8],
    steps: _Numbers,
    middles: _Numbers,
    errors: _Numbers,
) -> None:  # pragma: no cover (compiled)
    """Write the sketches of all tracks, and how far the worst of each is from what its code says.

    Parameters
    ----------
    bits, starts : np.ndarray
        The tracks, as `tunekin_ranker.packed` has them.
    members, centre, basis, block_starts, codes, steps, middles : np.ndarray
        As in `tunekin_ranker.sketches.Sketches`; the last three are written.
    errors : np.ndarray [shape=(blocks, LANES), dtype=float64]
        Written: greatest distance of a frame's sketch from its code times the step plus the middle.
    """
    d, count = centre.size, steps.shape[1]
    for block in range(members.shape[0]):
        for lane in range(LANES):
            row = members[block, lane]
            if row < 0:
                continue
            start, length = starts[row], starts[row + 1] - starts[row]
            frames, turned = np.empty(length), np.zeros((d, length))
            for k in range(d):
                for j in range(length):
                    frames[j] = np.float64(_single(bits[start * d + k * length + j])) - centre[k]
                for axis in range(d):
                    for j in range(length):
                        turned[axis, j] += frames[j] * basis[k, axis]
            if count < d:
                for j in range(length):
                    turned[count - 1, j] *= turned[count - 1, j]
                for axis in range(count, d):
                    for j in range(length):
                        turned[count - 1, j] += turned[axis, j] * turned[axis, j]
                for j in range(length):
                    turned[count - 1, j] = np.sqrt(turned[count - 1, j])
            frames[:] = 0
            for axis in range(count):
                lowest, highest = turned[axis].min(), turned[axis].max()
                # As float32, which is what codes are read with.
                steps[block, axis, lane] = max((highest - lowest) / 254, SMALLEST_STEP)
                middles[block, axis, lane] = (lowest + highest) / 2
                step, middle = np.float64(steps[block, axis, lane]), np.float64(middles[block, axis, lane])
                for j in range(length):
                    code = min(max(np.rint((turned[axis, j] - middle) / step), -127.0), 127.0)
                    codes[((block_starts[block] + j) * count + axis) * LANES + lane] = np.int8(code)
                    frames[j] += (turned[axis, j] - middle - code * step) ** 2
            errors[block, lane] = np.sqrt(frames.max())


def _kept(loop: Callable[..., NDArray[Any]], name: str) -> Callable[..., NDArray[Any]]:
    """Have a compiled loop found again by other processes.

    Numba keeps it under a pickle of what the loop encloses. A loop that encloses another one pickles differently in
    each process, so that every process would compile it anew; its name and the code that it is made of say as much.
    """
    dispatcher: Any = loop
    made_of = hashlib.sha256(dispatcher.py_func.__code__.co_code + inspect.getsource(lanes).encode()).hexdigest()

    def key(signature: object, codegen: Any) -> tuple[object, ...]:  # noqa: ANN401 (numba's own)
        return signature, codegen.magic_tuple(), (made_of, name)

    dispatcher._cache._index_key = key  # noqa: SLF001 (numba has no other way to say it)
    return loop


def _abreast(coefficients: int) -> Callable[..., None]:
    add_products = adding_products(vectors=coefficients, sums=ROWS)

    # Eight of each name, since an array would not be kept in registers.
    @numba.njit(nogil=True, error_model="numpy")
    def abreast(
        clip: _Numbers,
        squares: _Numbers,
        columns: _Numbers,
        column_squares: _Numbers,
        slack: _Numbers,
        above: _Numbers,
        constants: _Numbers,
        cutoffs: _Numbers,
        sums: _Numbers,
    ) -> None:  # pragma: no cover (compiled)
        """Align the clip with 16 tracks: ``columns [m, d, 16]``, all else by lane; ``sums`` becomes the smallest sums.

        `constants` hold the far cost, 0 and `shrink`; `slack` is what to take off each cost, then its square.
        """
        length = column_squares.size // LANES
        far, zero = splat(constants, 0), splat(constants, 1)
        slack_off, least = load(slack, 0), load(slack, LANES)
        above[: length * LANES] = 0  # a path may begin at every frame
        for block in range(squares.size // ROWS):
            row = block * ROWS
            s0, s1, s2, s3 = (
                splat(squares, row),
                splat(squares, row + 1),
                splat(squares, row + 2),
                splat(squares, row + 3),
            )
            s4, s5, s6, s7 = (
                splat(squares, row + 4),
                splat(squares, row + 5),
                splat(squares, row + 6),
                splat(squares, row + 7),
            )
            left0 = left1 = left2 = left3 = left4 = left5 = left6 = left7 = far
            corner = zero if block == 0 else far
            lowest = far
            for j in range(length):
                square = load(column_squares, j * LANES)
                x, y = block * coefficients * ROWS, j * coefficients * LANES
                norms = (
                    add(square, s0),
                    add(square, s1),
                    add(square, s2),
                    add(square, s3),
                    add(square, s4),
                    add(square, s5),
                    add(square, s6),
                    add(square, s7),
                )
                c0, c1, c2, c3, c4, c5, c6, c7 = add_products(clip, x, columns, y, norms)
                c0 = root_less(maximum(c0, least), slack_off)
                c1 = root_less(maximum(c1, least), slack_off)
                c2 = root_less(maximum(c2, least), slack_off)
                c3 = root_less(maximum(c3, least), slack_off)
                c4 = root_less(maximum(c4, least), slack_off)
                c5 = root_less(maximum(c5, least), slack_off)
                c6 = root_less(maximum(c6, least), slack_off)
                c7 = root_less(maximum(c7, least), slack_off)
                up = load(above, j * LANES)
                cell0 = add(minimum(minimum(corner, left0), up), c0)
                cell1 = add(minimum(minimum(left0, left1), cell0), c1)
                cell2 = add(minimum(minimum(left1, left2), cell1), c2)
                cell3 = add(minimum(minimum(left2, left3), cell2), c3)
                cell4 = add(minimum(minimum(left3, left4), cell3), c4)
                cell5 = add(minimum(minimum(left4, left5), cell4), c5)
                cell6 = add(minimum(minimum(left5, left6), cell5), c6)
                cell7 = add(minimum(minimum(left6, left7), cell6), c7)
                store(above, j * LANES, cell7)
                lowest = minimum(lowest, cell7)
                corner = up
                left0, left1, left2, left3 = cell0, cell1, cell2, cell3
                left4, left5, left6, left7 = cell4, cell5, cell6, cell7
            store(sums, 0, lowest)
            passed = True
            for lane in range(LANES):
                passed &= sums[lane] > cutoffs[lane]
            if passed:
                break

    return abreast


@numba.njit(nogil=True, error_model="numpy")
def _close(lengths: _Integers, column_squares: _Numbers) -> None:  # pragma: no cover (compiled)
    """Put far frames after the end of each lane's track."""
    for lane in range(LANES):
        for j in range(lengths[lane], column_squares.size // LANES):
            column_squares[j * LANES + lane] = FAR * FAR


def _alignments_float32(coefficients: int) -> Callable[..., NDArray[Any]]:
    abreast = _abreast(coefficients)
    factor = shrink(coefficients)

    @numba.njit(cache=True, nogil=True, error_model="numpy")
    def alignments(
        clip: _Numbers, squares: _Numbers, bits: _Bits, starts: _Integers, rows: _Integers, cutoffs: _Numbers
    ) -> _Numbers:  # pragma: no cover (compiled)
        sums = np.empty(rows.size, np.float32)
        longest = 0
        for row in rows:
            longest = max(longest, starts[row + 1] - starts[row])
        # An odd number of registers, so that the same frame of 16 tracks does not lie in the same few sets of a cache.
        padded = ((longest + LANES - 1) // LANES | 1) * LANES
        tracks = np.zeros(LANES * coefficients * padded, np.float32)
        columns = np.empty(padded * coefficients * LANES, np.float32)
        column_squares = np.empty(longest * LANES, np.float32)
        above = np.empty(longest * LANES, np.float32)
        lengths = np.empty(LANES, np.int64)
        lane_cutoffs = np.empty(LANES, np.float32)
        lane_sums = np.empty(LANES, np.float32)
        slack = np.zeros(2 * LANES, np.float32)
        slack[LANES:] = LEAST_SQUARE
        constants = np.array([FAR * FAR, 0, factor], np.float32)
        for first in range(0, rows.size, LANES):
            count = min(LANES, rows.size - first)
            lengths[:] = 0
            lane_cutoffs[:] = -1
            for lane in range(count):
                start, stop = starts[rows[first + lane]], starts[rows[first + lane] + 1]
                lengths[lane] = stop - start
                lane_cutoffs[lane] = cutoffs[first + lane]
                track = bits[start * coefficients : stop * coefficients]
                for k in range(coefficients):
                    row, to = k * (stop - start), (lane * coefficients + k) * padded
                    whole = (stop - start) // LANES * LANES
                    for j in range(0, whole, LANES):
                        store(tracks, to + j, load_halves(track, row + j))
                    for j in range(whole, stop - start):
                        tracks[to + j] = _single(track[row + j])
            length = lengths.max()
            for j in range(0, length, LANES):
                for k in range(coefficients):
                    transpose(
                        tracks,
                        k * padded + j,
                        coefficients * padded,
                        columns,
                        (j * coefficients + k) * LANES,
                        coefficients * LANES,
                    )
            for j in range(length):
                total = splat(constants, 1)
                for k in range(coefficients):
                    y = load(columns, (j * coefficients + k) * LANES)
                    total = fma(y, y, total)
                store(column_squares, j * LANES, multiply(total, splat(constants, 2)))
            _close(lengths, column_squares[: length * LANES])
            abreast(
                clip,
                squares,
                columns,
                column_squares[: length * LANES],
                slack,
                above,
                constants,
                lane_cutoffs,
                lane_sums,
            )
            sums[first : first + count] = lane_sums[:count]
        return sums

    return _kept(alignments, f"alignments of {coefficients}")


def _sketched_float32(coefficients: int) -> Callable[..., NDArray[Any]]:
    abreast = _abreast(coefficients)
    factor = shrink(coefficients)

    @numba.njit(cache=True, nogil=True, error_model="numpy")
    def sketched(
        clip: _Numbers,
        squares: _Numbers,
        codes: NDArray[np.int8],
        starts: _Integers,
        lengths: _Integers,
        steps: _Numbers,
        middles: _Numbers,
        slacks: _Numbers,
        blocks: _Integers,
        cutoffs: _Numbers,
    ) -> _Numbers:  # pragma: no cover (compiled)
        sums = np.empty((blocks.size, LANES), np.float32)
        longest = 0
        for block in blocks:
            longest = max(longest, starts[block + 1] - starts[block])
        columns = np.empty(longest * coefficients * LANES, np.float32)
        column_squares = np.empty(longest * LANES, np.float32)
        above = np.empty(longest * LANES, np.float32)
        constants = np.array([FAR * FAR, 0, factor], np.float32)
        for index in range(blocks.size):
            block = blocks[index]
            length = starts[block + 1] - starts[block]
            first = starts[block] * coefficients * LANES
            block_steps, block_middles = steps[block].ravel(), middles[block].ravel()
            for j in range(length):
                total = splat(constants, 1)
                for k in range(coefficients):
                    at = (j * coefficients + k) * LANES
                    step, middle = load(block_steps, k * LANES), load(block_middles, k * LANES)
                    y = fma(load_bytes(codes, first + at), step, middle)
                    store(columns, at, y)
                    total = fma(y, y, total)
                store(column_squares, j * LANES, multiply(total, splat(constants, 2)))
            _close(lengths[block], column_squares[: length * LANES])
            abreast(
                clip,
                squares,
                columns,
                column_squares[: length * LANES],
                slacks[block],
                above,
                constants,
                cutoffs[index],
                sums[index],
            )
        return sums

    return _kept(sketched, f"sketched of {coefficients}")


def _alignments_float64(coefficients: int) -> Callable[..., NDArray[Any]]:
    @numba.njit(cache=True, nogil=True, error_model="numpy")
    def alignments(
        tiles: _Numbers, clip_length: int, bits: _Bits, starts: _Integers, rows: _Integers
    ) -> _Numbers:  # pragma: no cover (compiled)
        sums = np.empty(rows.size)
        width = tiles.shape[2]
        track = np.empty((coefficients, _width(starts, rows, 2 * width)))
        above = np.empty(track.shape[1])
        cost = np.empty(width)
        # One slot more than lanes: the last holds the row above the tile, as the predecessor of the tile's first row.
        diagonals = np.empty((3, width + 1))
        for index in range(rows.size):
            start, stop = starts[rows[index]], starts[rows[index] + 1]
            length = stop - start
            _unpack(bits[start * coefficients : stop * coefficients], width - 1, length + 2 * width, track)
            above[:] = FAR
            above[:length] = 0  # a path may begin at every frame
            for tile in range(tiles.shape[0]):
                clip = tiles[tile]
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
        alignments_float32=_alignments_float32(coefficients),
        sketched_float32=_sketched_float32(coefficients),
        alignments_float64=_alignments_float64(coefficients),
        span=_span(coefficients),
    )
