"""Read inputs: text, YAML and JSON of bounded size, and files that must not change while a command runs.

If an input changes meanwhile, the result belongs to neither content. Within :func:`watched`, each file that the package
reads is remembered as it was at first. Each write of a result, and the end of the command, compares.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fooling.messages import FoolingError

LONGEST_TEXT = 4_000_000  # bytes in a file
MOST_VALUES = 100_000  # with aliases expanded
DEEPEST = 50  # levels of mappings and lists


def read_text(path: Path) -> str:
    """Return the text in ``path``; raise :class:`FoolingError` if it is missing, unreadable, too long or not UTF-8."""
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_TEXT + 1)
        if len(content) > LONGEST_TEXT:
            raise FoolingError(f"{path} is too long", found=f"more than {LONGEST_TEXT:,} bytes")
        if path.is_file():  # not a pipe or a device, which can be read only once
            remember(path)
        return content.decode()
    except (OSError, ValueError) as error:  # a path with a null character is a ValueError
        raise FoolingError(f"{path} cannot be read", found=error, expected="a text file in UTF-8") from None


def parsed_yaml(text: str, *, source: str) -> Any:
    """Return the content of a YAML text.

    Raises:
        FoolingError: The syntax is invalid, a key is duplicate, or the aliases expand to more values than any settings
            have. Names the ``source`` and, if known, the line.
    """
    try:
        values = yaml.load(text, Loader=_Loader)
    except RecursionError:
        raise FoolingError(f"{source} is not valid YAML", found="too many levels") from None
    # Beside its own errors PyYAML lets exceptions of its constructors of dates and numbers through.
    except (yaml.YAMLError, ValueError, ArithmeticError, LookupError, AttributeError, TypeError) as error:
        raise FoolingError(f"{source} is not valid YAML", found=error) from None
    require_reasonable(values, source=source)
    return values


def parsed_json(text: str | bytes, *, source: str, remedy: str | None = None, keys_once: bool = False) -> Any:
    """Return the value of a JSON text.

    Args:
        text: The JSON text.
        source: What holds it, for the message.
        remedy: How to fix an invalid text, for the message.
        keys_once: Refuse duplicate keys, of which Python would silently drop all but the last.

    Raises:
        FoolingError: The text is invalid or not strict JSON.
    """
    try:
        return json.loads(text, parse_constant=_refused_constant, object_pairs_hook=_unique_keys if keys_once else None)
    except RecursionError:
        raise FoolingError(f"{source} is not valid JSON", found="too many levels", remedy=remedy) from None
    except ValueError as error:
        raise FoolingError(f"{source} is not valid JSON", found=error, remedy=remedy) from None


def require_reasonable(values: Any, *, source: str) -> None:
    """Raise :class:`FoolingError` if ``values`` are too many, too deeply nested or contain themselves."""
    for count, depth in enumerate(_depths(values)):
        if depth > DEEPEST or count > MOST_VALUES:
            found = f"more than {DEEPEST} levels" if depth > DEEPEST else f"more than {MOST_VALUES:,} values"
            raise FoolingError(f"{source} is too large", found=found, remedy="check its aliases (*)")


class _Loader(yaml.SafeLoader):
    """Refuse duplicate keys, of which PyYAML would silently drop all but the last."""

    def compose_mapping_node(self, anchor: dict[Any, yaml.Node]) -> yaml.MappingNode:
        """Return the next mapping of the text."""
        node = super().compose_mapping_node(anchor)
        first: dict[Any, Any] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and first.setdefault(key.value, key) is not key:
                places = first[key.value].start_mark, "and again", key.start_mark
                raise yaml.constructor.ConstructorError(f"duplicate key {key.value!r}: first", *places)
        return node


def _depths(values: Any) -> Iterator[int]:
    """Yield the nesting depth of each value in ``values``."""
    open_parts: list[tuple[Any, int]] = [(values, 0)]
    while open_parts:
        part, depth = open_parts.pop()
        yield depth
        if isinstance(part, Mapping):
            open_parts += [(value, depth + 1) for value in part.values()]
        elif isinstance(part, list | tuple | set):
            open_parts += [(value, depth + 1) for value in part]


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a duplicate key")
    return values


def _refused_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


@dataclass(frozen=True)
class _Seen:
    sha256: str
    state: tuple[int, ...]
    """Inode, size and times, which change with the file."""

    def is_now(self, path: Path) -> bool:
        try:
            return self.state == _state_of(path) or self.sha256 == _digest(path)
        except OSError:
            return False


_seen: dict[Path, _Seen] | None = None


@contextmanager
def watched() -> Iterator[None]:
    """Remember the files that are read in this block; raise :class:`FoolingError` if one has changed at its end."""
    global _seen
    _seen = {}
    try:
        yield
        require_unchanged()
    finally:
        _seen = None


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal, and remember the file as an input.

    Raises :class:`FoolingError` if it cannot be read.
    """
    try:
        return _remembered(path)
    except (OSError, ValueError) as error:  # a path with a null character is a ValueError
        found = getattr(error, "strerror", None) or error
        raise FoolingError(f"{path} cannot be read", found=found, expected="a file") from None


def remember(path: Path) -> None:
    """Remember a file that is about to be read as an input."""
    if _seen is not None and _key(path) not in _seen:
        _remembered(path)


def forget(path: Path) -> None:
    """Forget a file that the command itself writes or removes."""
    if _seen is not None:
        _seen.pop(_key(path), None)


def require_unchanged() -> None:
    """Raise :class:`FoolingError` that names the remembered files that have changed or gone."""
    changed = [str(path) for path, seen in (_seen or {}).items() if not seen.is_now(path)]
    if changed:
        raise FoolingError(
            "an input changed while the command ran",
            found=", ".join(changed),
            expected="the same content from start to end",
            remedy="run it again, and do not change the file until it ends",
        )


def _remembered(path: Path) -> str:
    """Return the SHA-256 of a file, and remember the file as an input."""
    state = _state_of(path)
    digest = _digest(path)
    if _seen is not None:
        _seen.setdefault(_key(path), _Seen(digest, state))
    return digest


def _key(path: Path) -> Path:
    return path.absolute()


def _state_of(path: Path) -> tuple[int, ...]:
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
