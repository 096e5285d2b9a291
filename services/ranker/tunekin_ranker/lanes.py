"""Vectors of float32 lanes for compiled loops, as wide as the processor's registers.

LLVM fills vector registers by itself where it can prove that it may, and that proof fails for a loop that keeps a dozen
running values. Here a loop says which values lie side by side, and which vectors it takes together: *rows*, a tuple of
them. The vectors are LLVM's own.

`fma` may round once or twice, as the processor has it, and `roots_less` says how far it may be off; nothing else is
reordered or approximated.
"""
# Numba calls these with its own types, by position, and with the typing context first.
# ruff: noqa: ANN401, ARG001, PLR0917

import functools
import platform
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from llvmlite import binding, ir
from numba import config, extending
from numba.core import cgutils, types
from numba.extending import models, register_model
from numpy.typing import NDArray

__all__ = [
    "DOT_PRODUCTS",
    "GROUP",
    "ROOT_ERROR",
    "ROWS",
    "SPREAD",
    "WIDTH",
    "add_each",
    "adding_products",
    "align_each",
    "code_squares",
    "dot_products",
    "fma",
    "fma_each",
    "load",
    "load_bytes",
    "load_halves",
    "load_rows",
    "maximum_each",
    "minimum",
    "multiply",
    "multiply_each",
    "repeat",
    "roots_less",
    "shared_steps",
    "splat",
    "splats",
    "store",
    "store_rows",
    "transpose",
]

_Codegen: TypeAlias = Callable[..., Any]
# Untyped, since a compiled caller gives it no typing context.
intrinsic: Any = extending.intrinsic


def _has(feature: str) -> bool:
    """Whether code is compiled for a processor with a feature: this very one, unless numba was told of another."""
    settings: Any = config
    if platform.machine() not in {"x86_64", "AMD64"} or not settings.ENABLE_AVX:
        return False
    if settings.CPU_NAME or settings.CPU_FEATURES:
        return f"+{feature}" in (settings.CPU_FEATURES or "").split(",")
    return bool(binding.get_host_cpu_features().get(feature))


_AVX2, _AVX512 = _has("avx2"), _has("avx512f")
_VNNI = _AVX512 and _has("avx512vnni")
# Values of a vector: those of a register, or of two where registers hold four.
WIDTH = 16 if _AVX512 else 8
# Vectors that loops take together, so that what is read serves so many cells and none waits for another. Twice as many
# would not fit into the 32 registers of AVX-512; AVX2 has 16, and keeps some in memory, at less than four would cost.
ROWS = 8
# Bytes of a lane that are multiplied at once.
GROUP = 4
# How often what all lanes share has to lie in memory: AVX-512 spreads what it reads from there.
SPREAD = 1 if _AVX512 else WIDTH
# Groups whose products AVX2 adds up in 16 bits. With more, bytes would have to count too much each.
_TOGETHER = 2
# Whether `dot_products` is to be had: four products of bytes in the time of one of float32, on AVX2 of two.
DOT_PRODUCTS = _VNNI or _AVX2
# Greatest relative error of the roots of `roots_less`: that of the estimate, where there is one, and a rounding or two.
ROOT_ERROR = (2.0**-14 if _AVX512 else 1.5 * 2.0**-12 if _AVX2 else 0.0) + 2.0**-22

_FLOAT = ir.FloatType()
_VECTOR = ir.VectorType(_FLOAT, WIDTH)
_INDEX = ir.IntType(32)
_WORDS = ir.VectorType(_INDEX, WIDTH)


class _VectorType(types.Type):
    """Numba's name for a vector."""


_vector: Any = _VectorType(name=f"float32x{WIDTH}")
_rows: Any = types.UniTuple(_vector, ROWS)


@register_model(_VectorType)
class _VectorModel(models.PrimitiveModel):
    """A vector is one value of LLVM."""

    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)  # type: ignore[no-untyped-call]


