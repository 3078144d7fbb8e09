"""Wrap any trained network, or any function that scores images, as a classifier; no data set is needed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from fooling.classifiers.assembly import offset_and_scale, training_mean_of
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.header import Outputs
from fooling.classifiers.network_code import network_code, tried_logits
from fooling.classifiers.probe import require_usable
from fooling.classifiers.settings import InputSettings
from fooling.classifiers.views import fed_shape
from fooling.errors import FoolingError
from fooling.images import noise_images

CHUNK_SIZE = 32  # images scored at once, unless something else is asked for
SUM = 1e-3  # probabilities whose sum differs by less from 1 are those of all classes

#: A function from uint8 images (B, C, H, W) to the score of each class (B, K).
Scorer = Callable[[NDArray[np.uint8]], Any]


class ScoringFunction(nn.Module):
    """A function that scores images, as a network whose input are levels ``(B, C, H, W)``; it has no gradients."""

    def __init__(self, function: Scorer) -> None:
        super().__init__()
        self._function = function

    @torch.no_grad()
    def forward(self, levels: torch.Tensor) -> torch.Tensor:
        """Return the scores ``(B, K)``, float32."""
        images = levels.round().clamp(0, 255).to(torch.uint8).cpu().numpy()
        scores = np.asarray(self._function(np.ascontiguousarray(images)), dtype=np.float32)
        if scores.ndim != 2 or len(scores) != len(images):
            raise FoolingError(
                "the function does not give one score for each class",
                found=f"an array of shape {scores.shape} for {len(images)} images",
                expected=f"({len(images)}, K) for K classes",
            )
        return torch.from_numpy(scores).to(levels.device)


def wrapped(
    model: nn.Module | Scorer,
    *,
    name: str,
    input_shape: tuple[int, int, int],
    class_names: Sequence[str] | None = None,
    input_settings: InputSettings | None = None,
    outputs: Outputs | None = None,
    chunk_size: int | None = None,
    device: torch.device | None = None,
) -> Classifier:
    """Return ``model`` as a classifier, after checking that its scores depend on each image alone.

    Args:
        model: A network, which is set up for scoring, or a function from uint8 images (B, C, H, W) to scores (B, K).
        name: Name of the classifier.
        input_shape: Shape (C, H, W) of the images.
        class_names: Names of the classes in the network's order; None: their numbers.
        input_settings: How levels become the input of a network: by default divided by 255. A function is always given
            the images themselves.
        outputs: Whether the scores are logits or probabilities; None: probabilities if those of noise images are
            between 0 and 1 and sum to 1.
        chunk_size: How many images are scored at once.
        device: Where a network computes: by default on the CPU.

    Raises:
        FoolingError: The model cannot score such images, has another number of classes or fewer than two, or its scores
            depend on more than the image.
    """
    is_network = isinstance(model, nn.Module)
    network: nn.Module = model if isinstance(model, nn.Module) else ScoringFunction(model)
    used = (input_settings or InputSettings(divisor=255.0)) if is_network else InputSettings(divisor=1.0)
    mean = training_mean_of(np.zeros((0, *input_shape), np.uint8))
    offset, scale = offset_and_scale(used, mean)
    count = _count_of_scores(network, fed_shape(input_shape, used.crop), name=name)
    names = tuple(map(str, range(count))) if class_names is None else tuple(class_names)
    if count < 2 or len(names) != count or len(set(names)) != count:
        raise FoolingError(
            f"the classes of {name} do not fit its scores",
            found=f"{len(names)} class names, {len(set(names))} of them different",
            expected=f"a different name for each of its {count} scores, which must be at least two",
            remedy="give the names in the network's own order, or none",
        )
    classifier = Classifier(
        name=name,
        architecture=type(network).__name__,
        network=network,
        input_shape=input_shape,
        crop=used.crop,
        views=used.views,
        class_names=names,
        offset=offset,
        scale=scale,
        training_mean=mean,
        chunk_size=chunk_size or CHUNK_SIZE,
        device=device or torch.device("cpu"),
        outputs=outputs or "logits",
    )
    noise = torch.from_numpy(noise_images(input_shape))
    if outputs is None and _are_probabilities(classifier.logits(noise)):
        classifier = dataclasses.replace(classifier, outputs="probabilities")
    require_usable(classifier, noise)
    return classifier


def _count_of_scores(network: nn.Module, shape: tuple[int, int, int], *, name: str) -> int:
    """Return the number of scores that ``network`` gives for an image of ``shape``, in the layout in which it runs."""
    expected = f"scores (B, K) for images (B, {', '.join(map(str, shape))})"
    with network_code(f"{name} cannot process these images", expected=expected), torch.no_grad():
        scores = tried_logits(network.eval(), (2, *shape))
    found = tuple(scores.shape) if isinstance(scores, torch.Tensor) else type(scores).__name__
    if not isinstance(found, tuple) or len(found) != 2 or found[0] != 2:
        raise FoolingError(
            f"{name} does not give one score for each class", found=f"{found} for 2 images", expected=expected
        )
    return int(found[1])


def _are_probabilities(scores: torch.Tensor) -> bool:
    return bool((scores >= 0).all() and ((scores.sum(dim=1) - 1).abs() < SUM).all())
