"""Networks are found by name, and whatever does not fit is named."""

from __future__ import annotations

import dataclasses
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from fooling.artifacts import read_arrays, sha256_of, write_arrays
from fooling.classifiers.architectures import (
    architecture_functions,
    architecture_source,
    build_network,
    find_architecture,
)
from fooling.classifiers.assembly import assembled, ensemble_of
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.classifier_file import load_classifier, save_classifier
from fooling.classifiers.header import KIND, VERSION
from fooling.classifiers.settings import NetworkSettings
from fooling.cli.main import commands, function_of
from fooling.datasets.dataset import Dataset
from fooling.fingerprint import Fingerprints
from fooling.messages import FoolingError

FINGERPRINTS = Fingerprints()

OWN_NETWORK = """
from torch import nn

CHUNK_SIZE = 8

def small(*, input_shape, classes, width=4):
    return nn.Sequential(nn.Flatten(), nn.Linear(input_shape[0] * input_shape[1] * input_shape[2], width),
                         nn.ReLU(), nn.Linear(width, classes))

def stubborn(*, input_shape, classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(48, 1000))

def no_network(*, input_shape, classes):
    return 3
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(OWN_NETWORK)
    return path


def built(name: str, *, input_shape: tuple[int, int, int] = (3, 4, 4), **options: object) -> torch.nn.Module:
    return build_network(name, input_shape=input_shape, classes=5, options=options)


def test_the_source_is_found_without_importing_torch() -> None:
    code = (
        "import sys; from fooling.classifiers.architectures import architecture_source as source;"
        "print(source('lenet'), source('alexnet'), source('torchvision:resnet18'), source('a/b.py:c'));"
        "assert 'torch' not in sys.modules"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    lenet, vision = "fooling.classifiers.networks:lenet", "fooling.classifiers.vision:architecture_of"
    assert printed.split() == [lenet, vision, vision, "a/b.py"]


def test_the_functions_of_an_ensemble_are_its_own_and_its_members() -> None:
    members = [{"architecture": name, "options": {}} for name in ("lenet", "mine.py:build", "lenet", "alexnet")]
    functions = ("assembly:architecture_of", "networks:lenet", "vision:architecture_of")
    assert architecture_functions("ensemble", {"members": members}) == [f"fooling.classifiers.{f}" for f in functions]


def test_the_fingerprint_of_one_architecture_covers_no_other() -> None:
    covered = {
        name: Fingerprints().definitions("fooling.cli.training:train", *architecture_functions(name, {}))
        for name in ("lenet", "mlp", "alexnet")
    }
    builders = {name: parts.get("fooling.classifiers.networks", set()) for name, parts in covered.items()}
    assert {"build_lenet", "MaxPoolByTwo"} <= builders["lenet"]
    assert "build_mlp" not in builders["lenet"]
    assert "build_mlp" in builders["mlp"]
    assert "build_lenet" not in builders["mlp"] | builders["alexnet"]


@pytest.mark.parametrize("name", ["resnet", "torchvision:", "mine.py", "mine.py:", ":build", ""])
def test_a_name_of_no_known_form_is_refused(name: str) -> None:
    with pytest.raises(FoolingError, match="unknown architecture"):
        architecture_source(name)


def test_anyones_network_is_built_from_its_file(own: Path) -> None:
    network = built(f"{own}:small", width=6)
    assert network[1].out_features == 6
    assert network(torch.zeros(2, 3, 4, 4)).shape == (2, 5)
    assert find_architecture(f"{own}:small").chunk_size == 8


def test_a_file_is_read_afresh(own: Path) -> None:
    built(f"{own}:small")
    own.write_text(OWN_NETWORK.replace("width=4", "width=9"))
    assert built(f"{own}:small")[1].out_features == 9


@pytest.mark.slow
def test_a_file_may_import_torchvision(own: Path) -> None:
    own.write_text(
        "import torchvision\n"
        "def build(*, input_shape, classes):\n"
        "    return torchvision.models.squeezenet1_1(num_classes=classes)\n"
    )
    code = (
        "from fooling.classifiers.architectures import build_network as build;"
        f"print(build({f'{own}:build'!r}, input_shape=(3, 64, 64), classes=5, options={{}}).num_classes)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "5\n"


@pytest.mark.parametrize("size", ["0", "-1", "4097", "10000", "64.0", "'64'", "True", "None", "2 ** 80"])
def test_a_chunk_size_that_no_file_could_hold_is_refused(own: Path, size: str) -> None:
    own.write_text(OWN_NETWORK.replace("CHUNK_SIZE = 8", f"CHUNK_SIZE = {size}"))
    with pytest.raises(FoolingError, match=r"own.py has an invalid CHUNK_SIZE\n  found: .*\n.*from 1 to 4096"):
        find_architecture(f"{own}:small")


def test_a_network_in_training_mode_stays_in_it(own: Path) -> None:
    assert built(f"{own}:small").training


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FoolingError, match=r"the file .*nowhere.py does not exist"):
        built(f"{tmp_path}/nowhere.py:build")


def test_a_missing_function_is_named(own: Path) -> None:
    with pytest.raises(FoolingError, match=r"no function 'build'(.|\n)*small, stubborn, no_network"):
        built(f"{own}:build")


def test_a_file_that_cannot_be_imported_is_named(own: Path) -> None:
    own.write_text("import a_module_that_is_not_there")
    with pytest.raises(FoolingError, match=r"own.py cannot be imported(.|\n)*a_module_that_is_not_there"):
        built(f"{own}:build")


def test_unknown_options_are_named(own: Path) -> None:
    with pytest.raises(FoolingError, match=r"'depth'(.|\n)*width=4"):
        built(f"{own}:small", depth=3)


def test_a_wrong_number_of_classes_is_named(own: Path) -> None:
    with pytest.raises(FoolingError, match=r"found: \(2, 1000\) for 2 images(.|\n)*logits \(B, 5\)"):
        built(f"{own}:stubborn")


def test_images_that_do_not_fit_are_named(own: Path) -> None:
    with pytest.raises(FoolingError, match=r"cannot process these images(.|\n)*\(B, 1, 4, 4\)"):
        built(f"{own}:stubborn", input_shape=(1, 4, 4))


def test_something_else_than_a_network_is_named(own: Path) -> None:
    with pytest.raises(FoolingError, match="does not build a network"):
        built(f"{own}:no_network")


def test_alexnet_is_torchvisions_for_any_classes_and_size() -> None:
    network = built("alexnet", input_shape=(3, 70, 64), dropout=0.25)
    assert network.classifier[0].p == 0.25
    assert sum(value.numel() for value in network.parameters()) == 57_003_840 + 4097 * 5


def test_alexnet_may_start_with_the_weights_of_he() -> None:
    network = built("alexnet", input_shape=(3, 64, 64), first_weights="he")
    for layer, fan_in in ((network.features[3], 64 * 25), (network.classifier[1], 9216)):
        assert layer.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.02)
        assert (layer.bias == 0).all()
    with pytest.raises(FoolingError, match="torchvision or he"):
        built("alexnet", input_shape=(3, 64, 64), first_weights="glorot")


def test_alexnet_refuses_images_that_are_too_small() -> None:
    with pytest.raises(FoolingError, match=r"at least 63x63(.|\n)*`input.crop`"):
        built("alexnet", input_shape=(3, 62, 96))


def test_torchvisions_networks_are_built_by_name() -> None:
    network = built("torchvision:squeezenet1_1", input_shape=(3, 64, 64), dropout=0.1)
    assert network.classifier[0].p == 0.1
    with pytest.raises(FoolingError, match=r"no network 'squeezenet1_2'(.|\n)*squeezenet1_"):
        built("torchvision:squeezenet1_2")
    with pytest.raises(FoolingError, match="RGB"):
        built("torchvision:resnet18", input_shape=(1, 64, 64))


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
    with pytest.raises(FoolingError, match=r"the file .*mine\.py does not exist"):
        load_classifier(file, CPU, [mine])


def test_a_file_that_is_not_named_is_not_run(file: Path, mine: str, foreign: Path) -> None:
    with pytest.raises(
        FoolingError, match=r"needs a Python file that you have not named\n(.|\n)*--architecture .*mine.py:build"
    ):
        load_classifier(file, CPU)
    forged(file, architecture=f"{foreign}:build", architecture_sha256=sha256_of(foreign.read_bytes()))
    for named in ([], [mine], ["lenet.py:other"]):
        with pytest.raises(FoolingError, match=r"a different Python file|not named"):
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
        match=f"a different Python file\n  found: .*{sha256_of(changed.encode())}(.|\n)*{sha256_of(LINEAR.encode())}",
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
    with pytest.raises(FoolingError, match="does not name a function of a Python file"):
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
    with pytest.raises(FoolingError, match="a different Python file"):
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
    covered = FINGERPRINTS.definitions(f"{function.__module__}:{function.__name__}")
    opens = {"load_classifier", "open_classifier"}
    loads = any(name.startswith("fooling.cli.") and opens & names for name, names in covered.items())
    assert ("architecture" in inspect.signature(function).parameters) == loads
