"""Ask how far a network's confidence in real images can be trusted, and correct it by one temperature."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd
import torch

from fooling.artifacts import write_tables
from fooling.classifiers.checkpoint import load_classifier
from fooling.classifiers.devices import chosen_device
from fooling.datasets.dataset import load_dataset
from fooling.findings.calibration import CALIBRATION, REAL, CalibrationSettings, calibrate_on
from fooling.progress import say
from fooling.settings import read_settings


def calibrate(
    *,
    classifier: Path,
    dataset: Path,
    settings: str,
    calibration: Path,
    images: Path,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Fit the temperature on one half of the test images, judge it on the other, and list every image.

    Args:
        calibration: Table with the temperature, and the calibration before and after, to write.
        images: Table of the real test images to write.
    """
    torch.set_num_threads(1)
    checked = read_settings(CalibrationSettings, settings)
    network = load_classifier(classifier, chosen_device(device), architecture or ())
    data = load_dataset(dataset)
    logits = network.logits(torch.from_numpy(data.test_images)).cpu().numpy()
    fitted, table = calibrate_on(logits, data.test_labels, classifier=network.name, settings=checked)
    write_tables((calibration, pd.DataFrame([dataclasses.asdict(fitted)]), CALIBRATION), (images, table, REAL))
    say(
        f"{network.name}: temperature {fitted.temperature:.3f}; calibration error {fitted.ece_before:.4f} before and "
        f"{fitted.ece_after:.4f} after, on {fitted.evaluation_images} images; written to {calibration}"
    )
