"""A network of your own: any Python file with a function that builds a torch module."""

from __future__ import annotations

from torch import nn

#: Images scored at once, always as many; optional, 32 if it is not given.
CHUNK_SIZE = 50


def build(*, input_shape: tuple[int, int, int], classes: int, width: int = 16) -> nn.Module:
    """A small network for images ``(C, H, W)`` that gives one logit per class; ``width`` is an option of its own."""
    channels, _, _ = input_shape
    return nn.Sequential(
        nn.Conv2d(channels, width, kernel_size=5, stride=2),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, 2 * width, kernel_size=3, stride=2),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(2 * width * 16, classes),
    )
