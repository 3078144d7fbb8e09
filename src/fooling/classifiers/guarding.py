"""Fit a detector on real images, and put it in front of a classifier.

No image that fools anything is used. Three disjoint sets of real images are: those that the detector is fitted on
(training images, where the data set has some), those that set its threshold, and those that measure it. The last two
are test images, which the networks have not seen.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fooling.classifiers.architectures import COMBINED, described
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.gradients import last_layer, logits_and_features
from fooling.classifiers.guarded import OF_FEATURES, OF_LOGITS, OF_SEVERAL, REJECTED, Guarded, build_guarded
from fooling.classifiers.header import MemberHeader
from fooling.classifiers.settings import GuardSettings, NeighboursSettings, OpenMaxSettings, RealImagesSettings
from fooling.datasets.dataset import Dataset
from fooling.messages import FoolingError
from fooling.reproducibility import numpy_generator
from fooling.torchvision_import import ensure_operators

WIDTHS = 10  # of the smooth version, from the threshold to the score of the median real image
SHIFT = 10_000.0  # added to distances before the Weibull distribution is fitted, as in the authors' code
SMOOTH = "smooth"  # added to the name of the smooth version


@dataclass(frozen=True, eq=False, kw_only=True)
class RealImages:
    """Three disjoint sets of real images, uint8 (N, C, H, W), with labels (N,)."""

    fitted: NDArray[np.uint8]
    fitted_labels: NDArray[np.int64]
    threshold: NDArray[np.uint8]
    threshold_labels: NDArray[np.int64]
    measured: NDArray[np.uint8]
    measured_labels: NDArray[np.int64]
    are_training_images: bool
    """Whether the first set are training images of the data set."""


def real_images_of(dataset: Dataset, settings: RealImagesSettings) -> RealImages:
    """Return the real images for a detector; half of the test images measure it.

    Raises :class:`FoolingError` if the threshold would reject less than one image, or all.
    """
    generator = numpy_generator(settings.split_seed, "real images of a detector")
    order = generator.permutation(len(dataset.test_images))
    measured, rest = np.sort(order[: len(order) // 2]), order[len(order) // 2 :]
    if dataset.has_training_images:
        drawn = generator.permutation(len(dataset.train_images))[: settings.fitted_images]
        fitted, fitted_labels = dataset.train_images[np.sort(drawn)], dataset.train_labels[np.sort(drawn)]
    else:
        first, rest = np.sort(rest[: len(rest) // 2]), rest[len(rest) // 2 :]
        fitted, fitted_labels = dataset.test_images[first], dataset.test_labels[first]
    threshold = np.sort(rest)
    if not 0.5 <= settings.rejects * len(threshold) <= len(threshold) - 0.5 or len(measured) == 0:
        raise FoolingError(
            "there are too few real images for this threshold",
            found=f"`rejects: {settings.rejects:g}` of {len(threshold)} images",
            expected="at least one image rejected, and one accepted",
            remedy="set `rejects` nearer to 0.5, or take a data set with more test images",
        )
    return RealImages(
        fitted=fitted,
        fitted_labels=fitted_labels,
        threshold=dataset.test_images[threshold],
        threshold_labels=dataset.test_labels[threshold],
        measured=dataset.test_images[measured],
        measured_labels=dataset.test_labels[measured],
        are_training_images=dataset.has_training_images,
    )


def guarded(
    classifier: Classifier, others: Sequence[Classifier], dataset: Dataset, settings: GuardSettings, *, name: str
) -> tuple[Classifier, Classifier]:
    """Return the hard and the smooth version of ``classifier`` with a detector, fitted on real images of ``dataset``.

    Args:
        classifier: The network to guard.
        others: Other networks, for a detector that compares them.
        dataset: The real images.
        settings: The detector, and how many real images it rejects.
        name: Name of the guarded classifier.

    Raises:
        FoolingError: The network has a fooling class, gives no logits or features that the detector reads, or there are
            too few real images.
    """
    kind = settings.detector.kind
    _require_usable(classifier, others, kind, dataset)
    images = real_images_of(dataset, settings)
    layer = _name_of_layer(classifier) if kind in OF_FEATURES else None
    options, arrays = _fitted(classifier, images, settings)
    members = [
        described(MemberHeader.model_validate({key: getattr(one, key) for key in MemberHeader.model_fields}))
        for one in (classifier, *others)
    ]
    built: dict[str, Any] = {"members": members, "detector": {"kind": kind, **options}}
    if layer is not None:
        built["layer"] = layer
    classes = len(classifier.class_names)
    with torch.random.fork_rng(devices=[]):  # the new weights are replaced
        network = build_guarded(input_shape=classifier.input_shape, classes=classes + 1, **built)
    assert isinstance(network, Guarded)
    for member, one in zip(network.members, (classifier, *others), strict=True):
        member.take(one)  # type: ignore[operator]
    for key, value in arrays.items():
        getattr(network.detector, key).copy_(value)
    hard = Classifier(
        name=name,
        architecture="guarded",
        options=built,
        network=network,
        input_shape=classifier.input_shape,
        class_names=(*classifier.class_names, REJECTED),
        offset=torch.zeros(classifier.input_shape[0], 1, 1),
        scale=torch.ones(classifier.input_shape[0], 1, 1),
        training_mean=classifier.training_mean,
        chunk_size=min(one.chunk_size for one in (classifier, *others)),
        device=classifier.device,
        fooling_class=True,
    )
    scores = scores_of(hard, images.threshold)
    threshold, width = threshold_of(scores, settings.rejects)
    network.detector.threshold.copy_(torch.tensor(threshold))
    network.detector.width.copy_(torch.tensor(width))
    hard = dataclasses.replace(hard, provenance=_provenance(hard, classifier, images, scores, settings))
    smooth = build_guarded(input_shape=classifier.input_shape, classes=classes + 1, **built, smooth=True)
    smooth.load_state_dict(network.state_dict())
    soft = dataclasses.replace(
        hard, name=f"{name}/{SMOOTH}", options={**built, "smooth": True}, network=smooth.to(classifier.device)
    )
    return hard, soft


def threshold_of(scores: NDArray[np.float32], rejects: float) -> tuple[float, float]:
    """Return the threshold below which this share of the ``scores`` (N,) lies, at least one, and a width.

    The threshold is midway between the last image rejected and the first one accepted. The median image is
    :data:`WIDTHS` widths above it, so that the smooth version accepts it with a probability of 99.995 %.
    """
    ordered = np.sort(scores.astype(np.float64))
    first = min(max(round(rejects * len(ordered)), 1), len(ordered) - 1)
    threshold = float(ordered[first - 1] + ordered[first]) / 2
    width = (float(np.median(ordered)) - threshold) / WIDTHS
    return threshold, width if width > 0 else max(abs(threshold), 1.0) * 1e-6


def scores_of(classifier: Classifier, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the score (N,) that the detector of a guarded classifier gives each of ``images`` (N, C, H, W)."""
    network = classifier.network
    assert isinstance(network, Guarded)
    scoring = dataclasses.replace(
        classifier,
        network=_ScoresAlone(network),
        class_names=("score", "nothing"),
        fooling_class=False,
    )
    scores: NDArray[np.float32] = scoring.logits(torch.from_numpy(images)).cpu().numpy()[:, 0]
    return scores


