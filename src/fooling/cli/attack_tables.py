"""Tables of attacks: adversarial examples, universal perturbations, and images found with labels alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from fooling.artifacts import read_table, read_tables, write_tables
from fooling.attacks.adversarial.record import load_adversarial
from fooling.attacks.evolution.record import load_run
from fooling.attacks.label_only.record import load_label_only
from fooling.attacks.universal.record import load_universal
from fooling.attacks.universal.steps import labels_of, seen_pixels
from fooling.classifiers.classifier import Classifier, confidences_of, log_odds_of
from fooling.classifiers.header import classifier_header
from fooling.classifiers.wrapped import kind_of_scores
from fooling.cli._files import named_paths, open_classifier
from fooling.datasets.dataset import load_dataset
from fooling.errors import FoolingError
from fooling.findings import universal
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
from fooling.findings.calibration import REAL, calibrate_on
from fooling.findings.hardening import (
    HARDENED,
    HARDENING,
    HardeningSettings,
    champions_of_chains,
    hardened_networks,
    hardened_table,
    hardening_table,
)
from fooling.findings.intervals import IntervalSettings
from fooling.findings.label_only import (
    LABEL_ONLY,
    LABEL_ONLY_CURVES,
    LABEL_ONLY_TRANSFER,
    Answers,
    Shown,
    curves_table,
    label_only_table,
)
from fooling.findings.label_only import transfer_table as transfer_of_labels
from fooling.findings.retraining import RETRAINED
from fooling.findings.runs import CHAMPIONS
from fooling.inputs import digest_of
from fooling.messages import percent, say, share_percent
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


def tabulate_universal(
    attacks: list[Path],
    *,
    classifiers: list[Path],
    datasets: list[Path],
    settings: str = "{}",
    perturbations: Path,
    means: Path,
    labels: Path,
    transfer: Path,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Tabulate universal perturbations, and show images with them to other classifiers.

    Args:
        attacks: Files that `attack universal` wrote.
        classifiers: Classifier files to which the images are shown; the option once for each. A classifier is shown
            the perturbations that were found on others of its data set.
        datasets: Data set files of these attacks; the option once for each.
        perturbations: Table of the perturbations to write, one row for each.
        means: Table of their means over the classifiers to write.
        labels: Table of the labels that fooled images get to write.
        transfer: Table of the images that they fool on other classifiers to write.
    """
    checked = read_settings(IntervalSettings, settings)
    records = [load_universal(path) for path in attacks]
    images = {digest_of(path): load_dataset(path).test_images for path in datasets}
    targets = [_shown(open_classifier(path, device=device, architecture=architecture)) for path in classifiers]
    table = universal.universal_table(records)
    summary = universal.means_table(table, settings=checked)
    write_tables(
        (perturbations, table, universal.UNIVERSAL),
        (means, summary, universal.UNIVERSAL_MEANS),
        (labels, universal.labels_table(records), universal.UNIVERSAL_LABELS),
        (
            transfer,
            universal.transfer_table(records, targets, images, settings=checked),
            universal.UNIVERSAL_TRANSFER,
        ),
    )
    plain = summary[summary["round"] == 0]
    best = plain.loc[plain.groupby("attack")["unseen"].idxmax()]
    found = ", ".join(
        f"{row['attack']} {share_percent(row['unseen'])} ({row['norm']} {row['size']:g}; random perturbations "
        f"{share_percent(row['random'])})"
        for row in best.to_dict("records")
    )
    say(f"unseen images fooled by the most successful perturbation: {found}; written to {means}")


def _shown(classifier: Classifier) -> universal.Shown:
    """Return the classifier as one that is shown images with perturbations."""
    return universal.Shown(
        name=classifier.name,
        architecture=classifier.architecture,
        dataset=str(classifier.provenance.get("dataset", {}).get("name", "")),
        sees=seen_pixels(classifier),
        labels=lambda images: labels_of(classifier, images),
    )


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


