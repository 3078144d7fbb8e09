"""Compiled functions of CPPN nodes, and levels from their outputs: the only ones used on a CPU.

They take vectors of float32 (:mod:`fooling.encodings.cppn.lanes`). Sine and exponential are polynomials, minimax fits
to sin r = r + r^3 P(r^2) for abs(r) up to pi / 2 and to 2^r = 1 + r Q(r) for abs(r) up to 1 / 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from fooling.encodings.cppn.lanes import (
    LANES,
    absolute,
    add,
    div,
    floor,
    fma,
    larger,
    load,
    mul,
    negate_if_odd,
    smaller,
    splat,
    store,
    store_levels,
    sub,
    times_two_to,
)

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
