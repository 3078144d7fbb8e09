"""Classifiers made of trained networks: imported, combined, guarded, calibrated, or made to refuse images."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from fooling.artifacts import write_tables
from fooling.classifiers.assembly import ensemble_of, measured_errors
from fooling.classifiers.classifier_file import load_classifier, save_classifier
from fooling.classifiers.devices import chosen_device
from fooling.classifiers.guarding import guarded
from fooling.classifiers.imported import found_weights, imported_classifier
from fooling.classifiers.probe import remarks_on, sample_of
from fooling.classifiers.settings import GuardSettings, ImportSettings
from fooling.cli._files import named_output, open_classifier
from fooling.datasets.dataset import load_dataset
from fooling.datasets.fetching import mirror_folder
from fooling.findings.calibration import CALIBRATION, REAL, CalibrationSettings, calibrate_on
from fooling.inputs import digest_of
from fooling.messages import say, share_percent
from fooling.reproducibility import software_versions
from fooling.retraining.fooling_class import refusing
from fooling.retraining.settings import MatchSettings
from fooling.settings import read_settings

PANEL = "Networks"


def import_network(
    *,
    dataset: Path,
    settings: str,
    name: str = "",
    output: Path | None = None,
    mirror: Path | None = None,
    device: str = "auto",
) -> None:
    """Import a trained network: an architecture, with weights of a file or of torchvision.

    Check that architecture, weights and data set fit, and measure the test errors.

    Args:
        name: Name of the classifier. Default: that of the file to write, else imported.
        output: Classifier file to write. Default: named after the classifier, in this folder.
        settings: Architecture, weights and input: JSON or a YAML file.
    """
    name, output = named_output(name, output, otherwise="imported")
    checked = read_settings(ImportSettings, settings)
    images = load_dataset(dataset)
    weights = found_weights(checked, mirror=mirror_folder(mirror))
    place = chosen_device(device)
    classifier = imported_classifier(name=name, dataset=images, settings=checked, weights=weights, device=place)
    origin = {
        "dataset": {"name": images.name, "sha256": digest_of(dataset)},
        "weights": {"file": weights.file.name, "sha256": weights.sha256},
        "device": place.type,
        "versions": software_versions(),
    }
    save_classifier(output, dataclasses.replace(classifier, provenance={**classifier.provenance, **origin}))
    if (alike := classifier.provenance.get("class_names_alike")) is not None:
        say(f"{alike} of the {len(images.class_names)} class names are those of the weights")
    error, count = classifier.provenance["test_error"], classifier.provenance["test_images"]
    say(f"{name}: {share_percent(error)} of {count} test images misjudged; written to {output}")
    for remark in remarks_on(classifier, sample_of(images), test_labels=images.test_labels):
        say(remark)


def assemble_ensemble(
    members: list[Path],
    *,
    dataset: Path,
    name: str = "",
    output: Path | None = None,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Combine classifiers into one whose confidences are the mean of theirs.

    Check that the members fit each other, and measure the test errors of the ensemble.

    Args:
        members: Classifier files of the networks.
        name: Name of the classifier. Default: that of the file to write, else ensemble.
        output: Classifier file to write. Default: named after the classifier, in this folder.
    """
    name, output = named_output(name, output, otherwise="ensemble")
    place = chosen_device(device)
    images = load_dataset(dataset)
    classifier = ensemble_of([load_classifier(path, place, architecture or ()) for path in members], name=name)
    provenance: dict[str, Any] = {
        **measured_errors(classifier, images.test_images, images.test_labels),
        "test_images": len(images.test_images),
        "members": [{"file": path.name, "sha256": digest_of(path)} for path in members],
        "dataset": {"name": images.name, "sha256": digest_of(dataset)},
        "device": place.type,
        "versions": software_versions(),
    }
    classifier = dataclasses.replace(classifier, provenance=provenance)
    save_classifier(output, classifier)
    error, count = share_percent(provenance["test_error"]), provenance["test_images"]
    say(f"{name}, {len(members)} networks: {error} of {count} test images misjudged; written to {output}")
    for remark in remarks_on(classifier, sample_of(images), test_labels=images.test_labels):
        say(remark)