def _address(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """Address of an element of a contiguous array."""
    return builder.gep(context.make_array(kind)(context, builder, array).data, [index])


@intrinsic
def load(typing: Any, array: Any, index: Any) -> Any:
    """Read `WIDTH` neighbours of a flat, contiguous float32 array, from an index on.

    Parameters
    ----------
    typing : object
        Numba's own; a compiled caller leaves it out.
    array : np.ndarray [dtype=float32]
        The array.
    index : int
        Of the first.

    Returns
    -------
    vector
        The numbers.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _loaded(builder, _VECTOR, _address(context, builder, signature.args[0], *arguments), 0)

    return _vector(array, types.intp), generate


@intrinsic
def load_bytes(typing: Any, array: Any, index: Any, byte: Any) -> Any:
    """Read one byte of each of `WIDTH` neighbouring groups of four of a flat, contiguous uint8 array, from an index on.

    Parameters
    ----------
    typing : object
        Numba's own; a compiled caller leaves it out.
    array : np.ndarray [dtype=uint8]
        The array.
    index : int
        Of the first group's first byte.
    byte : int
        Which byte of each group, 0 to 3.

    Returns
    -------
    vector
        The numbers less 128, as float32.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature.args[0], *arguments[:2])
        value = _loaded(builder, _WORDS, builder.bitcast(address, ir.PointerType(_INDEX)), 0)
        left = builder.sub(
            ir.Constant(_INDEX, 24), builder.mul(builder.trunc(arguments[2], _INDEX), ir.Constant(_INDEX, 8))
        )
        # To the top of its word and down again, which gives it its sign.
        top = builder.shl(builder.xor(value, _signs()), _everywhere(builder, left))
        return builder.sitofp(builder.ashr(top, ir.Constant(_WORDS, [24] * WIDTH)), _VECTOR)

    return _vector(array, types.intp, types.intp), generate


@intrinsic
def load_halves(typing: Any, array: Any, index: Any) -> Any:
    """Read `WIDTH` neighbours of a flat, contiguous array of the bits of finite float16 numbers, from an index on.

    By integers, so that it holds even where the processor is set to flush subnormal numbers to zero.

    Parameters
    ----------
    typing : object
        Numba's own; a compiled caller leaves it out.
    array : np.ndarray [dtype=uint16]
        The array.
    index : int
        Of the first.

    Returns
    -------
    vector
        The numbers, as float32.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        halves, words = ir.VectorType(ir.IntType(16), WIDTH), ir.VectorType(ir.IntType(32), WIDTH)

        def constant(word: int) -> Any:
            return ir.Constant(words, [word] * WIDTH)

        address = _address(context, builder, signature.args[0], *arguments)
        value = builder.load(builder.bitcast(address, ir.PointerType(halves)))
        value.align = 2
        bits = builder.zext(value, words)
        magnitude = builder.and_(bits, constant(0x7FFF))
        normal = builder.add(builder.shl(magnitude, constant(13)), constant(0x38000000))
        step = ir.Constant(_VECTOR, [ir.Constant(_FLOAT, 2.0**-24)] * WIDTH)
        subnormal = builder.bitcast(builder.fmul(builder.sitofp(magnitude, _VECTOR), step), words)
        is_normal = builder.icmp_unsigned(">=", magnitude, constant(0x400))
        sign = builder.shl(builder.and_(bits, constant(0x8000)), constant(16))
        return builder.bitcast(builder.or_(builder.select(is_normal, normal, subnormal), sign), _VECTOR)

    return _vector(array, types.intp), generate


@intrinsic
def store(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Write `WIDTH` neighbours of a flat, contiguous float32 array, from an index on.

    Parameters
    ----------
    typing : object
        Numba's own; a compiled caller leaves it out.
    array : np.ndarray [dtype=float32]
        The array.
    index : int
        Of the first.
    value : vector
        What to write.

    Returns
    -------
    None
        Nothing.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature.args[0], *arguments[:2])
        instruction = builder.store(arguments[2], builder.bitcast(address, ir.PointerType(_VECTOR)))
        instruction.align = 4
        return context.get_dummy_value()

    return types.none(array, types.intp, _vector), generate


@intrinsic
def splat(typing: Any, array: Any, index: Any) -> Any:
    """Read one number of a flat, contiguous float32 array into all lanes.

    Parameters
    ----------
    typing : object
        Numba's own; a compiled caller leaves it out.
    array : np.ndarray [dtype=float32]
        The array.
    index : int
        Of the number.

    Returns
    -------
    vector
        The number, in every lane.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _everywhere(builder, _number(builder, _address(context, builder, signature.args[0], *arguments), 0))

    return _vector(array, types.intp), generate


