"""Settings of training; the defaults are the recipe of Caffe's LeNet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from fooling.classifiers.model_settings import AnyModelSettings
from fooling.classifiers.settings import Fraction, NetworkSettings, NotNegative, Positive
from fooling.encodings.settings import encoding_module
from fooling.settings import Count, Seed, Settings


class SgdSettings(Settings):
    """Stochastic gradient descent with momentum, in Caffe's form."""

    kind: Literal["sgd"] = "sgd"
    """Stochastic gradient descent with momentum."""
    momentum: Fraction = 0.9
    """Share of the last step that the next one repeats."""
    weight_decay: NotNegative = 5.0e-4
    """Multiple of a parameter that is added to its gradient."""
    bias_rate_factor: Positive = 2.0
    """Biases learn at this multiple of the learning rate."""


class AdamSettings(Settings):
    """Adam, for networks that train too slowly with plain gradient descent."""

    kind: Literal["adam"] = "adam"
    """Adam with its usual constants .9, .999 and 1e-8."""
    weight_decay: NotNegative = 0.0
    """Multiple of a parameter that is added to its gradient."""
    linear_rate_factor: Positive = 1.0
    """Fully connected layers learn at this multiple of the learning rate; wide layers need a smaller one."""


class InversePolicy(Settings):
    """Caffe's "inv": ``learning_rate * (1 + gamma * iteration) ** -power``."""

    kind: Literal["inv"] = "inv"
    """Decreases slowly and without end, as Caffe's "inv"."""
    gamma: NotNegative = 1.0e-4
    """How soon the rate decreases, per iteration."""
    power: NotNegative = 0.75
    """How steeply it decreases in the end."""


class ConstantPolicy(Settings):
    """A constant learning rate."""

    kind: Literal["constant"] = "constant"
    """Constant."""


class CosinePolicy(Settings):
    """A linear increase over the first iterations, then half a cosine down to 0 at the end."""

    kind: Literal["cosine"] = "cosine"
    """Increases over the first iterations, then decreases to 0 as half a cosine."""
    warm_up: Annotated[int, Field(ge=0)] = 0
    """Iterations of the increase."""


