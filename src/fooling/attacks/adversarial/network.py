"""A classifier of images on the 0..1 scale, with gradients and a count of its evaluations."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from fooling.classifiers.classifier import Classifier
from fooling.classifiers.gradients import log_odds_gradients
from fooling.classifiers.network_code import network_code

Array = NDArray[np.floating]

LEVELS = 255.0
BACKWARD = 2  # evaluations: the work of a backward pass in forward passes


class Network:
    """A classifier as methods see it. ``evaluations`` counts a forward pass as one and a gradient as three."""

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = classifier
        self.evaluations = 0

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.classifier.class_names)

    def logits(self, images: Array) -> NDArray[np.float32]:
        """Return the logits (B, K) of ``images`` (B, C, H, W), unrounded, 0 to 1."""
        self.evaluations += len(images)
        return self._logits(images)

    def labels(self, images: Array) -> NDArray[np.int64]:
        """Return the most probable class (B,) of ``images`` (B, C, H, W), unrounded, 0 to 1."""
        labels: NDArray[np.int64] = self.logits(images).argmax(axis=1)
        return labels

    def gradients(self, images: Array, classes: NDArray[np.int64]) -> tuple[Array, Array]:
        """Return the log-odds (B,) of ``classes`` (B,) and their gradients (B, C, H, W) by ``images``, float64."""
        self.evaluations += (1 + BACKWARD) * len(images)
        wanted = torch.from_numpy(classes).to(self.classifier.device)
        log_odds, gradients = log_odds_gradients(self.classifier, self._levels(images), wanted)
        return log_odds.cpu().numpy(), LEVELS * gradients.cpu().numpy()

    def logit_gradients(self, images: Array, classes: list[int]) -> Array:
        """Return the gradients (B, len(classes), C, H, W) of the logits of ``classes`` by ``images``, float32.

        Counts one forward pass, and a backward pass for each class.
        """
        self.evaluations += self.evaluations_of_gradients(len(classes)) * len(images)
        levels, classifier = self._levels(images), self.classifier
        inputs = [classifier.inputs(view.of(levels)).requires_grad_() for view in classifier.seen]
        found = []
        with network_code(f"the network {classifier.name} has no gradients"), torch.enable_grad():
            logits = classifier.logits_of_inputs(inputs)
            for index in classes:
                by_input = torch.autograd.grad(logits[:, index].sum(), inputs, retain_graph=True)
                gradients = torch.zeros_like(levels)
                for view, gradient in zip(classifier.seen, by_input, strict=True):
                    view.add_to(gradients, gradient.double() * classifier.scale)
                found.append(gradients)
        stacked: Array = (LEVELS * torch.stack(found, dim=1)).float().cpu().numpy()
        return stacked

    @staticmethod
    def evaluations_of_gradients(classes: int) -> int:
        """Return what :meth:`logit_gradients` of so many classes counts for one image."""
        return 1 + BACKWARD * classes

    def final_labels(self, images: Array) -> NDArray[np.int64]:
        """Return the most probable class (B,) of ``images``, in padded chunks: a label is a function of its image.

        These evaluations are not counted.
        """
        size, found = self.classifier.chunk_size, []
        for start in range(0, len(images), size):
            chunk = images[start : start + size]
            padded = np.zeros((size, *images.shape[1:]))
            padded[: len(chunk)] = chunk
            found.append(self._logits(padded)[: len(chunk)].argmax(axis=1))
        return np.concatenate(found)

    @torch.no_grad()
    def _logits(self, images: Array) -> NDArray[np.float32]:
        size = self.classifier.chunk_size
        parts = []
        for start in range(0, len(images), size):
            levels = self._levels(images[start : start + size])
            fed = (self.classifier.inputs(view.of(levels)) for view in self.classifier.seen)
            parts.append(self.classifier.logits_of_inputs(fed).float().cpu().numpy())
        return np.concatenate(parts)

    def _levels(self, images: Array) -> torch.Tensor:
        """Return ``images`` as float64 levels, 0 to 255, on the device of the classifier."""
        return LEVELS * torch.from_numpy(np.asarray(images, dtype=np.float64)).to(self.classifier.device)
