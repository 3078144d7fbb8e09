"""From a batch of CPPN genomes to a plan of "flat levels": which sums and functions paint all its images at once.

Every node that reaches an output, of every genome, becomes one row of one buffer. Rows are ordered by height, the
length of the longest path from the node to an output, greatest first, so that all rows of a height form one level
that depends on earlier rows alone; within a level all rows of one function lie together.

    buffer rows     | inputs | greatest height ... | height 1 | outputs (height 0) |
    within a level  | sine | sigmoid | Gaussian | linear |
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from fooling.encodings.cppn.genome import FUNCTIONS, INPUTS, CppnGenomes

#: Factors put into the weights so that a row's function takes fewer operations: the Gaussian becomes a power of two
#: and the linear function a clamp to [-1, 1].
_ARGUMENT_SCALES = (1.0, 1.0, math.sqrt(math.log2(math.e)), 1 / 3)


@dataclass(frozen=True, kw_only=True)
class Level:
    """Consecutive rows: each the function of a weighted sum of earlier rows."""

    rows: list[int]
    """How many rows each of the functions has, in their order."""
    sources: torch.Tensor
    """(L,) buffer rows summed, grouped by the row they go to."""
    weights: torch.Tensor
    """(L,) their factors, float32."""
    offsets: torch.Tensor
    """(sum(rows),) where in ``sources`` each row's group begins."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The levels in the order of their computation; behind the inputs they fill the buffer."""

    rows: int
    """Rows of the buffer, inputs included."""
    levels: list[Level]
    outputs: torch.Tensor
    """(B * outputs,) buffer row of each output node, genome by genome."""


def plan_for(genomes: CppnGenomes, *, outputs: int, weight_bound: float) -> Plan:
    """The plan that computes the ``outputs`` output nodes of every genome, and nothing that they do not need."""
    slots, device = genomes.functions.shape[1], genomes.functions.device
    exists = genomes.link_exists()
    sources, targets = genomes.flat_ends()
    heights, depth = _heights(genomes, sources, targets, exists, outputs=outputs)
    nodes, stages = _ordered_nodes(heights, depth, genomes.functions.view(-1))
    row_of = torch.arange(-outputs, slots - outputs, device=device).repeat(len(genomes))
    row_of[nodes] = torch.arange(INPUTS, INPUTS + len(nodes), device=device)

    needed = exists.logical_and_(heights[targets] >= 0)
    target_rows, order = row_of[targets.masked_select(needed)].sub_(INPUTS).sort(stable=True)
    scales = torch.tensor(_ARGUMENT_SCALES, device=device)[stages % FUNCTIONS]
    weights = genomes.weights.masked_select(needed)[order].sub_(0.5).mul_(scales[target_rows])
    return Plan(
        rows=INPUTS + len(nodes),
        levels=_levels(
            stages,
            group_sizes=torch.bincount(target_rows, minlength=len(nodes)),
            sources=row_of[sources.masked_select(needed)[order]],
            weights=weights.mul_(2 * weight_bound),
        ),
        outputs=row_of.view(-1, slots)[:, :outputs].reshape(-1),
    )


def _heights(
    genomes: CppnGenomes, sources: torch.Tensor, targets: torch.Tensor, exists: torch.Tensor, *, outputs: int
) -> tuple[torch.Tensor, int]:
    """The height of every node slot, flat (B * N,), and how many different heights there are.

    It is -1 for the inputs and for every node that reaches no output: they need no row.
    """
    inner = exists & (genomes.sources >= outputs + INPUTS)
    sources, targets = sources.masked_select(inner), targets.masked_select(inner)
    heights = torch.full_like(genomes.functions, -1)
    heights[:, :outputs] = 0
    heights = heights.view(-1)
    height = 0
    while True:  # a node with paths of several lengths is met, and raised, at each of them
        met = sources.masked_select(heights.index_select(0, targets) == height)
        height += 1
        if not len(met):
            return heights, height
        heights.index_fill_(0, met, height)


def _ordered_nodes(heights: torch.Tensor, depth: int, functions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The node slots that need a row, in the order of the rows, and the stage of each: level * FUNCTIONS + function."""
    nodes = (heights >= 0).nonzero().squeeze(1)
    stages = (depth - 1 - heights[nodes]).mul_(FUNCTIONS).add_(functions[nodes])
    stages, order = stages.sort(stable=True)
    return nodes[order], stages


def _levels(
    stages: torch.Tensor, *, group_sizes: torch.Tensor, sources: torch.Tensor, weights: torch.Tensor
) -> list[Level]:
    """Rows, with the ``group_sizes`` of their links, and links cut into levels."""
    row_counts = torch.bincount(stages)
    row_counts = F.pad(row_counts, (0, -len(row_counts) % FUNCTIONS)).view(-1, FUNCTIONS)
    group_ends = group_sizes.cumsum(0)
    link_ends = group_ends[row_counts.sum(1).cumsum(0) - 1]
    link_counts = link_ends.diff(prepend=link_ends.new_zeros(1))
    offsets = group_ends - group_sizes - (link_ends - link_counts)[stages // FUNCTIONS]
    rows, links = row_counts.tolist(), link_counts.tolist()
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
