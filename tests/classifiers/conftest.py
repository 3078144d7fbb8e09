"""A small data set that any network learns at once, and a classifier of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fooling.classifiers.architectures import build_network
from fooling.classifiers.assembly import assembled
from fooling.classifiers.classifier import Classifier
from fooling.datasets.dataset import Dataset
from fooling.training.settings import ClassifierSettings

CPU = torch.device("cpu")


@pytest.fixture(scope="session")
def bars() -> Dataset:
    """Grey 20x20 images with one noisy bright row; the class says in which quarter it lies."""
    generator = np.random.default_rng(0)

    def drawn(count: int) -> tuple[np.ndarray, np.ndarray]:
        images = generator.integers(0, 60, (count, 1, 20, 20))
        rows = generator.integers(0, 20, count)
        images[np.arange(count), 0, rows] += 190
        return images.astype(np.uint8), rows // 5

    train_images, train_labels = drawn(90)
    test_images, test_labels = drawn(40)
    return Dataset(
        name="bars",
        class_names=("first", "second", "third", "fourth"),
        train_images=train_images,
        train_labels=train_labels,
        test_images=test_images,
        test_labels=test_labels,
        provenance={},
    )


@pytest.fixture
def lenet(bars: Dataset) -> Classifier:
    """An untrained LeNet for the bars."""
    torch.manual_seed(0)
    settings = ClassifierSettings()
    network = build_network("lenet", input_shape=(1, 20, 20), classes=4, options={})
    return assembled(network, name="lenet-a", settings=settings, dataset=bars, device=CPU)
