"""Networks trained by others: weights that fit are taken in, anything else is named."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch

from fooling.classifiers.classifier import Classifier
from fooling.classifiers.imported import imported_classifier, read_weights
from fooling.classifiers.settings import ImportSettings
from fooling.datasets.dataset import Dataset
from fooling.errors import FoolingError


@pytest.fixture
def weights(lenet: Classifier) -> dict[str, torch.Tensor]:
    return {key: value.contiguous() for key, value in lenet.network.state_dict().items()}


def imported(bars: Dataset, weights: dict[str, torch.Tensor]) -> Classifier:
    settings = ImportSettings(architecture="lenet", weights=Path("mine.safetensors"))
    return imported_classifier(
        name="mine", dataset=bars, settings=settings, weights=weights, device=torch.device("cpu")
    )


def test_an_imported_network_judges_as_the_original(
    bars: Dataset, lenet: Classifier, weights: dict[str, torch.Tensor]
) -> None:
    classifier = imported(bars, weights)
    logits = lenet.logits(torch.from_numpy(bars.test_images))
    assert torch.equal(classifier.logits(torch.from_numpy(bars.test_images)), logits)
    assert classifier.provenance["test_error"] == (logits.argmax(dim=1).numpy() != bars.test_labels).mean()
    assert classifier.provenance["settings"]["weights"] == "mine.safetensors"


def test_weights_in_half_precision_are_computed_with_in_float32(
    bars: Dataset, weights: dict[str, torch.Tensor]
) -> None:
    halved = imported(bars, {key: value.bfloat16() for key, value in weights.items()})
    assert {value.dtype for value in halved.network.state_dict().values()} == {torch.float32}


def test_wrong_keys_are_named(bars: Dataset, weights: dict[str, torch.Tensor]) -> None:
    weights["module.conv1.weight"] = weights.pop("conv1.weight")
    with pytest.raises(FoolingError, match=r"unknown: module.conv1.weight; missing: conv1.weight"):
        imported(bars, weights)


def test_weights_for_other_classes_are_named(bars: Dataset, weights: dict[str, torch.Tensor]) -> None:
    weights["fc2.weight"], weights["fc2.bias"] = torch.zeros(10, 500), torch.zeros(10)
    with pytest.raises(FoolingError, match=r"fc2.weight \(10, 500\)(.|\n)*fc2.weight \(4, 500\)(.|\n)*classes"):
        imported(bars, weights)


def test_weights_are_read_from_safetensors_alone(tmp_path: Path, weights: dict[str, torch.Tensor]) -> None:
    path = tmp_path / "weights"
    with pytest.raises(FoolingError, match="nothing there"):
        read_weights(path)
    torch.save(weights, path)
    with pytest.raises(FoolingError, match=r"save_file\(network.state_dict\(\), path\)"):
        read_weights(path)
    safetensors.torch.save_file(weights, path)
    assert torch.equal(read_weights(path)["fc1.weight"], weights["fc1.weight"])
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(FoolingError, match="truncated"):
        read_weights(path)
