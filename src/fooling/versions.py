"""The versions of what decides a result's last bits, for its provenance."""

from __future__ import annotations

import platform
from importlib.metadata import version


def software_versions() -> dict[str, str]:
    """Python and the packages that compute, by name."""
    return {"python": platform.python_version(), **{name: version(name) for name in ("fooling", "numpy", "torch")}}
