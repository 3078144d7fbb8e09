"""Mutate a whole batch of CPPN genomes at once, in the order of the released code.

On a CPU :mod:`fooling.encodings.cppn.compiled_mutation` makes the same changes, bit for bit, and takes less time.
The operators change a batch in place and need free slots: see :meth:`CppnGenomes.with_room`. Links never close a cycle
and never leave an output node, parallel links are allowed, and nothing bounds the size.
"""

from __future__ import annotations

import numpy as np
import torch

from fooling.encodings.cppn.genome import FUNCTIONS, INPUTS, CppnGenomes
from fooling.encodings.settings import CppnSettings
from fooling.encodings.variation import polynomial_mutation_


def mutated(genomes: CppnGenomes, settings: CppnSettings, *, outputs: int, generator: torch.Generator) -> CppnGenomes:
    """Return the mutated copies of ``genomes``, row for row."""
    children = genomes.with_room(nodes=1, links=2)
    polynomial_mutation_(
        children.weights,
        rate=settings.weight_mutation_rate,
        eta=settings.weight_mutation_eta,
        generator=generator,
    )
    if children.weights.is_cpu:
        _change_compiled_(children, settings, outputs=outputs, generator=generator)
    else:
        change_(children, settings, outputs=outputs, generator=generator)
    return children


def change_(children: CppnGenomes, settings: CppnSettings, *, outputs: int, generator: torch.Generator) -> None:
    """Change functions, links and nodes in place, each with the probability of the ``settings``."""
    redraw_functions_(children, rate=settings.function_mutation_rate, generator=generator)
    add_link_(children, probability=settings.add_link_probability, outputs=outputs, generator=generator)
    delete_link_(children, probability=settings.delete_link_probability, generator=generator)
    add_node_(children, probability=settings.add_node_probability, generator=generator)
    delete_node_(children, probability=settings.delete_node_probability, outputs=outputs, generator=generator)


def _change_compiled_(
    children: CppnGenomes, settings: CppnSettings, *, outputs: int, generator: torch.Generator
) -> None:
    """Do the same as :func:`change_`, from the same random numbers."""
    from fooling.encodings.cppn import compiled_mutation
    from fooling.encodings.cppn.compilation import machine_code

    count, nodes = children.functions.shape
    draws = torch.rand(count * (2 * nodes + 11), generator=generator).numpy()
    rates = (
        settings.function_mutation_rate,
        settings.add_link_probability,
        settings.delete_link_probability,
        settings.add_node_probability,
        settings.delete_node_probability,
    )
    machine_code(compiled_mutation)(
        *children.in_numpy(),
        draws[: 2 * count * nodes].reshape(2, count, nodes),
        draws[2 * count * nodes :].reshape(11, count),
        np.array(rates, dtype=np.float32),
        outputs,
    )


def redraw_functions_(genomes: CppnGenomes, *, rate: float, generator: torch.Generator) -> None:
    """Draw a new function for each node with probability ``rate``; that of an input has no effect."""
    functions = genomes.functions
    chance, function = torch.rand(2, *functions.shape, generator=generator, device=generator.device).unbind()
    torch.where(chance < rate, (function * FUNCTIONS).long(), functions, out=functions)


def add_link_(genomes: CppnGenomes, *, probability: float, outputs: int, generator: torch.Generator) -> None:
    """Add a link with a random weight, from any node but an output to any that is not an input or its ancestor."""
    chance, source_draw, target_draw, weight = _draws(4, genomes, generator)
    chosen = chance < probability
    source = _picked(source_draw, genomes.node_counts - outputs).add_(outputs)
    forbidden = ancestors_or_self(genomes, source, chosen, outputs=outputs)
    forbidden[:, outputs : outputs + INPUTS] = True
    rank = forbidden.logical_not_().cumsum(1)
    allowed = rank.gather(1, genomes.node_counts - 1)
    target = torch.searchsorted(rank, _picked(target_draw, allowed).add_(1))
    _append_link_(genomes, chosen, source=source, target=target, weight=weight)


def delete_link_(genomes: CppnGenomes, *, probability: float, generator: torch.Generator) -> None:
    """Delete a random link; the last link takes its slot."""
    chance, link_draw = _draws(2, genomes, generator)
    chosen = (chance < probability) & (genomes.link_counts > 0)
    last = (genomes.link_counts - 1).clamp_min_(0)
    slot = torch.where(chosen, _picked(link_draw, genomes.link_counts), last)
    for genes in (genomes.sources, genomes.targets, genomes.weights):
        genes.scatter_(1, slot, genes.gather(1, last))
    genomes.link_counts.sub_(chosen.long())


