"""Make one classifier of several, whose confidences are the mean of theirs."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from fooling.classifiers.assembly import measured_errors
from fooling.classifiers.checkpoint import load_classifier, save_classifier
from fooling.classifiers.devices import chosen_device
from fooling.classifiers.ensemble import ensemble_of
from fooling.classifiers.probe import remarks_on
from fooling.datasets.dataset import load_dataset
from fooling.inputs import digest_of
from fooling.progress import say
from fooling.versions import software_versions


def assemble_ensemble(
    members: list[Path],
    *,
    dataset: Path,
    name: str,
    output: Path,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Check that the ``members`` fit each other, measure the test errors, and write them as one classifier.

    Args:
        members: Classifier files of the networks.
        output: Classifier file to write.
    """
    place = chosen_device(device)
    images = load_dataset(dataset)
    classifier = ensemble_of([load_classifier(path, place, architecture or ()) for path in members], name=name)
    provenance = {
        **measured_errors(classifier, images.test_images, images.test_labels),
        "test_images": len(images.test_images),
        "members": [{"file": path.name, "sha256": digest_of(path)} for path in members],
        "dataset": {"name": images.name, "sha256": digest_of(dataset)},
        "device": place.type,
        "versions": software_versions(),
    }
    classifier = dataclasses.replace(classifier, provenance=provenance)
    save_classifier(output, classifier)
    error, count = provenance["test_error"], provenance["test_images"]
    say(f"{name}, {len(members)} networks: {error:.2%} of {count} test images misjudged; written to {output}")
    for remark in remarks_on(classifier, images):
        say(remark)
