"""What a user states about a network, and what is known about it once it is open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from fooling.auditing.services import ServiceOptions
from fooling.auditing.settings import FOLDER, OpeningSettings
from fooling.classifiers.architectures import names_a_file
from fooling.classifiers.classifier_file import adapted, load_weights
from fooling.classifiers.wrapped import Scorer
from fooling.datasets.fetching import found_path
from fooling.datasets.imagenet_classes import class_names_in
from fooling.errors import FoolingError


class Opening(OpeningSettings):
    """What a user states about a network, where files are that are not here, and how a service is asked."""

    mirror: Path | None = None
    """Folder in which files are looked for that are not here, before anything is downloaded."""
    service: ServiceOptions = ServiceOptions()

    def located(self, target: str) -> tuple[str, Opening]:
        """Return ``target`` and these settings with every path as it is, here or below the mirror folder.

        Raises :class:`FoolingError` if a file is in neither place.
        """
        found = {key: found_path(path, self.mirror) for key, path in self.files(target).items()}
        classes = class_names_in(found["classes"]) if "classes" in found else self.classes
        stated = self.model_copy(update={"weights": found.get("weights"), "classes": classes})
        if "network" not in found:
            return target, stated
        before = FOLDER if target.startswith(FOLDER) else ""
        function = f":{target.rpartition(':')[2]}" if names_a_file(target) else ""
        return f"{before}{found['network']}{function}", stated

    def deciding(self) -> dict[str, Any]:
        """Return what decides the result besides files: neither where they are nor how a service is asked."""
        return self.model_dump(mode="json", exclude={"weights", "mirror", "service"})


class Opened(NamedTuple):
    """A network with what is known about its input and its classes."""

    network: nn.Module | Scorer
    input_shape: tuple[int, int, int]
    input: Mapping[str, Any]
    class_names: tuple[str, ...] | None = None


def required_shape(opening: Opening, target: str) -> tuple[int, int, int]:
    """Return the stated shape (C, H, W) of the images; raise :class:`FoolingError` if none is stated."""
    if opening.input_shape is None:
        raise FoolingError(
            f"the size of the images of {target} is unknown",
            remedy="give it as channels x height x width, such as --input-shape 1x28x28 or --input-shape 3x224x224",
        )
    return opening.input_shape


def required_weights(opening: Opening, target: str) -> Path:
    """Return the stated file of weights; raise :class:`FoolingError` if none is stated."""
    if opening.weights is None:
        raise FoolingError(
            f"the weights of {target} are missing", remedy="give a file of its state dict with --weights"
        )
    return opening.weights


def classes_in(state: Mapping[str, torch.Tensor], build: Callable[[], nn.Module]) -> int:
    """Return the number of classes: how many numbers ``state`` has where the network has its last bias.

    The order in a file says nothing, so the network is built first, without memory.
    """
    with torch.device("meta"):
        biases = [key for key, value in build().state_dict().items() if key.endswith("bias") and value.ndim == 1]
    found = [value for key, value in state.items() if biases and f".{key}".endswith(f".{biases[-1]}")]
    if len(found) != 1:
        raise FoolingError("the number of classes is unknown", remedy="give --classes, their names or their number")
    return len(found[0])


def load_state(network: nn.Module, state: Mapping[str, torch.Tensor], *, target: str, source: Path) -> None:
    """Load a state dict, with prefixes removed and types converted where that is unambiguous."""
    load_weights(network, adapted(state, network.state_dict()), architecture=target, source=source)
