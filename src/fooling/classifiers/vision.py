"""The networks of torchvision by name, without torchvision's own weights."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

from torch import nn

from fooling.errors import FoolingError
from fooling.torchvision_import import torchvision

#: Images scored at once.
CHUNK_SIZE = 16


def builder_of(name: str) -> Callable[..., nn.Module]:
    """The function that builds torchvision's classifier ``name``; :class:`FoolingError` if there is none."""
    names = torchvision.models.list_models(module=torchvision.models)
    if name not in names:
        close = difflib.get_close_matches(name, names) or names
        raise FoolingError(f"torchvision has no network {name!r}", expected=", ".join(close))

    def build(*, input_shape: tuple[int, int, int], classes: int, **options: Any) -> nn.Module:
        """Fresh weights for images ``(3, H, W)``; ``options`` are those of torchvision's own function."""
        if input_shape[0] != 3:
            raise FoolingError("torchvision's networks take RGB images", found=f"{input_shape[0]} channels", expected=3)
        network: nn.Module = torchvision.models.get_model(name, weights=None, num_classes=classes, **options)
        return network

    return build
