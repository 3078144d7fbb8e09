"""What the commands that train share: a training that can stop and go on, forgotten once its results are written."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch

from fooling.checkpoints import CheckpointStore
from fooling.classifiers.architectures import architecture_modules, architecture_source
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.probe import remarks_on
from fooling.errors import REMEDY, FoolingError
from fooling.fingerprint import fingerprint
from fooling.inputs import digest_of
from fooling.progress import progress, say
from fooling.training.process_group import SINGLE, ProcessGroup
from fooling.training.training import Training
from fooling.versions import software_versions


def origin_of(dataset: Path, *, name: str, device: torch.device, group: ProcessGroup = SINGLE) -> dict[str, Any]:
    """What decides a network besides its settings.

    It is the data set ``name`` in a file, the device, how many processes train together, and the versions.
    """
    return {
        "dataset": {"name": name, "sha256": digest_of(dataset)},
        "device": device.type,
        "processes": group.size,
        "versions": software_versions(),
    }


@contextmanager
def trained(
    training: Training, *, command: str, name: str, origin: Mapping[str, Any], checkpoints: Path
) -> Iterator[Classifier]:
    """The network called ``name`` at the end of ``training``, with its ``origin`` in its provenance.

    ``command`` is the module of the command that trains.

    The state of the training is kept now and then, and until the block that writes the network is through. All
    processes of a group are at it, and the one that leads keeps the state.
    """
    settings = training.settings
    source = architecture_source(settings.architecture)
    own_file = digest_of(source) if isinstance(source, Path) else None
    identity = {"work": "training", "name": name, "settings": settings.model_dump(mode="json"), **origin}
    code = fingerprint(command, *architecture_modules(settings.architecture, settings.options))
    store = CheckpointStore(checkpoints, {**identity, "architecture": own_file}, code=code)
    with store if training.group.leads else nullcontext():
        _take_up(training, store)
        _finish(training, store)
        classifier = training.classifier()
        remarks = remarks_on(classifier, training.dataset)
        yield dataclasses.replace(classifier, provenance={**classifier.provenance, **origin})
        if training.group.leads:
            for remark in remarks:
                say(remark)
            store.clear()


def told(classifier: Classifier) -> str:
    """How well a network has learned."""
    provenance = classifier.provenance
    error, images, iterations = (provenance[key] for key in ("test_error", "test_images", "iterations"))
    return f"{classifier.name}: {error:.2%} of {images} test images misjudged after {iterations} iterations"


def _take_up(training: Training, store: CheckpointStore) -> None:
    """Go on from the state that the store holds of ``training``, if it holds one; the arrays are freed on return."""
    group = training.group
    group.broadcast(None)  # the one that leads holds the store by now, and no other process writes there
    if (state := store.load("training")) is not None:
        training.restore(*state, source=store.path("training"))
    if len(set(group.all_gather(torch.tensor(training.iteration)).tolist())) > 1:
        raise FoolingError(f"{store.folder} is not the same to all processes of the training", remedy=REMEDY)
    if state is not None and group.leads:
        say(f"training goes on from iteration {training.iteration}")


def _finish(training: Training, store: CheckpointStore) -> None:
    """Bring ``training`` to its end, keeping its state."""
    group, iterations = training.group, training.settings.training.iterations
    with progress(total=iterations, done=training.iteration, description="training", unit="iterations") as counter:

        def keep() -> None:
            if group.broadcast(group.leads and store.is_due()):
                state = training.state()
                if group.leads:
                    store.save("training", *state)

        def after_iteration() -> None:
            if group.leads:
                counter.advance(note=training.standing)
            keep()

        while not training.is_done:
            training.run_epoch(after_iteration)
            keep()
