"""LeNet as Caffe's MNIST example defines it, the network of the paper's MNIST experiments."""

from __future__ import annotations

import math
from collections import OrderedDict

from torch import nn

from fooling.errors import FoolingError

#: Images scored at once: the fastest of the sizes tried on one core.
CHUNK_SIZE = 50


def build(*, input_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """A LeNet with fresh weights for images ``(C, H, W)``: 20 and 50 filters of 5x5, each pooled by 2, then 500 units.

    As in Caffe there is no ReLU after the convolutions, only after the 500 units (status of this fact: read in the
    released code and its Caffe). Weights start uniform in +-sqrt(3 / fan_in), biases at 0 (remembered, unverified).
    """
    channels, height, width = input_shape
    rows, columns = _side_after_pooling(height), _side_after_pooling(width)
    if rows < 1 or columns < 1:
        raise FoolingError("LeNet cannot take images this small", found=f"{height}x{width}", expected="at least 16x16")
    network = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, 20, kernel_size=5),
            pool1=nn.MaxPool2d(2, ceil_mode=True),
            conv2=nn.Conv2d(20, 50, kernel_size=5),
            pool2=nn.MaxPool2d(2, ceil_mode=True),
            flatten=nn.Flatten(),
            fc1=nn.Linear(50 * rows * columns, 500),
            relu1=nn.ReLU(inplace=True),
            fc2=nn.Linear(500, classes),
        )
    )
    network.apply(_initialise_as_caffe)
    return network


def _side_after_pooling(side: int) -> int:
    """A side's length after both convolutions and poolings; Caffe's pooling rounds up."""
    return math.ceil((math.ceil((side - 4) / 2) - 4) / 2)


def _initialise_as_caffe(layer: nn.Module) -> None:
    """Caffe's "xavier" filler for weights, its "constant" filler 0 for biases."""
    if isinstance(layer, nn.Conv2d | nn.Linear):
        bound = math.sqrt(3 / layer.weight[0].numel())
        nn.init.uniform_(layer.weight, -bound, bound)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
