"""What an audit tries besides its searches, each with a control beside it and at a small share of their budget.

smallest changes    of single real images, by DeepFool or HopSkipJump; noise of the same norm
one perturbation    of all real images, if the network has gradients; random signs of the same size
labels alone        evolution with nothing but the labels of the network; random search with as many queries
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from fooling.attacks.adversarial.methods import Batch, Changed, beyond_boundary, changed, noisy, norms_of
from fooling.attacks.adversarial.record import AdversarialSettings, Change
from fooling.attacks.attack import finish, identity_of
from fooling.attacks.label_only.record import LabelOnlyRecord
from fooling.attacks.label_only.run import LabelOnly
from fooling.attacks.settings import LabelOnlySettings
from fooling.attacks.universal.record import UniversalRecord, UniversalSettings, perturbed, random_change
from fooling.attacks.universal.run import Universal
from fooling.auditing.real_images import RealImages
from fooling.auditing.settings import ATTACK_SHARE, AuditSettings
from fooling.classifiers.classifier import Classifier, confidences_of
from fooling.classifiers.gradients import LEVELS, Network
from fooling.datasets.dataset import Dataset
from fooling.findings.audits import (
    ExampleImage,
    FoundWithLabels,
    Kind,
    LabelsAlone,
    Method,
    OnePerturbation,
    SmallChanges,
)
from fooling.messages import short_percent
from fooling.reproducibility import CheckpointStore, numpy_generator
from fooling.schemas import Header
from fooling.settings import SeedRange

#: Budget of a search from which one more image is changed: DeepFool takes about 60 evaluations, HopSkipJump 370.
BUDGET_OF_IMAGE = {"deepfool": 1000, "hop-skip-jump": 4000}
MOST_IMAGES = {"deepfool": 20, "hop-skip-jump": 5}
TITLES = {"deepfool": "DeepFool", "hop-skip-jump": "HopSkipJump, which asks for labels alone"}
SCORED = 200  # real images among which correctly classified ones are looked for

#: Largest change of a pixel by the one perturbation of all images, in levels, by the number of channels.
LEVELS_CHANGED = {1: 51, 3: 10}
#: Of the images on which it is found, and as many others. The fewest, the most, and evaluations for one more of each.
LEAST_EACH, MOST_EACH, EVALUATIONS_OF_EACH = 10, 1000, 40
LEAST_BATCH, MOST_STEPS, CONTROLS = 25, 100, 5
#: Fewest queries of labels alone, so that the random start (at most 520) leaves some for evolution; copies of an image.
LEAST_QUERIES, COPIES = 800, 5

NEEDS_IMAGES = "needs real images: give --test-images, or test_images from Python"
NEEDS_RIGHT = "needs a real image that the network classifies correctly"
NEEDS_TOOLBOX = "needs the Adversarial Robustness Toolbox for a network without gradients: pip install 'fooling[study]'"


F = TypeVar("F", bound=Header)


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured(Generic[F]):
    """The numbers of an attack, and the pictures of its example."""

    file: F
    pictures: tuple[NDArray[np.uint8], ...]  # (C, H, W), in the order of the example


@dataclass(frozen=True, kw_only=True, eq=False)
class FurtherAttacks:
    """The result of each attack, or why it was not measured."""

    small: Measured[SmallChanges] | str
    universal: Measured[OnePerturbation] | str
    labels: Measured[LabelsAlone] | str

    def sentences(self, threshold: float) -> Iterator[str]:
        """Yield one sentence for each attack."""
        missing, (small, universal, labels) = "{}: not measured. This {}.", (self.small, self.universal, self.labels)
        title = "Smallest changes of real images"
        yield missing.format(title, small) if isinstance(small, str) else _small_sentence(small.file)
        title = "One perturbation for all images"
        yield missing.format(title, universal) if isinstance(universal, str) else _universal_sentence(universal.file)
        title = "Labels alone"
        yield missing.format(title, labels) if isinstance(labels, str) else _labels_sentence(labels.file, threshold)

    def pictures(self) -> Iterator[tuple[ExampleImage, NDArray[np.uint8]]]:
        """Yield the images of all examples."""
        for each in (self.small, self.universal, self.labels):
            if not isinstance(each, str):
                yield from zip(each.file.example, each.pictures, strict=True)


def _small_sentence(found: SmallChanges) -> str:
    size = (
        "" if found.median_rms is None else f", by a median change of {found.median_rms:.3f} (root mean square, 0..1)"
    )
    return (
        f"Smallest changes ({TITLES[found.method]}): {found.misclassified:,} of {found.images:,} correctly classified "
        f"test images become misclassified{size}; with noise of the same norm: {found.misclassified_with_noise:,} of "
        f"{found.images:,}."
    )


def _universal_sentence(found: OnePerturbation) -> str:
    return (
        f"One perturbation for all images, of at most {found.levels} of 255 levels: {found.fooled:,} of "
        f"{found.images:,} test images on which it was not found get another label; with random signs of the same "
        f"size: {found.fooled_by_random_signs:,.1f} on average."
    )


def _labels_sentence(found: LabelsAlone, threshold: float) -> str:
    parts = [
        f"images for {each.given:,} of {found.classes:,} classes"
        + ("" if each.fooled is None else f", {each.fooled:,} at {short_percent(threshold)} or more")
        for each in (found.evolution, found.random_search)
    ]
    return (
        f"Labels alone, {found.queries:,} queries: evolution finds {parts[0]}; random search with as many: {parts[1]}."
    )


def small_changes(
    classifier: Classifier, real: RealImages | None, *, has_gradients: bool, budget: int, seed: int
) -> Measured[SmallChanges] | str:
    """Measure the smallest changes of a few test images, or return why they cannot be measured.

    Args:
        classifier: The classifier.
        real: Its test images, of which correctly classified ones are drawn by ``seed``; None: there are none.
        has_gradients: Whether the classifier has gradients.
        budget: Images that each search of the audit scores.
        seed: Seed of the draw, of HopSkipJump and of the noise.
    """
    method: Method = "deepfool" if has_gradients else "hop-skip-jump"
    if real is None:
        return NEEDS_IMAGES
    if not has_gradients and importlib.util.find_spec("art") is None:
        return NEEDS_TOOLBOX
    if (count := min(MOST_IMAGES[method], budget // BUDGET_OF_IMAGE[method] or int(has_gradients))) == 0:
        return f"needs a budget of at least {BUDGET_OF_IMAGE[method]:,} images"
    generator = numpy_generator(seed, "audit", "small changes")
    shown = generator.permutation(len(real.labels))[:SCORED]
    right = shown[_labels_and_confidences(classifier, real.images[shown])[0] == real.labels[shown]][:count]
    if not len(right):
        return NEEDS_RIGHT
    network = Network(classifier)
    batch = Batch(
        images=real.images[right] / LEVELS,
        labels=real.labels[right],
        indices=right,
        others=real.images[shown] / LEVELS,
    )
    found = _found(network, batch, method, seed)
    noise = np.stack(
        [
            noisy(image, norm="l2", size=float(size), generator=generator)
            for image, size in zip(batch.images, norms_of(found.images - batch.images)[:, 0], strict=True)
        ]
    )
    return _result(network, batch, found, noise, method)


def _found(network: Network, batch: Batch, method: Method, seed: int) -> Changed:
    settings = AdversarialSettings(seed=seed)
    if method == "deepfool":
        return beyond_boundary(network, batch.images, overshoot=settings.overshoot)
    return changed(network, batch, Change(method, None), settings)


def _result(
    network: Network, batch: Batch, found: Changed, noise: NDArray[np.float64], method: Method
) -> Measured[SmallChanges]:
    wrong, wrong_with_noise = (network.final_labels(images) != batch.labels for images in (found.images, noise))
    sizes = norms_of(found.images - batch.images)[:, 2]
    # The example is a changed image if there is any: of an even number, the smaller of the two in the middle.
    order = np.argsort(np.where(wrong, sizes, np.inf), kind="stable")
    place = int(order[(max(int(wrong.sum()), 1) - 1) // 2])
    stored = [np.rint(LEVELS * images[place]).astype(np.uint8) for images in (batch.images, found.images, noise)]
    return Measured(
        file=SmallChanges(
            method=method,
            images=len(wrong),
            misclassified=int(wrong.sum()),
            median_rms=float(np.median(sizes[wrong])) if wrong.any() else None,
            misclassified_with_noise=int(wrong_with_noise.sum()),
            evaluations=round(float(found.evaluations.mean())),
            example=_example(network.classifier, "small-changes", ("original", "changed", "noise"), stored),
        ),
        pictures=tuple(stored),
    )


def one_perturbation(
    classifier: Classifier,
    settings: AuditSettings,
    real: RealImages | None,
    *,
    store: CheckpointStore | None = None,
    sha256: str = "",
) -> Measured[OnePerturbation] | str:
    """Find one perturbation of all images on half of the test images, and try it on the other half.

    The arguments are those of :func:`fooling.auditing.running.further_attacks`. Returns why it cannot be measured if
    there are too few images, or too small a budget.
    """
    if real is None:
        return NEEDS_IMAGES
    evaluations = settings.budget // ATTACK_SHARE
    if evaluations < LEAST_EACH * EVALUATIONS_OF_EACH:
        return f"needs a budget of at least {LEAST_EACH * EVALUATIONS_OF_EACH * ATTACK_SHARE:,} images"
    if (count := min(MOST_EACH, evaluations // EVALUATIONS_OF_EACH, len(real.labels) // 2)) < LEAST_EACH:
        return f"needs at least {2 * LEAST_EACH} test images"
    levels = LEVELS_CHANGED[classifier.input_shape[0]]
    batch = min(count, max(LEAST_BATCH, evaluations // (4 * MOST_STEPS)))
    values = {"seed": settings.seed, "images": count, "unseen": count, "fewer_images": [], "batch": batch}
    values |= {"sizes_linf": [levels / LEVELS], "sizes_l2": [], "compared_size": levels / LEVELS, "examples": 1}
    values |= {"steps": min(MOST_STEPS, evaluations // (4 * batch)), "controls": CONTROLS}
    wanted = UniversalSettings.model_validate(values)
    drawn = numpy_generator(settings.seed, "audit", "one perturbation").permutation(len(real.labels))[: 2 * count]
    used, others = drawn[:count], drawn[count:]
    digest = hashlib.sha256(real.images[drawn].tobytes()).hexdigest()
    attack = Universal(
        settings=wanted,
        classifier=classifier,
        identity={
            **identity_of(classifier, name="universal", sha256=sha256),
            "dataset": {"name": real.source, "sha256": digest},
        },
        dataset=Dataset(
            name=real.source,
            class_names=classifier.class_names,
            train_images=real.images[used],
            train_labels=real.labels[used],
            test_images=real.images[others],
            test_labels=real.labels[others],
            provenance={},
        ),
    )
    run = attack.run(None)
    finish(run, store=store, name=f"universal-{digest[:16]}", unit=attack.unit)
    record = run.record()
    assert isinstance(record, UniversalRecord)
    return _tried(classifier, record, wanted, real.images[others])


def _tried(
    classifier: Classifier, record: UniversalRecord, wanted: UniversalSettings, others: NDArray[np.uint8]
) -> Measured[OnePerturbation]:
    """Return the numbers of a perturbation, and the first of the ``others`` that it fools, or the first of them."""
    (column,), change, size = record.columns, record.perturbations[0], record.columns[0].size
    fooled = record.unseen_changed[0] != record.unseen_labels[0]
    image = others[record.unseen_indices[int(fooled.argmax())]][None]
    signs = random_change(classifier.seen_pixels, column, seed=wanted.seed, number=0)
    alone = np.rint(LEVELS / 2 * (1 + change / size)).astype(np.uint8)
    stored = [image[0], perturbed(image, change)[0], perturbed(image, signs)[0], alone]
    return Measured(
        file=OnePerturbation(
            levels=round(size * LEVELS),
            images_used=len(record.seen_indices),
            fooled_used=int((record.seen_changed[0] != record.seen_labels[0]).sum()),
            images=len(fooled),
            fooled=int(fooled.sum()),
            fooled_by_random_signs=float((record.control_changed[0] != record.unseen_labels[0]).sum(axis=1).mean()),
            steps=wanted.steps,
            example=_example(
                classifier, "universal", ("original", "perturbed", "random-signs", "perturbation"), stored
            ),
        ),
        pictures=tuple(stored),
    )


def labels_alone(
    classifier: Classifier, settings: AuditSettings, *, store: CheckpointStore | None = None, sha256: str = ""
) -> Measured[LabelsAlone] | str:
    """Run evolution and random search with the labels of the network alone, and reveal the confidences afterwards.

    The arguments are those of :func:`fooling.auditing.running.further_attacks`. Returns why it is not measured if the
    budget is too small.
    """
    queries = settings.budget // ATTACK_SHARE
    if queries < LEAST_QUERIES:
        return f"needs a budget of at least {LEAST_QUERIES * ATTACK_SHARE:,} images"
    wanted = LabelOnlySettings(queries=queries, copies=COPIES, seeds=SeedRange(first=settings.seed, count=1))
    identity = identity_of(classifier, name="labels-alone", sha256=sha256)
    attack = LabelOnly(settings=wanted, classifier=classifier, identity=identity)
    run = attack.run(None)
    finish(run, store=store, name="labels-alone", unit=attack.unit)
    record = run.record()
    assert isinstance(record, LabelOnlyRecord)
    found, best = [], {}
    kinds: tuple[Kind, ...] = ("evolution", "random-search")
    for place, kind in enumerate(kinds):
        rows = record.champions(place)
        rows = rows[rows >= 0]
        confidences = record.entries.confidences[rows].astype(np.float64)
        known = confidences if record.revealed and len(rows) else None
        found.append(
            FoundWithLabels(
                given=len(rows),
                fooled=int((confidences >= settings.threshold).sum()) if record.revealed else None,
                median_confidence=None if known is None else float(np.median(known)),
            )
        )
        if len(rows):  # of an even number, the lower one of the two in the middle
            best[kind] = record.entries.images[rows[np.argsort(confidences, kind="stable")[(len(rows) - 1) // 2]]]
    return Measured(
        file=LabelsAlone(
            queries=queries,
            classes=len(classifier.targets),
            evolution=found[0],
            random_search=found[1],
            example=_example(classifier, "labels-alone", tuple(best), list(best.values())),
        ),
        pictures=tuple(best.values()),
    )


def _example(
    classifier: Classifier, attack: str, kinds: tuple[Kind, ...], images: list[NDArray[np.uint8]]
) -> tuple[ExampleImage, ...]:
    """Return the labels of ``images`` (C, H, W), one of each kind, and where they are written."""
    if not images:
        return ()
    labels, confidences = _labels_and_confidences(classifier, np.stack(images))
    return tuple(
        ExampleImage(kind=kind, class_index=int(label), confidence=float(share), file=f"images/{attack}/{kind}.png")
        for kind, label, share in zip(kinds, labels, confidences, strict=True)
    )


def _labels_and_confidences(
    classifier: Classifier, images: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the most probable class (B,) of stored ``images`` (B, C, H, W), and the confidence in it."""
    best = confidences_of(classifier.logits(torch.from_numpy(images))).max(dim=1)
    return best.indices.cpu().numpy(), best.values.cpu().numpy()
