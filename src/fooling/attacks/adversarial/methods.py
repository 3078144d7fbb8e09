"""The methods by name, and noise of the same norm as a method's change.

L-BFGS is computed here, the other methods by the Adversarial Robustness Toolbox.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from fooling.attacks.adversarial.record import AdversarialSettings, Change
from fooling.attacks.record import Norm
from fooling.classifiers.gradients import Array, Network
from fooling.reproducibility import numpy_generator

WIDENING = 4.0  # factor between two weights of the norm, until one is found that changes the label
MOST_WIDENINGS = 8
BOUNDARY_STEPS, BOUNDARY_CLASSES = 50, 10
PRECISION = {"ftol": 1e-6, "gtol": 1e-7}  # of scipy's L-BFGS-B; the loss is computed in float32


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Real images that are changed together."""

    images: Array  # (B, C, H, W), 0 to 1
    labels: NDArray[np.int64]  # (B,) true classes, which are also those that the classifier gives
    indices: NDArray[np.int64]  # (B,) among the test images
    others: Array  # (M, C, H, W) real images of all classes, from which HopSkipJump may start


@dataclass(frozen=True)
class Changed:
    """What a method returns."""

    images: Array  # (B, C, H, W), 0 to 1, unrounded
    evaluations: NDArray[np.int64]  # (B,) of the network, for each image


def changed(network: Network, batch: Batch, column: Change, settings: AdversarialSettings) -> Changed:
    """Return the images of a ``batch`` changed by the method of a ``column``, with the evaluations of each image.

    Methods with sizes change all images at once, with equally many evaluations. Methods that look for the smallest
    change take one image after the other, so that its result does not depend on the others.
    """
    if column.size is not None:
        from fooling.attacks.adversarial import toolbox

        before = network.evaluations
        if column.method == "fgsm":
            found = toolbox.fgsm(network, batch.images, batch.labels, size=column.size)
        else:
            found = toolbox.pgd(
                network, batch.images, batch.labels, norm=column.norm, size=column.size, settings=settings
            )
        spent = (network.evaluations - before) // len(batch.images)
        return Changed(np.clip(found, 0, 1), np.full(len(found), spent, dtype=np.int64))
    images, evaluations = [], []
    for row in range(len(batch.images)):
        before = network.evaluations
        images.append(_smallest_change(network, batch, row, column, settings))
        evaluations.append(network.evaluations - before)
    return Changed(np.clip(np.stack(images), 0, 1), np.array(evaluations, dtype=np.int64))


def _smallest_change(network: Network, batch: Batch, row: int, column: Change, settings: AdversarialSettings) -> Array:
    image, index = batch.images[row], int(batch.indices[row])
    if column.method == "l-bfgs":
        generator = numpy_generator(settings.seed, "adversarial target", index)
        target = _target(network, image, int(batch.labels[row]), settings, generator)
        return l_bfgs(network, image, target, settings)
    from fooling.attacks.adversarial import toolbox

    if column.method == "deepfool":
        return toolbox.deepfool(network, image, overshoot=settings.overshoot)
    generator = numpy_generator(settings.seed, "adversarial", column.method, index)
    return toolbox.hop_skip_jump(network, image, batch.others, settings=settings, generator=generator)


def beyond_boundary(network: Network, images: Array, *, overshoot: float) -> Changed:
    """Return ``images`` (B, C, H, W) moved just beyond the nearest boundary that DeepFool finds, clipped to 0..1.

    Moosavi-Dezfooli, Fawzi and Frossard 2016, algorithm 2. The network is linearised at the image as moved so far; the
    change times 1 + ``overshoot`` is tried in each step, and the first one that changes the label is returned. The
    toolbox tries it after its last step alone, and takes ten times as many steps. An image whose label no step changes
    is returned as it was tried last. Of many classes, the ten most probable ones are considered.
    """
    found, evaluations = images.astype(np.float64), np.zeros(len(images), dtype=np.int64)
    # The gradients of a batch are of the same classes for all its images.
    size = network.classifier.chunk_size if network.classes <= BOUNDARY_CLASSES else 1
    for start in range(0, len(images), size):
        part = slice(start, start + size)
        found[part], evaluations[part] = _beyond_boundary(network, found[part], overshoot)
    return Changed(found, evaluations)


