"""Settings of gradient ascent: how far a step goes, and what keeps the image regular; the paper's four settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from fooling.settings import SeedRange, Settings

Percentile = Annotated[float, Field(ge=0, lt=100)]
Progress = Annotated[float, Field(gt=0, le=1)]


class AscentSettings(Settings):
    """Everything that decides a gradient ascent but its classifier; the defaults are the paper's Fig. 13."""

    seeds: SeedRange = SeedRange()
    """Seeds of the starts: from each one image climbs for each of the classes."""
    classes: Annotated[int, Field(ge=1)] | None = None
    """Classes for which images climb, spread evenly over all; null: every class."""
    steps: Annotated[int, Field(ge=1, le=1_000_000)] = 500
    """Steps of every image."""
    early_progress: Progress = 0.02
    """Rise of the confidence that a step aims at: the learning rate is this over the squared norm of the gradient."""
    late_progress: Progress = 0.1
    """The same as a share of what is missing to 1; the smaller of the two counts."""
    largest_rate: Annotated[float, Field(gt=0, le=1e30)] = 1e7
    """The learning rate is at most this."""
    decay: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share by which every step draws the image back to the mean training image."""
    blur_radius: Annotated[float, Field(ge=0, le=100)] = 0.0
    """Standard deviation in pixels of the Gaussian that blurs the image; 0: no blur."""
    blur_every: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """The image is blurred after so many steps, again and again."""
    small_norm_percentile: Percentile = 0.0
    """After every step, so many percent of the pixels, those nearest to the mean image, are set back to it."""
    small_benefit_percentile: Percentile = 0.0
    """The same for the pixels whose difference from the mean image raises the confidence least, or lowers it most."""
    small_absolute_benefit_percentile: Percentile = 0.0
    """The same for the pixels whose difference from the mean image changes the confidence least, up or down."""


#: The paper's settings, by the names of its supplementary figures, as far as they differ from the defaults.
PRESETS: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "s-169": {"steps": 1500, "early_progress": 0.03, "late_progress": 0.02, "decay": 0.01},
    "s-188": {
        **{"steps": 1000, "early_progress": 0.03, "late_progress": 0.05, "decay": 0.001},
        **{"blur_radius": 0.4, "blur_every": 2},
    },
    "s-360": {
        **{"steps": 1500, "early_progress": 0.03, "late_progress": 0.05, "decay": 0.001},
        **{"blur_radius": 0.3, "small_norm_percentile": 20.0, "small_absolute_benefit_percentile": 20.0},
    },
}
