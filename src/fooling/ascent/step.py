"""One step of gradient ascent: how far to go along the gradient, and what keeps the image regular.

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

KERNEL_REACH = 4.0  # standard deviations to which the Gaussian of the blur goes on


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

    Decay first, then the blur, then the pixels of small norm and of small benefit; the benefit of keeping a pixel is
    the sum over its channels of difference times gradient: by this its difference raises the log-odds, to first order.
    """
    images = moved * (1 - settings.decay)
    first_blur = settings.first_blur or settings.blur_every
    if settings.blur_radius > 0 and step >= first_blur and (step - first_blur) % settings.blur_every == 0:
        images = blurred(images, settings.blur_radius)
    images = _without_smallest(images, images.square().sum(dim=1), settings.small_norm_percentile)
    benefit = (images * gradients).sum(dim=1) * (1 if settings.benefit_of == "keeping" else -1)
    images = _without_smallest(images, benefit, settings.small_benefit_percentile)
    absolute = (images * gradients).sum(dim=1).abs()
    return _without_smallest(images, absolute, settings.small_absolute_benefit_percentile)


def blurred(images: Tensor, radius: float) -> Tensor:
    """Images (B, C, H, W) under a Gaussian of standard deviation ``radius``, mirrored at their edges."""
    down, across = (_blur_matrix(side, radius).to(images) for side in images.shape[-2:])
    return down @ images @ across.T


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
