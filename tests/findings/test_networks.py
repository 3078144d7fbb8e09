"""Tables of networks from the headers of their files."""

from __future__ import annotations

import pandas as pd
import pytest
import scipy.stats

from fooling.findings.intervals import IntervalSettings
from fooling.findings.networks import errors_table, networks_table, training_table
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
