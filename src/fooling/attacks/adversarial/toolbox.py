"""Methods of the Adversarial Robustness Toolbox: FGSM, PGD, DeepFool and HopSkipJump, each on the 0..1 scale.

The toolbox sees the network through an estimator of its own classes, and draws from numpy's global generator, which is
seeded here and restored afterwards. HopSkipJump also draws its first image from a generator without a seed, so it is
given one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import art  # type: ignore[import-untyped]
import numpy as np
from art.attacks.evasion import (  # type: ignore[import-untyped]
    DeepFool,
    FastGradientMethod,
    HopSkipJump,
    ProjectedGradientDescent,
)
from art.estimators.classification.classifier import (  # type: ignore[import-untyped]
    ClassGradientsMixin,
    ClassifierMixin,
)
from art.estimators.estimator import BaseEstimator, LossGradientsMixin  # type: ignore[import-untyped]
from numpy.typing import NDArray

from fooling.attacks.adversarial.record import AdversarialSettings
from fooling.attacks.record import Norm
from fooling.classifiers.gradients import Array, Network

VERSION = str(art.__version__)
STEP = 2.5  # step of PGD, as a multiple of its size over the number of steps
DEEPFOOL_STEPS, DEEPFOOL_CLASSES = 50, 10
FIRST_IMAGES = 20  # noise images that HopSkipJump tries as its first one
LARGEST_GLOBAL_SEED = 2**32
MOST_QUERIES = 10  # of HopSkipJump, as a multiple of those that its steps need: it may search in vain


class Estimator(ClassGradientsMixin, ClassifierMixin, LossGradientsMixin, BaseEstimator):  # type: ignore[misc]
    """A network as the toolbox sees it: logits, and gradients of the logits and of the loss."""

    def __init__(self, network: Network) -> None:
        super().__init__(model=None, clip_values=(0.0, 1.0))
        self._network = network
        self._nb_classes = network.classes

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape (C, H, W) of an image."""
        return self._network.classifier.input_shape

    def fit(self, x: Array, y: Array, **options: Any) -> None:
        """Raise ``NotImplementedError``: a network is attacked as it is."""
        raise NotImplementedError

    def predict(self, x: Array, **options: Any) -> NDArray[np.float32]:
        """Return the logits (B, K) of images ``x`` (B, C, H, W)."""
        return self._network.logits(x)

    def loss_gradient(self, x: Array, y: Array, **options: Any) -> NDArray[np.float32]:
        """Return the gradients (B, C, H, W) of the negative log-odds of the classes ``y`` (B, K), one-hot.

        They are positive multiples of the gradients of the loss, and do not vanish where the network is sure. The
        methods here use their signs or directions alone.
        """
        _, gradients = self._network.gradients(x, y.argmax(axis=1))
        lengths = np.abs(gradients).max(axis=(1, 2, 3), keepdims=True)
        return (-gradients / np.where(lengths > 0, lengths, 1)).astype(np.float32)

    def class_gradient(self, x: Array, label: int | None = None, **options: Any) -> Array:
        """Return the gradients (B, K, C, H, W) of all logits by ``x``, or those (B, 1, C, H, W) of one class."""
        classes = list(range(self._network.classes)) if label is None else [int(label)]
        return self._network.logit_gradients(x, classes)


