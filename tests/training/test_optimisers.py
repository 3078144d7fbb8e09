"""The steps are Caffe's, checked against its formulas in numpy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fooling.training.optimisers import learning_rate_at, make_optimiser, set_learning_rate
from fooling.training.settings import TrainingSettings

POLICIES: list[dict[str, Any]] = [
    {"kind": "inv", "gamma": 0.5, "power": 0.75},
    {"kind": "constant"},
    {"kind": "cosine", "warm_up": 3},
    {"kind": "step", "every": 4, "factor": 0.1},
]


def settings(policy: dict[str, Any], **others: Any) -> TrainingSettings:
    return TrainingSettings.model_validate({"iterations": 12, "learning_rate": 0.1, "policy": policy, **others})


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy["kind"])
def test_gradient_descent_steps_as_caffe(policy: dict[str, Any]) -> None:
    """V = momentum * V + rate * factor * (gradient + decay * W); W -= V (Caffe's solver, in float64 here)."""
    training = settings(policy, optimiser={"kind": "sgd", "momentum": 0.9, "weight_decay": 0.01})
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 4, 2).to(memory_format=torch.channels_last)
    optimiser = make_optimiser(layer, training)
    values = {name: value.detach().double().numpy().copy() for name, value in layer.named_parameters()}
    steps = {name: np.zeros_like(value) for name, value in values.items()}
    generator = np.random.default_rng(0)
    for iteration in range(training.iterations):
        rate = learning_rate_at(iteration, training)
        for name, parameter in layer.named_parameters():
            gradient = generator.normal(size=parameter.shape)
            parameter.grad = torch.empty_like(parameter).copy_(torch.from_numpy(gradient))
            factor = 2 if name == "bias" else 1
            steps[name] = 0.9 * steps[name] + rate * factor * (gradient + 0.01 * values[name])
            values[name] -= steps[name]
        set_learning_rate(optimiser, iteration, training)
        optimiser.step()
        for name, parameter in layer.named_parameters():
            np.testing.assert_allclose(parameter.detach().numpy(), values[name], rtol=1e-4, atol=1e-6)


def test_the_rate_falls_in_steps() -> None:
    training = settings({"kind": "step", "every": 5, "factor": 0.1})
    found = [learning_rate_at(iteration, training) for iteration in range(12)]
    assert found == pytest.approx([0.1] * 5 + [0.01] * 5 + [0.001] * 2)


def test_the_defaults_are_caffes_solver_for_lenet() -> None:
    training = TrainingSettings()
    assert learning_rate_at(0, training) == 0.01
    assert learning_rate_at(5000, training) == pytest.approx(0.01 * 1.5**-0.75)
    assert (training.iterations, training.batch_size) == (10_000, 64)
    assert training.optimiser.model_dump() == {
        "kind": "sgd",
        "momentum": 0.9,
        "weight_decay": 5e-4,
        "bias_rate_factor": 2.0,
    }


def test_the_cosine_rises_and_falls() -> None:
    training = settings({"kind": "cosine", "warm_up": 4})
    rates = [learning_rate_at(iteration, training) for iteration in range(12)]
    assert rates[:5] == pytest.approx([0.025, 0.05, 0.075, 0.1, 0.1])
    assert rates[8] == pytest.approx(0.05)
    assert rates[11] == pytest.approx(0.05 * (1 + math.cos(math.pi * 7 / 8)))


def test_adam_takes_the_rate_of_the_policy_and_of_the_kind_of_layer() -> None:
    training = settings({"kind": "constant"}, optimiser={"kind": "adam", "linear_rate_factor": 0.25})
    network = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Flatten(), nn.Linear(2, 1))
    before = [parameter.detach().clone() for parameter in network.parameters()]
    for parameter in network.parameters():
        parameter.grad = torch.full_like(parameter, -3.0)
    optimiser = make_optimiser(network, training)
    set_learning_rate(optimiser, 0, training)
    optimiser.step()
    steps = [float((now.detach() - then).mean()) for now, then in zip(network.parameters(), before, strict=True)]
    assert steps == pytest.approx([0.1, 0.1, 0.025, 0.025], rel=1e-4)
