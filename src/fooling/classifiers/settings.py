"""Settings of a classifier: its architecture, its input, and the source of imported weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, JsonValue, model_validator

from fooling.classifiers.architectures import FITTED_MODELS, KNOWN_NAMES, architecture_source
from fooling.classifiers.header import MOST_AT_ONCE
from fooling.messages import FoolingError
from fooling.settings import Seed, Settings, Side


def _known_form(name: str) -> str:
    """Refuse the name of an architecture without a known form."""
    try:
        architecture_source(name)
    except FoolingError:
        raise ValueError(KNOWN_NAMES) from None
    if name in FITTED_MODELS:
        raise ValueError(f"{KNOWN_NAMES}; a model such as {name} is an entry of `kind: fitted`, with `model`")
    return name


ArchitectureName = Annotated[str, AfterValidator(_known_form)]
Views = Literal["centre", "ten"]
ChunkSize = Annotated[int, Field(ge=1, le=MOST_AT_ONCE)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Percent = Annotated[float, Field(ge=0, le=100)]


class InputSettings(Settings):
    """How grey or colour levels 0 to 255 become the network's input: ``(level / divisor - mean) / std``."""

    divisor: Positive = 256.0
    """Levels are divided by this: 256 as in Caffe's MNIST example, 255 for torchvision's networks."""
    subtract_mean: bool = False
    """Subtract the mean training image, pixel by pixel, before the division."""
    mean: list[float] = Field(default=[], examples=[[0.485, 0.456, 0.406]])
    """One number per channel, subtracted after the division; empty: none."""
    std: list[Positive] = Field(default=[], examples=[[0.229, 0.224, 0.225]])
    """One number per channel, by which the result is divided last; empty: none."""
    crop: Side | None = Field(default=None, examples=[227])
    """Side in pixels of the square that the network sees; null: the whole image."""
    views: Views = "centre"
    """What the network sees: the `centre`, or `ten` crops (centre and corners, each also mirrored), averaged."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.subtract_mean and self.mean:
            raise ValueError("either subtract_mean or mean, not both")
        if self.views == "ten" and self.crop is None:
            raise ValueError("views: ten needs a crop")
        return self


class NetworkSettings(Settings):
    """The architecture of a network, and its input."""

    architecture: ArchitectureName = Field(
        default="lenet", examples=["lenet", "alexnet", "torchvision:resnet18", "mine.py:build"]
    )
    """`lenet`, `alexnet`, `squeezenet`, `softmax-regression`, `mlp`, `maxout`, `rbf`, `torchvision:<name>` or
    `path/to/file.py:function`.
    """
    options: dict[str, JsonValue] = Field(default={}, examples=[{}])
    """Further arguments of the architecture's function."""
    input: InputSettings = InputSettings()
    """How levels become the network's input."""
    chunk_size: ChunkSize | None = None
    """Images scored at once, which decides the last bits of confidences; null: the architecture's own."""


class ImportedInputSettings(Settings):
    """How levels become the input of an imported network; null: as torchvision's own weights require."""

    divisor: Positive | None = None
    """Levels are divided by this; null: 255 for torchvision's own weights, else 256."""
    subtract_mean: bool = False
    """Subtract the mean training image, pixel by pixel, before the division."""
    mean: list[float] | None = Field(default=None, examples=[[0.485, 0.456, 0.406]])
    """One number per channel, subtracted after the division; null: as torchvision's own weights require, else none."""
    std: list[Positive] | None = Field(default=None, examples=[[0.229, 0.224, 0.225]])
    """One number per channel, by which the result is divided last; null: as torchvision's own weights require, else
    none.
    """
    crop: Side | None = Field(default=None, examples=[227])
    """Side in pixels of the square that the network sees; null: as for torchvision's own weights, else the whole
    image.
    """
    views: Views = "centre"
    """What the network sees: the `centre`, or `ten` crops (centre and corners, each also mirrored), averaged."""

    @model_validator(mode="after")
    def _one_mean(self) -> Self:
        if self.subtract_mean and self.mean:
            raise ValueError("either subtract_mean or mean, not both")
        return self

    def resolved(self, wanted: Mapping[str, Any]) -> InputSettings:
        """Return these settings with null values replaced by those ``wanted`` by the weights, else by defaults."""
        left_out = {"mean"} if self.subtract_mean else set()
        taken = {key: value for key, value in wanted.items() if key not in left_out}
        return InputSettings.model_validate({**taken, **self.model_dump(exclude_none=True)})


class PublishedSettings(Settings):
    """Published accuracy of the same weights, usually on ImageNet's validation images."""

    top1: Percent = Field(examples=[57.5])
    """Percentage of images whose class is the most probable one."""
    top5: Percent | None = Field(default=None, examples=[80.3])
    """Percentage of images whose class is among the five most probable ones."""
    source: str = Field(examples=["the authors' page"])
    """Where it is published."""


