"""The CPPN encoding: genomes are small networks that compute every pixel from its position (paper, section 2.2).

Batches of genomes mutate at once, in the order of the released code. On a CPU
:mod:`fooling.encodings.cppn.compiled_mutation` makes the same changes, bit for bit, and takes less time. The operators
change a batch in place and need free slots: see :meth:`CppnGenomes.with_room`. Links never close a cycle and never
leave an output node, parallel links are allowed, and nothing bounds the size.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from fooling.encodings.cppn.genome import FUNCTIONS, INPUTS, SCHEMA, CppnGenomes, initial_genomes
from fooling.encodings.cppn.rendering import CompiledRenderer, PlannedRenderer
from fooling.encodings.encoding import ImageShape, polynomial_mutation_
from fooling.encodings.settings import CppnSettings
from fooling.schemas import require_range


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


class CppnEncoding:
    """Create, vary and render CPPN genomes for images of one shape on one device."""

    recombines = False
    versions: ClassVar[Mapping[str, str]] = {"cppn renderer": "2"}  # 1, without an entry: torch's functions on CPUs too
    schema = SCHEMA

    def __init__(self, *, settings: CppnSettings, image_shape: ImageShape, device: torch.device | str = "cpu") -> None:
        self.settings = settings
        self.image_shape = image_shape
        self.device = torch.device(device)

    @cached_property
    def _renderer(self) -> CompiledRenderer | PlannedRenderer:
        """The renderer of this device, prepared when it is needed."""
        inputs = input_values(self.image_shape, self.settings.coordinates)
        if self.device.type == "cpu":
            return CompiledRenderer(self.settings, inputs.view(INPUTS, *self.image_shape[1:]))
        return PlannedRenderer(self.settings, inputs.to(self.device))

    def random(self, count: int, generator: torch.Generator) -> CppnGenomes:
        """Return ``count`` genomes without hidden nodes."""
        return initial_genomes(count, outputs=self.image_shape[0], generator=generator)

    @torch.inference_mode()
    def vary(self, parents: CppnGenomes, generation: int, generator: torch.Generator) -> CppnGenomes:
        """Return the mutated copies of ``parents``, row for row; the same in every ``generation``."""
        return mutated(parents, self.settings, outputs=self.image_shape[0], generator=generator)

    @torch.inference_mode()
    def render(self, genomes: CppnGenomes) -> torch.Tensor:
        """Return the images uint8 ``(B, C, H, W)``: a grey level is the absolute output times 255, truncated."""
        channels, height, width = self.image_shape
        images = torch.empty(len(genomes), channels, height * width, dtype=torch.uint8, device=self.device)
        if len(genomes):
            self._renderer.render(genomes, images)
        return images.view(-1, channels, height, width)

    def require_sound(self, arrays: Mapping[str, NDArray[Any]], *, source: object) -> None:
        """Raise :class:`FoolingError`, naming the ``source``, for a node or a link that does not exist."""
        (nodes, links), fewest = (arrays[name].shape[1] for name in ("functions", "sources")), self.image_shape[0]
        ends = (0, nodes - 1)
        bounds = {
            "functions": (0, FUNCTIONS - 1),
            "node_counts": (fewest + INPUTS, nodes),
            "sources": ends,
            "targets": ends,
            "weights": (0, 1),
            "link_counts": (0, links),
        }
        for name, (least, most) in bounds.items():
            require_range(name, arrays[name], least=least, most=most, source=source)

    def genomes_from(self, arrays: Mapping[str, torch.Tensor]) -> CppnGenomes:
        """Return the genomes in named tensors of ``arrays()``, on the device of this encoding."""
        return CppnGenomes.from_arrays(arrays).to(self.device)


def input_values(image_shape: ImageShape, coordinates: str) -> torch.Tensor:
    """Return the four inputs at every pixel, float32 (INPUTS, H * W): x, y, distance from the centre, bias 1.

    x and y run over [-1, 1] or count pixels; the distance is always that on the [-1, 1] grid, as in the released code.
    """
    _, height, width = image_shape
    unit_y, unit_x = torch.meshgrid(_unit_axis(height), _unit_axis(width), indexing="ij")
    distance = (unit_x.double().square() + unit_y.double().square()).sqrt().float()  # equal on all processors
    x, y = unit_x, unit_y
    if coordinates == "pixels":
        y, x = torch.meshgrid(torch.arange(height).float(), torch.arange(width).float(), indexing="ij")
    return torch.stack((x, y, distance, torch.ones_like(distance))).flatten(1)


def _unit_axis(length: int) -> torch.Tensor:
    """Return ``length`` evenly spaced points from -1 to 1; a single one is 0."""
    return (2 * torch.arange(length) - (length - 1)) / max(length - 1, 1)
