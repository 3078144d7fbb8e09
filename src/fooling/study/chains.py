"""Chains of retrained networks as they are made: one for each first network and filling of the fooling class."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from fooling.retraining.plan import Block, blocks, runs_against
from fooling.retraining.settings import Filling
from fooling.study.entries import RetrainingEntry


@dataclass(frozen=True, kw_only=True)
class Chain:
    """Networks that follow each other. Number 1 is the first one; chains that differ in their filling share it."""

    settings: RetrainingEntry
    first: str
    filled_with: Filling

    @property
    def name(self) -> str:
        """Its name, which is the folder of its files as well."""
        return f"{self.settings.name}/{self.first}/{self.filled_with}"

    @property
    def numbers(self) -> range:
        """The numbers of its networks."""
        return range(1, self.settings.networks + 1)

    def network(self, number: int) -> str:
        """The name of a network, which is the folder of the runs against it as well."""
        return f"{self.settings.name}/{self.first}/dnn1" if number == 1 else f"{self.name}/dnn{number}"

    @property
    def refusing(self) -> str | None:
        """The name of its last network as it refuses real images at the rate at which evolution runs again, if any."""
        return None if self.settings.refusal is None else f"{self.network(self.settings.networks)}/refusing"

    @property
    def supplier(self) -> str | None:
        """The name of the chain whose fooling images its networks learn: itself, or that of the next classifier."""
        if self.filled_with == "nothing":
            return None
        if self.filled_with != "other-champions":
            return self.name
        classifiers = self.settings.classifiers
        other = classifiers[(classifiers.index(self.first) + 1) % len(classifiers)]
        return f"{self.settings.name}/{other}/champions"

    def evolution(self, number: int) -> dict[str, Any]:
        """The settings of the runs against a network; those against the last one may be longer."""
        settings = self.settings.evolution()
        if number == self.settings.networks and self.settings.measured_generations is not None:
            settings["search"]["generations"] = self.settings.measured_generations
        return settings

    def blocks(self, number: int) -> dict[int, Block]:
        """The jobs that make the runs against a network, by their numbers."""
        fillings = self.settings.filled_with if number == 1 else (self.filled_with,)
        runs = max(runs_against(self.settings, number, filled_with=filling) for filling in fillings)
        return {block.number: block for block in blocks(self.settings, self.first, number, runs=runs)}


def chains_of(entries: Iterable[RetrainingEntry]) -> Iterator[Chain]:
    """All chains, in the order of the study file."""
    for entry in entries:
        for first in entry.classifiers:
            for filled_with in entry.filled_with:
                yield Chain(settings=entry, first=first, filled_with=filled_with)
