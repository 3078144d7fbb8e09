"""Networks trained by others: weights that fit are taken in, anything else is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fooling.artifacts import read_header
from fooling.classifiers.checkpoint import load_classifier, save_classifier
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.ensemble import ensemble_of
from fooling.classifiers.header import KIND, VERSION
from fooling.classifiers.imported import imported_classifier
from fooling.classifiers.settings import ImportSettings
from fooling.classifiers.weights import TrainedWeights
from fooling.datasets.dataset import Dataset
from fooling.errors import FoolingError
from fooling.torchvision_import import torchvision


@pytest.fixture
def weights(lenet: Classifier) -> dict[str, torch.Tensor]:
    return {key: value.contiguous() for key, value in lenet.network.state_dict().items()}


def imported(bars: Dataset, weights: dict[str, torch.Tensor], **more: Any) -> Classifier:
    file = Path("mine.safetensors")
    settings = ImportSettings.model_validate({"architecture": "lenet", "weights": file, **more})
    found = TrainedWeights(state=weights, file=file, sha256="")
    return imported_classifier(name="mine", dataset=bars, settings=settings, weights=found, device=torch.device("cpu"))


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


def test_what_is_published_stands_beside_what_is_measured(bars: Dataset, weights: dict[str, torch.Tensor]) -> None:
    assert imported(bars, weights).provenance["published"] is None
    published = {"top1": 99.1, "top5": None, "source": "a page"}
    told = imported(bars, weights, published=published).provenance
    assert told["published"] == {"test_error": 0.009, "top5_error": None, "source": "a page"}
    assert told["top5_error"] is None  # of four classes every one is among the first five


@pytest.fixture
def tiles() -> Dataset:
    """Colour images of 72 pixels and seven classes, without training images."""
    images = np.random.default_rng(0).integers(0, 256, (9, 3, 72, 72)).astype(np.uint8)
    return Dataset(
        name="tiles",
        class_names=("tench, Tinca tinca", *"bcdefg"),
        train_images=images[:0],
        train_labels=np.zeros(0, dtype=np.int64),
        test_images=images,
        test_labels=np.arange(9) % 7,
        provenance={},
    )


def torchvisions(classes: int, **more: Any) -> TrainedWeights:
    """Made-up weights of SqueezeNet as if torchvision had published them."""
    torch.manual_seed(0)
    network = torchvision.models.squeezenet1_1(num_classes=classes)
    known = ("Tench", *"bcdefghij"[: classes - 1])
    wanted = {"divisor": 255.0, "mean": [0.4, 0.5, 0.6], "std": [0.2, 0.2, 0.3], "crop": 64}
    return TrainedWeights(
        state=network.state_dict(), file=Path("made-up.pth"), sha256="", class_names=known, input=wanted, **more
    )


def imported_tiles(tiles: Dataset, weights: TrainedWeights, **settings: Any) -> Classifier:
    values = {"architecture": "torchvision:squeezenet1_1", "weights": "torchvision", **settings}
    made = ImportSettings.model_validate(values)
    return imported_classifier(name="net", dataset=tiles, settings=made, weights=weights, device=torch.device("cpu"))


def test_a_network_is_fed_as_its_weights_want_it_where_nothing_is_said(tiles: Dataset) -> None:
    weights = torchvisions(7, published={"test_error": 0.4, "top5_error": 0.2, "source": "torchvision"})
    classifier = imported_tiles(tiles, weights)
    assert (classifier.crop, classifier.views) == (64, "centre")
    np.testing.assert_allclose(classifier.offset.flatten(), [0.4 * 255, 0.5 * 255, 0.6 * 255], rtol=1e-6)
    np.testing.assert_allclose(classifier.scale.flatten() * 255, [5, 5, 1 / 0.3], rtol=1e-6)
    assert classifier.provenance["class_names_alike"] == 7
    assert classifier.provenance["published"]["test_error"] == 0.4
    ranks = (-classifier.logits(torch.from_numpy(tiles.test_images)).numpy()).argsort(axis=1)
    among = [label in rank[:5] for label, rank in zip(tiles.test_labels, ranks, strict=True)]
    assert classifier.provenance["top5_error"] == 1 - np.mean(among)


def test_what_the_settings_say_of_the_input_counts(tiles: Dataset) -> None:
    said = {"divisor": 256, "std": [], "crop": 70, "views": "ten"}
    classifier = imported_tiles(tiles, torchvisions(7), input=said)
    assert (classifier.crop, classifier.views) == (70, "ten")
    np.testing.assert_allclose(classifier.offset.flatten(), [0.4 * 256, 0.5 * 256, 0.6 * 256], rtol=1e-6)
    np.testing.assert_allclose(classifier.scale.flatten() * 256, [1, 1, 1], rtol=1e-6)


def test_another_number_of_classes_is_told_with_the_setting(tiles: Dataset) -> None:
    with pytest.raises(
        FoolingError, match=r"other classes than the data set tiles\n  found: 7(.|\n)*10(.|\n)*`dataset`"
    ):
        imported_tiles(tiles, torchvisions(10))


def test_the_chunk_size_may_be_chosen(tiles: Dataset) -> None:
    assert imported_tiles(tiles, torchvisions(7)).chunk_size == 16
    assert imported_tiles(tiles, torchvisions(7), chunk_size=5).chunk_size == 5


def test_the_mean_of_no_training_images_cannot_be_subtracted(tiles: Dataset) -> None:
    with pytest.raises(
        FoolingError, match=r"input.subtract_mean needs training images, and the data set tiles has none"
    ):
        imported_tiles(tiles, torchvisions(7), input={"subtract_mean": True})


def test_probabilities_are_taken_for_what_they_are(bars: Dataset, tmp_path: Path) -> None:
    """From the settings into the file and back, alone and as a member of an ensemble."""
    source = tmp_path / "soft.py"
    source.write_text(
        "from torch import nn\n\ndef build(*, input_shape, classes, end=True):\n"
        "    layers = nn.Flatten(), nn.Linear(400, classes)\n"
        "    return nn.Sequential(*layers, *([nn.Softmax(1)] if end else []))\n"
    )
    torch.manual_seed(0)
    weights = {"1.weight": torch.randn(4, 400) / 20, "1.bias": torch.randn(4)}
    images = torch.from_numpy(bars.test_images)
    architecture = f"{source}:build"
    logits = imported(bars, weights, architecture=architecture, options={"end": False})
    with pytest.raises(FoolingError, match="probabilities instead of logits"):
        imported(bars, weights, architecture=architecture)
    soft = imported(bars, weights, architecture=architecture, outputs="probabilities")
    for classifier, name in ((soft, "soft"), (ensemble_of([soft, soft], name="twice"), "twice")):
        save_classifier(tmp_path / name, classifier)
        loaded = load_classifier(tmp_path / name, torch.device("cpu"), [architecture])
        assert torch.equal(loaded.logits(images), classifier.logits(images))
        torch.testing.assert_close(loaded.confidences(images), logits.confidences(images))
    save_classifier(tmp_path / "logits", logits)
    assert "outputs" not in read_header(tmp_path / "logits", kind=KIND, version=VERSION)
