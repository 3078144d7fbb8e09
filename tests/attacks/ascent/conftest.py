"""A linear classifier, and the same by hand."""

from __future__ import annotations

import numpy as np
import pytest

from fooling.classifiers.classifier import Classifier
from linear_classifier import CLASSES, SHAPE, HandMade, made_classifier


@pytest.fixture(scope="session")
def weights() -> np.ndarray:
    return np.random.default_rng(2).normal(0, 0.3, (CLASSES, int(np.prod(SHAPE)))).astype(np.float32).astype(np.float64)


@pytest.fixture(scope="session")
def classifier(weights: np.ndarray) -> Classifier:
    return made_classifier(weights, np.array([0.1, -0.2, 0.0]))


@pytest.fixture(scope="session")
def by_hand(classifier: Classifier, weights: np.ndarray) -> HandMade:
    bias = classifier.network[1].bias.detach().double().numpy()
    return HandMade(weights, bias, classifier.offset.double().numpy(), classifier.scale.double().numpy())
