"""Helpers of all rules: functions of wildcards, options, packages and resources."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol, TypeVar

from fooling.fingerprint import DIGITS
from fooling.inputs import parsed_yaml
from fooling.messages import FoolingError
from fooling.study.resolved import Study

STRING = re.compile(r'"(?:[^"\\]|\\.)*"')  # in a JSON text
LARGE = 100  # pixels per side: larger images need larger jobs

Value = TypeVar("Value")


class Wildcards(Protocol):
    """The wildcards of a job: attributes with text."""

    def __getattr__(self, name: str, /) -> str: ...

    def items(self) -> Iterable[tuple[str, str]]:
        """Return the names with their values."""


class Files(Protocol):
    """The inputs or outputs of a job: all paths, and by name a path or list of paths."""

    def items(self) -> Iterable[tuple[str, str | list[str]]]:
        """Return the names with their paths."""

    def __iter__(self) -> Iterator[str]: ...


def by_wildcards(function: Callable[..., Value]) -> Callable[[Wildcards], Value]:
    """Return a function of wildcards that calls ``function`` with those it names.

    The names of its parameters are the names of wildcards.
    """
    names = tuple(inspect.signature(function).parameters)

    def of_wildcards(wildcards: Wildcards) -> Value:
        return function(*(getattr(wildcards, name) for name in names))

    return of_wildcards


def of_each(function: Callable[[str], str], names: Callable[..., Iterable[str]]) -> Callable[[Wildcards], list[str]]:
    """Return an input function: ``function`` of each name, without duplicates.

    ``names`` is a function of wildcards.
    """
    chosen = by_wildcards(names)

    def of_wildcards(wildcards: Wildcards) -> list[str]:
        return list(dict.fromkeys(map(function, chosen(wildcards))))

    return of_wildcards


def one_of(names: Iterable[str]) -> str:
    """Return the wildcard constraint that allows only these names."""
    return "|".join(map(re.escape, names)) or "(?!)"


def options(*names: str) -> Callable[[Wildcards, Files, Files], str]:
    """Return a params function that passes files to the options of their names.

    ``names`` are those of inputs or outputs. An input ``ascent_times`` of two files becomes ``--ascent-times a
    --ascent-times b``; one without files is left out.
    """

    def of_files(wildcards: Wildcards, input: Files, output: Files) -> str:
        known = dict(output.items()) | dict(input.items())
        given = ((name, known[name]) for name in names if known[name])
        return " ".join(
            repeated(name.replace("_", "-"), [files] if isinstance(files, str) else files) for name, files in given
        )

    return of_files


def parent_of(name: str) -> Callable[[Wildcards, Files, Files], str]:
    """Return a params function that passes the folder of the output of this name to the option ``--output``."""

    def of_files(wildcards: Wildcards, input: Files, output: Files) -> str:
        return f"--output {Path(str(dict(output.items())[name])).parent.as_posix()}"

    return of_files


def named_files(option: str, *names: str, separator: str = "_") -> Callable[[Wildcards, Files, Files], str]:
    """Return a params function that passes files to one option as ``name=path``.

    ``names`` are those of inputs or outputs. For the option ``tables``, an input ``ascent_times`` of two files becomes
    ``--tables ascent_times=a --tables ascent_times=b``. ``separator`` replaces underscores in the names.
    """

    def of_files(wildcards: Wildcards, input: Files, output: Files) -> str:
        known = dict(output.items()) | dict(input.items())
        named: list[str | tuple[str, str]] = []
        for name in names:
            files = known[name]
            named += [(name.replace("_", separator), file) for file in ([files] if isinstance(files, str) else files)]
        return repeated(option, named)

    return of_files


def repeated(option: str, values: Iterable[str | tuple[str, str]]) -> str:
    """Return ``--option value`` for every value; a pair becomes ``name=path``."""
    return " ".join(f"--{option} {value if isinstance(value, str) else '='.join(value)}" for value in values)


def as_json(settings: object) -> str:
    """Return settings as JSON with sorted keys, without braces in strings."""
    return without_wildcards(json.dumps(settings, sort_keys=True))


def without_wildcards(text: str) -> str:
    """Return an equivalent JSON text in which braces in strings are escaped.

    Snakemake would look for wildcards in them.
    """
    return STRING.sub(_without_braces, text)


def _without_braces(string: re.Match[str]) -> str:
    return string[0].replace("{", r"\u007b").replace("}", r"\u007d")


def packages_digest(text: str, *, source: str) -> str:
    """Return a digest of the packages in an environment file.

    Other versions of them can change results. Raises :class:`FoolingError`, naming the ``source``, for a text that is
    not YAML.
    """
    packages = json.dumps(parsed_yaml(text, source=source)["dependencies"], sort_keys=True)
    return hashlib.sha256(packages.encode()).hexdigest()[:DIGITS]


class Needs:
    """The resources that the jobs of a study request.

    ``variables`` are the environment variables. Raises :class:`FoolingError` if FOOLING_TRAINING_PROCESSES is not a
    number.
    """

    def __init__(self, study: Study, variables: Mapping[str, str]) -> None:
        processes = variables.get("FOOLING_TRAINING_PROCESSES", "1")
        if not processes.isdecimal():
            raise FoolingError(
                "FOOLING_TRAINING_PROCESSES is not a number",
                found=repr(processes),
                expected="1 or more",
                remedy="set it to 1 or more, or unset it",
            )
        self._is_large = any(dataset.size >= LARGE for dataset in study.datasets.values())
        #: GPUs of a job that uses a network. With the device `auto` it uses a GPU if there is one, but requests none.
        self.gpus = int(variables.get("FOOLING_DEVICE", "").startswith("cuda"))
        self.gpus_in_training = self.gpus * int(processes)
        #: Processes that decode pictures for each training process.
        self.decoders = 8 if self._is_large else 2

    def memory(self, usual: int, large: int = 6000) -> int:
        """Return the memory in MB that a job requests.

        On large images it is at least ``large``. The default is twice the highest peak measured.
        """
        return max(usual, large) if self._is_large else usual

    def minutes(self, usual: int) -> int:
        """Return the minutes that a job requests: ten times as many on large images."""
        return 10 * usual if self._is_large else usual
