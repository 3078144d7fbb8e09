"""What the commands that train share: a training that can stop and go on, forgotten once its results are written."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from fooling.artifacts import sha256_of
from fooling.checkpoints import CheckpointStore
from fooling.classifiers.architectures import architecture_source
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.training import Training
from fooling.progress import progress, say
from fooling.versions import software_versions


def origin_of(dataset: Path, *, name: str, device: torch.device) -> dict[str, Any]:
    """What decides a network besides its settings: the data set ``name`` in a file, the device and the versions."""
    return {
        "dataset": {"name": name, "sha256": sha256_of(dataset.read_bytes())},
        "device": device.type,
        "versions": software_versions(),
    }


@contextmanager
def trained(training: Training, *, name: str, origin: Mapping[str, Any], checkpoints: Path) -> Iterator[Classifier]:
    """The network called ``name`` at the end of ``training``, with its ``origin`` in its provenance.

    The state of the training is kept after every pass, and until the block that writes the network is through.
    """
    settings = training.settings
    architecture = sha256_of(architecture_source(settings.architecture).read_bytes())
    identity = {"work": "training", "name": name, "settings": settings.model_dump(mode="json"), **origin}
    with CheckpointStore(checkpoints, {**identity, "architecture": architecture}) as store:
        _take_up(training, store)
        _finish(training, store)
        classifier = training.classifier()
        yield dataclasses.replace(classifier, provenance={**classifier.provenance, **origin})
        store.clear()


def told(classifier: Classifier) -> str:
    """How well a network has learned."""
    provenance = classifier.provenance
    error, images, iterations = (provenance[key] for key in ("test_error", "test_images", "iterations"))
    return f"{classifier.name}: {error:.2%} of {images} test images misjudged after {iterations} iterations"


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
