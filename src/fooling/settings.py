"""Read and check settings: one base class, and messages that show the corrected YAML."""

from __future__ import annotations

import ast
import difflib
import inspect
import itertools
import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, ValidationError
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import ErrorDetails

from fooling.inputs import parsed_json, parsed_yaml, read_text, require_reasonable
from fooling.messages import FoolingError


class Settings(BaseModel):
    """Base of the settings of each part: immutable, without unknown keys, each field with a description."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Add the descriptions of the fields to the JSON schema."""
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        for key, known in described_fields(cls).items():
            if key in properties and known.description:
                properties[key]["description"] = known.description
        return schema


def described_fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields of a model, each with the docstring below it as its description.

    pydantic can read docstrings itself, but whenever a class is defined, which is a quarter of the time to import the
    settings. Descriptions are needed only in messages, schemas and the documentation.
    """
    for key, known in model.model_fields.items():
        if known.description is None:
            owner = next((each for each in model.__mro__ if key in inspect.get_annotations(each)), None)
            known.description = None if owner is None else _docstrings(owner.__module__, owner.__name__).get(key)
    return model.model_fields


@cache
def _docstrings(module: str, name: str) -> dict[str, str]:
    """Return the docstring below each annotated name of a class; none if its source is not available."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (KeyError, OSError, TypeError):
        return {}
    bodies = (node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == name)
    return {
        statement.target.id: inspect.cleandoc(below.value.value)
        for body in bodies
        for statement, below in itertools.pairwise(body)
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str)
    }


#: Numbers in settings, within the limits of files and machines.
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
        """Return the seeds."""
        return range(self.first, self.first + self.count)


def read_settings(section: type[Section], source: str) -> Section:
    """Return settings given on the command line: one JSON object, or the path of a YAML file with the section.

    Raises :class:`FoolingError` for a missing file, invalid syntax, an unknown key or an invalid value.
    """
    if source.lstrip().startswith("{"):
        remedy = "pass one JSON object, or the path of a YAML file"
        values = parsed_json(source, source="--settings", remedy=remedy)
        require_reasonable(values, source="--settings")
        return checked_settings(section, values, source="--settings")
    return checked_settings(section, parsed_yaml(read_text(Path(source)), source=source), source=source)


def parse_exponents(values: Any) -> Any:
    """Return ``values`` of a YAML file with texts such as ``1e-4`` converted to the numbers that they stand for.

    YAML 1.1, which PyYAML reads, requires a dot and a sign (``1.0e-4``) and takes anything else for a text.
    """
    if isinstance(values, Mapping):
        return {key: parse_exponents(value) for key, value in values.items()}
    if isinstance(values, list):
        return [parse_exponents(value) for value in values]
    if not (isinstance(values, str) and EXPONENT.fullmatch(values)):
        return values
    return number if math.isfinite(number := float(values)) else values


def checked_settings(section: type[Section], values: Any, *, source: str) -> Section:
    """Return ``values`` as a ``section``.

    Raises:
        FoolingError: Values are invalid. Lists each key, what was found, what is allowed and the corrected YAML.
    """
    if not isinstance(values, Mapping):
        raise FoolingError(
            f"{source} has no settings", found=type(values).__name__, expected="a mapping of keys to values"
        )
    try:
        return section.model_validate(values)
    except ValidationError as error:
        problems = [explain_error(section, values, detail) for detail in error.errors(include_url=False)]
        raise FoolingError(
            f"{source}: {len(problems)} invalid setting{'s' * (len(problems) > 1)}\n" + "\n".join(problems)
        ) from None


Key = str | int
LONGEST_VALUE = 80  # characters of a value in a message


@dataclass(frozen=True)
class Explanation:
    """What is wrong with one setting."""

    found: str
    allowed: str
    correction: Mapping[str, Any] = field(default_factory=dict)  # the last key with an allowed value


