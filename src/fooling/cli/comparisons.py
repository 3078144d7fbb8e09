"""Champions beside other images: distances to the nearest boundary, and one image of each way to fool a network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from fooling.ablation.probe_images import SMOOTH
from fooling.artifacts import kind_of, read_table, read_tables, write_table, write_tables
from fooling.attacks.adversarial.methods import beyond_boundary, norms_of
from fooling.attacks.adversarial.record import AdversarialRecord, load_adversarial
from fooling.attacks.evolution.record import RunRecord
from fooling.attacks.label_only.record import KIND as LABEL_ONLY
from fooling.attacks.label_only.record import LabelOnlyRecord, load_label_only
from fooling.attacks.record import AttackRecord, TargetedRecord, load_attack
from fooling.attacks.universal.record import KIND as UNIVERSAL
from fooling.attacks.universal.record import UniversalRecord, load_universal
from fooling.classifiers.classifier import Classifier, log_odds_of
from fooling.classifiers.gradients import LEVELS, Network
from fooling.classifiers.header import classifier_header
from fooling.cli._files import open_classifier, read_named_runs, scorer, single_file, table_files
from fooling.datasets.dataset import Dataset, load_dataset
from fooling.findings.boundary import BOUNDARY, KINDS, BoundarySettings, boundary_table
from fooling.findings.calibration import REAL
from fooling.findings.examination import KINDS_TABLE, FoolingImages, IndependentClassifier, kinds_table
from fooling.findings.far import RUBBISH
from fooling.findings.fooled import ComparedModelsSettings, compared_model
from fooling.findings.fooled_tables import FOOLED, FOOLED_SUMMARY, fooled_tables, in_short
from fooling.findings.random_images import FAMILIES_TABLE, FAMILY_IMAGES, pictures_in
from fooling.inputs import digest_of
from fooling.messages import FoolingError, say
from fooling.settings import read_settings

PANEL = "Findings"

GRADIENT = 3  # evaluations: one for the forward pass, two for the backward pass

#: Methods whose changed images stand for adversarial examples, the first one that a record has.
SHOWN_METHODS = ("deepfool", "l-bfgs", "hop-skip-jump", "pgd-l2", "pgd-linf", "fgsm")


def probe_boundary(
    classifiers: list[Path],
    *,
    dataset: Path,
    runs: list[str] | None = None,
    settings: str = "{}",
    output: Path,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Measure how far champions lie from the nearest decision boundary.

    Beside them are the best images of the random starts, and correctly classified test images. All are moved by
    DeepFool until their label changes, so the networks need gradients.

    Args:
        classifiers: Classifier files of networks for the images of one data set.
        dataset: Data set file whose test images are measured.
        runs: A run of evolution on one of these networks, as experiment=path; once for each.
        settings: Number of images, overshoot and seed, as JSON or a YAML file.
        output: Table of the distances to write.
    """
    checked = read_settings(BoundarySettings, settings)
    data, records = load_dataset(dataset), read_named_runs(runs or [])
    by_digest = {digest_of(path): path for path in classifiers}
    _require_runs_on(records, by_digest)
    tables = []
    for sha256, path in by_digest.items():
        network = open_classifier(path, device=device, architecture=architecture)
        of_network = {
            experiment: those
            for experiment, all_runs in records.items()
            if (those := [run for run in all_runs if run.classifier["sha256"] == sha256])
        }
        tables.append(_boundary(network, of_network, data, checked))
    table = pd.concat([part for part in tables if len(part)] or tables[:1], ignore_index=True)
    write_table(output, table, BOUNDARY)
    medians = table.groupby("kind")["distance"].median()
    found = ", ".join(f"{kind} {medians[kind]:.3f}" for kind in KINDS if kind in medians)
    say(f"median distance to the nearest boundary: {found or 'no images'}; written to {output}")


