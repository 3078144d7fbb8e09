"""Take in a network that someone else has trained: an architecture, and a file of weights or torchvision's own."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from fooling.classifiers.checkpoint import save_classifier
from fooling.classifiers.devices import chosen_device
from fooling.classifiers.imported import imported_classifier
from fooling.classifiers.probe import remarks_on
from fooling.classifiers.settings import ImportSettings
from fooling.classifiers.weights import found_weights
from fooling.datasets.dataset import load_dataset
from fooling.datasets.fetching import mirror_folder
from fooling.inputs import digest_of
from fooling.progress import say
from fooling.settings import read_settings
from fooling.versions import software_versions


def import_network(
    *,
    dataset: Path,
    settings: str,
    name: str,
    output: Path,
    mirror: Path | None = None,
    device: str = "auto",
) -> None:
    """Check that architecture, weights and data set fit, measure the test errors, and write the classifier.

    Args:
        output: Classifier file to write.
        settings: Architecture, weights and input: JSON or a YAML file.
    """
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
    say(f"{name}: {error:.2%} of {count} test images misjudged; written to {output}")
    for remark in remarks_on(classifier, images):
        say(remark)
