"""Estimates and their intervals against independent references, and when there is none."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from fooling.findings.intervals import (
    estimated_mean,
    estimated_median,
    estimated_over_pairs,
    estimated_ratio,
    estimated_share,
    estimated_time,
    estimated_time_ratio,
    log_odds_of,
    probability_of,
    run_grid,
    share_bands,
    share_of_images,
)
from fooling.messages import FoolingError

LEVEL = 0.95
NORMAL = np.random.default_rng(0).normal(size=(5, 8))


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


def bounds_of(estimate) -> tuple[float, float]:
    return estimate.low, estimate.high


def students(values) -> object:
    low, high = scipy.stats.ttest_1samp(values, 0).confidence_interval(LEVEL)
    return pytest.approx((low, high))


def test_the_mean_of_nested_runs_has_students_interval_of_the_unit_means():
    estimate = estimated_mean(NORMAL, level=LEVEL, nested=True, unit="chain")
    assert bounds_of(estimate) == students(NORMAL.mean(axis=1))
    assert (estimate.value, estimate.units, estimate.runs, estimate.note) == (pytest.approx(NORMAL.mean()), 5, 40, "")


def test_one_seed_leaves_the_classifiers_alone_and_says_so():
    estimate = estimated_mean(NORMAL[:, :1], level=LEVEL)
    assert bounds_of(estimate) == students(NORMAL[:, 0])
    assert estimate.note == "one seed: other seeds are not covered"


@pytest.mark.parametrize(("units", "note"), [(1, "one classifier"), (2, "2 classifiers: an interval needs 3")])
def test_below_three_units_there_is_no_interval(units, note):
    grid = NORMAL[:units]
    pairs = pd.DataFrame({"source": ["a", "b"][:units], "target": "c", "value": 0.5, "runs": 8})
    estimates = [
        estimated_mean(grid, level=LEVEL),
        estimated_median(grid, level=LEVEL),
        estimated_share(np.full((units, 8), 1.0), level=LEVEL),
        estimated_ratio(grid, np.ones_like(grid), level=LEVEL),
        estimated_time(np.full((units, 8), 3.0), 10, level=LEVEL),
        estimated_over_pairs(pairs, "value", level=LEVEL, within=(0, 1)),
    ]
    for estimate in estimates:
        assert np.isnan(bounds_of(estimate)).all()
        assert np.isfinite(estimate.value)
        assert (estimate.units, estimate.runs, estimate.note) == (units, 8 * units, note)
    low, high = share_bands(np.ones((units, 8, 2), dtype=bool), level=LEVEL)
    assert np.isnan([low, high]).all()


def test_one_chain_is_called_one():
    assert estimated_mean(NORMAL[:1], level=LEVEL, nested=True, unit="chain").note == "one chain"


def test_bounds_stay_where_values_are_possible():
    estimate = estimated_mean(np.array([[0.02], [0.98], [0.9]]), level=LEVEL, nested=True, within=(0, 1))
    assert bounds_of(estimate) == (0, 1)


def test_a_median_is_taken_within_units_and_transformed_back():
    estimate = estimated_median(NORMAL, level=LEVEL, nested=True, back=probability_of)
    medians = np.median(NORMAL, axis=1)
    assert estimate.value == pytest.approx(scipy.special.expit(medians.mean()))
    assert scipy.special.logit(bounds_of(estimate)) == students(medians)


def test_crossed_seeds_widen_the_interval_of_a_median():
    """A shift that all classifiers share of a seed does not show in the scatter of their medians."""
    seeds = np.random.default_rng(0).normal(size=(1, 20))
    grid = np.repeat(seeds, 6, axis=0)
    estimate = estimated_median(grid, level=LEVEL)
    half = scipy.stats.t.ppf(0.975, 5) * math.sqrt(math.pi / 2) * scipy.stats.sem(seeds[0])
    assert bounds_of(estimate) == pytest.approx((np.median(seeds) - half, np.median(seeds) + half))


def test_a_share_without_exceptions_has_the_exact_interval_of_its_units():
    estimate = estimated_share(np.ones((5, 20)), level=LEVEL)
    assert bounds_of(estimate) == pytest.approx((0.025 ** (1 / 5), 1))
    fewer = estimated_share(np.zeros((20, 5)), level=LEVEL)  # five seeds, crossed
    assert bounds_of(fewer) == pytest.approx((0, 1 - 0.025 ** (1 / 5)))
    nested = estimated_share(np.zeros((20, 5)), level=LEVEL, nested=True)
    assert bounds_of(nested) == pytest.approx((0, 1 - 0.025 ** (1 / 20)))


@pytest.mark.parametrize("successes", range(8))
def test_a_share_of_whole_units_has_the_interval_of_clopper_and_pearson(successes):
    grid = np.repeat(np.arange(7) < successes, 9).reshape(7, 9).astype(float)
    expected = scipy.stats.binomtest(successes, 7).proportion_ci(LEVEL, method="exact")
    assert bounds_of(estimated_share(grid, level=LEVEL)) == pytest.approx((expected.low, expected.high))
    bands = share_bands(grid[:, :, None].astype(bool), level=LEVEL)
    assert (bands[0].item(), bands[1].item()) == pytest.approx((expected.low, expected.high))


def test_a_ratio_of_equal_counts_has_the_interval_of_the_mean():
    ratio = estimated_ratio(3 * NORMAL, np.full_like(NORMAL, 3), level=LEVEL)
    assert bounds_of(ratio) == pytest.approx(bounds_of(estimated_mean(NORMAL, level=LEVEL)))


def test_a_ratio_counts_the_units_and_runs_that_have_a_value():
    counts = np.zeros((5, 8))
    counts[:3, :4] = 2
    estimate = estimated_ratio(counts * NORMAL, counts, level=LEVEL)
    assert estimate.value == pytest.approx(NORMAL[:3, :4].mean())
    assert (estimate.units, estimate.runs) == (3, 12)
    share = estimated_ratio(counts, counts, level=LEVEL, is_share=True)
    assert bounds_of(share) == pytest.approx((0.025 ** (1 / 3), 1))
    counts[:, 1:] = 0
    single = estimated_ratio(counts * NORMAL, counts, level=LEVEL)
    assert (math.isnan(single.low), single.note) == (True, "too few seeds have a value for an interval")


def test_a_time_is_a_geometric_mean():
    times = np.exp(3 + NORMAL).round()
    estimate = estimated_time(times, 1e9, level=LEVEL, nested=True)
    low, high = scipy.stats.ttest_1samp(np.log(times + 1).mean(axis=1), 0).confidence_interval(LEVEL)
    assert estimate.value == pytest.approx(scipy.stats.gmean(times + 1, axis=None) - 1)
    assert bounds_of(estimate) == pytest.approx((math.exp(low) - 1, math.exp(high) - 1))


def test_a_fifth_of_the_runs_may_end_first_and_count_as_the_end():
    times = np.full((5, 4), 10.0)
    times[:4, 0] = math.inf
    estimate = estimated_time(times, 40, level=LEVEL)
    assert estimate.value == pytest.approx(11 ** (16 / 20) * 41 ** (4 / 20) - 1)
    assert estimate.low < estimate.value < estimate.high
    times[4, 0] = math.inf
    more = estimated_time(times, 40, level=LEVEL)
    assert np.isnan([more.value, more.low, more.high]).all()
    assert more.note == "5 of 20 runs did not reach the target: see the share that did"


def test_no_unit_may_end_first_in_all_of_its_runs():
    times = np.full((10, 2), 10.0)
    times[0] = math.inf
    assert math.isnan(estimated_time(times, 40, level=LEVEL).value)
    single = np.full((10, 1), 10.0)
    single[0] = math.inf  # of units with a single run, a fifth may
    assert estimated_time(single, 40, level=LEVEL, nested=True).value == pytest.approx(11**0.9 * 41**0.1 - 1)


def test_what_never_happens_takes_for_ever():
    estimate = estimated_time(np.full((3, 4), math.inf), 40, level=LEVEL)
    assert estimate.value == math.inf
    assert np.isnan(bounds_of(estimate)).all()
    assert estimate.note == "12 of 12 runs did not reach the target: see the share that did"


def test_times_are_compared_run_by_run():
    times = np.exp(5 + NORMAL)
    estimate = estimated_time_ratio(times / 2, 1e9, times, 1e9, level=LEVEL)
    assert (estimate.value, *bounds_of(estimate)) == pytest.approx((0.5,) * 3)
    late = times.copy()
    late[:, 0:2] = math.inf
    assert math.isnan(estimated_time_ratio(times, 1e9, late, 1e9, level=LEVEL).value)


def all_pairs(values) -> pd.DataFrame:
    """Every ordered pair of different classifiers, from a square of values."""
    names = [chr(ord("a") + index) for index in range(len(values))]
    return pd.DataFrame(
        [
            {"source": source, "target": target, "value": values[i][j], "runs": 8}
            for i, source in enumerate(names)
            for j, target in enumerate(names)
            if i != j
        ]
    )


def test_what_a_target_gives_to_all_pairs_widens_the_interval():
    """The means of the sources hardly differ, although another target would change them all."""
    targets = np.random.default_rng(0).normal(size=8)
    pairs = all_pairs(np.repeat(targets[None], 8, axis=0))
    estimate = estimated_over_pairs(pairs, "value", level=LEVEL)
    low, high = students(targets).expected
    assert estimate.value == pytest.approx(targets.mean())
    assert estimate.high - estimate.low == pytest.approx(high - low, rel=0.1)
    assert (estimate.units, estimate.runs) == (8, 64)


def test_pairs_without_exceptions_have_the_interval_of_a_share():
    estimate = estimated_over_pairs(all_pairs(np.ones((4, 4))), "value", level=LEVEL, within=(0, 1))
    assert bounds_of(estimate) == pytest.approx((0.025 ** (1 / 4), 1))


def test_a_single_target_says_nothing_of_others():
    pairs = all_pairs(NORMAL[:, :5])
    estimate = estimated_over_pairs(pairs[pairs["target"] == "a"], "value", level=LEVEL)
    assert estimate.note == "one target: other targets are not covered"
    assert bounds_of(estimate) == students(NORMAL[1:, 0])


@pytest.mark.parametrize("confidence", [0.5, 1e-30, 0.99999994])
def test_log_odds_of_confidences_go_back_to_them(confidence):
    assert probability_of(log_odds_of(np.float32([confidence]))) == pytest.approx(np.float32(confidence), rel=1e-12)


def test_saturated_confidences_have_finite_log_odds():
    least, most = log_odds_of(np.float32([0, 1]))
    assert most == pytest.approx(math.log(2**25), rel=1e-6)
    assert -math.inf < least < -100


def test_the_share_of_images_has_wilsons_interval():
    low, high = share_of_images(0.25, 200, level=LEVEL)
    expected = scipy.stats.binomtest(50, 200).proportion_ci(LEVEL, method="wilson")
    assert (low, high) == (expected.low, expected.high)


def test_the_bounds_of_a_rare_count_are_not_negative() -> None:
    sums = np.zeros((5, 5))
    sums[0, 0] = 1.0  # one switch of class in 25 runs, as the direct encoding has them on MNIST
    free = estimated_ratio(sums, np.ones((5, 5)), level=0.95)
    clipped = estimated_ratio(sums, np.ones((5, 5)), level=0.95, within=(0, np.inf))
    assert free.low < 0
    assert (clipped.value, clipped.low, clipped.high) == (free.value, 0, free.high)