def calibrate(
    *,
    classifier: Path,
    dataset: Path,
    settings: str = "{}",
    calibration: Path,
    images: Path,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Measure the calibration of a network on real images, and fit a temperature.

    Fit on one half of the test images, evaluate on the other, and list every image.

    Args:
        calibration: Table with the temperature, and the calibration before and after, to write.
        images: Table of the real test images to write.
    """
    checked = read_settings(CalibrationSettings, settings)
    network = open_classifier(classifier, device=device, architecture=architecture)
    data = load_dataset(dataset)
    logits = network.logits(torch.from_numpy(data.test_images)).cpu().numpy()
    fitted, table = calibrate_on(logits, data.test_labels, classifier=network.name, settings=checked)
    write_tables((calibration, pd.DataFrame([dataclasses.asdict(fitted)]), CALIBRATION), (images, table, REAL))
    say(
        f"{network.name}: temperature {fitted.temperature:.3f}; calibration error {fitted.ece_before:.4f} before and "
        f"{fitted.ece_after:.4f} after, on {fitted.evaluation_images} images; written to {calibration}"
    )


def match_refusal(
    *,
    classifier: Path,
    dataset: Path,
    settings: str = "{}",
    output: Path,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Make a classifier refuse a given share of real images.

    A constant is added to the logit of the fooling class. It is fitted on half of the test images of ``dataset``.

    Args:
        settings: The share, and the seed that halves the test images: JSON or a YAML file.
        output: Classifier file to write.
    """
    checked = read_settings(MatchSettings, settings)
    network = open_classifier(classifier, device=device, architecture=architecture)
    shifted = refusing(network, load_dataset(dataset), checked)
    save_classifier(output, shifted)
    fitted, other = (share_percent(shifted.provenance["refusal"][key]) for key in ("refused_fitted", "refused"))
    say(
        f"{network.name}: {fitted} of the test images refused on the half that was fitted, {other} on the other one;"
        f" written to {output}"
    )


def guard_classifier(
    classifier: Path,
    *,
    dataset: Path,
    settings: str = "{}",
    others: list[Path] | None = None,
    name: str = "",
    output: Path | None = None,
    smooth: Path | None = None,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Put a detector in front of a classifier, which rejects images unlike real ones.

    The result is a classifier with one more class, `rejected`. An attack on it is an attack on the detector as well.

    Args:
        classifier: Classifier file of the network to guard.
        settings: The detector, and the share of real images that it rejects: JSON or a YAML file.
        others: Classifier files of other networks, which the detector `disagreement` compares with the first.
        name: Name of the classifier. Default: that of the file to write, else guarded.
        output: Classifier file to write: an image is accepted or rejected. Default: named after the classifier, in
            this folder.
        smooth: Classifier file of the smooth version to write, which has gradients.
    """
    name, output = named_output(name, output, otherwise="guarded")
    checked = read_settings(GuardSettings, settings)
    place = chosen_device(device)
    first, *rest = (load_classifier(path, place, architecture or ()) for path in (classifier, *(others or ())))
    images = load_dataset(dataset)
    origin = {
        "members": [{"file": path.name, "sha256": digest_of(path)} for path in (classifier, *(others or ()))],
        "dataset": {"name": images.name, "sha256": digest_of(dataset)},
        "device": place.type,
        "versions": software_versions(),
    }
    versions = guarded(first, rest, images, checked, name=name)
    for path, version in zip((output, smooth), versions, strict=True):
        if path is not None:
            save_classifier(path, dataclasses.replace(version, provenance={**version.provenance, **origin}))
    found = versions[0].provenance["guard"]
    say(
        f"{name}: {checked.detector.kind} rejects {share_percent(found['rejected_at_threshold'])} of "
        f"{found['threshold_images']} real images at its threshold, and {share_percent(found['rejected'])} of "
        f"{versions[0].provenance['test_images']} others; written to {output}"
    )
