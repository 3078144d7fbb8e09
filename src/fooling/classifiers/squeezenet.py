"""SqueezeNet 1.0 and 1.1 as in torchvision, or with the padded last convolution of Caffe's 1.0."""

from __future__ import annotations

from torch import nn

from fooling.classifiers.vision import require_colour
from fooling.errors import FoolingError
from fooling.torchvision_import import torchvision

#: Images scored at once: among the fastest on one core.
CHUNK_SIZE = 16

BUILDERS = {"1.0": "squeezenet1_0", "1.1": "squeezenet1_1"}


def build(
    *,
    input_shape: tuple[int, int, int],
    classes: int,
    version: str | float = "1.0",
    last_padding: int = 0,
    dropout: float = 0.5,
) -> nn.Module:
    """A SqueezeNet with fresh weights for RGB images ``(3, H, W)`` of at least 21 pixels (``version`` 1.1: 17) a side.

    Caffe pads the last convolution of 1.0, of 1x1, by one pixel: the average that follows then has a border of
    rectified biases in it, and all confidences are lower (``last_padding`` 1). torchvision does not pad.
    """
    require_colour("SqueezeNet", channels=input_shape[0])
    if str(version) not in BUILDERS:
        raise FoolingError("there is no such SqueezeNet", found=f"options.version: {version}", expected="1.0 or 1.1")
    if last_padding not in (0, 1):
        raise FoolingError(
            "SqueezeNet has no such padding", found=f"options.last_padding: {last_padding}", expected="0 or 1"
        )
    network: nn.Module = torchvision.models.get_model(
        BUILDERS[str(version)], weights=None, num_classes=classes, dropout=dropout
    )
    network.get_submodule("classifier.1").padding = (last_padding, last_padding)  # type: ignore[assignment]
    return network