class StepPolicy(Settings):
    """Caffe's "step": the learning rate decreases in repeated steps."""

    kind: Literal["step"] = "step"
    """Decreases in steps, as Caffe's "step"."""
    every: Count = 100_000
    """Iterations from one step to the next."""
    factor: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Factor on the rate at each step."""


Policy = Annotated[InversePolicy | ConstantPolicy | CosinePolicy | StepPolicy, Field(discriminator="kind")]


class TrainingPart(Settings):
    """One of several disjoint parts of the training images, drawn by seed, each with the same share of every class."""

    number: Annotated[int, Field(ge=1, le=1000)] = 1
    """Number of the part, from 1. Parts with other numbers, and the same values below, have no image in common."""
    of: Annotated[int, Field(ge=1, le=1000)] = 2
    """How many parts there are."""
    images: Count | None = None
    """Images in each part, equally many of every class; null: all training images are divided among the parts."""
    seed: Seed = 1
    """Seed that draws the parts."""

    @model_validator(mode="after")
    def _is_one_of_them(self) -> Self:
        if self.number > self.of:
            raise ValueError(f"number: a whole number from 1 to {self.of}, as there are {self.of} parts")
        return self


#: How the training images of two networks of one data set are related.
SAME, DISJOINT, OVERLAPPING, UNKNOWN = TRAINING_IMAGES = ("same", "disjoint", "overlapping", "unknown")


def training_images(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> str:
    """Return how the training images of two networks of one data set are related, from the settings of training.

    Parts with equal settings but other numbers are disjoint by construction (:func:`fooling.training.images.part_of`).
    """
    if one is None or other is None:
        return UNKNOWN
    parts = [dict(settings.get("part") or {}) for settings in (one, other)]
    if parts[0] == parts[1]:
        pictures = [settings.get("pictures", "kept") for settings in (one, other)]  # a fitted model has no such key
        return SAME if pictures[0] == pictures[1] else OVERLAPPING
    numbers = [part.pop("number", None) for part in parts]
    return DISJOINT if parts[0] == parts[1] and None not in numbers else OVERLAPPING


class PgdSettings(Settings):
    """Projected gradient descent: the worst image that the training finds in the box around an image."""

    size: Annotated[float, Field(gt=0, le=1)] = 0.3
    """Largest change of a pixel (the maximum norm), in the unit in which pixels are 0 to 1."""
    steps: Annotated[int, Field(ge=1, le=1000)] = 7
    """Steps, each by the sign of the gradient, from a random image in the box."""
    step: Annotated[float, Field(gt=0, le=1)] | None = None
    """Change of a pixel in one step, in the same unit; null: 2.5 times `size` over `steps`."""


class OutlierSettings(Settings):
    """Images that show no class, beside each batch of real images; the network learns not to be sure of them."""

    kind: Literal["noise", "cppn", "fooling"] = "noise"
    """`noise`: uniform noise, new in every batch; `cppn`: images of random CPPNs, which no search has chosen;
    `fooling`: images that fooled another network, from a chain of `retraining` or from the file of `--outliers`."""
    loss: Literal["uniform", "largest"] = "uniform"
    """`uniform`: cross-entropy to the uniform distribution (outlier exposure, entropic open-set loss); `largest`: log
    of the largest confidence (CEDA, ACET). docs/training.md defines both."""
    per_batch: Annotated[int, Field(ge=1, le=100_000)] = 32
    """Outliers beside each batch of real images."""
    weight: Positive = 0.5
    """Multiple of the mean loss on the outliers that is added to that on the real images."""
    images: Annotated[int, Field(ge=1, le=1_000_000)] = 4000
    """Number of `cppn` images, all made before the training; each batch draws some of them."""
    retraining: str | None = Field(default=None, examples=["fooling-class"])
    """Name of the retraining whose first network was fooled, for `fooling` images in a study."""
    first: str | None = Field(default=None, examples=["lenet-a"])
    """Name of this first network; the images are those that its chain collects for the fooling class."""
    worst: PgdSettings | None = None
    """Replace each outlier by the image in a box around it for which the largest confidence is highest (ACET); null:
    use the outliers as they are."""

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if self.kind != "fooling" and (self.retraining or self.first):
            raise ValueError("retraining and first only with kind: fooling")
        if bool(self.retraining) != bool(self.first):
            raise ValueError("both retraining and first, or neither")
        return self


#: Keys of the training that may make a network harder to fool; a network without all of them is *plain*.
HARDENING = ("label_smoothing", "outliers", "adversarial")
PLAIN = "plain"


def hardening_of(training: Mapping[str, Any]) -> str:
    """Return in words how the settings of a training make a network harder to fool; ``plain`` if they do not.

    For example ``label smoothing 0.1`` or ``outliers cppn, worst within 0.3``. Values that differ from the defaults are
    named.
    """
    words = []
    if smoothing := training.get("label_smoothing"):
        words.append(f"label smoothing {smoothing:g}")
    if outliers := training.get("outliers"):
        given = OutlierSettings.model_validate(outliers)
        words.append(f"outliers {given.kind}")
        words += [
            f"{key.replace('_', ' ')} {getattr(given, key)}"
            for key in ("loss", "per_batch", "weight", "images")
            if getattr(given, key) != OutlierSettings.model_fields[key].default
        ]
        words += [f"worst within {given.worst.size:g}"] if given.worst else []
    if adversarial := training.get("adversarial"):
        words.append(f"adversarial training within {PgdSettings.model_validate(adversarial).size:g}")
    return ", ".join(words) or PLAIN


def with_hardening(built_as: str, training: Mapping[str, Any]) -> str:
    """Return how a network is built, and in what way it was trained against fooling, if it was."""
    way = hardening_of(training)
    return built_as if way == PLAIN else f"{built_as}, {way}"


class TrainingSettings(Settings):
    """The training of a network; the defaults are Caffe's solver for LeNet on MNIST."""

    iterations: Count = 10_000
    """Steps of the optimiser, each on one batch."""
    batch_size: Annotated[int, Field(ge=1, le=100_000)] = 64
    """Images per step."""
    loss: Literal["softmax", "sigmoids"] = "softmax"
    """`softmax`: cross-entropy of one class among all; `sigmoids`: binary cross-entropy of each class by itself, summed
    over the classes. Every step but `probe-far` reads the logits of both as a softmax."""
    label_smoothing: Fraction = Field(default=0.0, exclude_if=lambda smoothing: smoothing == 0)
    """Share of each label that is divided evenly among all classes; 0: none. The cross-entropy is then smallest for a
    confidence below 1. At its default this key is left out of files, as the next two are."""
    outliers: OutlierSettings | None = Field(default=None, exclude_if=lambda outliers: outliers is None)
    """Images of no class beside each batch of real images; null: none."""
    adversarial: PgdSettings | None = Field(default=None, exclude_if=lambda adversarial: adversarial is None)
    """Train on the worst images in boxes around the real ones (adversarial training); null: on the real ones."""
    optimiser: Annotated[SgdSettings | AdamSettings, Field(discriminator="kind")] = SgdSettings()
    """How gradients become steps: `sgd` or `adam`."""
    learning_rate: Positive = 0.01
    """The largest learning rate."""
    policy: Policy = InversePolicy()
    """How the learning rate changes over the iterations: `inv`, `constant`, `cosine` or `step`."""
    pictures: Literal["kept", "all"] = "kept"
    """Pictures to train on: those `kept` in the data set file, or `all` of the training part, decoded from their folder
    as needed; `all` is for data sets of kind `imagenet` and `folder` (docs/training.md).
    """
    part: TrainingPart | None = Field(default=None, exclude_if=lambda part: part is None)
    """The part of the training images on which the network is trained; null: all of them. Without a part the key is
    left out, so that networks that were trained before it existed keep their bytes."""
    precision: Literal["float32", "mixed"] = "float32"
    """`mixed`: in training, but not afterwards, the network computes in bfloat16 where that is safe; for GPUs that
    support it.
    """
    test_every: Count | None = None
    """Iterations between two measurements of the test error within a pass over the images; null: only at its end."""
    threads: Annotated[int, Field(ge=1, le=1024)] = 1
    """Threads on a CPU. They decide the last bits of the weights, so the number never follows the machine."""

    @model_validator(mode="after")
    def _part_is_kept(self) -> Self:
        if self.part is not None and self.pictures == "all":
            raise ValueError("part: only with pictures: kept")
        return self

    @model_validator(mode="after")
    def _hardening_fits(self) -> Self:
        if self.loss == "sigmoids" and (self.label_smoothing or self.outliers):
            raise ValueError("label_smoothing and outliers only with loss: softmax")
        searches = self.adversarial or (self.outliers and self.outliers.worst)
        if searches and self.precision == "mixed":
            raise ValueError("adversarial and outliers.worst only with precision: float32")
        return self

    @model_validator(mode="after")
    def _warm_up_ends(self) -> Self:
        if isinstance(self.policy, CosinePolicy) and self.policy.warm_up >= self.iterations:
            raise ValueError(f"warm_up must be below the {self.iterations} iterations")
        return self