def explain_error(section: type[BaseModel], values: Mapping[str, Any], error: ErrorDetails) -> str:
    """Return one error that pydantic found in ``values`` for ``section``, as an indented text of a few lines."""
    keys = _keys_in_file(values, error)
    if error["type"].startswith("union_tag"):
        keys.append(_discriminator(error))
    return format_problem(
        values, keys, _explanation(_owner(section, error["loc"]), str(keys[-1]) if keys else "", error)
    )


def format_problem(values: Mapping[str, Any], keys: Sequence[Key], explanation: Explanation) -> str:
    """Return what is wrong with the setting at ``keys`` within ``values``, as an indented text of a few lines."""
    lines = [f"- {_written(values, keys)}", f"  found: {explanation.found}", f"  allowed: {explanation.allowed}"]
    if explanation.correction:
        corrected = yaml.safe_dump(_nested(values, keys[:-1], explanation.correction), sort_keys=False)
        lines += ["  corrected:", *(f"    {line}" for line in corrected.splitlines())]
    return "\n".join(lines)


def _explanation(owner: type[BaseModel] | None, key: str, error: ErrorDetails) -> Explanation:
    fields = described_fields(owner) if owner is not None else {}
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        close = difflib.get_close_matches(key, fields, n=1)
        return Explanation(f"an unknown key, {key!r}", ", ".join(fields), dict.fromkeys(close, error["input"]))
    if error["type"] == "missing":
        if owner is None or key not in fields:
            return Explanation("nothing", "a value is required")
        return Explanation("nothing", fields[key].description or "a value is required", {key: shortest(owner, key)})
    if error["type"].startswith("union_tag"):
        choices = _quoted(error.get("ctx", {}).get("expected_tags", ""))
        tag = error["input"].get(key) if isinstance(error["input"], Mapping) else None
        allowed = f"one of {', '.join(choices)}" if choices else "a kind"
        return Explanation("nothing" if tag is None else repr(tag), allowed, _closest(key, tag, choices))
    if error["type"] == "literal_error":
        choices = _quoted(error["ctx"]["expected"])
        return Explanation(_shown(error["input"]), message, _closest(key, error["input"], choices))
    if error["type"] == "string_type" and isinstance(error["input"], int | float):
        return Explanation(_shown(error["input"]), "a text; put the number in quotes", {key: str(error["input"])})
    return Explanation(_shown(error["input"]), message, _example(owner, key))


def _keys_in_file(values: Any, error: ErrorDetails) -> list[Key]:
    """Return the location of an error as keys of the file; pydantic's also names the union member that it tried."""
    keys: list[Key] = []
    for index, key in enumerate(error["loc"]):
        is_last = index == len(error["loc"]) - 1
        if _has(values, key):
            keys.append(key)
            values = values[key]
        elif is_last and error["type"] == "missing":
            keys.append(key)
    return keys


def _has(values: Any, key: Key) -> bool:
    if isinstance(values, Mapping):
        return key in values
    return isinstance(values, Sequence) and isinstance(key, int) and key < len(values)


def _owner(section: type[BaseModel], location: Sequence[Key]) -> type[BaseModel] | None:
    """Return the settings class that the last key of an error's location belongs to."""
    candidates = [section]
    for key in location[:-1]:
        tried = [model for model in candidates if key in (*_tags(model), model.__name__)]
        within = [model.model_fields[str(key)].annotation for model in candidates if key in model.model_fields]
        if within:
            candidates = [model for annotation in within for model in models_in(annotation)]
        elif tried:
            candidates = tried
    last = location[-1] if location else ""
    return next((model for model in candidates if last in model.model_fields), next(iter(candidates), None))


def _tags(model: type[BaseModel]) -> tuple[str, ...]:
    """Return the values of ``kind`` that choose this class among the members of a union; empty without that key."""
    kind = model.model_fields.get("kind")
    return () if kind is None else get_args(kind.annotation)


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return all settings classes in a type annotation, including those within lists and unions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in models_in(part)]


