"""Tables of classifiers: training, errors, and how easily each is fooled."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from scipy.special import expit, logit

from fooling.findings.classifiers import (
    FoolabilitySettings,
    errors_table,
    foolability_table,
    networks_table,
    training_table,
)
from fooling.findings.intervals import IntervalSettings
from made_up_networks import made_up_header


def header(name: str, *, error: float = 0.01, dataset: str = "mnist", seed: int = 1) -> dict:
    history = [{"iteration": step, "train_loss": 1 / step, "test_error": error * 10 / step} for step in (5, 10)]
    return made_up_header(name, dataset=dataset, seed=seed, iterations=10, test_error=error, history=history)


def imported(name: str) -> dict:
    published = {"test_error": 0.019, "top5_error": None, "source": "a page"}
    header = made_up_header(name, architecture="mine.py:build", test_error=0.02, top5_error=None, published=published)
    return {**header, "input": {"shape": (3, 256, 256), "crop": 227, "views": "ten"}}


def test_training_has_a_row_for_each_epoch():
    table = training_table([header("a"), imported("b")])
    assert table.to_dict("list") == {
        "classifier": ["a", "a"],
        "iteration": [5, 10],
        "train_loss": [0.2, 0.1],
        "test_error": [0.02, 0.01],
    }


def test_networks_are_listed_also_imported_ones(tmp_path):
    table = networks_table([header("a", seed=3), imported("b")], settings=QUICK)
    known, other = table.iloc[0].to_dict(), table.iloc[1].to_dict()
    assert {key: known[key] for key in ("classifier", "dataset", "architecture", "views", "seed", "iterations")} == {
        "classifier": "a", "dataset": "mnist", "architecture": "lenet", "views": "centre", "seed": 3, "iterations": 10
    }  # fmt: skip
    assert (known["test_error"], known["top5_error"], known["test_images"]) == (0.01, 0.002, 10_000)
    assert table.loc[0, ["crop", "published_error", "published_source"]].isna().all()
    assert (other["crop"], other["views"], other["published_error"], other["published_source"]) == (
        227, "ten", 0.019, "a page"
    )  # fmt: skip
    absent = ["seed", "iterations", "top5_error", "top5_error_low", "top5_error_high", "published_top5_error"]
    assert table.loc[1, absent].isna().all()
    table.to_csv(tmp_path / "networks.csv", index=False)
    assert pd.read_csv(tmp_path / "networks.csv")["seed"].iloc[0] == 3


def test_errors_have_the_intervals_of_wilson():
    row = networks_table([header("a", error=0.01)], settings=QUICK).iloc[0]
    z, n = scipy.stats.norm.ppf(0.975), 10_000
    for error, p in (("test_error", 0.01), ("top5_error", 0.002)):
        centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z * (p * (1 - p) / n + z**2 / (4 * n**2)) ** 0.5 / (1 + z**2 / n)
        assert row[[f"{error}_low", f"{error}_high"]].tolist() == pytest.approx([centre - half, centre + half])


def test_errors_are_averaged_for_each_data_set_and_architecture():
    errors = [0.0101, 0.0091, 0.0096]
    headers = [header(f"net {index}", error=error) for index, error in enumerate(errors)]
    table = errors_table(
        networks_table([*headers, header("d", dataset="digits"), imported("e")], settings=QUICK), settings=QUICK
    )
    assert table[["dataset", "architecture", "networks"]].to_numpy().tolist() == [
        ["digits", "lenet", 1],
        ["mnist", "lenet", 3],
        ["mnist", "mine.py:build", 1],
    ]
    expected = scipy.stats.ttest_1samp(errors, 0).confidence_interval()
    assert table.loc[1, ["low", "high"]].tolist() == pytest.approx([expected.low, expected.high])
    assert table.loc[[0, 2], ["low", "high"]].isna().all().all()


QUICK = IntervalSettings()


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