def _beyond_boundary(network: Network, images: Array, overshoot: float) -> tuple[Array, NDArray[np.int64]]:
    """Return the moved images (B, C, H, W) and the evaluations (B,) of each."""
    logits = network.logits(images)
    labels, classes = logits.argmax(axis=1), np.sort(np.argsort(-logits[0], kind="stable")[:BOUNDARY_CLASSES])
    of_step = 2 + network.evaluations_of_gradients(len(classes))
    places = np.searchsorted(classes, labels)
    moved, tried, evaluations = images.copy(), images.copy(), np.ones(len(images), dtype=np.int64)
    active = np.arange(len(images))
    for _ in range(BOUNDARY_STEPS):
        step = _step_to_boundary(network, moved[active], classes, places[active])
        moved[active] = np.clip(moved[active] + step, 0, 1)
        tried[active] = np.clip(images[active] + (1 + overshoot) * (moved[active] - images[active]), 0, 1)
        evaluations[active] += of_step
        active = active[network.labels(tried[active]) == labels[active]]
        if not len(active):
            break
    return tried, evaluations


def _step_to_boundary(network: Network, images: Array, classes: NDArray[np.int64], places: NDArray[np.int64]) -> Array:
    """Return the step (B, C, H, W) to the nearest boundary of the linearised network; 0 where there is no gradient.

    ``places`` (B,) are the places of the labels among the ``classes``.
    """
    logits = network.logits(images)[:, classes].astype(np.float64)
    gradients = network.logit_gradients(images, classes.tolist()).astype(np.float64)
    rows = np.arange(len(images))
    gaps = logits - logits[rows, places][:, None]
    normals = gradients - gradients[rows, places][:, None]
    lengths = np.sqrt(np.square(normals).sum(axis=(2, 3, 4)))
    distances = np.divide(np.abs(gaps), lengths, out=np.full_like(gaps, np.inf), where=lengths > 0)
    distances[rows, places] = np.inf
    nearest = distances.argmin(axis=1)
    shortest = distances[rows, nearest]
    known = np.isfinite(shortest)
    factors = np.divide(shortest, lengths[rows, nearest], out=np.zeros(len(rows)), where=known)
    step: Array = factors[:, None, None, None] * normals[rows, nearest]
    return step


def l_bfgs(network: Network, image: Array, target: int, settings: AdversarialSettings) -> Array:
    """Return the ``image`` (C, H, W) with the smallest change r found for which the network gives the ``target``.

    Minimise c |r| + loss(x + r, target) over x + r in 0..1 by L-BFGS-B, with |r| the Euclidean norm and the loss
    -log p of the target (Szegedy et al. 2013, section 4.1), and search the largest c whose minimiser gets the target:
    from the length of the gradient of the loss at x, for which r = 0 is a minimum, down by factors of four, and then by
    bisection of its logarithm. Every minimisation starts at the best image so far. Without a minimiser that gets the
    target, the image is returned as it is.
    """
    objective = _Objective(network, image, target)
    too_large = float(np.linalg.norm(objective.loss_gradient(image)))
    small, best = too_large, None
    for _ in range(MOST_WIDENINGS):
        small /= WIDENING
        if (best := objective.minimiser(small, start=image, iterations=settings.iterations)) is not None:
            break
    if best is None:
        small, best = 0.0, objective.minimiser(0.0, start=image, iterations=settings.iterations)
    if best is None:
        return image
    for _ in range(settings.penalty_searches if small > 0 else 0):
        middle = float(np.sqrt(small * too_large))
        found = objective.minimiser(middle, start=best, iterations=settings.iterations)
        if found is None:
            too_large = middle
            continue
        small = middle
        if np.linalg.norm(found - image) < np.linalg.norm(best - image):
            best = found
    return best


