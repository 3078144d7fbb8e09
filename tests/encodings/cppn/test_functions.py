from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from fooling.encodings.cppn.functions import LANES, LARGEST_ANGLE, apply

Floats = NDArray[np.float32]
SINE, SIGMOID, GAUSSIAN, LINEAR = range(4)


@pytest.fixture(scope="module")
def applied() -> Callable[[int, Floats], Floats]:
    """Apply a function of nodes to an array of any length."""
    machine_code = numba.njit("void(int64, float32[::1], int64, int64)")(apply.py_func)

    def of(function: int, arguments: Floats) -> Floats:
        values = np.concatenate((arguments, np.zeros(2 * LANES, np.float32)))
        machine_code(function, values, 0, len(arguments))
        return values[: len(arguments)]

    return of


def arguments_up_to(largest: float) -> Floats:
    """Arguments of both signs: dense near 0, spread over all magnitudes, and beside the multiples of pi / 2."""
    generator = np.random.default_rng(1)
    near, far = generator.uniform(-12, 12, 300_000), generator.uniform(-largest, largest, 300_000)
    magnitudes = np.exp(generator.uniform(np.log(1e-20), np.log(largest), 100_000)) * generator.choice([-1, 1], 100_000)
    steps = np.arange(-2000, 2001) * np.pi / 2
    edges = np.array([0.0, -0.0, largest, -largest, 0.5, -0.5, 3, -3])
    return np.concatenate((near, far, magnitudes, steps, edges)).clip(-largest, largest).astype(np.float32)


def largest_error(found: Floats, exact: Any) -> float:
    return float(np.abs(found.astype(np.float64) - exact).max())


def test_sine_is_accurate(applied: Callable[[int, Floats], Floats]) -> None:
    usual, large = arguments_up_to(2.0**18), arguments_up_to(float(LARGEST_ANGLE))
    assert largest_error(applied(SINE, usual), np.sin(usual.astype(np.float64))) <= 3e-7
    assert largest_error(applied(SINE, large), np.sin(large.astype(np.float64))) <= 3e-6


def test_sigmoid_is_accurate(applied: Callable[[int, Floats], Floats]) -> None:
    arguments = arguments_up_to(1e6)
    exact = np.tanh(arguments.astype(np.float64) / 2)
    assert largest_error(applied(SIGMOID, arguments), exact) <= 3e-7


def test_gaussian_is_accurate(applied: Callable[[int, Floats], Floats]) -> None:
    arguments = arguments_up_to(1e6)
    exact = np.exp(-(arguments.astype(np.float64) ** 2))
    assert largest_error(applied(GAUSSIAN, arguments), exact) <= 4e-7


def test_linear_is_accurate(applied: Callable[[int, Floats], Floats]) -> None:
    arguments = arguments_up_to(1e6)
    exact = np.clip(arguments.astype(np.float64), -3, 3) / 3
    assert largest_error(applied(LINEAR, arguments), exact) <= 1e-7


@pytest.mark.parametrize("function", [SINE, SIGMOID, GAUSSIAN, LINEAR])
def test_no_argument_leads_out_of_the_range(function: int, applied: Callable[[int, Floats], Floats]) -> None:
    """The largest floats, infinities and what is no number: a level must still be one of 256."""
    largest = float(np.finfo(np.float32).max)
    arguments = np.array([largest, -largest, np.inf, -np.inf, np.nan, 1e30, -1e30], dtype=np.float32)
    values = applied(function, arguments)
    assert np.isfinite(values).all()
    assert np.abs(values).max() * np.float32(255) < 256


def test_odd_functions_are_odd_to_the_bit(applied: Callable[[int, Floats], Floats]) -> None:
    arguments = arguments_up_to(1e4)
    assert np.array_equal(applied(SINE, -arguments), -applied(SINE, arguments))
    assert np.array_equal(applied(LINEAR, -arguments), -applied(LINEAR, arguments))