def tabulate_label_only(
    attacks: list[Path],
    *,
    own: list[str] | None = None,
    classifiers: list[Path] | None = None,
    settings: str = "{}",
    images: Path,
    curves: Path,
    transfer: Path,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Tabulate attacks with labels alone, and show the champions of other networks to the same classifiers.

    Args:
        attacks: Files that `attack label-only` wrote.
        own: A run of evolution on another network, as attack=path, with the name of the attack in the study; give the
            option once for each. Runs on the attacked classifier itself are left out.
        classifiers: Classifier files of the attacked networks; the option once for each. Needed with `own`.
        images: Table of the champions of each run to write.
        curves: Table of the course of each run to write.
        transfer: Table of the champions of other networks, beside the attack on the classifier itself, to write.
    """
    checked = read_settings(IntervalSettings, settings)
    records = [load_label_only(path) for path in attacks]
    named = named_paths(own or [], option="--own", example="labels=some/seed1.safetensors")
    runs = {name: [load_run(path) for path in paths] for name, paths in named.items()}
    opened = [open_classifier(path, device=device, architecture=architecture) for path in classifiers or []]
    shown = {classifier.name: _shown_with_scores(classifier) for classifier in opened}
    if missing := sorted({record.classifier["name"] for record in records if record.name in runs} - set(shown)):
        raise FoolingError(
            "an attacked classifier is missing, to which champions are to be shown",
            found=f"no file of {missing[0]}",
            remedy="give its file with --classifiers, or leave out --own",
        )
    table = label_only_table(records, runs, shown)
    pairs = transfer_of_labels(table, settings=checked)
    write_tables(
        (images, table, LABEL_ONLY),
        (curves, curves_table(records), LABEL_ONLY_CURVES),
        (transfer, pairs, LABEL_ONLY_TRANSFER),
    )
    spent = ", ".join(
        f"{search} {share_percent(share)}" for search, share in table.groupby("search")["label_correct"].mean().items()
    )
    say(f"classes with an image that gets their label: {spent}; written to {images}")


def _shown_with_scores(classifier: Classifier) -> Shown:
    """Return a function that shows images to a classifier, and returns confidences unless it gives labels alone."""

    def answers(images: NDArray[np.uint8]) -> Answers:
        logits = classifier.logits(torch.from_numpy(images))
        labels: NDArray[np.int64] = logits.argmax(dim=1).cpu().numpy()
        if kind_of_scores(classifier) == "label":
            return labels, None
        return labels, (confidences_of(logits).cpu().numpy(), log_odds_of(logits).cpu().numpy())

    return answers


def tabulate_hardening(
    classifiers: list[Path],
    *,
    champions: list[Path],
    real: list[Path],
    retrained: list[Path] | None = None,
    dataset: Path,
    settings: str = "{}",
    hardened: Path,
    hardening: Path,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Compare ways of training that may make a network harder to fool.

    Each network is compared with the plain one of the same seed: test error, fooling confidence after evolution against
    this very network, and the share of the champions that remain if every network refuses equally many real images.

    Args:
        classifiers: Classifier files: hardened and plain networks, and the last networks of chains of retraining.
        champions: Tables of the champions of experiments on these networks; the option once for each.
        real: Tables of the real test images, from `calibrate`; the option once for each of the networks. Images are
            scored again for a network without one.
        retrained: Tables of the champions of retrainings; the option once for each.
        settings: Which experiments belong together, the threshold and the share refused: JSON or a YAML file.
        hardened: Table with a row for each network to write.
        hardening: Table of their means to write.
    """
    checked = read_settings(HardeningSettings, settings)
    networks = hardened_networks([classifier_header(path) for path in classifiers])
    found = [read_table(path, CHAMPIONS) for path in champions]
    found += [champions_of_chains(read_table(path, RETRAINED)) for path in retrained or []]
    scored = read_tables(real, REAL) if real else pd.DataFrame(columns=REAL.names)
    data, parts = load_dataset(dataset), [scored]
    for network, path in zip(networks, classifiers, strict=True):
        if network.name not in set(scored["classifier"]):
            opened = open_classifier(path, device=device, architecture=architecture)
            logits = opened.logits(torch.from_numpy(data.test_images)).cpu().numpy()
            parts.append(calibrate_on(logits, data.test_labels, classifier=network.name, settings=checked)[1])
    single = hardened_table(networks, pd.concat(found), pd.concat(parts), checked)
    means = hardening_table(single, confidence_level=checked.confidence_level)
    write_tables((hardened, single, HARDENED), (hardening, means, HARDENING))
    evolved = means[means["search"] == "map-elites"].to_dict("records")
    medians = "; ".join(f"{row['experiment']}, {row['way']}: {percent(row['median'])}" for row in evolved)
    say(f"median confidence of the champions: {medians}; written to {hardening}")
