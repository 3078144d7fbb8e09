"""Train a classifier on a data set."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from fooling.artifacts import sha256_of
from fooling.checkpoints import CheckpointStore
from fooling.classifiers.architectures import architecture_source
from fooling.classifiers.checkpoint import save_classifier
from fooling.classifiers.devices import chosen_device
from fooling.classifiers.settings import ClassifierSettings
from fooling.classifiers.training import Training
from fooling.datasets.dataset import load_dataset
from fooling.progress import progress, say
from fooling.settings import read_settings
from fooling.versions import software_versions


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
    origin = {
        "dataset": {"name": training.dataset.name, "sha256": sha256_of(dataset.read_bytes())},
        "device": place.type,
        "versions": software_versions(),
    }
    architecture = sha256_of(architecture_source(checked.architecture).read_bytes())
    identity = {"work": "training", "name": name, "settings": checked.model_dump(mode="json"), **origin}
    with CheckpointStore(checkpoints, {**identity, "architecture": architecture}) as store:
        _take_up(training, store)
        _finish(training, store)
        classifier = training.classifier()
        save_classifier(output, dataclasses.replace(classifier, provenance={**classifier.provenance, **origin}))
        store.clear()
    error, images = classifier.provenance["test_error"], classifier.provenance["test_images"]
    judged = f"{error:.2%} of {images} test images misjudged after {training.iteration} iterations"
    say(f"{name}: {judged}; written to {output}")


def _take_up(training: Training, store: CheckpointStore) -> None:
    """Go on from the state that the store holds of ``training``, if it holds one; the arrays are freed on return."""
    if (state := store.load("training")) is not None:
        training.restore(*state, source=store.path("training"))
        say(f"training goes on from iteration {training.iteration}")


def _finish(training: Training, store: CheckpointStore) -> None:
    """Bring ``training`` to its end, keeping its state."""
    iterations = training.settings.training.iterations
    with progress(total=iterations, done=training.iteration, description="training", unit="iterations") as counter:
        while not training.is_done:
            training.run_epoch(after_iteration=lambda: counter.advance(note=training.standing))
            if store.is_due():
                store.save("training", *training.state())
