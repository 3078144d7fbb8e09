"""What a classifier file says of itself, readable without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fooling.artifacts import read_header

KIND, VERSION = "classifier", 1


def classifier_header(path: Path) -> dict[str, Any]:
    """Name, architecture, input, class names and provenance of the classifier in ``path``.

    Raises :class:`FoolingError` for a missing or truncated file and for another format.
    """
    return read_header(path, kind=KIND, version=VERSION)
