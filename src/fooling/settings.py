"""The base of every settings class, and the one way in which settings are read and refused."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fooling.errors import FoolingError
from fooling.parsing import parsed_json, parsed_yaml, read_text, require_reasonable
from fooling.settings_errors import explained


class Settings(BaseModel):
    """Settings of one part of the study: immutable, every key known, every field with a description."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


#: Numbers of settings, within what the study's files and this machine can hold.
LARGEST_SEED = 10**9
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]
Count = Annotated[int, Field(ge=1, le=10**9)]
Side = Annotated[int, Field(ge=8, le=1024)]

EXPONENT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+")

Section = TypeVar("Section", bound=Settings)


class SeedRange(Settings):
    """Consecutive seeds, one run each."""

    first: Seed = 1
    """The first seed."""
    count: Annotated[int, Field(ge=1, le=10_000)] = 10
    """How many runs."""

    def values(self) -> range:
        """The seeds."""
        return range(self.first, self.first + self.count)


def read_settings(section: type[Section], source: str) -> Section:
    """Settings from the command line: one JSON object, or the path of a YAML file that holds the section.

    Raises :class:`FoolingError` for a missing file, broken syntax, an unknown key or a value that is not allowed.
    """
    if source.lstrip().startswith("{"):
        remedy = "pass one JSON object or a YAML file"
        values = parsed_json(source, source="--settings", remedy=remedy)
        require_reasonable(values, source="--settings")
        return checked_settings(section, values, source="--settings")
    return checked_settings(section, parsed_yaml(read_text(Path(source)), source=source), source=source)


def with_exponents_read(values: Any) -> Any:
    """``values`` of a YAML file with texts such as ``1e-4`` as the numbers they are meant to be.

    YAML 1.1, which PyYAML reads, wants a dot and a sign (``1.0e-4``) and takes anything else for text.
    """
    if isinstance(values, Mapping):
        return {key: with_exponents_read(value) for key, value in values.items()}
    if isinstance(values, list):
        return [with_exponents_read(value) for value in values]
    if not (isinstance(values, str) and EXPONENT.fullmatch(values)):
        return values
    return number if math.isfinite(number := float(values)) else values


def checked_settings(section: type[Section], values: Any, *, source: str) -> Section:
    """``values`` as a ``section``; every mistake is named with its key, what was found and what is allowed."""
    if not isinstance(values, Mapping):
        raise FoolingError(
            f"{source} holds no settings", found=type(values).__name__, expected="a mapping of keys to values"
        )
    try:
        return section.model_validate(values)
    except ValidationError as error:
        problems = [explained(section, values, detail) for detail in error.errors(include_url=False)]
        raise FoolingError(
            f"{source}: {len(problems)} setting{'s' * (len(problems) > 1)} refused\n" + "\n".join(problems)
        ) from None
