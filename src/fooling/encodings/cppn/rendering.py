"""Render a batch of CPPN genomes: on a CPU by compiled code, on a GPU from a plan of all sums and functions.

Compiled code (:mod:`fooling.encodings.cppn.compiled`) renders one genome after the other. The plan holds all: each
node that reaches an output, of every genome, becomes one row of one buffer. Rows are ordered by height, the length of
the longest path from the node to an output, greatest first, so that all rows of a height form one level that depends
only on earlier rows; within a level all rows of one function are adjacent. For a block of pixels each level takes one
weighted sum, then each function once.

    buffer rows     | inputs | greatest height ... | height 1 | outputs (height 0) |
    within a level  | sine | sigmoid | Gaussian | linear |
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F

from fooling.encodings.cppn.compilation import machine_code
from fooling.encodings.cppn.genome import FUNCTIONS, INPUTS, CppnGenomes
from fooling.encodings.encoding import levels_of, rgb_levels
from fooling.encodings.settings import CppnSettings
from fooling.messages import FoolingError

#: Pixels of each half of a band, so that the values of all nodes of a usual genome fit into the second-level cache.
BAND_PIXELS = 2048

#: Numbers in the buffer of node values; larger images are painted in blocks of pixels.
BUFFER_SIZE = 2**28

#: Factors included in the weights so that a function takes fewer operations: the Gaussian becomes a power of two, and
#: the linear function a clamp to [-1, 1].
_ARGUMENT_SCALES = (1.0, 1.0, math.sqrt(math.log2(math.e)), 1 / 3)


class CompiledRenderer:
    """Render genomes on a CPU, one after the other, on the calling thread."""

    def __init__(self, settings: CppnSettings, inputs: torch.Tensor) -> None:
        """Prepare images at the pixels of ``inputs`` (INPUTS, H, W), whose distance is symmetric."""
        from fooling.encodings.cppn import compiled  # imports numba, which a GPU does not need
        from fooling.encodings.cppn.functions import GREY, HLS, HSV

        self._render = machine_code(compiled)
        self._grey, self._colour = GREY, {"hsv": HSV, "hls": HLS}[settings.colour]
        x, y, distance, _ = inputs.numpy()
        height, width = x.shape
        quarter = distance[: (height + 1) // 2, : (width + 1) // 2]
        self._grid = x[0].copy(), y[:, 0].copy(), quarter.copy()
        self._bound = np.float32(settings.weight_bound)
        self._band = max(BAND_PIXELS // width, 1)

    def render(self, genomes: CppnGenomes, images: torch.Tensor) -> None:
        """Fill ``images``, uint8 (B, C, H * W); raise :class:`FoolingError` for a genome with a cycle."""
        colour = self._grey if images.shape[1] == 1 else self._colour
        if self._render(*genomes.in_numpy(), *self._grid, self._bound, colour, self._band, images.numpy()) >= 0:
            raise FoolingError("a CPPN has a cycle", found="a node that is its own source")


class PlannedRenderer:
    """Render genomes from one plan, in a buffer that is reused between calls."""

    def __init__(self, settings: CppnSettings, inputs: torch.Tensor) -> None:
        """Prepare images at the pixels of ``inputs`` (INPUTS, H * W), on their device."""
        self._colour = settings.colour
        self._inputs = inputs
        self._scales = argument_scales(settings.weight_bound).to(inputs.device)
        self._buffer = torch.empty(0, device=inputs.device)

    def render(self, genomes: CppnGenomes, images: torch.Tensor) -> None:
        """Fill ``images``, uint8 (B, C, H * W), one block of pixels at a time."""
        channels, pixels = images.shape[1:]
        plan = plan_for(genomes, outputs=channels, scales=self._scales)
        block = max(BUFFER_SIZE // plan.rows, 1)
        for first in range(0, pixels, block):
            inputs = self._inputs[:, first : first + block]
            outputs = painted(plan, inputs, self._buffer_for(plan.rows, inputs.shape[1]))
            components = outputs.abs_().mul_(255).view(-1, channels, inputs.shape[1])
            levels = levels_of(components) if channels == 1 else rgb_levels(components, self._colour)
            images[:, :, first : first + block] = levels

    def _buffer_for(self, rows: int, pixels: int) -> torch.Tensor:
        """Return a (rows, pixels) view of the buffer."""
        if self._buffer.numel() < rows * pixels:
            self._buffer = torch.empty(rows * pixels, device=self._inputs.device)
        return self._buffer[: rows * pixels].view(rows, pixels)


@dataclass(frozen=True, kw_only=True)
class Level:
    """Consecutive rows, each the function of a weighted sum of earlier rows."""

    rows: list[int]
    """The number of rows of each function, in their order."""
    sources: torch.Tensor
    """(L,) buffer rows to sum, grouped by the row of their sum."""
    weights: torch.Tensor
    """(L,) their factors, float32."""
    offsets: torch.Tensor
    """(sum(rows),) start of each row's group in ``sources``."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The levels in the order of their computation; after the inputs they fill the buffer."""

    rows: int
    """Rows of the buffer, including inputs."""
    levels: list[Level]
    outputs: torch.Tensor
    """(B * outputs,) buffer row of each output node, genome by genome."""


def argument_scales(weight_bound: float) -> torch.Tensor:
    """Return the factor on (gene - .5) of a link into a row of each function, (FUNCTIONS,) float32."""
    return torch.tensor(_ARGUMENT_SCALES) * (2 * weight_bound)


