"""Gradients of a classifier's log-odds by the levels of an image, which gradient attacks follow."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fooling.classifiers.classifier import Classifier
from fooling.classifiers.devices import enough_memory
from fooling.classifiers.network_code import network_code
from fooling.errors import FoolingError

REMEDY = (
    "let it compute without no_grad, detach and the like, or remove it from `classifiers` in every entry of `ascent`: "
    "everything else works without gradients"
)


def log_odds_gradients(classifier: Classifier, levels: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    """Log-odds (B,) of ``classes`` (B,) in images of unrounded ``levels`` (B, C, H, W), and their gradients by level.

    Both are float64; the network computes in float32, on chunks of its chunk size. Raises :class:`FoolingError` for a
    network without gradients, and for numbers that are not finite.
    """
    chunks = [slice(start, start + classifier.chunk_size) for start in range(0, len(levels), classifier.chunk_size)]
    parts = [_gradients_of_chunk(classifier, levels[chunk], classes[chunk]) for chunk in chunks]
    log_odds, gradients = (torch.cat(part) for part in zip(*parts, strict=True))
    if not math.isfinite(log_odds.sum().item() + gradients.sum().item()):
        raise FoolingError(
            f"the network {classifier.name} gives gradients that are not finite numbers",
            remedy="check its weights and its preprocessing, or train it again with a lower learning rate",
        )
    return log_odds, gradients


def _gradients_of_chunk(classifier: Classifier, levels: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    inputs = [classifier.inputs(view.of(levels)).requires_grad_() for view in classifier.seen]
    problem = f"the network {classifier.name} has no gradients"
    work = f"the gradient of the network {classifier.name}"
    with network_code(problem, remedy=REMEDY), torch.enable_grad():
        logits = classifier.judged(inputs).double()
        own = logits.gather(1, classes[:, None]).squeeze(1)
        log_odds = own - logits.scatter(1, classes[:, None], -math.inf).logsumexp(dim=1)
        if not log_odds.requires_grad:
            raise FoolingError(problem, found="scores that do not depend on weights or image", remedy=REMEDY)
        with enough_memory(work, setting="chunk_size", value=classifier.chunk_size):
            by_input = torch.autograd.grad(log_odds.sum(), inputs, allow_unused=True)
    gradients = torch.zeros_like(levels)
    for view, gradient in zip(classifier.seen, by_input, strict=True):
        if gradient is None:
            raise FoolingError(
                problem, found="a part that cuts the image off, such as layers in no_grad", remedy=REMEDY
            )
        view.add_to(gradients, gradient.double() * classifier.scale)
    return log_odds.detach(), gradients
