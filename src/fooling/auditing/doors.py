"""Open any network for an audit, from the name, file or address that its user gives.

:data:`DOORS` lists the forms of a target. The target alone decides which one is meant, a file by its content.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from fooling.auditing.model_files import (
    ExportedNetwork,
    FileKind,
    HuggingFaceNetwork,
    OnnxNetwork,
    TorchScriptNetwork,
    imported,
    kind_of_file,
    unique_names,
)
from fooling.auditing.services import Service, is_address
from fooling.auditing.settings import FOLDER, PACKAGES, Opening, required_shape, required_weights
from fooling.classifiers.architectures import find_architecture, names_a_file
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.classifier_file import adapted, load_classifier, load_weights
from fooling.classifiers.imported import TrainedWeights, read_weights, torchvision_weights
from fooling.classifiers.network_code import network_code
from fooling.classifiers.settings import InputSettings
from fooling.classifiers.wrapped import Scorer, ZeroShotNetwork, as_black_box, wrapped
from fooling.inputs import digest_of
from fooling.messages import FoolingError
from fooling.settings import checked_settings

IMAGENET_CLASSES = 1000
IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


class Opened(NamedTuple):
    """A network with what is known about its input and its classes."""

    network: nn.Module | Scorer
    input_shape: tuple[int, int, int]
    input: Mapping[str, Any]
    class_names: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Door:
    """A way to name a network."""

    form: str
    doc: str
    open: Callable[[str, Opening], Opened] | None
    """Opens it; None for a classifier file, which needs no :class:`Opening`."""


def opened(target: str, opening: Opening, *, device: torch.device) -> Classifier:
    """Return the network that ``target`` names as a classifier.

    Raises:
        FoolingError: The target has no known form, something that is needed is missing, or the network is unusable.
    """
    place, opening = opening.located(target)
    kind = kind_of(place)
    if (open_it := DOORS[kind].open) is None:
        classifier = load_classifier(Path(place), device)
    else:
        classifier = _wrapped(open_it(place, opening), target, opening, device=device)
    return as_black_box(classifier) if opening.black_box and kind != "service" else classifier


def _wrapped(found: Opened, target: str, opening: Opening, *, device: torch.device) -> Classifier:
    channels = found.input_shape[0]
    given = {key: value for key in ("divisor", "mean", "std") if (value := getattr(opening, key)) is not None}
    for key in {"mean", "std"} & set(given):
        given[key] = list(given[key]) * (channels if len(given[key]) == 1 else 1)
    wanted = {"divisor": 255.0, **found.input, **given}
    classifier = wrapped(
        found.network,
        name=_name_of(target),
        input_shape=found.input_shape,
        class_names=opening.class_names or found.class_names,
        input_settings=checked_settings(InputSettings, wanted, source="the input of the network"),
        outputs=opening.outputs,
        chunk_size=opening.chunk_size,
        device=device,
    )
    weights = {} if opening.weights is None else {"file": opening.weights.name, "sha256": digest_of(opening.weights)}
    public = found.network.public_address if isinstance(found.network, Service) else target
    seen = {"levels": "0 to 255"} if isinstance(found.network, Service) else wanted
    classifier.provenance.update({"target": public, "weights": weights, "input": seen})
    return classifier


def kind_of(target: str) -> str:
    """Return the key in :data:`DOORS` of the form that ``target`` has; raise :class:`FoolingError` if it has none."""
    kind, _, name = target.partition(":")
    path = Path(target)
    if is_address(target):
        return "service"
    if names_a_file(target):
        return "python"
    if name and kind in PACKAGES:
        return kind
    if name and target.startswith(FOLDER):
        return "huggingface"
    if path.suffix == ".py":
        remedy = f"name the function or class in it that builds the network, such as {target}:build"
        raise FoolingError(
            f"{target} is a Python file, of which a part is missing", expected=DOORS["python"].form, remedy=remedy
        )
    if path.is_dir():
        if (path / "config.json").is_file():
            return "huggingface"
        raise FoolingError(
            f"the folder {target} holds no network",
            found="no config.json",
            expected=f"{DOORS['huggingface'].doc}, or the name of a file in it",
        )
    if path.suffix in SUFFIXES or path.exists():
        return _kind_of_content(path)
    near = f"torchvision:{target} or timm:{target}, if it is a network of theirs" if target.isidentifier() else None
    raise FoolingError(f"no network is known as {target!r}", found="no such file", expected=_forms(), remedy=near)


def _kind_of_content(path: Path) -> str:
    kind = kind_of_file(path)
    if kind in DOORS:
        return kind
    found, remedy = NO_NETWORKS[kind]
    raise FoolingError(f"{path} holds no network that can be opened", found=found, expected=_forms(), remedy=remedy)


def _forms() -> str:
    width = max(len(door.form) for door in DOORS.values())
    return "one of these\n" + "\n".join(f"{door.form:{width}}  {door.doc}" for door in DOORS.values())


def files_of(target: str, opening: Opening) -> list[Path]:
    """Return the files that decide the network, apart from installed packages."""
    place = Path(target.rpartition(":")[0] if names_a_file(target) else target.removeprefix(FOLDER))
    below = [path for path in sorted(place.iterdir()) if path.is_file()] if place.is_dir() else [place]
    return [path for path in [*below, *([opening.weights] if opening.weights else [])] if path.is_file()]


def _name_of(target: str) -> str:
    """Return a short name of the network: of a file its stem, of a service its host, else what follows the colon."""
    if is_address(target):
        return Path(target.partition("://")[2].partition("/")[0]).name
    return Path(target.rpartition(":")[0] if names_a_file(target) else target.rpartition(":")[2]).stem


def _python_file(target: str, opening: Opening) -> Opened:
    """Open a function or class of a Python file; it may take ``input_shape``, ``classes`` and ``num_classes``."""
    shape = required_shape(opening, target)
    build = find_architecture(target).build
    known: dict[str, Any] = {"input_shape": shape}
    if opening.class_names is not None:
        known |= {"classes": len(opening.class_names), "num_classes": len(opening.class_names)}
    if isinstance(build, nn.Module):
        remedy = f"add a function to the file that returns it, such as: def build(): return {target.rpartition(':')[2]}"
        raise FoolingError(f"{target} is a network, not a function that builds one", remedy=remedy)
    parameters = inspect.signature(build).parameters
    missing = [
        name
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        and name not in known
    ]
    if missing:
        counts = [name for name in missing if name in ("classes", "num_classes")]
        raise FoolingError(
            f"{target} cannot be called",
            found=f"it needs {', '.join(missing)}",
            expected="a function whose arguments have defaults, apart from input_shape, classes and num_classes",
            remedy="give --classes, the names of the classes or their number"
            if counts
            else "give them a default, or name a function that calls it with them",
        )
    with network_code(f"{target} cannot be built"):
        network = build(**{name: known[name] for name in parameters if name in known})
    if not isinstance(network, nn.Module):
        remedy = "let the function return the network"
        raise FoolingError(
            f"{target} does not build a network", found=type(network), expected="a torch.nn.Module", remedy=remedy
        )
    if opening.weights is not None:
        load_state(network, read_weights(opening.weights), target=target, source=opening.weights)
    return Opened(network, shape, {})


def _torchvision(target: str, opening: Opening) -> Opened:
    """Open a network of torchvision with its default weights, those of a set (torchvision:<name>:<set>), or a file."""
    from fooling.classifiers.vision import builder_of

    _, name, *sets = target.split(":")
    published: TrainedWeights | None = None
    if opening.weights is None:
        published = torchvision_weights(f"torchvision:{name}", sets[0] if sets else "DEFAULT", mirror=opening.mirror)
    known = None if published is None else published.class_names
    names = opening.class_names or known
    state = read_weights(opening.weights) if opening.weights is not None else dict(published.state if published else {})
    side = int((published.input if published else {}).get("crop", 224))
    shape = opening.input_shape or (3, side, side)
    build = partial(builder_of(name), input_shape=shape, **(dict(published.options) if published else {}))
    with network_code(f"{target} cannot be built"):
        count = len(names) if names is not None else classes_in(state, partial(build, classes=IMAGENET_CLASSES))
        network = build(classes=count)
    source = opening.weights or (published.file if published else Path(target))
    load_state(network, state, target=target, source=source)
    wanted = {key: value for key, value in (published.input if published else IMAGENET).items() if key != "crop"}
    return Opened(network, shape, wanted, names)


def _timm(target: str, opening: Opening) -> Opened:
    """Open a network of timm with a file of weights, and with the preprocessing that timm states for it."""
    timm = imported("timm")
    name = target.partition(":")[2]
    weights = required_weights(opening, target)
    state = read_weights(weights)
    build = partial(timm.create_model, name, pretrained=False)
    with network_code(f"{target} cannot be built", remedy="choose one of timm.list_models()"):
        network = build(num_classes=classes_in(state, build))
    load_state(network, state, target=target, source=weights)
    stated = timm.data.resolve_model_data_config(network)
    wanted = {"divisor": 255.0, "mean": list(stated["mean"]), "std": list(stated["std"])}
    return Opened(network, opening.input_shape or tuple(stated["input_size"]), wanted)


def _hugging_face(target: str, opening: Opening) -> Opened:
    """Open an image classifier in a local folder, with the preprocessing and the class names that the folder states."""
    network = HuggingFaceNetwork(Path(target.removeprefix(FOLDER)), image_shape=opening.input_shape)
    return Opened(network, network.input_shape, network.input, unique_names(network.class_names))


def _open_clip(target: str, opening: Opening) -> Opened:
    """Open a network of open_clip as a zero-shot classifier: the classes are texts, made from prompts."""
    clip = imported("open_clip")
    name = target.partition(":")[2]
    if (config := clip.get_model_config(name)) is None:
        raise FoolingError(f"open_clip has no network {name!r}", expected="one of open_clip.list_models()")
    if opening.class_names is None:
        remedy = "give their names with --classes: a list with commas, or a file"
        raise FoolingError(f"{target} is a zero-shot classifier, which needs the names of the classes", remedy=remedy)
    if "hf_tokenizer_name" in config["text_cfg"] or "hf_model_name" in config["text_cfg"]:
        raise FoolingError(
            f"{target} cannot be opened without a connection",
            found="a tokenizer or text network that would be downloaded from Hugging Face",
            expected="a network with the tokenizer of CLIP, which open_clip contains, such as open_clip:ViT-B-32",
        )
    weights = required_weights(opening, target)
    state = read_weights(weights)
    with network_code(f"{target} cannot be built"):
        network = clip.create_model(name, pretrained=None, load_weights=False)
    load_state(network, state, target=target, source=weights)
    stated = network.visual.preprocess_cfg
    side = stated["size"] if isinstance(stated["size"], int) else stated["size"][0]
    wanted = {"divisor": 255.0, "mean": list(stated["mean"]), "std": list(stated["std"])}
    shape = opening.input_shape or (3, side, side)
    zero_shot = ZeroShotNetwork(network, clip.get_tokenizer(name), opening.class_names, opening.prompts)
    return Opened(zero_shot, shape, wanted)


def _onnx(target: str, opening: Opening) -> Opened:
    network = OnnxNetwork(Path(target), colour=opening.colour)
    return Opened(network, opening.input_shape or network.input_shape or required_shape(opening, target), {})


def _torchscript(target: str, opening: Opening) -> Opened:
    return Opened(TorchScriptNetwork(Path(target)), required_shape(opening, target), {})


def _exported(target: str, opening: Opening) -> Opened:
    network = ExportedNetwork(Path(target))
    return Opened(network, opening.input_shape or network.input_shape or required_shape(opening, target), {})


def _service(target: str, opening: Opening) -> Opened:
    """Open a service, after asking it twice for the same images."""
    if (opening.divisor, opening.mean, opening.std) != (None, None, None):
        raise FoolingError(
            "a service is given the images themselves",
            found="--divisor, --mean or --std",
            remedy="leave them out: the service applies its own preprocessing",
        )
    service, shape = Service(target, opening.service), required_shape(opening, target)
    service.require_repeatable(shape)
    return Opened(service, shape, {})


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


#: The ways to name a network, in the order in which a message lists them.
DOORS = {
    "python": Door(
        "path/to/file.py:function", "a function or class that builds the network, with --weights", _python_file
    ),
    "torchvision": Door("torchvision:resnet50", "with torchvision's weights, or with --weights", _torchvision),
    "timm": Door("timm:vit_small_patch16_224", "with --weights", _timm),
    "open_clip": Door("open_clip:ViT-B-32", "zero-shot, with --weights and --classes", _open_clip),
    "huggingface": Door("huggingface:path/to/folder", "an image classifier that save_pretrained wrote", _hugging_face),
    "onnx": Door("path/to/network.onnx", "a network in ONNX", _onnx),
    "torchscript": Door("path/to/network.pt", "a network that torch.jit.save wrote", _torchscript),
    "export": Door("path/to/network.pt2", "a network that torch.export.save wrote", _exported),
    "service": Door("https://host/path", "a service that scores images", _service),
    "classifier": Door("path/to/name.safetensors", "a classifier file of this project", None),
}
#: Endings of files of networks, for a message about a file that is missing.
SUFFIXES = (".onnx", ".pt", ".pth", ".pt2", ".ts", ".safetensors", ".bin", ".ckpt", ".h5", ".keras", ".tflite")
#: What is in a file that holds no network, and what to do about it.
NO_NETWORKS: dict[FileKind, tuple[str, str]] = {
    "weights": (
        "weights alone, or a network in Python's pickle format, which is not read because that can run code",
        "name the code that builds the network, such as my_net.py:build, and give this file with --weights",
    ),
    "keras": ("a network of Keras", "convert it to ONNX, such as with tf2onnx"),
    "tflite": ("a network of TensorFlow Lite", "convert it to ONNX, such as with tf2onnx"),
    "unknown": (
        "no network in a known format, whatever its name says",
        "export the network again, such as to ONNX, or name the Python file that builds it",
    ),
}
