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
    "ROOT_ERROR",
    "WIDTH",
    "add",
    "adding_products",
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
# Greatest relative error of the roots of `root_less`: that of the estimate, and a rounding or two.
ROOT_ERROR = 2.0**-14 + 2.0**-22

_Codegen: TypeAlias = Callable[..., Any]
# Untyped, since a compiled caller gives it no typing context.
intrinsic: Any = extending.intrinsic

_FLOAT = ir.FloatType()
_VECTOR = ir.VectorType(_FLOAT, WIDTH)
_INDEX = ir.IntType(32)


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
def load_bytes(typing: Any, array: Any, index: Any) -> Any:
    """Read 16 neighbours of a flat, contiguous int8 array, from an index on.

    Parameters
    ----------
    typing : object
        Numba's own; a compiled caller leaves it out.
    array : np.ndarray [dtype=int8]
        The array.
    index : int
        Of the first.

    Returns
    -------
    vector
        The numbers, as float32.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature.args[0], *arguments)
        value = builder.load(builder.bitcast(address, ir.PointerType(ir.VectorType(ir.IntType(8), WIDTH))))
        value.align = 1
        return builder.sitofp(builder.sext(value, ir.VectorType(ir.IntType(32), WIDTH)), _VECTOR)

    return _vector(array, types.intp), generate


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


def _has_reciprocal_estimate() -> bool:
    """Whether code is compiled for this very processor, and that has AVX-512."""
    settings: Any = config
    if settings.CPU_NAME or settings.CPU_FEATURES or not settings.ENABLE_AVX:
        return False
    return platform.machine() in {"x86_64", "AMD64"} and bool(binding.get_host_cpu_features().get("avx512f"))


_ESTIMATED = _has_reciprocal_estimate()


@intrinsic
def root_less(typing: Any, a: Any, b: Any) -> Any:
    """Compute square roots, less something; of numbers from 2⁻¹⁰⁰ on, and off by at most `ROOT_ERROR` of the root.

    AVX-512 has no fast root, but an estimate of ``1 / sqrt(a)`` at a sixth of its price, within 2⁻¹⁴.

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
        if not _ESTIMATED:
            kind = ir.FunctionType(_VECTOR, [_VECTOR])
            function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.sqrt.v{WIDTH}f32")
            return builder.fsub(builder.call(function, [value]), less)
        mask = ir.IntType(WIDTH)
        kind = ir.FunctionType(_VECTOR, [_VECTOR, _VECTOR, mask])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.avx512.rsqrt14.ps.512")
        reciprocal = builder.call(function, [value, value, ir.Constant(mask, 2**WIDTH - 1)])
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
