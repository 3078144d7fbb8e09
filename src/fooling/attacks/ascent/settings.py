"""Settings of gradient ascent: step size and regularisation; the paper's four settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from fooling.settings import SeedRange, Settings

Percentile = Annotated[float, Field(ge=0, lt=100)]
Progress = Annotated[float, Field(gt=0, le=1)]

#: Keys that only the step rule uses, those that change the image between steps, and those added after version 1.
STEP_RULE = ("early_progress", "late_progress", "largest_rate")
REGULARISATION = (
    *("decay", "blur_radius", "blur_every", "first_blur"),
    *("small_norm_percentile", "small_benefit_percentile", "benefit_of", "small_absolute_benefit_percentile"),
)
LATER_KEYS = ("method", "learning_rate", "first_blur", "benefit_of")


class AscentSettings(Settings):
    """Everything that decides a gradient ascent besides its classifier; the defaults are the paper's Fig. 13."""

    seeds: SeedRange = SeedRange()
    """Seeds of the starts; from each one, one image is optimised for each class."""
    classes: Annotated[int, Field(ge=1)] | None = None
    """Number of target classes, evenly spaced over all classes; null: every class."""
    steps: Annotated[int, Field(ge=1, le=1_000_000)] = 500
    """Steps of every image; with `l-bfgs`, evaluations of its objective."""
    method: Literal["step-rule", "adam", "l-bfgs"] = "step-rule"
    """Method of the steps: the released code's `step-rule`, or torch's `adam` or `l-bfgs` on log p."""
    learning_rate: Annotated[float, Field(gt=0, le=255)] | None = None
    """Learning rate of `adam`: about the number of levels by which a step changes a pixel. Null for other methods."""
    early_progress: Progress = 0.02
    """Rise of the confidence at which a step aims: the learning rate is this value over the squared gradient norm."""
    late_progress: Progress = 0.1
    """The same rise as a share of what is missing to 1; the smaller of the two applies."""
    largest_rate: Annotated[float, Field(gt=0, le=1e30)] = 1e7
    """Upper limit of the learning rate."""
    decay: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share by which every step moves the image back to the mean training image."""
    blur_radius: Annotated[float, Field(ge=0, le=100)] = 0.0
    """Standard deviation in pixels of the Gaussian that blurs the image; 0: no blur."""
    blur_every: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """Number of steps between two blurs."""
    first_blur: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Step after which the image is first blurred; null: `blur_every`. The released code blurs first after step 1."""
    small_norm_percentile: Percentile = 0.0
    """Percentage of the pixels that every step resets to the mean image: those nearest to it."""
    small_benefit_percentile: Percentile = 0.0
    """The same for the pixels with the least benefit, which `benefit_of` defines."""
    benefit_of: Literal["keeping", "removing"] = "keeping"
    """A pixel's benefit: how far its difference from the mean image raises the confidence (`keeping`), or how far
    setting it back would (`removing`), as in the released code."""
    small_absolute_benefit_percentile: Percentile = 0.0
    """The same for the pixels whose difference from the mean image changes the confidence least, in any direction."""

    @model_validator(mode="after")
    def _of_one_method(self) -> Self:
        """Refuse keys that the method does not use."""
        if (self.method == "adam") != (self.learning_rate is not None):
            raise ValueError("a learning_rate with method adam, and with no other")
        unused = {"step-rule": (), "adam": STEP_RULE, "l-bfgs": (*STEP_RULE, *REGULARISATION)}[self.method]
        for key in unused:
            if getattr(self, key) != (default := type(self).model_fields[key].default):
                raise ValueError(f"{key}: {default} with method {self.method}, which does not use it")
        return self

    @model_serializer(mode="wrap")
    def _without_later_keys(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out keys that were added later if they have their default, so that older results keep their bytes."""
        fields = type(self).model_fields
        return {
            key: value
            for key, value in handler(self).items()
            if key not in LATER_KEYS or getattr(self, key) != fields[key].default
        }


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
