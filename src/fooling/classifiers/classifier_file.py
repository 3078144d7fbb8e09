"""Save and load a classifier as one safetensors file that describes itself.

Its arrays are the state dict of the network (``network.<key>``) and the preprocessing (``offset``, ``scale``,
``training_mean``); its header names the architecture, input, classes and provenance. It never contains code. For an
architecture of the form ``path/to/file.py:function`` it records the SHA-256 of the file, and you name the file when you
load the classifier (:mod:`fooling.classifiers.architectures`).

State dicts of others are adapted where that is unambiguous: a prefix of all names, counters of batch normalisation that
old files lack, and numbers of another precision. Each change is reported. Everything else stays, and is refused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.parameter import is_lazy

from fooling.artifacts import read_arrays, write_arrays
from fooling.classifiers.architectures import build_network, described, permitted, require_files, require_recorded
from fooling.classifiers.classifier import Classifier, Refusal, fed_shape
from fooling.classifiers.header import KIND, PREPROCESSING_ARRAYS, VERSION, ClassifierHeader, NetworkHeader
from fooling.messages import FoolingError, say
from fooling.schemas import FINITE32, checked_header, require_range, require_schema

PREPROCESSING = tuple(array.name for array in PREPROCESSING_ARRAYS)
NETWORK_PREFIX = "network."


def save_classifier(path: Path, classifier: Classifier) -> None:
    """Write ``classifier`` to ``path`` atomically; the same classifier gives the same bytes.

    Raises :class:`FoolingError` for a classifier that :func:`load_classifier` would refuse.
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
    if classifier.outputs != "logits":  # stored only where it differs: other files keep their bytes
        header["outputs"] = classifier.outputs
    if classifier.refusal is not None:
        header["refusal"] = dataclasses.asdict(classifier.refusal)
    built = checked_header(ClassifierHeader, header, source=f"the classifier {classifier.name}")
    _require_preprocessing(arrays, built.input.shape, source=f"the classifier {classifier.name}")
    require_recorded(built, source=f"the classifier {classifier.name}")
    write_arrays(path, arrays, kind=KIND, version=VERSION, header=header)


def load_classifier(path: Path, device: torch.device, architectures: Sequence[str] = ()) -> Classifier:
    """Return the classifier in a file of :func:`save_classifier`, on ``device``.

    Args:
        path: The file.
        device: Where the classifier computes.
        architectures: The Python files that may be run, as ``path/to/file.py:function``.

    Raises:
        FoolingError: The file is missing, truncated or of another format, its Python file is not among
            ``architectures`` or has changed, its architecture cannot be built, or its weights do not fit the
            architecture.
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
    """Return the network of ``architecture`` with these ``weights``, a state dict from the file ``source``.

    The state dict of others first passes through ``adapt``, together with that of the network. Raises
    :class:`FoolingError` unless names, shapes and types agree with those of the architecture; if torch can build the
    network without memory, this is checked before any memory is used.
    """
    build = partial(build_network, architecture, input_shape=input_shape, classes=classes, options=options)
    expected = _state_without_memory(partial(build, tried=False))
    if expected is not None:
        weights = adapt(weights, expected) if adapt else weights
        _require_same_state(expected, weights, architecture=architecture, source=source)
    with torch.random.fork_rng(devices=[]):  # the new weights are replaced, and their random numbers are not used up
        network = build()
    if expected is None and adapt:
        weights = adapt(weights, network.state_dict())
    load_weights(network, weights, architecture=architecture, source=source)
    return network


def load_weights(network: nn.Module, weights: Mapping[str, torch.Tensor], *, architecture: str, source: Path) -> None:
    """Load a state dict from the file ``source``; raise :class:`FoolingError` unless names, shapes and types agree."""
    _require_same_state(network.state_dict(), weights, architecture=architecture, source=source)
    network.load_state_dict(weights)


def _state_without_memory(build: Callable[[], nn.Module]) -> Mapping[str, torch.Tensor] | None:
    """Return the state dict of the network without its numbers; None if torch cannot build it without memory.

    The network is not tried on images: in a new process that takes torch seconds of imports. So layers that take their
    size from the first images have none yet, and need memory.
    """
    try:
        with torch.device("meta"):
            network = build()
    except FoolingError:
        return None
    if not isinstance(network, nn.Module) or any(map(is_lazy, network.state_dict().values())):
        return None
    return network.state_dict()


def as_array(tensor: torch.Tensor) -> NDArray[Any]:
    """Return the values of a tensor in row-major order; float32 where numpy lacks their type."""
    array: NDArray[Any] = tensor.detach().cpu().contiguous().to(stored_type(tensor)).numpy()
    return array


def stored_type(tensor: torch.Tensor) -> torch.dtype:
    """Return the type of a tensor's values in a file; numpy lacks bfloat16, whose values all exist in float32."""
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
    """Check that the mean is an image (C, H, W), the scale has one number per channel, and the offset is either."""
    image, channels = (f"float32 {' '.join(map(str, lengths))}" for lengths in (shape, (shape[0], 1, 1)))
    offset = image if "offset" in arrays and arrays["offset"].shape == shape else channels
    require_schema(arrays, {"training_mean": image, "offset": offset, "scale": channels}, source=source)
    for name in PREPROCESSING:
        require_range(name, arrays[name], least=-FINITE32, most=FINITE32, source=source)


