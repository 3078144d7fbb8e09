"""Tables of attacks: adversarial examples, universal perturbations, labels alone, and detectors under attack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from fooling.artifacts import write_tables
from fooling.attacks.adversarial.record import load_adversarial
from fooling.attacks.evolution.record import load_run
from fooling.attacks.label_only.record import load_label_only
from fooling.attacks.record import load_attack
from fooling.attacks.universal.record import load_universal
from fooling.attacks.universal.run import labels_of
from fooling.classifiers.classifier import Classifier, confidences_of, log_odds_of
from fooling.classifiers.guarding import scores_of
from fooling.classifiers.wrapped import kind_of_scores
from fooling.cli._files import named_paths, open_classifier
from fooling.datasets.dataset import load_dataset
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
from fooling.findings.detectors import (
    DETECTOR_IMAGES,
    DETECTOR_MEANS,
    DETECTORS,
    NONE,
    Attacked,
    DetectorTableSettings,
    detector_tables,
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
from fooling.inputs import digest_of
from fooling.messages import FoolingError, say, share_percent
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
        sees=classifier.seen_pixels,
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


def measure_detectors(
    classifiers: list[str],
    *,
    evolution: list[str],
    random_search: list[str],
    smooth: list[str] | None = None,
    ascent: list[str],
    settings: str = "{}",
    detectors: Path,
    means: Path,
    images: Path,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Tabulate what remains of detectors under attacks that know them, beside images that were found without them.

    Every network is given with each of its detectors, and without one as the detector `none`.

    Args:
        classifiers: Classifier files as guards/classifier/detector=path: the names of the entry in the study, of the
            network and of the detector, and the file of `guard-classifier`, or that of the network itself for `none`.
        evolution: Runs of evolution on these classifiers, as guards/classifier/detector=path; the option once for each.
        random_search: Their controls with random search.
        smooth: Runs of evolution on the smooth versions; none for `none`.
        ascent: Gradient ascents on the smooth versions, and on the network itself for `none`.
        detectors: Table of the detectors of each network to write.
        means: Table of the means over the networks to write.
        images: Table of the best accepted images to write.
    """
    checked = read_settings(DetectorTableSettings, settings)
    files = {
        name: _one_each(values, option=f"--{name.replace('_', '-')}" if name else "classifiers")
        for name, values in (
            ("", classifiers),
            ("evolution", evolution),
            ("random_search", random_search),
            ("smooth", smooth or []),
            ("ascent", ascent),
        )
    }
    attacked = []
    for name, path in files[""].items():
        named = name.split("/")
        if len(named) != 3:
            expected = "guards/classifier/detector, such as guards/lenet-a/energy"
            raise FoolingError("a classifier has an invalid name", found=name, expected=expected)
        needed = [kind for kind in ("evolution", "random_search", "smooth", "ascent") if kind != "smooth"]
        if named[2] != NONE:
            needed.append("smooth")
        if missing := [kind for kind in needed if name not in files[kind]]:
            option = f"--{missing[0].replace('_', '-')}"
            raise FoolingError(
                f"an attack on {name} is missing, and a detector is reported only with all of them",
                found=f"no {option} {name}=path",
                remedy=f"run the attack, and give its file with {option}",
            )
        network = open_classifier(path, device=device, architecture=architecture)
        attacked.append(_attacked(network, named, {kind: files[kind][name] for kind in needed}))
    table, summary, pictures = detector_tables(attacked, checked)
    write_tables((detectors, table, DETECTORS), (means, summary, DETECTOR_MEANS), (images, pictures, DETECTOR_IMAGES))
    found = ", ".join(
        f"{row['detector']} {share_percent(row['adaptive_sure'])} (static {share_percent(row['static_sure'])})"
        for row in summary[summary["detector"] != NONE].to_dict("records")
    )
    say(f"classes at {share_percent(checked.threshold)} under attack: {found}; written to {detectors}")


def _one_each(values: Sequence[str], *, option: str) -> dict[str, Path]:
    """Return the path of each name."""
    named = named_paths(values, option=option, example="guards/lenet-a/energy=some/file.safetensors")
    if repeated := [name for name, paths in named.items() if len(paths) > 1]:
        raise FoolingError(f"{option} names {repeated[0]} more than once", expected="one file for each name")
    return {name: paths[0] for name, paths in named.items()}


def _attacked(network: Classifier, named: Sequence[str], files: Mapping[str, Path]) -> Attacked:
    """Return a network with its detector, or with none, and the attacks on both."""
    guards, classifier, detector = named
    guard = network.provenance.get("guard")
    if (detector == NONE) != (guard is None):
        raise FoolingError(
            f"{network.name} is not the classifier {'/'.join(named)}",
            found="no detector" if guard is None else "a detector",
            remedy=f"give the file of `guard-classifier`, or name the detector {NONE}",
        )

    def confidences(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = network.confidences(torch.from_numpy(images)).cpu().numpy()
        return found[:, : len(network.targets)]

    return Attacked(
        guards=guards,
        classifier=classifier,
        detector=detector,
        guard=guard,
        measured_images=None if guard is None else int(network.provenance["test_images"]),
        confidences=confidences,
        scores=None if guard is None else lambda images: scores_of(network, images),
        evolution=load_run(files["evolution"]),
        random_search=load_run(files["random_search"]),
        smooth=load_run(files["smooth"]) if "smooth" in files else None,
        ascent=load_attack(files["ascent"]),
    )