class ImportSettings(Settings):
    """A network trained by others."""

    architecture: ArchitectureName = Field(examples=["torchvision:googlenet", "squeezenet", "mine.py:build"])
    """`lenet`, `alexnet`, `squeezenet`, `softmax-regression`, `mlp`, `maxout`, `rbf`, `torchvision:<name>` or
    `path/to/file.py:function`.
    """
    options: dict[str, JsonValue] = Field(default={}, examples=[{}])
    """Further arguments of the architecture's function."""
    weights: Path = Field(examples=["mine.safetensors"])
    """A safetensors file of its state dict, here or below the mirror folder; or `torchvision`, `torchvision:<set>`."""
    input: ImportedInputSettings = ImportedInputSettings()
    """How levels become the network's input."""
    outputs: Literal["logits", "probabilities"] = "logits"
    """The output of the network for each class: `logits`, or `probabilities` if it ends in a softmax or sigmoid; their
    logarithms then serve as logits, so that confidences are the probabilities divided by their sum.
    """
    chunk_size: ChunkSize | None = None
    """Images scored at once, which decides the last bits of confidences; null: the architecture's own."""
    published: PublishedSettings | None = None
    """Published accuracy, shown beside the measured errors; null: as torchvision states for its own weights."""

    @property
    def published_set(self) -> str | None:
        """The requested set of torchvision's own weights, `DEFAULT` if it is not named; None for a file."""
        place, _, name = str(self.weights).partition(":")
        return (name or "DEFAULT") if place == "torchvision" else None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.published_set is None and self.input.views == "ten" and self.input.crop is None:
            raise ValueError("views: ten needs a crop")
        if self.published_set is not None and not self.architecture.startswith("torchvision:"):
            raise ValueError("weights: torchvision need architecture: torchvision:<name>")
        return self

    def network(self, *, options: Mapping[str, Any], wanted: Mapping[str, Any]) -> NetworkSettings:
        """Return the settings of the network; ``options`` and the input ``wanted`` by the weights are defaults."""
        return NetworkSettings(
            architecture=self.architecture,
            options={**options, **self.options},
            input=self.input.resolved(wanted),
            chunk_size=self.chunk_size,
        )


class MaximumSoftmaxSettings(Settings):
    """The largest softmax probability (Hendrycks and Gimpel 2017)."""

    kind: Literal["maximum-softmax"] = "maximum-softmax"
    """The detector: an image is rejected if the network's largest probability is low."""


class TemperatureSettings(Settings):
    """The largest softmax probability after temperature scaling (Guo et al. 2017)."""

    kind: Literal["temperature"] = Field(examples=["temperature"])
    """The detector: as `maximum-softmax`, after logits are divided by a temperature that calibrates the network."""


class EnergySettings(Settings):
    """The energy of the logits (Liu et al. 2020)."""

    kind: Literal["energy"] = Field(examples=["energy"])
    """The detector: an image is rejected if the log-sum-exp of its logits is low."""
    temperature: Positive = 1.0
    """Logits are divided by it."""


class MahalanobisSettings(Settings):
    """The Mahalanobis distance of features to the class means (Lee et al. 2018)."""

    kind: Literal["mahalanobis"] = Field(examples=["mahalanobis"])
    """The detector: an image is rejected if its features are far from the mean features of every class."""


class NeighboursSettings(Settings):
    """The distance of features to the nearest real images (Sun et al. 2022)."""

    kind: Literal["neighbours"] = Field(examples=["neighbours"])
    """The detector: an image is rejected if the features of its k-th nearest real image are far."""
    neighbours: Annotated[int, Field(ge=1, le=100_000)] = 50
    """Which neighbour counts: k."""


class OpenMaxSettings(Settings):
    """OpenMax: extreme values of the distances of logits to the class means (Bendale and Boult 2016)."""

    kind: Literal["openmax"] = Field(examples=["openmax"])
    """The detector: an image is rejected if OpenMax gives the unknown class a high probability."""
    tail: Annotated[int, Field(ge=3, le=100_000)] = 25
    """Number of the largest distances of each class that the Weibull distribution is fitted to."""
    revised: Annotated[int, Field(ge=1, le=100_000)] = 10
    """Number of the largest logits that are revised."""


class DisagreementSettings(Settings):
    """The disagreement of several networks."""

    kind: Literal["disagreement"] = Field(examples=["disagreement"])
    """The detector: an image is rejected if the network and other ones disagree about its class."""


DetectorSettings = Annotated[
    MaximumSoftmaxSettings
    | TemperatureSettings
    | EnergySettings
    | MahalanobisSettings
    | NeighboursSettings
    | OpenMaxSettings
    | DisagreementSettings,
    Field(discriminator="kind"),
]


class RealImagesSettings(Settings):
    """Which real images a detector is fitted on, and how many of them it may reject."""

    rejects: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """Share of the real images for the threshold that the detector rejects."""
    fitted_images: Annotated[int, Field(ge=10, le=1_000_000)] = 2000
    """Number of training images to fit the detector on, at most; of a data set without them, a quarter of the test
    images."""
    split_seed: Seed = 1
    """Seed that chooses these images, and divides the test images: for the threshold, and for the measurements."""


class GuardSettings(RealImagesSettings):
    """A detector in front of a classifier."""

    detector: DetectorSettings = MaximumSoftmaxSettings()
    """What rejects images."""
