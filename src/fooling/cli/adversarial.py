"""Tables of adversarial examples and their transfer, and distances of champions to the nearest boundary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from fooling.artifacts import write_table, write_tables
from fooling.attacks.adversarial.methods import beyond_boundary
from fooling.attacks.adversarial.network import LEVELS, Network
from fooling.attacks.adversarial.noise import norms_of
from fooling.attacks.adversarial.record import load_adversarial
from fooling.attacks.evolution.record import RunRecord
from fooling.classifiers.classifier import Classifier, log_odds_of
from fooling.cli._files import open_classifier, read_named_runs
from fooling.datasets.dataset import Dataset, load_dataset
from fooling.errors import FoolingError
from fooling.findings.adversarial import (
    ADVERSARIAL,
    ADVERSARIAL_MEANS,
    ADVERSARIAL_TRANSFER,
    METHOD,
    Target,
    adversarial_table,
    means_table,
    transfer_table,
)
from fooling.findings.boundary import BOUNDARY, KINDS, BoundarySettings, boundary_table
from fooling.findings.intervals import IntervalSettings
from fooling.formatting import share_percent
from fooling.inputs import digest_of
from fooling.progress import say
from fooling.settings import read_settings

PANEL = "Findings"


def tabulate_adversarial(
    attacks: list[Path],
    *,
    classifiers: list[Path],
    settings: str = "{}",
    images: Path,
    means: Path,
    transfer: Path,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Tabulate adversarial examples, and show them to other classifiers.

    Args:
        attacks: Files that `attack adversarial` wrote.
        classifiers: Classifier files to which the images are shown; the option once for each. A classifier is shown
            the images that were made on others of its data set.
        images: Table of the changed images to write.
        means: Table of their means over the classifiers to write.
        transfer: Table of the images that other classifiers misclassify as well to write.
    """
    checked = read_settings(IntervalSettings, settings)
    records = [load_adversarial(path) for path in attacks]
    targets = [_target(open_classifier(path, device=device, architecture=architecture)) for path in classifiers]
    table = adversarial_table(records)
    summary = means_table(table, settings=checked)
    shown = transfer_table(records, targets, settings=checked)
    write_tables(
        (images, table, ADVERSARIAL), (means, summary, ADVERSARIAL_MEANS), (transfer, shown, ADVERSARIAL_TRANSFER)
    )
    best = summary[summary["change"] == METHOD].groupby("attack")["unrounded_misclassified"].max()
    found = ", ".join(f"{name} {share_percent(share)}" for name, share in best.items())
    say(f"images misclassified by the most successful method: {found}; written to {means}")


def _target(classifier: Classifier) -> Target:
    """Return the classifier as one that is shown images."""

    def labels(images: NDArray[np.uint8]) -> NDArray[np.int64]:
        found: NDArray[np.int64] = classifier.logits(torch.from_numpy(images)).argmax(dim=1).cpu().numpy()
        return found

    return Target(
        name=classifier.name,
        architecture=classifier.architecture,
        dataset=str(classifier.provenance.get("dataset", {}).get("name", "")),
        labels=labels,
        training=classifier.provenance.get("settings", {}).get("training"),
    )


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
