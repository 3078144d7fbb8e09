"""A classifier on disk: one safetensors file that describes itself.

Its arrays are the network's state dict (``network.<key>``) and the preprocessing (``offset``, ``scale``,
``training_mean``); its header names the architecture, input, classes and provenance. It never holds code. Of an
architecture of the form ``path/to/file.py:function`` it records the SHA-256, and its reader names the file
(:mod:`fooling.classifiers.permission`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn

from fooling.artifacts import read_arrays, write_arrays
from fooling.classifiers.architectures import build_network
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.header import KIND, VERSION, ClassifierHeader, NetworkHeader
from fooling.classifiers.permission import described, permitted, require_files, require_recorded
from fooling.classifiers.refusal import Refusal
from fooling.classifiers.state_dicts import complete_part
from fooling.classifiers.views import fed_shape
from fooling.contents import FINITE32, checked_header, require_layout, require_range
from fooling.errors import FoolingError

PREPROCESSING = ("offset", "scale", "training_mean")
NETWORK_PREFIX = "network."


def save_classifier(path: Path, classifier: Classifier) -> None:
    """Write ``classifier`` to ``path``, whole or not at all; the same classifier gives the same bytes.

    Raises :class:`FoolingError` for one that :func:`load_classifier` would refuse.
    """
    arrays = {NETWORK_PREFIX + key: as_array(value) for key, value in classifier.network.state_dict().items()}
    arrays |= {name: as_array(getattr(classifier, name)) for name in PREPROCESSING}
    header = {
        "name": classifier.name,
        **described(_built_of(classifier)),
        "input": {
            "shape": list(classifier.input_shape),
            "dtype": "uint8",
            "range": [0, 255],
            "crop": classifier.crop,
            "views": classifier.views,
        },
        "class_names": list(classifier.class_names),
        "fooling_class": classifier.fooling_class,
        "chunk_size": classifier.chunk_size,
        "provenance": classifier.provenance,
    }
    if classifier.outputs != "logits":  # what is said only where it differs leaves the bytes of all other files alone
        header["outputs"] = classifier.outputs
    if classifier.refusal is not None:
        header["refusal"] = dataclasses.asdict(classifier.refusal)
    built = checked_header(ClassifierHeader, header, source=f"the classifier {classifier.name}")
    _require_preprocessing(arrays, built.input.shape, source=f"the classifier {classifier.name}")
    require_recorded(built, source=f"the classifier {classifier.name}")
    write_arrays(path, arrays, kind=KIND, version=VERSION, header=header)


def load_classifier(path: Path, device: torch.device, architectures: Sequence[str] = ()) -> Classifier:
    """The classifier in a file of :func:`save_classifier`, on ``device``.

    It runs no Python file but one that ``architectures`` name, as ``path/to/file.py:function``. Raises
    :class:`FoolingError` for a missing or truncated file, another format, a Python file that is not named or has
    changed, an architecture that cannot be built and weights of other names or shapes than the architecture's.
    """
    require_files(architectures)
    arrays, read = read_arrays(path, kind=KIND, version=VERSION)
    header = checked_header(ClassifierHeader, read, source=path)
    built = permitted(header, architectures, source=path)
    return _classifier_of(arrays, header, built, source=path, device=device)


def network_with_weights(
    architecture: str,
    *,
    input_shape: tuple[int, int, int],
    classes: int,
    options: Mapping[str, Any],
    weights: Mapping[str, torch.Tensor],
    source: Path,
    adapt: Callable[[Mapping[str, torch.Tensor], Mapping[str, torch.Tensor]], Mapping[str, torch.Tensor]] | None = None,
) -> nn.Module:
    """The network of ``architecture`` that holds ``weights``, a state dict that came from ``source``.

    The state dict of others is first given to ``adapt``, with that of the network. Raises :class:`FoolingError` unless
    names, shapes and types agree with those of the architecture; before memory is taken for it, if torch can build it
    without.
    """

    def built() -> nn.Module:
        return build_network(architecture, input_shape=input_shape, classes=classes, options=options)

    layout = _layout_without_memory(built)
    if layout is not None:
        weights = adapt(weights, layout) if adapt else weights
        _require_same_layout(layout, weights, architecture=architecture, source=source)
    with torch.random.fork_rng(devices=[]):  # the fresh weights are thrown away, and so are the numbers drawn for them
        network = built()
    if layout is None and adapt:
        weights = adapt(weights, network.state_dict())
    _require_same_layout(network.state_dict(), weights, architecture=architecture, source=source)
    network.load_state_dict(weights)
    return network


def _layout_without_memory(build: Callable[[], nn.Module]) -> Mapping[str, torch.Tensor] | None:
    """The state dict of the network without its numbers; None where torch cannot tell it so."""
    try:
        with torch.device("meta"):
            return build().state_dict()
    except FoolingError:
        return None


def as_array(tensor: torch.Tensor) -> NDArray[Any]:
    """The values of a tensor, row by row in the order of its dimensions; float32 where numpy lacks their type."""
    array: NDArray[Any] = tensor.detach().cpu().contiguous().to(stored_type(tensor)).numpy()
    return array


def stored_type(tensor: torch.Tensor) -> torch.dtype:
    """The type of a tensor's values in a file: numpy lacks bfloat16, whose values float32 has all."""
    known = (torch.float16, torch.float32, torch.float64)
    return torch.float32 if tensor.is_floating_point() and tensor.dtype not in known else tensor.dtype


