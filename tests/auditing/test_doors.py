"""The doors of an audit: networks as their users have them, each with the scores of the original."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from fooling.auditing.doors import DOORS, kind_of, opened
from fooling.auditing.settings import Opening
from fooling.classifiers.gradients import has_gradients
from fooling.images import noise_images
from fooling.messages import FoolingError
from onnx_files import onnx_file

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
        ("{file}", Opening(), r"is a Python file(.|\n)*net.py:build"),
        ("resnet50", Opening(), r"no network is known as 'resnet50'(.|\n)*torchvision:resnet50 or timm:resnet50"),
        ("keras:resnet50", Opening(), r"no network is known as(.|\n)*https://host/path"),
        ("huggingface:google/vit", Opening(), "google/vit does not exist"),
        ("missing.pt2", Opening(), "missing.pt2 does not exist"),
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


def test_an_unknown_target_is_answered_with_all_forms() -> None:
    with pytest.raises(FoolingError) as refused:
        kind_of("no such network")
    for door in DOORS.values():
        assert door.form in str(refused.value)
        assert door.doc in str(refused.value)


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("some/net.py:build", "python"),
        ("torchvision:resnet50", "torchvision"),
        ("torchvision:resnet50:IMAGENET1K_V1", "torchvision"),
        ("timm:resnet18", "timm"),
        ("open_clip:ViT-B-32", "open_clip"),
        ("huggingface:some/folder", "huggingface"),
        ("https://host/score", "service"),
        ("http://localhost:8000/score.py:1", "service"),
    ],
)
def test_the_target_alone_says_which_door_is_meant(target, kind) -> None:
    assert kind_of(target) == kind


def test_a_folder_is_one_of_hugging_face_or_refused(tmp_path) -> None:
    with pytest.raises(FoolingError, match=r"holds no network\n  found: no config.json"):
        kind_of(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    assert kind_of(str(tmp_path)) == "huggingface"


def test_a_network_as_a_black_box_shows_its_probabilities_alone(source, original, tmp_path) -> None:
    weights = saved(tmp_path / "weights.pth", original, "plain")
    given = {"weights": weights, "input_shape": SHAPE}
    whole = opened(f"{source}:Net", Opening(**given), device=CPU)
    box = opened(f"{source}:Net", Opening(**given, black_box=True), device=CPU)
    images = torch.from_numpy(noise_images(SHAPE, 40))
    assert (whole.outputs, box.outputs) == ("logits", "probabilities")
    torch.testing.assert_close(box.confidences(images), whole.confidences(images))
    assert not has_gradients(box)
    assert has_gradients(whole)
    assert (box.class_names, box.name, box.provenance) == (whole.class_names, whole.name, whole.provenance)


@pytest.mark.parametrize("package", ["torchvision", "onnx2torch"])
def test_a_file_may_import_packages_that_need_the_operators_of_torchvision(tmp_path, package) -> None:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    (tmp_path / "net.py").write_text(
        f"import {package}\nfrom torch import nn\n\n"
        "def build():\n    return nn.Sequential(nn.Flatten(), nn.Linear(64, 3))\n"
    )
    code = (
        "import sys, torch\n"
        "from fooling.auditing.doors import opened\n"
        "from fooling.auditing.settings import Opening\n"
        "classifier = opened(sys.argv[1], Opening(input_shape=(1, 8, 8)), device=torch.device('cpu'))\n"
        f"print(len(classifier.class_names), '{package}' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, f"{tmp_path / 'net.py'}:build"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "3 True\n"
