"""Expand the entries of a study into what is run: variants of experiments, and chains of retraining."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from fooling.errors import FoolingError
from fooling.retraining.settings import Block, Filling, blocks, runs_against
from fooling.settings import Explanation, format_problem
from fooling.study.entries import ExperimentEntry, Level, RetrainingEntry, name_part

MOST_VARIANTS = 1000  # of one experiment


@dataclass(frozen=True, kw_only=True)
class Variant:
    """An experiment that is run: one combination of the options in `cross`."""

    name: str
    settings: ExperimentEntry  # without `cross`
    levels: Mapping[str, Level]  # values of the crossed options

    @property
    def encoding(self) -> str:
        """The kind of its encoding."""
        return self.settings.encoding.kind

    def evolution(self) -> dict[str, Any]:
        """Return the settings that are passed to the evolve command."""
        return self.settings.evolution()


def variants(experiment: ExperimentEntry) -> Iterator[Variant]:
    """Yield the variants of ``experiment`` in the order of its `cross`, or itself if it is not crossed.

    Raises:
        FoolingError: A key of `cross` is not an option, a value is not allowed, or there are too many variants.
    """
    if (count := math.prod(map(len, experiment.cross.values()))) > MOST_VARIANTS:
        key = next(iter(experiment.cross))
        raise _refused(experiment, key, found=f"{count:,} variants", allowed=f"at most {MOST_VARIANTS:,} in all")
    for combination in itertools.product(*experiment.cross.values()):
        levels = dict(zip(experiment.cross, combination, strict=True))
        name = "-".join([experiment.name, *(name_part(key, level) for key, level in levels.items())])
        yield Variant(name=name, settings=_at_levels(experiment, levels, name=name), levels=levels)


def _at_levels(experiment: ExperimentEntry, levels: Mapping[str, Level], *, name: str) -> ExperimentEntry:
    values = experiment.model_dump() | {"name": name, "cross": {}}
    for key, level in levels.items():
        part, _, option = key.partition(".")
        if part not in ("encoding", "search") or option not in values[part]:
            options = [f"{part}.{option}" for part in ("encoding", "search") for option in values[part]]
            raise _refused(experiment, key, found=f"an unknown option, {key!r}", allowed=", ".join(options))
        values[part][option] = level
        try:
            values = ExperimentEntry.model_validate(values).model_dump()
        except ValidationError as error:
            raise _refused(experiment, key, found=repr(level), allowed=error.errors()[0]["msg"]) from None
    return ExperimentEntry.model_validate(values)


def _refused(experiment: ExperimentEntry, key: str, *, found: str, allowed: str) -> FoolingError:
    values = {"experiments": [{"name": experiment.name, "cross": {key: None}}]}
    explanation = Explanation(found=found, allowed=allowed)
    return FoolingError(
        "the study: 1 setting refused\n" + format_problem(values, ["experiments", 0, "cross", key], explanation)
    )


@dataclass(frozen=True, kw_only=True)
class Chain:
    """A chain of retrained networks for one first network and filling; chains that differ in filling share number 1."""

    settings: RetrainingEntry
    first: str
    filled_with: Filling

    @property
    def name(self) -> str:
        """Its name, which is also the folder of its files."""
        return f"{self.settings.name}/{self.first}/{self.filled_with}"

    @property
    def numbers(self) -> range:
        """The numbers of its networks."""
        return range(1, self.settings.networks + 1)

    def network(self, number: int) -> str:
        """Return the name of a network, which is also the folder of the runs against it."""
        return f"{self.settings.name}/{self.first}/dnn1" if number == 1 else f"{self.name}/dnn{number}"

    @property
    def refusing(self) -> str | None:
        """Name of its last network with the constant that makes it refuse images, if evolution runs against that."""
        return None if self.settings.refusal is None else f"{self.network(self.settings.networks)}/refusing"

    @property
    def supplier(self) -> str | None:
        """Name of the chain whose fooling images its networks learn: its own, or that of the next classifier."""
        if self.filled_with == "nothing":
            return None
        if self.filled_with != "other-champions":
            return self.name
        classifiers = self.settings.classifiers
        other = classifiers[(classifiers.index(self.first) + 1) % len(classifiers)]
        return f"{self.settings.name}/{other}/champions"

    def evolution(self, number: int) -> dict[str, Any]:
        """Return the settings of the runs against a network; runs against the last one may be longer."""
        settings = self.settings.evolution()
        if number == self.settings.networks and self.settings.measured_generations is not None:
            settings["search"]["generations"] = self.settings.measured_generations
        return settings

    def blocks(self, number: int) -> dict[int, Block]:
        """Return the jobs that make the runs against a network, by number."""
        fillings = self.settings.filled_with if number == 1 else (self.filled_with,)
        runs = max(runs_against(self.settings, number, filled_with=filling) for filling in fillings)
        return {block.number: block for block in blocks(self.settings, self.first, number, runs=runs)}


def chains_of(entries: Iterable[RetrainingEntry]) -> Iterator[Chain]:
    """Yield all chains, in the order of the study file."""
    for entry in entries:
        for first in entry.classifiers:
            for filled_with in entry.filled_with:
                yield Chain(settings=entry, first=first, filled_with=filled_with)
