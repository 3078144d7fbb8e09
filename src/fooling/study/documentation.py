"""Documentation generated from declarations: commented YAML, JSON schema, and pages on settings, tables and files."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from fooling import reproducibility
from fooling.attacks import record as targeted
from fooling.attacks.adversarial import record as adversarial
from fooling.attacks.evolution import record as evolution
from fooling.attacks.evolution import replay
from fooling.attacks.label_only import record as label_only
from fooling.attacks.universal import record as universal
from fooling.classifiers import header as classifiers
from fooling.datasets import dataset
from fooling.encodings.cppn import genome
from fooling.findings import audits
from fooling.findings.intervals import FEWEST_UNITS
from fooling.messages import table_row
from fooling.schemas import Array, FileFormat
from fooling.settings import Settings, described_fields, models_in
from fooling.survey import questionnaire
from fooling.table import LARGEST_COUNT, Column, Table, Values

DATA_FILES = ("tables.md", "files.md")

WIDTH = 100  # characters of a comment line
OBVIOUS = ("true or false", "list, each text")  # allowed values that comments omit

_TYPES = {"string": "text", "boolean": "true or false", "object": "mapping"} | {
    name: name for name in ("integer", "number", "null")
}
_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "multipleOf": "a multiple of {}",
}
#: All formats, in the order of docs/files.md.
FORMATS = (
    dataset.FORMAT,
    classifiers.FORMAT,
    evolution.FORMAT,
    evolution.RUNS_FORMAT,
    replay.FORMAT,
    targeted.FORMAT,
    adversarial.FORMAT,
    universal.FORMAT,
    label_only.FORMAT,
    questionnaire.FILE_FORMAT,
    audits.FORMAT,
    reproducibility.CHECKPOINT,
)


def json_schema(section: type[Settings]) -> str:
    """Return the JSON schema of ``section``, for editors and the workflow."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **section.model_json_schema()}
    return json.dumps(schema, indent=2) + "\n"


def settings_table(section: type[Settings]) -> str:
    """Return all keys below ``section`` in Markdown: a table for each class, in order of first use."""
    return "\n".join("".join(_chapter(path, model)) for model, path in _models_below(section).items())


def commented_yaml(settings: Settings) -> str:
    """Return ``settings`` as YAML with a comment on each key.

    The first settings of a class contain all keys with comments, later ones only the keys that are set explicitly.
    """
    return "\n".join(_Writer().mapping(settings)) + "\n"