def add_node_(genomes: CppnGenomes, *, probability: float, generator: torch.Generator) -> None:
    """Insert a node with a random function into a random link; both halves get the weight of the old link."""
    chance, link_draw, function_draw = _draws(3, genomes, generator)
    chosen = (chance < probability) & (genomes.link_counts > 0)
    link = _picked(link_draw, genomes.link_counts)
    node = genomes.node_counts.clone()
    target, weight = genomes.targets.gather(1, link), genomes.weights.gather(1, link)
    genomes.functions.scatter_(1, node, (function_draw * FUNCTIONS).long())
    genomes.targets.scatter_(1, link, torch.where(chosen, node, target))
    _append_link_(genomes, chosen, source=node, target=target, weight=weight)
    genomes.node_counts.add_(chosen)


def delete_node_(genomes: CppnGenomes, *, probability: float, outputs: int, generator: torch.Generator) -> None:
    """Delete a random hidden node with its links; the last node takes its slot, and the other links close up."""
    chance, node_draw = _draws(2, genomes, generator)
    visible = outputs + INPUTS
    hidden = genomes.node_counts - visible
    chosen = (chance < probability) & (hidden > 0)
    rows = chosen.view(-1).nonzero().squeeze(1)
    last = genomes.node_counts - 1
    node = torch.where(chosen, _picked(node_draw, hidden).add_(visible), last)
    genomes.functions.scatter_(1, node, genomes.functions.gather(1, last))
    genomes.node_counts.sub_(chosen.long())
    _remove_node_from_links_(genomes, rows, node=node.index_select(0, rows), last=last.index_select(0, rows))


def ancestors_or_self(genomes: CppnGenomes, node: torch.Tensor, chosen: torch.Tensor, *, outputs: int) -> torch.Tensor:
    """Return the ancestors of ``node`` (B, 1) in each ``chosen`` (B, 1) row and itself, without inputs: bool (B, N)."""
    marked = torch.zeros_like(genomes.functions, dtype=torch.bool).scatter_(1, node, chosen)
    flat = marked.view(-1)
    inner = genomes.link_exists() & (genomes.sources >= outputs + INPUTS)
    sources, targets = (ends.masked_select(inner) for ends in genomes.flat_ends())
    reached = -1
    while True:
        found = sources.masked_select(flat.index_select(0, targets))
        if len(found) == reached:
            return marked
        reached = len(found)
        flat.index_fill_(0, found, True)


def _remove_node_from_links_(
    genomes: CppnGenomes, rows: torch.Tensor, *, node: torch.Tensor, last: torch.Tensor
) -> None:
    """Drop the links of ``node`` in these ``rows`` and let those of ``last`` name its slot; both (R, 1)."""
    sources, targets = genomes.sources.index_select(0, rows), genomes.targets.index_select(0, rows)
    slots = torch.arange(sources.shape[1], device=rows.device)
    dropped = (sources == node) | (targets == node) | (slots >= genomes.link_counts.index_select(0, rows))
    order = dropped.to(torch.uint8).argsort(dim=1, stable=True)
    for genes, ends in ((genomes.sources, sources), (genomes.targets, targets)):
        genes.index_copy_(0, rows, torch.where(ends == last, node, ends).gather(1, order))
    genomes.weights.index_copy_(0, rows, genomes.weights.index_select(0, rows).gather(1, order))
    genomes.link_counts.index_copy_(0, rows, dropped.logical_not_().sum(1, keepdim=True))


def _draws(kinds: int, genomes: CppnGenomes, generator: torch.Generator) -> tuple[torch.Tensor, ...]:
    """Return ``kinds`` uniform numbers in [0, 1) for each genome, each kind (B, 1)."""
    return torch.rand(kinds, len(genomes), 1, generator=generator, device=generator.device).unbind()


def _picked(draw: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """Return one of ``counts`` (B, 1) slots in each row, all equally likely; 0 if there is none."""
    return (draw * counts).long()


def _append_link_(
    genomes: CppnGenomes, chosen: torch.Tensor, *, source: torch.Tensor, target: torch.Tensor, weight: torch.Tensor
) -> None:
    """Write a link into the first free slot of every row; it counts only in the ``chosen`` ones."""
    slot = genomes.link_counts
    genomes.sources.scatter_(1, slot, source)
    genomes.targets.scatter_(1, slot, target)
    genomes.weights.scatter_(1, slot, weight)
    slot.add_(chosen)
