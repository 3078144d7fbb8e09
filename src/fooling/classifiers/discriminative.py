"""Discriminative models besides networks: how each is fitted, and its scores, of which softmax gives the probabilities.

Images are rows (N, D) of levels / 256, classes numbers from 0 to K - 1. A function ``fit_…`` returns a model of
scikit-learn or arrays; a function ``…_scores`` turns that into a function from float32 images (B, D) to scores (B, K).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fooling.classifiers.settings import (
    AdaboostSettings,
    ForestSettings,
    LogisticSettings,
    NeighboursSettings,
    RbfNetworkSettings,
    SparseSettings,
    SvmSettings,
)
from fooling.errors import FoolingError
from fooling.seeding import numpy_generator

Images = NDArray[np.float32]
Labels = NDArray[np.int64]
Arrays = dict[str, NDArray[Any]]
Scores = Callable[[torch.Tensor], torch.Tensor]

ITERATIONS = 10_000  # of the optimiser of softmax regression at most
CALIBRATED_ON = 2000  # images at most, besides the atoms, to which the temperature of sparse representation is fitted
RIDGE = 1e-9  # added to the squared norm of each atom: two equal images would leave their coefficients open
LARGEST_SEED = 2**32  # exclusive, of scikit-learn


def fit_logistic(images: Images, labels: Labels, settings: LogisticSettings, seed: int) -> Any:
    """Fit softmax regression; it is deterministic."""
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

    return LogisticRegression(C=settings.inverse_penalty, max_iter=ITERATIONS).fit(images.astype(np.float64), labels)


def logistic_scores(model: Any, settings: LogisticSettings, classes: int) -> Scores:
    """Return the logits."""
    _require_classes(model, classes)
    return lambda images: _decisions(model.decision_function(images.double().numpy()), negative=0.0)


def fit_svm(images: Images, labels: Labels, settings: SvmSettings, seed: int) -> Any:
    """Fit a support vector machine to all images, and sigmoids to its decisions on images that were left out.

    The width of the kernels is scikit-learn's: gamma = 1 / (D * variance of all levels). It is deterministic.
    """
    from sklearn.calibration import CalibratedClassifierCV  # type: ignore[import-untyped]
    from sklearn.svm import SVC  # type: ignore[import-untyped]

    machine = SVC(C=settings.inverse_penalty, gamma="scale")
    return CalibratedClassifierCV(machine, method="sigmoid", cv=settings.folds, ensemble=False).fit(images, labels)


def svm_scores(model: Any, settings: SvmSettings, classes: int) -> Scores:
    """Return the logarithms of the sigmoids of all classes, whose softmax is their share of the sum (Platt 2000)."""
    _require_classes(model, classes)
    (fitted,) = model.calibrated_classifiers_
    slopes, offsets = (np.array([getattr(each, key) for each in fitted.calibrators]) for key in ("a_", "b_"))

    def scores(images: torch.Tensor) -> torch.Tensor:
        decisions = np.asarray(fitted.estimator.decision_function(images.numpy()), np.float64)
        exponents = torch.from_numpy(slopes * decisions.reshape(len(images), -1) + offsets)
        if classes == 2:
            return torch.nn.functional.logsigmoid(torch.cat((exponents, -exponents), dim=1))
        return torch.nn.functional.logsigmoid(-exponents)

    return scores


def fit_adaboost(images: Images, labels: Labels, settings: AdaboostSettings, seed: int) -> Any:
    """Fit AdaBoost for many classes (SAMME) with decision trees of a given depth."""
    from sklearn.ensemble import AdaBoostClassifier  # type: ignore[import-untyped]
    from sklearn.tree import DecisionTreeClassifier  # type: ignore[import-untyped]

    tree = DecisionTreeClassifier(max_depth=settings.depth)
    boosted = AdaBoostClassifier(tree, n_estimators=settings.trees, random_state=seed % LARGEST_SEED)
    return boosted.fit(images, labels)


def adaboost_scores(model: Any, settings: AdaboostSettings, classes: int) -> Scores:
    """Return the votes divided by K - 1, of which scikit-learn's probabilities are the softmax.

    The votes are at most 1, so that all probabilities are near 1 / K (Zhu et al. 2009 give the formula).
    """
    _require_classes(model, classes)

    def scores(images: torch.Tensor) -> torch.Tensor:
        votes = model.decision_function(images.numpy())
        return (_decisions(votes / 2, negative=-1.0) if classes == 2 else _decisions(votes, negative=0)) / (classes - 1)

    return scores


def fit_forest(images: Images, labels: Labels, settings: ForestSettings, seed: int) -> Any:
    """Fit trees of full depth, each to a bootstrap sample."""
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(settings.trees, random_state=seed % LARGEST_SEED).fit(images, labels)


def forest_scores(model: Any, settings: ForestSettings, classes: int) -> Scores:
    """Return the logarithm of the mean over trees of (n_y + 1) / (n + K), for n_y of the n images in the leaf.

    n counts the images of the tree's bootstrap sample, some of them more than once.
    """
    _require_classes(model, classes)
    tables = []
    for each in model.estimators_:
        tree = each.tree_
        counts = tree.value[:, 0] * tree.weighted_n_node_samples[:, None]
        tables.append((counts + 1) / (counts.sum(axis=1, keepdims=True) + classes))
    starts = np.cumsum([0, *map(len, tables)])[:-1]
    table = np.concatenate(tables)

    def scores(images: torch.Tensor) -> torch.Tensor:
        leaves = model.apply(images.numpy()) + starts
        return torch.from_numpy(np.log(table[leaves].mean(axis=1)))

    return scores


def fit_neighbours(images: Images, labels: Labels, settings: NeighboursSettings, seed: int) -> Any:
    """Store the images, which are compared one by one."""
    from sklearn.neighbors import KNeighborsClassifier  # type: ignore[import-untyped]

    if settings.neighbours > len(images):
        raise FoolingError(
            "there are fewer training images than neighbours",
            found=f"{len(images)} images",
            expected=f"at least {settings.neighbours}",
            remedy="lower model.neighbours",
        )
    return KNeighborsClassifier(settings.neighbours, algorithm="brute").fit(images, labels)


def neighbours_scores(model: Any, settings: NeighboursSettings, classes: int) -> Scores:
    """Return the logarithm of (n_y + 1) / (k + K), for n_y of the k nearest training images."""
    _require_classes(model, classes)
    labels = torch.from_numpy(np.asarray(model._y, np.int64))

    def scores(images: torch.Tensor) -> torch.Tensor:
        nearest = torch.from_numpy(model.kneighbors(images.numpy(), return_distance=False))
        votes = torch.nn.functional.one_hot(labels[nearest], classes).sum(dim=1)
        return torch.log((votes.double() + 1) / (nearest.shape[1] + classes))

    return scores


def fit_sparse(images: Images, labels: Labels, settings: SparseSettings, seed: int) -> Arrays:
    """Draw the training images that represent others, and fit the temperature of the residuals to images besides."""
    from scipy.optimize import minimize_scalar

    generator = numpy_generator(seed, "atoms")
    order = generator.permutation(len(images))
    places = [order[labels[order] == each] for each in np.unique(labels)]
    chosen = np.sort(np.concatenate([mine[: settings.atoms] for mine in places]))
    rest = np.setdiff1d(order, chosen)
    rest = generator.permutation(rest)[:CALIBRATED_ON]
    atoms, classes = images[chosen], labels[chosen]
    temperature = 1.0
    if len(rest):
        coded = _residuals(torch.from_numpy(atoms), torch.from_numpy(classes), settings, len(places))
        parts = torch.split(torch.from_numpy(images[rest]), 100)
        residuals, truth = torch.cat([coded(part) for part in parts]), torch.from_numpy(labels[rest])

        def loss(logarithm: float) -> float:
            return float(torch.nn.functional.cross_entropy(-residuals / np.exp(logarithm), truth))

        temperature = float(np.exp(minimize_scalar(loss, bounds=(-9, 3), method="bounded").x))
    return {"atoms": atoms, "atom_classes": classes, "temperature": np.array(temperature)}


def sparse_scores(arrays: Mapping[str, NDArray[Any]], settings: SparseSettings, classes: int) -> Scores:
    """Return minus the residual of each class, divided by the temperature.

    As in sparse representation classification (Wright et al. 2009; Sturm 2012 fools one for music), an image x of norm
    1 is written as a weighted sum of few training images of norm 1, by orthogonal matching pursuit: again and again the
    training image with the largest absolute product with the remainder is added, and all weights are fitted anew by
    least squares. The residual of a class is |x - the part of the sum with its images|^2, from 0 to about 1.

    The temperature, which is ours, makes probabilities of residuals: it is the most likely one on training images that
    represent no others. The black image has no direction: all its residuals are 0.
    """
    atoms, labels = torch.from_numpy(arrays["atoms"]), torch.from_numpy(arrays["atom_classes"])
    residuals, temperature = _residuals(atoms, labels, settings, classes), float(arrays["temperature"])
    return lambda images: -residuals(images) / temperature


def _residuals(atoms: torch.Tensor, labels: torch.Tensor, settings: SparseSettings, classes: int) -> Scores:
    """Return the function from images (B, D) to the residual (B, K) of each class, float64."""
    directions = _unit(atoms)
    products = directions @ directions.T
    products.diagonal().add_(RIDGE)
    steps = min(settings.nonzeros, len(atoms))

    def residuals(images: torch.Tensor) -> torch.Tensor:
        shown = _unit(images)
        initial = shown @ directions.T
        remaining, rows = initial.clone(), torch.arange(len(images))[:, None]
        chosen = torch.empty(len(images), 0, dtype=torch.int64)
        for _ in range(steps):
            best = remaining.abs().scatter(1, chosen, -1.0).argmax(dim=1, keepdim=True)
            chosen = torch.cat((chosen, best), dim=1)
            among = products[chosen[:, :, None], chosen[:, None, :]]
            own = initial.gather(1, chosen)
            weights = torch.linalg.solve(among, own)
            remaining = initial - torch.bmm(weights[:, None], products[chosen]).squeeze(1)
        parts = weights[:, None] * torch.nn.functional.one_hot(labels[chosen], classes).transpose(1, 2)
        norms = shown.square().sum(dim=1, keepdim=True)
        explained = 2 * parts @ initial[rows, chosen][:, :, None] - (parts @ among * parts).sum(dim=2, keepdim=True)
        found: torch.Tensor = norms - explained.squeeze(2)
        return found

    return residuals


def _unit(images: torch.Tensor) -> torch.Tensor:
    """Return float64 rows of norm 1; a row of zeros stays."""
    exact = images.double()
    lengths = exact.square().sum(dim=1, keepdim=True).sqrt()
    return exact / lengths.clamp(min=1e-12)


def fit_rbf(images: Images, labels: Labels, settings: RbfNetworkSettings, seed: int) -> Arrays:
    """Fit cluster centres (k-means), one width for all units, and softmax regression on the units."""
    from sklearn.cluster import KMeans  # type: ignore[import-untyped]
    from sklearn.linear_model import LogisticRegression

    units = min(settings.units, len(images))
    clusters = KMeans(units, n_init=1, max_iter=50, random_state=seed % LARGEST_SEED).fit(images)
    centres = clusters.cluster_centers_.astype(np.float64)
    width = settings.width * max(float(np.sqrt(clusters.inertia_ / len(images))), 1e-3)
    shown = _units(torch.from_numpy(images), torch.from_numpy(centres), width).numpy()
    last = LogisticRegression(C=settings.inverse_penalty, max_iter=ITERATIONS).fit(shown, labels)
    weights, biases = last.coef_, last.intercept_
    if len(weights) == 1:  # of two classes
        weights, biases = np.concatenate((0 * weights, weights)), np.concatenate((0 * biases, biases))
    return {"centres": centres, "width": np.array(width), "weights": weights, "biases": biases}


def rbf_scores(arrays: Mapping[str, NDArray[Any]], settings: RbfNetworkSettings, classes: int) -> Scores:
    """Return the logits; far from all centres every unit is 0, and they are the biases."""
    centres, weights, biases = (torch.from_numpy(arrays[key]) for key in ("centres", "weights", "biases"))
    width = float(arrays["width"])
    return lambda images: _units(images, centres, width) @ weights.T + biases


def _units(images: torch.Tensor, centres: torch.Tensor, width: float) -> torch.Tensor:
    """Return exp(-|x - c|^2 / (2 width^2)) (B, U) of images (B, D)."""
    return torch.exp(-squared_distances(images, centres) / (2 * width**2))


def squared_distances(images: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Return the float64 squared distances (B, N) of images (B, D) to ``others`` (N, D).

    They are exact for levels / 256: all products and sums are multiples of 2^-16 below 2^37.
    """
    left, right = images.double(), others.double()
    squares = left.square().sum(dim=1, keepdim=True) + right.square().sum(dim=1)
    return torch.addmm(squares, left, right.T, alpha=-2).clamp(min=0)


def _decisions(values: NDArray[Any], *, negative: float) -> torch.Tensor:
    """Return decisions (B, K); those of two classes, which scikit-learn gives as one number, as (negative * d, d)."""
    given = torch.from_numpy(np.asarray(values, np.float64))
    return given if given.dim() == 2 else torch.stack((negative * given, given), dim=1)


def _require_classes(model: Any, classes: int) -> None:
    found = np.asarray(model.classes_)
    if not np.array_equal(found, np.arange(classes)):
        raise FoolingError(
            "the model has other classes", found=found.tolist(), expected=f"0 to {classes - 1}", remedy="fit it again"
        )
