"""The direct encoding: one gene per pixel and channel (paper, section 2.2; colours as hue, saturation, value)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from numpy.typing import NDArray

from fooling.encodings.encoding import LEVELS, ImageShape, crossed, levels_of, polynomial_mutation_, rgb_levels
from fooling.encodings.settings import DirectSettings
from fooling.schemas import require_range


@dataclass(frozen=True, eq=False)
class DirectGenomes:
    """A batch of direct genomes: ``genes`` ``(B, C, H, W)``, uint8 levels or float32 in [0, 1]."""

    genes: torch.Tensor

    def __len__(self) -> int:
        return len(self.genes)

    def take(self, index: torch.Tensor) -> Self:
        """Return the genomes of these rows, in this order."""
        return type(self)(self.genes.index_select(0, index))

    def with_rows(self, at: torch.Tensor, source: Self, rows: torch.Tensor) -> Self:
        """Return the batch with its rows ``at`` replaced by the rows ``rows`` of ``source``."""
        return type(self)(self.genes.index_copy(0, at, source.genes.index_select(0, rows)))

    def arrays(self) -> dict[str, torch.Tensor]:
        """Return the batch as named tensors."""
        return {"genes": self.genes}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, torch.Tensor]) -> Self:
        """Return the batch in named tensors of :meth:`arrays`."""
        return cls(arrays["genes"])

    def to(self, device: torch.device | str) -> Self:
        """Return the same batch on another device."""
        return type(self)(self.genes.to(device))


class DirectEncoding:
    """Create, vary and render direct genomes for images of one shape on one device."""

    versions: ClassVar[Mapping[str, str]] = {}

    def __init__(
        self, *, settings: DirectSettings, image_shape: ImageShape, device: torch.device | str = "cpu"
    ) -> None:
        self.settings = settings
        self.image_shape = image_shape
        self.device = torch.device(device)
        self.recombines = settings.crossover != "none"
        genes, self.largest_gene = ("uint8", LEVELS) if settings.genes == "levels" else ("float32", 1)
        self.schema = {"genes": f"{genes} B {' '.join(map(str, image_shape))}"}

    def random(self, count: int, generator: torch.Generator) -> DirectGenomes:
        """Return ``count`` genomes of uniform noise."""
        shape = (count, *self.image_shape)
        if self.settings.genes == "levels":
            levels = torch.randint(0, LEVELS + 1, shape, generator=generator, device=self.device, dtype=torch.uint8)
            return DirectGenomes(levels)
        return DirectGenomes(torch.rand(shape, generator=generator, device=self.device))

    def vary(self, parents: DirectGenomes, generation: int, generator: torch.Generator) -> DirectGenomes:
        """Return one child for each row of ``parents``: crossed in adjacent pairs if so set, then mutated."""
        settings = self.settings
        if self.recombines:
            genes = crossed(
                parents.genes,
                rate=settings.crossover_rate,
                eta=settings.crossover_eta,
                copies_equal_genes=settings.crossover == "correct",
                generator=generator,
            )
        else:
            genes = parents.genes.clone()
        rate = self.mutation_rate(generation)
        return DirectGenomes(polynomial_mutation_(genes, rate=rate, eta=settings.mutation_eta, generator=generator))

    def mutation_rate(self, generation: int) -> float:
        """Return the mutation probability of a gene in this ``generation`` (paper, section 2.2)."""
        period = self.settings.rate_halving_generations
        return self.settings.mutation_rate * (0.5 ** (generation // period) if period else 1.0)

    def render(self, genomes: DirectGenomes) -> torch.Tensor:
        """Return the images uint8 ``(B, C, H, W)``; for grey levels these are the genes themselves."""
        genes = genomes.genes
        grey = self.image_shape[0] == 1
        if genes.dtype is torch.uint8:
            return genes if grey else rgb_levels(genes, self.settings.colour)
        return levels_of(genes * LEVELS) if grey else rgb_levels(genes * LEVELS, self.settings.colour)

    def require_sound(self, arrays: Mapping[str, NDArray[Any]], *, source: object) -> None:
        """Raise :class:`FoolingError`, naming the ``source``, for genes outside their range."""
        require_range("genes", arrays["genes"], least=0, most=self.largest_gene, source=source)

    def genomes_from(self, arrays: Mapping[str, torch.Tensor]) -> DirectGenomes:
        """Return the genomes in named tensors of ``arrays()``, on the device of this encoding."""
        return DirectGenomes.from_arrays(arrays).to(self.device)
