"""Settings of the attacks that start from random images, one class each, and all attacks by name.

Readable without torch: the class of an attack is imported only when it is used.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from fooling.encodings.settings import CppnSettings, EncodingSettings, encoding_module
from fooling.messages import FoolingError
from fooling.settings import SeedRange, Settings

if TYPE_CHECKING:
    from fooling.attacks.attack import Attack


Even = Annotated[int, Field(ge=2, le=100_000, multiple_of=2)]
_STEPS = [factor * 10**power for power in range(6) for factor in (1, 2, 5)]  # between generations kept in the history


class SearchSettings(Settings):
    """The budget of a search and the form in which images are scored (paper: section 2.2; released MNIST set-up)."""

    start: Even = 200
    """Random genomes scored before the first generation."""
    offspring: Even = 200
    """Children scored in every generation."""
    generations: Annotated[int, Field(ge=1, le=10_000_000)] = 200
    """Generations after the start."""
    extra_batch: bool = False
    """Score one more batch of offspring in generation 0, as the released code does."""
    scoring_input: Literal["as-trained", "mean-subtracted"] = "as-trained"
    """Feed images as in training, or with the mean training image subtracted, as the released code does."""
    ties: Literal["keep", "log-odds"] = Field(default="keep", exclude_if=lambda ties: ties == "keep")
    """An image with the confidence of a champion does not replace it: `keep`, as in the paper; or it does if its
    `log-odds` are higher, which are compared in float64 where confidences are 1, or 0, in float32."""

    @property
    def evaluations(self) -> int:
        """Images scored in the whole search."""
        return self.start + self.offspring * (self.generations + self.extra_batch)


#: How images are scored while searching: in float32; in bfloat16, with every champion of the record scored again in
#: float32; or in bfloat16 with float32 for the images that could beat a champion, which finds the same as float32.
Precision = Literal["float32", "bfloat16", "screened"]

#: What the released code of the paper does otherwise (paper-facts: the loop; scoring input of the MNIST set-up).
RELEASED_SEARCH = {"extra_batch": True, "scoring_input": "mean-subtracted"}


class EvolutionSettings(Settings):
    """Everything that decides a run besides its seed and its classifier."""

    encoding: EncodingSettings = CppnSettings()
    """How a genome becomes an image, and how genomes vary."""
    search: SearchSettings = SearchSettings()
    """Budget and scoring."""
    precision: Precision = Field(default="float32", exclude_if=lambda precision: precision == "float32")
    """Number format in which images are scored while searching; recorded confidences are always those of float32."""

    @model_validator(mode="after")
    def _exact_ties(self) -> Self:
        if self.search.ties == "log-odds" and self.precision != "float32":
            raise ValueError("search.ties: log-odds only with precision: float32")
        return self


def is_kept(generation: int) -> bool:
    """Return whether the history records a generation: all up to 200, then in steps of at most 1 %, and the last.

    The steps are 1, 2, 5, 10, 20, 50 and so on: 20,000 generations leave about 900 rows.
    """
    step = max((step for step in _STEPS if step * 100 <= generation), default=1)
    return generation % step == 0


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


#: The paper's settings of gradient ascent, by the names of its supplementary figures: what differs from the defaults.
ASCENT_PRESETS: Mapping[str, Mapping[str, Any]] = {
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


Search = Literal["map-elites", "random-search"]
#: Standard deviation of noise, in levels; more noise than the range of levels is wide leaves nothing of an image.
Noise = Annotated[float, Field(gt=0, le=255)]


class LabelOnlySettings(Settings):
    """Images evolved with the labels of a classifier alone, and as control as many queries of random images.

    An image is the better, the more noise its label survives. Every image that the classifier labels is one query.
    """

    seeds: SeedRange = SeedRange(count=3)
    """Seeds of the runs; each search has a run with every seed."""
    searches: Annotated[tuple[Search, ...], Field(min_length=1)] = ("map-elites", "random-search")
    """MAP-Elites, and random search with as many queries."""
    encoding: EncodingSettings = CppnSettings()
    """How a genome becomes an image, and how genomes vary."""
    queries: Annotated[int, Field(ge=1, le=10**9)] = 20_000
    """Queries of each run at most: images and their noisy copies."""
    copies: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Noisy copies of an image at each level of noise."""
    noise: Annotated[tuple[Noise, ...], Field(min_length=1)] = (16.0, 32.0, 64.0, 128.0, 255.0)
    """Standard deviations of the Gaussian noise, ascending, in levels (0 to 255)."""
    most: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Share of the copies, of which more must keep the label."""
    start: Even = 20
    """Random genomes before the first generation."""
    offspring: Even = 20
    """Children in every generation."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if any(low >= high for low, high in zip(self.noise, self.noise[1:], strict=False)):
            raise ValueError("levels of noise in ascending order, each only once")
        if len(set(self.searches)) < len(self.searches):
            raise ValueError("each search only once")
        if self.queries < self.least_queries:
            raise ValueError(
                f"at least {self.least_queries:,} queries: the start and one generation, with a query and "
                f"{self.copies} noisy copies for each of {self.start + self.offspring} images"
            )
        return self

    @property
    def least_queries(self) -> int:
        """Queries of the start and one generation, with one level of noise for each image."""
        return (self.start + self.offspring) * (1 + self.copies)

    @property
    def runs(self) -> list[tuple[Search, int]]:
        """The runs in their order: each search with every seed."""
        return [(search, seed) for search in self.searches for seed in self.seeds.values()]


#: Module and class of each attack.
ATTACKS = {
    "evolution": ("fooling.attacks.evolution.run", "Evolution"),
    "ascent": ("fooling.attacks.ascent.run", "GradientAscent"),
    "adversarial": ("fooling.attacks.adversarial.run", "Adversarial"),
    "universal": ("fooling.attacks.universal.run", "Universal"),
    "label-only": ("fooling.attacks.label_only.run", "LabelOnly"),
}
#: Attacks that change real images: they are given the data set of the classifier.
ON_REAL_IMAGES = ("adversarial", "universal")
NAMED_MODULES = ("fooling.attacks.*.run",)


def attack_modules(kind: str, settings: Mapping[str, Any]) -> list[str]:
    """Return the modules that an attack with these settings imports by name: its own, and that of its encoding."""
    encodings = [encoding_module(settings["encoding"]["kind"])] if "encoding" in settings else []
    return [ATTACKS[kind][0], *encodings]


def attack_named(kind: str) -> type[Attack]:
    """Return the class of an attack; raise :class:`FoolingError` for an unknown name."""
    if kind not in ATTACKS:
        raise FoolingError("unknown attack", found=repr(kind), expected=", ".join(ATTACKS))
    module, name = ATTACKS[kind]
    found: type[Attack] = getattr(importlib.import_module(module), name)
    return found
