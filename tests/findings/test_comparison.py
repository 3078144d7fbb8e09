"""Survival curves and comparisons of times to the threshold."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import scipy.integrate
import scipy.stats
from statsmodels.duration.survfunc import SurvfuncRight

from fooling.findings.comparison import ComparisonSettings, presets_table, survival_table
from fooling.findings.intervals import IntervalSettings
from fooling.messages import FoolingError
from fooling.settings import checked_settings

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


def times_of_presets(experiment: str, generations: np.ndarray, *, end: int = 200, first_seed: int = 1) -> pd.DataFrame:
    networks, seeds = np.shape(generations)
    flat = np.asarray(generations, dtype=float).ravel()
    last = np.where(np.isnan(flat), end, flat).astype(int)
    return pd.DataFrame(
        {
            "classifier": np.repeat([f"net {n}" for n in range(networks)], seeds),
            "experiment": experiment,
            "encoding": "direct",
            "search": "map-elites",
            "seed": np.tile(np.arange(seeds) + first_seed, networks),
            "target": "median",
            "generation": last,
            "evaluations": 200 * (last + 1),
            "reached": ~np.isnan(flat),
        }
    )


def settings_of(*names: str, **variants: dict) -> ComparisonSettings:
    crossed = variants or {name: {} for name in names}
    comparison = {"reference": next(iter(crossed)), "variants": crossed}
    return ComparisonSettings.model_validate({"comparisons": [comparison]})


def rows_of(table: pd.DataFrame, contrast: str, unit: str = "generations") -> pd.DataFrame:
    return table[(table["contrast"] == contrast) & (table["unit"] == unit)]


def test_the_restricted_mean_counts_censored_runs_as_the_horizon():
    times = times_of_presets("a", [[10, 20, np.nan, np.nan]])
    mean = rows_of(presets_table(times, settings=settings_of("a")), "mean").iloc[0]
    assert (mean["horizon"], mean["value"], mean["reached"]) == (200, (10 + 20 + 200 + 200) / 4, 0.5)
    assert (mean["runs"], mean["units"]) == (4, 1)
    assert mean["note"] == "one classifier"


def test_the_restricted_mean_is_the_area_below_the_survival_curve():
    generations = np.random.default_rng(0).integers(1, 300, (3, 20)).astype(float)
    times = times_of_presets("a", np.where(generations > 200, np.nan, generations))
    mean = rows_of(presets_table(times, settings=settings_of("a")), "mean", "evaluations").iloc[0]
    curve = survival_table(times, settings=settings_of("a"))
    steps = np.append(curve["evaluations"], mean["horizon"])
    assert mean["value"] == pytest.approx((np.diff(steps) * curve["survival"]).sum())
    assert scipy.integrate.trapezoid(curve["survival"], curve["evaluations"]) != pytest.approx(mean["value"])


def test_the_horizon_is_the_earliest_end_of_a_run_that_did_not_get_there():
    times = pd.concat([times_of_presets("a", [[10, np.nan]], end=100), times_of_presets("b", [[150, np.nan]], end=200)])
    means = rows_of(presets_table(times, settings=settings_of("a", "b")), "mean")
    assert set(means["horizon"]) == {100}
    assert means["value"].tolist() == [55, 100]


def test_without_censored_runs_nothing_is_cut_off():
    times = pd.concat([times_of_presets("a", [[10, 20]]), times_of_presets("b", [[30, 90]])])
    means = rows_of(presets_table(times, settings=settings_of("a", "b")), "mean")
    assert means["value"].tolist() == [15, 60]


def test_differences_are_taken_run_by_run():
    generations = np.random.default_rng(0).integers(20, 150, (3, 10))
    times = pd.concat([times_of_presets("a", generations), times_of_presets("b", generations + 7)])
    difference = rows_of(presets_table(times, settings=settings_of("a", "b")), "difference").iloc[0]
    assert (difference["experiment"], difference["reference"]) == ("b", "a")
    assert (difference["value"], difference["low"], difference["high"]) == (7, 7, 7)  # however much the runs scatter
    assert (difference["units"], difference["runs"]) == (3, 30)


def test_only_common_runs_are_compared():
    times = pd.concat([times_of_presets("a", [[10, 20, 30]]), times_of_presets("b", [[25, 36, 100]], first_seed=2)])
    difference = rows_of(presets_table(times, settings=settings_of("a", "b")), "difference").iloc[0]
    assert (difference["value"], difference["runs"]) == (((25 - 20) + (36 - 30)) / 2, 2)


def test_experiments_without_a_common_run_say_so():
    times = pd.concat([times_of_presets("a", [[10]]), times_of_presets("b", [[20]], first_seed=9)])
    difference = rows_of(presets_table(times, settings=settings_of("a", "b")), "difference").iloc[0]
    assert difference["note"] == "no common runs"
    assert math.isnan(difference["value"])


def test_main_effects_average_over_the_other_factors():
    crossed = {
        "none-no": {"crossover": "none", "extra_batch": False},
        "none-extra": {"crossover": "none", "extra_batch": True},
        "faulty-no": {"crossover": "faulty", "extra_batch": False},
        "faulty-extra": {"crossover": "faulty", "extra_batch": True},
    }
    base = np.random.default_rng(0).integers(20, 100, (2, 6))
    shifts = [0, 4, 10, 24]  # the faulty crossover costs 10 without and 20 with the extra batch
    times = pd.concat([times_of_presets(name, base + shift) for name, shift in zip(crossed, shifts, strict=True)])
    effects = rows_of(presets_table(times, settings=settings_of(**crossed)), "main effect")
    assert effects[["experiment", "factor", "level", "reference", "value"]].to_numpy().tolist() == [
        ["none-no", "crossover", "faulty", "none", 15.0],
        ["none-no", "extra_batch", "true", "false", 9.0],
    ]


def test_controls_are_compared_on_their_own():
    times = pd.concat([times_of_presets("a", [[10, 20]]), times_of_presets("b", [[30, 40]])])
    both = pd.concat([times, times.assign(search="drift", generation=times["generation"] + 1)])
    table = rows_of(presets_table(both, settings=settings_of("a", "b")), "difference")
    assert table["search"].tolist() == ["drift", "map-elites"]


def test_the_reference_must_be_among_the_variants():
    values = {"comparisons": [{"reference": "c", "variants": {"a": {}}}]}
    with pytest.raises(FoolingError, match="the reference is one of a"):
        checked_settings(ComparisonSettings, values, source="test")


def test_an_experiment_that_is_compared_with_none_has_its_mean_and_its_own_horizon():
    times = pd.concat(
        [
            times_of_presets("a", [[10, 20]]),
            times_of_presets("b", [[30, 90]]),
            times_of_presets("alone", [[7, np.nan]], end=9),
        ]
    )
    table = presets_table(times, settings=settings_of("a", "b"))
    assert rows_of(table, "mean")[["experiment", "value", "horizon"]].to_numpy().tolist() == [
        ["a", 15, 90],
        ["b", 60, 90],
        ["alone", 8, 9],
    ]
    assert set(rows_of(table, "difference")["experiment"]) == {"b"}
