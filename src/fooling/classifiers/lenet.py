"""Build LeNet as in Caffe's MNIST example, the network of the paper's MNIST experiments."""

from __future__ import annotations

import math
from collections import OrderedDict

import torch
from torch import nn

from fooling.classifiers.architectures import Architecture
from fooling.errors import FoolingError

#: Images scored at once: among the fastest sizes on one core. Another size changes the last bits of all confidences,
#: and so the course of every evolution.
CHUNK_SIZE = 50


class MaxPoolByTwo(nn.MaxPool2d):
    """Take the maximum of each 2x2 window, with sizes rounded up as in Caffe.

    In evaluation mode on a CPU it compares four views of its input: torch's own pooling records the position of each
    maximum, which only a gradient needs, and takes several times as long for the same values.
    """

    def __init__(self) -> None:
        super().__init__(2, ceil_mode=True)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return the maxima ``(B, C, ceil(H / 2), ceil(W / 2))`` of ``values`` (B, C, H, W)."""
        if self.training or values.is_cuda or values.shape[2] % 2 or values.shape[3] % 2:
            pooled: torch.Tensor = super().forward(values)
            return pooled
        rows = torch.maximum(values[:, :, ::2], values[:, :, 1::2])
        return torch.maximum(rows[..., ::2], rows[..., 1::2])


def architecture_of(name: str) -> Architecture:
    """Return the architecture; ``name`` is ``lenet``."""
    return Architecture(build=build, chunk_size=CHUNK_SIZE)


def build(*, input_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """Build a LeNet with new weights for images ``(C, H, W)``.

    It has 20 and 50 filters of 5x5, each pooled by 2, then 500 units. As in Caffe there is no ReLU after the
    convolutions, only after the 500 units (read in the released code and its version of Caffe). Weights start uniform
    in +-sqrt(3 / fan_in), biases at 0 (Caffe's LeNet example).
    """
    channels, height, width = input_shape
    rows, columns = _side_after_pooling(height), _side_after_pooling(width)
    if rows < 1 or columns < 1:
        raise FoolingError("these images are too small for LeNet", found=f"{height}x{width}", expected="at least 16x16")
    network = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, 20, kernel_size=5),
            pool1=MaxPoolByTwo(),
            conv2=nn.Conv2d(20, 50, kernel_size=5),
            pool2=MaxPoolByTwo(),
            flatten=nn.Flatten(),
            fc1=nn.Linear(50 * rows * columns, 500),
            relu1=nn.ReLU(inplace=True),
            fc2=nn.Linear(500, classes),
        )
    )
    network.apply(_initialise_as_caffe)
    return network


def _side_after_pooling(side: int) -> int:
    """Return the length of a side after both convolutions and poolings; Caffe's pooling rounds up."""
    return math.ceil((math.ceil((side - 4) / 2) - 4) / 2)


def _initialise_as_caffe(layer: nn.Module) -> None:
    """Initialise weights with Caffe's "xavier" filler and biases with its "constant" filler 0."""
    if isinstance(layer, nn.Conv2d | nn.Linear):
        bound = math.sqrt(3 / layer.weight[0].numel())
        nn.init.uniform_(layer.weight, -bound, bound)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
