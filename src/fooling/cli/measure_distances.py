"""Measure how far real, evolved and random images lie from all training images, in pixels and in features."""

from __future__ import annotations

from pathlib import Path

import torch

from fooling.artifacts import read_table, write_table
from fooling.classifiers.checkpoint import load_classifier
from fooling.classifiers.devices import chosen_device
from fooling.classifiers.features import logits_and_features
from fooling.cli.named_runs import read_named_runs
from fooling.datasets.dataset import load_dataset
from fooling.errors import FoolingError
from fooling.findings.calibration import CALIBRATION, REAL
from fooling.findings.distances import DISTANCES, DistanceSettings, Seen, distances_table, shown_images
from fooling.progress import say
from fooling.settings import read_settings


def measure_distances(
    *,
    classifier: Path,
    dataset: Path,
    calibration: Path,
    images: Path,
    settings: str,
    output: Path,
    runs: list[str] | None = None,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Write the distances of the champions of ``runs`` (``experiment=path``), of real images and of noise.

    Args:
        calibration: Table with the network's temperature, from `calibrate`.
        images: Table of the real test images, from `calibrate`.
        runs: A run on the network whose champions are measured, as experiment=path; once for each.
        output: Table of the images to write.
    """
    torch.set_num_threads(1)
    checked = read_settings(DistanceSettings, settings)
    temperatures = read_table(calibration, CALIBRATION)["temperature"]
    if len(temperatures) != 1:
        raise FoolingError(f"{calibration} is not of one network", found=f"{len(temperatures)} rows", expected="one")
    network = load_classifier(classifier, chosen_device(device), architecture or ())
    data = load_dataset(dataset)
    shown = shown_images(read_named_runs(runs or []), real=read_table(images, REAL), dataset=data, settings=checked)
    seen, trained = (
        Seen(logits=logits, features=features)
        for logits, features in (logits_and_features(network, part) for part in (shown.images, data.train_images))
    )
    table = distances_table(
        shown, seen, trained, classifier=network.name, temperature=float(temperatures.iloc[0]), dataset=data
    )
    write_table(output, table, DISTANCES)
    medians = table[table["kind"] == "champion"].groupby("experiment")[["pixel_ratio", "feature_ratio"]].median()
    told = "; ".join(f"{row.Index} {row.pixel_ratio:.2f} and {row.feature_ratio:.2f}" for row in medians.itertuples())
    say(f"{network.name}: champions' median distance, real images' being 1, in pixels and features: {told or 'none'}")
