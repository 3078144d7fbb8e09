"""A reproducible study of how easily deep neural networks are fooled.

``from fooling import audit`` gives :func:`fooling.auditing.running.audit`, for networks of your own.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import what is public when it is first used, so that ``import fooling`` alone does not import torch."""
    if name == "audit":
        return importlib.import_module("fooling.auditing.running").audit
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
