"""Build networks layer by layer: LeNet, softmax regression, perceptrons, maxout networks and radial basis functions."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import nn

from fooling.classifiers.architectures import Architecture
from fooling.messages import FoolingError

#: Images scored at once: among the fastest sizes on one core. Another size changes the last bits of all confidences,
#: and so the course of every evolution.
CHUNK_SIZE_OF_LENET = 50
CHUNK_SIZE_OF_DENSE = 200  # images scored at once: the weights are read once for all of them
ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
MOST_UNITS = 100_000
NEAREST = 1e-6  # distance at which the probability of a radial basis function stops growing


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


def lenet(name: str) -> Architecture:
    """Return the architecture; ``name`` is ``lenet``."""
    return Architecture(build=build_lenet, chunk_size=CHUNK_SIZE_OF_LENET)


def build_lenet(*, input_shape: tuple[int, int, int], classes: int) -> nn.Module:
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


class Maxout(nn.Module):
    """A dense layer whose units are each the largest of several linear functions (Goodfellow et al. 2013)."""

    def __init__(self, inputs: int, units: int, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces
        self.linear = nn.Linear(inputs, units * pieces)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return the units (B, U) of ``values`` (B, I)."""
        units: torch.Tensor = self.linear(values).unflatten(1, (-1, self.pieces)).amax(dim=2)
        return units


class RadialBasis(nn.Module):
    """One unit for each class, which is likely only near its centre: p = exp(-w |x - c|^2), as the log-odds of p.

    Trained with ``training.loss: sigmoids``, so that the sigmoid of an output is p.
    """

    def __init__(self, inputs: int, classes: int) -> None:
        super().__init__()
        self.centres = nn.Parameter(torch.rand(classes, inputs))
        self.log_widths = nn.Parameter(torch.full((classes,), -math.log(inputs)))  # log of w: p is about .7 at first

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return the log-odds (B, K) of ``values`` (B, I)."""
        squares = (values[:, None] - self.centres).square().sum(dim=2)
        distances = (squares * self.log_widths.exp()).clamp(min=NEAREST)
        log_odds: torch.Tensor = -distances - torch.log(-torch.expm1(-distances))
        return log_odds


def dense(name: str) -> Architecture:
    """Return the architecture ``name``: ``softmax-regression``, ``mlp``, ``maxout`` or ``rbf``."""
    return Architecture(build=BUILDERS[name], chunk_size=CHUNK_SIZE_OF_DENSE)


def build_softmax_regression(*, input_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """Build one linear layer with new weights, from images ``(C, H, W)`` to logits (B, classes)."""
    return nn.Sequential(nn.Flatten(), _linear(math.prod(input_shape), classes))


def build_mlp(
    *, input_shape: tuple[int, int, int], classes: int, hidden: Sequence[int] = (100, 100), activation: str = "relu"
) -> nn.Module:
    """Build a multilayer perceptron with new weights.

    Args:
        input_shape: Shape (C, H, W) of the images.
        classes: Number of logits.
        hidden: Units of each hidden layer.
        activation: relu, tanh or sigmoid.

    Raises:
        FoolingError: An option is invalid.
    """
    if activation not in ACTIVATIONS:
        raise FoolingError(
            "mlp has an invalid option", found=f"activation: {activation}", expected="|".join(ACTIVATIONS)
        )
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, units in _sizes(math.prod(input_shape), hidden, name="mlp"):
        layers += [_linear(inputs, units), ACTIVATIONS[activation]()]
    return nn.Sequential(*layers, _linear([math.prod(input_shape), *hidden][-1], classes))


def build_maxout(
    *, input_shape: tuple[int, int, int], classes: int, hidden: Sequence[int] = (240, 240), pieces: int = 5
) -> nn.Module:
    """Build a maxout network with new weights, by default of the size for MNIST of Goodfellow et al. (2013).

    Args:
        input_shape: Shape (C, H, W) of the images.
        classes: Number of logits.
        hidden: Units of each hidden layer.
        pieces: Linear functions of each unit.

    Raises:
        FoolingError: An option is invalid.
    """
    if not isinstance(pieces, int) or not 2 <= pieces <= 100:
        raise FoolingError("maxout has an invalid option", found=f"pieces: {pieces}", expected="a number from 2 to 100")
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, units in _sizes(math.prod(input_shape), hidden, name="maxout"):
        layer = Maxout(inputs, units, pieces)
        _initialise(layer.linear)
        layers.append(layer)
    return nn.Sequential(*layers, _linear([math.prod(input_shape), *hidden][-1], classes))


def build_rbf(*, input_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """Build one radial basis function for each class with new weights, for ``training.loss: sigmoids``."""
    return nn.Sequential(nn.Flatten(), RadialBasis(math.prod(input_shape), classes))


BUILDERS = {
    "softmax-regression": build_softmax_regression,
    "mlp": build_mlp,
    "maxout": build_maxout,
    "rbf": build_rbf,
}


def _sizes(inputs: int, hidden: Sequence[int], *, name: str) -> list[tuple[int, int]]:
    """Return the inputs and units of each hidden layer."""
    if not isinstance(hidden, Sequence) or not all(
        isinstance(units, int) and 1 <= units <= MOST_UNITS for units in hidden
    ):
        expected = f"a list of numbers from 1 to {MOST_UNITS:,}"
        raise FoolingError(f"{name} has an invalid option", found=f"hidden: {hidden}", expected=expected)
    return list(zip([inputs, *hidden], hidden, strict=False))


def _linear(inputs: int, units: int) -> nn.Linear:
    layer = nn.Linear(inputs, units)
    _initialise(layer)
    return layer


def _initialise(layer: nn.Linear) -> None:
    """Start weights uniform with the variance 1 / inputs, and biases at 0."""
    bound = math.sqrt(3 / layer.in_features)
    nn.init.uniform_(layer.weight, -bound, bound)
    nn.init.zeros_(layer.bias)
