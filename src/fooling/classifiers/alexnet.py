"""AlexNet as in torchvision, for any number of classes and any image size it can take."""

from __future__ import annotations

from typing import Literal

from torch import nn

from fooling.classifiers.vision import require_colour
from fooling.errors import FoolingError
from fooling.torchvision_import import torchvision

#: Images scored at once: each chunk reads all 57 million weights, and a batch is often a multiple of 50.
CHUNK_SIZE = 50


def build(
    *,
    input_shape: tuple[int, int, int],
    classes: int,
    dropout: float = 0.5,
    first_weights: Literal["torchvision", "he"] = "torchvision",
) -> nn.Module:
    """An AlexNet with fresh weights for RGB images ``(3, H, W)`` of at least 63x63 pixels.

    ``first_weights`` are torchvision's, or those of He et al. (2015), with which a short training gets further.
    """
    channels, height, width = input_shape
    require_colour("AlexNet", channels=channels)
    if min(height, width) < 63:
        remedy = "enlarge the data set's images, or `input.crop`"
        raise FoolingError(
            "AlexNet cannot take images this small", found=f"{height}x{width}", expected="at least 63x63", remedy=remedy
        )
    if first_weights not in ("torchvision", "he"):
        raise FoolingError("AlexNet knows no such first weights", found=first_weights, expected="torchvision or he")
    network: nn.Module = torchvision.models.alexnet(num_classes=classes, dropout=dropout)
    if first_weights == "he":
        network.apply(_initialise_as_he)
        nn.init.normal_(network.get_submodule("classifier.6").weight, std=0.01)  # type: ignore[arg-type]
    return network


def _initialise_as_he(layer: nn.Module) -> None:
    """Normal weights that keep the variance of activations through rectified layers; biases 0."""
    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
