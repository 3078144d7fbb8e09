"""A classifier file describes itself, gives back the same bits, and a bad one is named."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from fooling.artifacts import read_arrays, write_arrays
from fooling.classifiers.architectures import build_network
from fooling.classifiers.assembly import assembled
from fooling.classifiers.classifier import Classifier, fed_shape
from fooling.classifiers.classifier_file import (
    adapted,
    complete_part,
    load_classifier,
    network_with_weights,
    save_classifier,
)
from fooling.classifiers.header import VERSION
from fooling.classifiers.imported import read_weights
from fooling.classifiers.settings import NetworkSettings
from fooling.datasets.dataset import Dataset, save_dataset
from fooling.messages import FoolingError
from fooling.settings import checked_settings

CPU = torch.device("cpu")


@pytest.fixture
def file(lenet: Classifier, tmp_path: Path) -> Path:
    path = tmp_path / "lenet-a.safetensors"
    save_classifier(path, dataclasses.replace(lenet, provenance={"seed": 7, "test_error": 0.25}))
    return path


def rewritten(path: Path, *, arrays: dict[str, Any] | None = None, **header: Any) -> None:
    """The file at ``path`` with some arrays and header entries replaced."""
    old_arrays, old_header = read_arrays(path, kind="classifier", version=VERSION)
    write_arrays(
        path, {**old_arrays, **(arrays or {})}, kind="classifier", version=VERSION, header={**old_header, **header}
    )


def test_a_loaded_classifier_is_the_saved_one(lenet: Classifier, file: Path, bars: Dataset) -> None:
    loaded = load_classifier(file, CPU)
    images = torch.from_numpy(bars.test_images)
    assert torch.equal(loaded.logits(images), lenet.logits(images))
    assert torch.equal(loaded.with_mean_subtracted().logits(images), lenet.with_mean_subtracted().logits(images))
    assert (loaded.name, loaded.architecture, loaded.class_names) == ("lenet-a", "lenet", bars.class_names)
    assert loaded.provenance == {"seed": 7, "test_error": 0.25}
    assert (loaded.input_shape, loaded.chunk_size, loaded.options) == ((1, 20, 20), lenet.chunk_size, {})


def test_saving_a_loaded_classifier_gives_the_same_bytes(file: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.safetensors"
    save_classifier(again, load_classifier(file, CPU))
    assert again.read_bytes() == file.read_bytes()


def test_crop_and_views_are_kept(bars: Dataset, lenet: Classifier, tmp_path: Path) -> None:
    network = build_network("lenet", input_shape=(1, 16, 16), classes=4, options={})
    ten = dataclasses.replace(lenet, network=network, crop=16, views="ten")
    save_classifier(tmp_path / "ten.safetensors", ten)
    loaded = load_classifier(tmp_path / "ten.safetensors", CPU)
    images = torch.from_numpy(bars.test_images)
    assert (loaded.crop, loaded.views, loaded.input_shape) == (16, "ten", (1, 20, 20))
    assert torch.equal(loaded.logits(images), ten.logits(images))


@pytest.mark.parametrize("changes", [{"crop": 21}, {"crop": None, "views": "ten"}, {"views": "five"}, {"crop": 0}])
def test_views_that_cannot_be_are_refused(file: Path, changes: dict[str, Any]) -> None:
    entry = {"shape": [1, 20, 20], "dtype": "uint8", "range": [0, 255], "crop": None, "views": "centre"}
    rewritten(file, input={**entry, **changes})
    with pytest.raises(FoolingError):
        load_classifier(file, CPU)


def test_a_file_of_an_earlier_format_is_refused(file: Path) -> None:
    arrays, header = read_arrays(file, kind="classifier", version=VERSION)
    write_arrays(file, arrays, kind="classifier", version=VERSION - 1, header={**header, "version": VERSION - 1})
    with pytest.raises(FoolingError, match=rf"expected: .*{VERSION}"):
        load_classifier(file, CPU)


def test_loading_draws_no_random_numbers(file: Path) -> None:
    before = torch.get_rng_state()
    load_classifier(file, CPU)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_header_describes_the_classifier_without_this_package(file: Path) -> None:
    with safetensors.safe_open(file, framework="numpy") as content:
        header = json.loads(content.metadata()["fooling"])
    assert header["architecture"] == "lenet"
    seen = {"crop": None, "views": "centre"}
    assert header["input"] == {"shape": [1, 20, 20], "dtype": "uint8", "range": [0, 255], **seen}
    assert header["class_names"] == ["first", "second", "third", "fourth"]
    assert header["provenance"]["seed"] == 7


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_a_truncated_file_is_named(file: Path, share: float) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(FoolingError, match=r"lenet-a.safetensors is truncated or not a safetensors file"):
        load_classifier(file, CPU)


def test_another_format_is_named(file: Path, lenet: Classifier) -> None:
    torch.save(lenet.network.state_dict(), file)
    with pytest.raises(FoolingError, match="not a safetensors file"):
        load_classifier(file, CPU)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FoolingError, match="nothing there"):
        load_classifier(tmp_path / "none.safetensors", CPU)


def test_a_file_of_another_kind_is_named(file: Path, bars: Dataset) -> None:
    save_dataset(file, bars)
    with pytest.raises(FoolingError, match=r"found: dataset(.|\n)*expected: classifier"):
        load_classifier(file, CPU)


def test_weights_of_other_shapes_are_refused(file: Path) -> None:
    rewritten(file, arrays={"network.fc2.bias": np.zeros(9, np.float32)})
    with pytest.raises(FoolingError, match=r"fc2.bias \(9,\)(.|\n)*fc2.bias \(4,\)"):
        load_classifier(file, CPU)


def test_a_wrong_number_of_classes_is_refused(file: Path) -> None:
    rewritten(file, class_names=["one", "two", "three"])
    with pytest.raises(FoolingError, match=r"found: .*fc2.bias \(4,\)(.|\n)*expected: .*fc2.bias \(3,\)"):
        load_classifier(file, CPU)


def test_weights_of_another_network_are_refused(file: Path) -> None:
    rewritten(file, arrays={"network.conv9.weight": np.zeros((1, 1), np.float32)})
    with pytest.raises(FoolingError, match=r"unknown: conv9\.weight; missing: none"):
        load_classifier(file, CPU)


def test_an_incomplete_file_is_named(file: Path) -> None:
    arrays, header = read_arrays(file, kind="classifier", version=VERSION)
    del arrays["training_mean"]
    write_arrays(file, arrays, kind="classifier", version=VERSION, header=header)
    with pytest.raises(FoolingError, match=r"incomplete(.|\n)*no array 'training_mean'"):
        load_classifier(file, CPU)


NUMBER = st.floats(allow_nan=False, allow_infinity=False)
POSITIVE = st.floats(min_value=0, exclude_min=True, allow_infinity=False)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    divisor=POSITIVE,
    mean=st.lists(NUMBER, max_size=2),
    std=st.lists(POSITIVE, max_size=2),
    crop=st.none() | st.integers(8, 30),
    views=st.sampled_from(["centre", "ten"]),
    chunk_size=st.none() | st.integers(-1, 5000),
)
def test_what_is_written_can_be_read(bars: Dataset, tmp_path: Path, chunk_size: int | None, **given: Any) -> None:
    path = tmp_path / "made.safetensors"
    path.unlink(missing_ok=True)
    try:
        checked = checked_settings(NetworkSettings, {"input": given, "chunk_size": chunk_size}, source="the settings")
        fed = fed_shape(bars.image_shape, checked.input.crop)
        network = build_network("lenet", input_shape=fed, classes=4, options={})
        made = assembled(network, name="made", settings=checked, dataset=bars, device=CPU)
        save_classifier(path, made)
    except FoolingError as error:
        assert "the classifier made" not in str(error), "a setting was to blame"
        assert not path.exists()
    else:
        load_classifier(path, CPU)


def test_a_classifier_that_could_not_be_read_is_not_written(lenet: Classifier, tmp_path: Path) -> None:
    foreign = {"members": [{"architecture": "mine.py:build", "options": {}, "crop": None, "views": "centre"}]}
    for damage in (
        {"scale": torch.full_like(lenet.scale, torch.inf)},
        {"class_names": ("one",)},
        {"architecture": "mine.py:build"},
        {"architecture": "ensemble", "options": foreign},
        {"architecture": "ensemble", "options": {"members": []}},
    ):
        bad = dataclasses.replace(lenet, **damage)  # type: ignore[arg-type]
        with pytest.raises(FoolingError, match="the classifier lenet-a"):
            save_classifier(tmp_path / "bad.safetensors", bad)
    assert not list(tmp_path.iterdir())


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 3))


def renamed(prefix: str) -> dict[str, torch.Tensor]:
    return {prefix + key: value for key, value in network().state_dict().items()}


def same(one: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod.", "model.", "state_dict.net."])
def test_a_prefix_of_all_names_is_left_out(prefix: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert same(adapted(renamed(prefix), network().state_dict()), network().state_dict())
    assert capsys.readouterr().err == f"weights: removed the prefix {prefix!r} of all names\n"


def test_weights_that_fit_stay_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    state = network().state_dict()
    assert same(adapted(state, network().state_dict()), state)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("prefix", ["", "module."])
def test_missing_counters_are_set_to_zero(prefix: str, capsys: pytest.CaptureFixture[str]) -> None:
    old = {key: value for key, value in renamed(prefix).items() if not key.endswith("num_batches_tracked")}
    assert same(adapted(old, network().state_dict()), network().state_dict())
    assert "set 1 missing counters (num_batches_tracked) to 0" in capsys.readouterr().err


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_another_precision_is_said(dtype: torch.dtype, capsys: pytest.CaptureFixture[str]) -> None:
    state = {key: value.to(dtype) if value.is_floating_point() else value for key, value in renamed("module.").items()}
    assert adapted(state, network().state_dict()).keys() == network().state_dict().keys()
    assert f"converted numbers of type {str(dtype)[6:]} to float32" in capsys.readouterr().err


def test_a_prefix_of_some_names_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    state = {**renamed("module."), "epoch": torch.tensor(3)}
    assert adapted(state, network().state_dict()) == state
    assert capsys.readouterr().err == ""
    assert complete_part(state, network().state_dict()) == "module."
    del state["module.3.bias"]
    assert complete_part(state, network().state_dict()) is None


def test_weights_beside_other_things_are_refused_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from torch import nn\n"
        "def build(*, input_shape, classes):\n"
        "    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, classes))\n"
    )
    state = {**renamed("state_dict."), "optimizer.step": torch.tensor(3)}
    with pytest.raises(FoolingError, match=r"write a file of only the weights whose names begin with 'state_dict\.'"):
        network_with_weights(
            f"{tmp_path}/own.py:build",
            input_shape=(1, 3, 3),
            classes=3,
            options={},
            weights=state,
            source=tmp_path / "weights.safetensors",
            adapt=adapted,
        )


@pytest.mark.parametrize("key", ["state_dict", "model", ""])
def test_what_others_save_is_read_as_it_is(key: str, tmp_path: Path) -> None:
    saved = network().to(memory_format=torch.channels_last).state_dict()  # type: ignore[call-overload]
    saved["again"] = saved["3.weight"]  # memory that two names share
    torch.save({key: saved, "epoch": 3} if key else saved, tmp_path / "weights.pt")
    assert same(read_weights(tmp_path / "weights.pt"), dict(saved))


IN_BFLOAT16 = """
from torch import nn

