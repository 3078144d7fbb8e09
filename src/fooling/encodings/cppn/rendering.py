"""Computes the rows of a plan for a block of pixels: per level one weighted sum, then each function once."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from fooling.encodings.cppn.genome import FUNCTIONS
from fooling.encodings.cppn.plan import Plan


def painted(plan: Plan, inputs: torch.Tensor, buffer: torch.Tensor) -> torch.Tensor:
    """The values in [-1, 1] of all output nodes, float32 (B * outputs, P), at the P pixels of ``inputs`` (INPUTS, P).

    ``buffer`` (plan.rows, P) is written over.
    """
    counts = [count for level in plan.levels for count in level.rows]
    input_rows, *results = buffer.split_with_sizes([len(inputs), *counts])
    input_rows.copy_(inputs)
    for index, level in enumerate(plan.levels):
        sums = F.embedding_bag(level.sources, buffer, level.offsets, mode="sum", per_sample_weights=level.weights)
        first = index * FUNCTIONS
        for function, arguments, result in zip(
            _FUNCTIONS, sums.split_with_sizes(level.rows), results[first : first + FUNCTIONS], strict=True
        ):
            if len(arguments):
                function(arguments, result)
    return buffer.index_select(0, plan.outputs)


def _sine(arguments: torch.Tensor, result: torch.Tensor) -> None:
    """sin(x); on a CPU by NumPy, whose sine takes less than half the time of torch's."""
    if arguments.is_cpu:
        np.sin(arguments.numpy(), out=result.numpy())
    else:
        torch.sin(arguments, out=result)


def _sigmoid(arguments: torch.Tensor, result: torch.Tensor) -> None:
    """2 / (1 + exp(-x)) - 1; the equal tanh(x / 2) takes several times as long on a CPU."""
    torch.sigmoid(arguments, out=result).mul_(2).sub_(1)


def _gaussian(arguments: torch.Tensor, result: torch.Tensor) -> None:
    """exp(-x^2) as a power of two, several times faster on a CPU; the plan has scaled the argument for it."""
    torch.exp2(arguments.square_().neg_(), out=result)


def _linear(arguments: torch.Tensor, result: torch.Tensor) -> None:
    """clamp(x, -3, 3) / 3; the plan has divided the argument by 3."""
    torch.clamp(arguments, -1, 1, out=result)


_FUNCTIONS = (_sine, _sigmoid, _gaussian, _linear)