def _built_of(classifier: Classifier) -> NetworkHeader:
    return NetworkHeader(
        architecture=classifier.architecture,
        architecture_sha256=classifier.architecture_sha256,
        options=classifier.options,
    )


def _classifier_of(
    arrays: Mapping[str, NDArray[Any]],
    header: ClassifierHeader,
    built: NetworkHeader,
    *,
    source: Path,
    device: torch.device,
) -> Classifier:
    shape = header.input.shape
    _require_preprocessing(arrays, shape, source=source)
    tensors = {key: torch.from_numpy(value) for key, value in arrays.items()}
    preprocessing = {name: tensors.pop(name) for name in PREPROCESSING}
    network = network_with_weights(
        built.architecture,
        input_shape=fed_shape(shape, header.input.crop),
        classes=header.outputs_of_network,
        options=built.options,
        weights={key.removeprefix(NETWORK_PREFIX): value for key, value in tensors.items()},
        source=source,
    )
    return Classifier(
        name=header.name,
        architecture=built.architecture,
        architecture_sha256=built.architecture_sha256,
        options=built.options,
        network=network,
        input_shape=shape,
        crop=header.input.crop,
        views=header.input.views,
        class_names=header.class_names,
        chunk_size=header.chunk_size,
        device=device,
        outputs=header.outputs,
        fooling_class=header.fooling_class,
        refusal=None if header.refusal is None else Refusal(**header.refusal.model_dump()),
        provenance=header.provenance,
        **preprocessing,
    )


def _require_preprocessing(arrays: Mapping[str, NDArray[Any]], shape: tuple[int, int, int], *, source: object) -> None:
    """The mean is an image (C, H, W), the scale a number for each channel, and the offset one or the other."""
    image, channels = (f"float32 {' '.join(map(str, lengths))}" for lengths in (shape, (shape[0], 1, 1)))
    offset = image if "offset" in arrays and arrays["offset"].shape == shape else channels
    require_layout(arrays, {"training_mean": image, "offset": offset, "scale": channels}, source=source)
    for name in PREPROCESSING:
        require_range(name, arrays[name], least=-FINITE32, most=FINITE32, source=source)


def _require_same_layout(
    expected: Mapping[str, torch.Tensor], weights: Mapping[str, torch.Tensor], *, architecture: str, source: Path
) -> None:
    shapes = {key: tuple(value.shape) for key, value in expected.items()}
    found = {key: tuple(value.shape) for key, value in weights.items()}
    if found.keys() != shapes.keys():
        missing, unknown = sorted(shapes.keys() - found.keys()), sorted(found.keys() - shapes.keys())
        part = complete_part(weights, expected)
        raise FoolingError(
            f"the weights in {source} are not those of the architecture {architecture}",
            found=f"unknown: {_some(unknown)}; missing: {_some(missing)}",
            expected=_some(sorted(shapes)),
            remedy=part and f"write a file of those alone whose names begin with {part!r}: the whole network is there",
        )
    wrong = [key for key in shapes if found[key] != shapes[key]]
    other = [key for key in shapes if weights[key].is_floating_point() != expected[key].is_floating_point()]
    if other:
        raise FoolingError(
            f"the weights in {source} are of other types than those of the architecture {architecture}",
            found=_some([f"{key} {weights[key].dtype}" for key in other]),
            expected=_some([f"{key} {expected[key].dtype}" for key in other]),
        )
    if wrong:
        raise FoolingError(
            f"the weights in {source} have other shapes than the architecture {architecture}",
            found=_some([f"{key} {found[key]}" for key in wrong]),
            expected=_some([f"{key} {shapes[key]}" for key in wrong]),
            remedy="check `dataset` (how many classes it has), `options` and `input.crop`",
        )


def _some(entries: list[str], most: int = 5) -> str:
    """The first few entries, and how many more there are."""
    more = len(entries) - most
    return (", ".join(entries[:most]) or "none") + (f" and {more} more" if more > 0 else "")
