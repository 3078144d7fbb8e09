"""Score inputs that are no images: levels of any size, and how a network was built and trained."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from fooling.classifiers.classifier import Classifier
from fooling.errors import FoolingError


@torch.no_grad()
def logits_of_levels(classifier: Classifier, levels: torch.Tensor) -> torch.Tensor:
    """Return float32 logits (B, K) for float ``levels`` (B, C, H, W), which may lie outside 0 to 255.

    The levels are preprocessed as those of an image, and scored in chunks of the classifier's size. Raises
    :class:`FoolingError` for another shape, and for logits that are not finite.
    """
    if tuple(levels.shape[1:]) != classifier.input_shape:
        raise FoolingError(
            f"the network {classifier.name} takes other images",
            found="x".join(map(str, levels.shape[1:])),
            expected="x".join(map(str, classifier.input_shape)),
            remedy="name a data set with images of this shape",
        )
    logits = torch.cat([classifier.logits_of_inputs(fed)[:count] for fed, count in _chunks(classifier, levels)])
    if not math.isfinite(logits.sum().item()):
        raise FoolingError(
            f"the network {classifier.name} gives logits that are not finite numbers for inputs far from the data",
            found=f"{int((~logits.isfinite()).any(dim=1).sum())} of {len(levels)} inputs",
            remedy="set far.doublings lower, or leave the network out of far.classifiers",
        )
    return logits


def loss_of(classifier: Classifier) -> str:
    """Return the loss with which the study trained a classifier; ``softmax`` if another program trained it."""
    return str(_training_of(classifier).get("loss", "softmax"))


def weight_decay_of(classifier: Classifier) -> float | None:
    """Return the weight decay with which the study trained a classifier; None if another program trained it."""
    decay = _training_of(classifier).get("optimiser", {}).get("weight_decay")
    return None if decay is None else float(decay)


def built_as(classifier: Classifier) -> str:
    """Return the architecture of a classifier with its options, and its loss unless that is the usual one.

    For example ``mlp, activation tanh, hidden 200-200`` or ``softmax-regression, sigmoids``.
    """
    if members := classifier.options.get("members"):
        return f"{classifier.architecture} of {len(members)}"
    loss = loss_of(classifier)
    words = [classifier.architecture]
    words += [f"{name} {_in_words(value)}" for name, value in sorted(classifier.options.items())]
    return ", ".join([*words, *([loss] if loss != "softmax" else [])])


def _chunks(classifier: Classifier, levels: torch.Tensor) -> Iterator[tuple[Iterator[torch.Tensor], int]]:
    """Yield the network input of each view of each chunk, padded to the chunk size, and its number of inputs."""
    size = classifier.chunk_size
    for start in range(0, len(levels), size):
        part = levels[start : start + size].to(classifier.device, torch.float32)
        padded = torch.cat([part, part.new_zeros(size - len(part), *part.shape[1:])])
        yield (classifier.inputs(view.of(padded)) for view in classifier.seen), len(part)


def _training_of(classifier: Classifier) -> Mapping[str, Any]:
    settings = classifier.provenance.get("settings")
    training = settings.get("training") if isinstance(settings, Mapping) else None
    return training if isinstance(training, Mapping) else {}


def _in_words(value: object) -> str:
    return "-".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
