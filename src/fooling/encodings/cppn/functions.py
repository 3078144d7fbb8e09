"""Compiled functions of CPPN nodes, and levels from their outputs: the only ones used on a CPU.

They take vectors of LANES floats (float32): a register of AVX-512 or AVX2; on other processors the compiler divides it.
Each operation on them has the one result that IEEE 754 defines and is never reordered, so that all processors compute
the same bits. Sine and exponential are polynomials, minimax fits to sin r = r + r^3 P(r^2) for abs(r) up to pi / 2 and
to 2^r = 1 + r Q(r) for abs(r) up to 1 / 2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import njit, types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.extending import intrinsic, register_model

#: Floats of a vector: 512 bits where processors compute with as many, else 256. It changes no result.
LANES = 16 if binding.get_host_cpu_features().get("avx512f") else 8
_FLOATS, _INTS, _BYTES = (ir.VectorType(element, LANES) for element in (ir.FloatType(), ir.IntType(32), ir.IntType(8)))
_F = np.float32

#: Decorator of functions that become part of their caller.
inlined = njit(error_model="numpy", forceinline=True)
MAGIC = _F(1.5 * 2**23)  # added to a float below 2**22, it leaves the nearest integer in the mantissa
PI, PI_REST, PI_INVERSE = _F(np.pi), _F(np.pi - float(_F(np.pi))), _F(1 / np.pi)
LARGEST_ANGLE = _F(2**22)  # larger arguments of the sine count as this one; floats there are half a unit apart
LARGEST_EXPONENT = _F(40)  # so that no product of small values becomes a subnormal number, which would be slow
LOG2_E = _F(np.log2(np.e))
GREY, HSV, HLS = range(3)
_P0, _P1, _P2, _P3 = _F(-0.16666656732), _F(0.0083330171182), _F(-0.00019806614727), _F(2.6000539037e-06)
_Q0, _Q1, _Q2, _Q3, _Q4 = (
    _F(0.69314700365),
    _F(0.24022242427),
    _F(0.055507335812),
    _F(0.0096715129912),
    _F(0.0013264727),
)


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


@inlined
def _sine(x: Any) -> Any:
    """Return sin(x); the error is at most 3e-7 for abs(x) up to 2**18, and 3e-6 up to LARGEST_ANGLE."""
    x = smaller(larger(x, splat(-LARGEST_ANGLE)), splat(LARGEST_ANGLE))
    shifted = fma(x, splat(PI_INVERSE), splat(MAGIC))
    turns = sub(shifted, splat(MAGIC))
    r = fma(turns, splat(-PI_REST), fma(turns, splat(-PI), x))
    square = mul(r, r)
    p = fma(square, splat(_P3), splat(_P2))
    p = fma(square, fma(square, p, splat(_P1)), splat(_P0))
    return negate_if_odd(fma(mul(r, square), p, r), shifted)


@inlined
def _power_of_two(x: Any) -> Any:
    """Return 2**x with a relative error of at most 2e-7; beyond LARGEST_EXPONENT x counts as it."""
    x = smaller(larger(x, splat(-LARGEST_EXPONENT)), splat(LARGEST_EXPONENT))
    shifted = add(x, splat(MAGIC))
    r = sub(x, sub(shifted, splat(MAGIC)))
    q = fma(r, fma(r, fma(r, fma(r, splat(_Q4), splat(_Q3)), splat(_Q2)), splat(_Q1)), splat(_Q0))
    return times_two_to(fma(r, q, splat(_F(1))), shifted)


@inlined
def _sigmoid(x: Any) -> Any:
    """Return 2 / (1 + exp(-x)) - 1; the error is at most 3e-7."""
    return sub(div(splat(_F(2)), add(splat(_F(1)), _power_of_two(mul(x, splat(-LOG2_E))))), splat(_F(1)))


@inlined
def _gaussian(x: Any) -> Any:
    """Return exp(-x^2); the error is at most 4e-7."""
    return _power_of_two(mul(mul(x, x), splat(-LOG2_E)))


@inlined
def _linear(x: Any) -> Any:
    """Return clamp(x, -3, 3) / 3."""
    return smaller(larger(mul(x, splat(_F(1 / 3))), splat(_F(-1))), splat(_F(1)))


@inlined
def apply(function: int, values: Any, start: int, end: int) -> None:
    """Replace the numbers from ``start`` to ``end`` by their ``function``."""
    if function == 0:
        for at in range(start, end, LANES):
            store(values, at, _sine(load(values, at)))
    elif function == 1:
        for at in range(start, end, LANES):
            store(values, at, _sigmoid(load(values, at)))
    elif function == 2:
        for at in range(start, end, LANES):
            store(values, at, _gaussian(load(values, at)))
    else:
        for at in range(start, end, LANES):
            store(values, at, _linear(load(values, at)))


@inlined
def paint(values: Any, places: Any, size: int, colour: int, levels: Any) -> None:
    """Write the levels of one output (grey), or the RGB levels of three, each ``size`` values at its place."""
    full, half, zero, one, two = splat(_F(255)), splat(_F(0.5)), splat(_F(0)), splat(_F(1)), splat(_F(2))
    plane = size + LANES
    for at in range(0, size, LANES):
        first = mul(absolute(load(values, places[0] + at)), full)
        if colour == GREY:
            store_levels(levels, at, first)
            continue
        second = mul(absolute(load(values, places[1] + at)), full)
        third = mul(absolute(load(values, places[2] + at)), full)
        if colour == HSV:
            hue, top, chroma = mul(first, splat(_F(6 / 255))), third, div(mul(third, second), full)
        else:
            hue, lightness = div(floor(first), splat(_F(30))), floor(second)
            hue = sub(hue, mul(splat(_F(6)), floor(smaller(div(hue, splat(_F(6))), one))))
            chroma = div(mul(sub(full, absolute(sub(mul(two, lightness), full))), floor(third)), full)
            top = fma(half, chroma, lightness)
        less, top = sub(zero, chroma), add(top, half)
        red = smaller(larger(sub(two, absolute(sub(hue, splat(_F(3))))), zero), one)
        green = smaller(larger(sub(absolute(sub(hue, two)), one), zero), one)
        blue = smaller(larger(sub(absolute(sub(hue, splat(_F(4)))), one), zero), one)
        store_levels(levels, at, fma(less, red, top))
        store_levels(levels, at + plane, fma(less, green, top))
        store_levels(levels, at + 2 * plane, fma(less, blue, top))
