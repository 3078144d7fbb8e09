"""Classifiers that someone else has trained: an architecture and a file of weights."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import safetensors
import safetensors.torch
import torch

from fooling.artifacts import require_file
from fooling.classifiers.assembly import assembled, error_rate
from fooling.classifiers.checkpoint import network_with_weights
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.settings import ImportSettings
from fooling.datasets.dataset import Dataset
from fooling.errors import FoolingError


def imported_classifier(
    *, name: str, dataset: Dataset, settings: ImportSettings, weights: dict[str, torch.Tensor], device: torch.device
) -> Classifier:
    """The network of ``settings`` with these ``weights`` as a classifier of ``dataset``, its test error measured.

    Raises :class:`FoolingError` unless architecture, weights, image size and number of classes fit together.
    """
    network = network_with_weights(
        settings.architecture,
        input_shape=dataset.image_shape,
        classes=len(dataset.class_names),
        options=settings.options,
        weights=weights,
        source=settings.weights,
    )
    classifier = assembled(network, name=name, settings=settings, dataset=dataset, device=device)
    provenance = {
        "settings": settings.model_dump(mode="json"),
        "test_error": error_rate(classifier, dataset.test_images, dataset.test_labels),
        "test_images": len(dataset.test_images),
    }
    return dataclasses.replace(classifier, provenance=provenance)


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """The state dict in a safetensors file; :class:`FoolingError` for a missing or broken file or another format."""
    require_file(path)
    try:
        return safetensors.torch.load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise FoolingError(
            f"{path} is truncated or no safetensors file",
            found=error,
            expected="a state dict as a safetensors file; pickled weights are never read, as they can run code",
            remedy="write it with safetensors.torch.save_file(network.state_dict(), path)",
        ) from None
