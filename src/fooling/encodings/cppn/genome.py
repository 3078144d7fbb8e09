"""A batch of CPPN genomes as padded tensors: nodes with functions, and weighted links between them.

    slot      0 ... outputs - 1    outputs ... + 3           then
    node      outputs              x, y, distance, bias      hidden nodes

Every row fills its first slots without gaps, and its counts give their number. The values in later slots are arbitrary
and never read, so that an operator may write one slot too far if nothing is to be added.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from fooling.schemas import Array

#: Input nodes: x, y, distance from the centre, bias.
INPUTS = 4

#: Functions of a node: sine, sigmoid, Gaussian, linear, numbered in this order.
FUNCTIONS = 4


#: The arrays of B genomes with room for N nodes and E links.
ARRAYS = (
    Array(name="functions", form="int64 B N", doc="Function of each node: sine, sigmoid, Gaussian or linear, from 0."),
    Array(name="node_counts", form="int64 B 1", doc="Nodes in use."),
    Array(name="sources", form="int64 B E", doc="Node that each link comes from."),
    Array(name="targets", form="int64 B E", doc="Node that each link goes to."),
    Array(name="weights", form="float32 B E", doc="Weight genes in [0, 1]; a weight is (2 gene - 1) times the bound."),
    Array(name="link_counts", form="int64 B 1", doc="Links in use."),
)
SCHEMA = {array.name: array.form for array in ARRAYS}


@dataclass(frozen=True, eq=False, kw_only=True)
class CppnGenomes:
    """A batch of B genomes with room for N nodes and E links each; int64 except for the weights."""

    functions: torch.Tensor
    """(B, N) function of each node; that of an input is 0 and has no effect."""
    node_counts: torch.Tensor
    """(B, 1) nodes in use."""
    sources: torch.Tensor
    """(B, E) node each link comes from."""
    targets: torch.Tensor
    """(B, E) node each link goes to."""
    weights: torch.Tensor
    """(B, E) weight genes, float32 in [0, 1]; the weight is (2 gene - 1) times the bound of the settings."""
    link_counts: torch.Tensor
    """(B, 1) links in use."""

    def __len__(self) -> int:
        return len(self.node_counts)

    def take(self, index: torch.Tensor) -> Self:
        """Return the genomes of these rows, in this order."""
        return self._each(lambda tensor: tensor.index_select(0, index))

    def with_rows(self, at: torch.Tensor, source: Self, rows: torch.Tensor) -> Self:
        """Return the batch with its rows ``at`` replaced by ``rows`` of ``source``; the room grows if needed."""
        nodes = max(self.functions.shape[1], source.functions.shape[1])
        links = max(self.sources.shape[1], source.sources.shape[1])
        wide, given = self._resized(nodes, links), source.take(rows)._resized(nodes, links)
        return type(self)(
            functions=wide.functions.index_copy_(0, at, given.functions),
            node_counts=wide.node_counts.index_copy_(0, at, given.node_counts),
            sources=wide.sources.index_copy_(0, at, given.sources),
            targets=wide.targets.index_copy_(0, at, given.targets),
            weights=wide.weights.index_copy_(0, at, given.weights),
            link_counts=wide.link_counts.index_copy_(0, at, given.link_counts),
        )

    def with_room(self, *, nodes: int, links: int) -> Self:
        """Return a copy that shares no memory, with exactly this many free slots after the widest genome."""
        if not len(self):
            return self._resized(nodes, links)
        widest_nodes, widest_links = torch.cat((self.node_counts, self.link_counts), dim=1).amax(dim=0).tolist()
        return self._resized(widest_nodes + nodes, widest_links + links)

    def link_exists(self) -> torch.Tensor:
        """Return which link slots are in use, bool (B, E)."""
        return torch.arange(self.sources.shape[1], device=self.sources.device) < self.link_counts

    def flat_ends(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return sources and targets (B, E) as positions among all B * N node slots."""
        slots = self.functions.shape[1]
        first = torch.arange(0, slots * len(self), slots, device=self.sources.device).view(-1, 1)
        return self.sources + first, self.targets + first

    def in_numpy(self) -> tuple[NDArray[Any], ...]:
        """Return the tensors as arrays that share their memory, in the order of their declaration."""
        tensors = (self.functions, self.node_counts, self.sources, self.targets, self.weights, self.link_counts)
        return tuple(tensor.contiguous().numpy() for tensor in tensors)

    def arrays(self) -> dict[str, torch.Tensor]:
        """Return the batch as named tensors, as narrow as its widest genome and zero in every free slot."""
        trimmed = self.with_room(nodes=0, links=0)
        slots = torch.arange(trimmed.functions.shape[1], device=self.functions.device)
        free = ~trimmed.link_exists()
        return {
            "functions": trimmed.functions.masked_fill_(slots >= self.node_counts, 0),
            "node_counts": trimmed.node_counts,
            "sources": trimmed.sources.masked_fill_(free, 0),
            "targets": trimmed.targets.masked_fill_(free, 0),
            "weights": trimmed.weights.masked_fill_(free, 0),
            "link_counts": trimmed.link_counts,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, torch.Tensor]) -> Self:
        """Return the batch in named tensors of :meth:`arrays`."""
        return cls(**arrays)

    def to(self, device: torch.device | str) -> Self:
        """Return the same batch on another device."""
        return self._each(lambda tensor: tensor.to(device))

    def _each(self, changed: Callable[[torch.Tensor], torch.Tensor]) -> Self:
        return type(self)(
            functions=changed(self.functions),
            node_counts=changed(self.node_counts),
            sources=changed(self.sources),
            targets=changed(self.targets),
            weights=changed(self.weights),
            link_counts=changed(self.link_counts),
        )

    def _resized(self, nodes: int, links: int) -> Self:
        """Return a copy with this room, its slots cut off or padded with zeros at the end."""
        more_nodes, more_links = (0, nodes - self.functions.shape[1]), (0, links - self.sources.shape[1])
        return type(self)(
            functions=F.pad(self.functions, more_nodes),
            node_counts=self.node_counts.clone(),
            sources=F.pad(self.sources, more_links),
            targets=F.pad(self.targets, more_links),
            weights=F.pad(self.weights, more_links),
            link_counts=self.link_counts.clone(),
        )


def initial_genomes(count: int, *, outputs: int, generator: torch.Generator) -> CppnGenomes:
    """Return ``count`` initial genomes, with every input linked to every output and without hidden nodes.

    Weights and functions of the outputs are random.
    """
    device = generator.device
    nodes, links = outputs + INPUTS, INPUTS * outputs
    functions = torch.zeros(count, nodes, dtype=torch.int64, device=device)
    functions[:, :outputs] = torch.randint(0, FUNCTIONS, (count, outputs), generator=generator, device=device)
    inputs = torch.arange(outputs, nodes, device=device)
    return CppnGenomes(
        functions=functions,
        node_counts=torch.full((count, 1), nodes, device=device),
        sources=inputs.repeat(count, outputs),
        targets=torch.arange(outputs, device=device).repeat_interleave(INPUTS).repeat(count, 1),
        weights=torch.rand(count, links, generator=generator, device=device),
        link_counts=torch.full((count, 1), links, device=device),
    )
