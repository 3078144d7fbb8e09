"""Classifiers that someone else has trained: an architecture and weights."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from fooling.classifiers.assembly import assembled, measured_errors
from fooling.classifiers.checkpoint import network_with_weights
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.probe import require_usable
from fooling.classifiers.settings import ImportSettings
from fooling.classifiers.state_dicts import adapted
from fooling.classifiers.views import fed_shape
from fooling.classifiers.weights import TrainedWeights, published_errors
from fooling.datasets.dataset import Dataset
from fooling.errors import FoolingError


def imported_classifier(
    *, name: str, dataset: Dataset, settings: ImportSettings, weights: TrainedWeights, device: torch.device
) -> Classifier:
    """The network of ``settings`` with these ``weights`` as a classifier of ``dataset``, its test errors measured.

    Raises :class:`FoolingError` unless architecture, weights, image size and number of classes fit together, and
    unless the scores are what the settings say, each of its image alone (:mod:`fooling.classifiers.probe`).
    """
    provenance: dict[str, Any] = {"settings": settings.model_dump(mode="json")}
    if weights.class_names is not None:
        provenance["class_names_alike"] = _names_alike(weights.class_names, dataset)
    made = settings.network(options=weights.options, wanted=weights.input)
    network = network_with_weights(
        made.architecture,
        input_shape=fed_shape(dataset.image_shape, made.input.crop),
        classes=len(dataset.class_names),
        options=made.options,
        weights=weights.state,
        source=weights.file,
        adapt=adapted,
    )
    classifier = assembled(network, name=name, settings=made, dataset=dataset, device=device)
    classifier = dataclasses.replace(classifier, outputs=settings.outputs)
    require_usable(classifier, dataset)
    provenance |= measured_errors(classifier, dataset.test_images, dataset.test_labels)
    provenance |= {"test_images": len(dataset.test_images), "published": _published(settings, weights)}
    return dataclasses.replace(classifier, provenance=provenance)


def _names_alike(known: tuple[str, ...], dataset: Dataset) -> int:
    """How many classes of ``dataset`` have the name that the weights have for them; their numbers must agree."""
    if len(known) != len(dataset.class_names):
        raise FoolingError(
            f"the weights know other classes than the data set {dataset.name}",
            found=f"{len(dataset.class_names)} classes: {', '.join(dataset.class_names[:3])}, …",
            expected=f"{len(known)} classes: {', '.join(known[:3])}, …",
            remedy="set `dataset` of the classifier to one with these classes, or `weights` to some for these images",
        )
    pairs = zip(known, dataset.class_names, strict=True)
    return sum(_first_name(one) == _first_name(other) for one, other in pairs)


def _first_name(names: str) -> str:
    """The first of several names of a class, as ImageNet lists them."""
    return names.partition(",")[0].strip().casefold()


def _published(settings: ImportSettings, weights: TrainedWeights) -> dict[str, Any] | None:
    """What is published of the errors: as the settings say, else as the weights' publisher does."""
    if settings.published is None:
        return None if weights.published is None else dict(weights.published)
    return published_errors(settings.published.top1, settings.published.top5, source=settings.published.source)
