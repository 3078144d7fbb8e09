"""Run a network's code: with torch's global modes restored, errors explained, and the memory layout that it needs.

Networks run channels-last, in which convolutions are fast, or in the plain layout if their code needs it, such as
``x.view(len(x), -1)`` after a convolution.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from fooling.messages import FoolingError

#: Prefix of the module names of users' network files.
MODULE_PREFIX = "fooling_network_"

FLOAT32 = "let the network compute in float32: remove .half(), .double() and the like from its code"
DEVICE = "remove .cuda() and .to(...) from the network's code: it is moved to the device of the study"
SIZE = "change the size of the images: --input-shape of an audit, else the data set's, or `input.crop`"

#: Patterns in messages of failures, and how to fix them; the first match counts.
REMEDIES = (
    (r"view size is not compatible", "replace .view(...) with .reshape(...) or .flatten(1) in the network's code"),
    (r"out of memory|allocate memory", "lower `chunk_size`, or free memory"),
    (r"\b(c10::)?(Half|BFloat16|Double|half|double)(Tensor)?\b|same dtype|scalar type", FLOAT32),
    (r"(?i)cuda|nvidia|(same|expected|invalid) device|device type", DEVICE),
    (r"Input type .* should be the same", FLOAT32),
    (r"to have \d+ channels", "build the first layer for `input_shape[0]` channels, or change the images"),
    (
        r"shapes cannot be multiplied|size mismatch|[Kk]ernel size|too small|invalid for input of size"
        r"|must match the size|shapes? .*(does not|do not|doesn't|mismatch)",
        SIZE,
    ),
    (r"relative import", "write a file of your own that imports the package, such as: from package import Network"),
    (r"^ModuleNotFoundError", "install this module in the environment of `fooling`, or name another network"),
)

#: Pairs of functions that get and set a global mode of torch.
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
    # Within `with torch.device(...)`, setting that device again would make it permanent: only None can be restored.
    (lambda: torch.empty(0).device, lambda device: torch.set_default_device(None)),
)


@contextmanager
def network_code(problem: str, *, expected: str | None = None, remedy: str | None = None) -> Iterator[None]:
    """Run the code of a network, which may be anyone's, may fail in any way and may change any global mode of torch.

    Args:
        problem: First line of the message if it fails.
        expected: What was expected, for the message.
        remedy: How to fix it, unless a remedy for the specific exception is known.

    Raises:
        FoolingError: The code raises any exception.
    """
    with restored_modes():
        try:
            yield
        except FoolingError:
            raise
        except (Exception, SystemExit) as error:
            raise FoolingError(
                problem, found=_described(error), expected=expected, remedy=_remedy_for(error, remedy)
            ) from error


@contextmanager
def restored_modes() -> Iterator[None]:
    """Restore torch's global modes at the end: dtype, device, gradients, threads, precision, determinism."""
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
    """Return type and message of an error and, if it is in a user's file, its place."""
    place = _place_of(error)
    return f"{type(error).__name__}: {error}".removesuffix(": ") + (f" ({place})" if place else "")


def _place_of(error: BaseException) -> str | None:
    """Return file and line in a user's network where ``error`` was raised; None outside such a file."""
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
    return f"correct the network's code{f' in {place}' if place else ''}, or meet the condition in the message"


_PLAIN = "runs_in_plain_layout"


def tried_logits(network: nn.Module, shape: tuple[int, int, int, int]) -> Any:
    """Return the output of ``network`` for black images of ``shape`` (B, C, H, W), in the layout in which it will run.

    This is channels-last; a network that can run only in the plain layout runs in it from now on, whatever the layout
    of its input. Raises the exceptions of the network in the plain layout. Its weights keep their layout.
    """
    try:
        return _tried_channels_last(network, shape)
    except Exception:
        given = network(torch.zeros(shape))
    try:  # once more: lazy layers, which take their shape from the first images, had no weights to lay out before
        return _tried_channels_last(network, shape)
    except Exception:
        setattr(network, _PLAIN, True)
        network.register_forward_pre_hook(_with_plain_input)
        return given


def lay_out(network: nn.Module, device: torch.device) -> None:
    """Move ``network`` to ``device`` and its weights into the layout in which it runs."""
    if getattr(network, _PLAIN, False):
        network.to(device)
        _make_plain(network)
    elif any(getattr(part, _PLAIN, False) for part in network.modules()):
        network.to(device)
        for child in network.children():
            lay_out(child, device)
    else:
        network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def channels_last_zeros(shape: tuple[int, int, int, int], device: torch.device | None = None) -> torch.Tensor:
    """Return zeros ``(B, C, H, W)`` with channels-last strides, also for C = 1, where torch leaves them undefined."""
    batch, channels, height, width = shape
    return torch.zeros(batch, height, width, channels, device=device).permute(0, 3, 1, 2)


def _tried_channels_last(network: nn.Module, shape: tuple[int, int, int, int]) -> Any:
    try:
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return network(channels_last_zeros(shape))
    finally:
        _make_plain(network)


def _make_plain(network: nn.Module) -> None:
    """Copy the weights of convolutions into row-major order: strides along a length of 1 are otherwise arbitrary."""
    for values in (*network.parameters(), *network.buffers()):
        if not is_lazy(values) and values.dim() == 4:
            values.data = values.data.clone(memory_format=torch.contiguous_format)


def _with_plain_input(network: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(
        value.clone(memory_format=torch.contiguous_format) if isinstance(value, torch.Tensor) else value
        for value in given
    )
