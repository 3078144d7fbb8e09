"""A small classifier whose gradient is written down by hand: softmax regression on 5x6 images in colour."""

from __future__ import annotations

import numpy as np
import torch

from fooling.classifiers.classifier import Classifier

SHAPE = (3, 5, 6)
CLASSES = 3


class HandMade:
    """The same network in numpy, float64."""

    def __init__(self, weights: np.ndarray, bias: np.ndarray, offset: np.ndarray, scale: np.ndarray) -> None:
        self.weights, self.bias, self.offset, self.scale = weights, bias, offset, scale

    def logits(self, levels: np.ndarray) -> np.ndarray:
        """Logits (B, K) of levels (B, C, H, W)."""
        inputs = (levels - self.offset) * self.scale
        return inputs.reshape(len(levels), -1) @ self.weights.T + self.bias

    def confidence_and_gradient(self, levels: np.ndarray, class_index: int) -> tuple[float, np.ndarray]:
        """Softmax probability of the class in one image (C, H, W), and its gradient by level: p (w_k - sum p_j w_j)."""
        logits = self.logits(levels[None])[0]
        confidences = np.exp(logits - logits.max())
        confidences /= confidences.sum()
        by_input = confidences[class_index] * (self.weights[class_index] - confidences @ self.weights)
        return float(confidences[class_index]), by_input.reshape(SHAPE) * self.scale


def made_classifier(weights: np.ndarray, bias: np.ndarray, *, mean: float = 90.0, chunk_size: int = 4) -> Classifier:
    """Softmax regression with these weights (K, C * H * W) and bias (K,)."""
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(weights.shape[1], len(weights)))
    with torch.no_grad():
        network[1].weight.copy_(torch.from_numpy(weights))
        network[1].bias.copy_(torch.from_numpy(bias))
    generator = torch.Generator().manual_seed(5)
    return Classifier(
        name="linear",
        architecture="test",
        network=network,
        input_shape=SHAPE,
        class_names=tuple("abcdef"[: len(weights)]),
        offset=torch.tensor([30.0, 60.0, 0.0]).view(3, 1, 1),
        scale=torch.tensor([1 / 256, 1 / 100, 1 / 255]).view(3, 1, 1),
        training_mean=mean + 20 * torch.rand(SHAPE, generator=generator),
        chunk_size=chunk_size,
        device=torch.device("cpu"),
    )