class ClassifierSettings(NetworkSettings):
    """A network that the study trains itself."""

    seed: Seed = 1
    """Seed of the initial weights, the order of the images, their crops and the dropout."""
    training: TrainingSettings = TrainingSettings()
    """How the network is trained."""

    @model_validator(mode="after")
    def _outliers_are_whole(self) -> Self:
        if self.training.outliers is not None and self.input.crop is not None:
            raise ValueError("training.outliers only without input.crop")
        return self


class FittedTraining(Settings):
    """The images to which a model is fitted."""

    part: TrainingPart | None = None
    """The part of the training images to which the model is fitted; null: all of them."""


class FittedSettings(AnyModelSettings):
    """A model that is not a network of layers, fitted by the study. Its input is always level / 256."""

    seed: Seed = 1
    """Seed of all that the fit draws. Several models are deterministic: give their copies different parts instead."""
    training: FittedTraining = FittedTraining()
    """The images to which the model is fitted."""


def training_modules(training: TrainingSettings) -> list[str]:
    """Return the modules that a training with these settings imports by name."""
    in_cppn = training.outliers is not None and training.outliers.kind == "cppn"
    return [encoding_module("cppn")] if in_cppn else []


def passes_of(training: Mapping[str, Any]) -> float:
    """Return how many images pass through the network, forwards and backwards, for each real image in training."""

    def of_search(settings: Mapping[str, Any] | None) -> int:
        return 0 if settings is None else PgdSettings.model_validate(settings).steps

    passes = 1.0 + of_search(training.get("adversarial"))
    if outliers := training.get("outliers"):
        passes += outliers["per_batch"] / training["batch_size"] * (1 + of_search(outliers.get("worst")))
    return passes
