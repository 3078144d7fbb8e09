"""Import classifiers that others have trained: an architecture and weights.

Nothing in a file of weights is ever run: safetensors holds only numbers, and torch's own files are read with
``weights_only``, torchvision's after their SHA-256 has been checked against their name.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from fooling.artifacts import require_file
from fooling.classifiers.assembly import assembled, measured_errors
from fooling.classifiers.classifier import Classifier, fed_shape
from fooling.classifiers.classifier_file import adapted, network_with_weights
from fooling.classifiers.probe import require_usable, sample_of
from fooling.classifiers.settings import ImportSettings
from fooling.datasets.dataset import Dataset
from fooling.datasets.fetching import MIRROR_VARIABLE, found_path
from fooling.inputs import digest_of, remember
from fooling.messages import FoolingError, say


def imported_classifier(
    *, name: str, dataset: Dataset, settings: ImportSettings, weights: TrainedWeights, device: torch.device
) -> Classifier:
    """Return the network of ``settings`` with these ``weights`` as a classifier of ``dataset``, and measure its errors.

    Raises :class:`FoolingError` unless architecture, weights, image size and number of classes fit together, and the
    scores are those that the settings declare and depend on each image alone (:mod:`fooling.classifiers.probe`).
    """
    provenance: dict[str, Any] = {"settings": settings.model_dump(mode="json")}
    if weights.class_names is not None:
        provenance["class_names_alike"] = _names_alike(weights.class_names, dataset)
    made = settings.network(options=weights.options, wanted=weights.input)
    network = network_with_weights(
        made.architecture,
        input_shape=fed_shape(dataset.image_shape, made.input.crop),
        classes=len(dataset.class_names),
        options=made.options,
        weights=weights.state,
        source=weights.file,
        adapt=adapted,
    )
    classifier = assembled(network, name=name, settings=made, dataset=dataset, device=device)
    classifier = dataclasses.replace(classifier, outputs=settings.outputs)
    require_usable(classifier, sample_of(dataset))
    provenance |= measured_errors(classifier, dataset.test_images, dataset.test_labels)
    provenance |= {"test_images": len(dataset.test_images), "published": _published(settings, weights)}
    return dataclasses.replace(classifier, provenance=provenance)


def _names_alike(known: tuple[str, ...], dataset: Dataset) -> int:
    """Count the classes of ``dataset`` that have the same name in the weights.

    Raises :class:`FoolingError` if the numbers of classes differ.
    """
    if len(known) != len(dataset.class_names):
        raise FoolingError(
            f"the weights have other classes than the data set {dataset.name}",
            found=f"{len(dataset.class_names)} classes: {', '.join(dataset.class_names[:3])}, …",
            expected=f"{len(known)} classes: {', '.join(known[:3])}, …",
            remedy="set `dataset` of the classifier to one with these classes, or choose `weights` for these images",
        )
    pairs = zip(known, dataset.class_names, strict=True)
    return sum(_first_name(one) == _first_name(other) for one, other in pairs)


def _first_name(names: str) -> str:
    """Return the first of several names of a class, as ImageNet lists them."""
    return names.partition(",")[0].strip().casefold()


def _published(settings: ImportSettings, weights: TrainedWeights) -> dict[str, Any] | None:
    """Return the published errors in the settings, else those that the weights' publisher states."""
    if settings.published is None:
        return None if weights.published is None else dict(weights.published)
    return published_errors(settings.published.top1, settings.published.top5, source=settings.published.source)


MIRROR_FOLDER = "torchvision"
CHECKSUM_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.")

#: Options that torchvision adds for its own weights: these were trained elsewhere, on levels from -1 to 1.
OPTIONS = {"googlenet": {"transform_input": True}, "inception_v3": {"transform_input": True}}
AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")
OLD_DENSENET_KEY = re.compile(r"(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\.\w+)")


@dataclass(frozen=True, kw_only=True)
class TrainedWeights:
    """A state dict from a ``file``, with the facts that its publisher states."""

    state: dict[str, torch.Tensor]
    file: Path
    sha256: str
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of the architecture that the weights require."""
    input: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the input with which the network was trained."""
    class_names: tuple[str, ...] | None = None
    published: Mapping[str, Any] | None = None
    """Published errors, as in :class:`fooling.classifiers.header.PublishedErrors`."""