class _ScoresAlone(torch.nn.Module):
    """The score of a guarded classifier as the first of two outputs."""

    def __init__(self, network: Guarded) -> None:
        super().__init__()
        self.network = network

    def forward(self, levels: torch.Tensor) -> torch.Tensor:
        """Return scores and zeros (B, 2)."""
        score = self.network.scored(levels)[1]
        return torch.stack((score, torch.zeros_like(score)), dim=1)


def fitted_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the temperature with the smallest mean negative log-likelihood of ``labels`` (N,).

    pytorch-ood stops after 50 steps of L-BFGS, before it reaches this optimum.
    """
    from scipy.optimize import minimize_scalar

    exact, rows = torch.from_numpy(logits).double(), np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        return -float(torch.log_softmax(exact / np.exp(log_temperature), dim=1)[rows, labels].mean())

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.01), np.log(100)), method="bounded").x))


def _fitted(
    classifier: Classifier, images: RealImages, settings: GuardSettings
) -> tuple[dict[str, int], dict[str, torch.Tensor]]:
    """Return the arguments of the detector's class, and its arrays besides threshold and width."""
    detector = settings.detector
    if detector.kind in ("maximum-softmax", "temperature", "energy"):
        temperature = getattr(detector, "temperature", 1.0)
        if detector.kind == "temperature":
            logits = classifier.logits(torch.from_numpy(images.threshold)).cpu().numpy()
            temperature = fitted_temperature(logits, images.threshold_labels)
        return {}, {"temperature": torch.tensor(temperature, dtype=torch.float64)}
    if detector.kind == "disagreement":
        return {}, {}
    if isinstance(detector, OpenMaxSettings):
        logits = classifier.logits(torch.from_numpy(images.fitted)).cpu().numpy()
        correct = logits.argmax(axis=1) == images.fitted_labels
        return _fitted_openmax(logits[correct], images.fitted_labels[correct], detector)
    _, features = logits_and_features(classifier, images.fitted)
    if isinstance(detector, NeighboursSettings):
        if detector.neighbours > len(features):
            raise _too_few(f"{len(features)} images", f"at least `neighbours`: {detector.neighbours}")
        bank = torch.nn.functional.normalize(torch.from_numpy(features).double(), dim=1)
        sizes = {"images": len(bank), "features": bank.shape[1], "neighbours": detector.neighbours}
        return sizes, {"bank": bank}
    return _fitted_mahalanobis(features, images.fitted_labels, classes=len(classifier.class_names))