@intrinsic
def transpose(typing: Any, source: Any, start: Any, step: Any, target: Any, target_start: Any, target_step: Any) -> Any:
    """Read `WIDTH` vectors, a step apart, and write their first values as a vector, then their second ones, and so on.

    Parameters
    ----------
    typing : object
        Numba's own; a compiled caller leaves it out.
    source : np.ndarray [dtype=float32]
        Flat and contiguous.
    start : int
        Index of the first vector's first value.
    step : int
        From each vector to the next.
    target : np.ndarray [dtype=float32]
        Flat and contiguous; written.
    target_start : int
        As `start`, in the target.
    target_step : int
        As `step`, in the target.

    Returns
    -------
    None
        Nothing.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def vectors(kind: Any, array: Any, index: Any, step: Any) -> Any:
            for _ in range(WIDTH):
                address = _address(context, builder, kind, array, index)
                yield builder.bitcast(address, ir.PointerType(_VECTOR))
                index = builder.add(index, step)

        rows = []
        for address in vectors(signature.args[0], *arguments[:3]):
            rows.append(builder.load(address))
            rows[-1].align = 4
        # Blocks of half the size change places at each turn, as in a recursive transposition.
        for size in (size for size in (8, 4, 2, 1) if size < WIDTH):
            for i in (i for i in range(WIDTH) if not i & size):
                pair = rows[i], rows[i + size]
                upper = [lane if not lane & size else WIDTH + lane - size for lane in range(WIDTH)]
                lower = [lane + size if not lane & size else WIDTH + lane for lane in range(WIDTH)]
                for row, order in ((i, upper), (i + size, lower)):
                    rows[row] = builder.shuffle_vector(*pair, ir.Constant(ir.VectorType(_INDEX, WIDTH), order))
        for row, address in zip(rows, vectors(signature.args[3], *arguments[3:]), strict=True):
            builder.store(row, address).align = 4
        return context.get_dummy_value()

    kinds = source, types.intp, types.intp, target, types.intp, types.intp
    return types.none(*kinds), generate


@intrinsic
def fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """Compute ``a * b + c``.

    Parameters
    ----------
    typing : object
        Numba's own; a compiled caller leaves it out.
    a, b, c : vector
        The operands.

    Returns
    -------
    vector
        The results.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _fma(builder, *arguments)

    return _vector(_vector, _vector, _vector), generate


@intrinsic
def splats(typing: Any, array: Any, index: Any) -> Any:
    """Read `ROWS` neighbours of a flat, contiguous float32 array, each into all lanes of a row.

    Parameters
    ----------
    typing : object
        Numba's own; a compiled caller leaves it out.
    array : np.ndarray [dtype=float32]
        The array.
    index : int
        Of the first.

    Returns
    -------
    rows
        The numbers.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature.args[0], *arguments)
        return _as_rows(context, builder, [_everywhere(builder, _number(builder, address, i)) for i in range(ROWS)])

    return _rows(array, types.intp), generate


@intrinsic
def repeat(typing: Any, value: Any) -> Any:
    """Make rows of one vector.

    Parameters
    ----------
    typing : object
        Numba's own; a compiled caller leaves it out.
    value : vector
        The vector.

    Returns
    -------
    rows
        The vector, `ROWS` times.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _as_rows(context, builder, list(arguments) * ROWS)

    return _rows(_vector), generate


@intrinsic
def load_rows(typing: Any, array: Any, index: Any) -> Any:
    """Read rows that lie one after another in a flat, contiguous float32 array, from an index on.

    Parameters
    ----------
    typing : object
        Numba's own; a compiled caller leaves it out.
    array : np.ndarray [dtype=float32]
        The array.
    index : int
        Of the first.

    Returns
    -------
    rows
        The numbers.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature.args[0], *arguments)
        return _as_rows(context, builder, [_loaded(builder, _VECTOR, address, row * WIDTH) for row in range(ROWS)])

    return _rows(array, types.intp), generate


@intrinsic
def store_rows(typing: Any, array: Any, index: Any, rows: Any) -> Any:
    """Write rows one after another into a flat, contiguous float32 array, from an index on.

    Parameters
    ----------
    typing : object
        Numba's own; a compiled caller leaves it out.
    array : np.ndarray [dtype=float32]
        The array.
    index : int
        Of the first.
    rows : rows
        What to write.

    Returns
    -------
    None
        Nothing.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature.args[0], *arguments[:2])
        for i, row in enumerate(cgutils.unpack_tuple(builder, arguments[2], ROWS)):
            place = builder.gep(address, [ir.Constant(_INDEX, i * WIDTH)])
            builder.store(row, builder.bitcast(place, ir.PointerType(_VECTOR))).align = 4
        return context.get_dummy_value()

    return types.none(array, types.intp, _rows), generate


