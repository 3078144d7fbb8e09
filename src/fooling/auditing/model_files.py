"""Open files and folders that hold a whole network: ONNX, TorchScript, ``torch.export`` and Hugging Face.

None of them runs Python code from the file. onnxruntime and TorchScript have their own interpreters. Of the files of
``torch.export`` those are refused that hold pickled objects, compiled code or operators outside torch's own libraries.
Folders of Hugging Face are opened with the classes of the package ``transformers`` alone, and without a connection.
"""

from __future__ import annotations

import importlib
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from torch import nn

from fooling.artifacts import HEADER_KEY, require_file
from fooling.classifiers.network_code import network_code
from fooling.messages import FoolingError, missing_package
from fooling.torchvision_import import ensure_operators

FileKind = Literal["onnx", "torchscript", "export", "classifier", "weights", "keras", "tflite", "unknown"]

#: Beginnings of files, and what they hold.
MAGIC: tuple[tuple[bytes, FileKind], ...] = ((b"\x89HDF\r\n", "keras"), (b"\x80\x02", "weights"), (b"\x08", "onnx"))


def kind_of_file(path: Path) -> FileKind:
    """Return what a file holds, by its content; raise :class:`FoolingError` if it is missing.

    ``weights`` are numbers without a network: a file of ``torch.save`` or of safetensors.
    """
    require_file(path)
    with path.open("rb") as file:
        head = file.read(9)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            members = {name.partition("/")[2] for name in archive.namelist()} | set(archive.namelist())
        if "archive_format" in members or "serialized_exported_program.json" in members:
            return "export"
        if "constants.pkl" in members:
            return "torchscript"
        return "weights" if "data.pkl" in members else "keras" if "model.weights.h5" in members else "unknown"
    if head[8:] == b"{" or path.suffix == ".safetensors":
        return "classifier" if _is_classifier(path) else "weights"
    if head[4:8] == b"TFL3":
        return "tflite"
    return next((kind for beginning, kind in MAGIC if head.startswith(beginning)), "unknown")


def _is_classifier(path: Path) -> bool:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        return f'"{HEADER_KEY}"'.encode() in file.read(min(length, 2**20))


