"""Settings of the CPPN encoding; the probabilities are those of the released code, the paper gives none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from fooling.encodings.settings import Colour, Probability
from fooling.settings import Settings


class CppnSettings(Settings):
    """The CPPN encoding; the defaults follow the paper's wording."""

    kind: Literal["cppn"] = "cppn"
    """Which encoding these settings are of."""

    coordinates: Literal["unit", "pixels"] = "unit"
    """What x and y count: `unit` runs from -1 to 1 over the image, `pixels` are raw pixel indices (released)."""

    colour: Colour = "hsv"
    """Colour components of RGB images: `hsv`, or `hls` in OpenCV's 8-bit form (released)."""

    weight_bound: Annotated[float, Field(gt=0)] = 10.0
    """Weights lie between minus and plus this."""

    weight_mutation_rate: Probability = 0.1
    """Probability with which each weight mutates."""

    weight_mutation_eta: Annotated[float, Field(gt=0)] = 15.0
    """Strength of the polynomial mutation of the weights: a larger value makes smaller steps."""

    function_mutation_rate: Probability = 0.1
    """Probability with which each node draws its function anew."""

    add_link_probability: Probability = 0.5
    """Probability with which a genome gains a link."""

    delete_link_probability: Probability = 0.3
    """Probability with which a genome loses a link."""

    add_node_probability: Probability = 0.5
    """Probability with which a genome gains a node on one of its links."""

    delete_node_probability: Probability = 0.2
    """Probability with which a genome loses a hidden node and its links."""


#: What the released code does otherwise.
RELEASED: Mapping[str, Any] = {"coordinates": "pixels", "colour": "hls"}
