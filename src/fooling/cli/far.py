"""Inputs far from the data: random inputs, and rays that leave the range of images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fooling.artifacts import write_tables
from fooling.cli._files import open_classifier
from fooling.datasets.dataset import load_dataset
from fooling.errors import FoolingError
from fooling.findings.far import (
    RUBBISH,
    RUBBISH_SUMMARY,
    FarNetwork,
    ProbeSettings,
    rubbish_summary,
    rubbish_table,
)
from fooling.findings.far_networks import far_network
from fooling.findings.rays import RAY_SLOPES, RAYS, directions, rays_tables
from fooling.formatting import share_percent
from fooling.progress import say
from fooling.settings import read_settings

PANEL = "Findings"


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