class _Writer:
    """Writer of settings as lines of YAML, which explains each class once."""

    def __init__(self) -> None:
        self._explained: set[type[BaseModel]] = set()

    def mapping(self, settings: BaseModel) -> Iterator[str]:
        model = type(settings)
        is_new = model not in self._explained
        self._explained.add(model)
        for key, field in described_fields(model).items():
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
    """Return the description of a key and its allowed values as comment lines; obvious values are omitted."""
    allowed = allowed_values(field)
    text = f"{field.description} [{allowed}]" if " " in allowed and allowed not in OBVIOUS else str(field.description)
    return textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def _indented(lines: list[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _item(lines: list[str]) -> list[str]:
    """Return the lines of an entry of a list: a hyphen before its first key, comments above it."""
    first = next(index for index, line in enumerate(lines) if not line.startswith("#"))
    return [*_indented(lines[:first]), f"- {lines[first]}", *_indented(lines[first + 1 :])]


def _flow(plain: Any) -> str:
    """Return a value as YAML on one line."""
    return yaml.safe_dump(plain, default_flow_style=True, width=10_000, sort_keys=False).removesuffix("...\n").strip()


def _models_below(section: type[BaseModel], path: str = "") -> dict[type[BaseModel], str]:
    """Return ``section`` and every settings class below it, each with the key where it is first used."""
    found = {section: path}
    for key, field in section.model_fields.items():
        for model in models_in(field.annotation):
            below = _models_below(model, f"{path}.{key}".strip("."))
            found |= {inner: place for inner, place in below.items() if inner not in found}
    return found


def _chapter(path: str, model: type[BaseModel]) -> Iterator[str]:
    kind = model.model_fields.get("kind")
    title = f"`{path}`" if path else "The study file"
    of_kind = "" if kind is None else f", kind `{allowed_values(kind)}`"
    yield f"## {title}{of_kind}\n{' '.join(str(model.__doc__).split())}\n\n"
    yield "| key | allowed | default | meaning |\n|---|---|---|---|\n"
    for key, field in described_fields(model).items():
        cells = (f"`{key}`", allowed_values(field) or "see below", _default(field), field.description)
        yield table_row(cells)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    return "see below" if isinstance(default, BaseModel) else f"`{_flow_of(default)}`"


def _flow_of(default: Any) -> str:
    if isinstance(default, Path):
        return str(default)
    return _flow(list(default) if isinstance(default, tuple) else default)


def allowed_values(field: FieldInfo) -> str:
    """Return the type, choices and bounds of ``field``; empty for a section with its own keys."""
    if models_in(field.annotation):
        return ""
    described = TypeAdapter(field.rebuild_annotation()).json_schema()
    return _schema_in_words(described)


def _schema_in_words(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return ", or ".join(_schema_in_words(option) for option in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(str(choice) or "empty" for choice in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        return f"list, each {_schema_in_words(schema['items'])}" if schema.get("items") else "list"
    bounds = [text.format(schema[bound]) for bound, text in _BOUNDS.items() if bound in schema]
    return " ".join([_TYPES.get(schema.get("type", ""), "any value"), " and ".join(bounds)]).strip()


def tables_documentation(tables: Sequence[Table]) -> str:
    """Return the content of ``docs/tables.md``: all ``tables`` with their columns."""
    page = (Path(__file__).parent / DATA_FILES[0]).read_text(encoding="utf-8")
    chapters = "\n".join("".join(_table_chapter(table)) for table in tables)
    return page.replace("{TABLES}", chapters).replace("{FEWEST_UNITS}", str(FEWEST_UNITS))


def values_in_words(values: Values) -> str:
    """Return the allowed values of a column, in Markdown."""
    if values.kind == "text":
        words = ", ".join(f"`{text}`" for text in values.among) or "text"
    elif values.kind == "flag":
        words = "`True`, `False`"
    else:
        words = {"whole": "whole number", "number": "number"}[values.kind]
        if values.most < (LARGEST_COUNT if values.kind == "whole" else math.inf):
            words += f" from {values.least:g} to {values.most:g}"
        elif values.least > -math.inf:
            words += f" from {values.least:g}"
        words += ", `inf`" * values.may_be_infinite
    return words + ", empty" * values.may_be_empty


def _table_chapter(table: Table) -> Iterator[str]:
    yield f"## {table.name}\n{' '.join(_facts(table))}\n\n{table.doc}\n\n"
    yield "| column | values | unit | meaning |\n|---|---|---|---|\n"
    yield from map(_column_row, table.columns)


def _facts(table: Table) -> Iterator[str]:
    if table.path is not None:
        yield f"`{table.path.replace('{', '<').replace('}', '>')}`."
    if table.commands:
        yield f"Written by {' and '.join(f'`fooling {command}`' for command in table.commands)}."
    yield f"Key: {', '.join(f'`{name}`' for name in table.key)}."
    if table.may_be_empty:
        yield "It may have no rows."


def _column_row(column: Column) -> str:
    values = values_in_words(column.values) + ", or no such column" * column.may_be_missing
    cells = (f"`{column.name}`", values, column.unit, column.doc)
    return table_row(cells)


def files_documentation(formats: Sequence[FileFormat] = FORMATS) -> str:
    """Return the content of ``docs/files.md``: all ``formats`` with their headers and arrays, and the genomes."""
    page = (Path(__file__).parent / DATA_FILES[1]).read_text(encoding="utf-8")
    chapters = "\n".join("".join(_format_chapter(each)) for each in formats)
    return page.replace("{FILES}", chapters).replace("{GENOMES}", _array_table(genome.ARRAYS))


def _format_chapter(form: FileFormat) -> Iterator[str]:
    place = form.path.replace("{", "<").replace("}", ">")
    by = ", ".join(f"`fooling {command}`" for command in form.commands)
    yield f"## {form.kind}, version {form.version}\n`{place}`. Written by {by}.\n\n{form.doc}\n"
    if rows := list(_header_rows(form.header)):
        yield "\n" + _table(("key", "values", "meaning"), rows)
    if form.arrays:
        yield f"\n{_array_table(form.arrays, form.lengths)}"


def _header_rows(
    model: type[BaseModel], before: str = "", explained: dict[type[BaseModel], str] | None = None
) -> Iterator[tuple[str, str, str]]:
    """Yield a row for each key of a header; keys of a part are ``part.key``, those of each part ``parts[].key``.

    A part that was ``explained`` before, at the key given there, has one row.
    """
    known = {} if explained is None else explained
    for key, field in described_fields(model).items():
        parts = models_in(field.annotation)
        several = str(field.annotation).startswith("tuple") and bool(parts)
        name = f"{before}{key}{'[]' if several else ''}"
        optional = "" if field.is_required() else ", or no such key"
        if not parts:
            yield f"`{name}`", f"{allowed_values(field)}{optional}", field.description or ""
        elif optional:
            yield f"`{name}`", f"mapping{optional}", _first_sentence(parts[0])
        for part in parts:
            if part in known:
                yield f"`{name}`", "mapping", f"As `{known[part]}`."
            else:
                known[part] = name
                yield from _header_rows(part, f"{name}.", known)


def _first_sentence(model: type[BaseModel]) -> str:
    return " ".join(str(model.__doc__).split()).replace("``", "`")


def _array_table(arrays: Iterable[Array], lengths: Mapping[str, str] | None = None) -> str:
    """Return a table of arrays in Markdown, and below it the meaning of the letters."""
    rows = [(f"`{array.name}`", f"`{array.form}`", _range(array), array.doc) for array in arrays]
    letters = "; ".join(f"{letter}: {meaning}" for letter, meaning in (lengths or {}).items())
    return _table(("array", "form", "range", "meaning"), rows) + (f"\n{letters}.\n" if letters else "")


def _range(array: Array) -> str:
    """Return the range of an array's numbers; empty if every finite number is allowed."""
    bounds = [bound for bound in (array.least, array.most) if math.isfinite(bound) and abs(bound) < 1e30]
    return " to ".join(f"{bound:,.0f}" for bound in bounds)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
