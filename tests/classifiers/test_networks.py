"""LeNet has Caffe's layers, sizes and first weights."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fooling.classifiers.architectures import build_network
from fooling.classifiers.networks import MaxPoolByTwo, build_lenet
from fooling.messages import FoolingError

SHAPE = (1, 4, 5)


def test_layers_are_those_of_caffes_example() -> None:
    network = build_lenet(input_shape=(1, 28, 28), classes=10)
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
    network = build_lenet(input_shape=(1, 28, 28), classes=10)
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
    network = build_lenet(input_shape=(1, 28, 28), classes=10)
    for name, fan_in in (("conv1", 25), ("conv2", 500), ("fc1", 800), ("fc2", 500)):
        layer, bound = network.get_submodule(name), math.sqrt(3 / fan_in)
        assert layer.weight.abs().max() <= bound
        assert layer.weight.std().item() == pytest.approx(1 / math.sqrt(fan_in), rel=0.1)
        assert (layer.bias == 0).all()


@pytest.mark.parametrize(("shape", "classes"), [((3, 32, 48), 7), ((1, 16, 16), 2), ((1, 29, 31), 3)])
def test_other_sizes_colours_and_classes_fit(shape: tuple[int, int, int], classes: int) -> None:
    assert build_lenet(input_shape=shape, classes=classes)(torch.zeros(2, *shape)).shape == (2, classes)


def test_images_too_small_are_refused() -> None:
    with pytest.raises(FoolingError, match="12x40"):
        build_lenet(input_shape=(1, 12, 40), classes=10)


def built(name: str, **options: Any) -> torch.nn.Module:
    torch.manual_seed(0)
    return build_network(name, input_shape=SHAPE, classes=3, options=options)


def arrays(network: torch.nn.Module) -> list[np.ndarray]:
    return [value.detach().double().numpy() for value in network.parameters()]


def outputs(network: torch.nn.Module, images: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        return network(images).numpy()


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(7, *SHAPE, generator=torch.Generator().manual_seed(1))


def test_softmax_regression_is_one_linear_layer(images: torch.Tensor) -> None:
    network = built("softmax-regression")
    weights, biases = arrays(network)
    expected = images.flatten(1).double().numpy() @ weights.T + biases
    np.testing.assert_allclose(outputs(network, images), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("activation", "function"),
    [("relu", lambda x: np.maximum(x, 0)), ("tanh", np.tanh), ("sigmoid", lambda x: 1 / (1 + np.exp(-x)))],
)
def test_a_perceptron_agrees_with_numpy(images: torch.Tensor, activation: str, function: Any) -> None:
    network = built("mlp", hidden=[6, 4], activation=activation)
    first, b1, second, b2, last, b3 = arrays(network)
    assert first.shape == (6, 20) and second.shape == (4, 6)
    values = images.flatten(1).double().numpy()
    expected = function(function(values @ first.T + b1) @ second.T + b2) @ last.T + b3
    np.testing.assert_allclose(outputs(network, images), expected, atol=1e-6)


def test_a_unit_of_maxout_is_the_largest_of_its_pieces(images: torch.Tensor) -> None:
    network = built("maxout", hidden=[4], pieces=3)
    first, b1, last, b2 = arrays(network)
    pieces = images.flatten(1).double().numpy() @ first.T + b1
    units = np.stack([pieces[:, unit * 3 : unit * 3 + 3].max(axis=1) for unit in range(4)], axis=1)
    np.testing.assert_allclose(outputs(network, images), units @ last.T + b2, atol=1e-6)


def test_a_radial_basis_function_is_likely_near_its_centre_alone(images: torch.Tensor) -> None:
    network = built("rbf")
    centres, log_widths = arrays(network)
    offsets = images.flatten(1).double().numpy()[:, None] - centres
    probabilities = np.exp(-np.exp(log_widths) * (offsets**2).sum(axis=2))
    np.testing.assert_allclose(torch.sigmoid(torch.from_numpy(outputs(network, images))), probabilities, atol=1e-5)
    far = outputs(network, 1000 * images)
    assert np.isfinite(far).all() and (far < -1000).all()
    at_centre = outputs(network, torch.from_numpy(centres).float().view(3, *SHAPE))
    assert np.isfinite(at_centre).all() and (np.diag(at_centre) > 13).all()


def test_a_perceptron_without_hidden_layers_is_softmax_regression(images: torch.Tensor) -> None:
    np.testing.assert_array_equal(
        outputs(built("mlp", hidden=[]), images), outputs(built("softmax-regression"), images)
    )


@pytest.mark.parametrize(
    ("name", "options", "named"),
    [
        ("mlp", {"activation": "gelu"}, "activation: gelu"),
        ("mlp", {"hidden": 100}, "hidden: 100"),
        ("mlp", {"hidden": [0]}, "hidden: "),
        ("mlp", {"width": 3}, "width"),
        ("maxout", {"pieces": 1}, "pieces: 1"),
        ("maxout", {"hidden": ["a"]}, "hidden: "),
        ("rbf", {"widths": 3}, "widths"),
    ],
)
def test_invalid_options_are_named(name: str, options: dict[str, Any], named: str) -> None:
    with pytest.raises(FoolingError, match=named):
        built(name, **options)
