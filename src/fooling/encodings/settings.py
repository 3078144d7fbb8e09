"""Settings of both encodings, and the encodings by name; readable without torch."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from fooling.settings import Settings

#: ``hsv``: the paper's components, the hue one turn. ``hls``: 8-bit HLS as OpenCV reads it, used by the released code.
Colour = Literal["hsv", "hls"]

Probability = Annotated[float, Field(ge=0, le=1)]


class DirectSettings(Settings):
    """The direct encoding: one gene for each pixel and channel."""

    kind: Literal["direct"] = "direct"
    """Which encoding these settings are of."""

    mutation_rate: Probability = 0.1
    """Probability that a gene mutates."""

    rate_halving_generations: Annotated[int, Field(gt=0)] | None = 1000
    """The mutation rate halves after each such number of generations; null: it is constant (released)."""

    mutation_eta: Annotated[float, Field(gt=0)] = 15.0
    """Strength of the polynomial mutation: a larger value makes smaller steps."""

    crossover: Literal["none", "correct", "faulty"] = "none"
    """Simulated binary crossover before mutation; `faulty` sets genes equal in both parents to .5 (released)."""

    crossover_rate: Probability = 0.5
    """Probability of crossing a pair of parents."""

    crossover_eta: Annotated[float, Field(gt=0)] = 10.0
    """Strength of the crossover: a larger value keeps children closer to their parents."""

    genes: Literal["levels", "floats"] = "levels"
    """`levels`: integers 0 to 255; `floats`: numbers in [0, 1], converted to levels only for scoring (released)."""

    colour: Colour = "hsv"
    """Colour components of RGB images: `hsv`, or `hls` in OpenCV's 8-bit form (released)."""


class CppnSettings(Settings):
    """The CPPN encoding: small networks that paint images.

    The probabilities are those of the released code; the paper gives none.
    """

    kind: Literal["cppn"] = "cppn"
    """Which encoding these settings are of."""

    coordinates: Literal["unit", "pixels"] = "unit"
    """Scale of x and y: `unit` runs from -1 to 1 over the image, `pixels` are pixel indices (released)."""

    colour: Colour = "hsv"
    """Colour components of RGB images: `hsv`, or `hls` in OpenCV's 8-bit form (released)."""

    weight_bound: Annotated[float, Field(gt=0)] = 10.0
    """Weights lie between minus and plus this bound."""

    weight_mutation_rate: Probability = 0.1
    """Probability that a weight mutates."""

    weight_mutation_eta: Annotated[float, Field(gt=0)] = 15.0
    """Strength of the polynomial mutation of the weights: a larger value makes smaller steps."""

    function_mutation_rate: Probability = 0.1
    """Probability that a node draws a new function."""

    add_link_probability: Probability = 0.5
    """Probability that a genome gains a link."""

    delete_link_probability: Probability = 0.3
    """Probability that a genome loses a link."""

    add_node_probability: Probability = 0.5
    """Probability that a genome gains a node on one of its links."""

    delete_node_probability: Probability = 0.2
    """Probability that a genome loses a hidden node and its links."""


#: Settings in which the released code differs from the paper, by kind of encoding.
RELEASED: Mapping[str, Mapping[str, Any]] = {
    "direct": {
        "rate_halving_generations": None,
        "crossover": "faulty",
        "genes": "floats",
        "colour": "hls",
    },
    "cppn": {"coordinates": "pixels", "colour": "hls"},
}


if TYPE_CHECKING:
    import torch

    from fooling.encodings.encoding import Encoding, ImageShape

EncodingSettings = Annotated[DirectSettings | CppnSettings, Field(discriminator="kind")]

#: Module and class of each encoding.
ENCODINGS = {
    "direct": ("fooling.encodings.direct", "DirectEncoding"),
    "cppn": ("fooling.encodings.cppn.encoding", "CppnEncoding"),
}
NAMED_MODULES = ("fooling.encodings.direct", "fooling.encodings.cppn.encoding")


def encoding_module(kind: str) -> str:
    """Return the module of the encoding of this name."""
    return ENCODINGS[kind][0]


def encoding_for(
    settings: DirectSettings | CppnSettings, *, image_shape: ImageShape, device: torch.device | str = "cpu"
) -> Encoding[Any]:
    """Return the encoding with these settings, for images of one shape on one device.

    Args:
        settings: ``CppnSettings()`` or ``DirectSettings()``, with the options of the encoding.
        image_shape: Shape (C, H, W) of the images; C is 1 for grey and 3 for RGB.
        device: Where genomes and images are computed; generators of random numbers must be of this device.
    """
    module, name = ENCODINGS[settings.kind]
    encoding: Encoding[Any] = getattr(importlib.import_module(module), name)(
        settings=settings, image_shape=image_shape, device=device
    )
    return encoding
