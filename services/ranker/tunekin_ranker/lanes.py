"""Vectors of 16 float32 lanes for compiled loops.

LLVM fills vector registers by itself where it can prove that it may, and that proof fails for a loop that keeps a dozen
running values. Here a loop says which values lie side by side. The vectors are LLVM's own and but for `root_less` know
no processor: where a register holds 16 values an operation is one instruction, elsewhere two or four.

`fma` may round once or twice, as the processor has it, and `root_less` says how far it may be off; nothing else is
reordered or approximated.
"""
# Numba calls these with its own types, by position, and with the typing context first.
# ruff: noqa: ANN401, ARG001, PLR0917

import platform
from collections.abc import Callable
from typing import Any, TypeAlias

from llvmlite import binding, ir
from numba import config, extending
from numba.core import cgutils, types
from numba.extending import models, register_model

__all__ = [
    "DOT_PRODUCTS",
    "GROUP",
    "LARGEST_SHARED",
    "ROOT_ERROR",
    "WIDTH",
    "add",
    "adding_products",
    "code_squares",
    "dot_products",
    "fma",
    "load",
    "load_bytes",
    "load_halves",
    "maximum",
    "minimum",
    "multiply",
    "root_less",
    "splat",
    "store",
    "subtract",
    "transpose",
]

WIDTH = 16
# Bytes of a lane that `dot_products` multiplies at once.
GROUP = 4

_Codegen: TypeAlias = Callable[..., Any]
# Untyped, since a compiled caller gives it no typing context.
intrinsic: Any = extending.intrinsic

_FLOAT = ir.FloatType()
_VECTOR = ir.VectorType(_FLOAT, WIDTH)
_INDEX = ir.IntType(32)
_WORDS = ir.VectorType(_INDEX, WIDTH)


class _VectorType(types.Type):
    """Numba's name for a vector."""


_vector: Any = _VectorType(name="float32x16")


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
    """Read 16 neighbours of a flat, contiguous float32 array, from an index on.

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
        address = _address(context, builder, signature.args[0], *arguments)
        value = builder.load(builder.bitcast(address, ir.PointerType(_VECTOR)))
        value.align = 4
        return value

    return _vector(array, types.intp), generate


@intrinsic
def load_bytes(typing: Any, array: Any, index: Any, byte: Any) -> Any:
    """Read one byte of each of 16 neighbouring groups of four of a flat, contiguous uint8 array, from an index on.

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
        value = _words(builder, _address(context, builder, signature.args[0], *arguments[:2]), align=1)
        left = builder.sub(
            ir.Constant(_INDEX, 24), builder.mul(builder.trunc(arguments[2], _INDEX), ir.Constant(_INDEX, 8))
        )
        # To the top of its word and down again, which gives it its sign.
        top = builder.shl(builder.xor(value, _signs()), _everywhere(builder, left))
        return builder.sitofp(builder.ashr(top, ir.Constant(_WORDS, [24] * WIDTH)), _VECTOR)

    return _vector(array, types.intp, types.intp), generate


@intrinsic
def load_halves(typing: Any, array: Any, index: Any) -> Any:
    """Read 16 neighbours of a flat, contiguous array of the bits of finite float16 numbers, from an index on.

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
    """Write 16 neighbours of a flat, contiguous float32 array, from an index on.

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
        The number, 16 times.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        number = builder.load(_address(context, builder, signature.args[0], *arguments))
        undefined = ir.Constant(_VECTOR, ir.Undefined)
        first = builder.insert_element(undefined, number, ir.Constant(_INDEX, 0))
        return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(_INDEX, WIDTH), [0] * WIDTH))

    return _vector(array, types.intp), generate


