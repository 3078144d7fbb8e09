"""YAML and JSON texts as plain values; whatever is wrong with a text is told, and none can exhaust the machine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from fooling.errors import FoolingError
from fooling.inputs import remember

LONGEST_TEXT = 4_000_000  # bytes of a file that is read
MOST_VALUES = 100_000  # with everything counted as often as aliases repeat it
DEEPEST = 50  # levels of mappings and lists


def read_text(path: Path) -> str:
    """The text in ``path``; :class:`FoolingError` if it is missing, unreadable, endless or not UTF-8."""
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_TEXT + 1)
        if len(content) > LONGEST_TEXT:
            raise FoolingError(f"{path} is too long", found=f"more than {LONGEST_TEXT:,} bytes")
        if path.is_file():  # neither a pipe nor a device: these give their content once
            remember(path)
        return content.decode()
    except (OSError, ValueError) as error:  # a path with a null character is a ValueError
        raise FoolingError(f"{path} cannot be read", found=error, expected="a text file in UTF-8") from None


def parsed_yaml(text: str, *, source: str) -> Any:
    """The content of a YAML text.

    Raises :class:`FoolingError`, naming the ``source`` and where there is one the line, for broken syntax, a key that
    is given twice, and a text that unfolds to more values than any settings have.
    """
    try:
        values = yaml.load(text, Loader=_Loader)
    except RecursionError:
        raise FoolingError(f"{source} is not valid YAML", found="too many levels") from None
    # Beside its own errors PyYAML lets slip what its constructors of dates and numbers run into.
    except (yaml.YAMLError, ValueError, ArithmeticError, LookupError, AttributeError, TypeError) as error:
        raise FoolingError(f"{source} is not valid YAML", found=error) from None
    require_reasonable(values, source=source)
    return values


def parsed_json(text: str | bytes, *, source: str, remedy: str | None = None, keys_once: bool = False) -> Any:
    """The value of a JSON text; :class:`FoolingError` names the ``source`` of one that is broken or not strict.

    ``keys_once``: a key that is given twice, of which the first would be lost without a word, is refused.
    """
    try:
        return json.loads(text, parse_constant=_refused_constant, object_pairs_hook=_once if keys_once else None)
    except RecursionError:
        raise FoolingError(f"{source} is not valid JSON", found="too many levels", remedy=remedy) from None
    except ValueError as error:
        raise FoolingError(f"{source} is not valid JSON", found=error, remedy=remedy) from None


def require_reasonable(values: Any, *, source: str) -> None:
    """Raise :class:`FoolingError` if ``values`` are more or lie deeper than any settings, or hold themselves."""
    for count, depth in enumerate(_depths(values)):
        if depth > DEEPEST or count > MOST_VALUES:
            found = f"more than {DEEPEST} levels" if depth > DEEPEST else f"more than {MOST_VALUES:,} values"
            raise FoolingError(f"{source} holds too much", found=found, remedy="check its aliases (*)")


class _Loader(yaml.SafeLoader):
    """Refuses a key that is given twice, of which the first would be lost without a word."""

    def compose_mapping_node(self, anchor: dict[Any, yaml.Node]) -> yaml.MappingNode:
        """The next mapping of the text."""
        node = super().compose_mapping_node(anchor)
        first: dict[Any, Any] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and first.setdefault(key.value, key) is not key:
                places = first[key.value].start_mark, "but is given again", key.start_mark
                raise yaml.constructor.ConstructorError(f"the key {key.value!r} stands", *places)
        return node


def _depths(values: Any) -> Iterator[int]:
    """For everything in ``values`` how deep it lies, one after the other."""
    open_parts: list[tuple[Any, int]] = [(values, 0)]
    while open_parts:
        part, depth = open_parts.pop()
        yield depth
        if isinstance(part, Mapping):
            open_parts += [(value, depth + 1) for value in part.values()]
        elif isinstance(part, list | tuple | set):
            open_parts += [(value, depth + 1) for value in part]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a key is given twice")
    return values


def _refused_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")
