"""Open any network for an audit, from the name or file that its user gives.

my_net.py:build            a function or class of a Python file, with a file of weights
torchvision:resnet50       a network of torchvision, with its own or other weights
timm:vit_small_patch16_224 a network of timm, with a file of weights
model.onnx                 a network in ONNX; it has no gradients
classifier.safetensors     a classifier file of this project
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import nn

from fooling.artifacts import require_file
from fooling.auditing.settings import TARGETS, OpeningSettings, names_in
from fooling.classifiers.architectures import find_architecture, names_a_file
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.classifier_file import adapted, load_classifier, load_weights
from fooling.classifiers.imported import TrainedWeights, read_weights, torchvision_weights
from fooling.classifiers.network_code import network_code
from fooling.classifiers.settings import InputSettings
from fooling.classifiers.wrapped import wrapped
from fooling.datasets.fetching import found_path
from fooling.errors import FoolingError, missing_package
from fooling.inputs import digest_of
from fooling.settings import checked_settings
from fooling.torchvision_import import ensure_operators

IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


class Opening(OpeningSettings):
    """What a user states about a network, and where files are that are not here."""

    mirror: Path | None = None
    """Folder in which files are looked for that are not here, before anything is downloaded."""

    def located(self, target: str) -> tuple[str, Opening]:
        """Return ``target`` and these settings with every path as it is, here or below the mirror folder.

        Raises :class:`FoolingError` if a file is in neither place.
        """
        found = {key: found_path(path, self.mirror) for key, path in self.files(target).items()}
        function = f":{target.rpartition(':')[2]}" if names_a_file(target) else ""
        changed = {
            "weights": found.get("weights"),
            "classes": names_in(found["classes"]) if "classes" in found else self.classes,
        }
        return f"{found['network']}{function}" if "network" in found else target, self.model_copy(update=changed)


class _Opened(NamedTuple):
    """A network with what is known about its input and its classes."""

    network: nn.Module
    input_shape: tuple[int, int, int]
    input: Mapping[str, Any]
    class_names: tuple[str, ...] | None = None


def opened(target: str, opening: Opening, *, device: torch.device) -> Classifier:
    """Return the network that ``target`` names as a classifier.

    Raises:
        FoolingError: The target has no known form, something that is needed is missing, or the network is unusable.
    """
    place, opening = opening.located(target)
    if target.endswith(".safetensors"):
        return load_classifier(Path(place), device)
    found = _door_of(target)(place, opening)
    given = {"divisor": opening.divisor, "mean": opening.mean, "std": opening.std}
    wanted = {"divisor": 255.0, **found.input, **{key: value for key, value in given.items() if value is not None}}
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
    classifier.provenance.update({"target": target, "weights": weights, "input": wanted})
    return classifier


def _door_of(target: str) -> Callable[[str, Opening], _Opened]:
    kind, _, name = target.partition(":")
    if names_a_file(target):
        return _python_file
    if target.endswith(".onnx"):
        return _onnx
    if name and kind in (doors := {"torchvision": _torchvision, "timm": _timm}):
        return doors[kind]
    raise FoolingError("the network has no known form", found=repr(target), expected=TARGETS)


def _name_of(target: str) -> str:
    """Return a short name of the network: of a file its stem, else what follows the colon."""
    return Path(target.rpartition(":")[0] if names_a_file(target) else target.rpartition(":")[2]).stem


def _required_shape(opening: Opening, target: str) -> tuple[int, int, int]:
    if opening.input_shape is None:
        raise FoolingError(
            f"the size of the images of {target} is unknown",
            remedy="give it as channels x height x width, such as --input-shape 1x28x28 or --input-shape 3x224x224",
        )
    return opening.input_shape


def _python_file(target: str, opening: Opening) -> _Opened:
    """Open a function or class of a Python file; it may take ``input_shape``, ``classes`` and ``num_classes``."""
    shape = _required_shape(opening, target)
    build = find_architecture(target).build
    known: dict[str, Any] = {"input_shape": shape}
    if opening.class_names is not None:
        known |= {"classes": len(opening.class_names), "num_classes": len(opening.class_names)}
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
            remedy="give --classes, the names of the classes or their number" if counts else "give them a default",
        )
    with network_code(f"{target} cannot be built"):
        network = build(**{name: known[name] for name in parameters if name in known})
    if not isinstance(network, nn.Module):
        raise FoolingError(f"{target} does not build a network", found=type(network), expected="a torch.nn.Module")
    if opening.weights is not None:
        _load(network, read_weights(opening.weights), target=target, source=opening.weights)
    return _Opened(network, shape, {})


def _torchvision(target: str, opening: Opening) -> _Opened:
    """Open a network of torchvision with its default weights, those of a set (torchvision:<name>:<set>), or a file."""
    from fooling.classifiers.vision import builder_of

    _, name, *sets = target.split(":")
    published: TrainedWeights | None = None
    if opening.weights is None:
        published = torchvision_weights(f"torchvision:{name}", sets[0] if sets else "DEFAULT", mirror=opening.mirror)
    known = None if published is None else published.class_names
    names = opening.class_names or known
    state = read_weights(opening.weights) if opening.weights is not None else dict(published.state if published else {})
    count = len(names) if names is not None else _classes_in(state)
    side = int((published.input if published else {}).get("crop", 224))
    shape = opening.input_shape or (3, side, side)
    options = dict(published.options) if published else {}
    with network_code(f"{target} cannot be built"):
        network = builder_of(name)(input_shape=shape, classes=count, **options)
    source = opening.weights or (published.file if published else Path(target))
    _load(network, state, target=target, source=source)
    wanted = {key: value for key, value in (published.input if published else IMAGENET).items() if key != "crop"}
    return _Opened(network, shape, wanted, names)


def _timm(target: str, opening: Opening) -> _Opened:
    """Open a network of timm with a file of weights, and with the preprocessing that timm states for it."""
    timm = _imported("timm")
    name = target.partition(":")[2]
    weights = _required_weights(opening, target)
    state = read_weights(weights)
    with network_code(f"{target} cannot be built", remedy="choose one of timm.list_models()"):
        network = timm.create_model(name, pretrained=False, num_classes=_classes_in(state))
    _load(network, state, target=target, source=weights)
    stated = timm.data.resolve_model_data_config(network)
    wanted = {"divisor": 255.0, "mean": list(stated["mean"]), "std": list(stated["std"])}
    return _Opened(network, opening.input_shape or tuple(stated["input_size"]), wanted)


class OnnxNetwork(nn.Module):
    """A network in ONNX, run by onnxruntime on the CPU: from ``(B, C, H, W)`` float32 to scores ``(B, K)``."""

    def __init__(self, path: Path, *, colour: Literal["rgb", "bgr"] = "rgb") -> None:
        super().__init__()
        runtime = _imported("onnxruntime")
        require_file(path)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1
        with network_code(f"{path} cannot be opened", expected="a network in ONNX"):
            self._session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0]
        self._output = self._session.get_outputs()[0].name
        self._reversed = colour == "bgr"
        self.channels_last = self._input.shape[-1] in (1, 3) and self._input.shape[1] not in (1, 3)
        batch = self._input.shape[0]
        self._batch = batch if isinstance(batch, int) else None

    @property
    def input_shape(self) -> tuple[int, int, int] | None:
        """Shape (C, H, W) that the network states; None if it leaves a length open."""
        shape = self._input.shape[1:]
        if len(shape) != 3 or not all(isinstance(length, int) for length in shape):
            return None
        return (shape[2], shape[0], shape[1]) if self.channels_last else (shape[0], shape[1], shape[2])

    @torch.no_grad()
    def forward(self, levels: torch.Tensor) -> torch.Tensor:
        """Return the scores ``(B, K)``, float32."""
        given = levels.flip(1) if self._reversed else levels
        array = (given.permute(0, 2, 3, 1) if self.channels_last else given).contiguous().cpu().numpy()
        size = self._batch or len(array)
        parts = [self._scores(array[start : start + size]) for start in range(0, len(array), size)]
        return torch.from_numpy(np.concatenate(parts)).to(levels.device)

    def _scores(self, images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        scores: np.ndarray[Any, Any] = self._session.run([self._output], {self._input.name: images})[0]
        return scores.reshape(len(images), -1).astype(np.float32)


def _onnx(target: str, opening: Opening) -> _Opened:
    network = OnnxNetwork(Path(target), colour=opening.colour)
    shape = opening.input_shape or network.input_shape or _required_shape(opening, target)
    return _Opened(network, shape, {})


def _required_weights(opening: Opening, target: str) -> Path:
    if opening.weights is None:
        raise FoolingError(
            f"the weights of {target} are missing", remedy="give a file of its state dict with --weights"
        )
    return opening.weights


def _imported(package: Literal["timm", "onnxruntime"]) -> Any:
    ensure_operators()
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise missing_package(error) or error from None


def _classes_in(state: Mapping[str, torch.Tensor]) -> int:
    """Return the length of the last bias in a state dict: the number of classes, where a network ends in a layer."""
    biases = [value for key, value in state.items() if key.endswith("bias") and value.ndim == 1]
    if not biases:
        raise FoolingError("the number of classes is unknown", remedy="give --classes, their names or their number")
    return len(biases[-1])


def _load(network: nn.Module, state: Mapping[str, torch.Tensor], *, target: str, source: Path) -> None:
    """Load a state dict, with prefixes removed and types converted where that is unambiguous."""
    load_weights(network, adapted(state, network.state_dict()), architecture=target, source=source)
