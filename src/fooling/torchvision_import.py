"""torchvision, also where its compiled operators do not fit the installed torch (a CPU-only torch beside a CUDA build).

Import it from here: ``from fooling.torchvision_import import torchvision``. Networks and data sets then work
everywhere; the operators for detection boxes and ``torchvision.io`` still need a matching build.
"""

from __future__ import annotations

import sys

import torch

MISSING_OPERATOR = "operator torchvision::nms does not exist"


def declare_operators() -> torch.library.Library:
    """Declare the two compiled operators that torchvision describes to torch while it is imported.

    They are declared for as long as the returned library is kept.
    """
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for operator in ("nms", "qnms"):
        schema = f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        library.define(schema)  # type: ignore[no-untyped-call]
    return library


def forget_half_import() -> None:
    """Drop the modules that a failed import of torchvision has left behind."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]


try:
    import torchvision  # type: ignore[import-untyped]
except RuntimeError as error:
    if MISSING_OPERATOR not in str(error):
        raise
    forget_half_import()
    DECLARED_OPERATORS = declare_operators()
    import torchvision

__all__ = ["torchvision"]