def _example(owner: type[BaseModel] | None, key: str) -> dict[str, Any]:
    """Return ``key`` with an allowed value: its first example, else its default; empty without either."""
    known = owner.model_fields.get(key) if owner is not None else None
    if known is None or (known.is_required() and not known.examples):
        return {}
    default = known.examples[0] if known.examples else known.get_default(call_default_factory=True)
    return {key: default.model_dump(mode="json") if isinstance(default, BaseModel) else default}


def shortest(owner: type[BaseModel], key: str) -> Any:
    """Return the shortest valid value of a key of ``owner``: its first example, its default, or one of its type."""
    schema = owner.model_json_schema()
    return _shortest(schema["properties"][key], schema.get("$defs", {}))


def _shortest(schema: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    """Return the shortest value of a JSON schema, whose references are to the ``known`` ones."""
    schema = _resolved(schema, known)
    if "examples" in schema:
        return schema["examples"][0]
    for key in ("default", "const"):
        if key in schema:
            return schema[key]
    if options := schema.get("oneOf", schema.get("anyOf")):
        value, tag = _shortest(options[0], known), schema.get("discriminator", {}).get("propertyName")
        return value if tag is None else {tag: _resolved(options[0], known)["properties"][tag]["const"], **value}
    match schema.get("type"):
        case "object":
            return {key: _shortest(schema["properties"][key], known) for key in schema.get("required", ())}
        case "array":
            return [_shortest(schema["items"], known)] * schema.get("minItems", 0)
        case "integer" | "number" as kind:
            above = schema.get("exclusiveMinimum", 0) + (1 if kind == "integer" else 0.5)
            return schema.get("minimum", schema.get("maximum", above))
    formats = {"date": "2026-01-31", "path": "a/path"}
    return schema["enum"][0] if "enum" in schema else formats.get(schema.get("format", ""), "a-name")


def _resolved(schema: Mapping[str, Any], known: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a reference refers to, with the keys beside it; any other schema as it is."""
    return known[schema["$ref"].rpartition("/")[2]] | schema if "$ref" in schema else schema


def _closest(key: str, found: Any, choices: Sequence[str]) -> dict[str, Any]:
    """Return ``key`` with the one of ``choices`` most similar to ``found``, else the first one."""
    close = difflib.get_close_matches(str(found), choices, n=1, cutoff=0.4)
    likely = [*close, *choices]
    return {key: likely[0]} if likely else {}


def _discriminator(error: ErrorDetails) -> str:
    """Return the key that chooses the member of a union."""
    return _quoted(error["ctx"]["discriminator"])[0]


def _quoted(text: str) -> list[str]:
    """Return the words between single quotes in ``text``."""
    return re.findall(r"'([^']*)'", text)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]} ..."


def _written(values: Any, keys: Sequence[Key]) -> str:
    """Return the path of a key, with list entries by their names: ``experiments[cppn].search.offspring``."""
    text = ""
    for key in keys:
        values = values[key] if _has(values, key) else None
        if isinstance(key, int):
            text += f"[{_name_of(values) or key}]"
        else:
            text += f".{key}" if text else key
    return text or "the settings as a whole"


def _name_of(entry: Any) -> str | None:
    name = entry.get("name") if isinstance(entry, Mapping) else None
    return name if isinstance(name, str) else None


def _nested(values: Any, keys: Sequence[Key], correction: Mapping[str, Any]) -> Any:
    """Return ``correction`` nested in its ``keys``; each list entry shows its name."""
    if not keys:
        return dict(correction)
    key, rest = keys[0], keys[1:]
    inner = values[key] if _has(values, key) else None
    nested = _nested(inner, rest, correction)
    if not isinstance(key, int):
        return {key: nested}
    name = _name_of(inner)
    return [{"name": name, **nested} if name is not None and isinstance(nested, dict) else nested]
