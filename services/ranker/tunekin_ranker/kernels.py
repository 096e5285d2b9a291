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
# ruff: noqa: C901, PLR0917

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
    GROUP,
    add,
    adding_products,
    code_squares,
    dot_products,
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
    "CODE_OF_0",
    "FAR",
    "LANES",
    "LARGEST_CODE",
    "LEAST_SQUARE",
    "ROWS",
    "SMALLEST_STEP",
    "TILE_LANES",
    "Kernels",
    "kernels_for",
    "padded_coefficients",
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
LARGEST_CODE = 127
# Codes are kept without a sign.
CODE_OF_0 = 128
# Greatest relative error of one rounding to float32.
_UNIT_ROUNDOFF = 2.0**-24

_Bits: TypeAlias = NDArray[np.uint16]
_Integers: TypeAlias = NDArray[np.int64]
_Numbers: TypeAlias = NDArray[np.floating]

# What leads to a cell of an alignment, from the cell before.
_DIAGONAL, _ALONG_TRACK, _ALONG_CLIP = range(3)

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
        The same of sketches: from ``(clip, squares, codes, starts, lengths, steps, slacks, blocks, cutoffs)`` to
        float32 ``[blocks, LANES]``; each cost is lowered by its track's slack.
    sketched_bytes : callable or None
        The same of a clip in bytes: from ``(clip int8 [blocks * padded * ROWS], offsets int32 [blocks * ROWS], step,
        squares, codes, starts, lengths, steps, slacks, blocks, cutoffs)``; None where the processor does not multiply
        bytes.
    alignments_float64 : callable
        From ``(lanes [tiles, d, lanes], n, bits, starts, rows)`` to float64 ``[rows]``: the cheapest alignment's sum.
    path : callable
        From ``(clip [n, d] float64, bits, starts, row)`` to the cheapest alignment's sum, and the first and the last
        frame of the track ``[n]`` that each frame of the clip is aligned with.
    """

    alignments_float32: Callable[..., NDArray[np.float32]]
    sketched_float32: Callable[..., NDArray[np.float32]]
    sketched_bytes: Callable[..., NDArray[np.float32]] | None
    alignments_float64: Callable[..., NDArray[np.float64]]
    path: Callable[..., tuple[float, _Integers, _Integers]]


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
def _longest(starts: _Integers, rows: _Integers) -> int:  # pragma: no cover (compiled)
    """Frames of the longest of these tracks, or blocks of tracks."""
    longest = 0
    for row in rows:
        longest = max(longest, starts[row + 1] - starts[row])
    return longest


@numba.njit(nogil=True, error_model="numpy")
def _width(starts: _Integers, rows: _Integers, extra: int) -> int:  # pragma: no cover (compiled)
    """Width of a scratch array for the longest of these tracks: an odd multiple of a cache line's 16 float32 values.

    An even one, above all a power of two, would put all coefficients of a frame into the same few cache sets.
    """
    return ((_longest(starts, rows) + extra + LANES - 1) // LANES | 1) * LANES


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


def padded_coefficients(coefficients: int) -> int:
    """Say how many bytes a sketch has: whole groups of four, as `lanes.dot_products` wants them.

    Parameters
    ----------
    coefficients : int
        Numbers in a frame.

    Returns
    -------
    int
        As many, or up to three more, which are 0.
    """
    return -(-coefficients // GROUP) * GROUP


@numba.njit(cache=True, nogil=True, error_model="numpy")
def sketch_frames(
    bits: _Bits,
    starts: _Integers,
    members: _Integers,
    coefficients: int,
    block_starts: _Integers,
    codes: NDArray[np.uint8],
    steps: _Numbers,
    errors: _Numbers,
) -> None:  # pragma: no cover (compiled)
    """Write the sketches of all tracks, and how far the worst of each is from what its code says.

    Parameters
    ----------
    bits, starts : np.ndarray
        The tracks, as `tunekin_ranker.packed` has them.
    members : np.ndarray
        As in `tunekin_ranker.sketches.Sketches`.
    coefficients : int
        Numbers in a frame.
    block_starts, codes, steps : np.ndarray
        As in `tunekin_ranker.sketches.Sketches`; the last two are written.
    errors : np.ndarray [shape=(blocks, LANES), dtype=float64]
        Written: greatest distance of a frame from its codes times the step.
    """
    padded = -(-coefficients // GROUP) * GROUP
    for block in range(members.shape[0]):
        for lane in range(LANES):
            row = members[block, lane]
            if row < 0:
                continue
            start, length = starts[row], starts[row + 1] - starts[row]
            largest = 0.0
            for place in range(start * coefficients, (start + length) * coefficients):
                largest = max(largest, abs(np.float64(_single(bits[place]))))
            # As float32, which is what codes are read with.
            steps[block, lane] = max(largest / LARGEST_CODE, SMALLEST_STEP)
            step = np.float64(steps[block, lane])
            squares = np.zeros(length)
            for k in range(coefficients):
                group, byte = k // GROUP, k % GROUP
                for j in range(length):
                    y = np.float64(_single(bits[start * coefficients + k * length + j]))
                    code = min(max(np.rint(y / step), -LARGEST_CODE), LARGEST_CODE)
                    frame = (block_starts[block] + j) * padded
                    codes[(frame + group * GROUP) * LANES + lane * GROUP + byte] = np.uint8(code + CODE_OF_0)
                    squares[j] += (y - code * step) ** 2
            errors[block, lane] = np.sqrt(squares.max())


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


def _of_numbers(coefficients: int) -> Callable[..., Any]:
    """Squared costs by float32 products."""
    add_products = adding_products(vectors=coefficients, sums=ROWS)

    @numba.njit(nogil=True, error_model="numpy")
    def costs(clip, block, columns, j, norms, offsets, scale):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, ARG001  # pragma: no cover (compiled)
        x, y = block * coefficients * ROWS, j * coefficients * LANES
        return add_products(clip, x, columns, y, norms)

    return costs


def _of_bytes(coefficients: int) -> Callable[..., Any]:
    """Squared costs by products of bytes, which are exact; only their scale and the squares are rounded."""
    padded = padded_coefficients(coefficients)
    dots = dot_products(groups=padded // GROUP, sums=ROWS)

    @numba.njit(nogil=True, error_model="numpy")
    def costs(clip, block, columns, j, norms, offsets, scale):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  # pragma: no cover (compiled)
        n0, n1, n2, n3, n4, n5, n6, n7 = norms
        d0, d1, d2, d3, d4, d5, d6, d7 = dots(
            columns, j * padded * LANES, clip, block * padded * ROWS, offsets, block * ROWS
        )
        return (
            fma(d0, scale, n0),
            fma(d1, scale, n1),
            fma(d2, scale, n2),
            fma(d3, scale, n3),
            fma(d4, scale, n4),
            fma(d5, scale, n5),
            fma(d6, scale, n6),
            fma(d7, scale, n7),
        )

    return costs


def _abreast(costs: Callable[..., Any]) -> Callable[..., None]:
    # Eight of each name, since an array would not be kept in registers.
    @numba.njit(nogil=True, error_model="numpy")
    def abreast(
        clip: _Numbers,
        squares: _Numbers,
        columns: _Numbers,
        column_squares: _Numbers,
        offsets: _Integers,
        scales: _Numbers,
        slack: _Numbers,
        above: _Numbers,
        constants: _Numbers,
        cutoffs: _Numbers,
        sums: _Numbers,
    ) -> None:  # pragma: no cover (compiled)
        """Align the clip with 16 tracks: ``columns [m, d, 16]``, all else by lane; ``sums`` becomes the smallest sums.

        `constants` hold the far cost, 0 and `shrink`; `slack` is what to take off each cost, then its square; `offsets`
        and `scales` are those of products of bytes.
        """
        length = column_squares.size // LANES
        far, zero = splat(constants, 0), splat(constants, 1)
        slack_off, least, scale = load(slack, 0), load(slack, LANES), load(scales, 0)
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
                c0, c1, c2, c3, c4, c5, c6, c7 = costs(clip, block, columns, j, norms, offsets, scale)
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
    abreast = _abreast(_of_numbers(coefficients))
    factor = shrink(coefficients)

    @numba.njit(cache=True, nogil=True, error_model="numpy")
    def alignments(
        clip: _Numbers, squares: _Numbers, bits: _Bits, starts: _Integers, rows: _Integers, cutoffs: _Numbers
    ) -> _Numbers:  # pragma: no cover (compiled)
        sums = np.empty(rows.size, np.float32)
        longest = _longest(starts, rows)
        padded = _width(starts, rows, 0)
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
        no_offsets, no_scales = np.zeros(0, np.int32), np.zeros(LANES, np.float32)
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
                no_offsets,
                no_scales,
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
    abreast = _abreast(_of_numbers(coefficients))
    factor, padded = shrink(coefficients), padded_coefficients(coefficients)

    @numba.njit(cache=True, nogil=True, error_model="numpy")
    def sketched(
        clip: _Numbers,
        squares: _Numbers,
        codes: NDArray[np.uint8],
        starts: _Integers,
        lengths: _Integers,
        steps: _Numbers,
        slacks: _Numbers,
        blocks: _Integers,
        cutoffs: _Numbers,
    ) -> _Numbers:  # pragma: no cover (compiled)
        sums = np.empty((blocks.size, LANES), np.float32)
        longest = _longest(starts, blocks)
        columns = np.empty(longest * coefficients * LANES, np.float32)
        column_squares = np.empty(longest * LANES, np.float32)
        above = np.empty(longest * LANES, np.float32)
        constants = np.array([FAR * FAR, 0, factor], np.float32)
        no_offsets, no_scales = np.zeros(0, np.int32), np.zeros(LANES, np.float32)
        for index in range(blocks.size):
            block = blocks[index]
            length = starts[block + 1] - starts[block]
            step = load(steps[block], 0)
            for j in range(length):
                frame = (starts[block] + j) * padded
                total = splat(constants, 1)
                for k in range(coefficients):
                    group, byte = k // GROUP, k % GROUP
                    y = multiply(load_bytes(codes, (frame + group * GROUP) * LANES, byte), step)
                    store(columns, (j * coefficients + k) * LANES, y)
                    total = fma(y, y, total)
                store(column_squares, j * LANES, multiply(total, splat(constants, 2)))
            _close(lengths[block], column_squares[: length * LANES])
            abreast(
                clip,
                squares,
                columns,
                column_squares[: length * LANES],
                no_offsets,
                no_scales,
                slacks[block],
                above,
                constants,
                cutoffs[index],
                sums[index],
            )
        return sums

    return _kept(sketched, f"sketched of {coefficients}")


def _sketched_bytes(coefficients: int) -> Callable[..., NDArray[Any]]:
    abreast = _abreast(_of_bytes(coefficients))
    factor, padded = shrink(coefficients), padded_coefficients(coefficients)
    add_squares = code_squares(groups=padded // GROUP)

    @numba.njit(cache=True, nogil=True, error_model="numpy")
    def sketched(
        clip: NDArray[np.int8],
        offsets: NDArray[np.int32],
        clip_step: float,
        squares: _Numbers,
        codes: NDArray[np.uint8],
        starts: _Integers,
        lengths: _Integers,
        steps: _Numbers,
        slacks: _Numbers,
        blocks: _Integers,
        cutoffs: _Numbers,
    ) -> _Numbers:  # pragma: no cover (compiled)
        sums = np.empty((blocks.size, LANES), np.float32)
        longest = _longest(starts, blocks)
        column_squares = np.empty(longest * LANES, np.float32)
        above = np.empty(longest * LANES, np.float32)
        scales, weights = np.empty(LANES, np.float32), np.empty(LANES, np.float32)
        constants = np.array([FAR * FAR, 0, factor], np.float32)
        for index in range(blocks.size):
            block = blocks[index]
            length = starts[block + 1] - starts[block]
            first = starts[block] * padded * LANES
            for lane in range(LANES):
                step = np.float64(steps[block, lane])
                scales[lane] = -2 * clip_step * step
                weights[lane] = factor * step * step
            weight = load(weights, 0)
            for j in range(length):
                store(column_squares, j * LANES, multiply(add_squares(codes, first + j * padded * LANES), weight))
            _close(lengths[block], column_squares[: length * LANES])
            abreast(
                clip,
                squares,
                codes[first : first + length * padded * LANES],
                column_squares[: length * LANES],
                offsets,
                scales,
                slacks[block],
                above,
                constants,
                cutoffs[index],
                sums[index],
            )
        return sums

    return _kept(sketched, f"sketched bytes of {coefficients}")


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


def _path(coefficients: int) -> Callable[..., tuple[float, _Integers, _Integers]]:
    @numba.njit(cache=True, nogil=True, error_model="numpy")
    def path(
        clip: _Numbers, bits: _Bits, starts: _Integers, row: int
    ) -> tuple[float, _Integers, _Integers]:  # pragma: no cover (compiled)
        start, stop = starts[row], starts[row + 1]
        length = stop - start
        track = np.empty((coefficients, length))
        _unpack(bits[start * coefficients : stop * coefficients], 0, length, track)
        total = np.zeros(length)
        cost = np.empty(length)
        steps = np.empty((clip.shape[0], length), np.int8)
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
            diagonal = total[0]
            total[0] += cost[0]
            steps[i, 0] = _ALONG_CLIP
            for j in range(1, length):
                up = total[j]
                cheapest, step = diagonal, _DIAGONAL
                if total[j - 1] < cheapest:
                    cheapest, step = total[j - 1], _ALONG_TRACK
                if up < cheapest:
                    cheapest, step = up, _ALONG_CLIP
                total[j] = cheapest + cost[j]
                steps[i, j] = step
                diagonal = up
        j = int(np.argmin(total))
        best = total[j]
        firsts = np.empty(clip.shape[0], np.int64)
        lasts = np.empty(clip.shape[0], np.int64)
        for i in range(clip.shape[0] - 1, -1, -1):
            lasts[i] = j
            while i > 0 and steps[i, j] == _ALONG_TRACK:
                j -= 1
            firsts[i] = j
            if i > 0 and steps[i, j] == _DIAGONAL:
                j -= 1
        return best, firsts, lasts

    return path


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
        sketched_bytes=_sketched_bytes(coefficients) if lanes.DOT_PRODUCTS else None,
        alignments_float64=_alignments_float64(coefficients),
        path=_path(coefficients),
    )
