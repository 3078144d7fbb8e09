"""LeNet has Caffe's layers, sizes and first weights."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from fooling.classifiers.lenet import MaxPoolByTwo, build
from fooling.errors import FoolingError


def test_layers_are_those_of_caffes_example() -> None:
    network = build(input_shape=(1, 28, 28), classes=10)
    shapes = {name: tuple(value.shape) for name, value in network.named_parameters() if name.endswith("weight")}
    assert shapes == {
        "conv1.weight": (20, 1, 5, 5),
        "conv2.weight": (50, 20, 5, 5),
        "fc1.weight": (500, 800),
        "fc2.weight": (10, 500),
    }
    assert sum(value.numel() for value in network.parameters()) == 431_080
    assert [name for name, layer in network.named_children() if isinstance(layer, nn.ReLU)] == ["relu1"]


def test_convolution_and_pooling_agree_with_a_plain_reference() -> None:
    torch.manual_seed(0)
    network = build(input_shape=(1, 28, 28), classes=10)
    image = torch.rand(1, 1, 28, 28)
    weights = {name: value.detach().double().numpy() for name, value in network.named_parameters()}
    hidden = image[0].double().numpy()
    for name in ("conv1", "conv2"):
        windows = np.lib.stride_tricks.sliding_window_view(hidden, (5, 5), axis=(1, 2))
        hidden = np.einsum("chwij,ocij->ohw", windows, weights[f"{name}.weight"])
        channels, height, width = hidden.shape
        hidden = hidden.reshape(channels, height // 2, 2, width // 2, 2).max(axis=(2, 4))
        hidden += weights[f"{name}.bias"][:, None, None]
    hidden = np.maximum(weights["fc1.weight"] @ hidden.ravel() + weights["fc1.bias"], 0)
    expected = weights["fc2.weight"] @ hidden + weights["fc2.bias"]
    np.testing.assert_allclose(network(image)[0].detach().numpy(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("shape", [(3, 5, 24, 24), (2, 3, 7, 8), (2, 3, 8, 7)])
def test_pooling_gives_the_same_values_in_training_and_outside(
    shape: tuple[int, ...], layout: torch.memory_format
) -> None:
    values = torch.randn(shape).contiguous(memory_format=layout)
    pooling = MaxPoolByTwo()
    assert torch.equal(pooling.eval()(values), pooling.train()(values))


def test_first_weights_are_uniform_within_caffes_bounds_and_biases_zero() -> None:
    torch.manual_seed(0)
    network = build(input_shape=(1, 28, 28), classes=10)
    for name, fan_in in (("conv1", 25), ("conv2", 500), ("fc1", 800), ("fc2", 500)):
        layer, bound = network.get_submodule(name), math.sqrt(3 / fan_in)
        assert layer.weight.abs().max() <= bound
        assert layer.weight.std().item() == pytest.approx(1 / math.sqrt(fan_in), rel=0.1)
        assert (layer.bias == 0).all()


@pytest.mark.parametrize(("shape", "classes"), [((3, 32, 48), 7), ((1, 16, 16), 2), ((1, 29, 31), 3)])
def test_other_sizes_colours_and_classes_fit(shape: tuple[int, int, int], classes: int) -> None:
    assert build(input_shape=shape, classes=classes)(torch.zeros(2, *shape)).shape == (2, classes)


def test_images_too_small_are_refused() -> None:
    with pytest.raises(FoolingError, match="12x40"):
        build(input_shape=(1, 12, 40), classes=10)