@intrinsic
def transpose(typing: Any, source: Any, start: Any, step: Any, target: Any, target_start: Any, target_step: Any) -> Any:
    """Read 16 vectors, a step apart, and write their first values as a vector, then their second ones, a step apart.

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
        for size in (8, 4, 2, 1):
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
        product = builder.fmul(arguments[0], arguments[1], flags=("contract",))
        return builder.fadd(product, arguments[2], flags=("contract",))

    return _vector(_vector, _vector, _vector), generate


def adding_products(*, vectors: int, sums: int) -> Any:
    """Make an operation that adds products of vectors and numbers to running sums, without a loop.

    Parameters
    ----------
    vectors : int
        How many vectors.
    sums : int
        How many sums, and numbers for each vector.

    Returns
    -------
    intrinsic
        From ``(numbers, start, values, first, sums)`` to the sums, a tuple, plus each vector of `values` times its
        numbers. The numbers lie vector by vector.
    """

    @intrinsic
    def operation(typing: Any, numbers: Any, start: Any, values: Any, first: Any, running: Any) -> Any:
        kind = types.UniTuple(_vector, sums)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            undefined = ir.Constant(_VECTOR, ir.Undefined)
            everywhere = ir.Constant(ir.VectorType(_INDEX, WIDTH), [0] * WIDTH)
            totals = cgutils.unpack_tuple(builder, arguments[4], sums)
            number_address = _address(context, builder, signature.args[0], *arguments[:2])
            value_address = _address(context, builder, signature.args[2], *arguments[2:4])
            for k in range(vectors):
                place = builder.gep(value_address, [ir.Constant(_INDEX, k * WIDTH)])
                value = builder.load(builder.bitcast(place, ir.PointerType(_VECTOR)))
                value.align = 4
                for i in range(sums):
                    number = builder.load(builder.gep(number_address, [ir.Constant(_INDEX, k * sums + i)]))
                    lane = builder.insert_element(undefined, number, ir.Constant(_INDEX, 0))
                    product = builder.fmul(
                        builder.shuffle_vector(lane, undefined, everywhere), value, flags=("contract",)
                    )
                    totals[i] = builder.fadd(totals[i], product, flags=("contract",))
            return context.make_tuple(builder, kind, totals)

        return kind(numbers, types.intp, values, types.intp, kind), generate

    return operation


def dot_products(*, groups: int, sums: int) -> Any:
    """Make an operation that multiplies bytes of 16 lanes with bytes that all lanes share, and adds them up, exactly.

    Only where `DOT_PRODUCTS` says so.

    Parameters
    ----------
    groups : int
        How many times four bytes a lane has.
    sums : int
        How many rows of shared bytes.

    Returns
    -------
    intrinsic
        From ``(codes, first, shared, start, offsets, at)`` to a tuple with a vector for each row: its offset and its
        products, added up, as float32. `codes` is uint8, group by group, lane by lane, four bytes each; `shared` int8
        of at most `LARGEST_SHARED`, group by group, row by row, four bytes each; `offsets` int32, one a row.
    """

    @intrinsic
    def operation(typing: Any, codes: Any, first: Any, shared: Any, start: Any, offsets: Any, at: Any) -> Any:
        kind = types.UniTuple(_vector, sums)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            code_address, shared_address, offset_address = (
                _address(context, builder, signature.args[i], *arguments[i : i + 2]) for i in (0, 2, 4)
            )

            def splat_word(address: Any, skip: int) -> Any:
                place = builder.gep(address, [ir.Constant(_INDEX, skip)])
                word = builder.load(builder.bitcast(place, ir.PointerType(_INDEX)))
                word.align = 1
                return _everywhere(builder, word)

            totals = [splat_word(offset_address, row) for row in range(sums)]
            for group in range(groups):
                place = builder.gep(code_address, [ir.Constant(_INDEX, group * WIDTH * GROUP)])
                code = _words(builder, place, align=1)
                for row in range(sums):
                    four = splat_word(shared_address, (group * sums + row) * GROUP)
                    totals[row] = _multiply_add(builder, totals[row], code, four)
            return context.make_tuple(builder, kind, [builder.sitofp(total, _VECTOR) for total in totals])

        return kind(codes, types.intp, shared, types.intp, offsets, types.intp), generate

    return operation


def code_squares(*, groups: int) -> Any:
    """Make an operation that adds up the squares of bytes, exactly; only where `DOT_PRODUCTS` says so.

    Parameters
    ----------
    groups : int
        How many times four bytes a lane has.

    Returns
    -------
    intrinsic
        From ``(codes, first)``, as in `dot_products`, to a vector: the sum of squares of each lane's bytes less 128.
    """

    @intrinsic
    def operation(typing: Any, codes: Any, first: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            address = _address(context, builder, signature.args[0], *arguments)
            many = ir.VectorType(ir.IntType(8), WIDTH * GROUP)
            kind = ir.FunctionType(many, [many, ir.IntType(1)])
            magnitude = cgutils.get_or_insert_function(builder.module, kind, f"llvm.abs.v{WIDTH * GROUP}i8")
            total = ir.Constant(_WORDS, [0] * WIDTH)
            for group in range(groups):
                place = builder.gep(address, [ir.Constant(_INDEX, group * WIDTH * GROUP)])
                signed = builder.bitcast(builder.xor(_words(builder, place, align=1), _signs()), many)
                # Without their signs the factors are both as `_multiply_add` takes them.
                bare = builder.bitcast(builder.call(magnitude, [signed, ir.Constant(ir.IntType(1), 0)]), _WORDS)
                total = _multiply_add(builder, total, bare, bare)
            return builder.sitofp(total, _VECTOR)

        return _vector(codes, types.intp), generate

    return operation


def _multiply_add(builder: Any, total: Any, unsigned: Any, signed: Any) -> Any:
    """Add to each lane the products of four bytes without and four with a sign.

    AVX2 adds products in pairs, and pairs of those; the first are cut off at 16 bits, which `LARGEST_SHARED` prevents.
    """
    if _VNNI:
        kind = ir.FunctionType(_WORDS, [_WORDS, _WORDS, _WORDS])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.avx512.vpdpbusd.512")
        return builder.call(function, [total, unsigned, signed])
    bytes_, halves, words = (ir.VectorType(ir.IntType(256 // n), n) for n in (32, 16, 8))
    of_bytes = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(halves, [bytes_, bytes_]), "llvm.x86.avx2.pmadd.ub.sw"
    )
    of_halves = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(words, [halves, halves]), "llvm.x86.avx2.pmadd.wd"
    )
    products = []
    for sides in zip(_halves(builder, unsigned), _halves(builder, signed), strict=True):
        pairs = builder.call(of_bytes, [builder.bitcast(side, bytes_) for side in sides])
        products.append(builder.call(of_halves, [pairs, ir.Constant(halves, [1] * WIDTH)]))
    return builder.add(total, builder.shuffle_vector(*products, ir.Constant(_WORDS, list(range(WIDTH)))))


def _halves(builder: Any, value: Any) -> Any:
    """Give the first eight lanes, then the others."""
    for first in (0, WIDTH // 2):
        order = ir.Constant(ir.VectorType(_INDEX, WIDTH // 2), list(range(first, first + WIDTH // 2)))
        yield builder.shuffle_vector(value, value, order)


def _words(builder: Any, address: Any, *, align: int) -> Any:
    value = builder.load(builder.bitcast(address, ir.PointerType(_WORDS)))
    value.align = align
    return value


def _everywhere(builder: Any, word: Any) -> Any:
    undefined = ir.Constant(_WORDS, ir.Undefined)
    lane = builder.insert_element(undefined, word, ir.Constant(_INDEX, 0))
    return builder.shuffle_vector(lane, undefined, ir.Constant(_WORDS, [0] * WIDTH))


def _signs() -> Any:
    """Give what makes of bytes from 0 to 255 the same less 128."""
    return ir.Constant(_WORDS, [0x80808080 - 2**32] * WIDTH)


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
# Whether `dot_products` is to be had: four products of bytes in the time of one of float32, on AVX2 of two.
DOT_PRODUCTS = _VNNI or _AVX2
# Greatest byte that lanes may share: two products with 255 have to fit where they are added up.
LARGEST_SHARED = 127 if _VNNI else 63
# Greatest relative error of the roots of `root_less`: that of the estimate, where there is one, and a rounding or two.
ROOT_ERROR = (2.0**-14 if _AVX512 else 1.5 * 2.0**-12 if _AVX2 else 0.0) + 2.0**-22


@intrinsic
def root_less(typing: Any, a: Any, b: Any) -> Any:
    """Compute square roots, less something; of numbers from 2⁻¹⁰⁰ on, and off by at most `ROOT_ERROR` of the root.

    Processors have no fast root, but an estimate of ``1 / sqrt(a)`` at a sixth of its price, within 2⁻¹⁴ or 1.5 · 2⁻¹².

    Parameters
    ----------
    typing : object
        Numba's own; a compiled caller leaves it out.
    a, b : vector
        What to take the root of, and what to take off.

    Returns
    -------
    vector
        The results.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value, less = arguments
        if _AVX512:
            mask = ir.IntType(WIDTH)
            kind = ir.FunctionType(_VECTOR, [_VECTOR, _VECTOR, mask])
            function = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.avx512.rsqrt14.ps.512")
            reciprocal = builder.call(function, [value, value, ir.Constant(mask, 2**WIDTH - 1)])
        elif _AVX2:
            half = ir.VectorType(_FLOAT, WIDTH // 2)
            function = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(half, [half]), "llvm.x86.avx.rsqrt.ps.256"
            )
            parts = [builder.call(function, [part]) for part in _halves(builder, value)]
            reciprocal = builder.shuffle_vector(*parts, ir.Constant(_WORDS, list(range(WIDTH))))
        else:
            kind = ir.FunctionType(_VECTOR, [_VECTOR])
            function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.sqrt.v{WIDTH}f32")
            return builder.fsub(builder.call(function, [value]), less)
        product = builder.fmul(value, reciprocal, flags=("contract",))
        return builder.fsub(product, less, flags=("contract",))

    return _vector(_vector, _vector), generate


def _of_two(generate: _Codegen) -> Any:
    @intrinsic
    def operation(typing: Any, a: Any, b: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return generate(builder, *arguments)

        return _vector(_vector, _vector), code

    return operation


add = _of_two(lambda builder, a, b: builder.fadd(a, b))
multiply = _of_two(lambda builder, a, b: builder.fmul(a, b))
subtract = _of_two(lambda builder, a, b: builder.fsub(a, b))
# Compared and chosen, which is one instruction; no lane is ever NaN.
minimum = _of_two(lambda builder, a, b: builder.select(builder.fcmp_ordered("<", a, b), a, b))
maximum = _of_two(lambda builder, a, b: builder.select(builder.fcmp_ordered(">", a, b), a, b))
