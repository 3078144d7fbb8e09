"""Run the code of a network: torch's global modes stay as they are, and any failure names its cause and a remedy."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from fooling.errors import FoolingError

#: The modules of users' network files have names that begin so.
MODULE_PREFIX = "fooling_network_"

FLOAT32 = "let the network compute in float32: remove .half(), .double() and the like from its code"
DEVICE = "remove .cuda() and .to(...) from the network's code: it is moved to the device of the study"
SIZE = "change the size of the data set's images, or `input.crop`"

#: What the message of a failure contains, and what to do about it; the first that fits counts.
REMEDIES = (
    (r"view size is not compatible", "replace .view(...) by .reshape(...) or .flatten(1) in the network's code"),
    (r"out of memory|allocate memory", "lower `chunk_size`, or free memory"),
    (r"\b(c10::)?(Half|BFloat16|Double|half|double)(Tensor)?\b|same dtype|scalar type", FLOAT32),
    (r"(?i)cuda|nvidia|(same|expected|invalid) device|device type", DEVICE),
    (r"Input type .* should be the same", FLOAT32),
    (r"to have \d+ channels", "build the first layer for `input_shape[0]` channels, or change the data set"),
    (
        r"shapes cannot be multiplied|size mismatch|[Kk]ernel size|too small|invalid for input of size"
        r"|must match the size|shapes? .*(does not|do not|doesn't|mismatch)",
        SIZE,
    ),
    (r"^ModuleNotFoundError", "install this module beside the study, or change `architecture`"),
)

#: Pairs of a function that reads a global mode of torch and one that sets it.
_MODES: tuple[tuple[Callable[[], Any], Callable[[Any], object]], ...] = (
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    *(
        (lambda mode=mode: getattr(torch.backends.cudnn, mode), lambda value, mode=mode: _set_cudnn(mode, value))
        for mode in ("enabled", "benchmark", "deterministic", "allow_tf32")
    ),
    # Within a `with torch.device(...)`, setting that device again would keep it for good: only none can be put back.
    (lambda: torch.empty(0).device, lambda device: torch.set_default_device(None)),
)


@contextmanager
def network_code(problem: str, *, expected: str | None = None, remedy: str | None = None) -> Iterator[None]:
    """Run a network's code, which may be anyone's, fail in any way and change any global mode of torch.

    Raises :class:`FoolingError` with the ``problem``, what was ``expected`` and a remedy for whatever the code raises:
    one that fits its cause, else the ``remedy``.
    """
    with modes_kept():
        try:
            yield
        except FoolingError:
            raise
        except (Exception, SystemExit) as error:
            raise FoolingError(
                problem, found=_described(error), expected=expected, remedy=_remedy_for(error, remedy)
            ) from error


@contextmanager
def modes_kept() -> Iterator[None]:
    """Put torch's global modes back at the end: dtype, device, gradients, threads, precision, determinism."""
    before = [read() for read, _ in _MODES]
    try:
        yield
    finally:
        for (read, write), value in zip(_MODES, before, strict=True):
            if read() != value:
                write(value)


def _set_cudnn(mode: str, value: bool) -> None:
    setattr(torch.backends.cudnn, mode, value)


def _described(error: BaseException) -> str:
    """Type, message and, in a user's file, the place of an error."""
    place = _place_of(error)
    return f"{type(error).__name__}: {error}".removesuffix(": ") + (f" ({place})" if place else "")


def _place_of(error: BaseException) -> str | None:
    """File and line of a user's network where ``error`` comes from; None outside such a file."""
    frames = [
        f"{frame.f_code.co_filename}, line {line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__", "").startswith(MODULE_PREFIX)
    ]
    return frames[-1] if frames else None


def _remedy_for(error: BaseException, remedy: str | None) -> str:
    described = f"{type(error).__name__}: {error}"
    for pattern, fitting in REMEDIES:
        if re.search(pattern, described):
            return fitting
    if remedy is not None:
        return remedy
    place = _place_of(error)
    return f"correct the network's code{f' in {place}' if place else ''}, or meet the condition that it states"
