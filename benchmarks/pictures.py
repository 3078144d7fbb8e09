"""What contestants at the size of ImageNet work on: two networks, and CPPNs that paint 256x256 pixels in colour."""

from __future__ import annotations

from typing import Any

import torch

from fooling.classifiers.architectures import build_network
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.vision import CHUNK_SIZE
from fooling.encodings.cppn.encoding import CppnEncoding
from fooling.encodings.settings import CppnSettings

SHAPE, CROP, CLASSES = (3, 256, 256), 227, 1000


def alexnet(device: torch.device, *, views: str = "centre", chunk_size: int = 32) -> Classifier:
    """AlexNet with fresh weights, which take as long as trained ones, of a thousand classes."""
    return _network("alexnet", {}, device, views=views, chunk_size=chunk_size)


def squeezenet(device: torch.device) -> Classifier:
    """SqueezeNet 1.1 with fresh weights, scored in the chunks of a study."""
    return _network("squeezenet", {"version": "1.1"}, device, views="centre", chunk_size=CHUNK_SIZE)


def _network(
    architecture: str, options: dict[str, Any], device: torch.device, *, views: str, chunk_size: int
) -> Classifier:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = build_network(architecture, input_shape=(3, CROP, CROP), classes=CLASSES, options=options)
    return Classifier(
        name=architecture,
        architecture=architecture,
        options=options,
        network=network,
        input_shape=SHAPE,
        crop=CROP,
        views=views,
        class_names=tuple(map(str, range(CLASSES))),
        offset=torch.full((3, 1, 1), 120.0),
        scale=torch.full((3, 1, 1), 1 / 58),
        training_mean=torch.full(SHAPE, 120.0),
        chunk_size=chunk_size,
        device=device,
    )


def painter(device: torch.device) -> CppnEncoding:
    """The CPPN encoding of such pictures, with its default settings."""
    return CppnEncoding(settings=CppnSettings(), image_shape=SHAPE, device=device)


def noise(count: int, device: torch.device) -> torch.Tensor:
    """So many pictures, uint8 (B, C, H, W)."""
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, *SHAPE), generator=generator, dtype=torch.uint8).to(device)
