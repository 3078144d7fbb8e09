"""Bounds against statsmodels and exact formulas, and small simulations of their coverage."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from scipy.special import expit, logit
from scipy.stats import t
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from benchmarks.coverage.estimates import CELLS, covered
from benchmarks.coverage.people import METHODS, Size, coverage_of
from fooling.findings.bounds import bootstrap_interval, bounds_of_mean, crossed_share, mean_squares
from fooling.survey.simulation import Population, simulated_grids


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (20, 20)])
def test_mean_squares_are_those_of_the_analysis_of_variance(shape):
    runs = np.random.default_rng(1).normal(size=shape) + np.arange(shape[0])[:, None] + np.arange(shape[1]) / 3
    unit, seed = (index.ravel() for index in np.indices(shape))
    table = anova_lm(
        ols("value ~ C(unit) + C(seed)", pd.DataFrame({"value": runs.ravel(), "unit": unit, "seed": seed})).fit()
    )
    expected = table.loc[["C(unit)", "C(seed)", "Residual"], "mean_sq"]
    np.testing.assert_allclose(mean_squares(runs), expected)


def test_the_variance_of_a_crossed_mean_counts_units_and_seeds_and_single_runs_once():
    runs = 3 * np.random.default_rng(1).normal(size=(5, 8)) + np.arange(8)
    unit, seed, residual = mean_squares(runs)
    variance = (max(unit, residual) + max(seed, residual) - residual) / 40
    half = scipy.stats.t.ppf(0.975, 4) * math.sqrt(variance)
    bounds = bounds_of_mean(runs, level=0.95)
    assert (bounds.low, bounds.high) == pytest.approx((runs.mean() - half, runs.mean() + half))


def test_many_data_sets_are_bounded_at_once():
    runs = np.random.default_rng(1).normal(size=(6, 5, 8))
    together, single = bounds_of_mean(runs, level=0.9), [bounds_of_mean(one, level=0.9) for one in runs]
    np.testing.assert_allclose(together.low, [bounds.low for bounds in single])


@pytest.mark.parametrize(
    "cell", [cell for cell in CELLS if cell.units == 3 and cell.goal > 0 and 1 in (cell.unit_sd, cell.seed_sd)], ids=str
)
def test_intervals_of_three_units_contain_the_true_value_as_often_as_they_should(cell):
    """At least 93 %, of censored times 92 %, less two standard errors of the simulations."""
    found = covered(cell, simulations=600)
    assert found.coverage >= cell.goal - 2 * math.sqrt(cell.goal * (1 - cell.goal) / found.intervals)


def grids(seed: int = 0, *, studies: int = 1, people: int = 30, images: int = 20) -> tuple[np.ndarray, np.ndarray]:
    population = Population(accuracy=0.6, person_sd=0.5, image_sd=1.0)
    sizes = {"studies": studies, "people": people, "images": images, "trials": 4}
    return simulated_grids(population, **sizes, generator=np.random.default_rng(seed))


def test_the_error_is_the_two_way_cluster_robust_one() -> None:
    hits, asked = (grid[0] for grid in grids())
    person, image = np.nonzero(asked)
    right = hits[person, image]
    residuals = right - right.mean()
    of_person, of_image = (np.bincount(clusters, residuals) for clusters in (person, image))
    variance = (of_person**2).sum() * 30 / 29 + (of_image**2).sum() * 20 / 19 - (residuals**2).sum()
    centre = (right.sum() + 0.5) / (len(right) + 1)
    error = np.sqrt(variance) / len(right) / (centre * (1 - centre))
    found = crossed_share(hits, asked)
    assert found.value == pytest.approx(right.mean())
    assert found.error == pytest.approx(error)
    low, high = found.interval(0.95)
    half = t.ppf(0.975, 19) * error
    assert (low, high) == (pytest.approx(expit(logit(centre) - half)), pytest.approx(expit(logit(centre) + half)))
    assert found.upper_bound(0.95) == pytest.approx(expit(logit(centre) + t.ppf(0.95, 19) * error))


def test_many_studies_at_once_are_each_alone() -> None:
    hits, asked = grids(studies=5)
    together = crossed_share(hits, asked).interval(0.9)
    for study in range(5):
        alone = crossed_share(hits[study], asked[study]).interval(0.9)
        assert alone == (pytest.approx(together[0][study]), pytest.approx(together[1][study]))


@pytest.mark.parametrize("right", [0, 1])
def test_all_right_and_all_wrong_have_an_interval(right: int) -> None:
    asked = np.ones((12, 10))
    found = crossed_share(right * asked, asked)
    low, high = found.interval(0.95)
    assert found.value == right
    assert 0 < low < high < 1
    assert abs(right - (low if right else high)) < 0.1


@pytest.mark.parametrize("shape", [(1, 10), (10, 1)])
def test_a_single_person_or_image_carries_no_interval(shape: tuple[int, int]) -> None:
    found = crossed_share(np.ones(shape), np.ones(shape))
    assert found.value == 1
    assert np.isnan(found.interval(0.95)).all()


def test_people_who_saw_nothing_of_a_condition_change_nothing() -> None:
    hits, asked = (grid[0] for grid in grids())
    more = [np.pad(grid, ((0, 5), (0, 3))) for grid in (hits, asked)]
    np.testing.assert_allclose(crossed_share(*more).interval(0.95), crossed_share(hits, asked).interval(0.95))


def test_the_bootstrap_counts_single_answers_three_times() -> None:
    """Where answers have nothing in common, its interval is wider by the root of three."""
    population = Population(accuracy=0.5, person_sd=0, image_sd=0)
    hits, asked = simulated_grids(
        population, studies=1, people=200, images=100, trials=10, generator=np.random.default_rng(3)
    )
    generator = np.random.default_rng(0)
    low, high = bootstrap_interval(hits[0], asked[0], samples=2000, level=0.95, generator=generator)
    binomial = 2 * 1.96 * 0.5 / np.sqrt(2000)
    assert (high - low) / binomial == pytest.approx(np.sqrt(3), rel=0.1)


@pytest.mark.parametrize(
    "size",
    [
        Size(people=30, images=20, trials=4, accuracy=0.5, person_sd=0.5, image_sd=1.0),
        Size(people=40, images=20, trials=4, accuracy=0.95, person_sd=0.5, image_sd=1.0),
        Size(people=60, images=40, trials=6, accuracy=0.15, person_sd=0.5, image_sd=1.0),
        Size(people=80, images=10, trials=10, accuracy=0.7, person_sd=0.5, image_sd=1.5),
    ],
)
def test_the_primary_interval_covers_at_its_nominal_rate(size: Size) -> None:
    """1000 studies of each size: 95 % less four standard errors of such a share, and the one-sided bound as well."""
    covered = coverage_of(METHODS["crossed"], size, studies=1000)
    assert covered.both >= 0.95 - 4 * np.sqrt(0.95 * 0.05 / 1000)
    assert covered.upper >= 0.95 - 4 * np.sqrt(0.95 * 0.05 / 1000)
    assert covered.both <= 0.995


def test_an_interval_that_forgets_images_and_people_does_not_cover() -> None:
    size = Size(people=80, images=10, trials=10, accuracy=0.7, person_sd=0.5, image_sd=1.5)
    assert coverage_of(METHODS["binomial"], size, studies=500).both < 0.6
