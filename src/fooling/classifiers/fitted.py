"""Fit models that are no neural networks, or generative ones, and use them as networks without gradients.

A fitted model is a :class:`FittedNetwork`: arrays in a classifier file, and a function from images to scores. Models of
scikit-learn are stored as the bytes of skops, which are read without unpickling: types outside a list, which is pinned
for each model, are refused before any object is made. All other models are plain arrays.

Scores are logarithms of probabilities up to a constant, or joint log densities log p(x, y), so that a float32 score is
still exact where the probability is 1. They are computed on the CPU with one thread, each from its image alone.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from fooling.classifiers import array_models, scikit_models
from fooling.classifiers.architectures import Architecture
from fooling.classifiers.assembly import measured_errors, training_mean_of
from fooling.classifiers.classifier import Classifier, Refusal
from fooling.classifiers.devices import reproducible
from fooling.classifiers.model_settings import AnyModelSettings, ModelSettings
from fooling.classifiers.probe import require_usable, sample_of
from fooling.classifiers.scikit_models import REMEDY, Scores, packed, unpacked
from fooling.datasets.dataset import Dataset
from fooling.messages import FoolingError
from fooling.reproducibility import derived_seed, numpy_generator, software_versions
from fooling.settings import checked_settings

CHUNK_SIZE = 100  # images scored at once
DIVISOR = 256.0  # levels divided by a power of 2 are exact, and so are the distances of nearest neighbours in float64
REJECTED = "rejected"  # the class of images below the bound on p(x)
HELD_OUT = 0.1  # share of the training images on which the bound is set

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Model:
    """How a kind of model is fitted and used."""

    fit: Callable[[NDArray[np.float32], NDArray[np.int64], Any, int], Any]
    """From images (N, D), their classes (N,), settings and a seed to a model of scikit-learn, or to arrays."""
    scores: Callable[[Any, Any, int], Scores]
    """From the model or its arrays, the settings and the number of classes to the function that scores images."""
    estimator: str | None = None
    """Type of the model of scikit-learn."""
    types: frozenset[str] = frozenset()
    """Further types of scikit-learn that its bytes may contain."""


MODELS: dict[str, Model] = {
    "logistic-regression": Model(
        scikit_models.fit_logistic,
        scikit_models.logistic_scores,
        estimator="sklearn.linear_model._logistic.LogisticRegression",
    ),
    "svm": Model(
        scikit_models.fit_svm,
        scikit_models.svm_scores,
        estimator="sklearn.calibration.CalibratedClassifierCV",
        types=frozenset(
            {
                "sklearn.calibration._CalibratedClassifier",
                "sklearn.calibration._SigmoidCalibration",
                "sklearn.svm._classes.SVC",
            }
        ),
    ),
    "adaboost": Model(
        scikit_models.fit_adaboost,
        scikit_models.adaboost_scores,
        estimator="sklearn.ensemble._weight_boosting.AdaBoostClassifier",
        types=frozenset({"sklearn.tree._classes.DecisionTreeClassifier", "sklearn.tree._tree.Tree"}),
    ),
    "random-forest": Model(
        scikit_models.fit_forest,
        scikit_models.forest_scores,
        estimator="sklearn.ensemble._forest.RandomForestClassifier",
        types=frozenset({"sklearn.tree._classes.DecisionTreeClassifier", "sklearn.tree._tree.Tree"}),
    ),
    "nearest-neighbours": Model(
        scikit_models.fit_neighbours,
        scikit_models.neighbours_scores,
        estimator="sklearn.neighbors._classification.KNeighborsClassifier",
    ),
    "sparse-representation": Model(array_models.fit_sparse, array_models.sparse_scores),
    "rbf-network": Model(array_models.fit_rbf, array_models.rbf_scores),
    "gaussian": Model(array_models.fit_gaussian, array_models.gaussian_scores),
    "kernel-density": Model(array_models.fit_density, array_models.density_scores),
    "vae": Model(array_models.fit_vae, array_models.vae_scores),
}


class FittedNetwork(nn.Module):
    """A fitted model as a network without gradients: from levels / 256 to scores (B, K).

    Its buffers have the names, types and lengths in ``stored``, because those of a model depend on its fit. It scores
    images once they are loaded; before that, all scores are 0.
    """

    def __init__(self, settings: ModelSettings, *, pixels: int, classes: int, stored: Mapping[str, str]) -> None:
        super().__init__()
        self._settings, self._pixels, self._classes = settings, pixels, classes
        self._scores: Scores | None = None
        for name, form in stored.items():
            dtype, *lengths = form.split()
            self.register_buffer(name, torch.zeros(tuple(map(int, lengths)), dtype=getattr(torch, dtype)))
        self.register_load_state_dict_post_hook(_open)  # type: ignore[no-untyped-call]

    def open(self) -> None:
        """Read the model from the buffers; raise :class:`FoolingError` if they hold another one."""
        model, kind = MODELS[self._settings.kind], self._settings.kind
        arrays = {name: values.detach().cpu().numpy() for name, values in self.named_buffers()}
        fitted: Any = arrays
        if model.estimator is not None:
            fitted = unpacked(arrays[PACKED].tobytes(), kind, estimator=model.estimator, types=model.types)
        _controller.cache_clear()  # the libraries of the model are loaded by now
        try:
            with torch.no_grad(), _one_thread():
                scores = model.scores(fitted, self._settings, self._classes)
                given = tuple(scores(torch.zeros(1, self._pixels)).shape)
        except FoolingError:
            raise
        except Exception as error:  # of scikit-learn and torch
            found = f"{type(error).__name__}: {error}"
            raise FoolingError(f"the {kind} model cannot be read", found=found, remedy=REMEDY) from None
        if given != (1, self._classes):
            found, expected = f"{given[-1]} scores for an image", f"{self._classes}"
            raise FoolingError(f"the {kind} model does not fit its classes", found=found, expected=expected)
        self._scores = scores

    @torch.no_grad()
    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the float32 scores (B, K) of levels / 256 ``(B, C, H, W)``."""
        if self._scores is None:
            return inputs.new_zeros(len(inputs), self._classes)
        with _one_thread():
            return self._scores(inputs.detach().cpu().float().flatten(1)).to(inputs.device, torch.float32)