def plan_for(genomes: CppnGenomes, *, outputs: int, scales: torch.Tensor) -> Plan:
    """Return the plan that computes the ``outputs`` output nodes of every genome, and nothing else.

    ``scales`` are the :func:`argument_scales` on the device of the genomes.
    """
    slots, device = genomes.functions.shape[1], genomes.functions.device
    exists = genomes.link_exists()
    sources, targets = genomes.flat_ends()
    heights, depth = _heights(genomes, sources, targets, exists, outputs=outputs)
    nodes, stages = _ordered_nodes(heights, depth, genomes.functions.view(-1))
    row_of = torch.arange(-outputs, slots - outputs, device=device).repeat(len(genomes))
    row_of.index_copy_(0, nodes, torch.arange(INPUTS, INPUTS + len(nodes), device=device))

    needed = exists.masked_scatter(exists, heights.index_select(0, targets.masked_select(exists)) >= 0)
    target_rows, order = row_of.index_select(0, targets.masked_select(needed)).sub_(INPUTS).sort(stable=True)
    ordered_sources = sources.masked_select(needed).index_select(0, order)
    scale_of_row = scales.index_select(0, stages % FUNCTIONS)
    weights = genomes.weights.masked_select(needed).sub_(0.5).index_select(0, order)
    return Plan(
        rows=INPUTS + len(nodes),
        levels=_levels(
            stages,
            depth,
            group_sizes=torch.bincount(target_rows, minlength=len(nodes)),
            sources=row_of.index_select(0, ordered_sources),
            weights=weights.mul_(scale_of_row.index_select(0, target_rows)),
        ),
        outputs=row_of.view(-1, slots)[:, :outputs].reshape(-1),
    )


def _heights(
    genomes: CppnGenomes, sources: torch.Tensor, targets: torch.Tensor, exists: torch.Tensor, *, outputs: int
) -> tuple[torch.Tensor, int]:
    """Return the height of every node slot, flat (B * N,), and the number of different heights.

    It is -1 for the inputs and for every node that reaches no output: they need no row.
    """
    inner = exists & (genomes.sources >= outputs + INPUTS)
    sources, targets = sources.masked_select(inner), targets.masked_select(inner)
    heights = torch.full_like(genomes.functions, -1)
    heights[:, :outputs] = 0
    heights = heights.view(-1)
    height = 0
    while True:  # a node with paths of several lengths is found, and raised, at each of them
        met = sources.masked_select(heights.index_select(0, targets) == height)
        height += 1
        if not len(met):
            return heights, height
        if height > genomes.functions.shape[1]:
            raise FoolingError("a CPPN has a cycle", found="a node that is its own source")
        heights.index_fill_(0, met, height)


def _ordered_nodes(heights: torch.Tensor, depth: int, functions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the node slots that need a row, in row order, and the stage of each: level * FUNCTIONS + function."""
    nodes = (heights >= 0).nonzero().squeeze(1)
    levels = depth - 1 - heights.index_select(0, nodes)
    stages, order = levels.mul_(FUNCTIONS).add_(functions.index_select(0, nodes)).sort(stable=True)
    return nodes.index_select(0, order), stages


def _levels(
    stages: torch.Tensor, depth: int, *, group_sizes: torch.Tensor, sources: torch.Tensor, weights: torch.Tensor
) -> list[Level]:
    """Divide rows, with the ``group_sizes`` of their links, and links into levels."""
    row_counts = torch.bincount(stages, minlength=FUNCTIONS * depth).view(depth, FUNCTIONS)
    group_ends = group_sizes.cumsum(0)
    link_cuts = F.pad(group_ends.index_select(0, row_counts.sum(1).cumsum(0).sub_(1)), (1, 0))
    offsets = group_ends.sub_(group_sizes).sub_(link_cuts.index_select(0, stages // FUNCTIONS))
    rows = row_counts.tolist()
    links = [end - first for first, end in pairwise(link_cuts.tolist())]
    return [
        Level(rows=rows_of_level, sources=sources_of_level, weights=weights_of_level, offsets=offsets_of_level)
        for rows_of_level, sources_of_level, weights_of_level, offsets_of_level in zip(
            rows,
            sources.split_with_sizes(links),
            weights.split_with_sizes(links),
            offsets.split_with_sizes([sum(counts) for counts in rows]),
            strict=True,
        )
    ]


def painted(plan: Plan, inputs: torch.Tensor, buffer: torch.Tensor) -> torch.Tensor:
    """Return all output nodes' values in [-1, 1], float32 (B * outputs, P), at the P pixels of ``inputs`` (INPUTS, P).

    ``buffer`` (plan.rows, P) is overwritten.
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
    torch.sin(arguments, out=result)


def _sigmoid(arguments: torch.Tensor, result: torch.Tensor) -> None:
    """Compute 2 / (1 + exp(-x)) - 1."""
    torch.sigmoid(arguments, out=result).mul_(2).sub_(1)


def _gaussian(arguments: torch.Tensor, result: torch.Tensor) -> None:
    """Compute exp(-x^2) as a power of two; the plan has scaled the argument."""
    torch.exp2(arguments.square_().neg_(), out=result)


def _linear(arguments: torch.Tensor, result: torch.Tensor) -> None:
    """Compute clamp(x, -3, 3) / 3; the plan has divided the argument by 3."""
    torch.clamp(arguments, -1, 1, out=result)


_FUNCTIONS = (_sine, _sigmoid, _gaussian, _linear)
