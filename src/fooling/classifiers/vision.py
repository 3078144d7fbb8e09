"""Build AlexNet, SqueezeNet and every other network of torchvision, for any number of classes."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, Literal

from torch import nn

from fooling.classifiers.architectures import Architecture
from fooling.messages import FoolingError
from fooling.torchvision_import import import_torchvision

torchvision = import_torchvision()

#: Images scored at once. AlexNet: each chunk reads all 57 million weights, and a batch is often a multiple of 50.
#: SqueezeNet: among the fastest on one core.
CHUNK_SIZE, CHUNK_SIZE_OF_ALEXNET = 16, 50

SMALLEST_SIDE_OF_ALEXNET = 63  # pixels
SQUEEZENETS = {"1.0": "squeezenet1_0", "1.1": "squeezenet1_1"}

#: Options of networks with auxiliary classifiers: here they have only the one at their end, in training as well.
WITHOUT_AUXILIARY = {"aux_logits": False, "init_weights": True}
OPTIONS: dict[str, dict[str, Any]] = {"googlenet": WITHOUT_AUXILIARY, "inception_v3": WITHOUT_AUXILIARY}
#: Arguments of torchvision's functions that load weights: weights come only from `weights` in the settings.
LOADING = ("weights", "pretrained", "progress")


def architecture_of(name: str) -> Architecture:
    """Return ``alexnet``, ``squeezenet`` or ``torchvision:<name>``; raise as :func:`builder_of` does."""
    if name == "alexnet":
        return Architecture(build=build_alexnet, chunk_size=CHUNK_SIZE_OF_ALEXNET)
    build = build_squeezenet if name == "squeezenet" else builder_of(name.rpartition(":")[2])
    return Architecture(build=build, chunk_size=CHUNK_SIZE)


def build_alexnet(
    *,
    input_shape: tuple[int, int, int],
    classes: int,
    dropout: float = 0.5,
    first_weights: Literal["torchvision", "he"] = "torchvision",
) -> nn.Module:
    """Build torchvision's AlexNet with new weights, for RGB images ``(3, H, W)`` of at least 63x63 pixels.

    Args:
        input_shape: Shape (3, H, W) of the images.
        classes: Number of classes K; the network gives logits (B, K).
        dropout: Probability of dropout before the fully connected layers.
        first_weights: torchvision's initial weights, or those of He et al. (2015), which reach a lower error in a short
            training.

    Raises:
        FoolingError: The images are grey or too small, or ``first_weights`` is unknown.
    """
    channels, height, width = input_shape
    _require_colour("AlexNet", channels=channels)
    if min(height, width) < SMALLEST_SIDE_OF_ALEXNET:
        raise FoolingError(
            "these images are too small for AlexNet",
            found=f"{height}x{width}",
            expected="at least 63x63",
            remedy="use larger images, or increase `input.crop`",
        )
    if first_weights not in ("torchvision", "he"):
        raise FoolingError(
            "AlexNet has an invalid option", found=f"first_weights: {first_weights}", expected="torchvision or he"
        )
    network: nn.Module = torchvision.models.alexnet(num_classes=classes, dropout=dropout)
    if first_weights == "he":
        network.apply(_initialise_as_he)
        nn.init.normal_(network.get_submodule("classifier.6").weight, std=0.01)  # type: ignore[arg-type]
    return network


def build_squeezenet(
    *,
    input_shape: tuple[int, int, int],
    classes: int,
    version: str | float = "1.0",
    last_padding: int = 0,
    dropout: float = 0.5,
) -> nn.Module:
    """Build torchvision's SqueezeNet with new weights, for RGB images ``(3, H, W)``.

    Args:
        input_shape: Shape (3, H, W) of the images; H and W at least 21, or 17 for version 1.1.
        classes: Number of classes K; the network gives logits (B, K).
        version: ``1.0`` or ``1.1``.
        last_padding: Padding of the last, 1x1 convolution in pixels: 1 as in Caffe's 1.0, 0 as in torchvision. With 1
            the final average includes a border of rectified biases, and all confidences are lower.
        dropout: Probability of dropout before the last convolution.

    Raises:
        FoolingError: The images are grey, or an option is invalid.
    """
    _require_colour("SqueezeNet", channels=input_shape[0])
    if str(version) not in SQUEEZENETS:
        raise FoolingError("SqueezeNet has no such version", found=f"options.version: {version}", expected="1.0 or 1.1")
    if last_padding not in (0, 1):
        raise FoolingError(
            "SqueezeNet has an invalid option", found=f"options.last_padding: {last_padding}", expected="0 or 1"
        )
    network: nn.Module = torchvision.models.get_model(
        SQUEEZENETS[str(version)], weights=None, num_classes=classes, dropout=dropout
    )
    network.get_submodule("classifier.1").padding = (last_padding, last_padding)  # type: ignore[assignment]
    return network


def builder_of(name: str) -> Callable[..., nn.Module]:
    """Return the function that builds torchvision's classifier ``name``; raise :class:`FoolingError` if none does."""
    names = torchvision.models.list_models(module=torchvision.models)
    if name not in names:
        close = difflib.get_close_matches(name, names) or names
        raise FoolingError(f"torchvision has no network {name!r}", expected=", ".join(close))

    def build(*, input_shape: tuple[int, int, int], classes: int, **options: Any) -> nn.Module:
        """Build it with new weights for images ``(3, H, W)``; ``options`` are those of torchvision's own function."""
        _require_colour("torchvision's network", channels=input_shape[0])
        if loading := [key for key in LOADING if key in options]:
            raise FoolingError(
                f"torchvision's network {name} takes no option {loading[0]!r} here",
                found=f"options: {options}",
                expected="only options of the architecture",
                remedy="import a network with `weights: torchvision`",
            )
        chosen = {**OPTIONS.get(name, {}), **options}
        network: nn.Module = torchvision.models.get_model(name, weights=None, num_classes=classes, **chosen)
        return network

    return build


def _initialise_as_he(layer: nn.Module) -> None:
    """Draw normal weights that keep the variance of activations through rectified layers; set biases to 0."""
    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def _require_colour(network: str, *, channels: int) -> None:
    """Raise :class:`FoolingError`, naming the ``network``, unless images have three ``channels``."""
    if channels != 3:
        raise FoolingError(
            f"{network} takes RGB images",
            found=f"{channels} channel (grey)",
            expected="3 channels",
            remedy="use a data set in colour (`colour: rgb` for a folder of pictures), or architecture: lenet",
        )
