"""Caffe's stochastic gradient descent, and Adam, as torch optimisers whose learning rate follows a policy."""

from __future__ import annotations

import math

import torch
from torch import nn

from fooling.classifiers.settings import ConstantPolicy, InversePolicy, SgdSettings, TrainingSettings


def learning_rate_at(iteration: int, training: TrainingSettings) -> float:
    """The learning rate of ``iteration``, counted from 0.

    "inv" is ``rate * (1 + gamma * iteration) ** -power`` (Caffe's solver for LeNet; paper-facts, status C).
    """
    policy, rate = training.policy, training.learning_rate
    if isinstance(policy, ConstantPolicy):
        return rate
    if isinstance(policy, InversePolicy):
        return rate * math.pow(1 + policy.gamma * iteration, -policy.power)
    if iteration < policy.warm_up:
        return rate * (iteration + 1) / policy.warm_up
    fallen = (iteration - policy.warm_up) / (training.iterations - policy.warm_up)
    return rate * (1 + math.cos(math.pi * fallen)) / 2


def make_optimiser(network: nn.Module, training: TrainingSettings) -> torch.optim.Optimizer:
    """The optimiser of the settings; call :func:`set_learning_rate` before each of its steps."""
    if isinstance(training.optimiser, SgdSettings):
        groups = [
            {"params": weights_of(network), "rate_factor": 1.0},
            {"params": biases_of(network), "rate_factor": training.optimiser.bias_rate_factor},
        ]
        return torch.optim.SGD(
            groups,
            lr=training.learning_rate,
            momentum=training.optimiser.momentum,
            weight_decay=training.optimiser.weight_decay,
            fused=True,
        )
    return torch.optim.Adam(
        network.parameters(), lr=training.learning_rate, weight_decay=training.optimiser.weight_decay, fused=True
    )


def set_learning_rate(optimiser: torch.optim.Optimizer, iteration: int, training: TrainingSettings) -> None:
    """Prepare ``optimiser`` for the step of ``iteration``.

    Caffe keeps the rate inside its momentum, ``v = momentum * v + rate * gradient; weight -= v`` (remembered,
    unverified), torch outside, ``v = momentum * v + gradient; weight -= rate * v``. The steps are the same once
    torch's momentum is multiplied by the last rate over this one.
    """
    rate = learning_rate_at(iteration, training)
    for group in optimiser.param_groups:
        group["lr"] = rate * group.get("rate_factor", 1.0)
        if isinstance(training.optimiser, SgdSettings) and iteration > 0:
            last_rate = learning_rate_at(iteration - 1, training)
            group["momentum"] = training.optimiser.momentum * last_rate / rate


def weights_of(network: nn.Module) -> list[nn.Parameter]:
    """Every parameter that is no bias."""
    return [parameter for name, parameter in network.named_parameters() if not _is_bias(name)]


def biases_of(network: nn.Module) -> list[nn.Parameter]:
    """Every parameter called ``bias``."""
    return [parameter for name, parameter in network.named_parameters() if _is_bias(name)]


def _is_bias(name: str) -> bool:
    return name.rpartition(".")[2] == "bias"
