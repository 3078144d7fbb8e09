"""Bounds of crossed runs against statsmodels, and small simulations of their coverage."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from benchmarks.coverage.estimates import CELLS, covered
from fooling.findings.bounds import bounds_of_mean, mean_squares


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
