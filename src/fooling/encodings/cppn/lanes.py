"""Vectors of LANES floats as a type of compiled code, with the operations of processors on them.

A vector is one register of AVX-512 or AVX2; on other processors the compiler divides it. Each operation has the one
result that IEEE 754 defines and is never reordered, so that all processors compute the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.extending import intrinsic, register_model

#: Floats of a vector: 512 bits where processors compute with as many, else 256. It changes no result.
LANES = 16 if binding.get_host_cpu_features().get("avx512f") else 8
_FLOATS, _INTS, _BYTES = (ir.VectorType(element, LANES) for element in (ir.FloatType(), ir.IntType(32), ir.IntType(8)))


class _Lanes(types.Type):
    """The type of a vector of LANES floats in compiled code."""

    def __init__(self) -> None:
        super().__init__(name="lanes")


_lanes = _Lanes()


@register_model(_Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, of: Any) -> None:
        super().__init__(manager, of, _FLOATS)


def _operation(count: int, build: Callable[..., Any]) -> Any:
    """Return a compiled function of ``count`` vectors, whose code ``build(builder, *vectors)`` writes."""

    def typed(*operands: Any) -> tuple[Any, Any]:
        return _lanes(*operands), lambda context, builder, signature, values: build(builder, *values)

    unary, binary, ternary = (
        lambda context, x: typed(x),
        lambda context, x, y: typed(x, y),
        lambda context, x, y, z: typed(x, y, z),
    )
    return intrinsic((unary, binary, ternary)[count - 1])


def _constant(value: int) -> Any:
    return ir.Constant(_INTS, [value] * LANES)


def _fused(builder: Any, x: Any, y: Any, z: Any) -> Any:
    kind = ir.FunctionType(_FLOATS, [_FLOATS] * 3)
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{LANES}f32"), [x, y, z])


def _as_ints(change: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``change(builder, *ints)`` of the bit patterns of floats, as floats."""
    return lambda builder, *floats: builder.bitcast(
        change(builder, *(builder.bitcast(each, _INTS) for each in floats)), _FLOATS
    )


fma = _operation(3, _fused)  # x * y + z, rounded once
add = _operation(2, lambda builder, x, y: builder.fadd(x, y))
sub = _operation(2, lambda builder, x, y: builder.fsub(x, y))
mul = _operation(2, lambda builder, x, y: builder.fmul(x, y))
div = _operation(2, lambda builder, x, y: builder.fdiv(x, y))
larger = _operation(2, lambda builder, x, y: builder.select(builder.fcmp_ordered(">", x, y), x, y))  # y if x is NaN
smaller = _operation(2, lambda builder, x, y: builder.select(builder.fcmp_ordered("<", x, y), x, y))  # y if x is NaN
absolute = _operation(1, _as_ints(lambda builder, x: builder.and_(x, _constant(0x7FFFFFFF))))
floor = _operation(1, lambda builder, x: builder.sitofp(builder.fptosi(x, _INTS), _FLOATS))  # of x >= 0
reverse = _operation(1, lambda builder, x: builder.shuffle_vector(x, x, ir.Constant(_INTS, [*range(LANES)][::-1])))
# The integer k in the mantissa of k + MAGIC: negate x if it is odd, or multiply x by two to its power.
negate_if_odd = _operation(2, _as_ints(lambda builder, x, k: builder.xor(x, builder.shl(k, _constant(31)))))
times_two_to = _operation(2, _as_ints(lambda builder, x, k: builder.add(x, builder.shl(k, _constant(23)))))


@intrinsic
def splat(context: Any, x: Any) -> Any:
    """Return a vector whose numbers all are the float ``x``."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        first = builder.insert_element(ir.Constant(_FLOATS, ir.Undefined), values[0], ir.Constant(ir.IntType(32), 0))
        return builder.shuffle_vector(first, first, _constant(0))

    return _lanes(types.float32), code


def _address(context: Any, builder: Any, array_type: Any, array: Any, index: Any, vector: Any) -> Any:
    element = builder.gep(context.make_array(array_type)(context, builder, array).data, [index])
    return builder.bitcast(element, vector.as_pointer())


@intrinsic
def load(context: Any, array: Any, index: Any) -> Any:
    """Return the vector that starts at ``index`` of a flat float32 array."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.load(_address(context, builder, signature.args[0], values[0], values[1], _FLOATS), align=4)

    return _lanes(array, types.int64), code


@intrinsic
def store(context: Any, array: Any, index: Any, vector: Any) -> Any:
    """Write a vector to a flat float32 array, from ``index`` on."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        builder.store(values[2], _address(context, builder, signature.args[0], values[0], values[1], _FLOATS), align=4)
        return context.get_dummy_value()

    return types.void(array, types.int64, vector), code


@intrinsic
def store_levels(context: Any, array: Any, index: Any, vector: Any) -> Any:
    """Write a vector of numbers in [0, 256), truncated, to a flat uint8 array, from ``index`` on."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        levels = builder.trunc(builder.fptosi(values[2], _INTS), _BYTES)
        builder.store(levels, _address(context, builder, signature.args[0], values[0], values[1], _BYTES), align=1)
        return context.get_dummy_value()

    return types.void(array, types.int64, vector), code


@intrinsic
def copy(context: Any, source: Any, start: Any, target: Any, to: Any, count: Any) -> Any:
    """Copy ``count`` numbers from index ``start`` of one flat array to index ``to`` of another one of the same type."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        element = context.get_value_type(signature.args[0].dtype)
        from_type, _, to_type, _, _ = signature.args
        place = _address(context, builder, to_type, values[2], values[3], element)
        origin = _address(context, builder, from_type, values[0], values[1], element)
        cgutils.raw_memcpy(builder, place, origin, values[4], context.get_abi_sizeof(element))
        return context.get_dummy_value()

    return types.void(source, types.int64, target, types.int64, types.int64), code
