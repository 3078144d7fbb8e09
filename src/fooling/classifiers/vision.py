"""The networks of torchvision by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

from torch import nn

from fooling.errors import FoolingError
from fooling.torchvision_import import torchvision

#: Images scored at once.
CHUNK_SIZE = 16

#: Options of networks that decide at several places: here they decide at their end alone, in training as well.
WITHOUT_SIDE_EXITS = {"aux_logits": False, "init_weights": True}
#: Arguments of torchvision's functions that load weights: these come from the settings' `weights` alone.
LOADING = ("weights", "pretrained", "progress")
OPTIONS: dict[str, dict[str, Any]] = {"googlenet": WITHOUT_SIDE_EXITS, "inception_v3": WITHOUT_SIDE_EXITS}


def builder_of(name: str) -> Callable[..., nn.Module]:
    """The function that builds torchvision's classifier ``name``; :class:`FoolingError` if there is none."""
    names = torchvision.models.list_models(module=torchvision.models)
    if name not in names:
        close = difflib.get_close_matches(name, names) or names
        raise FoolingError(f"torchvision has no network {name!r}", expected=", ".join(close))

    def build(*, input_shape: tuple[int, int, int], classes: int, **options: Any) -> nn.Module:
        """Fresh weights for images ``(3, H, W)``; ``options`` are those of torchvision's own function."""
        require_colour("torchvision's network", channels=input_shape[0])
        if loading := [key for key in LOADING if key in options]:
            raise FoolingError(
                f"torchvision's network {name} takes no option {loading[0]!r} here",
                found=f"options: {options}",
                expected="options of the architecture alone",
                remedy="import a network, and say `weights: torchvision`",
            )
        chosen = {**OPTIONS.get(name, {}), **options}
        network: nn.Module = torchvision.models.get_model(name, weights=None, num_classes=classes, **chosen)
        return network

    return build


def require_colour(network: str, *, channels: int) -> None:
    """Raise :class:`FoolingError`, naming the ``network``, unless images have three ``channels``."""
    if channels != 3:
        raise FoolingError(
            f"{network} takes RGB images",
            found=f"{channels} channel (grey)",
            expected="3 channels",
            remedy="take a data set in colour (`colour: rgb` for a folder of pictures), or architecture: lenet",
        )
