"""Run every search of an audit against one classifier, and collect what it found.

noise, random CPPNs        single images
random search, evolution   the same budget, with both encodings
gradient ascent            the same budget, if the network has gradients
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from fooling.artifacts import write_folder
from fooling.attacks.ascent.run import EVALUATIONS_OF_STEP, GradientAscent
from fooling.attacks.attack import AttackRun, identity_of
from fooling.attacks.evolution.record import RunRecord
from fooling.attacks.evolution.run import Evolution
from fooling.attacks.evolution.screening import IMAGES as MEASURED
from fooling.attacks.evolution.searches import RandomSearch
from fooling.attacks.record import AttackRecord, TargetedRecord
from fooling.attacks.settings import AscentSettings, EvolutionSettings, SearchSettings
from fooling.auditing.further_attacks import FurtherAttacks
from fooling.auditing.real_images import (
    OtherPreprocessing,
    RealImages,
    RealResult,
    better_preprocessing,
    measured,
)
from fooling.auditing.settings import OFFSPRING, AuditSettings
from fooling.classifiers.architectures import names_a_file
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.gradients import has_gradients
from fooling.classifiers.probe import remarks_on
from fooling.classifiers.wrapped import Scores, kind_of_scores
from fooling.encodings.settings import CppnSettings, DirectSettings, encoding_for
from fooling.images import noise_images
from fooling.messages import share_percent
from fooling.reproducibility import derived_seed
from fooling.schemas import Header
from fooling.settings import SeedRange

ENCODINGS: dict[str, CppnSettings | DirectSettings] = {"cppn": CppnSettings(), "direct": DirectSettings()}
NAMES = {"cppn": "CPPN", "direct": "direct"}
SINGLE = {"cppn": "random CPPN images", "direct": "noise images"}
#: Steps that gradient ascent takes with an image at least; with a small budget it aims at fewer classes.
LEAST_STEPS, MOST_STEPS = 100, 500
#: Levels by which a step of Adam changes a pixel, about. Two LeNets had all classes at 99.99 % within 130 steps with 10
#: and 20, but not with 5; the paper's step rule needs more steps on one of them.
LEARNING_RATE = 10.0


class SingleImages(Header):
    """Random images that were scored once, without any search."""

    kind: str
    """Noise images or random CPPN images."""
    images: int
    """Number of images."""
    median_confidence: float
    """Median over the images of the highest confidence in any class."""
    fooling: int
    """Images whose confidence in any class reaches the threshold."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchResult:
    """The best image of every class that one search found, and how its confidence rose."""

    name: str
    """Short name, such as ``evolution-cppn``."""
    title: str
    control: str
    """Name of the search with the same encoding and budget but without evolution; empty for a control."""
    classes: NDArray[np.int64]  # (B,) index of the class of each image
    images: NDArray[np.uint8]  # (B, C, H, W)
    confidences: NDArray[np.float32]  # (B,)
    log_odds: NDArray[np.float64]  # (B,)
    evaluations: NDArray[np.int64]  # (T,) images scored, over all classes
    history: NDArray[np.float32]  # (T, B) confidences at these

    @property
    def is_control(self) -> bool:
        """Whether it is random search, with which evolution is compared."""
        return self.name.startswith(RandomSearch.name)

    def fooled(self, threshold: float) -> int:
        """Return the number of classes with an image at or above ``threshold``."""
        return int((self.confidences.astype(np.float64) >= threshold).sum())

    def first(self, threshold: float) -> int | None:
        """Return after how many evaluations the first class was at or above ``threshold``; None: never."""
        there = (self.history.astype(np.float64) >= threshold).any(axis=1)
        return int(self.evaluations[int(there.argmax())]) if there.any() else None


