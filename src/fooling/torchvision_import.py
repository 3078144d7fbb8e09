"""torchvision, also where its compiled operators do not fit the installed torch.

Import it from here: ``from fooling.torchvision_import import torchvision``. Networks and data sets then work
everywhere.
"""

from __future__ import annotations

from fooling.torchvision_operators import ensure_operators

ensure_operators()

import torchvision  # type: ignore[import-untyped]  # noqa: E402

__all__ = ["torchvision"]
