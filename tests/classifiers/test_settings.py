"""What the settings of a classifier refuse."""

from __future__ import annotations

from typing import Any

import pytest

from fooling.classifiers.settings import ImportedInputSettings, ImportSettings, InputSettings
from fooling.messages import FoolingError
from fooling.settings import checked_settings
from fooling.training.settings import ClassifierSettings


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
        ({"input": {"views": "ten"}}, "views: ten needs a crop"),
        ({"input": {"crop": 0}}, "input.crop"),
        ({"chunk_size": 0}, "chunk_size"),
        ({"seed": -1}, "seed"),
    ],
)
def test_wrong_settings_are_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(FoolingError, match=message):
        checked_settings(ClassifierSettings, values, source="config")


def test_an_imported_network_needs_architecture_and_weights() -> None:
    with pytest.raises(FoolingError, match=r"2 invalid settings(.|\n)*architecture(.|\n)*weights"):
        checked_settings(ImportSettings, {}, source="config")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"weights": "torchvision"}, "weights: torchvision need architecture: torchvision:<name>"),
        ({"weights": "a.safetensors", "input": {"views": "ten"}}, "views: ten needs a crop"),
        ({"weights": "a.safetensors", "input": {"subtract_mean": True, "mean": [0.5]}}, "either subtract_mean or mean"),
        ({"weights": "a.safetensors", "published": {"top1": 101, "source": "a page"}}, "published.top1"),
    ],
)
def test_wrong_settings_of_an_imported_network_are_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(FoolingError, match=message):
        checked_settings(ImportSettings, {"architecture": "lenet", **values}, source="config")


def test_what_is_not_said_of_the_input_is_as_the_weights_want_it_or_as_ever() -> None:
    wanted = {"divisor": 255.0, "mean": [0.4], "std": [0.2], "crop": 24}
    assert ImportedInputSettings().resolved({}) == InputSettings()
    assert ImportedInputSettings().resolved(wanted) == InputSettings.model_validate(wanted)
    said = ImportedInputSettings(subtract_mean=True, std=[], crop=20)
    assert said.resolved(wanted) == InputSettings(divisor=255, subtract_mean=True, crop=20)
