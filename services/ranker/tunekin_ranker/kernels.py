"""The compiled loops of subsequence DTW.

Nothing here checks its input: `tunekin_ranker.dtw` and `tunekin_ranker.sketches` do, say what the results mean and how
far they can be off.

Conventions
-----------
Tracks lie in one buffer of float16 bits, coefficient by coefficient (see `tunekin_ranker.packed`), so that
neighbouring frames are neighbours in memory and fill the lanes of a vector register.

There are two ways to fill lanes. The float32 loops, which bound distances, take 16 tracks abreast, a lane for each:
every step is then one instruction for 16 tracks, or for 8 of them, and then for the others. Local costs are
``|x|² + |y|² - 2 x·y``, both squares lowered by what rounding can add, and used at once, so that no matrix of them is
ever stored. Eight clip frames go along the tracks together; where all tracks have passed their cutoffs after these
eight, their loop ends.

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
from typing import Any, NamedTuple, TypeAlias, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from tunekin_ranker import lanes
from tunekin_ranker.lanes import (
    GROUP,
    ROOT_ERROR,
    ROWS,
    SPREAD,
    WIDTH,
    add_each,
    adding_products,
    align_each,
    code_squares,
    dot_products,
    fma,
    fma_each,
    load,
    load_bytes,
    load_halves,
    load_rows,
    maximum_each,
    minimum,
    multiply,
    multiply_each,
    repeat,
    roots_less,
    splat,
    splats,
    store,
    store_rows,
    transpose,
)

__all__ = [
    "CODE_OF_0",
    "FAR",
    "LANES",
    "LARGEST_CODE",
    "LEAST_SQUARE",
    "SMALLEST_STEP",
    "TILE_LANES",
    "Kernels",
    "kernels_for",
    "padded_coefficients",
    "shrink",
    "sketch_frames",
]

# Tracks that lie side by side: as many as a vector register of AVX-512 takes float32 values. Narrower ones take one
# half after the other.
LANES = 16
# Lanes of the largest tile. Its window of clip and track (2 x 80 x 20 float32) stays in a first-level cache of 32 KiB,
# and a clip of 6 to 7 s at about 11 frames a second fits in one tile.
TILE_LANES = 80
# Coordinate of a frame that no path enters: costs more than every path between float16 frames (at most 65,504 a
# coordinate), and its square still fits into float32.
FAR = 1e15
# Costs are roots of no less, which `lanes.root_less` can take.
LEAST_SQUARE = 2.0**-100
# Of slacks, what to take off roots: no root that is no greater than its slack, but for its error, leaves anything.
_SLACK_FACTOR = (1 + 2 * ROOT_ERROR) * (1 + 2.0**-22)
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
_Loop = TypeVar("_Loop", bound=Callable[..., Any])

# What leads to a cell of an alignment, from the cell before.
_DIAGONAL, _ALONG_TRACK, _ALONG_CLIP = range(3)
# Where in its scratch array a loop has what belongs to a row and to a lane: what to multiply products with, the least
# square of a cost, and what to take off its root.
_SCALES, _LEAST, _LESS = (i * ROWS * WIDTH for i in range(3))

# Fused multiply-add; nothing else of fast math, so the error bound of `tunekin_ranker.dtw` stays true.
_FUSED = {"contract"}


class Kernels(NamedTuple):
    """The loops for one number of coefficients.

    Attributes
    ----------
    alignments_float32 : callable
        From ``(clip [blocks * d * ROWS * SPREAD], squares [blocks * ROWS], bits, starts, rows, cutoffs [rows])``, all
        numbers of which are float32, to float32 ``[rows]``: the cheapest alignment's sum, of costs that may be lower,
        but higher only by the root's error and the root of `LEAST_SQUARE`; a sum that passes its cutoff may end there.
    sketched_float32 : callable
        The same of sketches: from ``(clip, squares, codes, starts, lengths, steps, slacks, blocks, cutoffs)`` to
        float32 ``[blocks, LANES]``; each cost is lowered by its track's slack.
    sketched_bytes : callable or None
        The same of a clip in bytes: from ``(clip int8 [blocks * padded * ROWS * SPREAD], squares, offsets int32
        [blocks * ROWS * SPREAD], steps [blocks * ROWS], slacks [blocks * ROWS], codes, starts, lengths, steps, slacks,
        blocks, cutoffs)``; each cost is lowered by both slacks. None where the processor does not multiply bytes.
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


def _named(name: str, *, cache: bool = False, forceinline: bool = False) -> Callable[[_Loop], _Loop]:
    """Compile a loop under a name of its own, ``name`` being what it encloses.

    Numba numbers what it compiles, in each process anew. Two loops of one name and one number that two processes kept
    would be one loop in a process that takes both out of the cache.
    """

    def compiled(loop: _Loop) -> _Loop:
        loop.__qualname__ += f"_{name}"
        return cast("_Loop", numba.njit(nogil=True, error_model="numpy", cache=cache, forceinline=forceinline)(loop))

    return compiled


