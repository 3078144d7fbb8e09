"""Intervals over networks and seeds: their coverage, their limits, and when there is none."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from fooling.errors import FoolingError
from fooling.findings.intervals import (
    IntervalSettings,
    estimated,
    estimated_mean_of_networks,
    estimated_median,
    estimated_share,
    run_grid,
    runs_for_median,
)

QUICK = IntervalSettings(bootstrap_samples=499)


def mean(grid):
    return grid.mean(axis=(-2, -1))


def median(grid):
    return np.median(grid, axis=(-2, -1))


def table_of(grid: np.ndarray) -> pd.DataFrame:
    networks, seeds = grid.shape[:2]
    names, numbers = np.meshgrid([f"net {n}" for n in range(networks)], np.arange(seeds) + 1, indexing="ij")
    columns = {"classifier": names.ravel(), "experiment": "e", "encoding": "direct", "search": "map-elites"}
    table = pd.DataFrame({**columns, "seed": numbers.ravel()})
    if grid.ndim == 2:
        return table.assign(value=grid.ravel())
    table = table.loc[table.index.repeat(grid.shape[2])]
    return table.assign(class_index=np.tile(np.arange(grid.shape[2]), networks * seeds), value=grid.ravel())


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (1, 5), (5, 1)])
def test_the_grid_of_runs_does_not_depend_on_the_order_of_the_rows(shape):
    grid = np.random.default_rng(0).normal(size=shape)
    within = "class_index" if len(shape) == 3 else None
    shuffled = table_of(grid).sample(frac=1, random_state=1)
    np.testing.assert_array_equal(run_grid(shuffled, "value", within_run=within), grid)


def test_networks_with_different_seeds_are_refused():
    table = table_of(np.zeros((2, 3))).iloc[:-1]
    with pytest.raises(FoolingError, match=r"different runs(.|\n)*net 0: 3 seeds, net 1: 2 seeds"):
        run_grid(table, "value")


@pytest.mark.parametrize(("level", "fewest"), [(0.5, 2), (0.9, 5), (0.95, 6), (0.99, 8)])
def test_a_median_needs_enough_runs_for_its_interval(level, fewest):
    assert runs_for_median(level) == fewest
    assert 2 * 0.5**fewest <= 1 - level + 1e-12 < 2 * 0.5 ** (fewest - 1)


def test_five_runs_carry_no_interval_of_a_median_and_six_do():
    five = estimated_median(np.arange(5.0)[None], median, settings=QUICK, purpose=("test",))
    six = estimated_median(np.arange(6.0)[None], median, settings=QUICK, purpose=("test",))
    assert five.value == 2.0
    assert math.isnan(five.low)
    assert math.isnan(five.high)
    assert five.note == "5 runs carry no interval"
    assert six.low < six.value < six.high
    assert "one network" in six.note


def test_a_single_run_carries_no_interval():
    estimate = estimated(np.array([[3.0]]), mean, settings=QUICK, purpose=("test",))
    assert (estimate.value, estimate.n, estimate.note) == (3.0, 1, "1 run carries no interval")


def test_the_same_purpose_gives_the_same_interval_and_another_one_another():
    grid = np.random.default_rng(0).normal(size=(3, 8))
    first, again = (estimated(grid, mean, settings=QUICK, purpose=("a",)) for _ in range(2))
    other = estimated(grid, mean, settings=QUICK, purpose=("b",))
    assert first == again
    assert (first.low, first.high) != (other.low, other.high)


def test_intervals_hold_the_true_mean_about_as_often_as_they_say():
    """Crossed networks and seeds with effects of their own; percentile intervals of 8 networks run a little short."""
    generator = np.random.default_rng(0)
    covered, repeats = 0, 300
    for repeat in range(repeats):
        networks, seeds = generator.normal(size=(8, 1)), generator.normal(size=(1, 10))
        grid = 5 + networks + seeds + generator.normal(size=(8, 10))
        estimate = estimated(grid, mean, settings=QUICK, purpose=("coverage", str(repeat)))
        covered += estimate.low <= 5 <= estimate.high
    assert 0.88 <= covered / repeats <= 0.99


def test_shared_seeds_widen_the_interval_as_they_must():
    """What all networks share of a seed does not average out over the networks."""
    seeds = np.random.default_rng(0).normal(size=(1, 20))
    estimate = estimated(np.repeat(seeds, 6, axis=0), mean, settings=IntervalSettings(), purpose=("shared",))
    expected = 2 * 1.96 * seeds.std() / math.sqrt(20)
    assert estimate.high - estimate.low == pytest.approx(expected, rel=0.1)


def test_infinite_times_are_kept():
    grid = np.array([[3.0, 4.0, math.inf, math.inf, math.inf, math.inf]])
    estimate = estimated_median(grid, median, settings=QUICK, purpose=("times",))
    assert estimate.value == estimate.high == math.inf
    assert not math.isnan(estimate.low)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_share_without_exceptions_gets_the_exact_interval(share):
    estimate = estimated_share(np.full((2, 5), share), settings=QUICK, purpose=("share",))
    bound = 0.025 ** (1 / 10)  # all ten of ten still happen with probability .025
    expected = (bound, 1.0) if share == 1 else (0.0, 1 - bound)
    assert (estimate.low, estimate.high) == pytest.approx(expected)


def test_the_mean_of_networks_has_students_interval():
    errors = np.array([0.0101, 0.0091, 0.0096, 0.0088, 0.0105])
    expected = scipy.stats.ttest_1samp(errors, 0).confidence_interval(0.95)
    estimate = estimated_mean_of_networks(errors, settings=QUICK)
    assert (estimate.low, estimate.high) == pytest.approx((expected.low, expected.high))
    assert estimate.n == 5
    assert math.isnan(estimated_mean_of_networks(errors[:1], settings=QUICK).low)


def test_no_interval_of_a_share_leaves_its_range():
    estimate = estimated_mean_of_networks(np.array([0.02, 0.98]), settings=QUICK)
    assert (estimate.low, estimate.high) == (0, 1)
