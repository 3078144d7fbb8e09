"""Random images: of an encoding, and of several families with as many images of each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from fooling.artifacts import write_table, write_tables
from fooling.classifiers.classifier import confidences_of, log_odds_of
from fooling.cli._files import open_classifier
from fooling.encodings.families import FAMILIES, Family, FamilySettings, random_images
from fooling.encodings.settings import CppnSettings, encoding_for
from fooling.findings.families import FAMILIES_TABLE, FAMILY_IMAGES, Draw, families_tables
from fooling.findings.intervals import probability_of
from fooling.findings.sampling import START, EncodedSampleSettings, start_table
from fooling.formatting import percent, share_percent
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
