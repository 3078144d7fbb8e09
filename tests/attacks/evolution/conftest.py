"""A small real classifier and small real runs for the tests of evolution."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import torch

from fooling.attacks.evolution.run import Run
from fooling.attacks.evolution.screening import in_bfloat16
from fooling.attacks.evolution.searches import MapElites, Search
from fooling.attacks.settings import SearchSettings
from fooling.classifiers.classifier import Classifier
from fooling.encodings.direct import DirectEncoding
from fooling.encodings.settings import DirectSettings

SHAPE = (1, 6, 6)
CLASSES = 4


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    """A random linear network on 6x6 grey images with four classes."""
    generator = torch.Generator().manual_seed(3)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, CLASSES))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return Classifier(
        name="linear",
        architecture="test",
        network=network,
        input_shape=SHAPE,
        class_names=tuple("abcd"),
        offset=torch.zeros(1, 1, 1),
        scale=torch.full((1, 1, 1), 1 / 256),
        training_mean=torch.full(SHAPE, 80.0),
        chunk_size=16,
        device=torch.device("cpu"),
    )


@pytest.fixture(scope="session")
def hidden(classifier: Classifier) -> Classifier:
    """A random network with a hidden layer for the same images: bfloat16 changes its scores."""
    generator = torch.Generator().manual_seed(4)
    network = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(36, 12), torch.nn.ReLU(), torch.nn.Linear(12, CLASSES)
    )
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return dataclasses.replace(classifier, name="hidden", network=network)


@pytest.fixture(scope="session")
def reduced(hidden: Classifier) -> Classifier:
    """The same network in bfloat16."""
    return in_bfloat16(hidden)


@pytest.fixture
def start_run(classifier: Classifier) -> Callable[..., Run[Any]]:
    """Makes a run with the direct encoding that has not started yet."""

    def start(
        search: type[Search[Any]] = MapElites,
        seed: int = 1,
        encoding: DirectSettings | None = None,
        **settings: Any,
    ) -> Run[Any]:
        made = DirectEncoding(settings=encoding or DirectSettings(), image_shape=SHAPE, device=torch.device("cpu"))
        identity = {
            "encoding": "direct",
            "settings": {},
            "seed": seed,
            "classifier": {"name": "linear", "sha256": "0"},
            "class_names": ("a", "b", "c", "d"),
            "versions": {},
        }
        generator = torch.Generator().manual_seed(seed)
        budget = SearchSettings(**{"start": 20, "offspring": 20, "generations": 12} | settings)
        return Run(
            search=search(encoding=made, generator=generator), classifier=classifier, settings=budget, identity=identity
        )

    return start
