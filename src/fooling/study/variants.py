"""Experiments as they are run: those of the study file, with each `cross` opened into one experiment per variant."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from fooling.errors import FoolingError
from fooling.settings_errors import Explanation, told
from fooling.study.entries import ExperimentEntry, Level, word_of

MOST_VARIANTS = 1000  # of one experiment


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One experiment as it is run."""

    name: str
    settings: ExperimentEntry  # without `cross`
    levels: Mapping[str, Level]  # the values that distinguish it from the other variants of its experiment

    @property
    def encoding(self) -> str:
        """The kind of its encoding."""
        return self.settings.encoding.kind

    def evolution(self) -> dict[str, Any]:
        """The settings that the evolve command is given."""
        return self.settings.evolution()


def variants(experiment: ExperimentEntry) -> Iterator[Variant]:
    """The variants of ``experiment``, in the order of its `cross`; itself alone where nothing is crossed.

    Raises :class:`FoolingError` for a key of `cross` that is no option, and for a value that the option cannot have.
    """
    if (count := math.prod(map(len, experiment.cross.values()))) > MOST_VARIANTS:
        key = next(iter(experiment.cross))
        raise _refused(experiment, key, found=f"{count:,} variants", allowed=f"at most {MOST_VARIANTS:,} in all")
    for combination in itertools.product(*experiment.cross.values()):
        levels = dict(zip(experiment.cross, combination, strict=True))
        name = "-".join([experiment.name, *(word_of(key, level) for key, level in levels.items())])
        yield Variant(name=name, settings=_at_levels(experiment, levels, name=name), levels=levels)


def _at_levels(experiment: ExperimentEntry, levels: Mapping[str, Level], *, name: str) -> ExperimentEntry:
    values = experiment.model_dump() | {"name": name, "cross": {}}
    for key, level in levels.items():
        part, _, option = key.partition(".")
        if part not in ("encoding", "search") or option not in values[part]:
            options = [f"{part}.{option}" for part in ("encoding", "search") for option in values[part]]
            raise _refused(experiment, key, found=f"no such option, {key!r}", allowed=", ".join(options))
        values[part][option] = level
        try:
            values = ExperimentEntry.model_validate(values).model_dump()
        except ValidationError as error:
            raise _refused(experiment, key, found=repr(level), allowed=error.errors()[0]["msg"]) from None
    return ExperimentEntry.model_validate(values)


def _refused(experiment: ExperimentEntry, key: str, *, found: str, allowed: str) -> FoolingError:
    values = {"experiments": [{"name": experiment.name, "cross": {key: None}}]}
    explanation = Explanation(found=found, allowed=allowed)
    return FoolingError("the study: 1 setting refused\n" + told(values, ["experiments", 0, "cross", key], explanation))