def found_weights(settings: ImportSettings, *, mirror: Path | None) -> TrainedWeights:
    """Return the weights in ``settings``: a file, here or below the ``mirror`` folder, or torchvision's own.

    torchvision's are searched in the mirror folder and in torch's cache, else downloaded to that cache. Raises
    :class:`FoolingError` if weights are missing or broken, or their checksum differs.
    """
    if settings.published_set is not None:
        return torchvision_weights(settings.architecture, settings.published_set, mirror=mirror)
    path = found_path(settings.weights, mirror)
    return TrainedWeights(state=read_weights(path), file=path, sha256=digest_of(path))


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Return the state dict in a file of safetensors or of ``torch.save``, without running code.

    A checkpoint that holds one state dict besides other values gives that. Raises :class:`FoolingError` if the file is
    missing, broken or holds no state dict.
    """
    require_file(path)
    remember(path)
    if not _is_safetensors(path):
        return _state_in(path)
    try:
        return safetensors.torch.load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise FoolingError(
            f"{path} is truncated or not a safetensors file",
            found=error,
            expected="a state dict as a safetensors file",
            remedy="write it with safetensors.torch.save_file(network.state_dict(), path)",
        ) from None


def torchvision_weights(architecture: str, name: str, *, mirror: Path | None) -> TrainedWeights:
    """Return torchvision's weights ``name``, such as ``DEFAULT``, of the architecture ``torchvision:<network>``."""
    # Imported here because it takes a second, which other weights do not need.
    from fooling.classifiers.vision import builder_of, torchvision

    network = architecture.partition(":")[2]
    builder_of(network)
    sets = torchvision.models.get_model_weights(network)
    if name not in sets.__members__:
        raise FoolingError(
            f"torchvision has no weights {name!r} for {network}",
            expected=", ".join(sets.__members__) or "none: it has no weights for this network",
            remedy="set `weights: torchvision:<set>`, or `weights: torchvision` for its default",
        )
    chosen = sets[name]
    if chosen.meta["categories"] is None:
        raise FoolingError(f"torchvision's weights {chosen} are not for a classifier", remedy="set another `weights`")
    file = verified_file(chosen.url, mirror=mirror)
    preset = chosen.transforms()
    return TrainedWeights(
        state=_as_built(_state_in(file)),
        file=file,
        sha256=digest_of(file),
        options=OPTIONS.get(network, {}),
        input={"divisor": 255.0, "mean": preset.mean, "std": preset.std, "crop": preset.crop_size[0]},
        class_names=tuple(chosen.meta["categories"]),
        published=_stated_errors(chosen),
    )


def verified_file(url: str, *, mirror: Path | None) -> Path:
    """Return the file published at ``url``: from the ``mirror`` folder, else from torch's cache, else downloaded to it.

    Raises :class:`FoolingError` unless its SHA-256 begins with the digits in its name.
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
            f"the weights {name} are missing: not in a mirror folder, and the download failed",
            found="\n".join([*(f"{place}: nothing there" for place in (*mirrored, cached)), f"{url}: {error}"]),
            expected=f"a file whose SHA-256 begins with {checksum[1]}",
            remedy=f"connect to the network, or put the file into a folder as {MIRROR_FOLDER}/{name} and set "
            f"machine.mirror (or --mirror, or {MIRROR_VARIABLE}) to that folder",
        ) from None
    return cached


def _require_checksum(path: Path, beginning: str) -> Path:
    require_file(path)
    found = digest_of(path)
    if not found.startswith(beginning):
        raise FoolingError(
            f"{path} is truncated or does not match its name",
            found=f"SHA-256 {found} ({path.stat().st_size} bytes)",
            expected=f"a SHA-256 that begins with {beginning}",
            remedy="replace it, or delete it so that it is downloaded",
        )
    return path


def _state_in(path: Path) -> dict[str, torch.Tensor]:
    """Return the state dict in a file of ``torch.save``; torch refuses to run what else the file may hold."""
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises many kinds of exceptions
        raise FoolingError(
            f"{path} cannot be read as weights",
            found=_reason(error),
            expected="a state dict, written by torch.save(network.state_dict(), path)",
            remedy="it holds a whole network: audit the file itself, without --weights"
            if "TorchScript" in str(error)
            else "save the state dict alone; a file that holds a whole network or other Python objects is refused, "
            "because reading it can run code",
        ) from None
    if _is_state(saved):
        return dict(saved)
    held = {key: value for key, value in saved.items() if _is_state(value)} if isinstance(saved, Mapping) else {}
    if len(held) != 1:
        keys = ", ".join(map(str, list(saved)[:8])) if isinstance(saved, Mapping) else type(saved).__name__
        raise FoolingError(
            f"{path} is not a state dict",
            found=f"{len(held)} state dicts among: {keys}",
            expected="a state dict, or a checkpoint that holds exactly one",
            remedy="save the state dict alone: torch.save(network.state_dict(), path)",
        )
    ((key, state),) = held.items()
    say(f"weights: took the state dict under the key {key!r}")
    return dict(state)


def _is_safetensors(path: Path) -> bool:
    """Return whether a file says so by its name, or begins with the length of a JSON header and that header."""
    with path.open("rb") as file:
        return path.suffix == ".safetensors" or file.read(9)[8:] == b"{"


def _is_state(value: object) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(isinstance(each, torch.Tensor) for each in value.values())


def _reason(error: Exception) -> str:
    """Return why torch does not read a file, without its advice to switch its safety off."""
    if "Weights only load failed" in str(error):
        return "a whole network or other Python objects, not weights alone"
    text = str(error).partition("\n")[0].partition(" In PyTorch")[0].partition(". Re-running")[0]
    return text if re.search("[A-Za-z]{2} ", text) else "neither a safetensors file nor one that torch.save wrote"


def _as_built(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return weights for networks as built here: without auxiliary classifiers, DenseNet's with their current names."""
    return {OLD_DENSENET_KEY.sub(r"\1\2", key): value for key, value in state.items() if not key.startswith(AUXILIARY)}


def _stated_errors(chosen: Any) -> dict[str, Any] | None:
    """Return the errors that torchvision states for its weights ``chosen``."""
    metrics = chosen.meta.get("_metrics", {}).get("ImageNet-1K")
    if metrics is None:
        return None
    return published_errors(metrics["acc@1"], metrics["acc@5"], source=f"torchvision, {chosen}")


def published_errors(top1: float, top5: float | None, *, source: str) -> dict[str, Any]:
    """Convert published percentages of correct answers to error rates, with their ``source``."""
    wrong = [None if percent is None else round(1 - percent / 100, 6) for percent in (top1, top5)]
    return {"test_error": wrong[0], "top5_error": wrong[1], "source": source}
