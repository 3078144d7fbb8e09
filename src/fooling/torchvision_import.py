"""Import torchvision, also where its compiled operators do not fit the installed torch.

That is so for a CPU-only torchvision beside a CUDA build of torch. torchvision describes two operators to torch while
it is imported, and its import fails without them, so they are declared first. Networks and data sets then work. The
operators for detection boxes and ``torchvision.io`` still need a matching build.
"""

from __future__ import annotations

import importlib
import importlib.util
from contextlib import suppress
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, FileFinder
from typing import Any

import torch


def import_torchvision() -> Any:
    """Import torchvision and return it."""
    ensure_operators()
    return importlib.import_module("torchvision")


@cache
def ensure_operators() -> torch.library.Library | None:
    """Load torchvision's operators as its own import does, or declare the two that the import needs.

    Call it before running code that may import torchvision. Without torchvision it does nothing.

    Returns:
        The library that keeps the declared operators alive; None if none had to be declared.
    """
    found = importlib.util.find_spec("torchvision")
    for folder in (found and found.submodule_search_locations) or ():
        compiled = FileFinder(folder, (ExtensionFileLoader, EXTENSION_SUFFIXES)).find_spec("_C")
        if compiled is not None and compiled.origin is not None:
            with suppress(OSError):  # built for another torch
                torch.ops.load_library(compiled.origin)  # type: ignore[no-untyped-call]
    return None if found is None or hasattr(torch.ops.torchvision, "nms") else declare_operators()


def declare_operators() -> torch.library.Library:
    """Declare the operators ``nms`` and ``qnms`` without an implementation."""
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for operator in ("nms", "qnms"):
        schema = f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        library.define(schema)  # type: ignore[no-untyped-call]
    return library
