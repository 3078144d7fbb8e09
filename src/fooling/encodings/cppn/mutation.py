"""The mutations of the released code, each on a whole batch of CPPN genomes at once and in its order.

They change a batch in place and need its free slots: see :meth:`CppnGenomes.with_room`. Links never close a cycle and
never leave an output node, parallel links are allowed, nothing bounds the size.
"""

from __future__ import annotations

import torch

from fooling.encodings.cppn.genome import FUNCTIONS, INPUTS, CppnGenomes
from fooling.encodings.cppn.settings import CppnSettings
from fooling.encodings.variation import polynomial_mutation_


def mutated(genomes: CppnGenomes, settings: CppnSettings, *, outputs: int, generator: torch.Generator) -> CppnGenomes:
    """The mutated copies of ``genomes``, row for row."""
    children = genomes.with_room(nodes=1, links=2)
    polynomial_mutation_(
        children.weights,
        rate=settings.weight_mutation_rate,
        eta=settings.weight_mutation_eta,
        generator=generator,
    )
    redraw_functions_(children, rate=settings.function_mutation_rate, generator=generator)
    add_link_(children, probability=settings.add_link_probability, outputs=outputs, generator=generator)
    delete_link_(children, probability=settings.delete_link_probability, generator=generator)
    add_node_(children, probability=settings.add_node_probability, generator=generator)
    delete_node_(children, probability=settings.delete_node_probability, outputs=outputs, generator=generator)
    return children


def redraw_functions_(genomes: CppnGenomes, *, rate: float, generator: torch.Generator) -> None:
    """Draw the function of each node but the inputs anew with probability ``rate``."""
    functions = genomes.functions[:, INPUTS:]
    chosen = torch.rand(functions.shape, generator=generator, device=generator.device) < rate
    drawn = torch.randint(0, FUNCTIONS, functions.shape, generator=generator, device=generator.device)
    torch.where(chosen, drawn, functions, out=functions)


def add_link_(genomes: CppnGenomes, *, probability: float, outputs: int, generator: torch.Generator) -> None:
    """Add a link with a random weight from any node but the outputs to any that is no input and no ancestor of it."""
    chance, source_draw, target_draw, weight = _draws(4, genomes, generator)
    chosen = chance < probability
    source = _picked(source_draw, genomes.node_counts - outputs)
    source += outputs * (source >= INPUTS)
    allowed = genomes.node_exists() & ~ancestors_or_self(genomes, source, chosen)
    allowed[:, :INPUTS] = False
    rank = allowed.cumsum(1)
    target = torch.searchsorted(rank, _picked(target_draw, rank[:, -1]).add_(1).unsqueeze(1)).squeeze(1)
    _append_link_(genomes, chosen, source=source, target=target, weight=weight)


def delete_link_(genomes: CppnGenomes, *, probability: float, generator: torch.Generator) -> None:
    """Delete any one link; the last link takes its slot."""
    chance, link_draw = _draws(2, genomes, generator)
    chosen = (chance < probability) & (genomes.link_counts > 0)
    last = (genomes.link_counts - 1).clamp_min_(0)
    slot = torch.where(chosen, _picked(link_draw, genomes.link_counts), last)
    for genes in (genomes.sources, genomes.targets, genomes.weights):
        _write_(genes, slot, _read(genes, last))
    genomes.link_counts.sub_(chosen.long())


def add_node_(genomes: CppnGenomes, *, probability: float, generator: torch.Generator) -> None:
    """Put a node with a random function on any one link; both halves have the weight of the old link."""
    chance, link_draw, function_draw = _draws(3, genomes, generator)
    chosen = (chance < probability) & (genomes.link_counts > 0)
    link = _picked(link_draw, genomes.link_counts)
    node = genomes.node_counts.clone()
    target, weight = _read(genomes.targets, link), _read(genomes.weights, link)
    _write_(genomes.functions, node, (function_draw * FUNCTIONS).long())
    _write_(genomes.targets, link, torch.where(chosen, node, target))
    _append_link_(genomes, chosen, source=node, target=target, weight=weight)
    genomes.node_counts.add_(chosen)


def delete_node_(genomes: CppnGenomes, *, probability: float, outputs: int, generator: torch.Generator) -> None:
    """Delete any one hidden node with its links; the last node takes its slot, the other links close up."""
    chance, node_draw = _draws(2, genomes, generator)
    hidden = genomes.node_counts - (INPUTS + outputs)
    rows = ((chance < probability) & (hidden > 0)).nonzero().squeeze(1)
    affected = genomes.take(rows)
    node = INPUTS + outputs + _picked(node_draw[rows], hidden[rows])
    last = affected.node_counts - 1
    _write_(affected.functions, node, _read(affected.functions, last))

    node, last = node.unsqueeze(1), last.unsqueeze(1)
    kept = affected.link_exists() & (affected.sources != node) & (affected.targets != node)
    order = kept.logical_not().to(torch.uint8).argsort(dim=1, stable=True)
    for ends in (affected.sources, affected.targets):
        ends.copy_(torch.where(ends == last, node, ends).gather(1, order))
    affected.weights.copy_(affected.weights.gather(1, order))
    affected.link_counts.copy_(kept.sum(1))
    affected.node_counts.sub_(1)
    genomes.overwrite_(rows, affected)


def ancestors_or_self(genomes: CppnGenomes, node: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """Bool (B, N): the non-input nodes from which ``node`` (B,) of a ``chosen`` (B,) row is reached, and itself."""
    marked = torch.zeros_like(genomes.functions, dtype=torch.bool)
    _write_(marked, node, chosen)
    flat = marked.view(-1)
    sources, targets = genomes.inner_links()
    reached = -1
    while True:
        found = sources[flat.index_select(0, targets)]
        if len(found) == reached:
            return marked
        reached = len(found)
        flat.index_fill_(0, found, True)


def _draws(kinds: int, genomes: CppnGenomes, generator: torch.Generator) -> tuple[torch.Tensor, ...]:
    """``kinds`` uniform numbers in [0, 1) for each genome."""
    return torch.rand(kinds, len(genomes), generator=generator, device=generator.device).unbind()


def _picked(draw: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """One of ``counts`` (B,) slots in each row, all equally likely; 0 where there is none."""
    return (draw * counts).long()


def _read(genes: torch.Tensor, slot: torch.Tensor) -> torch.Tensor:
    return genes.gather(1, slot.unsqueeze(1)).squeeze(1)


def _write_(genes: torch.Tensor, slot: torch.Tensor, values: torch.Tensor) -> None:
    genes.scatter_(1, slot.unsqueeze(1), values.unsqueeze(1))


def _append_link_(
    genomes: CppnGenomes, chosen: torch.Tensor, *, source: torch.Tensor, target: torch.Tensor, weight: torch.Tensor
) -> None:
    """Write a link into the first free slot of every row; it counts in the ``chosen`` ones alone."""
    slot = genomes.link_counts
    for genes, values in ((genomes.sources, source), (genomes.targets, target), (genomes.weights, weight)):
        _write_(genes, slot, values)
    genomes.link_counts.add_(chosen)
