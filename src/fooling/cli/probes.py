"""Tables of images that no search chose: random images, and inputs far from the data."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from fooling.ablation.probe_images import FAMILIES, Family, FamilySettings, random_images
from fooling.artifacts import read_table, read_tables, write_table, write_tables
from fooling.classifiers.architectures import FITTED_MODELS
from fooling.classifiers.classifier import Classifier, confidences_of, log_odds_of
from fooling.classifiers.gradients import built_as, log_odds_gradients, logits_of_levels, loss_of, weight_decay_of
from fooling.classifiers.header import classifier_header, training_of
from fooling.cli._files import open_classifier
from fooling.datasets.dataset import load_dataset
from fooling.encodings.settings import CppnSettings, encoding_for
from fooling.findings.calibration import REAL, calibrate_on
from fooling.findings.far import (
    RUBBISH,
    RUBBISH_SUMMARY,
    FarNetwork,
    Loss,
    ProbeSettings,
    rubbish_summary,
    rubbish_table,
)
from fooling.findings.hardening import (
    HARDENED,
    HARDENING,
    HardeningSettings,
    champions_of_chains,
    hardened_networks,
    hardened_table,
    hardening_table,
)
from fooling.findings.intervals import probability_of
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
from fooling.findings.retraining import RETRAINED
from fooling.findings.runs import CHAMPIONS
from fooling.messages import FoolingError, percent, say, share_percent
from fooling.reproducibility import derived_seed, numpy_generator
from fooling.settings import read_settings
from fooling.training.settings import with_hardening


def _far_network(classifier: Classifier) -> FarNetwork:
    """Return a classifier as it is measured far from the data."""
    place = classifier.provenance.get("retraining") or {}

    def logits(levels: NDArray[np.float32]) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = logits_of_levels(classifier, torch.from_numpy(levels)).cpu().numpy()
        return scores

    def gradients(levels: NDArray[np.float64], classes: NDArray[np.int64]) -> NDArray[np.float64]:
        given = torch.from_numpy(levels).to(classifier.device), torch.from_numpy(classes).to(classifier.device)
        try:
            by_level: NDArray[np.float64] = log_odds_gradients(classifier, *given)[1].cpu().numpy()
        except FoolingError as error:
            raise FoolingError(
                f"the rays of {classifier.name} cannot be measured",
                found=str(error).partition("\n")[0],
                remedy="leave the network out of far.classifiers",
            ) from None
        return by_level

    return FarNetwork(
        name=classifier.name,
        built_as=with_hardening(built_as(classifier), training_of(classifier.provenance)),
        loss=cast("Loss", loss_of(classifier)),
        weight_decay=weight_decay_of(classifier),
        retraining=classifier.name.partition("/")[0] if place else None,
        first=place.get("first"),
        number=int(place.get("number", 1)),
        filled_with=place.get("filled_with"),
        input_shape=classifier.input_shape,
        classes=len(classifier.targets),
        logits=logits,
        gradients=None if classifier.architecture in FITTED_MODELS else gradients,
    )


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
    networks = [_far_network(open_classifier(path, device=device, architecture=architecture)) for path in classifiers]
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
