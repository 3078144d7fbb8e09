"""torchvision's compiled operators, declared where they do not fit the installed torch (CPU-only beside a CUDA build).

torchvision describes two of them to torch while it is imported, and without them its import fails. Call
:func:`ensure_operators` before anything that may import it. The operators for detection boxes and ``torchvision.io``
still need a matching build.
"""

from __future__ import annotations

import importlib.util
from contextlib import suppress
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, FileFinder

import torch


@cache
def ensure_operators() -> torch.library.Library | None:
    """Load torchvision's operators as its own import does, or declare the two that this import needs.

    They are declared for as long as the returned library is kept; it is None where nothing had to be declared. Without
    torchvision nothing happens.
    """
    found = importlib.util.find_spec("torchvision")
    for folder in (found and found.submodule_search_locations) or ():
        compiled = FileFinder(folder, (ExtensionFileLoader, EXTENSION_SUFFIXES)).find_spec("_C")
        if compiled is not None and compiled.origin is not None:
            with suppress(OSError):  # made for another torch
                torch.ops.load_library(compiled.origin)  # type: ignore[no-untyped-call]
    return None if found is None or hasattr(torch.ops.torchvision, "nms") else declared_operators()


def declared_operators() -> torch.library.Library:
    """Declare the two operators, without an implementation."""
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for operator in ("nms", "qnms"):
        schema = f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        library.define(schema)  # type: ignore[no-untyped-call]
    return library