def _require_same_state(
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
            remedy=part and f"write a file of only the weights whose names begin with {part!r}: they are complete",
        )
    wrong = [key for key in shapes if found[key] != shapes[key]]
    other = [key for key in shapes if weights[key].is_floating_point() != expected[key].is_floating_point()]
    if other:
        raise FoolingError(
            f"the weights in {source} have other types than the architecture {architecture}",
            found=_some([f"{key} {weights[key].dtype}" for key in other]),
            expected=_some([f"{key} {expected[key].dtype}" for key in other]),
        )
    if wrong:
        raise FoolingError(
            f"the weights in {source} have other shapes than the architecture {architecture}",
            found=_some([f"{key} {found[key]}" for key in wrong]),
            expected=_some([f"{key} {shapes[key]}" for key in wrong]),
            remedy="give the weights of this architecture, or name the code that builds the network of these weights; "
            "check the number of classes (--classes of an audit, else `dataset`), and in a study `options` and "
            "`input.crop`",
        )


def _some(entries: list[str], most: int = 5) -> str:
    """Return the first few entries, and how many more there are."""
    more = len(entries) - most
    return (", ".join(entries[:most]) or "none") + (f" and {more} more" if more > 0 else "")


COUNTER = "num_batches_tracked"  # of batch normalisation; a trained network does not use it


def adapted(weights: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return ``weights`` with the names and types of the network's state dict ``expected``, where unambiguous."""
    state = dict(weights)
    if prefix := _common_prefix(state, expected):
        say(f"weights: removed the prefix {prefix!r} of all names")
        state = {key.removeprefix(prefix): value for key, value in state.items()}
    if counters := _lacking_counters(state, expected):
        say(f"weights: set {len(counters)} missing counters ({COUNTER}) to 0")
        state |= {key: torch.zeros((), dtype=torch.int64) for key in counters}
    types = {value.dtype: expected[key].dtype for key, value in state.items() if _other_precision(value, expected, key)}
    for found, wanted in types.items():
        say(f"weights: converted numbers of type {_name(found)} to {_name(wanted)}")
    return state


def complete_part(weights: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]) -> str | None:
    """Return the prefix under which ``weights`` contain the whole state dict ``expected``, if any."""
    first = min(expected, default="")
    prefixes = sorted(key.removesuffix(first) for key in weights if key.endswith(f".{first}"))
    return next((prefix for prefix in prefixes if all(prefix + key in weights for key in expected)), None)


def _common_prefix(state: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]) -> str:
    """Return the prefix of all names without which they are those of the network, apart from counters; "" if none."""
    needed = {key for key in expected if not key.endswith(COUNTER)}
    prefix = complete_part(state, dict.fromkeys(needed, torch.empty(0))) or ""
    return prefix if all(key.startswith(prefix) and key.removeprefix(prefix) in expected for key in state) else ""


def _lacking_counters(state: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]) -> list[str]:
    missing = [key for key in expected if key not in state]
    return missing if all(key.endswith(COUNTER) for key in missing) else []


def _other_precision(value: torch.Tensor, expected: Mapping[str, torch.Tensor], key: str) -> bool:
    if key not in expected or not value.is_floating_point() or not expected[key].is_floating_point():
        return False
    return value.dtype != expected[key].dtype


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
