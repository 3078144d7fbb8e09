"""The base of every settings class, and the one way in which settings are read and refused."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from fooling.errors import FoolingError


class Settings(BaseModel):
    """Settings of one part of the study: immutable, every key known, every field with a description."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


Section = TypeVar("Section", bound=Settings)


def read_settings(section: type[Section], source: str) -> Section:
    """Settings from the command line: one JSON object, or the path of a YAML file that holds the section.

    Raises :class:`FoolingError` for a missing file, broken syntax, an unknown key or a value that is not allowed.
    """
    if source.lstrip().startswith("{"):
        return checked_settings(section, _parsed_json(source), source="--settings")
    path = Path(source)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FoolingError(f"the settings file {path} cannot be read", found=error) from None
    return checked_settings(section, parsed_yaml(text, source=str(path)), source=str(path))


def parsed_yaml(text: str, *, source: str) -> Any:
    """The content of a YAML text; a syntax error names ``source`` and the line."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise FoolingError(f"{source} is not valid YAML", found=error) from None


def checked_settings(section: type[Section], values: Any, *, source: str) -> Section:
    """``values`` as a ``section``; every mistake is named with its key, what was found and what is allowed."""
    if not isinstance(values, Mapping):
        raise FoolingError(
            f"{source} holds no settings", found=type(values).__name__, expected="a mapping of keys to values"
        )
    try:
        return section.model_validate(values)
    except ValidationError as error:
        problems = [_explained(section, values, detail) for detail in error.errors(include_url=False)]
        raise FoolingError(
            f"{source}: {len(problems)} setting{'s' * (len(problems) > 1)} refused\n" + "\n".join(problems)
        ) from None


def _parsed_json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise FoolingError(
            "--settings is not valid JSON", found=error, remedy="pass one JSON object or a YAML file"
        ) from None


def _explained(section: type[Settings], values: Any, detail: ErrorDetails) -> str:
    """One refused setting: its key, what was found, what is allowed, and the corrected YAML."""
    keys, owner = _located(section, values, detail["loc"])
    last = keys[-1] if keys else ""
    fields = owner.model_fields if owner is not None else {}
    lines = [f"- {'.'.join(map(str, keys)) or 'the settings'}"]
    if detail["type"] == "extra_forbidden":
        close = difflib.get_close_matches(str(last), fields, n=1)
        lines += [f"  found: an unknown key, {last!r}", f"  allowed: {', '.join(fields)}"]
        correction: Any = {close[0]: detail["input"]} if close else None
    elif detail["type"] == "missing":
        lines += ["  found: nothing", f"  allowed: {detail['msg']}"]
        correction = {last: _example(owner, str(last))}
    else:
        lines += [f"  found: {detail['input']!r}", f"  allowed: {detail['msg'].removeprefix('Value error, ')}"]
        correction = {last: _example(owner, str(last))} if str(last) in fields else None
    if correction is not None and all(value is not _NO_EXAMPLE for value in correction.values()):
        corrected = yaml.safe_dump(_nested(keys[:-1], correction), sort_keys=False, default_flow_style=False)
        lines += ["  corrected:", *(f"    {line}" for line in corrected.splitlines())]
    return "\n".join(lines)


_NO_EXAMPLE = object()


def _example(owner: type[BaseModel] | None, key: str) -> Any:
    """A value that this key may have: its default, else its first example."""
    field = owner.model_fields.get(key) if owner is not None else None
    if field is None:
        return _NO_EXAMPLE
    if field.examples:
        return field.examples[0]
    if field.is_required():
        return _NO_EXAMPLE
    default = field.get_default(call_default_factory=True)
    return default.model_dump(mode="json") if isinstance(default, BaseModel) else default


def _nested(keys: Sequence[str | int], value: Any) -> Any:
    for key in reversed(keys):
        value = [value] if isinstance(key, int) else {key: value}
    return value


def _located(
    section: type[Settings], values: Any, location: Sequence[str | int]
) -> tuple[list[str | int], type[BaseModel] | None]:
    """The keys of a pydantic error location as in the file (union tags left out), and the class that owns the last."""
    keys: list[str | int] = []
    owner: type[BaseModel] | None = section
    candidates: list[type[BaseModel]] = [section]
    for index, key in enumerate(location):
        known = isinstance(key, int) or (isinstance(values, Mapping) and key in values) or index == len(location) - 1
        tagged = [model for model in candidates if isinstance(key, str) and _tag(model) == key]
        if tagged and not (isinstance(values, Mapping) and key in values):
            candidates, owner = tagged, tagged[0]
            continue
        if not known:
            continue
        keys.append(key)
        if isinstance(key, str):
            owner = next(
                (model for model in candidates if key in model.model_fields), candidates[0] if candidates else None
            )
            if index < len(location) - 1:
                candidates = (
                    _models_in(owner.model_fields[key].annotation) if owner and key in owner.model_fields else []
                )
        values = _entry(values, key)
    return keys, owner


def _entry(values: Any, key: str | int) -> Any:
    try:
        return values[key]
    except (KeyError, IndexError, TypeError):
        return None


def _tag(model: type[BaseModel]) -> str | None:
    """The value of ``kind`` that chooses this class in a tagged union, if it has one."""
    field = model.model_fields.get("kind")
    return None if field is None else field.default


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """Every settings class named in a type annotation, lists and unions opened."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models_in(part)]
