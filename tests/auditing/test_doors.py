"""The doors of an audit: networks as their users have them, each with the scores of the original."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from fooling.auditing.doors import Opening, opened
from fooling.errors import FoolingError
from fooling.images import noise_images

CPU = torch.device("cpu")
SHAPE = (1, 8, 8)
SOURCE = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, num_classes=3):
        super().__init__()
        self.convolution = nn.Conv2d(1, 2, 3)
        self.scores = nn.Linear(72, num_classes)

    def forward(self, x):
        x = self.convolution(x)
        return self.scores(x.view(-1, 72))


def build(*, input_shape, classes):
    assert input_shape == (1, 8, 8)
    return Net(classes)


def nothing():
    return "no network"


def needs_more(width):
    return Net(width)
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "net.py"
    path.write_text(SOURCE)
    return path


@pytest.fixture
def original(source: Path) -> torch.nn.Module:
    space: dict[str, object] = {}
    exec(source.read_text(), space)
    torch.manual_seed(5)
    return space["Net"]()  # type: ignore[operator, no-any-return]


def logits(network: torch.nn.Module, images: np.ndarray, *, mean: float = 0.0, std: float = 1.0) -> np.ndarray:
    """Scores of the original, by plain torch."""
    with torch.no_grad():
        return network.eval()((torch.from_numpy(images).float() / 255 - mean) / std).numpy()


def saved(path: Path, original: torch.nn.Module, form: str) -> Path:
    state = original.state_dict()
    forms = {
        "plain": state,
        "checkpoint": {"epoch": 3, "model_state_dict": state, "optimiser": {"lr": 0.1}},
        "parallel": {f"module.{key}": value for key, value in state.items()},
        "compiled": {"state_dict": {f"_orig_mod.{key}": value for key, value in state.items()}},
        "half": {key: value.half() for key, value in state.items()},
    }
    torch.save(forms[form], path)
    return path


@pytest.mark.parametrize("form", ["plain", "checkpoint", "parallel", "compiled"])
@pytest.mark.parametrize("function", ["Net", "build"])
def test_a_python_file_with_any_usual_file_of_weights(source, original, tmp_path, form, function) -> None:
    weights = saved(tmp_path / "weights.pth", original, form)
    names = ("a", "b", "c")
    opening = Opening(weights=weights, input_shape=SHAPE, classes=names, mean=(0.2,), std=(0.4,))
    classifier = opened(f"{source}:{function}", opening, device=CPU)
    images = noise_images(SHAPE)
    expected = logits(original, images, mean=0.2, std=0.4)
    np.testing.assert_allclose(classifier.logits(torch.from_numpy(images)).numpy(), expected, atol=1e-5)
    assert classifier.name == "net"
    assert classifier.class_names == names


@pytest.mark.parametrize(
    ("target", "opening", "message"),
    [
        ("{file}:Net", Opening(), r"size of the images(.|\n)*--input-shape 1x28x28"),
        ("{file}:nothing", Opening(input_shape=SHAPE), "does not build a network"),
        ("{file}:needs_more", Opening(input_shape=SHAPE), r"needs width(.|\n)*give them a default"),
        ("{file}:build", Opening(input_shape=SHAPE), r"needs classes(.|\n)*--classes"),
        ("{file}:Other", Opening(input_shape=SHAPE), "no function 'Other'"),
        ("resnet50", Opening(), r"no known form(.|\n)*torchvision:<name>"),
        ("keras:resnet50", Opening(), "no known form"),
        ("timm:resnet18", Opening(), r"weights of timm:resnet18 are missing(.|\n)*--weights"),
        ("missing.onnx", Opening(), "missing.onnx does not exist"),
    ],
)
def test_whatever_is_missing_is_named_with_its_remedy(source, target, opening, message) -> None:
    with pytest.raises(FoolingError, match=message):
        opened(target.format(file=source), opening, device=CPU)


def test_weights_of_another_network_are_refused(source, original, tmp_path) -> None:
    path = tmp_path / "other.pth"
    torch.save({key: value for key, value in original.state_dict().items() if "scores" not in key}, path)
    with pytest.raises(FoolingError, match=r"other.pth(.|\n)*scores.bias"):
        opened(f"{source}:Net", Opening(weights=path, input_shape=SHAPE), device=CPU)
    torch.save({"one": original.state_dict(), "two": original.state_dict()}, path)
    with pytest.raises(FoolingError, match=r"not a state dict\n  found: 2 state dicts among: one, two"):
        opened(f"{source}:Net", Opening(weights=path, input_shape=SHAPE), device=CPU)


def test_a_pickled_network_is_refused_without_running_it(source, tmp_path) -> None:
    path = tmp_path / "whole.pth"
    torch.save({"path": Path("x")}, path)
    with pytest.raises(FoolingError, match=r"cannot be read as weights(.|\n)*save the state dict alone") as refused:
        opened(f"{source}:Net", Opening(weights=path, input_shape=SHAPE), device=CPU)
    assert "weights_only=False" not in str(refused.value)


def test_torchvision_with_weights_of_ones_own(tmp_path) -> None:
    from fooling.torchvision_import import import_torchvision

    torch.manual_seed(2)
    original = import_torchvision().models.squeezenet1_1(num_classes=5)
    path = tmp_path / "mine.pth"
    torch.save(original.state_dict(), path)
    opening = Opening(weights=path, input_shape=(3, 64, 64), classes=tuple("abcde"))
    classifier = opened("torchvision:squeezenet1_1", opening, device=CPU)
    images = noise_images((3, 64, 64))
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.no_grad():
        fed = (torch.from_numpy(images).float() / 255 - mean[:, None, None]) / std[:, None, None]
        expected = original.eval()(fed).numpy()
    np.testing.assert_allclose(classifier.logits(torch.from_numpy(images)).numpy(), expected, atol=1e-4)


def test_timm_with_its_own_preprocessing(tmp_path) -> None:
    from fooling.torchvision_import import ensure_operators

    ensure_operators()
    timm = pytest.importorskip("timm")
    torch.manual_seed(4)
    original = timm.create_model("test_resnet", pretrained=False, num_classes=4)
    path = tmp_path / "mine.pth"
    torch.save(original.state_dict(), path)
    classifier = opened("timm:test_resnet", Opening(weights=path), device=CPU)
    stated = timm.data.resolve_model_data_config(original)
    images = noise_images(classifier.input_shape, 2)
    mean, std = (torch.tensor(stated[key])[:, None, None] for key in ("mean", "std"))
    with torch.no_grad():
        expected = original.eval()((torch.from_numpy(images).float() / 255 - mean) / std).numpy()
    assert classifier.input_shape == tuple(stated["input_size"])
    np.testing.assert_allclose(classifier.logits(torch.from_numpy(images)).numpy(), expected, atol=1e-4)


def onnx_file(path: Path, original: torch.nn.Linear, *, channels_last: bool, batch: int | str = "batch") -> Path:
    """Write a linear network on images of 6 x 5 pixels in colour; with ``channels_last`` its input is (B, H, W, C)."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    helper, numbers = onnx.helper, onnx.TensorProto.FLOAT
    shape = [batch, 6, 5, 3] if channels_last else [batch, 3, 6, 5]
    nodes = [helper.make_node("Transpose", ["images"], ["first"], perm=[0, 3, 1, 2])] if channels_last else []
    nodes.append(helper.make_node("Flatten", ["first" if channels_last else "images"], ["flat"]))
    nodes.append(helper.make_node("Gemm", ["flat", "weight", "bias"], ["logits"], transB=1))
    nodes.append(helper.make_node("Softmax", ["logits"], ["scores"], axis=1))
    weights = {"weight": original.weight, "bias": original.bias}
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("images", numbers, shape)],
        [helper.make_tensor_value_info("scores", numbers, [batch, 4])],
        [onnx.numpy_helper.from_array(value.detach().numpy(), name) for name, value in weights.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))
    return path


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("colour", ["rgb", "bgr"])
@pytest.mark.parametrize("batch", ["batch", 1])
def test_onnx_in_both_layouts_and_orders_of_colours(tmp_path, channels_last, colour, batch) -> None:
    torch.manual_seed(6)
    original = torch.nn.Linear(90, 4)
    path = onnx_file(tmp_path / "net.onnx", original, channels_last=channels_last, batch=batch)
    opening = Opening(divisor=1.0, mean=(104.0, 117.0, 123.0), std=(50.0, 60.0, 70.0), colour=colour)
    classifier = opened(str(path), opening, device=CPU)
    images = noise_images((3, 6, 5))
    mean, std = np.array([104, 117, 123])[:, None, None], np.array([50, 60, 70])[:, None, None]
    fed = (images - mean) / std
    if colour == "bgr":
        fed = fed[:, ::-1]
    logits = fed.reshape(len(fed), -1) @ original.weight.detach().double().numpy().T + original.bias.detach().numpy()
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    assert (classifier.input_shape, classifier.outputs) == ((3, 6, 5), "probabilities")
    confidences = classifier.confidences(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(confidences, odds / odds.sum(axis=1, keepdims=True), atol=1e-5)