@intrinsic
def align_each(typing: Any, costs: Any, left: Any, corner: Any, up: Any) -> Any:
    """Add the cost of each cell in a piece of a column to the least sum that leads there.

    Parameters
    ----------
    typing : object
        Numba's own; a compiled caller leaves it out.
    costs : rows
        Of the cells, from the first clip frame to the last.
    left : rows
        Sums of the cells before these, in the column before.
    corner, up : vector
        Sums of the cells above the piece: in the column before, and in this one.

    Returns
    -------
    rows
        The sums.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        diagonal, above = arguments[2:]
        cells = []
        for cost, before in zip(*(cgutils.unpack_tuple(builder, arguments[i], ROWS) for i in (0, 1)), strict=True):
            above = builder.fadd(_minimum(builder, _minimum(builder, diagonal, before), above), cost)
            diagonal = before
            cells.append(above)
        return _as_rows(context, builder, cells)

    return _rows(_rows, _rows, _vector, _vector), generate


def adding_products(*, vectors: int, stride: int) -> Any:
    """Make an operation that adds products of vectors and shared numbers to rows, without a loop.

    Parameters
    ----------
    vectors : int
        How many vectors.
    stride : int
        From each to the next in memory.

    Returns
    -------
    intrinsic
        From ``(numbers, start, values, first, rows)`` to the rows plus each vector of `values` times its number for
        the row. The numbers lie vector by vector, row by row, each `SPREAD` times.
    """

    @intrinsic
    def operation(typing: Any, numbers: Any, start: Any, values: Any, first: Any, running: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            totals = cgutils.unpack_tuple(builder, arguments[4], ROWS)
            number_address = _address(context, builder, signature.args[0], *arguments[:2])
            value_address = _address(context, builder, signature.args[2], *arguments[2:4])
            for k in range(vectors):
                value = _loaded(builder, _VECTOR, value_address, k * stride)
                for row in range(ROWS):
                    number = _shared(builder, _VECTOR, number_address, k * ROWS + row)
                    totals[row] = _fma(builder, number, value, totals[row])
            return _as_rows(context, builder, totals)

        return _rows(numbers, types.intp, values, types.intp, _rows), generate

    return operation


def dot_products(*, groups: int, stride: int) -> Any:
    """Make an operation that multiplies the bytes of lanes with bytes that all lanes share, and adds them up, exactly.

    Only where `DOT_PRODUCTS` says so.

    Parameters
    ----------
    groups : int
        How many times four bytes a lane has.
    stride : int
        Bytes from each group to the next in memory.

    Returns
    -------
    intrinsic
        From ``(codes, first, shared, start, offsets, at)`` to rows: of each its offset and its products, added up, as
        float32. `codes` is uint8, group by group, lane by lane, four bytes each; `shared` int8 within what
        `shared_steps` says, group by group, row by row, four bytes each, `SPREAD` times; `offsets` int32, one a row,
        `SPREAD` times.
    """

    @intrinsic
    def operation(typing: Any, codes: Any, first: Any, shared: Any, start: Any, offsets: Any, at: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            code_address, shared_address, offset_address = (
                builder.bitcast(
                    _address(context, builder, signature.args[i], *arguments[i : i + 2]), ir.PointerType(_INDEX)
                )
                for i in (0, 2, 4)
            )
            lanes = [_loaded(builder, _WORDS, code_address, group * stride // GROUP) for group in range(groups)]
            totals = []
            for row in range(ROWS):
                fours = [_shared(builder, _WORDS, shared_address, group * ROWS + row) for group in range(groups)]
                offset = _shared(builder, _WORDS, offset_address, row)
                totals.append(_add_products(builder, offset, lanes, fours))
            return _as_rows(context, builder, [builder.sitofp(total, _VECTOR) for total in totals])

        return _rows(codes, types.intp, shared, types.intp, offsets, types.intp), generate

    return operation


def code_squares(*, groups: int, stride: int) -> Any:
    """Make an operation that adds up the squares of bytes, exactly; only where `DOT_PRODUCTS` says so.

    Parameters
    ----------
    groups : int
        How many times four bytes a lane has.
    stride : int
        Bytes from each group to the next in memory.

    Returns
    -------
    intrinsic
        From ``(codes, first)``, as in `dot_products`, to a vector: the sum of squares of each lane's bytes less 128.
    """

    @intrinsic
    def operation(typing: Any, codes: Any, first: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            address = _address(context, builder, signature.args[0], *arguments)
            address = builder.bitcast(address, ir.PointerType(_INDEX))
            many = ir.VectorType(ir.IntType(8), WIDTH * GROUP)
            kind = ir.FunctionType(many, [many, ir.IntType(1)])
            magnitude = cgutils.get_or_insert_function(builder.module, kind, f"llvm.abs.v{WIDTH * GROUP}i8")
            total = ir.Constant(_WORDS, [0] * WIDTH)
            for group in range(groups):
                code = _loaded(builder, _WORDS, address, group * stride // GROUP)
                signed = builder.bitcast(builder.xor(code, _signs()), many)
                # Without their signs the factors are both as `_add_products` takes them.
                bare = builder.bitcast(builder.call(magnitude, [signed, ir.Constant(ir.IntType(1), 0)]), _WORDS)
                total = _add_products(builder, total, [bare], [bare])
            return builder.sitofp(total, _VECTOR)

        return _vector(codes, types.intp), generate

    return operation


def shared_steps(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Say how much a byte has to count for `dot_products` to share these numbers.

    Without VNNI products with bytes of a track, which are at most 255, are added up in 16 bits, two of each group:
    those of one sign have to fit.

    Parameters
    ----------
    values : np.ndarray [shape=(n, groups * GROUP)]
        The numbers, a row each.

    Returns
    -------
    np.ndarray [shape=(n,)]
        The least step of each row: its numbers in whole steps, rounded, go together.
    """
    largest: NDArray[np.floating] = np.abs(values).max(axis=1) / 127
    if _VNNI:
        return largest
    pairs = values.reshape(len(values), -1, 2, GROUP // 2)
    # Rounding may add half a step to each of two bytes a group.
    room = 32_767 // 255 - min(pairs.shape[1], _TOGETHER)
    for first in range(0, pairs.shape[1], _TOGETHER):
        for sign in (1, -1):
            sums = np.maximum(sign * pairs[:, first : first + _TOGETHER], 0).sum(axis=(1, 3)).max(axis=1)
            largest = np.maximum(largest, sums / room)
    return largest


def _as_rows(context: Any, builder: Any, vectors: Any) -> Any:
    return context.make_tuple(builder, _rows, vectors)


def _fma(builder: Any, a: Any, b: Any, c: Any) -> Any:
    return builder.fadd(builder.fmul(a, b, flags=("contract",)), c, flags=("contract",))


def _add_products(builder: Any, total: Any, unsigned: Any, signed: Any) -> Any:
    """Add to each lane the products of its groups of four bytes without and four with a sign.

    AVX2 adds products in pairs to 16 bits, and pairs of those to 32. Most is added up while it has 16 bits, which
    `shared_steps` leaves room for.
    """
    if _VNNI:
        kind = ir.FunctionType(_WORDS, [_WORDS, _WORDS, _WORDS])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.avx512.vpdpbusd.512")
        for sides in zip(unsigned, signed, strict=True):
            total = builder.call(function, [total, *sides])
        return total
    bytes_, halves, words = (ir.VectorType(ir.IntType(256 // n), n) for n in (32, 16, 8))
    of_bytes = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(halves, [bytes_, bytes_]), "llvm.x86.avx2.pmadd.ub.sw"
    )
    of_halves = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(words, [halves, halves]), "llvm.x86.avx2.pmadd.wd"
    )
    for first in range(0, len(unsigned), _TOGETHER):
        groups = list(zip(unsigned, signed, strict=True))[first : first + _TOGETHER]
        sums = []
        for number in range(WIDTH // 8):
            pairs = [
                builder.call(of_bytes, [builder.bitcast(_register(builder, side, number), bytes_) for side in sides])
                for sides in groups
            ]
            together = functools.reduce(builder.add, pairs)
            sums.append(builder.call(of_halves, [together, ir.Constant(halves, [1] * 16)]))
        total = builder.add(total, _joined(builder, sums))
    return total


def _register(builder: Any, value: Any, number: int) -> Any:
    """Take eight lanes, which AVX2 holds in one register."""
    order = list(range(8 * number, 8 * number + 8))
    return builder.shuffle_vector(value, value, ir.Constant(ir.VectorType(_INDEX, 8), order))


def _joined(builder: Any, registers: Any) -> Any:
    """Make a vector of one such register, or two."""
    return builder.shuffle_vector(registers[0], registers[-1], ir.Constant(_WORDS, list(range(WIDTH))))


def _number(builder: Any, address: Any, skip: int) -> Any:
    number = builder.load(builder.gep(address, [ir.Constant(_INDEX, skip)]))
    number.align = 4
    return number


def _loaded(builder: Any, kind: Any, address: Any, skip: int) -> Any:
    """Read a vector so many numbers behind an address."""
    place = builder.gep(address, [ir.Constant(_INDEX, skip)])
    value = builder.load(builder.bitcast(place, ir.PointerType(kind)))
    value.align = 4
    return value


def _shared(builder: Any, kind: Any, address: Any, place: int) -> Any:
    """Read what all lanes share; `place` counts what differs."""
    if SPREAD == 1:
        return _everywhere(builder, _number(builder, address, place))
    return _loaded(builder, kind, address, place * SPREAD)


def _everywhere(builder: Any, number: Any) -> Any:
    """Have a number in all lanes."""
    undefined = ir.Constant(ir.VectorType(number.type, WIDTH), ir.Undefined)
    lane = builder.insert_element(undefined, number, ir.Constant(_INDEX, 0))
    return builder.shuffle_vector(lane, undefined, ir.Constant(_WORDS, [0] * WIDTH))


def _signs() -> Any:
    """Give what makes of bytes from 0 to 255 the same less 128."""
    return ir.Constant(_WORDS, [0x80808080 - 2**32] * WIDTH)


def _minimum(builder: Any, a: Any, b: Any) -> Any:
    """Compare and choose, which is one instruction; no lane is ever NaN."""
    return builder.select(builder.fcmp_ordered("<", a, b), a, b)


def _maximum(builder: Any, a: Any, b: Any) -> Any:
    return builder.select(builder.fcmp_ordered(">", a, b), a, b)


def _root_less(builder: Any, value: Any, less: Any) -> Any:
    if _AVX512:
        mask = ir.IntType(WIDTH)
        kind = ir.FunctionType(_VECTOR, [_VECTOR, _VECTOR, mask])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.avx512.rsqrt14.ps.512")
        reciprocal = builder.call(function, [value, value, ir.Constant(mask, 2**WIDTH - 1)])
    elif _AVX2:
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_VECTOR, [_VECTOR]), "llvm.x86.avx.rsqrt.ps.256"
        )
        reciprocal = builder.call(function, [value])
    else:
        kind = ir.FunctionType(_VECTOR, [_VECTOR])
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.sqrt.v{WIDTH}f32")
        return builder.fsub(builder.call(function, [value]), less)
    product = builder.fmul(value, reciprocal, flags=("contract",))
    return builder.fsub(product, less, flags=("contract",))


def _of_two(generate: _Codegen) -> Any:
    @intrinsic
    def operation(typing: Any, a: Any, b: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return generate(builder, *arguments)

        return _vector(_vector, _vector), code

    return operation


add = _of_two(lambda builder, a, b: builder.fadd(a, b))
multiply = _of_two(lambda builder, a, b: builder.fmul(a, b))
minimum = _of_two(_minimum)


def _row_by_row(generate: _Codegen) -> _Codegen:
    """Do to each row what is done to a vector."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows = zip(*(cgutils.unpack_tuple(builder, one, ROWS) for one in arguments), strict=True)
        return _as_rows(context, builder, [generate(builder, *one) for one in rows])

    return code


def _of_two_rows(generate: _Codegen) -> Any:
    @intrinsic
    def operation(typing: Any, a: Any, b: Any) -> Any:
        return _rows(_rows, _rows), _row_by_row(generate)

    return operation


def _of_three_rows(generate: _Codegen) -> Any:
    @intrinsic
    def operation(typing: Any, a: Any, b: Any, c: Any) -> Any:
        return _rows(_rows, _rows, _rows), _row_by_row(generate)

    return operation


add_each = _of_two_rows(lambda builder, a, b: builder.fadd(a, b))
multiply_each = _of_two_rows(lambda builder, a, b: builder.fmul(a, b))
maximum_each = _of_two_rows(_maximum)
fma_each = _of_three_rows(_fma)
# Roots of numbers from 2⁻¹⁰⁰ on, or of a second number where that is greater, less a third one; roots are off by at
# most `ROOT_ERROR` of themselves. Processors have no fast root, but an estimate of 1 / sqrt(a) at a sixth of its price.
roots_less = _of_three_rows(
    lambda builder, value, least, less: _root_less(builder, _maximum(builder, value, least), less)
)
