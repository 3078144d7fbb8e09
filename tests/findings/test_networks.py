"""Tables of networks from the headers of their files."""

from __future__ import annotations

import pandas as pd
import pytest
import scipy.stats

from fooling.findings.intervals import IntervalSettings
from fooling.findings.networks import errors_table, networks_table, training_table


def header(name: str, *, error: float = 0.01, dataset: str = "mnist", seed: int = 1) -> dict:
    history = [{"iteration": step, "train_loss": 1 / step, "test_error": error * 10 / step} for step in (5, 10)]
    return {
        "name": name,
        "architecture": "lenet",
        "provenance": {
            "dataset": {"name": dataset, "sha256": "0"},
            "seed": seed,
            "iterations": 10,
            "test_error": error,
            "test_images": 10_000,
            "history": history,
        },
    }


def imported(name: str) -> dict:
    provenance = {"dataset": {"name": "mnist", "sha256": "0"}, "test_error": 0.02, "test_images": 10_000}
    return {"name": name, "architecture": "mine.py:build", "provenance": provenance}


def test_training_has_a_row_for_each_epoch():
    table = training_table([header("a"), imported("b")])
    assert table.to_dict("list") == {
        "classifier": ["a", "a"],
        "iteration": [5, 10],
        "train_loss": [0.2, 0.1],
        "test_error": [0.02, 0.01],
    }


def test_networks_are_listed_also_imported_ones(tmp_path):
    table = networks_table([header("a", seed=3), imported("b")])
    assert table.iloc[0].to_dict() == {
        "classifier": "a", "dataset": "mnist", "architecture": "lenet", "seed": 3, "iterations": 10,
        "test_error": 0.01, "test_images": 10_000,
    }  # fmt: skip
    assert table.loc[1, ["seed", "iterations"]].isna().all()
    table.to_csv(tmp_path / "networks.csv", index=False)
    assert pd.read_csv(tmp_path / "networks.csv")["seed"].iloc[0] == 3


def test_errors_are_averaged_for_each_data_set_and_architecture():
    errors = [0.0101, 0.0091, 0.0096]
    headers = [header(f"net {index}", error=error) for index, error in enumerate(errors)]
    table = errors_table(networks_table([*headers, header("d", dataset="digits"), imported("e")]), settings=QUICK)
    assert table[["dataset", "architecture", "networks"]].to_numpy().tolist() == [
        ["digits", "lenet", 1],
        ["mnist", "lenet", 3],
        ["mnist", "mine.py:build", 1],
    ]
    expected = scipy.stats.ttest_1samp(errors, 0).confidence_interval()
    assert table.loc[1, ["low", "high"]].tolist() == pytest.approx([expected.low, expected.high])
    assert table.loc[[0, 2], ["low", "high"]].isna().all().all()


QUICK = IntervalSettings(bootstrap_samples=99)
