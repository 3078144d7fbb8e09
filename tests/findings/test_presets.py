"""Restricted means, paired differences and main effects of made-up times."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import scipy.integrate

from fooling.errors import FoolingError
from fooling.findings.presets import ComparisonSettings, presets_table
from fooling.findings.survival import survival_table
from fooling.settings import checked_settings


def times_of(experiment: str, generations: np.ndarray, *, end: int = 200, first_seed: int = 1) -> pd.DataFrame:
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
    times = times_of("a", [[10, 20, np.nan, np.nan]])
    mean = rows_of(presets_table(times, settings=settings_of("a")), "mean").iloc[0]
    assert (mean["horizon"], mean["value"], mean["reached"]) == (200, (10 + 20 + 200 + 200) / 4, 0.5)
    assert (mean["runs"], mean["units"]) == (4, 1)
    assert mean["note"] == "one classifier"


def test_the_restricted_mean_is_the_area_below_the_survival_curve():
    generations = np.random.default_rng(0).integers(1, 300, (3, 20)).astype(float)
    times = times_of("a", np.where(generations > 200, np.nan, generations))
    mean = rows_of(presets_table(times, settings=settings_of("a")), "mean", "evaluations").iloc[0]
    curve = survival_table(times, settings=settings_of("a"))
    steps = np.append(curve["evaluations"], mean["horizon"])
    assert mean["value"] == pytest.approx((np.diff(steps) * curve["survival"]).sum())
    assert scipy.integrate.trapezoid(curve["survival"], curve["evaluations"]) != pytest.approx(mean["value"])


def test_the_horizon_is_the_earliest_end_of_a_run_that_did_not_get_there():
    times = pd.concat([times_of("a", [[10, np.nan]], end=100), times_of("b", [[150, np.nan]], end=200)])
    means = rows_of(presets_table(times, settings=settings_of("a", "b")), "mean")
    assert set(means["horizon"]) == {100}
    assert means["value"].tolist() == [55, 100]


def test_without_censored_runs_nothing_is_cut_off():
    times = pd.concat([times_of("a", [[10, 20]]), times_of("b", [[30, 90]])])
    means = rows_of(presets_table(times, settings=settings_of("a", "b")), "mean")
    assert means["value"].tolist() == [15, 60]


def test_differences_are_taken_run_by_run():
    generations = np.random.default_rng(0).integers(20, 150, (3, 10))
    times = pd.concat([times_of("a", generations), times_of("b", generations + 7)])
    difference = rows_of(presets_table(times, settings=settings_of("a", "b")), "difference").iloc[0]
    assert (difference["experiment"], difference["reference"]) == ("b", "a")
    assert (difference["value"], difference["low"], difference["high"]) == (7, 7, 7)  # however much the runs scatter
    assert (difference["units"], difference["runs"]) == (3, 30)


def test_only_common_runs_are_compared():
    times = pd.concat([times_of("a", [[10, 20, 30]]), times_of("b", [[25, 36, 100]], first_seed=2)])
    difference = rows_of(presets_table(times, settings=settings_of("a", "b")), "difference").iloc[0]
    assert (difference["value"], difference["runs"]) == (((25 - 20) + (36 - 30)) / 2, 2)


def test_experiments_without_a_common_run_say_so():
    times = pd.concat([times_of("a", [[10]]), times_of("b", [[20]], first_seed=9)])
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
    times = pd.concat([times_of(name, base + shift) for name, shift in zip(crossed, shifts, strict=True)])
    effects = rows_of(presets_table(times, settings=settings_of(**crossed)), "main effect")
    assert effects[["experiment", "factor", "level", "reference", "value"]].to_numpy().tolist() == [
        ["none-no", "crossover", "faulty", "none", 15.0],
        ["none-no", "extra_batch", "true", "false", 9.0],
    ]


def test_controls_are_compared_on_their_own():
    times = pd.concat([times_of("a", [[10, 20]]), times_of("b", [[30, 40]])])
    both = pd.concat([times, times.assign(search="drift", generation=times["generation"] + 1)])
    table = rows_of(presets_table(both, settings=settings_of("a", "b")), "difference")
    assert table["search"].tolist() == ["drift", "map-elites"]


def test_the_reference_must_be_among_the_variants():
    values = {"comparisons": [{"reference": "c", "variants": {"a": {}}}]}
    with pytest.raises(FoolingError, match="the reference is one of a"):
        checked_settings(ComparisonSettings, values, source="test")


def test_an_experiment_that_is_compared_with_none_has_its_mean_and_its_own_horizon():
    times = pd.concat([times_of("a", [[10, 20]]), times_of("b", [[30, 90]]), times_of("alone", [[7, np.nan]], end=9)])
    table = presets_table(times, settings=settings_of("a", "b"))
    assert rows_of(table, "mean")[["experiment", "value", "horizon"]].to_numpy().tolist() == [
        ["a", 15, 90],
        ["b", 60, 90],
        ["alone", 8, 9],
    ]
    assert set(rows_of(table, "difference")["experiment"]) == {"b"}
