"""A small data set that any network learns at once, and a classifier of it."""

from __future__ import annotations

import pytest
import torch

from fooling.classifiers.architectures import build_network
from fooling.classifiers.assembly import assembled
from fooling.classifiers.classifier import Classifier
from fooling.datasets.dataset import Dataset
from fooling.training.settings import ClassifierSettings
from made_up_bars import made_bars

CPU = torch.device("cpu")


@pytest.fixture(scope="session")
def bars() -> Dataset:
    """Bars in four places."""
    return made_bars()


@pytest.fixture
def lenet(bars: Dataset) -> Classifier:
    """An untrained LeNet for the bars."""
    torch.manual_seed(0)
    settings = ClassifierSettings()
    network = build_network("lenet", input_shape=(1, 20, 20), classes=4, options={})
    return assembled(network, name="lenet-a", settings=settings, dataset=bars, device=CPU)
