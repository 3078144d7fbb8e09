"""The steps of a universal perturbation, and of a network that is fine-tuned against one."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fooling.attacks.record import Norm
from fooling.attacks.universal.record import perturbed
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.gradients import Array, Network
from fooling.classifiers.network_code import network_code
from fooling.errors import REMEDY, FoolingError

Labels = NDArray[np.int64]

#: Log-odds of the original label below which an image no longer counts in a step: p = .0067.
MARGIN = 5.0
MOMENTUM = 0.9  # of the fine-tuning


class FineTuned:
    """A copy of a classifier whose network is trained further, in evaluation mode: without dropout."""

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = dataclasses.replace(classifier, network=copy.deepcopy(classifier.network))
        network = self.classifier.network
        self._weights = [weights.requires_grad_() for weights in network.parameters() if weights.is_floating_point()]
        if not self._weights:
            raise FoolingError(
                f"the network {classifier.name} has no weights to fine-tune",
                remedy="set rounds: 0, or remove it from the `classifiers` of the attack",
            )
        self._speeds = [torch.zeros_like(weights) for weights in self._weights]

    def step(self, images: NDArray[np.uint8], classes: Labels, *, rate: float) -> None:
        """Make one step of gradient descent on the cross-entropy of ``images`` (B, C, H, W) and their ``classes``."""
        classifier = self.classifier
        levels = torch.from_numpy(images).to(classifier.device)
        with network_code(f"the network {classifier.name} cannot be fine-tuned"), torch.enable_grad():
            logits = classifier.logits_of_inputs([classifier.inputs(view.of(levels)) for view in classifier.seen])
            loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(classes).to(classifier.device))
            gradients = torch.autograd.grad(loss, self._weights, allow_unused=True)
        with torch.no_grad():
            for weights, speed, gradient in zip(self._weights, self._speeds, gradients, strict=True):
                if gradient is not None:
                    weights -= rate * speed.mul_(MOMENTUM).add_(gradient)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the weights and their momentum, by name."""
        return {name: np.ascontiguousarray(tensor.detach().cpu().numpy()) for name, tensor in self._named().items()}

    def restore(self, arrays: Mapping[str, NDArray[Any]], *, source: object) -> None:
        """Resume from a state; raise :class:`FoolingError`, naming the ``source``, for that of another network."""
        with torch.no_grad():
            for name, tensor in self._named().items():
                if name not in arrays or arrays[name].shape != tuple(tensor.shape):
                    raise FoolingError(f"{source} is no state of this work", found=f"no {name}", remedy=REMEDY)
                tensor.copy_(torch.from_numpy(arrays[name].copy()))

    def _named(self) -> dict[str, torch.Tensor]:
        parts = {"weights": self._weights, "speeds": self._speeds}
        return {f"tuned/{part}/{place}": tensor for part, found in parts.items() for place, tensor in enumerate(found)}


def moved(
    network: Network, images: Array, labels: Labels, change: Array, *, norm: Norm, size: float, length: float
) -> tuple[Array, Array]:
    """Return the perturbation after one step, and the log-odds (B,) of ``labels`` before it.

    The step is against the summed gradient of the log-odds of ``labels`` by the ``change`` (C, H, W) of ``images``
    (B, C, H, W), all on the 0..1 scale. Pixels that are clipped have no gradient, and images that are fooled by more
    than :data:`MARGIN` do not count. The step changes each pixel by ``length`` for linf, and has this root mean square
    for l2; the result is projected on the ball of the ``norm`` and ``size``.
    """
    changed = images + change
    log_odds, gradients = network.gradients(np.clip(changed, 0, 1), labels)
    counted = (changed >= 0) & (changed <= 1) & (log_odds > -MARGIN)[:, None, None, None]
    direction = -np.where(counted, gradients, 0).sum(axis=0)
    if norm == "linf":
        return np.clip(change + length * np.sign(direction), -size, size), log_odds
    steepness = np.sqrt(np.square(direction).mean())
    further = change + (length / steepness * direction if steepness > 0 else 0)
    return further * min(1.0, size / max(float(np.sqrt(np.square(further).mean())), 1e-300)), log_odds


def seen_pixels(classifier: Classifier) -> NDArray[np.bool_]:
    """Return which pixels (C, H, W) of an image the classifier sees."""
    seen = torch.zeros(classifier.input_shape)
    for view in classifier.seen:
        view.add_to(seen, torch.ones_like(view.of(seen)))
    pixels: NDArray[np.bool_] = (seen > 0).numpy()
    return pixels


def labels_of(classifier: Classifier, images: NDArray[np.uint8], change: Array | None = None) -> Labels:
    """Return the most probable class (B,) of stored ``images`` (B, C, H, W), with a ``change`` if there is one."""
    found = []
    for start in range(0, len(images), classifier.chunk_size):
        chunk = images[start : start + classifier.chunk_size]
        stored = chunk if change is None else perturbed(chunk, change)
        found.append(classifier.logits(torch.from_numpy(stored)).argmax(dim=1).cpu().numpy())
    labels: Labels = np.concatenate(found)
    return labels
