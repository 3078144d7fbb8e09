"""From a batch of CPPN genomes to a plan of "flat levels": which sums and functions paint all its images at once.

Every node that reaches an output, of every genome, becomes one row of one buffer. A row's level follows from its
height, the length of the longest path from it to an output: higher rows are computed first, all rows of one height
together, and within them all rows of one function.

    buffer rows   | inputs | greatest height ... | height 1 | outputs (height 0) |
    in a level    | sine | sigmoid | Gaussian | linear |
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F

from fooling.encodings.cppn.genome import FUNCTIONS, INPUTS, CppnGenomes

#: Factors put into the weights so that a row's function needs fewer operations: the Gaussian becomes a power of two
#: and the linear function a clamp to [-1, 1].
_INPUT_SCALES = (1.0, 1.0, math.sqrt(math.log2(math.e)), 1 / 3)


@dataclass(frozen=True, kw_only=True)
class Level:
    """Consecutive buffer rows that depend on earlier rows alone."""

    first_row: int
    rows: tuple[int, ...]
    """How many rows each of the functions has, in their order."""
    sources: torch.Tensor
    """(L,) buffer rows summed, grouped by the row they go to."""
    weights: torch.Tensor
    """(L,) their factors, float32."""
    offsets: torch.Tensor
    """(sum(rows),) where in ``sources`` each row's group begins."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All levels in the order of their computation."""

    rows: int
    """Rows of the buffer, inputs included."""
    levels: tuple[Level, ...]
    outputs: torch.Tensor
    """(B * outputs,) buffer row of each output node, genome by genome."""


def plan_for(genomes: CppnGenomes, *, outputs: int, weight_bound: float) -> Plan:
    """The plan that computes the ``outputs`` output nodes of every genome, and nothing that they do not need."""
    slots, device = genomes.functions.shape[1], genomes.functions.device
    heights, depth = heights_above_outputs(genomes, outputs=outputs)
    nodes, stages = _ordered_nodes(heights, depth, genomes.functions.view(-1))
    row_of = torch.arange(slots, device=device).repeat(len(genomes))
    row_of[nodes] = torch.arange(INPUTS, INPUTS + len(nodes), device=device)
    links, target_rows = _ordered_links(genomes, heights, row_of)
    source_rows = row_of.index_select(0, genomes.flat_nodes(genomes.sources).index_select(0, links))
    weights = genomes.weights.view(-1).index_select(0, links).mul_(2).sub_(1)
    scales = torch.tensor(_INPUT_SCALES, device=device).mul_(weight_bound).index_select(0, stages % FUNCTIONS)
    weights *= scales.index_select(0, target_rows)

    group_sizes = torch.bincount(target_rows, minlength=len(nodes))
    group_ends = group_sizes.cumsum(0)
    cuts = torch.searchsorted(stages, torch.arange(FUNCTIONS * depth + 1, device=device))
    link_cuts = F.pad(group_ends, (1, 0)).index_select(0, cuts[::FUNCTIONS])
    offsets = group_ends - group_sizes - link_cuts.index_select(0, stages // FUNCTIONS)
    output_rows = row_of.view(-1, slots)[:, INPUTS : INPUTS + outputs].reshape(-1)
    return Plan(
        rows=INPUTS + len(nodes),
        levels=_levels(source_rows, weights, offsets, cuts=cuts.tolist(), link_cuts=link_cuts.tolist()),
        outputs=output_rows,
    )


def heights_above_outputs(genomes: CppnGenomes, *, outputs: int) -> tuple[torch.Tensor, int]:
    """Links on the longest path from each node to an output, flat (B * N,), and how many heights there are.

    It is -1 for inputs and for every node that reaches no output: they need no row.
    """
    heights = torch.full_like(genomes.functions, -1)
    heights[:, INPUTS : INPUTS + outputs] = 0
    heights = heights.view(-1)
    sources, targets = genomes.inner_links()
    height = 0
    while True:  # a node with paths of several lengths is found again, and raised, at each of them
        found = sources[heights.index_select(0, targets) == height]
        height += 1
        if not len(found):
            return heights, height
        heights.index_fill_(0, found, height)


def _ordered_nodes(heights: torch.Tensor, depth: int, functions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The flat nodes that need a row, in the order of the rows, and for each its level * FUNCTIONS + function."""
    nodes = (heights >= 0).nonzero().squeeze(1)
    levels = depth - 1 - heights.index_select(0, nodes)
    stages, order = (levels * FUNCTIONS + functions.index_select(0, nodes)).sort(stable=True)
    return nodes.index_select(0, order), stages


def _ordered_links(
    genomes: CppnGenomes, heights: torch.Tensor, row_of: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The flat links into nodes that need a row, grouped by that row, and its number, counted behind the inputs."""
    targets = genomes.flat_nodes(genomes.targets)
    needed = genomes.link_exists().view(-1) & (heights.index_select(0, targets) >= 0)
    links = needed.nonzero().squeeze(1)
    target_rows, order = row_of.index_select(0, targets.index_select(0, links)).sub_(INPUTS).sort(stable=True)
    return links.index_select(0, order), target_rows


def _levels(
    sources: torch.Tensor, weights: torch.Tensor, offsets: torch.Tensor, *, cuts: list[int], link_cuts: list[int]
) -> tuple[Level, ...]:
    """The levels, given where each level and function begins among the rows and each level among the links."""
    levels = []
    for level, (first_link, end_link) in enumerate(pairwise(link_cuts)):
        rows = cuts[level * FUNCTIONS : (level + 1) * FUNCTIONS + 1]
        levels.append(
            Level(
                first_row=INPUTS + rows[0],
                rows=tuple(end - first for first, end in pairwise(rows)),
                sources=sources[first_link:end_link],
                weights=weights[first_link:end_link],
                offsets=offsets[rows[0] : rows[-1]],
            )
        )
    return tuple(levels)
