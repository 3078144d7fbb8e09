"""Tables about images that no search evolved: random images, changed real images, and inputs far from the data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from fooling.artifacts import write_table, write_tables
from fooling.attacks.adversarial.record import load_adversarial
from fooling.attacks.universal.record import load_universal
from fooling.attacks.universal.steps import labels_of, seen_pixels
from fooling.classifiers.classifier import Classifier, confidences_of, log_odds_of
from fooling.cli._files import open_classifier
from fooling.datasets.dataset import load_dataset
from fooling.encodings.families import FAMILIES, Family, FamilySettings, random_images
from fooling.encodings.settings import CppnSettings, encoding_for
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
from fooling.findings.far import (
    RUBBISH,
    RUBBISH_SUMMARY,
    FarNetwork,
    ProbeSettings,
    rubbish_summary,
    rubbish_table,
)
from fooling.findings.far_networks import far_network
from fooling.findings.intervals import IntervalSettings, probability_of
from fooling.findings.random_images import (
    FAMILIES_TABLE,
    FAMILY_IMAGES,
    START,
    Draw,
    EncodedSampleSettings,
    families_tables,
    start_table,
)
from fooling.findings.rays import RAY_SLOPES, RAYS, directions, rays_tables
from fooling.formatting import percent, share_percent
from fooling.inputs import digest_of
from fooling.progress import say
from fooling.seeding import derived_seed, numpy_generator
from fooling.settings import read_settings

PANEL = "Findings"


def sample(
    *,
    classifier: Path,
    experiment: str,
    settings: str,
    output: Path,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Score random images of an encoding on a classifier: the baseline without evolution.

    Args:
        experiment: Name of the experiment whose encoding is used.
        output: Table of the images to write.
    """
    checked = read_settings(EncodedSampleSettings, settings)
    network = open_classifier(classifier, device=device, architecture=architecture)
    if checked.scoring_input == "mean-subtracted":
        network = network.with_mean_subtracted()
    encoding = encoding_for(checked.encoding, image_shape=network.input_shape, device=network.device)
    generator = torch.Generator(network.device).manual_seed(derived_seed(checked.sample_seed, "sample", experiment))
    table = start_table(
        lambda count: encoding.render(encoding.random(count, generator)),
        network.confidences,
        images=checked.sample_images,
        classifier=network.name,
        experiment=experiment,
    )
    write_table(output, table, START)
    tops = table["top_confidence"].astype(float)
    say(
        f"{network.name}, {experiment}: {len(table)} random images; median top confidence {percent(tops.median())}, "
        f"{share_percent((tops > 0.5).mean())} above 50 %; written to {output}"
    )


def sample_families(
    *,
    classifier: Path,
    settings: str = "{}",
    output: Path,
    images: Path,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Score random images of several families, and keep the best image of each class.

    The families are random CPPNs, 1/f noise, Gaussian blobs, low-frequency DCT noise and uniform noise; all have the
    same number of images.

    Args:
        output: Table of the best image of each family and class to write.
        images: Table with the pictures of some of these images to write.
    """
    checked = read_settings(FamilySettings, settings)
    network = open_classifier(classifier, device=device, architecture=architecture)
    encoding = encoding_for(CppnSettings(), image_shape=network.input_shape, device=network.device)

    def draw_of(family: Family) -> Draw:
        if family == "cppn":
            seed = derived_seed(checked.family_seed, "families", family)
            cppns = torch.Generator(network.device).manual_seed(seed)
            return lambda count: encoding.render(encoding.random(count, cppns)).cpu().numpy()
        generator = numpy_generator(checked.family_seed, "families", family)
        return lambda count: random_images(family, count, network.input_shape, generator, settings=checked)

    def scored(shown: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        logits = network.logits(torch.from_numpy(shown))
        return confidences_of(logits).cpu().numpy(), log_odds_of(logits).cpu().numpy()

    table, pictures = families_tables(
        {family: draw_of(family) for family in FAMILIES},
        scored,
        images=checked.family_images,
        classifier=network.name,
        class_names=network.targets,
    )
    write_tables((output, table, FAMILIES_TABLE), (images, pictures, FAMILY_IMAGES))
    medians = ", ".join(
        f"{family} {percent(float(probability_of(odds)))}"
        for family, odds in table.groupby("family", sort=False)["log_odds"].median().items()
    )
    say(
        f"{network.name}: median over the classes of the confidence in the best of {checked.family_images:,} random "
        f"images: {medians}; written to {output}"
    )


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
    )


def probe_far(
    classifiers: list[Path],
    *,
    dataset: Path,
    settings: str = "{}",
    rubbish: Path,
    summary: Path,
    rays: Path,
    slopes: Path,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Measure the confidence of networks in inputs far from the data.

    These are random inputs from N(0, I), and rays through real test images and in random directions. An attack may find
    more.

    Args:
        classifiers: Classifier files of networks for the images of one data set.
        rubbish: Table of the random inputs to write: one row for each network.
        summary: Table of their means over networks of one kind to write.
        rays: Table of the confidences along the rays to write.
        slopes: Table of the slopes of the log-odds far from the data to write.
    """
    checked = read_settings(ProbeSettings, settings)
    images = load_dataset(dataset).test_images
    networks = [far_network(open_classifier(path, device=device, architecture=architecture)) for path in classifiers]
    _require_fitting(networks, images)
    found = rubbish_table(networks, checked)
    along = directions(images, checked)
    confidences, far = rays_tables(networks, along, doublings=checked.doublings, threshold=checked.threshold)
    write_tables(
        (rubbish, found, RUBBISH),
        (summary, rubbish_summary(found, confidence_level=checked.confidence_level), RUBBISH_SUMMARY),
        (rays, confidences, RAYS),
        (slopes, far, RAY_SLOPES),
    )
    say(f"{_format_share(found, networks)}; written to {rubbish}")


def _require_fitting(networks: list[FarNetwork], images: NDArray[np.uint8]) -> None:
    """Raise :class:`FoolingError` unless the networks have different names and take images of this shape."""
    names = [network.name for network in networks]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise FoolingError("two classifiers have one name", found=", ".join(twice), expected="unique names")
    if all(network.number > 1 for network in networks):
        raise FoolingError(
            "there is no network whose rays are measured",
            found="only retrained networks",
            expected="at least one network that is the first of its chain, or in none",
        )
    for network in networks:
        if network.input_shape != images.shape[1:]:
            raise FoolingError(
                f"the network {network.name} does not take the images of the data set",
                found="x".join(map(str, images.shape[1:])),
                expected="x".join(map(str, network.input_shape)),
                remedy="name the data set on which the network was trained or tested",
            )


def _format_share(table: pd.DataFrame, networks: list[FarNetwork]) -> str:
    """Format the mean share of the inputs, not clipped, that get a class with more than 50 %."""
    shares = table.loc[~table["clipped"], "rubbish_share"]
    return (
        f"{len(networks)} networks: {share_percent(shares.mean())} of {table['inputs'].iloc[0]:,} random inputs get a "
        "class with more than 50 %"
    )
