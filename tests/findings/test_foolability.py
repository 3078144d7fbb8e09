"""Networks side by side against arithmetic by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from scipy.special import expit, logit

from fooling.findings.foolability import FoolabilitySettings, foolability_table

SETTINGS = FoolabilitySettings(sure=0.9)
EVALUATIONS = [100, 200, 400]


def tables(curves: dict[int, list[list[float]]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """History and examined champions of one network; for each seed the confidence of every class at three times."""
    run = {"classifier": "lenet-a", "experiment": "cppn", "encoding": "cppn", "search": "map-elites"}
    history = pd.DataFrame(
        [
            {**run, "seed": seed, "generation": place, "evaluations": count, "class_index": index, "confidence": value}
            for seed, levels in curves.items()
            for place, (count, level) in enumerate(zip(EVALUATIONS, levels, strict=True))
            for index, value in enumerate(level)
        ]
    )
    history["log_odds"] = logit(history["confidence"])
    ends = history[history["generation"] == 2]
    return history, ends.assign(calibrated_confidence=ends["confidence"] / 2)


def test_the_numbers_of_one_run_are_its_own():
    history, examined = tables({1: [[0.1, 0.2, 0.9], [0.3, 0.4, 0.9], [0.9, 0.95, 0.99]]})
    (row,) = foolability_table(history, examined, SETTINGS).to_dict("records")
    assert row["area"] == pytest.approx((100 * (0.2 + 0.4) / 2 + 200 * (0.4 + 0.95) / 2) / 300)
    assert row["median"] == pytest.approx(0.95)
    assert row["calibrated_median"] == pytest.approx(0.475)
    assert row["share_sure"] == pytest.approx(1)
    assert row["evaluations"] == pytest.approx(400)
    assert np.isnan([row[f"{name}_low"] for name in ("area", "median", "share_sure")]).all()
    assert (row["classes"], row["runs"]) == (3, 1)


def test_runs_that_are_never_sure_leave_no_mean_of_images():
    history, examined = tables({1: [[0.1], [0.2], [0.3]], 2: [[0.1], [0.95], [0.99]], 3: [[0.1], [0.2], [0.4]]})
    (row,) = foolability_table(history, examined, SETTINGS).to_dict("records")
    assert np.isnan(row["evaluations"])
    assert row["share_sure"] == pytest.approx(1 / 3)
    assert row["median"] == pytest.approx(expit(logit([0.3, 0.99, 0.4]).mean()))
    assert row["area_low"] < row["area"] < row["area_high"]


def test_runs_on_a_network_are_its_units():
    history, examined = tables({seed: [[0.1], [0.5], [0.9 + seed / 100]] for seed in range(6)})
    (row,) = foolability_table(history, examined, SETTINGS).to_dict("records")
    values = logit(0.9 + np.arange(6) / 100)
    expected = expit(scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95))
    assert (row["median_low"], row["median_high"]) == pytest.approx(tuple(expected))
    assert (row["share_sure"], row["share_sure_low"]) == (1, pytest.approx(0.025 ** (1 / 6)))
    assert row["evaluations_low"] == row["evaluations"] == pytest.approx(400)


def test_an_easier_network_and_its_control_stand_in_rows_of_their_own():
    history, examined = tables({1: [[0.1, 0.1], [0.5, 0.5], [0.9, 0.9]]})
    parts = [(history, examined)]
    for name, search, factor in (("lenet-b", "map-elites", 0.5), ("lenet-a", "random-search", 0.1)):
        parts.append(
            tuple(
                table.assign(classifier=name, search=search, confidence=factor * table["confidence"])
                for table in (history, examined)
            )
        )
    found = foolability_table(*(pd.concat(tables) for tables in zip(*parts, strict=True)), SETTINGS)
    areas = found.set_index(["classifier", "search"])["area"]
    assert areas["lenet-b", "map-elites"] == pytest.approx(areas["lenet-a", "map-elites"] / 2)
    assert areas["lenet-a", "random-search"] == pytest.approx(areas["lenet-a", "map-elites"] / 10)
