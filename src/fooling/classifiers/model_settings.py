"""Settings of fitted models, and the words that describe a classifier by its architecture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from fooling.classifiers.architectures import FITTED_MODELS
from fooling.classifiers.header import training_of
from fooling.classifiers.settings import Positive
from fooling.settings import Settings


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


class NearestNeighboursSettings(_Model):
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
    | NearestNeighboursSettings
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
    words = [kind, *(f"{name.replace('_', ' ')} {_in_words(value)}" for name, value in sorted(options.items()))]
    return ", ".join([*words, *([loss] if loss != "softmax" else [])])


def _in_words(value: object) -> str:
    return "-".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