def unique_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return names of classes, with its index after each one that several classes share."""
    counts = Counter(names)
    return tuple(f"{name} ({index})" if counts[name] > 1 else name for index, name in enumerate(names))


def imported(package: str) -> Any:
    """Import an optional package; raise :class:`FoolingError`, which names its extra, if it is not installed."""
    ensure_operators()
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise missing_package(error) or error from None


class OnnxNetwork(nn.Module):
    """A network in ONNX, run by onnxruntime on the CPU: from ``(B, C, H, W)`` float32 to scores ``(B, K)``."""

    def __init__(self, path: Path, *, colour: Literal["rgb", "bgr"] = "rgb") -> None:
        super().__init__()
        runtime = imported("onnxruntime")
        require_file(path)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1
        remedy = "export the network again, and check it with onnx.checker.check_model"
        with network_code(f"{path} cannot be opened", expected="a network in ONNX", remedy=remedy):
            self._session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type not in ONNX_TYPES:
            raise FoolingError(
                f"{path} does not take images",
                found=", ".join(f"{each.name}: {each.type} {each.shape}" for each in inputs),
                expected="one input of floats with four lengths, (B, C, H, W) or (B, H, W, C)",
                remedy="export the network without its preprocessing",
            )
        self._input, self._output = inputs[0], self._session.get_outputs()[0].name
        self._reversed = colour == "bgr"
        self.channels_last = self._input.shape[-1] in (1, 3) and self._input.shape[1] not in (1, 3)
        batch = self._input.shape[0]
        self._batch = batch if isinstance(batch, int) else None

    @property
    def input_shape(self) -> tuple[int, int, int] | None:
        """Shape (C, H, W) that the network states; None if it leaves a length open."""
        shape = self._input.shape[1:]
        if not all(isinstance(length, int) for length in shape):
            return None
        return (shape[2], shape[0], shape[1]) if self.channels_last else (shape[0], shape[1], shape[2])

    @torch.no_grad()
    def forward(self, levels: torch.Tensor) -> torch.Tensor:
        """Return the scores ``(B, K)``, float32."""
        given = levels.flip(1) if self._reversed else levels
        array = (given.permute(0, 2, 3, 1) if self.channels_last else given).contiguous().cpu().numpy()
        array = array.astype(ONNX_TYPES[self._input.type])
        size = self._batch or len(array)
        parts = [self._scores(array[start : start + size]) for start in range(0, len(array), size)]
        return torch.from_numpy(np.concatenate(parts)).to(levels.device)

    def _scores(self, images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        count, size = len(images), self._batch or len(images)
        filled = np.concatenate([images, np.zeros_like(images[:1]).repeat(size - count, axis=0)])
        scores: np.ndarray[Any, Any] = self._session.run([self._output], {self._input.name: filled})[0]
        return scores.reshape(size, -1)[:count].astype(np.float32)


ONNX_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}


class TorchScriptNetwork(nn.Module):
    """A network that ``torch.jit.save`` wrote: from ``(B, C, H, W)`` float32 to scores ``(B, K)``."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        with network_code(f"{path} cannot be opened", expected="a network that torch.jit.save wrote"):
            self.script = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the scores ``(B, K)``."""
        # Otherwise the first calls and later ones run different code, whose last bits may differ.
        with torch.jit.optimized_execution(False):  # type: ignore[attr-defined]
            scores: torch.Tensor = self.script(images)
        return scores


class ExportedNetwork(nn.Module):
    """A network that ``torch.export.save`` wrote: from ``(B, C, H, W)`` float32 to scores ``(B, K)``."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        content = path.read_bytes()
        require_no_code(content, source=path)
        with network_code(f"{path} cannot be opened", expected="a network that this version of torch exported"):
            program = torch.export.load(io.BytesIO(content))
            self.graph = program.module(check_guards=False)
        names = set(program.graph_signature.user_inputs)
        shapes = [node.meta["val"].shape for node in program.graph.nodes if node.name in names]
        if len(shapes) != 1 or len(shapes[0]) != 4:
            raise FoolingError(
                f"{path} does not take images",
                found=f"inputs of the shapes {', '.join(str(tuple(shape)) for shape in shapes)}",
                expected="one input with four lengths, (B, C, H, W)",
            )
        self._batch, *sides = (length if isinstance(length, int) else None for length in shapes[0])
        known = tuple(side for side in sides if side is not None)
        self.input_shape = (known[0], known[1], known[2]) if len(known) == 3 else None

    def train(self, mode: bool = True) -> Self:
        """Change nothing: the graph was exported in one mode, and refuses to be set to another one."""
        return self

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the scores ``(B, K)``; a network that was exported for a fixed B gets so many at once."""
        size = self._batch or len(images)
        missing = -len(images) % size
        filled = torch.cat([images, images.new_zeros(missing, *images.shape[1:])]) if missing else images
        parts = [self.graph(part.contiguous()) for part in torch.split(filled, size)]
        return torch.cat(parts)[: len(images)]


class HuggingFaceNetwork(nn.Module):
    """An image classifier in a folder that ``save_pretrained`` wrote: from normalised images to logits ``(B, K)``.

    Images of another size than the network's are scaled as its preprocessing does, but without rounding to levels, so
    that gradients exist.
    """

    def __init__(self, folder: Path, *, image_shape: tuple[int, int, int] | None = None) -> None:
        super().__init__()
        transformers = imported("transformers")
        for name in ("config.json", "preprocessor_config.json"):
            require_file(folder / name)
        expected = "a folder that save_pretrained of an image classifier and of its image processor wrote"
        with network_code(f"{folder} cannot be opened", expected=expected):
            self.network, report = transformers.AutoModelForImageClassification.from_pretrained(
                str(folder), local_files_only=True, output_loading_info=True
            )
            processor = transformers.AutoImageProcessor.from_pretrained(str(folder), local_files_only=True)
        if lacking := sorted({str(key) for kind in ("missing_keys", "mismatched_keys") for key in report[kind]}):
            raise FoolingError(
                f"{folder} has no trained weights for a part of the network",
                found=f"{len(lacking)} of them missing or of another shape, such as {lacking[0]}",
                expected="the weights of an image classifier with its last layer",
                remedy="save the network again after training it for classification",
            )
        labels = self.network.config.id2label
        self.class_names = tuple(str(labels[index]) for index in sorted(labels))
        seen = _processed(processor, 0, folder=folder)
        channels, height, width = seen.shape
        self.input_shape = image_shape or (channels, height, width)
        black, grey, white = (_processed(processor, level, folder=folder).mean(dim=(1, 2)) for level in (0, 51, 255))
        if not torch.allclose(grey, black + (white - black) / 5, atol=1e-4) or bool((white == black).any()):
            raise FoolingError(
                f"the preprocessing in {folder} is not a division, a mean and a standard deviation",
                found=f"{black.tolist()}, {grey.tolist()} and {white.tolist()} for the levels 0, 51 and 255",
                expected="numbers that rise evenly with the level",
            )
        range_ = white - black
        self.input = {"divisor": 255.0, "mean": (-black / range_).tolist(), "std": (1 / range_).tolist()}
        self._scaling = None if self.input_shape[1:] == (height, width) else _Scaling(processor, seen, folder=folder)
        self._black: torch.Tensor
        self._white: torch.Tensor
        self.register_buffer("_black", black[:, None, None], persistent=False)
        self.register_buffer("_white", white[:, None, None], persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits ``(B, K)``."""
        if self._scaling is not None:
            images = torch.minimum(torch.maximum(self._scaling(images), self._black), self._white)
        logits: torch.Tensor = self.network(pixel_values=images).logits
        return logits


