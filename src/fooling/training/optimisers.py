"""Caffe's stochastic gradient descent, and Adam, as torch optimisers whose learning rate follows a policy."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from fooling.errors import FoolingError
from fooling.training.settings import ConstantPolicy, InversePolicy, SgdSettings, StepPolicy, TrainingSettings


def learning_rate_at(iteration: int, training: TrainingSettings) -> float:
    """Return the learning rate of ``iteration``, counted from 0.

    "inv" is ``rate * (1 + gamma * iteration) ** -power`` (Caffe's solver for LeNet; paper-facts, status C).
    """
    policy, rate = training.policy, training.learning_rate
    if isinstance(policy, ConstantPolicy):
        return rate
    if isinstance(policy, InversePolicy):
        return rate * math.pow(1 + policy.gamma * iteration, -policy.power)
    if isinstance(policy, StepPolicy):
        return rate * math.pow(policy.factor, iteration // policy.every)
    if iteration < policy.warm_up:
        return rate * (iteration + 1) / policy.warm_up
    fallen = (iteration - policy.warm_up) / (training.iterations - policy.warm_up)
    return rate * (1 + math.cos(math.pi * fallen)) / 2


def make_optimiser(network: nn.Module, training: TrainingSettings) -> torch.optim.Optimizer:
    """Make the optimiser in the settings; call :func:`set_learning_rate` before each of its steps."""
    settings, rate = training.optimiser, training.learning_rate
    decay = settings.weight_decay
    if isinstance(settings, SgdSettings):
        groups = _groups(network, apart=_is_bias, rate_factor=settings.bias_rate_factor)
        return torch.optim.SGD(groups, lr=rate, momentum=settings.momentum, weight_decay=decay, fused=True)
    groups = _groups(network, apart=_is_linear, rate_factor=settings.linear_rate_factor)
    return torch.optim.Adam(groups, lr=rate, weight_decay=decay, fused=True)


def set_learning_rate(optimiser: torch.optim.Optimizer, iteration: int, training: TrainingSettings) -> None:
    """Set the learning rate of ``optimiser`` for the step of ``iteration``.

    Caffe has the rate inside its momentum, ``v = momentum * v + rate * gradient; weight -= v`` (its solver), torch
    outside,
    ``v = momentum * v + gradient; weight -= rate * v``. The steps are equal if torch's momentum is multiplied by the
    last rate over this one.
    """
    rate = learning_rate_at(iteration, training)
    if rate == 0:
        found = f"0 at iteration {iteration}"
        raise FoolingError("the learning rate is 0", found=found, remedy="make training.policy decrease less")
    for group in optimiser.param_groups:
        group["lr"] = rate * group["rate_factor"]
        if isinstance(training.optimiser, SgdSettings) and iteration > 0:
            last_rate = learning_rate_at(iteration - 1, training)
            group["momentum"] = training.optimiser.momentum * last_rate / rate


def _groups(network: nn.Module, *, apart: Callable[[nn.Module, str], bool], rate_factor: float) -> list[dict[str, Any]]:
    """Divide the parameters into two groups: those that ``apart`` selects by layer and name learn at another rate."""
    groups: list[dict[str, Any]] = [{"params": [], "rate_factor": 1.0}, {"params": [], "rate_factor": rate_factor}]
    for path, parameter in network.named_parameters():
        layer, _, name = path.rpartition(".")
        groups[apart(network.get_submodule(layer), name)]["params"].append(parameter)
    return groups


def _is_bias(layer: nn.Module, name: str) -> bool:
    return name == "bias"


def _is_linear(layer: nn.Module, name: str) -> bool:
    return isinstance(layer, nn.Linear)
