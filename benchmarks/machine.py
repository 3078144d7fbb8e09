"""The machine and the software that a benchmark ran on."""

from __future__ import annotations

import importlib.metadata
import os
from typing import Any

import torch

from fooling.report.run_info import machine

PACKAGES = ("torch", "numpy", "neat-python", "ribs", "qdax", "jax")


def described() -> dict[str, Any]:
    """What decides the speed, as JSON values; the load is the mean of the last minute, in busy cores."""
    return machine() | {
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 1),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
