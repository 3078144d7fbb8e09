"""What a file must hold to be used: the keys of its header, and the types, shapes and ranges of its arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from fooling.errors import REMEDY, FoolingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHOWN = 5  # mistakes named in one message


class Header(BaseModel):
    """The keys of a file's header that its readers rely on; others may stand beside them."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


H = TypeVar("H", bound=Header)


def checked_header(model: type[H], values: object, *, source: object) -> H:
    """``values`` as a ``model``; :class:`FoolingError` names the ``source`` and every key that is missing or wrong."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise FoolingError(
            f"{source} does not say of itself what it should", found=mistakes_in(error), remedy=REMEDY
        ) from None


def mistakes_in(error: ValidationError) -> str:
    """The first mistakes, one a line, each with the key at fault, and how many more there are."""
    mistakes = error.errors(include_url=False, include_input=False, include_context=False)
    found = [f"{'.'.join(map(str, mistake['loc'])) or 'as a whole'}: {mistake['msg']}" for mistake in mistakes]
    more = [f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return "\n".join(found[:SHOWN] + more)


def require_layout(
    arrays: Mapping[str, NDArray[Any]], layout: Mapping[str, str], *, source: object, **lengths: int
) -> None:
    """Raise :class:`FoolingError`, naming the ``source``, unless ``arrays`` hold every array as the ``layout`` has it.

    A layout is a type and a length for each dimension, such as ``float32 T K`` or ``int64 m 2``. A letter stands for
    the same length wherever it occurs: that of ``lengths``, else that of its first array; only a small one may be 0.
    Arrays that the layout does not name are passed over.
    """
    for name, described in layout.items():
        if name not in arrays:
            raise FoolingError(
                f"{source} is incomplete", found=f"no {name!r}", expected=f"{name}: {described}", remedy=REMEDY
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
                f"{source} does not fit together",
                found=f"{name}: {array.dtype} {' '.join(map(str, array.shape))}",
                expected=f"{name}: {described}" + (f" with {known}" if known else ""),
                remedy=REMEDY,
            )


def require_range(name: str, array: NDArray[Any], *, least: float, most: float, source: object) -> None:
    """Raise :class:`FoolingError`, naming the ``source``, unless every number lies within ``least`` and ``most``."""
    outside = ~((array >= least) & (array <= most))
    if outside.any():
        raise FoolingError(
            f"{source} holds impossible numbers",
            found=f"{name}: {array[outside][0]}",
            expected=f"finite numbers from {least} to {most}",
            remedy=REMEDY,
        )


#: Bounds of every finite float32 and float64 number.
FINITE32 = float(np.finfo(np.float32).max)
FINITE64 = float(np.finfo(np.float64).max)
