"""Kaplan-Meier curves against arithmetic by hand and statsmodels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from statsmodels.duration.survfunc import SurvfuncRight

from fooling.findings.intervals import IntervalSettings
from fooling.findings.survival import survival_table

QUICK = IntervalSettings()


def times_of(generations: np.ndarray, *, end: int = 200, experiment: str = "direct") -> pd.DataFrame:
    """Times (networks, seeds) in generations of 200 images; NaN is never."""
    networks, seeds = np.shape(generations)
    flat = np.asarray(generations, dtype=float).ravel()
    last = np.where(np.isnan(flat), end, flat).astype(int)
    return pd.DataFrame(
        {
            "classifier": np.repeat([f"net {n}" for n in range(networks)], seeds),
            "experiment": experiment,
            "encoding": "direct",
            "search": "map-elites",
            "seed": np.tile(np.arange(seeds) + 1, networks),
            "target": "median",
            "generation": last,
            "evaluations": 200 * (last + 1),
            "reached": ~np.isnan(flat),
        }
    )


def test_the_curve_by_hand():
    table = survival_table(times_of([[5, 5, 9, np.nan]]), settings=QUICK)
    columns = ["generation", "evaluations", "survival", "at_risk", "units", "runs"]
    assert table[columns].to_numpy().tolist() == [
        [0, 0, 1.0, 4, 1, 4],
        [5, 1200, 0.5, 4, 1, 4],
        [9, 2000, 0.25, 2, 1, 4],
        [200, 40200, 0.25, 1, 1, 4],
    ]


def test_the_curve_is_statsmodels():
    generator = np.random.default_rng(0)
    generations = generator.integers(1, 60, (4, 25)).astype(float)
    generations[generator.random(generations.shape) < 0.3] = np.nan
    times = times_of(generations)
    reference = SurvfuncRight(times["evaluations"], times["reached"].astype(int))
    table = survival_table(times, settings=QUICK).set_index("evaluations")
    np.testing.assert_allclose(table.loc[reference.surv_times, "survival"], reference.surv_prob)
    np.testing.assert_array_equal(table.loc[reference.surv_times, "at_risk"], reference.n_risk)


def test_a_curve_that_all_runs_leave_ends_at_zero_and_one_that_none_does_stays_at_one():
    times = pd.concat([times_of([[5, 6]] * 3), times_of([[np.nan] * 2] * 3, experiment="slow")])
    ends = survival_table(times, settings=QUICK).groupby("experiment").last()
    assert ends["survival"].to_dict() == {"direct": 0.0, "slow": 1.0}
    assert ends.loc["slow", "low"] < 1  # three networks say little: the exact binomial bound
    assert ends.loc["direct", "high"] > 0


def test_the_interval_holds_the_curve_and_narrows_with_more_runs():
    generator = np.random.default_rng(0)
    widths = []
    for networks, seeds in ((3, 5), (30, 50)):
        table = survival_table(times_of(generator.integers(1, 60, (networks, seeds))), settings=QUICK)
        assert (table["low"] <= table["survival"]).all()
        assert (table["survival"] <= table["high"]).all()
        widths.append((table["high"] - table["low"]).mean())
    assert widths[1] < widths[0] / 2


@pytest.mark.parametrize("networks", [1, 2])
def test_fewer_than_three_networks_have_a_curve_without_an_interval(networks):
    table = survival_table(times_of([[7, 8]] * networks), settings=QUICK)
    assert table["survival"].tolist() == [1.0, 0.5, 0.0]
    assert table["low"].iloc[1:].isna().all()


def test_the_interval_is_binomial_with_a_network_as_the_unit():
    generations = np.array([[5.0] * 6] * 3 + [[150.0] * 6] * 1)
    step = survival_table(times_of(generations), settings=QUICK).set_index("generation").loc[5]
    expected = scipy.stats.binomtest(1, 4).proportion_ci(0.95, method="exact")
    assert (step["low"], step["high"]) == pytest.approx((expected.low, expected.high))
