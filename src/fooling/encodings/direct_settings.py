"""Settings of the direct encoding, readable without torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from fooling.encodings.settings import Colour, Probability
from fooling.settings import Settings


class DirectSettings(Settings):
    """The direct encoding; the defaults follow the paper's wording."""

    kind: Literal["direct"] = "direct"
    """Which encoding these settings are of."""

    mutation_rate: Probability = 0.1
    """Probability with which each gene mutates."""

    rate_halving_generations: Annotated[int, Field(gt=0)] | None = 1000
    """The mutation rate is halved whenever this many generations have passed; null keeps it constant (released)."""

    mutation_eta: Annotated[float, Field(gt=0)] = 15.0
    """Strength of the polynomial mutation: a larger value makes smaller steps."""

    crossover: Literal["none", "correct", "faulty"] = "none"
    """Simulated binary crossover before mutation; `faulty` sets genes equal in both parents to .5 (released)."""

    crossover_rate: Probability = 0.5
    """Probability with which a pair of parents is crossed."""

    crossover_eta: Annotated[float, Field(gt=0)] = 10.0
    """Strength of the crossover: a larger value keeps children closer to their parents."""

    genes: Literal["levels", "floats"] = "levels"
    """`levels`: integers 0 to 255; `floats`: numbers in [0, 1], cut to levels only when scored (released)."""

    colour: Colour = "hsv"
    """Colour components of RGB images: `hsv`, or `hls` in OpenCV's 8-bit form (released)."""


#: What the released code does otherwise.
RELEASED: Mapping[str, Any] = {
    "rate_halving_generations": None,
    "crossover": "faulty",
    "genes": "floats",
    "colour": "hls",
}
