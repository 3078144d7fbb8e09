"""What the settings of a classifier refuse."""

from __future__ import annotations

from typing import Any

import pytest

from fooling.classifiers.settings import ClassifierSettings, ImportSettings
from fooling.errors import FoolingError
from fooling.settings import checked_settings


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"architectur": "lenet"}, "architecture"),
        ({"training": {"iterations": 0}}, "training.iterations"),
        ({"training": {"optimiser": {"kind": "rprop"}}}, "training.optimiser"),
        ({"training": {"optimiser": {"kind": "adam", "momentum": 0.9}}}, "momentum"),
        ({"training": {"policy": {"kind": "cosine", "warm_up": -1}}}, "warm_up"),
        ({"training": {"iterations": 10, "policy": {"kind": "cosine", "warm_up": 10}}}, "warm_up"),
        ({"input": {"divisor": 0}}, "input.divisor"),
        ({"input": {"subtract_mean": True, "mean": [0.5]}}, "either subtract_mean or mean"),
        ({"seed": -1}, "seed"),
    ],
)
def test_wrong_settings_are_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(FoolingError, match=message):
        checked_settings(ClassifierSettings, values, source="config")


def test_an_imported_network_needs_architecture_and_weights() -> None:
    with pytest.raises(FoolingError, match=r"2 settings refused(.|\n)*architecture(.|\n)*weights"):
        checked_settings(ImportSettings, {}, source="config")