class _Scaling(nn.Module):
    """Scale images and crop their centre, as an image processor of Hugging Face does."""

    def __init__(self, processor: Any, seen: torch.Tensor, *, folder: Path) -> None:
        super().__init__()
        size, crop = dict(processor.size), getattr(processor, "do_center_crop", False)
        self._mode = {0: "nearest-exact", 2: "bilinear", 3: "bicubic"}.get(int(processor.resample))
        self._shortest, self._crop = size.get("shortest_edge"), tuple(seen.shape[1:])
        if self._mode is None or not (
            processor.do_resize and ((self._shortest and crop) or {"height", "width"} <= set(size))
        ):
            raise FoolingError(
                f"images of this size cannot be scaled as the preprocessing in {folder} does",
                found=f"size {size}, resample {processor.resample}",
                expected="a size with height and width, or with shortest_edge and a crop; nearest, bilinear or bicubic",
                remedy=f"audit it with images of its own size: --input-shape {'x'.join(map(str, seen.shape))}",
            )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return images of the size that the network sees, from images ``(B, C, H, W)`` of any size."""
        height, width = self._crop
        size = self._crop
        if self._shortest is not None:
            factor = self._shortest / min(images.shape[2:])
            size = (int(images.shape[2] * factor), int(images.shape[3] * factor))
        scaled = nn.functional.interpolate(images, size, mode=str(self._mode), antialias=self._mode != "nearest-exact")
        top, left = (size[0] - height) // 2, (size[1] - width) // 2
        return scaled[:, :, top : top + height, left : left + width]


def _processed(processor: Any, level: int, *, folder: Path) -> torch.Tensor:
    """Return what a processor makes of an image of one grey level: float32 ``(C, H, W)``."""
    with network_code(f"the preprocessing in {folder} fails"):
        image = np.full((64, 64, 3), level, np.uint8)
        values: torch.Tensor = processor(images=[image], return_tensors="pt")["pixel_values"]
    return values[0]


#: Files of an archive of torch.export that hold numbers and descriptions alone.
PARTS = re.compile(
    r"models/model\.json|data/(weights|constants)/model_(weights|constants)_config\.json|data/sample_inputs/model\.pt"
    r"|data/weights/weight_\d+|data/constants/tensor_\d+|archive_format|archive_version|byteorder|\.data/\w+"
)
#: Operators that a graph may name, as they are written there.
OPERATORS = re.compile(r"torch\.ops\.(aten|prims|torchvision)\.\w+\.\w+|_operator\.\w+|math\.\w+|torch\.sym_\w+")
#: Expressions for lengths, which torch evaluates as Python code: only symbols, numbers and these functions of them.
FUNCTIONS = "Symbol|Integer|Add|Mul|Pow|Max|Min|FloorDiv|CleanDiv|CeilDiv|Mod|PythonMod|ModularIndexing"
EXPRESSION = re.compile(rf"(({FUNCTIONS})\(|'\w+'|\w+(?![\w(])|[\s,=)-])*")
#: Types of the arguments of a network: any other type is looked up by its name.
CONTAINER = re.compile(r"builtins\.(tuple|list|dict)")


def require_no_code(content: bytes, *, source: Path) -> None:
    """Raise :class:`FoolingError` if reading or running a file of ``torch.export`` could run code of its author."""
    expected = "a zip archive that torch.export.save wrote"
    with network_code(f"{source} cannot be opened", expected=expected), zipfile.ZipFile(io.BytesIO(content)) as archive:
        reason = next(_code_in(archive), None)
    if reason is not None:
        raise FoolingError(
            f"{source} is refused, because opening it could run code",
            found=reason,
            expected="what torch.export.save of this version writes, with tensors and torch's own operators alone",
            remedy="export the network again, or audit its Python file and weights: my_net.py:build --weights net.pth",
        )


def _code_in(archive: zipfile.ZipFile) -> Iterator[str]:
    """Yield each part of an archive that torch may run or unpickle."""
    for name in archive.namelist():
        part = name.partition("/")[2]
        if not PARTS.fullmatch(part):
            yield f"the part {part or name}"
        elif part.endswith(".json"):
            yield from _code_in_json(json.loads(archive.read(name)))
        elif part.endswith(".pt"):
            try:
                torch.load(io.BytesIO(archive.read(name)), weights_only=True)
            except Exception as error:  # torch.load raises many kinds of exceptions
                yield f"pickled objects in {part}: {str(error).partition(chr(10))[0][:200]}"


def _code_in_json(values: Any) -> Iterator[str]:
    for key, value in _leaves(values):
        if key == "target" and not OPERATORS.fullmatch(str(value)):
            yield f"the operator {value}"
        elif key == "expr_str" and not EXPRESSION.fullmatch(str(value)):
            yield f"the expression {value}"
        elif key == "use_pickle" and value is not False:
            yield "weights as pickled objects"
        elif key in ("in_spec", "out_spec"):
            kinds = (kind for name, kind in _leaves(json.loads(value)) if name == "type" and kind is not None)
            yield from (f"an argument of the type {kind}" for kind in kinds if not CONTAINER.fullmatch(str(kind)))


def _leaves(values: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Yield all texts, numbers, truth values and nulls within JSON values, each with the last key on the way to it."""
    if isinstance(values, dict):
        for name, inner in values.items():
            yield from _leaves(inner, name)
    elif isinstance(values, list):
        for inner in values:
            yield from _leaves(inner, key)
    else:
        yield key, values
