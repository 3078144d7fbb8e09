"""Settings of a classifier: its architecture, its input, and where the weights of an imported one come from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, JsonValue, model_validator

from fooling.classifiers.architectures import KNOWN_NAMES, architecture_source
from fooling.classifiers.header import MOST_AT_ONCE
from fooling.errors import FoolingError
from fooling.settings import Settings, Side


def _known_form(name: str) -> str:
    """Refuse the name of an architecture that has no known form."""
    try:
        architecture_source(name)
    except FoolingError:
        raise ValueError(KNOWN_NAMES) from None
    return name


ArchitectureName = Annotated[str, AfterValidator(_known_form)]
Views = Literal["centre", "ten"]
ChunkSize = Annotated[int, Field(ge=1, le=MOST_AT_ONCE)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Percent = Annotated[float, Field(ge=0, le=100)]


class InputSettings(Settings):
    """How grey or colour levels 0..255 become the network's input: ``(level / divisor - mean) / std``."""

    divisor: Positive = 256.0
    """Levels are divided by this: 256 as Caffe's MNIST example does, 255 for torchvision's networks."""
    subtract_mean: bool = False
    """Subtract the mean training image, pixel by pixel, before the division."""
    mean: list[float] = Field(default=[], examples=[[0.485, 0.456, 0.406]])
    """One number per channel, subtracted after the division; none: nothing is subtracted."""
    std: list[Positive] = Field(default=[], examples=[[0.229, 0.224, 0.225]])
    """One number per channel to divide by at last; none: no such division."""
    crop: Side | None = Field(default=None, examples=[227])
    """Side of the square that the network is fed, in pixels; null: the whole image."""
    views: Views = "centre"
    """What the network sees: the `centre`, or `ten` crops (centre and corners, each also mirrored), then averaged."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.subtract_mean and self.mean:
            raise ValueError("either subtract_mean or mean, not both")
        if self.views == "ten" and self.crop is None:
            raise ValueError("views: ten needs a crop")
        return self


class NetworkSettings(Settings):
    """What a network is, and what it is fed."""

    architecture: ArchitectureName = Field(
        default="lenet", examples=["lenet", "alexnet", "torchvision:resnet18", "mine.py:build"]
    )
    """`lenet`, `alexnet`, `squeezenet`, `torchvision:<name>` or `path/to/file.py:function`."""
    options: dict[str, JsonValue] = Field(default={}, examples=[{}])
    """Further arguments of the architecture's function."""
    input: InputSettings = InputSettings()
    """How levels become the network's input."""
    chunk_size: ChunkSize | None = None
    """Images scored at once; the last bits of confidences depend on it. null: the architecture's own."""


class ImportedInputSettings(Settings):
    """How levels become the input of a network that others have trained; null: as torchvision's own weights want it."""

    divisor: Positive | None = None
    """Levels are divided by this; null: 255 for torchvision's own weights, else 256."""
    subtract_mean: bool = False
    """Subtract the mean training image, pixel by pixel, before the division."""
    mean: list[float] | None = Field(default=None, examples=[[0.485, 0.456, 0.406]])
    """One number per channel, subtracted after the division; null: as torchvision's own weights want it, else none."""
    std: list[Positive] | None = Field(default=None, examples=[[0.229, 0.224, 0.225]])
    """One number per channel to divide by at last; null: as torchvision's own weights want it, else none."""
    crop: Side | None = Field(default=None, examples=[227])
    """Side of the square that the network is fed; null: as for torchvision's own weights, else the whole image."""
    views: Views = "centre"
    """What the network sees: the `centre`, or `ten` crops (centre and corners, each also mirrored), then averaged."""

    @model_validator(mode="after")
    def _one_mean(self) -> Self:
        if self.subtract_mean and self.mean:
            raise ValueError("either subtract_mean or mean, not both")
        return self

    def resolved(self, wanted: Mapping[str, Any]) -> InputSettings:
        """These settings, with what is null as the weights have ``wanted`` it, else at its default."""
        left_out = {"mean"} if self.subtract_mean else set()
        taken = {key: value for key, value in wanted.items() if key not in left_out}
        return InputSettings.model_validate({**taken, **self.model_dump(exclude_none=True)})


class PublishedSettings(Settings):
    """How good others have found the same weights to be, on ImageNet's validation images most likely."""

    top1: Percent = Field(examples=[57.5])
    """Percent of images whose class is the most probable one."""
    top5: Percent | None = Field(default=None, examples=[80.3])
    """Percent of images whose class is among the five most probable ones."""
    source: str = Field(examples=["the authors' page"])
    """Where it is published."""


class ImportSettings(Settings):
    """A network that someone else has trained."""

    architecture: ArchitectureName = Field(examples=["torchvision:googlenet", "squeezenet", "mine.py:build"])
    """`lenet`, `alexnet`, `squeezenet`, `torchvision:<name>` or `path/to/file.py:function`."""
    options: dict[str, JsonValue] = Field(default={}, examples=[{}])
    """Further arguments of the architecture's function."""
    weights: Path = Field(examples=["mine.safetensors"])
    """A safetensors file of its state dict, here or below the mirror folder; or `torchvision`, `torchvision:<set>`."""
    input: ImportedInputSettings = ImportedInputSettings()
    """How levels become the network's input."""
    outputs: Literal["logits", "probabilities"] = "logits"
    """What the network gives for each class: `logits`, or `probabilities` if it ends in a softmax or sigmoid; their
    logarithms then stand for logits, so that confidences are the probabilities divided by their sum."""
    chunk_size: ChunkSize | None = None
    """Images scored at once; the last bits of confidences depend on it. null: the architecture's own."""
    published: PublishedSettings | None = None
    """What others have measured, shown beside our errors; null: what torchvision says of its own weights."""

    @property
    def published_set(self) -> str | None:
        """The set of torchvision's own weights that is asked for, `DEFAULT` where it is not named; None for a file."""
        place, _, name = str(self.weights).partition(":")
        return (name or "DEFAULT") if place == "torchvision" else None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.published_set is None and self.input.views == "ten" and self.input.crop is None:
            raise ValueError("views: ten needs a crop")
        if self.published_set is not None and not self.architecture.startswith("torchvision:"):
            raise ValueError("weights: torchvision are those of architecture: torchvision:<name>, and of no other")
        return self

    def network(self, *, options: Mapping[str, Any], wanted: Mapping[str, Any]) -> NetworkSettings:
        """The network of weights that need these ``options`` and have ``wanted`` such an input, if nothing is said."""
        return NetworkSettings(
            architecture=self.architecture,
            options={**options, **self.options},
            input=self.input.resolved(wanted),
            chunk_size=self.chunk_size,
        )