def _kept(loop: Callable[..., NDArray[Any]]) -> Callable[..., NDArray[Any]]:
    """Have a compiled loop found again by other processes.

    Numba keeps it under a pickle of what the loop encloses. A loop that encloses another one pickles differently in
    each process, so that every process would compile it anew; its name and the code that it is made of say as much.
    """
    dispatcher: Any = loop
    made_of = hashlib.sha256(dispatcher.py_func.__code__.co_code + inspect.getsource(lanes).encode()).hexdigest()

    def key(signature: object, codegen: Any) -> tuple[object, ...]:  # noqa: ANN401 (numba's own)
        return signature, codegen.magic_tuple(), (made_of, dispatcher.py_func.__qualname__)

    dispatcher._cache._index_key = key  # noqa: SLF001 (numba has no other way to say it)
    return loop


def _of_numbers(coefficients: int) -> Callable[..., Any]:
    """Squared costs by float32 products."""
    add_products = adding_products(vectors=coefficients, stride=LANES)

    @_named(str(coefficients), forceinline=True)
    def costs(clip, block, columns, j, norms, offsets, scales):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, ARG001  # pragma: no cover (compiled)
        x, y = block * coefficients * ROWS * SPREAD, j * coefficients * LANES
        return add_products(clip, x, columns, y, norms)

    return costs


