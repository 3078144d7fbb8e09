"""A classifier file never makes a Python file run: its reader names the file, and its content is the recorded one."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from fooling.artifacts import read_arrays, sha256_of, write_arrays
from fooling.classifiers.architectures import build_network
from fooling.classifiers.assembly import assembled
from fooling.classifiers.checkpoint import load_classifier, save_classifier
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.ensemble import ensemble_of
from fooling.classifiers.header import KIND, VERSION
from fooling.classifiers.settings import NetworkSettings
from fooling.cli.help import commands
from fooling.cli.main import function_of
from fooling.datasets.dataset import Dataset
from fooling.errors import FoolingError

CPU = torch.device("cpu")

LINEAR = """
from torch import nn

def build(*, input_shape, classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(input_shape[0] * input_shape[1] * input_shape[2], classes))
"""


@pytest.fixture
def mine(tmp_path: Path) -> str:
    """The architecture of one's own."""
    (tmp_path / "mine.py").write_text(LINEAR)
    return f"{tmp_path / 'mine.py'}:build"


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A Python file of someone else, which leaves a mark when it runs."""
    path = tmp_path / "foreign.py"
    path.write_text(f"open({str(tmp_path / 'mark')!r}, 'w')\n{LINEAR}")
    return path


def classifier_of(architecture: str, dataset: Dataset) -> Classifier:
    network = build_network(architecture, input_shape=dataset.image_shape, classes=len(dataset.class_names), options={})
    settings = NetworkSettings(architecture=architecture)
    return assembled(network, name="mine", settings=settings, dataset=dataset, device=CPU)


@pytest.fixture
def file(mine: str, bars: Dataset, tmp_path: Path) -> Path:
    save_classifier(tmp_path / "mine.safetensors", classifier_of(mine, bars))
    return tmp_path / "mine.safetensors"


def forged(path: Path, **header: Any) -> None:
    """The file at ``path`` with other entries in its header, and sound checksums."""
    arrays, old = read_arrays(path, kind=KIND, version=VERSION)
    kept = {key: value for key, value in {**old, **header}.items() if value is not None}
    write_arrays(path, arrays, kind=KIND, version=VERSION, header=kept)


def test_a_named_file_with_the_recorded_content_is_run(file: Path, mine: str, bars: Dataset) -> None:
    loaded = load_classifier(file, CPU, [mine])
    images = torch.from_numpy(bars.test_images)
    assert torch.equal(
        loaded.logits(images), load_classifier(file, CPU, ["nowhere/other.py:other", mine]).logits(images)
    )
    assert loaded.architecture_sha256 == sha256_of(LINEAR.encode())
    again = file.with_name("again.safetensors")
    save_classifier(again, loaded)
    assert again.read_bytes() == file.read_bytes()


def test_a_file_that_has_moved_is_run_where_its_reader_names_it(file: Path, mine: str, tmp_path: Path) -> None:
    moved = (tmp_path / "mine.py").rename(tmp_path / "moved.py")
    assert load_classifier(file, CPU, [f"{moved}:build"]).architecture == f"{moved}:build"
    with pytest.raises(FoolingError, match=r"there is no file .*mine\.py"):
        load_classifier(file, CPU, [mine])


def test_a_file_that_is_not_named_is_not_run(file: Path, mine: str, foreign: Path) -> None:
    with pytest.raises(
        FoolingError, match=r"needs a Python file that is not named\n(.|\n)*--architecture .*mine.py:build"
    ):
        load_classifier(file, CPU)
    forged(file, architecture=f"{foreign}:build", architecture_sha256=sha256_of(foreign.read_bytes()))
    for named in ([], [mine], ["lenet.py:other"]):
        with pytest.raises(FoolingError, match=r"other content|not named"):
            load_classifier(file, CPU, named)
    assert not foreign.with_name("mark").exists()
    load_classifier(file, CPU, [f"{foreign}:build"])
    assert foreign.with_name("mark").exists(), "it would leave a mark"


@pytest.mark.parametrize("name", ["{}:build", "torchvision:{}:build", "{}:__import__", "./{}:build"])
def test_no_name_in_a_header_makes_a_file_run(file: Path, mine: str, foreign: Path, name: str) -> None:
    for digest in (None, sha256_of(foreign.read_bytes()), sha256_of(LINEAR.encode())):
        forged(file, architecture=name.format(foreign), architecture_sha256=digest)
        with pytest.raises(FoolingError):
            load_classifier(file, CPU)
        forged(file, architecture="ensemble", architecture_sha256=None, options=nested(name.format(foreign), digest))
        with pytest.raises(FoolingError):
            load_classifier(file, CPU, [mine])
    assert not foreign.with_name("mark").exists()


def nested(architecture: str, digest: str | None) -> dict[str, Any]:
    """The options of an ensemble of an ensemble of this network."""
    member = {
        "architecture": architecture,
        "architecture_sha256": digest,
        "options": {},
        "crop": None,
        "views": "centre",
    }
    inner = {"members": [{key: value for key, value in member.items() if value is not None}]}
    return {"members": [{"architecture": "ensemble", "options": inner, "crop": None, "views": "centre"}]}


@pytest.mark.parametrize(
    "members", [None, [], {}, "ab", [{}], [{"architecture": 3}], {"a": {"architecture": "x.py:f"}}]
)
def test_members_that_are_none_are_refused(file: Path, mine: str, members: object) -> None:
    forged(file, architecture="ensemble", architecture_sha256=None, options={"members": members})
    with pytest.raises(FoolingError, match="the ensemble in"):
        load_classifier(file, CPU, [mine])


def test_a_file_that_has_changed_is_not_run(file: Path, mine: str, tmp_path: Path) -> None:
    changed = LINEAR + f"open({str(tmp_path / 'mark')!r}, 'w')\n"
    (tmp_path / "mine.py").write_text(changed)
    with pytest.raises(
        FoolingError,
        match=f"other content\n  found: .*{sha256_of(changed.encode())}(.|\n)*{sha256_of(LINEAR.encode())}",
    ):
        load_classifier(file, CPU, [mine])
    assert not (tmp_path / "mark").exists()


def test_a_file_of_an_earlier_version_says_how_to_convert_it(file: Path, mine: str) -> None:
    forged(file, architecture_sha256=None)
    for named in ([], [mine]):
        with pytest.raises(FoolingError, match=r"does not record the content(.|\n)*import the network again"):
            load_classifier(file, CPU, named)


@pytest.mark.parametrize("name", ["lenet", "mine.py", "mine.py:", "mine:build", ":", ""])
def test_a_name_of_no_python_file_is_refused(file: Path, name: str) -> None:
    with pytest.raises(FoolingError, match="names no function of a Python file"):
        load_classifier(file, CPU, [name])


def test_the_members_of_an_ensemble_are_held_to_the_same(file: Path, mine: str, bars: Dataset, tmp_path: Path) -> None:
    one = load_classifier(file, CPU, [mine])
    save_classifier(tmp_path / "two.safetensors", ensemble_of([one, dataclasses.replace(one, name="b")], name="two"))
    loaded = load_classifier(tmp_path / "two.safetensors", CPU, [mine])
    images = torch.from_numpy(bars.test_images)
    assert torch.allclose(loaded.confidences(images), one.confidences(images), atol=1e-6)
    with pytest.raises(FoolingError, match="not named"):
        load_classifier(tmp_path / "two.safetensors", CPU)
    (tmp_path / "mine.py").write_text(LINEAR + "# changed")
    with pytest.raises(FoolingError, match="other content"):
        load_classifier(tmp_path / "two.safetensors", CPU, [mine])


def test_the_header_of_a_known_architecture_names_no_file(lenet: Classifier, tmp_path: Path) -> None:
    save_classifier(tmp_path / "lenet.safetensors", lenet)
    _, header = read_arrays(tmp_path / "lenet.safetensors", kind=KIND, version=VERSION)
    assert "architecture_sha256" not in header


@pytest.mark.parametrize("option", ["pretrained", "weights", "progress"])
def test_no_option_makes_torchvision_load_weights(option: str) -> None:
    with pytest.raises(FoolingError, match=f"takes no option '{option}'"):
        build_network("torchvision:mobilenet_v3_small", input_shape=(3, 32, 32), classes=5, options={option: True})


def test_only_torchvisions_own_classifiers_are_built() -> None:
    for name in ("fasterrcnn_resnet50_fpn", "quantized_resnet18", "../hub", "resnet18.__init__", "list_models"):
        with pytest.raises(FoolingError, match="torchvision has no network"):
            build_network(f"torchvision:{name}", input_shape=(3, 32, 32), classes=5, options={})


@pytest.mark.parametrize("command", commands())
def test_every_command_that_loads_a_classifier_takes_its_python_file(command: str) -> None:
    function = function_of(command)
    loads = "load_classifier(" in inspect.getsource(sys.modules[function.__module__])
    assert ("architecture" in inspect.signature(function).parameters) == loads