class InBfloat16(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(400, 4).bfloat16()

    def forward(self, values):
        return self.layer(values.flatten(1).bfloat16()).float()

def build(*, input_shape, classes):
    return InBfloat16()
"""


def test_a_network_in_bfloat16_is_kept_to_the_bit(bars: Dataset, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(IN_BFLOAT16)
    name = f"{tmp_path}/own.py:build"
    network = build_network(name, input_shape=(1, 20, 20), classes=4, options={})
    settings = NetworkSettings(architecture=name)
    made = assembled(network, name="half", settings=settings, dataset=bars, device=torch.device("cpu"))
    save_classifier(tmp_path / "net.safetensors", made)
    loaded = load_classifier(tmp_path / "net.safetensors", torch.device("cpu"), [name])
    images = torch.from_numpy(bars.test_images)
    assert torch.equal(loaded.logits(images), made.logits(images))
    save_classifier(tmp_path / "again.safetensors", loaded)
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "net.safetensors").read_bytes()


@pytest.mark.slow  # a new process imports torch
def test_a_new_process_reads_a_classifier_without_torchs_compiler(file: Path) -> None:
    """It takes torch seconds to import, and is imported when a network is tried without memory."""
    read = f"""
import sys
from pathlib import Path
from fooling.classifiers.classifier_file import load_classifier
load_classifier(Path({str(file)!r}), "cpu")
assert "torch._dynamo" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", read], check=True)
