"""Models of scikit-learn: how each is fitted, its scores, and its bytes, which are read without unpickling.

Images are rows (N, D) of levels / 256, classes numbers from 0 to K - 1. A function ``fit_…`` returns a model; a
function ``…_scores`` turns that into a function from float32 images (B, D) to scores (B, K), whose softmax gives the
probabilities.
"""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fooling.classifiers.model_settings import (
    AdaboostSettings,
    ForestSettings,
    LogisticSettings,
    NearestNeighboursSettings,
    SvmSettings,
)
from fooling.messages import FoolingError, say

Images = NDArray[np.float32]
Labels = NDArray[np.int64]
#: From float32 images (B, D), levels / 256, to float64 or float32 scores (B, K).
Scores = Callable[[torch.Tensor], torch.Tensor]

ITERATIONS = 10_000  # of the optimiser of softmax regression at most
LARGEST_SEED = 2**32  # exclusive, of scikit-learn
LARGEST = 2**31  # bytes of an unpacked model
REMEDY = "fit the model again"

#: How skops makes the objects of these models.
LOADERS = frozenset(
    {
        *("DictNode", "JsonNode", "ListNode", "NdArrayNode", "ObjectNode", "TreeNode", "TupleNode", "TypeNode"),
    }
)
#: Types of Python and numpy in the bytes of every model.
PLAIN_TYPES = frozenset(
    {
        *("builtins.dict", "builtins.list", "builtins.str", "builtins.tuple"),
        *("numpy.ndarray", "numpy.float64", "numpy.int64"),
    }
)


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


def fit_neighbours(images: Images, labels: Labels, settings: NearestNeighboursSettings, seed: int) -> Any:
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


def neighbours_scores(model: Any, settings: NearestNeighboursSettings, classes: int) -> Scores:
    """Return the logarithm of (n_y + 1) / (k + K), for n_y of the k nearest training images."""
    _require_classes(model, classes)
    labels = torch.from_numpy(np.asarray(model._y, np.int64))

    def scores(images: torch.Tensor) -> torch.Tensor:
        nearest = torch.from_numpy(model.kneighbors(images.numpy(), return_distance=False))
        votes = torch.nn.functional.one_hot(labels[nearest], classes).sum(dim=1)
        return torch.log((votes.double() + 1) / (nearest.shape[1] + classes))

    return scores


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


def packed(model: Any) -> NDArray[np.uint8]:
    """Return a model of scikit-learn as the bytes of skops (N,); the same model gives the same bytes.

    skops names objects by their addresses in memory, and the archive notes the time. Both are replaced.
    """
    from skops.io import dumps  # type: ignore[import-untyped]

    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(dumps(model))) as given, zipfile.ZipFile(buffer, "w") as archive:
        schema = json.loads(given.read(SCHEMA))
        files: dict[str, str] = {}
        _renumber(schema, files, iter(range(10**9)))
        content = {new: _without_padding(given.read(old)) for old, new in files.items()}
        for name, data in {SCHEMA: json.dumps(schema).encode(), **content}.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return np.frombuffer(buffer.getvalue(), np.uint8).copy()


SCHEMA = "schema.json"


def _renumber(node: Any, files: dict[str, str], numbers: Iterator[int]) -> None:
    """Number the objects of a schema in their order, in place; ``files`` gets the new name of each file."""
    if isinstance(node, dict):
        if "__id__" in node:
            node["__id__"] = next(numbers)
        if "file" in node:
            node["file"] = files.setdefault(node["file"], f"{len(files)}.npy")
        for child in node.values():
            _renumber(child, files, numbers)
    elif isinstance(node, list):
        for child in node:
            _renumber(child, files, numbers)


def _without_padding(data: bytes) -> bytes:
    """Return an array in numpy's format with zeros between its fields, which numpy leaves as they were in memory."""
    array = np.load(io.BytesIO(data), allow_pickle=False)
    if array.dtype.names is None:
        return data
    copy = np.zeros(array.shape, array.dtype)
    for name in array.dtype.names:
        copy[name] = array[name]
    buffer = io.BytesIO()
    np.save(buffer, copy, allow_pickle=False)
    return buffer.getvalue()


def unpacked(data: bytes, kind: str, *, estimator: str, types: frozenset[str]) -> Any:
    """Return the model of this ``kind`` of scikit-learn from the bytes of :func:`packed`.

    Args:
        data: The bytes.
        kind: The kind of the model.
        estimator: The type of the model.
        types: Further types of its parts.

    Raises:
        FoolingError: The bytes cannot be read, or name another type; then no object is made.
    """
    from sklearn.exceptions import InconsistentVersionWarning  # type: ignore[import-untyped]
    from skops.io import loads

    trusted = {estimator, *types, *PLAIN_TYPES}
    problem = f"the bytes of the {kind} model cannot be read"
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST:
                raise FoolingError(problem, found="too many bytes", expected=f"at most {LARGEST:,}", remedy=REMEDY)
            schema = json.loads(archive.read(SCHEMA))
        unknown = sorted(set(_types_in(schema)) - trusted)
        if unknown:
            raise FoolingError(
                f"the {kind} model holds objects of other types, which are not made",
                found=", ".join(unknown[:5]),
                expected=f"only {', '.join(sorted(trusted - PLAIN_TYPES))}, numbers and texts",
                remedy="do not use this file; fit the model again",
            )
        with warnings.catch_warnings(record=True) as noted:
            warnings.simplefilter("always", InconsistentVersionWarning)
            found = loads(data, trusted=sorted(trusted))
    except FoolingError:
        raise
    except Exception as error:  # of zipfile, json, skops and scikit-learn
        raise FoolingError(problem, found=f"{type(error).__name__}: {error}", remedy=REMEDY) from None
    name = f"{type(found).__module__}.{type(found).__qualname__}"
    if name != estimator:
        raise FoolingError(f"the {kind} model has another type", found=name, expected=estimator, remedy=REMEDY)
    if any(issubclass(each.category, InconsistentVersionWarning) for each in noted):
        say(f"the {kind} model was fitted with another version of scikit-learn: its scores may differ")
    return found


def _types_in(node: Any) -> Iterator[str]:
    """Yield the type of every object in the schema of skops, as ``module.name``, and each unusual way to make one."""
    if isinstance(node, dict):
        if "__class__" in node or "__module__" in node or "__loader__" in node:
            yield f"{node.get('__module__')}.{node.get('__class__')}"
            if node.get("__loader__") not in LOADERS:
                yield str(node.get("__loader__"))
        for child in node.values():
            yield from _types_in(child)
    elif isinstance(node, list):
        for child in node:
            yield from _types_in(child)
