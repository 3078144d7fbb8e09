"""Settings of a classifier: its architecture, its input, and the source of imported weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, JsonValue, model_validator

from fooling.classifiers.architectures import FITTED_MODELS, KNOWN_NAMES, architecture_source
from fooling.classifiers.header import MOST_AT_ONCE, training_of
from fooling.errors import FoolingError
from fooling.settings import Settings, Side


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


class _Model(Settings):
    """What all fitted models have."""

    @property
    def rejects(self) -> float | None:
        """Share of real images that the model rejects; None: it cannot reject any."""
        return None


class _Generative(Settings):
    """A model of the images of each class, which gives log p(x, y)."""

    rejects: Annotated[float, Field(gt=0, lt=0.5)] | None = Field(default=None, examples=[0.05])
    """Share of real images that the model rejects, because p(x) is below a bound. The bound is set on a tenth of the
    training images, to which the model is not fitted; null: no image is rejected."""


class LogisticSettings(_Model):
    """Softmax regression with a squared penalty, fitted to its optimum."""

    kind: Literal["logistic-regression"] = "logistic-regression"
    """Softmax regression."""
    inverse_penalty: Positive = 0.1
    """Inverse of the factor on the squared weights (`C` of scikit-learn)."""


class SvmSettings(_Model):
    """A support vector machine with Gaussian kernels, and Platt's sigmoids for its probabilities."""

    kind: Literal["svm"] = "svm"
    """Support vector machine with Gaussian kernels."""
    inverse_penalty: Positive = 10.0
    """Inverse of the factor on the squared weights (`C` of scikit-learn)."""
    folds: Annotated[int, Field(ge=2, le=20)] = 3
    """Folds of the cross-validation on which the sigmoids are fitted."""


class AdaboostSettings(_Model):
    """AdaBoost with small decision trees."""

    kind: Literal["adaboost"] = "adaboost"
    """AdaBoost."""
    trees: Annotated[int, Field(ge=1, le=10_000)] = 50
    """Number of decision trees."""
    depth: Annotated[int, Field(ge=1, le=20)] = 4
    """Depth of each tree."""


class ForestSettings(_Model):
    """A random forest, whose probabilities are Laplace's of the images in a leaf, averaged over trees."""

    kind: Literal["random-forest"] = "random-forest"
    """Random forest."""
    trees: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Number of decision trees, of full depth."""


class NeighboursSettings(_Model):
    """The nearest training images, each with one vote: with n of k votes, a class of K has (n + 1) / (k + K)."""

    kind: Literal["nearest-neighbours"] = "nearest-neighbours"
    """Nearest neighbours."""
    neighbours: Annotated[int, Field(ge=1, le=1000)] = 5
    """Number of neighbours (k)."""


class SparseSettings(_Model):
    """Classification by sparse representation: which class leaves the smallest residual."""

    kind: Literal["sparse-representation"] = "sparse-representation"
    """Sparse representation by training images."""
    atoms: Annotated[int, Field(ge=1, le=5000)] = 100
    """Training images of each class by which images are represented."""
    nonzeros: Annotated[int, Field(ge=1, le=200)] = 20
    """Training images that represent an image."""


class RbfNetworkSettings(_Model):
    """Gaussian units around cluster centres, and softmax regression on them."""

    kind: Literal["rbf-network"] = "rbf-network"
    """Network of radial basis functions."""
    units: Annotated[int, Field(ge=2, le=10_000)] = 500
    """Number of units, each around the centre of a cluster of training images; at most a fifth of these."""
    width: Positive = 1.0
    """Standard deviation of the units, relative to the root mean square distance of images to their centres."""
    inverse_penalty: Positive = 100.0
    """Inverse of the factor on the squared weights of the softmax regression."""


class GaussianSettings(_Generative):
    """A Gaussian for each class: a subspace of few directions, and equal noise in all others."""

    kind: Literal["gaussian"] = "gaussian"
    """A Gaussian for each class."""
    directions: Annotated[int, Field(ge=1, le=1000)] = 30
    """Directions with a variance of their own (probabilistic principal components)."""
    least_noise: Positive = 0.05
    """Smallest standard deviation of a pixel in the other directions, on the 0..1 scale of levels."""


class DensitySettings(_Generative):
    """A Gaussian kernel around each training image."""

    kind: Literal["kernel-density"] = "kernel-density"
    """Kernel density of each class."""
    bandwidth: Positive | None = None
    """Standard deviation of the kernels in each pixel, on the 0..1 scale of levels; null: the most likely one when
    each training image is left out in turn."""


class VaeSettings(_Generative):
    """A variational autoencoder for each class; its score is an importance-weighted bound on log p(x, y)."""

    kind: Literal["vae"] = "vae"
    """A variational autoencoder for each class."""
    latent: Annotated[int, Field(ge=1, le=1000)] = 8
    """Number of latent variables of each class."""
    hidden: Annotated[int, Field(ge=1, le=10_000)] = 64
    """Units of the hidden layer of each encoder and decoder."""
    iterations: Annotated[int, Field(ge=1, le=10**7)] = 1000
    """Steps of Adam."""
    batch_size: Annotated[int, Field(ge=1, le=100_000)] = 50
    """Images of each class per step."""
    learning_rate: Positive = 1.0e-3
    """Learning rate."""
    samples: Annotated[int, Field(ge=1, le=10_000)] = 10
    """Samples of the importance-weighted bound for each class. Their noise is drawn once and stored."""


ModelSettings = (
    LogisticSettings
    | SvmSettings
    | AdaboostSettings
    | ForestSettings
    | NeighboursSettings
    | SparseSettings
    | RbfNetworkSettings
    | GaussianSettings
    | DensitySettings
    | VaeSettings
)


class AnyModelSettings(Settings):
    """The model of a fitted classifier."""

    model: ModelSettings = Field(discriminator="kind", examples=[{"kind": "nearest-neighbours"}])
    """The kind of the model, and its settings."""


def built_as(header: Mapping[str, Any]) -> str:
    """Return the architecture of a header with its options, and its loss unless that is the usual one.

    For example ``mlp, activation tanh, hidden 200-200`` or ``softmax-regression, sigmoids``. Of a fitted model, the
    options are those that differ from the defaults.
    """
    kind, options = str(header["architecture"]), header["options"]
    if members := options.get("members"):
        return f"{kind} of {len(members)}"
    loss = str(training_of(header["provenance"]).get("loss", "softmax"))
    if kind in FITTED_MODELS:
        usual = AnyModelSettings.model_validate({"model": {"kind": kind}}).model.model_dump(mode="json")
        options = {key: value for key, value in options.items() if key in usual and value != usual[key]}
    words = [kind, *(f"{name} {_in_words(value)}" for name, value in sorted(options.items()))]
    return ", ".join([*words, *([loss] if loss != "softmax" else [])])


def _in_words(value: object) -> str:
    return "-".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