def _boundary(
    classifier: Classifier, runs: Mapping[str, Sequence[RunRecord]], dataset: Dataset, settings: BoundarySettings
) -> pd.DataFrame:
    """Return the rows of one classifier."""
    network = Network(classifier)
    if classifier.input_shape != dataset.image_shape or classifier.targets != dataset.class_names:
        raise FoolingError(
            f"the network {classifier.name} does not fit the data set {dataset.name}",
            found=dataset.summary,
            expected=f"images of {'x'.join(map(str, classifier.input_shape))}, {len(classifier.targets)} classes",
            remedy="name the data set on which the network was trained or tested",
        )

    def scored(images: NDArray[np.uint8]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = log_odds_of(classifier.logits(torch.from_numpy(images))).cpu().numpy()
        return found

    def measure(images: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
        real = images / LEVELS
        moved = beyond_boundary(network, real, overshoot=settings.overshoot)
        before, after = network.final_labels(real), network.final_labels(moved.images)
        distances = np.where(after == before, np.nan, norms_of(moved.images - real)[:, 2])
        return distances, after, moved.evaluations

    return boundary_table(runs, dataset, classifier=classifier.name, scored=scored, measure=measure, settings=settings)


def _require_runs_on(runs: Mapping[str, Sequence[RunRecord]], classifiers: Mapping[str, Path]) -> None:
    """Raise :class:`FoolingError` for a run on a classifier that is not among these, by the digests of their files."""
    others = {
        str(run.classifier["name"])
        for those in runs.values()
        for run in those
        if run.classifier["sha256"] not in classifiers
    }
    if others:
        raise FoolingError(
            "some runs are not on these networks",
            found=f"runs on {', '.join(sorted(others))}",
            expected=f"runs on {', '.join(map(str, classifiers.values()))}",
            remedy="make the runs again, or give the file of that network too",
        )


def compare_kinds(
    classifier: Path,
    *,
    other: Path | None = None,
    runs: list[str] | None = None,
    ascents: list[Path] | None = None,
    examples: list[Path] | None = None,
    tables: list[str] | None = None,
    output: Path,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Collect one image for each way to fool a network, and show them to another network.

    Args:
        classifier: Classifier file of the network that is fooled.
        other: Classifier file of another network with the same classes.
        runs: A run of evolution on the network, as experiment=path; once for each encoding.
        ascents: File of a gradient ascent on the network.
        examples: File of another attack on the network: adversarial examples, universal perturbations, or images found
            with labels alone; once for each.
        tables: The tables `families` and `family_images` of the network, as name=path.
        output: Table of the images to write.
    """
    header, sha256 = classifier_header(classifier), digest_of(classifier)
    given = table_files(tables or [], FAMILIES_TABLE, FAMILY_IMAGES)
    evolved, climbed = read_named_runs(runs or []), [load_attack(path) for path in ascents or []]
    others = [(kind_of(path), path) for path in examples or []]
    labelled = [load_label_only(path) for kind, path in others if kind == LABEL_ONLY]
    universal = [load_universal(path) for kind, path in others if kind == UNIVERSAL]
    changed = [load_adversarial(path) for kind, path in others if kind not in (LABEL_ONLY, UNIVERSAL)]
    every: list[AttackRecord] = [run for those in evolved.values() for run in those]
    every += [*climbed, *labelled, *changed, *universal]
    if strangers := sorted({str(each.classifier["name"]) for each in every if each.classifier["sha256"] != sha256}):
        found = f"images made on {', '.join(strangers)}"
        raise FoolingError(f"some images were not made on {classifier}", found=found, remedy="make them again")
    images = [_of_run(run, experiment) for experiment, those in evolved.items() for run in those]
    images += [*map(_of_ascent, climbed), *map(_of_labels_alone, labelled)]
    images += [*map(_of_adversarial, changed), *map(_of_universal, universal)]
    if given[FAMILIES_TABLE.name] and given[FAMILY_IMAGES.name]:
        best, pictures = (
            read_table(single_file(given[each.name], each), each) for each in (FAMILIES_TABLE, FAMILY_IMAGES)
        )
        _require_same_images(best, pictures, classifier=header["name"], classes=len(header["class_names"]))
        images += _of_families(best, pictures)
    shown_to = None
    if other is not None:
        network = open_classifier(other, device=device, architecture=architecture)
        if network.class_names != tuple(header["class_names"]):
            expected = ", ".join(header["class_names"])
            raise FoolingError(
                f"{other} has other classes", found=", ".join(network.class_names), expected=expected,
                remedy="name a network for the same classes with --other",
            )  # fmt: skip
        shown_to = IndependentClassifier(name=network.name, confidences=scorer(network))
    table = kinds_table(images, classifier=header["name"], class_names=header["class_names"], other=shown_to)
    write_table(output, table, KINDS_TABLE)
    shared = "" if shown_to is None else f", {table['transfers'].sum()} of them also fool {shown_to.name}"
    say(f"{header['name']}: {len(table)} ways to fool it{shared}; written to {output}")


def _require_same_images(best: pd.DataFrame, pictures: pd.DataFrame, *, classifier: str, classes: int) -> None:
    """Raise :class:`FoolingError` unless both tables are of the random images shown to this classifier."""
    keys = ["classifier", "family", "class_index"]
    known = set(map(tuple, best[keys].to_numpy().tolist()))
    named = {*best["classifier"], *pictures["classifier"]}
    if (
        named != {classifier}
        or best["class_index"].max() >= classes
        or not known.issuperset(map(tuple, pictures[keys].to_numpy().tolist()))
    ):
        raise FoolingError(
            "the tables families and family_images are not of the same images",
            found=f"images shown to {', '.join(sorted(named))}",
            expected=f"images of the {classes} classes of {classifier}, with a row in families for each picture",
            remedy="make both tables again",
        )


def _of_run(run: RunRecord, experiment: str) -> FoolingImages:
    """Return the champions of a run of evolution."""
    return FoolingImages(
        kind=f"{run.encoding}-champion",
        source=experiment,
        images=run.images,
        classes=np.arange(len(run.class_names)),
        confidences=run.confidences,
        log_odds=run.log_odds,
        evaluations=run.individuals + 1,
    )


def _of_ascent(record: TargetedRecord) -> FoolingImages:
    """Return the images of a gradient ascent."""
    return FoolingImages(
        kind="gradient-ascent",
        source=record.name,
        images=record.images,
        classes=record.classes,
        confidences=record.confidences,
        log_odds=record.log_odds,
        evaluations=np.full(len(record.images), record.trajectory.evaluations[-1]),
    )


def _of_adversarial(record: AdversarialRecord) -> FoolingImages:
    """Return the stored images of one method that the classifier gets wrong."""
    columns = sorted(record.columns(), key=lambda each: SHOWN_METHODS.index(each[0].method))
    wrong = [rows.start + np.flatnonzero(record.labels[rows] != record.real.classes) for _, rows in columns]
    rows = next((each for each in wrong if len(each)), np.zeros(0, dtype=np.int64))
    return FoolingImages(
        kind="adversarial-example",
        source=record.name,
        images=record.images[rows],
        classes=record.labels[rows],
        confidences=record.confidences[rows],
        log_odds=record.log_odds[rows],
        evaluations=record.evaluations[rows],
        true_classes=np.tile(record.real.classes, len(columns))[rows],
    )


def _of_labels_alone(record: LabelOnlyRecord) -> FoolingImages:
    """Return the last champions of the search, if the classifier has confidences."""
    rows = record.rows if record.revealed else np.zeros(0, dtype=np.int64)
    return FoolingImages(
        kind="label-only-champion",
        source=record.name,
        images=record.entries.images[rows],
        classes=record.entries.class_index[rows],
        confidences=record.entries.confidences[rows],
        log_odds=record.entries.log_odds[rows],
        evaluations=record.entries.queries[rows],
    )


def _of_universal(record: UniversalRecord) -> FoolingImages:
    """Return the fooled examples of the linf perturbation of the compared size, found on the most images."""
    settings = record.settings
    of_size = [place for place, each in enumerate(record.columns) if each.round == 0 and each.norm == "linf"]
    of_size = [place for place in of_size if record.columns[place].size == settings["compared_size"]]
    place = max(of_size, key=lambda place: record.columns[place].images)
    examples, shown = record.examples_of(place), slice(0, len(record.real))
    true, before = record.unseen_classes[shown], record.unseen_labels[place, shown]
    fooled = np.flatnonzero((before == true) & (record.labels[examples] != true))
    rows = examples.start + fooled
    batch = min(settings["batch"], record.columns[place].images)
    return FoolingImages(
        kind="universal-perturbation",
        source=record.name,
        images=record.images[rows],
        classes=record.labels[rows],
        confidences=record.confidences[rows],
        log_odds=record.log_odds[rows],
        evaluations=np.full(len(rows), GRADIENT * settings["steps"] * batch),
        true_classes=true[fooled],
    )


def _of_families(best: pd.DataFrame, pictures: pd.DataFrame) -> Iterator[FoolingImages]:
    """Yield the images of the smooth family with the highest median log-odds; nothing without a smooth family."""
    smooth = best[best["family"].isin(SMOOTH)]
    if smooth.empty:
        return
    family = smooth.groupby("family", sort=False)["log_odds"].median().idxmax()
    shown = pictures_in(pictures[pictures["family"] == family])
    rows = smooth[(smooth["family"] == family)].set_index("class_index").loc[[index for _, index in shown]]
    yield FoolingImages(
        kind="smooth-random-image",
        source=str(family),
        images=np.stack(list(shown.values())),
        classes=rows.index.to_numpy(dtype=np.int64),
        confidences=rows["confidence"].to_numpy(dtype=np.float32),
        log_odds=rows["log_odds"].to_numpy(dtype=np.float64),
        evaluations=rows["image"].to_numpy(dtype=np.int64) + 1,
    )


def compare_models(
    classifiers: list[Path],
    *,
    runs: list[str],
    real: list[Path],
    rubbish: Path | None = None,
    settings: str = "{}",
    output: Path,
    summary: Path,
) -> None:
    """Compare who is fooled: champions beside the real test images of their own model.

    A champion fools a model if its log-odds exceed the median of the correctly classified real images, over all
    classes. A model that resists these searches with this budget is not shown to be safe.

    Args:
        classifiers: Classifier files, of any kind of model.
        runs: A run of evolution or random search on one of them, as experiment=path; once for each.
        real: Table of the real test images of a classifier, from `calibrate`; once for each classifier.
        rubbish: Table of random inputs, from `probe-far`, for its share of them.
        output: Table of the classifiers to write.
        summary: Table of means over classifiers of one kind to write.
    """
    checked, images = read_settings(ComparedModelsSettings, settings), read_tables(real, REAL)
    models = [compared_model(classifier_header(path), images, sha256=digest_of(path)) for path in classifiers]
    inputs = None if rubbish is None else read_table(rubbish, RUBBISH)
    table, means = fooled_tables(models, read_named_runs(runs), inputs, checked)
    write_tables((output, table, FOOLED), (summary, means, FOOLED_SUMMARY))
    say(f"{in_short(means)}; written to {output}")