class _Objective:
    """c |r| + loss(x + r, target) of one image x (C, H, W)."""

    def __init__(self, network: Network, image: Array, target: int) -> None:
        self._network, self._image, self._target = network, image, target

    def loss_gradient(self, image: Array) -> Array:
        """Return the gradient (C, H, W) of the loss."""
        return self._loss(image)[1]

    def minimiser(self, weight: float, *, start: Array, iterations: int) -> Array | None:
        """Return the minimiser for a ``weight`` c, from a ``start`` (C, H, W); None if it does not get the target."""
        real = self._image.ravel()

        def objective(flat: Array) -> tuple[float, Array]:
            loss, gradient = self._loss(flat.reshape(self._image.shape))
            change = flat - real
            norm = float(np.linalg.norm(change))
            direction = change / norm if norm > 0 else np.zeros_like(change)
            return weight * norm + loss, weight * direction + gradient.ravel()

        minimize: Any = scipy.optimize.minimize  # its stubs do not know arrays of unknown shape
        found = minimize(
            objective,
            start.ravel(),
            jac=True,
            method="L-BFGS-B",
            bounds=[(0.0, 1.0)] * real.size,
            options={"maxiter": iterations, **PRECISION},
        )
        image: Array = np.clip(found.x, 0, 1).reshape(self._image.shape)
        return image if self._network.labels(image[None])[0] == self._target else None

    def _loss(self, image: Array) -> tuple[float, Array]:
        """Return -log p of the target, and its gradient."""
        (log_odds,), (gradient,) = self._network.gradients(image[None], np.array([self._target]))
        return float(np.logaddexp(0, -log_odds)), -scipy.special.expit(-log_odds) * gradient


def _target(
    network: Network, image: Array, label: int, settings: AdversarialSettings, generator: np.random.Generator
) -> int:
    """Return the class that L-BFGS aims at."""
    if settings.target == "random":
        return (label + 1 + int(generator.integers(network.classes - 1))) % network.classes
    logits = network.logits(image[None])[0].astype(np.float64)
    logits[label] = -np.inf
    return int(logits.argmax())


def norms_of(changes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the norms (B, 3) of ``changes`` (B, ...): l2, largest absolute value, and root mean square."""
    flat = changes.reshape(len(changes), -1)
    l2 = np.sqrt(np.square(flat).sum(axis=1))
    return np.stack([l2, np.abs(flat).max(axis=1), l2 / np.sqrt(flat.shape[1])], axis=1)


def noisy(
    image: NDArray[np.float64], *, norm: Norm, size: float, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Return an ``image`` (C, H, W), 0 to 1, with a random change of exactly this ``norm`` and ``size``.

    For l2 the change is Gaussian noise, for linf a random sign of every pixel; both are clipped to 0..1. What clipping
    takes from the norm, the other pixels make up for. A size that no change of these signs can have turns the signs
    towards the farther end of the range.
    """
    change = _signs(image, size, generator) if norm == "linf" else _gaussian(image, size, generator)
    return np.clip(image + change, 0, 1)


def _room(image: NDArray[np.float64], signs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far each pixel can be changed in the direction of its sign."""
    return np.where(signs > 0, 1 - image, image)


def _signs(image: NDArray[np.float64], size: float, generator: np.random.Generator) -> NDArray[np.float64]:
    signs = np.where(generator.random(image.shape) < 0.5, -1.0, 1.0)
    if _room(image, signs).max() < size:
        farthest = np.unravel_index(_room(image, -signs).argmax(), image.shape)
        signs[farthest] *= -1
    return signs * np.minimum(_room(image, signs), size)


def _gaussian(image: NDArray[np.float64], size: float, generator: np.random.Generator) -> NDArray[np.float64]:
    """Return s * z clipped, with the factor s for which its norm is ``size``.

    The norm grows with s, and its square is quadratic between the values at which a pixel is clipped: solve it for the
    pixels that are not clipped, until no further pixel is.
    """
    z = generator.standard_normal(image.shape)
    if np.sqrt(np.square(_room(image, z)).sum()) <= size:
        z = np.abs(z) * np.where(image < 0.5, 1, -1)
    lengths, room = np.abs(z), _room(image, z)
    clipped = np.zeros(image.shape, dtype=bool)
    while not clipped.all():
        rest = max(size**2 - np.square(room[clipped]).sum(), 0.0)
        factor = np.sqrt(rest / np.square(lengths[~clipped]).sum())
        beyond = ~clipped & (factor * lengths > room)
        if not beyond.any():
            return np.asarray(np.sign(z) * np.where(clipped, room, factor * lengths))
        clipped |= beyond
    return np.asarray(np.sign(z) * room)