def _fitted_mahalanobis(
    features: NDArray[np.float32], labels: NDArray[np.int64], *, classes: int
) -> tuple[dict[str, int], dict[str, torch.Tensor]]:
    counts = np.bincount(labels, minlength=classes)
    if counts.min() < 2:
        raise _too_few(f"{counts.min()} images of a class", "at least 2 of every class, for means and a covariance")
    detector = _pytorch_ood("Mahalanobis")(None)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # the condition number of LeNet's covariance is above 1e10
    try:
        detector.fit_features(torch.from_numpy(features).double(), torch.from_numpy(labels))
    finally:
        torch.set_default_dtype(before)
    values, vectors = torch.linalg.eigh((detector.precision + detector.precision.T) / 2)
    whitening = vectors * values.clamp(min=0).sqrt()
    sizes = {"classes": classes, "features": features.shape[1]}
    return sizes, {"means": detector.mu.double() @ whitening, "whitening": whitening}


def _fitted_openmax(
    logits: NDArray[np.float32], labels: NDArray[np.int64], settings: OpenMaxSettings
) -> tuple[dict[str, int], dict[str, torch.Tensor]]:
    classes = logits.shape[1]
    counts = np.bincount(labels, minlength=classes)
    if counts.min() < settings.tail:
        raise _too_few(f"{counts.min()} correct images of a class", f"at least `tail`: {settings.tail} of every class")
    detector = _pytorch_ood("OpenMax")(None, tailsize=settings.tail, alpha=settings.revised)
    detector.fit_logits(torch.from_numpy(logits).double(), torch.from_numpy(labels))
    fitted = detector._openmax
    models = [fitted.distributions[index] for index in range(classes)]
    weibull = [(float(each.c), float(each.scale), each.translation - float(each.min_val)) for each in models]
    means = torch.from_numpy(np.stack([fitted.centers[index] for index in range(classes)]))
    sizes = {"classes": classes, "revised": settings.revised}
    return sizes, {"means": means, "weibull": torch.tensor(weibull, dtype=torch.float64)}


def _pytorch_ood(name: str) -> Any:
    """Return a detector of pytorch-ood; its import takes seconds."""
    ensure_operators()
    return getattr(importlib.import_module("pytorch_ood.detector"), name)


def _require_usable(classifier: Classifier, others: Sequence[Classifier], kind: str, dataset: Dataset) -> None:
    problem = f"{classifier.name} cannot be guarded by {kind}"
    for one in (classifier, *others):
        if one.fooling_class or one.class_names != classifier.class_names or one.input_shape != classifier.input_shape:
            what = "a fooling class" if one.fooling_class else "other classes or images"
            raise FoolingError(
                problem,
                found=f"{one.name} has {what}",
                expected="networks of the same classes and images, without a fooling class",
            )
    if dataset.image_shape != classifier.input_shape or dataset.class_names != classifier.class_names:
        raise FoolingError(
            problem,
            found=f"the data set {dataset.name}: {dataset.summary}",
            expected="the data set of the classifier, with the same classes",
        )
    if (kind in OF_SEVERAL) != bool(others):
        expected = "at least one other classifier" if kind in OF_SEVERAL else "no other classifiers"
        raise FoolingError(problem, found=f"{len(others)} others", expected=expected)
    is_plain = classifier.outputs == "logits" and len(classifier.seen) == 1
    if kind in (*OF_LOGITS, *OF_FEATURES) and (not is_plain or classifier.architecture in COMBINED):
        raise FoolingError(
            problem,
            found="a classifier that gives only probabilities: of a black box, an ensemble, or a mean over crops",
            expected="logits of one network",
            remedy="take the detector maximum-softmax or disagreement, which read probabilities",
        )


def _name_of_layer(classifier: Classifier) -> str:
    layer = last_layer(classifier)
    return next(str(name) for name, module in classifier.network.named_modules() if module is layer)


def _too_few(found: str, expected: str) -> FoolingError:
    return FoolingError(
        "there are too few real images to fit this detector",
        found=found,
        expected=expected,
        remedy="set `fitted_images` higher, or take a data set with more images of every class",
    )


def _provenance(
    hard: Classifier, classifier: Classifier, images: RealImages, scores: NDArray[np.float32], settings: GuardSettings
) -> dict[str, Any]:
    """Return the errors on the real images that measure, and how the detector was fitted."""
    logits, before = (one.logits(torch.from_numpy(images.measured)).cpu().numpy() for one in (hard, classifier))
    network = hard.network
    assert isinstance(network, Guarded)
    threshold = float(network.detector.threshold)
    wrong = before.argmax(axis=1) != images.measured_labels
    rejected = logits.argmax(axis=1) == logits.shape[1] - 1
    top5 = None
    if logits.shape[1] > 5:
        best = torch.from_numpy(logits).topk(5).indices.numpy()
        top5 = float((best != images.measured_labels[:, None]).all(axis=1).mean())
    return {
        "test_error": float((logits.argmax(axis=1) != images.measured_labels).mean()),
        "top5_error": top5,
        "test_images": len(images.measured),
        "guard": {
            "settings": settings.model_dump(mode="json"),
            "threshold": threshold,
            "width": float(network.detector.width),
            "fitted_images": len(images.fitted),
            "threshold_images": len(images.threshold),
            "rejected_at_threshold": float((scores.astype(np.float64) < threshold).mean()),
            "rejected": float(rejected.mean()),
            "error_without": float(wrong.mean()),
            "error_of_accepted": None if rejected.all() else float(wrong[~rejected].mean()),
        },
    }
