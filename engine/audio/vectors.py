"""Sixteen numbers at once in compiled kernels: a vector type for numba, with what little arithmetic transforms need.

A loop over arrays becomes vector code only where the compiler can see that they do not overlap, and hardly ever where
numbers change places across a vector, as they do in a transform. With values of this type a kernel says what it wants,
and the compiler maps them to the machine's own vectors: one of AVX-512, two of AVX2, four of SSE or NEON.

Indices are not checked: they must lie within the array, the whole vector with them.
"""

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

WIDTH = 16
"""Numbers of a vector, of single precision."""
_NUMBERS = ir.VectorType(ir.FloatType(), WIDTH)
_PLACES = ir.VectorType(ir.IntType(32), WIDTH)
_FUSED = ("contract",)
"""A product and a sum may become one instruction, as with numba's own ``fastmath={"contract"}``."""
_ALIGNED = 4
"""Bytes: vectors may begin at any element."""
_compiled: Any = intrinsic
"""Types are not those of the functions below, which make code, but of what is called in kernels."""


class VectorType(types.Type):  # type: ignore[misc]
    """What numba knows a vector as."""

    def __init__(self) -> None:
        super().__init__(name=f"float32x{WIDTH}")


vector = VectorType()


@register_model(VectorType)  # type: ignore[untyped-decorator]
class _VectorModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, numba_type: VectorType) -> None:
        super().__init__(manager, numba_type, _NUMBERS)


def _define(function: Callable[..., Any], instruction: str) -> None:
    """Give an operator a meaning for two vectors."""

    @type_callable(function)  # type: ignore[untyped-decorator]
    def _typed(context: Any) -> Any:
        return lambda a, b: vector if a == vector and b == vector else None

    @lower_builtin(function, vector, vector)  # type: ignore[untyped-decorator]
    def _lowered(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return getattr(builder, instruction)(*values, flags=_FUSED)


_define(operator.add, "fadd")
_define(operator.sub, "fsub")
_define(operator.mul, "fmul")


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    """To the vector that begins at an element of a contiguous array."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _NUMBERS.as_pointer())


def _shuffled(builder: Any, first: Any, second: Any, places: Sequence[int]) -> Any:
    """A vector of numbers of two others, counted on from the first to the second."""
    return builder.shuffle_vector(first, second, ir.Constant(_PLACES, list(places)))


@_compiled
def load(typing: Any, array: Any, index: Any) -> Any:
    """The vector that begins at ``array[index]``; the array is contiguous, float32."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.load(_pointer(context, builder, signature.args[0], *values), align=_ALIGNED)

    return vector(array, types.intp), code


@_compiled
def store(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Write a vector to ``array[index]`` and on."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        builder.store(values[2], _pointer(context, builder, signature.args[0], *values[:2]), align=_ALIGNED)
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), code


@_compiled
def expect(typing: Any, array: Any, index: Any, count: Any) -> Any:
    """Have the processor fetch ``array[index : index + count]`` into its second cache, and go on meanwhile: for what
    is used soon and lies where it cannot be guessed. Whatever the index is, nothing breaks."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        array, index, count = values
        flag = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer(), flag, flag, flag])
        fetch = builder.module.declare_intrinsic("llvm.prefetch", [ir.IntType(8).as_pointer()], kind)
        line = ir.Constant(index.type, WIDTH)
        with cgutils.for_range_slice(builder, index, builder.add(index, count), line) as (i, _):
            place = builder.bitcast(_pointer(context, builder, signature.args[0], array, i), ir.IntType(8).as_pointer())
            builder.call(fetch, [place, ir.Constant(flag, 0), ir.Constant(flag, 2), ir.Constant(flag, 1)])
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp), code


@_compiled
def splat(typing: Any, number: Any) -> Any:
    """A vector of one number."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        nothing = ir.Constant(_NUMBERS, ir.Undefined)
        first = builder.insert_element(nothing, values[0], ir.Constant(ir.IntType(32), 0))
        return _shuffled(builder, first, nothing, [0] * WIDTH)

    return vector(types.float32), code


@_compiled
def backwards(typing: Any, value: Any) -> Any:
    """The numbers in the opposite order."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return _shuffled(builder, values[0], values[0], range(WIDTH - 1, -1, -1))

    return vector(vector), code


@_compiled
def every_other(typing: Any, first: Any, second: Any, odd: Any) -> Any:
    """Of two vectors end to end, the numbers at even places; at odd ones if ``odd``, a literal, is 1."""
    if not isinstance(odd, types.IntegerLiteral):
        return None
    start = odd.literal_value

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return _shuffled(builder, values[0], values[1], range(start, 2 * WIDTH, 2))

    return vector(vector, vector, odd), code


@_compiled
def in_turn(typing: Any, first: Any, second: Any, late: Any) -> Any:
    """Numbers of two vectors in turn: of their first halves, or of their second ones if ``late``, a literal, is 1."""
    if not isinstance(late, types.IntegerLiteral):
        return None
    start = WIDTH // 2 * late.literal_value

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return _shuffled(builder, values[0], values[1], _in_turn(start))

    return vector(vector, vector, late), code


def _in_turn(start: int) -> list[int]:
    return [start + place // 2 + WIDTH * (place % 2) for place in range(WIDTH)]


@_compiled
def transpose(typing: Any, source: Any, start: Any, apart: Any, target: Any, to: Any, to_apart: Any) -> Any:
    """A square of ``WIDTH`` rows, ``apart`` from each other in ``source`` from ``start`` on, is written to ``target``
    from ``to`` on, ``to_apart`` from each other, with its rows as columns. All is read before any is written."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        source, start, apart, target, to, to_apart = values

        def row(number: int, which: int, array: Any, first: Any, step: Any) -> Any:
            index = builder.add(first, builder.mul(step, ir.Constant(step.type, number)))
            return _pointer(context, builder, signature.args[which], array, index)

        rows = [builder.load(row(number, 0, source, start, apart), align=_ALIGNED) for number in range(WIDTH)]
        for _ in range(WIDTH.bit_length() - 1):  # a bit of the row's number goes to the column's, and back
            pairs = list(zip(rows[: WIDTH // 2], rows[WIDTH // 2 :], strict=True))
            rows = [_shuffled(builder, *pair, _in_turn(half)) for pair in pairs for half in (0, WIDTH // 2)]
        for number, value in enumerate(rows):
            builder.store(value, row(number, 3, target, to, to_apart), align=_ALIGNED)
        return context.get_dummy_value()

    integer = types.intp
    return types.void(source, integer, integer, target, integer, integer), code


def aligned_zeros(size: int) -> npt.NDArray[np.float32]:
    """Memory for vectors: zeros that begin where a line of the processor's caches does."""
    memory = np.zeros(size + WIDTH, np.float32)
    first = -memory.ctypes.data // memory.itemsize % WIDTH
    return memory[first : first + size]