@dataclass(frozen=True, kw_only=True)
class Search:
    """A search that an audit is to run."""

    name: str
    title: str
    control: str
    unit: str
    run: Callable[[], AttackRun] = field(repr=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class AuditResult:
    """What an audit found about one network."""

    name: str
    class_names: tuple[str, ...]
    input_shape: tuple[int, int, int]
    scores: Scores
    """What the network gives for an image."""
    settings: AuditSettings
    single: tuple[SingleImages, ...]
    searches: tuple[SearchResult, ...]
    real: RealResult | None
    """What the network does with test images; None if there were none."""
    other_preprocessing: OtherPreprocessing | None
    """A usual preprocessing that is clearly better on the test images; None if there is none, or no test images."""
    further: FurtherAttacks
    """What was tried besides the searches: small changes of real images, and labels alone."""
    remarks: tuple[str, ...]
    """What is suspicious about the network, such as missing gradients."""
    provenance: dict[str, Any]
    """Where the network comes from, and the versions of the packages that decide the result."""

    def __repr__(self) -> str:
        """Return the main result in sentences, as a notebook shows it."""
        return "\n".join([*self.remarks, *self.sentences()])

    def search(self, name: str) -> SearchResult:
        """Return the search of this name; raise ``KeyError`` if it was not run."""
        return {found.name: found for found in self.searches}[name]

    def sentences(self) -> list[str]:
        """Return the main result: one sentence for each search that is no control, the most successful first.

        The last sentences are about the attacks besides the searches.
        """
        main = [found for found in self.searches if not found.is_control]
        main.sort(key=lambda found: -found.fooled(self.settings.threshold))
        return [*(self._sentence(found) for found in main), *self.further.sentences(self.settings.threshold)]

    def save(self, folder: str | Path, *, export: Literal["imagefolder", "list"] | None = None) -> None:
        """Write the audit as a folder: a page, ``audit.json`` and the images; an older audit there is replaced.

        Args:
            folder: The folder.
            export: Write the champions also for other programs, to ``export/``: with a subfolder for each class as
                torchvision's ``ImageFolder`` reads it, or with ``list.txt`` as well, as OpenOOD reads it.

        Raises:
            FoolingError: The folder holds anything but an earlier audit, or cannot be written.
        """
        # Imported here because the page is drawn only if it is written.
        from fooling.auditing.saving import files_of, require_replaceable

        require_replaceable(Path(folder))
        write_folder(Path(folder), files_of(self, export=export))

    def _sentence(self, found: SearchResult) -> str:
        threshold, classes = self.settings.threshold, len(found.classes)
        reached = "given as a label" if self.scores == "label" else f"at {100 * threshold:g} % or more"
        sentence = f"{found.title}: {found.fooled(threshold):,} of {classes:,} classes {reached}"
        if (first := found.first(threshold)) is not None:
            sentence += f", the first after {first:,} evaluations"
        if found.control:
            control = self.search(found.control)
            sentence += f"; random search with the same budget: {control.fooled(threshold):,} of {classes:,}"
        return f"{sentence}."


def planned(
    classifier: Classifier, settings: AuditSettings, *, real: RealImages | None = None, sha256: str = ""
) -> list[Search]:
    """Return the searches of an audit in their order.

    Args:
        classifier: The classifier to fool.
        settings: Budget, seed and precision.
        real: Test images, which ``precision: screened`` measures the error of bfloat16 on; None: noise instead.
        sha256: Digest of what defines the classifier, for the records.
    """
    shown = noise_images(classifier.input_shape, MEASURED) if real is None else real.images
    return [*_searches(classifier, settings, sha256, shown), *_ascent(classifier, settings, sha256)]


def result_of(search: Search, record: AttackRecord) -> SearchResult:
    """Return what the finished ``search`` found, from its record."""
    if isinstance(record, RunRecord):
        classes, history = np.arange(len(record.class_names)), record.history
        evaluations, confidences = history.evaluations, history.confidences
    else:
        assert isinstance(record, TargetedRecord)
        classes, trajectory = record.classes, record.trajectory
        evaluations, confidences = trajectory.evaluations * len(classes), trajectory.confidences
    return SearchResult(
        name=search.name,
        title=search.title,
        control=search.control,
        classes=classes,
        images=record.images,
        confidences=record.confidences,
        log_odds=record.log_odds,
        evaluations=evaluations,
        history=confidences,
    )


def single_images(classifier: Classifier, settings: AuditSettings) -> tuple[SingleImages, ...]:
    """Score random images of both encodings once; those of the direct encoding are uniform noise."""
    return tuple(_scored_once(kind, classifier, settings) for kind in ENCODINGS)


def completed(
    classifier: Classifier,
    settings: AuditSettings,
    *,
    searches: Sequence[SearchResult],
    further: FurtherAttacks,
    real: RealImages | None = None,
    provenance: dict[str, Any] | None = None,
) -> AuditResult:
    """Return the result of an audit: of its ``searches`` and ``further`` attacks, and with ``real`` images if any."""
    scores = kind_of_scores(classifier)
    is_label = scores == "label"  # any image has one, so that single images say nothing
    result = None if real is None else measured(classifier, real, searches, threshold=settings.threshold)
    other = None if real is None else better_preprocessing(classifier, real, seed=settings.seed)
    return AuditResult(
        name=classifier.name,
        class_names=classifier.targets,
        input_shape=classifier.input_shape,
        scores=scores,
        settings=settings,
        single=() if is_label else single_images(classifier, settings),
        searches=tuple(searches),
        real=result,
        other_preprocessing=other,
        further=further,
        remarks=() if is_label else tuple(_remarks(classifier, real, result, other)),
        provenance=provenance or {},
    )


def _remarks(
    classifier: Classifier, real: RealImages | None, result: RealResult | None, other: OtherPreprocessing | None
) -> Iterator[str]:
    """Yield what is suspicious about the network: its weights, scores, gradients, test error and preprocessing."""
    if classifier.provenance.get("weights") == {} and names_a_file(classifier.provenance["target"]):
        yield (
            f"{classifier.name}: no weights were given, so the network has those that its code sets. They are random "
            "unless the code loads some. --weights FILE gives it trained ones"
        )
    known = {} if result is None else {"test_error": result.error}
    noise, labels = torch.from_numpy(noise_images(classifier.input_shape)), None if real is None else real.labels
    yield from remarks_on(dataclasses.replace(classifier, provenance=known), noise, test_labels=labels)
    if other is not None:
        yield (
            f"{classifier.name}: another usual preprocessing does clearly better, {other.name}: a test error of "
            f"{share_percent(other.error)} instead of {share_percent(other.error_as_given)} on the same "
            f"{other.images} test images (exact McNemar test, p = {other.p_value:.1g}). Try {other.options}"
        )


def _searches(
    classifier: Classifier, settings: AuditSettings, sha256: str, shown: NDArray[np.uint8]
) -> Iterator[Search]:
    budget = SearchSettings(start=OFFSPRING, offspring=OFFSPRING, generations=settings.generations)
    for kind, encoding in ENCODINGS.items():
        # Nearly every child of the direct encoding could beat a champion, so that screening takes longer than it saves.
        precision = "float32" if (settings.precision, kind) == ("screened", "direct") else settings.precision
        attack = Evolution(
            settings=EvolutionSettings(encoding=encoding, search=budget, precision=precision),
            classifier=classifier,
            identity=identity_of(classifier, name=f"evolution-{kind}", sha256=sha256),
            real=shown,
        )
        for control in (RandomSearch.name, ""):
            yield Search(
                name=f"{control or 'evolution'}-{kind}",
                title=f"{'Random search' if control else 'Evolution'} ({NAMES[kind]} encoding)",
                control="" if control else f"{RandomSearch.name}-{kind}",
                unit=Evolution.unit,
                run=_run_of(attack, settings.seed, control),
            )


def _run_of(attack: Evolution, seed: int, control: str) -> Callable[[], AttackRun]:
    return lambda: attack.run(seed, control=control)


def _ascent(classifier: Classifier, settings: AuditSettings, sha256: str) -> Iterator[Search]:
    if not has_gradients(classifier):
        return
    steps_in_all = settings.budget // EVALUATIONS_OF_STEP
    classes = max(1, min(len(classifier.targets), steps_in_all // LEAST_STEPS))
    ascent = GradientAscent(
        settings=AscentSettings(
            seeds=SeedRange(first=settings.seed, count=1),
            classes=classes,
            method="adam",
            learning_rate=LEARNING_RATE,
            steps=max(1, min(MOST_STEPS, steps_in_all // classes)),
        ),
        classifier=classifier,
        identity=identity_of(classifier, name="ascent", sha256=sha256),
    )
    yield Search(
        name="ascent",
        title="Gradient ascent (Adam)",
        control="",
        unit=GradientAscent.unit,
        run=lambda: ascent.run(None),
    )


def _scored_once(kind: str, classifier: Classifier, settings: AuditSettings) -> SingleImages:
    encoding = encoding_for(ENCODINGS[kind], image_shape=classifier.input_shape, device=classifier.device)
    generator = torch.Generator(classifier.device).manual_seed(derived_seed(settings.seed, "audit", kind))
    tops: list[torch.Tensor] = []
    for start in range(0, settings.single_images, OFFSPRING):
        count = min(OFFSPRING, settings.single_images - start)
        images = encoding.render(encoding.random(count, generator))
        confidences = classifier.confidences(images)[:, : len(classifier.targets)]
        tops.append(confidences.amax(dim=1).double().cpu())
    top = torch.cat(tops)
    return SingleImages(
        kind=SINGLE[kind],
        images=len(top),
        median_confidence=float(top.median()),
        fooling=int((top >= settings.threshold).sum()),
    )
