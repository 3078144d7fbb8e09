"""AlexNet as in torchvision, for any number of classes and any image size it can take."""

from __future__ import annotations

from torch import nn

from fooling.errors import FoolingError
from fooling.torchvision_import import torchvision

#: Images scored at once.
CHUNK_SIZE = 32


def build(*, input_shape: tuple[int, int, int], classes: int, dropout: float = 0.5) -> nn.Module:
    """An AlexNet with torchvision's fresh weights for RGB images ``(3, H, W)`` of at least 63x63 pixels."""
    channels, height, width = input_shape
    if channels != 3 or min(height, width) < 63:
        found = f"{channels} channels, {height}x{width}"
        raise FoolingError("AlexNet cannot take these images", found=found, expected="3 channels, at least 63x63")
    network: nn.Module = torchvision.models.alexnet(num_classes=classes, dropout=dropout)
    return network
