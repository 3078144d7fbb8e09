"""A batch of CPPN genomes as padded tensors: nodes with functions, and weighted links between them.

    slot      0   1   2   3    4 ...          4 + outputs ...
    node      x   y   d   1    outputs        hidden nodes, oldest first, gaps closed by the last one

Every row fills its first slots without gaps; its counts say how many. What lies in the slots behind them means
nothing and is never read, so that an operator may write one slot too far where nothing is to be added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Self

import torch
import torch.nn.functional as F

#: Input nodes: x, y, distance from the centre, bias.
INPUTS = 4

#: Functions of a node, in this order: sine, sigmoid, Gaussian, linear.
FUNCTIONS = 4
SINE, SIGMOID, GAUSSIAN, LINEAR = range(FUNCTIONS)


@dataclass(frozen=True, eq=False, kw_only=True)
class CppnGenomes:
    """A batch of B genomes with room for N nodes and E links each; int64 but for the weights."""

    functions: torch.Tensor
    """(B, N) function of each node; that of an input is 0 and has no effect."""
    node_counts: torch.Tensor
    """(B,) nodes in use."""
    sources: torch.Tensor
    """(B, E) node each link comes from."""
    targets: torch.Tensor
    """(B, E) node each link goes to."""
    weights: torch.Tensor
    """(B, E) weight genes, float32 in [0, 1]; the weight is (2 gene - 1) times the bound of the settings."""
    link_counts: torch.Tensor
    """(B,) links in use."""

    def __len__(self) -> int:
        return len(self.node_counts)

    def take(self, index: torch.Tensor) -> Self:
        """The genomes of these rows, in this order."""
        return replace(self, **{name: tensor.index_select(0, index) for name, tensor in self._tensors().items()})

    def with_rows(self, at: torch.Tensor, source: Self, rows: torch.Tensor) -> Self:
        """The batch with its rows ``at`` replaced by the rows ``rows`` of ``source``; the room grows as needed."""
        given = source._tensors()
        return replace(
            self,
            **{
                name: _with_rows(tensor, at, given[name].index_select(0, rows))
                for name, tensor in self._tensors().items()
            },
        )

    def with_room(self, *, nodes: int, links: int) -> Self:
        """A copy that shares no memory, with exactly this many free slots behind the widest genome."""
        widest_nodes, widest_links = self._widest()
        return replace(
            self,
            functions=_to_width(self.functions, widest_nodes + nodes),
            node_counts=self.node_counts.clone(),
            sources=_to_width(self.sources, widest_links + links),
            targets=_to_width(self.targets, widest_links + links),
            weights=_to_width(self.weights, widest_links + links),
            link_counts=self.link_counts.clone(),
        )

    def link_exists(self) -> torch.Tensor:
        """Bool (B, E): which link slots are in use."""
        return _in_use(self.link_counts, self.sources.shape[1])

    def node_exists(self) -> torch.Tensor:
        """Bool (B, N): which node slots are in use."""
        return _in_use(self.node_counts, self.functions.shape[1])

    def flat_nodes(self, nodes: torch.Tensor) -> torch.Tensor:
        """Node slots (B, E) as flat positions (B * E,) among the B * N node slots of the batch."""
        slots = self.functions.shape[1]
        first = torch.arange(0, slots * len(self), slots, device=nodes.device).unsqueeze(1)
        return (nodes + first).view(-1)

    def inner_links(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Sources and targets (L,) of all links that leave no input, as flat positions among the node slots."""
        chosen = (self.link_exists() & (self.sources >= INPUTS)).view(-1).nonzero().squeeze(1)
        return (
            self.flat_nodes(self.sources).index_select(0, chosen),
            self.flat_nodes(self.targets).index_select(0, chosen),
        )

    def overwrite_(self, at: torch.Tensor, values: Self) -> None:
        """Replace the rows ``at`` in place by ``values``, a batch with the same room."""
        given = values._tensors()
        for name, tensor in self._tensors().items():
            tensor.index_copy_(0, at, given[name])

    def arrays(self) -> dict[str, torch.Tensor]:
        """The batch as named tensors, as narrow as its widest genome and zero in every free slot."""
        trimmed = self.with_room(nodes=0, links=0)
        free_nodes, free_links = ~trimmed.node_exists(), ~trimmed.link_exists()
        trimmed.functions.masked_fill_(free_nodes, 0)
        for genes in (trimmed.sources, trimmed.targets, trimmed.weights):
            genes.masked_fill_(free_links, 0)
        return trimmed._tensors()

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, torch.Tensor]) -> Self:
        """The batch that :meth:`arrays` described."""
        return cls(**{field.name: arrays[field.name] for field in fields(cls)})

    def to(self, device: torch.device | str) -> Self:
        """The same batch on another device."""
        return replace(self, **{name: tensor.to(device) for name, tensor in self._tensors().items()})

    def _tensors(self) -> dict[str, torch.Tensor]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def _widest(self) -> tuple[int, int]:
        """Nodes and links of the widest genome; 0 for an empty batch."""
        if not len(self):
            return 0, 0
        nodes, links = torch.stack((self.node_counts, self.link_counts)).amax(dim=1).tolist()
        return nodes, links


def initial_genomes(count: int, *, outputs: int, generator: torch.Generator) -> CppnGenomes:
    """``count`` start genomes: every input linked to every output, no hidden node, weights and functions drawn."""
    device = generator.device
    links = INPUTS * outputs
    functions = torch.zeros(count, INPUTS + outputs, dtype=torch.int64, device=device)
    functions[:, INPUTS:] = torch.randint(0, FUNCTIONS, (count, outputs), generator=generator, device=device)
    inputs = torch.arange(INPUTS, device=device).repeat(outputs)
    targets = torch.arange(INPUTS, INPUTS + outputs, device=device).repeat_interleave(INPUTS)
    return CppnGenomes(
        functions=functions,
        node_counts=torch.full((count,), INPUTS + outputs, device=device),
        sources=inputs.repeat(count, 1),
        targets=targets.repeat(count, 1),
        weights=torch.rand(count, links, generator=generator, device=device),
        link_counts=torch.full((count,), links, device=device),
    )


def _in_use(counts: torch.Tensor, width: int) -> torch.Tensor:
    return torch.arange(width, device=counts.device) < counts.unsqueeze(1)


def _to_width(genes: torch.Tensor, width: int) -> torch.Tensor:
    """A copy cut or filled with zeros to ``width`` slots."""
    return F.pad(genes, (0, width - genes.shape[1]))


def _with_rows(tensor: torch.Tensor, at: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    if tensor.dim() == 2:
        width = max(tensor.shape[1], values.shape[1])
        tensor, values = _to_width(tensor, width), _to_width(values, width)
    return tensor.index_copy(0, at, values)