def _open(network: nn.Module, _: object) -> None:
    assert isinstance(network, FittedNetwork)
    network.open()


@functools.cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController()


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let scikit-learn compute in one thread: their number decides the last bits, and which of equals is nearest."""
    with _controller().limit(limits=1):
        yield


PACKED = "skops"  # name of the array with the bytes of a model of scikit-learn


def build_model(
    kind: str, *, input_shape: tuple[int, int, int], classes: int, stored: Mapping[str, str], **options: Any
) -> nn.Module:
    """Build the network of a model of this ``kind`` without its fitted numbers.

    Args:
        kind: The kind of the model.
        input_shape: Shape (C, H, W) of the images.
        classes: Number of scores.
        stored: Type and lengths of each array.
        options: The settings of the model.

    Raises:
        FoolingError: The settings are invalid.
    """
    settings = model_settings({"kind": kind, **options})
    return FittedNetwork(settings, pixels=math.prod(input_shape), classes=classes, stored=stored)


def architecture_of(name: str) -> Architecture:
    """Return the architecture of a fitted model; ``name`` is its kind."""
    return Architecture(build=functools.partial(build_model, name), chunk_size=CHUNK_SIZE)


def fitted_classifier(dataset: Dataset, model: ModelSettings, *, name: str, seed: int) -> Classifier:
    """Fit a model to the training images of ``dataset`` and return it as a classifier, with its test errors.

    A generative model with ``rejects`` is fitted to nine tenths of the training images. Its bound is the quantile of
    log p(x) on the last tenth, drawn by ``seed``, below which that share of them lies. The bound is the logit of one
    more class, so that an image is rejected with probability b / (b + p(x)), b being the bound: more than one half if
    p(x) is below it.

    Args:
        dataset: The images; levels are divided by 256.
        model: The kind of the model and its settings.
        name: Name of the classifier.
        seed: Seed of whatever the fit draws.

    Raises:
        FoolingError: A class has too few training images.
    """
    dataset.require_training_images(f"a model of kind {model.kind}")
    images, labels = _inputs(dataset.train_images), dataset.train_labels
    kept, held_out = _split(len(images), seed=seed, share=HELD_OUT if model.rejects else 0)
    _require_every_class(labels[kept], dataset)
    with reproducible(torch.device("cpu"), threads=1), _one_thread():
        fitted = MODELS[model.kind].fit(images[kept], labels[kept], model, derived_seed(seed, model.kind))
    arrays = fitted if isinstance(fitted, dict) else {PACKED: packed(fitted)}
    stored = {key: " ".join([str(array.dtype), *map(str, array.shape)]) for key, array in arrays.items()}
    classes = dataset.class_names
    options = {**model.model_dump(mode="json", exclude={"kind"}), "stored": stored}
    network = build_model(model.kind, input_shape=dataset.image_shape, classes=len(classes), **options)
    network.load_state_dict({key: torch.from_numpy(array) for key, array in arrays.items()})
    channels = dataset.image_shape[0]
    classifier = Classifier(
        name=name,
        architecture=model.kind,
        options=options,
        network=network,
        input_shape=dataset.image_shape,
        class_names=classes,
        offset=torch.zeros(channels, 1, 1),
        scale=torch.full((channels, 1, 1), 1 / DIVISOR),
        training_mean=training_mean_of(dataset.train_images),
        chunk_size=CHUNK_SIZE,
        device=torch.device("cpu"),
    )
    require_usable(classifier, sample_of(dataset))
    found: dict[str, Any] = {}
    if model.rejects is not None:
        shown = torch.from_numpy(dataset.train_images[held_out])
        classifier, found = _rejecting(classifier, shown, torch.from_numpy(dataset.test_images), rate=model.rejects)
    errors = measured_errors(classifier, dataset.test_images, dataset.test_labels)
    provenance = {"seed": seed, **errors, "test_images": len(dataset.test_images), **found}
    return dataclasses.replace(classifier, provenance=provenance)


def _inputs(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return levels / 256 (N, D) of images (N, C, H, W)."""
    return (images.reshape(len(images), -1) / DIVISOR).astype(np.float32)


