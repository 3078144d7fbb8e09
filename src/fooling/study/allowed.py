"""In words, which values a setting may have."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

from fooling.settings_errors import models_in

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


def allowed_values(field: FieldInfo) -> str:
    """The type, the choices and the bounds of ``field``; nothing for a part of the settings with keys of its own."""
    if models_in(field.annotation):
        return ""
    described = TypeAdapter(field.rebuild_annotation()).json_schema()
    return _in_words(described)


def _in_words(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return ", or ".join(_in_words(option) for option in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(str(choice) for choice in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        return f"list, each {_in_words(schema['items'])}" if schema.get("items") else "list"
    bounds = [text.format(schema[bound]) for bound, text in _BOUNDS.items() if bound in schema]
    return " ".join([_TYPES.get(schema.get("type", ""), "any value"), " and ".join(bounds)]).strip()
