"""A linear classifier, whose nearest boundary is known, with a data set that it gets right for the most part."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from fooling.classifiers.classifier import Classifier
from fooling.classifiers.gradients import Network
from fooling.datasets.dataset import Dataset
from linear_classifier import CLASSES, SHAPE, made_classifier

PIXELS = int(np.prod(SHAPE))


@pytest.fixture(scope="session")
def weights() -> np.ndarray:
    return np.random.default_rng(2).normal(0, 0.3, (CLASSES, PIXELS)).astype(np.float32).astype(np.float64)


@pytest.fixture(scope="session")
def classifier(weights: np.ndarray) -> Classifier:
    return made_classifier(weights, np.array([0.1, -0.2, 0.0]))


@pytest.fixture(scope="session")
def by_level(classifier: Classifier, weights: np.ndarray) -> np.ndarray:
    """The gradients (K, N) of the logits by an image on the 0..1 scale."""
    scale = np.broadcast_to(255 * classifier.scale.double().numpy(), SHAPE)
    return weights * scale.ravel()


@pytest.fixture
def network(classifier: Classifier) -> Network:
    return Network(classifier)


@pytest.fixture(scope="session")
def bars(classifier: Classifier) -> Dataset:
    """Grey noise around the middle of the range, with the labels of the classifier, one in eight wrong."""
    images = np.random.default_rng(0).integers(70, 186, (400, *SHAPE)).astype(np.uint8)
    labels = classifier.logits(torch.from_numpy(images)).argmax(dim=1).numpy()
    wrong = np.arange(400) % 8 == 0
    labels = np.where(wrong, (labels + 1) % CLASSES, labels).astype(np.int64)
    parts = {"train_images": images[:0], "train_labels": labels[:0], "test_images": images, "test_labels": labels}
    return Dataset(name="noise", class_names=("a", "b", "c"), provenance={}, **parts)


@pytest.fixture(scope="session")
def flat_classifier(classifier: Classifier) -> Classifier:
    """The same without gradients: its weights are zero, so that it gives every image the first class."""
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(PIXELS, CLASSES))
    with torch.no_grad():
        network[1].weight.zero_()
        network[1].bias.copy_(torch.tensor([1.0, 0.0, 0.0]))
    return dataclasses.replace(classifier, network=network, name="flat")
