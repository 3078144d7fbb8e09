"""Declare and check what a file holds: the keys of its header, and the types, shapes and ranges of its arrays.

Each format is declared once, as a :class:`FileFormat` beside the code that writes it. Readers and writers check arrays
against it, and docs/files.md is generated from it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from fooling.messages import REMEDY, FoolingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHOWN = 5  # errors in one message


class Header(BaseModel):
    """The keys of a file's header that its readers need; other keys are ignored."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


@dataclass(frozen=True, kw_only=True)
class Array:
    """One array of a file: its name, its type and lengths, its range, and a sentence for the documentation.

    Args:
        name: Its name in the file.
        form: Its type and a length for each dimension, as in :func:`require_schema`.
        doc: What it holds.
        least: Its smallest number.
        most: Its largest number.
    """

    name: str
    form: str
    doc: str
    least: float = -math.inf
    most: float = math.inf


@dataclass(frozen=True, kw_only=True)
class FileFormat:
    """The declaration of a file format.

    Args:
        kind: Its name, which is the ``kind`` in the header of a safetensors file.
        version: Version of the format.
        path: Pattern of its path below the results folder of a study, such as ``classifiers/{classifier}.safetensors``.
        commands: Commands of ``fooling`` that write it.
        header: The keys of its header that readers need.
        arrays: Its arrays, apart from those that depend on an encoding or a network.
        lengths: The meaning of the letters in the forms of its arrays.
        doc: What it holds, for the documentation.
    """

    kind: str
    version: int
    path: str
    commands: tuple[str, ...]
    header: type[Header]
    arrays: tuple[Array, ...] = ()
    lengths: Mapping[str, str]
    doc: str


H = TypeVar("H", bound=Header)

#: The letters of an image.
IMAGE_LENGTHS = {"C": "channels: 1 (grey) or 3 (RGB)", "H": "height in pixels", "W": "width in pixels"}


def checked_header(model: type[H], values: object, *, source: object) -> H:
    """Return ``values`` as a ``model``; raise :class:`FoolingError` that names the ``source`` and each invalid key."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise FoolingError(f"{source} has an invalid header", found=format_errors(error), remedy=REMEDY) from None


def format_errors(error: ValidationError) -> str:
    """Return the first errors, one a line, each with its key, and how many more there are."""
    errors = error.errors(include_url=False, include_input=False, include_context=False)
    found = [f"{'.'.join(map(str, each['loc'])) or 'as a whole'}: {each['msg']}" for each in errors]
    more = [f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return "\n".join(found[:SHOWN] + more)


def require_schema(
    arrays: Mapping[str, NDArray[Any]], schema: Mapping[str, str], *, source: object, **lengths: int
) -> None:
    """Raise :class:`FoolingError`, naming the ``source``, unless ``arrays`` fit the ``schema``.

    Args:
        arrays: Arrays by name. Those that the schema does not name are ignored.
        schema: The type of each array and a length for each dimension, such as ``float32 T K`` or ``int64 m 2``. A
            letter stands for the same length wherever it occurs. Only the length of a lower-case letter may be 0.
        source: What holds the arrays, for the message.
        lengths: Known lengths by letter. A letter without one takes its length from the first array that has it.
    """
    for name, described in schema.items():
        if name not in arrays:
            raise FoolingError(
                f"{source} is incomplete", found=f"no array {name!r}", expected=f"{name}: {described}", remedy=REMEDY
            )
        array = arrays[name]
        dtype, *dimensions = described.split()
        fits = str(array.dtype) == dtype and array.ndim == len(dimensions)
        for dimension, length in zip(dimensions, array.shape, strict=False):
            wanted = int(dimension) if dimension.isdigit() else lengths.setdefault(dimension, length)
            fits = fits and length == wanted and (length > 0 or dimension.islower())
        if not fits:
            known = ", ".join(f"{letter} = {lengths[letter]}" for letter in dimensions if letter in lengths)
            raise FoolingError(
                f"{source} has an array of another type or shape",
                found=f"{name}: {array.dtype} {' '.join(map(str, array.shape))}",
                expected=f"{name}: {described}" + (f" with {known}" if known else ""),
                remedy=REMEDY,
            )


def require_arrays(
    arrays: Mapping[str, NDArray[Any]], declared: Iterable[Array], *, source: object, **lengths: int
) -> None:
    """Raise :class:`FoolingError`, naming the ``source``, unless ``arrays`` are as ``declared``.

    ``lengths`` are known lengths by letter, as in :func:`require_schema`.
    """
    expected = list(declared)
    require_schema(arrays, {array.name: array.form for array in expected}, source=source, **lengths)
    for array in expected:
        if math.isfinite(array.least) or math.isfinite(array.most):
            require_range(array.name, arrays[array.name], least=array.least, most=array.most, source=source)


def require_range(name: str, array: NDArray[Any], *, least: float, most: float, source: object) -> None:
    """Raise :class:`FoolingError`, naming the ``source``, unless all numbers lie between ``least`` and ``most``."""
    outside = ~((array >= least) & (array <= most))
    if outside.any():
        raise FoolingError(
            f"{source} has numbers out of range",
            found=f"{name}: {array[outside][0]}",
            expected=f"finite numbers from {least} to {most}",
            remedy=REMEDY,
        )


#: The largest finite float32 and float64 numbers.
FINITE32 = float(np.finfo(np.float32).max)
FINITE64 = float(np.finfo(np.float64).max)