def _split(count: int, *, seed: int, share: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices that a model is fitted to, and the rest: this ``share``, drawn by seed, both ascending."""
    order = numpy_generator(seed, "held out").permutation(count)
    held_out = round(share * count)
    return np.sort(order[held_out:]), np.sort(order[:held_out])


def _require_every_class(labels: NDArray[np.int64], dataset: Dataset) -> None:
    counts = np.bincount(labels, minlength=len(dataset.class_names))
    if (counts < LEAST_PER_CLASS).any():
        name = dataset.class_names[int(counts.argmin())]
        raise FoolingError(
            f"the class {name} of {dataset.name} has too few training images",
            found=f"{counts.min()} images",
            expected=f"at least {LEAST_PER_CLASS} of every class",
            remedy="give more images, or leave out `part`",
        )


LEAST_PER_CLASS = 3


def _rejecting(
    classifier: Classifier, held_out: torch.Tensor, test: torch.Tensor, *, rate: float
) -> tuple[Classifier, dict[str, Any]]:
    """Return ``classifier`` with the class of rejected images, and the shares of real images that it rejects."""
    densities, of_test = (classifier.logits(images).double().logsumexp(dim=1).numpy() for images in (held_out, test))
    bound = float(np.float32(np.quantile(densities, rate)))
    refused = {
        key: float((values < bound).mean()) for key, values in (("refused_fitted", densities), ("refused", of_test))
    }
    rejecting = dataclasses.replace(
        classifier,
        class_names=(*classifier.class_names, REJECTED),
        fooling_class=True,
        refusal=Refusal(shift=bound, appended=True),
    )
    return rejecting, {"refusal": {"rate": rate, **refused}}


def versions_of_fit() -> dict[str, str]:
    """Return the versions of Python and of the packages that fit models, by name."""
    return {**software_versions(), **{name: version(name) for name in ("scikit-learn", "scipy", "skops")}}


def model_settings(values: Mapping[str, Any]) -> ModelSettings:
    """Return the checked settings of a model; raise :class:`FoolingError` if they are invalid."""
    return checked_settings(AnyModelSettings, {"model": values}, source="the model").model