class LabelsAlone(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A network of which only the label of an image can be asked; it remembers the nearest misclassified image."""

    def __init__(self, network: Network, image: Array, *, most_queries: int) -> None:
        super().__init__(model=None, clip_values=(0.0, 1.0))
        self._network, self._image, self._left = network, image, most_queries
        self._label = int(network.labels(image[None])[0])
        self._nb_classes = network.classes
        self.nearest: Array | None = None

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape (C, H, W) of an image."""
        return self._network.classifier.input_shape

    def fit(self, x: Array, y: Array, **options: Any) -> None:
        """Raise ``NotImplementedError``: a network is attacked as it is."""
        raise NotImplementedError

    def predict(self, x: Array, **options: Any) -> NDArray[np.float32]:
        """Return 1 for the label of each image of ``x`` (B, C, H, W) and 0 for other classes: (B, K), float32."""
        if self._left < len(x):
            raise _QueriesSpent
        self._left -= len(x)
        asked = np.asarray(x, dtype=np.float32)
        labels = self._network.labels(asked)
        self._note(asked[labels != self._label])
        return np.eye(self._nb_classes, dtype=np.float32)[labels]

    def is_misclassified(self, image: Array) -> bool:
        """Return whether an ``image`` (C, H, W) has another label than the real one."""
        return int(self.predict(image[None]).argmax()) != self._label

    def _note(self, misclassified: NDArray[np.float32]) -> None:
        if len(misclassified):
            distances = np.square(misclassified.astype(np.float64) - self._image).sum(axis=(1, 2, 3))
            first = misclassified[distances.argmin()].astype(np.float64)
            if self.nearest is None or distances.min() < np.square(self.nearest - self._image).sum():
                self.nearest = first


class _QueriesSpent(Exception):  # noqa: N818 - an end, not an error
    """The queries of HopSkipJump are spent."""


def fgsm(network: Network, images: Array, labels: NDArray[np.int64], *, size: float) -> Array:
    """Return ``images`` (B, C, H, W) after one step of ``size`` along the sign of the gradient, clipped to 0..1.

    Goodfellow, Shlens and Szegedy 2014, equation of section 4.
    """
    method = FastGradientMethod(Estimator(network), norm=np.inf, eps=size, eps_step=size, batch_size=len(images))
    return _generated(method, images, labels, network.classes)


def pgd(
    network: Network,
    images: Array,
    labels: NDArray[np.int64],
    *,
    norm: Norm,
    size: float,
    settings: AdversarialSettings,
) -> Array:
    """Return ``images`` (B, C, H, W) after projected gradient steps within a ball around each, clipped to 0..1.

    The steps start at the image itself. ``size`` is the radius of the ball: the root mean square of the change for l2,
    its largest absolute value for linf (Madry et al. 2017).
    """
    radius = size if norm == "linf" else size * float(np.sqrt(images[0].size))
    method = ProjectedGradientDescent(
        Estimator(network),
        norm=np.inf if norm == "linf" else 2,
        eps=radius,
        eps_step=min(STEP * radius / settings.pgd_steps, radius),
        max_iter=settings.pgd_steps,
        num_random_init=0,
        batch_size=len(images),
        verbose=False,
    )
    return _generated(method, images, labels, network.classes)


def deepfool(network: Network, image: Array, *, overshoot: float) -> Array:
    """Return an ``image`` (C, H, W) moved step by step to the nearest boundary of the linearised network.

    Moosavi-Dezfooli, Fawzi and Frossard 2016, algorithm 2; the change is multiplied by 1 + ``overshoot``.
    """
    method = DeepFool(
        Estimator(network),
        max_iter=DEEPFOOL_STEPS,
        epsilon=overshoot,
        nb_grads=min(DEEPFOOL_CLASSES, network.classes),
        batch_size=1,
        verbose=False,
    )
    found: Array = method.generate(image[None].astype(np.float32))[0].astype(np.float64)
    return found


def hop_skip_jump(
    network: Network, image: Array, others: Array, *, settings: AdversarialSettings, generator: np.random.Generator
) -> Array:
    """Return the misclassified image nearest to ``image`` (C, H, W) that HopSkipJump asks about.

    Chen, Jordan and Wainwright 2020, l2. The first image is the first of 20 noise images, or else of ``others``
    (B, C, H, W), with another label than ``image``. Without any, the image is returned as it is. The toolbox itself
    would return its last jump, which may be farther away.
    """
    steps, queries = settings.boundary_steps, settings.boundary_queries
    needed = sum(int(queries * np.sqrt(step + 1)) for step in range(steps)) + len(others) + FIRST_IMAGES
    asked = LabelsAlone(network, image, most_queries=MOST_QUERIES * needed)
    noise = generator.random((FIRST_IMAGES, *image.shape))
    first = next((each for each in (*noise, *others) if asked.is_misclassified(each)), None)
    if first is None:
        return image
    method = HopSkipJump(
        asked,
        norm=2,
        max_iter=steps,
        max_eval=10 * queries,
        init_eval=queries,
        batch_size=network.classifier.chunk_size,
        verbose=False,
    )
    try:
        with _globally_seeded(int(generator.integers(LARGEST_GLOBAL_SEED))):
            method.generate(image[None].astype(np.float32), x_adv_init=first[None].astype(np.float32))
    except _QueriesSpent:
        pass
    assert asked.nearest is not None  # the first image is misclassified
    return asked.nearest


def _generated(method: Any, images: Array, labels: NDArray[np.int64], classes: int) -> Array:
    one_hot = np.eye(classes, dtype=np.float32)[labels]
    found: Array = method.generate(images.astype(np.float32), y=one_hot).astype(np.float64)
    return found


@contextmanager
def _globally_seeded(seed: int) -> Iterator[None]:
    """Seed numpy's global generator, and restore its state afterwards."""
    before = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(before)
