"""Which device a command computes on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from fooling.classifiers.leases import leased_gpu
from fooling.classifiers.memory import asked_for, is_lack_of_memory, keep_freed_memory
from fooling.errors import FoolingError

KNOWN_NAMES = "auto, cpu, cuda or cuda:<number>"


def chosen_device(name: str = "auto") -> torch.device:
    """The device called ``name``: ``cpu``, ``cuda``, ``cuda:1`` and so on, or ``auto``.

    ``auto`` is what the environment variable FOOLING_DEVICE names, else a GPU when there is one. A GPU is from now on
    this process's alone, and the only one that it sees; ``cuda`` waits for a free one. A single one that
    CUDA_VISIBLE_DEVICES shows is taken as given. Raises :class:`FoolingError` for an unknown name and for a GPU that is
    not there.
    """
    device = _named(name)
    if device.type == "cuda":
        return _gpu(device)
    keep_freed_memory()
    return device


def require_devices(name: str, processes: int) -> None:
    """Raise :class:`FoolingError` unless so many processes can each choose the device called ``name``."""
    device = _named(name)
    there = torch.cuda.device_count() if device.index is None else 1
    if device.type == "cuda" and there < processes:
        raise FoolingError(
            f"{processes} processes cannot compute on {device} together",
            found=f"{there} GPUs to choose from",
            expected="a GPU for each of them",
            remedy="lower machine.training_processes (or --processes), or set the device to cuda, without a number",
        )


def _named(name: str) -> torch.device:
    if name == "auto":
        name = os.environ.get("FOOLING_DEVICE") or "auto"
    if name == "auto":
        name = "cuda" if torch.cuda.device_count() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise FoolingError("there is no such device", found=name, expected=KNOWN_NAMES) from None
    if device.type not in ("cpu", "cuda"):
        raise FoolingError("this device is not supported", found=name, expected=KNOWN_NAMES)
    return device


def _gpu(wanted: torch.device) -> torch.device:
    """The GPU ``wanted``, or any where it has no number, as the only one that this process sees."""
    # Asking torch for more than the number of GPUs would start CUDA, which then no longer heeds the variable set below.
    count = torch.cuda.device_count()
    shown = os.environ.get("CUDA_VISIBLE_DEVICES", "").replace(" ", "")
    visible = (shown.split(",") if shown else [str(number) for number in range(count)])[:count]
    allowed = visible if wanted.index is None else visible[wanted.index :][:1]
    if not allowed:
        raise FoolingError(
            f"the device {wanted} is not there",
            found=f"{count} usable GPUs",
            remedy="set machine.device (or --device, or FOOLING_DEVICE) to auto or cpu",
        )
    if shown != allowed[0]:
        os.environ["CUDA_VISIBLE_DEVICES"] = leased_gpu(allowed)
    return torch.device("cuda")


@contextmanager
def reproducible(device: torch.device, *, threads: int) -> Iterator[None]:
    """A stretch of work that gives the same bits every time on the same kind of machine.

    Within it torch uses ``threads`` threads of the CPU, only such GPU convolutions as sum in a fixed order and in full
    float32, and random generators that are put back afterwards.
    """
    threads_before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with (
            torch.random.fork_rng(devices=[device] if device.type == "cuda" else []),
            torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False),
        ):
            yield
    finally:
        torch.set_num_threads(threads_before)


@contextmanager
def enough_memory(work: str, *, setting: str, value: int) -> Iterator[None]:
    """A stretch of ``work`` that memory may be too small for: it is then told which ``setting`` to lower."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_lack_of_memory(error):
            raise
        on_gpu = isinstance(error, torch.OutOfMemoryError)
        raise FoolingError(
            f"{work} needs more memory than {'the GPU has' if on_gpu else 'there is'}",
            found=str(error).partition(". ")[0] if on_gpu else asked_for(error),
            remedy=f"lower `{setting}` of the network (now {value}), or "
            + ("set machine.device to cpu" if on_gpu else "close other programs"),
        ) from None
