"""One step of gradient ascent: the gradient, how far to go along it, and what keeps the image regular.

With the log-odds l of the class, p = sigmoid(l), the gradient of the confidence is g = p (1 - p) dl/dx. Its norm
underflows where p is near 0 or 1, that of dl/dx never does: p and 1 - p enter as logarithms in float64.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from fooling.ascent.settings import AscentSettings
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.devices import enough_memory
from fooling.errors import FoolingError

KERNEL_REACH = 4.0  # standard deviations to which the Gaussian of the blur goes on


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


def rates(log_odds: Tensor, squared_norms: Tensor, settings: AscentSettings) -> Tensor:
    """The factors (B,) by which the gradients of the log-odds are added to the images, float64.

    The learning rate on the gradient g of the confidence p is min(largest, min(early, late (1 - p)) / |g|^2); the
    factor is that times p (1 - p), for g is so many times the gradient of the log-odds, whose ``squared_norms`` are
    given.
    """
    missing = logsigmoid(-log_odds)  # log(1 - p)
    slope = logsigmoid(log_odds) + missing
    early, late = math.log(settings.early_progress), math.log(settings.late_progress)
    progress = (missing + late).clamp(max=early)
    rate = (progress - 2 * slope - squared_norms.log()).clamp(max=math.log(settings.largest_rate))
    return (rate + slope).exp()


def regularised(moved: Tensor, gradients: Tensor, *, step: int, settings: AscentSettings) -> Tensor:
    """Images ``moved`` by the ``step`` (counted from 1), as differences from the mean image, made regular.

    Decay first, then the blur, then the pixels of small norm and of small benefit; a pixel's benefit is the sum over
    its channels of difference times gradient, to which first order its difference raises the confidence.
    """
    images = moved * (1 - settings.decay)
    if settings.blur_radius > 0 and step % settings.blur_every == 0:
        images = blurred(images, settings.blur_radius)
    images = _without_smallest(images, images.square().sum(dim=1), settings.small_norm_percentile)
    benefit = (images * gradients).sum(dim=1)
    images = _without_smallest(images, benefit, settings.small_benefit_percentile)
    absolute = (images * gradients).sum(dim=1).abs()
    return _without_smallest(images, absolute, settings.small_absolute_benefit_percentile)


def blurred(images: Tensor, radius: float) -> Tensor:
    """Images (B, C, H, W) under a Gaussian of standard deviation ``radius``, mirrored at their edges."""
    down, across = (_blur_matrix(side, radius).to(images) for side in images.shape[-2:])
    return down @ images @ across.T


def _gradients_of_chunk(classifier: Classifier, levels: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    inputs = [classifier.inputs(view.of(levels)).requires_grad_() for view in classifier.seen]
    with torch.enable_grad():
        logits = classifier.judged(inputs).double()
        own = logits.gather(1, classes[:, None]).squeeze(1)
        log_odds = own - logits.scatter(1, classes[:, None], -math.inf).logsumexp(dim=1)
        if not log_odds.requires_grad:
            raise FoolingError(
                f"the network {classifier.name} has no gradient",
                remedy="let it compute without no_grad and detach, or leave it out of the gradient ascent",
            )
        work = f"the gradient of the network {classifier.name}"
        with enough_memory(work, setting="chunk_size", value=classifier.chunk_size):
            by_input = torch.autograd.grad(log_odds.sum(), inputs)
    gradients = torch.zeros_like(levels)
    for view, gradient in zip(classifier.seen, by_input, strict=True):
        view.add_to(gradients, gradient.double() * classifier.scale)
    return log_odds.detach(), gradients


def _without_smallest(images: Tensor, values: Tensor, percentile: float) -> Tensor:
    """``images`` (B, C, H, W) at the mean wherever ``values`` (B, H, W) lie below their percentile in the image."""
    if percentile == 0:
        return images
    bounds = values.flatten(1).quantile(percentile / 100, dim=1)
    return images.masked_fill((values < bounds[:, None, None])[:, None], 0.0)


def _blur_matrix(side: int, radius: float) -> Tensor:
    """The matrix (side, side) that blurs a line of pixels."""
    reach = int(KERNEL_REACH * radius + 0.5)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / radius) ** 2)
    sources = np.pad(np.arange(side), reach, mode="symmetric")
    matrix = np.zeros((side, side))
    for offset, weight in enumerate(weights / weights.sum()):
        matrix[np.arange(side), sources[offset : offset + side]] += weight
    return torch.from_numpy(matrix)
