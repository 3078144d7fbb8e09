"""What settings classes say of themselves: a study as commented YAML, its JSON schema, the table of settings."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from fooling.settings import Settings
from fooling.settings_errors import models_in
from fooling.study.allowed import allowed_values

WIDTH = 100
UNSAID = ("true or false", "list, each text")


def json_schema(section: type[Settings]) -> str:
    """The JSON schema of ``section``, for editors and for the workflow."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **section.model_json_schema()}
    return json.dumps(schema, indent=2) + "\n"


def settings_table(section: type[Settings]) -> str:
    """Every key below ``section`` in Markdown: a table for each class, in the order in which they are met."""
    return "\n".join("".join(_chapter(path, model)) for model, path in _models_below(section).items())


def commented_yaml(settings: Settings) -> str:
    """``settings`` as YAML, with what each key means.

    The first settings of a class show all its keys with comments, later ones only the keys that they set themselves.
    """
    return "\n".join(_Writer().mapping(settings)) + "\n"


class _Writer:
    """Writes settings as lines of YAML, and knows which classes it has explained."""

    def __init__(self) -> None:
        self._explained: set[type[BaseModel]] = set()

    def mapping(self, settings: BaseModel) -> Iterator[str]:
        model = type(settings)
        is_new = model not in self._explained
        self._explained.add(model)
        for key, field in model.model_fields.items():
            if is_new or key in settings.model_fields_set or key == "kind":
                if is_new:
                    yield from _comment(field)
                value = getattr(settings, key)
                yield from self._entry(key, value, to_jsonable_python(value))

    def _entry(self, key: str, value: Any, plain: Any) -> Iterator[str]:
        if isinstance(value, BaseModel):
            lines = list(self.mapping(value))
            yield from [f"{key}:", *_indented(lines)] if lines else []
        elif isinstance(value, (list, tuple)) and value and isinstance(value[0], BaseModel):
            yield f"{key}:"
            for entry in value:
                yield from _item(list(self.mapping(entry)))
        else:
            yield from f"{key}: {_flow(plain)}".splitlines()


def _comment(field: FieldInfo) -> list[str]:
    """What a key means and which values it may have, as comment lines; a bare type goes without saying."""
    allowed = allowed_values(field)
    text = f"{field.description} [{allowed}]" if " " in allowed and allowed not in UNSAID else str(field.description)
    return textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def _indented(lines: list[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _item(lines: list[str]) -> list[str]:
    """The lines of an entry of a list: a hyphen before its first key, comments above it."""
    first = next(index for index, line in enumerate(lines) if not line.startswith("#"))
    return [*_indented(lines[:first]), f"- {lines[first]}", *_indented(lines[first + 1 :])]


def _flow(plain: Any) -> str:
    """A value in YAML on one line."""
    return yaml.safe_dump(plain, default_flow_style=True, width=10_000, sort_keys=False).removesuffix("...\n").strip()


def _models_below(section: type[BaseModel], path: str = "") -> dict[type[BaseModel], str]:
    """``section`` and every settings class that its fields name, each with the key where it is met first."""
    found = {section: path}
    for key, field in section.model_fields.items():
        for model in models_in(field.annotation):
            below = _models_below(model, f"{path}.{key}".strip("."))
            found |= {inner: place for inner, place in below.items() if inner not in found}
    return found


def _chapter(path: str, model: type[BaseModel]) -> Iterator[str]:
    kind = model.model_fields.get("kind")
    title = f"`{path}`" if path else "The study file"
    yield f"## {title}{'' if kind is None else f', kind `{kind.default}`'}\n{' '.join(str(model.__doc__).split())}\n\n"
    yield "| key | allowed | default | meaning |\n|---|---|---|---|\n"
    for key, field in model.model_fields.items():
        cells = (f"`{key}`", allowed_values(field) or "see below", _default(field), field.description)
        yield "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    return "see below" if isinstance(default, BaseModel) else f"`{_flow_of(default)}`"


def _flow_of(default: Any) -> str:
    if isinstance(default, Path):
        return str(default)
    return _flow(list(default) if isinstance(default, tuple) else default)
