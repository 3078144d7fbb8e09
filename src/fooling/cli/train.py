"""Train a classifier on a data set."""

from __future__ import annotations

from pathlib import Path

from fooling.classifiers.checkpoint import save_classifier
from fooling.classifiers.devices import chosen_device
from fooling.classifiers.settings import ClassifierSettings
from fooling.classifiers.training import Training
from fooling.cli.training import origin_of, told, trained
from fooling.datasets.dataset import load_dataset
from fooling.progress import say
from fooling.settings import read_settings


def train(
    *,
    dataset: Path,
    settings: str,
    name: str,
    output: Path,
    checkpoints: Path = Path("results/.checkpoints"),
    device: str = "auto",
) -> None:
    """Train, keeping the state after every pass over the images, and write the classifier to ``output``."""
    checked = read_settings(ClassifierSettings, settings)
    place = chosen_device(device)
    training = Training(name=name, dataset=load_dataset(dataset), settings=checked, device=place)
    origin = origin_of(dataset, name=training.dataset.name, device=place)
    with trained(training, name=name, origin=origin, checkpoints=checkpoints) as classifier:
        save_classifier(output, classifier)
    say(f"{told(classifier)}; written to {output}")
