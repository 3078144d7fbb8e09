"""What a network makes of an image just before it decides: the input of its last layer with weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fooling.classifiers.classifier import Classifier
from fooling.errors import FoolingError

#: Layers that can be the last one; whatever runs after it (pooling, softmax) only rearranges what it says.
DECIDING = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def logits_and_features(
    classifier: Classifier, images: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The logits (B, K) and features (B, D) of uint8 ``images`` (B, C, H, W).

    Features are what the linear or convolutional layer that runs last is given: the 500 units of LeNet, say. Maps, as
    before the last convolution of SqueezeNet, and sequences are averaged over their places. Of ten views the features
    are those of the first, the centre. Raises :class:`FoolingError` for a network without such a layer.
    """
    deciding = _deciding_layer(classifier)
    noted: list[NDArray[np.float32]] = []

    def note(layer: nn.Module, given: tuple[Any, ...]) -> None:
        noted.append(_averaged(given[0]).float().cpu().numpy().copy())

    told, features = [], []
    with deciding.register_forward_pre_hook(note):
        # Chunk by chunk, as every chunk is filled up to the same size: only the rows of images are kept.
        for start in range(0, len(images), classifier.chunk_size):
            chunk = torch.from_numpy(images[start : start + classifier.chunk_size])
            told.append(classifier.logits(chunk).cpu().numpy())
            features.append(noted[0][: len(chunk)])
            noted.clear()
    return np.concatenate(told), np.concatenate(features)


def _deciding_layer(classifier: Classifier) -> nn.Module:
    """The layer of :data:`DECIDING` that runs last; the order in which a network names its layers says nothing."""
    ran: list[nn.Module] = []
    layers = [layer for layer in classifier.network.modules() if isinstance(layer, DECIDING)]
    hooks = [layer.register_forward_pre_hook(lambda layer, given: ran.append(layer)) for layer in layers]
    classifier.logits(torch.zeros(1, *classifier.input_shape, dtype=torch.uint8))
    for hook in hooks:
        hook.remove()
    if not ran or ran.count(ran[-1]) > len(classifier.seen):
        raise FoolingError(
            f"the network {classifier.name} has no features: no layer decides at its end",
            found="a last layer that runs more than once" if ran else "no linear or convolutional layer that runs",
            expected="a torch.nn.Linear or a convolution as the last layer with weights",
            remedy="make the last step of the network such a layer",
        )
    return ran[-1]


def _averaged(given: Tensor) -> Tensor:
    """Features (B, D) of maps (B, D, ...), whatever their places; a sequence (B, T, D) as a linear layer takes it."""
    if given.dim() == 3:
        return given.mean(dim=1)
    return given.flatten(2).mean(dim=2) if given.dim() > 3 else given
