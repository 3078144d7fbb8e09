"""Settings of the attack with labels alone: budget, noise and encoding; readable without torch."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from fooling.attacks.evolution.settings import Even
from fooling.encodings.settings import CppnSettings, EncodingSettings
from fooling.settings import SeedRange, Settings

Search = Literal["map-elites", "random-search"]
#: Standard deviation of noise, in levels; more noise than the range of levels is wide leaves nothing of an image.
Noise = Annotated[float, Field(gt=0, le=255)]


class LabelOnlySettings(Settings):
    """Images evolved with the labels of a classifier alone, and as control as many queries of random images.

    An image is the better, the more noise its label survives. Every image that the classifier labels is one query.
    """

    seeds: SeedRange = SeedRange(count=3)
    """Seeds of the runs; each search has a run with every seed."""
    searches: Annotated[tuple[Search, ...], Field(min_length=1)] = ("map-elites", "random-search")
    """MAP-Elites, and random search with as many queries."""
    encoding: EncodingSettings = CppnSettings()
    """How a genome becomes an image, and how genomes vary."""
    queries: Annotated[int, Field(ge=1, le=10**9)] = 20_000
    """Queries of each run at most: images and their noisy copies."""
    copies: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Noisy copies of an image at each level of noise."""
    noise: Annotated[tuple[Noise, ...], Field(min_length=1)] = (16.0, 32.0, 64.0, 128.0, 255.0)
    """Standard deviations of the Gaussian noise, ascending, in levels (0 to 255)."""
    most: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Share of the copies, of which more must keep the label."""
    start: Even = 20
    """Random genomes before the first generation."""
    offspring: Even = 20
    """Children in every generation."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if any(low >= high for low, high in zip(self.noise, self.noise[1:], strict=False)):
            raise ValueError("levels of noise in ascending order, each only once")
        if len(set(self.searches)) < len(self.searches):
            raise ValueError("each search only once")
        if self.queries < self.least_queries:
            raise ValueError(
                f"at least {self.least_queries:,} queries: the start and one generation, with a query and "
                f"{self.copies} noisy copies for each of {self.start + self.offspring} images"
            )
        return self

    @property
    def least_queries(self) -> int:
        """Queries of the start and one generation, with one level of noise for each image."""
        return (self.start + self.offspring) * (1 + self.copies)

    @property
    def runs(self) -> list[tuple[Search, int]]:
        """The runs in their order: each search with every seed."""
        return [(search, seed) for search in self.searches for seed in self.seeds.values()]