def _of_bytes(coefficients: int) -> Callable[..., Any]:
    """Squared costs by products of bytes, which are exact; only their scale and the squares are rounded."""
    padded = padded_coefficients(coefficients)
    dots = dot_products(groups=padded // GROUP, stride=LANES * GROUP)

    @_named(str(coefficients), forceinline=True)
    def costs(clip, block, columns, j, norms, offsets, scales):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  # pragma: no cover (compiled)
        x, y = block * padded * ROWS * SPREAD, j * padded * LANES
        return fma_each(dots(columns, y, clip, x, offsets, block * ROWS * SPREAD), scales, norms)

    return costs


def _abreast(costs: Callable[..., Any], *, name: str) -> Callable[..., None]:
    @_named(name)
    def abreast(
        clip: _Numbers,
        squares: _Numbers,
        offsets: _Integers,
        row_steps: _Numbers,
        row_slacks: _Numbers,
        length: int,
        columns: _Numbers,
        column_squares: _Numbers,
        scales: _Numbers,
        slacks: _Numbers,
        above: _Numbers,
        constants: _Numbers,
        cutoffs: _Numbers,
        sums: _Numbers,
        scratch: _Numbers,
    ) -> None:  # pragma: no cover (compiled)
        """Align the clip with the tracks of the first lanes, as many as a vector has; ``sums`` are the smallest sums.

        What is of rows: `clip`, `squares`, `offsets`, `row_steps` and `row_slacks`; what is of lanes: `columns`
        [length, d, LANES], `column_squares` and `above` [length, LANES], all else. `constants` hold the far cost, 0,
        `shrink`, what slacks are multiplied with, and the least square.
        """
        far, zero = splat(constants, 0), splat(constants, 1)
        for j in range(length):
            store(above, j * LANES, zero)  # a path may begin at every frame
        for block in range(squares.size // ROWS):
            row = block * ROWS
            row_squares = splats(squares, row)
            slack = add_each(splats(row_slacks, row), repeat(load(slacks, 0)))
            store_rows(scratch, _SCALES, multiply_each(splats(row_steps, row), repeat(load(scales, 0))))
            least = maximum_each(multiply_each(slack, slack), repeat(splat(constants, 4)))
            store_rows(scratch, _LEAST, least)
            store_rows(scratch, _LESS, multiply_each(slack, repeat(splat(constants, 3))))
            left = repeat(far)
            corner = zero if block == 0 else far
            lowest = far
            for j in range(length):
                norms = add_each(repeat(load(column_squares, j * LANES)), row_squares)
                products = costs(clip, block, columns, j, norms, offsets, load_rows(scratch, _SCALES))
                cell_costs = roots_less(products, load_rows(scratch, _LEAST), load_rows(scratch, _LESS))
                up = load(above, j * LANES)
                left = align_each(cell_costs, left, corner, up)
                store(above, j * LANES, left[-1])
                lowest = minimum(lowest, left[-1])
                corner = up
            store(sums, 0, lowest)
            passed = True
            for lane in range(WIDTH):
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
    abreast = _abreast(_of_numbers(coefficients), name=f"numbers_{coefficients}")
    factor = shrink(coefficients)

    @_named(str(coefficients), cache=True)
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
        constants = np.array([FAR * FAR, 0, factor, 0, LEAST_SQUARE], np.float32)
        nothing, no_offsets = np.zeros(max(LANES, squares.size), np.float32), np.zeros(0, np.int32)
        scratch = np.empty(3 * ROWS * WIDTH, np.float32)
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
                    whole = (stop - start) // WIDTH * WIDTH
                    for j in range(0, whole, WIDTH):
                        store(tracks, to + j, load_halves(track, row + j))
                    for j in range(whole, stop - start):
                        tracks[to + j] = _single(track[row + j])
            length = lengths.max()
            for lane in range(0, LANES, WIDTH):
                for j in range(0, length, WIDTH):
                    for k in range(coefficients):
                        transpose(
                            tracks,
                            (lane * coefficients + k) * padded + j,
                            coefficients * padded,
                            columns,
                            (j * coefficients + k) * LANES + lane,
                            coefficients * LANES,
                        )
                for j in range(length):
                    total = splat(constants, 1)
                    for k in range(coefficients):
                        y = load(columns, (j * coefficients + k) * LANES + lane)
                        total = fma(y, y, total)
                    store(column_squares, j * LANES + lane, multiply(total, splat(constants, 2)))
            _close(lengths, column_squares[: length * LANES])
            for lane in range(0, LANES, WIDTH):
                abreast(
                    clip,
                    squares,
                    no_offsets,
                    nothing,
                    nothing,
                    length,
                    columns[lane:],
                    column_squares[lane:],
                    nothing,
                    nothing,
                    above[lane:],
                    constants,
                    lane_cutoffs[lane:],
                    lane_sums[lane:],
                    scratch,
                )
            sums[first : first + count] = lane_sums[:count]
        return sums

    return _kept(alignments)


def _sketched_float32(coefficients: int) -> Callable[..., NDArray[Any]]:
    abreast = _abreast(_of_numbers(coefficients), name=f"numbers_{coefficients}")
    factor, padded = shrink(coefficients), padded_coefficients(coefficients)

    @_named(str(coefficients), cache=True)
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
        constants = np.array([FAR * FAR, 0, factor, _SLACK_FACTOR, LEAST_SQUARE], np.float32)
        nothing, no_offsets = np.zeros(max(LANES, squares.size), np.float32), np.zeros(0, np.int32)
        scratch = np.empty(3 * ROWS * WIDTH, np.float32)
        for index in range(blocks.size):
            block = blocks[index]
            length = starts[block + 1] - starts[block]
            for lane in range(0, LANES, WIDTH):
                step = load(steps[block], lane)
                for j in range(length):
                    frame = (starts[block] + j) * padded
                    total = splat(constants, 1)
                    for k in range(coefficients):
                        group, byte = k // GROUP, k % GROUP
                        four = (frame + group * GROUP) * LANES + lane * GROUP
                        y = multiply(load_bytes(codes, four, byte), step)
                        store(columns, (j * coefficients + k) * LANES + lane, y)
                        total = fma(y, y, total)
                    store(column_squares, j * LANES + lane, multiply(total, splat(constants, 2)))
            _close(lengths[block], column_squares[: length * LANES])
            for lane in range(0, LANES, WIDTH):
                abreast(
                    clip,
                    squares,
                    no_offsets,
                    nothing,
                    nothing,
                    length,
                    columns[lane:],
                    column_squares[lane:],
                    nothing,
                    slacks[block][lane:],
                    above[lane:],
                    constants,
                    cutoffs[index][lane:],
                    sums[index][lane:],
                    scratch,
                )
        return sums

    return _kept(sketched)


def _sketched_bytes(coefficients: int) -> Callable[..., NDArray[Any]]:
    abreast = _abreast(_of_bytes(coefficients), name=f"bytes_{coefficients}")
    factor, padded = shrink(coefficients), padded_coefficients(coefficients)
    add_squares = code_squares(groups=padded // GROUP, stride=LANES * GROUP)

    @_named(str(coefficients), cache=True)
    def sketched(
        clip: NDArray[np.int8],
        squares: _Numbers,
        offsets: NDArray[np.int32],
        row_steps: _Numbers,
        row_slacks: _Numbers,
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
        constants = np.array([FAR * FAR, 0, factor, _SLACK_FACTOR, LEAST_SQUARE], np.float32)
        scratch = np.empty(3 * ROWS * WIDTH, np.float32)
        for index in range(blocks.size):
            block = blocks[index]
            length = starts[block + 1] - starts[block]
            first = starts[block] * padded * LANES
            for lane in range(LANES):
                step = np.float64(steps[block, lane])
                scales[lane] = -2 * step
                weights[lane] = factor * step * step
            for lane in range(0, LANES, WIDTH):
                weight = load(weights, lane)
                for j in range(length):
                    frame = first + j * padded * LANES + lane * GROUP
                    store(column_squares, j * LANES + lane, multiply(add_squares(codes, frame), weight))
            _close(lengths[block], column_squares[: length * LANES])
            for lane in range(0, LANES, WIDTH):
                abreast(
                    clip,
                    squares,
                    offsets,
                    row_steps,
                    row_slacks,
                    length,
                    codes[first + lane * GROUP :],
                    column_squares[lane:],
                    scales[lane:],
                    slacks[block][lane:],
                    above[lane:],
                    constants,
                    cutoffs[index][lane:],
                    sums[index][lane:],
                    scratch,
                )
        return sums

    return _kept(sketched)


def _alignments_float64(coefficients: int) -> Callable[..., NDArray[Any]]:
    @_named(str(coefficients), cache=True)
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
    @_named(str(coefficients), cache=True)
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
