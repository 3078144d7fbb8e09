"""Make a classifier refuse a share of real images: a constant is added to the logit of its fooling class."""

from __future__ import annotations

from pathlib import Path

import torch

from fooling.classifiers.checkpoint import load_classifier, save_classifier
from fooling.classifiers.devices import chosen_device
from fooling.datasets.dataset import load_dataset
from fooling.progress import say
from fooling.retraining.refusal import refusing
from fooling.retraining.settings import MatchSettings
from fooling.settings import read_settings


def match_refusal(
    *,
    classifier: Path,
    dataset: Path,
    settings: str,
    output: Path,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Write the ``classifier`` with the constant fitted on half of the test images of ``dataset``.

    Args:
        settings: The share, and the seed by which the test images are halved: JSON or a YAML file.
        output: Classifier file to write.
    """
    checked = read_settings(MatchSettings, settings)
    torch.set_num_threads(1)
    network = load_classifier(classifier, chosen_device(device), architecture or ())
    shifted = refusing(network, load_dataset(dataset), checked)
    save_classifier(output, shifted)
    found = shifted.provenance["refusal"]
    say(
        f"{network.name}: {found['refused_fitted']:.2%} of the test images refused on the half that was fitted,"
        f" {found['refused']:.2%} on the other one; written to {output}"
    )
