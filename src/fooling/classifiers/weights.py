"""Weights that someone else has trained: a safetensors file, or torchvision's own with what it says of them.

Nothing in a file of weights is ever run: safetensors holds numbers alone, and of torchvision's files nothing else is
read (``weights_only``), once their SHA-256 begins as their name says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from fooling.artifacts import require_file
from fooling.classifiers.settings import ImportSettings
from fooling.datasets.fetching import MIRROR_VARIABLE, found_path
from fooling.errors import FoolingError
from fooling.inputs import digest_of, remember
from fooling.progress import say

MIRROR_FOLDER = "torchvision"
CHECKSUM_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.")

#: What torchvision adds to its own weights' options: these were trained elsewhere, on levels from -1 to 1.
OPTIONS = {"googlenet": {"transform_input": True}, "inception_v3": {"transform_input": True}}
SIDE_EXITS = ("aux1.", "aux2.", "AuxLogits.")
OLD_DENSENET_KEY = re.compile(r"(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\.\w+)")


@dataclass(frozen=True, kw_only=True)
class TrainedWeights:
    """A state dict from a ``file``, and what its publisher says of it, if anything."""

    state: dict[str, torch.Tensor]
    file: Path
    sha256: str
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of the architecture without which the weights mean something else."""
    input: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the input that the network was trained on."""
    class_names: tuple[str, ...] | None = None
    published: Mapping[str, Any] | None = None
    """Published errors, as in :class:`fooling.classifiers.header.PublishedErrors`."""


def found_weights(settings: ImportSettings, *, mirror: Path | None) -> TrainedWeights:
    """The weights that ``settings`` name: a file, here or below the ``mirror`` folder, or torchvision's own.

    torchvision's are looked for in the mirror folder and in torch's cache, and downloaded there if need be. Raises
    :class:`FoolingError` for weights that are missing, broken or others than their name says.
    """
    if settings.published_set is not None:
        return torchvision_weights(settings.architecture, settings.published_set, mirror=mirror)
    path = found_path(settings.weights, mirror)
    return TrainedWeights(state=read_weights(path), file=path, sha256=digest_of(path))


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """The state dict in a safetensors file; :class:`FoolingError` for a missing or broken file or another format."""
    require_file(path)
    remember(path)
    try:
        return safetensors.torch.load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise FoolingError(
            f"{path} is truncated or no safetensors file",
            found=error,
            expected="a state dict as a safetensors file; pickled weights are never read, as they can run code",
            remedy="write it with safetensors.torch.save_file(network.state_dict(), path); "
            "docs/your-own-network.md shows how to convert a pickled file that you trust",
        ) from None


def torchvision_weights(architecture: str, name: str, *, mirror: Path | None) -> TrainedWeights:
    """The weights that torchvision has for ``torchvision:<network>`` as the set ``name``, such as its ``DEFAULT``."""
    # Imported here, because it takes a second that other weights can do without.
    from fooling.classifiers.vision import builder_of
    from fooling.torchvision_import import torchvision

    network = architecture.partition(":")[2]
    builder_of(network)
    sets = torchvision.models.get_model_weights(network)
    if name not in sets.__members__:
        raise FoolingError(
            f"torchvision has no weights {name!r} of {network}",
            expected=", ".join(sets.__members__) or "none: there are no weights of this network",
            remedy="set `weights: torchvision:<set>`, or `weights: torchvision` for its default",
        )
    chosen = sets[name]
    if chosen.meta["categories"] is None:
        raise FoolingError(f"torchvision's weights {chosen} are no classifier's", remedy="set another `weights`")
    file = verified_file(chosen.url, mirror=mirror)
    preset = chosen.transforms()
    return TrainedWeights(
        state=_as_built(_state_in(file)),
        file=file,
        sha256=digest_of(file),
        options=OPTIONS.get(network, {}),
        input={"divisor": 255.0, "mean": preset.mean, "std": preset.std, "crop": preset.crop_size[0]},
        class_names=tuple(chosen.meta["categories"]),
        published=_published(chosen),
    )


def verified_file(url: str, *, mirror: Path | None) -> Path:
    """The file published at ``url``: from the ``mirror`` folder, else from torch's cache, else downloaded to that.

    Raises :class:`FoolingError` unless its SHA-256 begins as its name says.
    """
    name = url.rpartition("/")[2]
    if (checksum := CHECKSUM_IN_NAME.search(name)) is None:
        raise FoolingError(f"{url} cannot be verified", found="no checksum in its name", remedy="set another `weights`")
    cached = Path(torch.hub.get_dir(), "checkpoints", name)
    mirrored = [] if mirror is None else [mirror / MIRROR_FOLDER / name]
    for place in (*mirrored, cached):
        if place.exists():
            return _require_checksum(place, checksum[1])
    say(f"downloading {url}")
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(cached), hash_prefix=checksum[1], progress=False)
    except (OSError, RuntimeError) as error:  # RuntimeError: another checksum
        raise FoolingError(
            f"the weights {name} are missing: neither in a mirror folder nor to be downloaded",
            found="\n".join([*(f"{place}: nothing there" for place in (*mirrored, cached)), f"{url}: {error}"]),
            expected=f"a file whose SHA-256 begins with {checksum[1]}",
            remedy=f"connect to the network, or put the file into a folder as {MIRROR_FOLDER}/{name} and name that "
            f"folder by machine.mirror (or --mirror, or {MIRROR_VARIABLE})",
        ) from None
    return cached


def _require_checksum(path: Path, beginning: str) -> Path:
    require_file(path)
    found = digest_of(path)
    if not found.startswith(beginning):
        raise FoolingError(
            f"{path} is truncated or another file than its name says",
            found=f"SHA-256 {found} ({path.stat().st_size} bytes)",
            expected=f"a SHA-256 that begins with {beginning}",
            remedy="replace it, or delete it to have it downloaded",
        )
    return path


def _state_in(path: Path) -> dict[str, torch.Tensor]:
    """The state dict in a file of torch; whatever else it may hold is refused unread."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # its reader fails in many ways
        found = str(error).partition("\n")[0]
        raise FoolingError(f"{path} holds no state dict", found=found, remedy="set another `weights`") from None
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise FoolingError(f"{path} holds no state dict", found=type(state), remedy="set another `weights`")
    return state


def _as_built(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights of the network as it is built here: without side exits, and DenseNet's under their names of today."""
    return {OLD_DENSENET_KEY.sub(r"\1\2", key): value for key, value in state.items() if not key.startswith(SIDE_EXITS)}


def _published(chosen: Any) -> dict[str, Any] | None:
    """The errors that torchvision states of its weights ``chosen``."""
    metrics = chosen.meta.get("_metrics", {}).get("ImageNet-1K")
    if metrics is None:
        return None
    return published_errors(metrics["acc@1"], metrics["acc@5"], source=f"torchvision, {chosen}")


def published_errors(top1: float, top5: float | None, *, source: str) -> dict[str, Any]:
    """Published percentages of right answers as shares of errors, with their ``source``."""
    wrong = [None if percent is None else round(1 - percent / 100, 6) for percent in (top1, top5)]
    return {"test_error": wrong[0], "top5_error": wrong[1], "source": source}
