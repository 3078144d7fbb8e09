"""Networks of dense layers compute what plain numpy computes, and refuse options that they cannot have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from fooling.classifiers.architectures import build_network
from fooling.errors import FoolingError

SHAPE = (1, 4, 5)


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
