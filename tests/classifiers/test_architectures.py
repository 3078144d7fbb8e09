"""Networks are found by name, and whatever does not fit is named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from fooling.classifiers.architectures import (
    architecture_modules,
    architecture_source,
    build_network,
    find_architecture,
)
from fooling.errors import FoolingError

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
    package = "fooling.classifiers"
    assert printed.split() == [f"{package}.lenet", f"{package}.alexnet", f"{package}.vision", "a/b.py"]


def test_the_modules_of_an_ensemble_are_its_own_and_its_members() -> None:
    members = [{"architecture": name, "options": {}} for name in ("lenet", "mine.py:build", "lenet", "alexnet")]
    modules = [f"fooling.classifiers.{name}" for name in ("ensemble", "lenet", "alexnet")]
    assert architecture_modules("ensemble", {"members": members}) == modules


@pytest.mark.parametrize("name", ["resnet", "torchvision:", "mine.py", "mine.py:", ":build", ""])
def test_a_name_of_no_known_form_is_refused(name: str) -> None:
    with pytest.raises(FoolingError, match="no such architecture"):
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
    with pytest.raises(FoolingError, match=r"own.py sets a CHUNK_SIZE that cannot be\n  found: .*\n.*from 1 to 4096"):
        find_architecture(f"{own}:small")


def test_a_network_in_training_mode_stays_in_it(own: Path) -> None:
    assert built(f"{own}:small").training


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FoolingError, match=r"there is no file .*nowhere.py"):
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
    with pytest.raises(FoolingError, match=r"cannot take these images(.|\n)*\(B, 1, 4, 4\)"):
        built(f"{own}:stubborn", input_shape=(1, 4, 4))


def test_something_else_than_a_network_is_named(own: Path) -> None:
    with pytest.raises(FoolingError, match="builds no network"):
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
