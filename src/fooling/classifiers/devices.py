"""Which device a command computes on."""

from __future__ import annotations

import os

import torch

from fooling.errors import FoolingError


def chosen_device(name: str | None = None) -> torch.device:
    """The device called ``name``: ``auto`` (a GPU when there is one), ``cpu`` or ``cuda``, also ``cuda:1`` and so on.

    Without a name the environment variable FOOLING_DEVICE decides, else ``auto``. Raises :class:`FoolingError` for an
    unknown name and for a GPU that is not there.
    """
    name = name or os.environ.get("FOOLING_DEVICE") or "auto"
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise FoolingError("there is no such device", found=name, expected="auto, cpu, cuda or cuda:<number>") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        found = f"{torch.cuda.device_count()} usable GPUs"
        raise FoolingError(f"the device {name} is not there", found=found, remedy="choose auto or cpu")
    if device.type not in ("cpu", "cuda"):
        raise FoolingError("this device is not supported", found=name, expected="auto, cpu, cuda or cuda:<number>")
    return device
