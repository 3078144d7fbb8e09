"""ImageNet networks of config/networks.yaml that need a few lines of their own."""

from __future__ import annotations

from torch import nn

from fooling.classifiers.architectures import build_network

CLASSES = 1000


def squeezenet_1_0(*, input_shape: tuple[int, int, int]) -> nn.Module:
    """Build SqueezeNet 1.0 as Caffe has it: its last convolution is padded, torchvision's is not."""
    options = {"version": "1.0", "last_padding": 1}
    return build_network("squeezenet", input_shape=input_shape, classes=CLASSES, options=options)


def efficientnet_lite0() -> nn.Module:
    """Build EfficientNet-Lite0 (pip install --no-deps efficientnet-lite-pytorch)."""
    return _efficientnet("efficientnet-lite0")


def efficientnet_lite1() -> nn.Module:
    """Build EfficientNet-Lite1, from the same package."""
    return _efficientnet("efficientnet-lite1")


def _efficientnet(name: str) -> nn.Module:
    from efficientnet_lite_pytorch import EfficientNet  # type: ignore[import-not-found, unused-ignore]

    network: nn.Module = EfficientNet.from_name(name)
    return network
