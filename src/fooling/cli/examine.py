"""Let an independent network and the training images say whether champions look like their class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from fooling.artifacts import read_table, write_table
from fooling.classifiers.checkpoint import load_classifier
from fooling.classifiers.devices import chosen_device
from fooling.datasets.dataset import load_dataset
from fooling.errors import FoolingError
from fooling.evolution.record import load_run
from fooling.findings.calibration import CALIBRATION, REAL
from fooling.findings.examination import EXAMINED, ExaminationSettings, Judge, examined_table
from fooling.progress import say
from fooling.settings import read_settings


def examine(
    runs: list[Path],
    *,
    experiment: str,
    calibration: Path,
    images: Path,
    dataset: Path,
    settings: str,
    output: Path,
    independent: Path | None = None,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Examine the champions of one classifier's ``runs``, controls included, beside real test images.

    Args:
        runs: Run files of one experiment on one network, with their controls.
        experiment: Name of the experiment.
        calibration: Table with the network's temperature, from `calibrate`.
        images: Table of the real test images, from `calibrate`.
        independent: Classifier file of a network that took no part in the evolution.
        output: Table of the examined images to write.
    """
    torch.set_num_threads(1)
    checked = read_settings(ExaminationSettings, settings)
    temperatures = read_table(calibration, CALIBRATION)["temperature"]
    if len(temperatures) != 1:
        raise FoolingError(f"{calibration} is not of one network", found=f"{len(temperatures)} rows", expected="one")
    table = examined_table(
        [load_run(path) for path in runs],
        experiment=experiment,
        temperature=float(temperatures.iloc[0]),
        real=read_table(images, REAL),
        dataset=load_dataset(dataset),
        independent=None if independent is None else _judge(independent, device, architecture or ()),
        settings=checked,
    )
    write_table(output, table, EXAMINED)
    say(f"{experiment}: {len(table)} images examined{_told(table)}; written to {output}")


def _told(table: pd.DataFrame) -> str:
    """What others say of the champions of evolution, as far as anyone was asked."""
    evolved = table[table["search"] == "map-elites"]
    words = {
        "independent_confidence": "confidence of the independent network",
        "nearest_distance": "distance to the nearest training image",
    }
    known = {told: evolved[column].dropna() for column, told in words.items()}
    medians = [f"median {told} {values.median():.3f}" for told, values in known.items() if len(values)]
    return f"; champions of evolution: {', '.join(medians)}" if medians else ""


def _judge(path: Path, device: str, architectures: Sequence[str]) -> Judge:
    network = load_classifier(path, chosen_device(device), architectures)

    def confidences(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        told: NDArray[np.float32] = network.confidences(torch.from_numpy(images)).cpu().numpy()
        return told

    return Judge(name=network.name, confidences=confidences)
