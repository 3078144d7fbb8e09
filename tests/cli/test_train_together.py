"""Several processes train one network: nearly the network that one trains, and always the same one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from fooling.classifiers.classifier_file import load_classifier
from fooling.classifiers.devices import ProcessGroup, launch, require_equal_parts
from fooling.cli.training import train
from fooling.messages import FoolingError
from streamed_pictures import Streamed, streamed
from trained_together import train_together

#: Dropout and batch normalisation have a state in every process.
NETWORK = """
from torch import nn

def build(*, input_shape, classes, random=True):
    between = [nn.BatchNorm2d(4), nn.Dropout(0.5)] if random else []
    return nn.Sequential(nn.Conv2d(3, 4, 5, stride=2), *between, nn.ReLU(), nn.Flatten(), nn.Linear(256, classes))
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Streamed:
    return streamed(tmp_path_factory.mktemp("streamed"), train_pictures=2)


@pytest.fixture(scope="module")
def options(pictures: Streamed) -> dict[str, Any]:
    network = pictures.manifest.with_name("own.py")
    network.write_text(NETWORK)
    return {
        "dataset": pictures.dataset,
        "pictures": pictures.settings,
        "manifest": pictures.manifest,
        "name": "net",
        "settings": settings(network),
        "device": "cpu",
    }


def settings(network: Path, **options: Any) -> str:
    training = {"iterations": 8, "batch_size": 12, "pictures": "all"}
    return json.dumps(
        {"architecture": f"{network}:build", "options": options, "input": {"crop": 20}, "training": training}
    )


def files(folder: Path) -> dict[str, Path]:
    return {"output": folder / "net.safetensors", "checkpoints": folder / "checkpoints"}


@pytest.fixture(scope="module")
def by_three(options: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> bytes:
    made = files(tmp_path_factory.mktemp("three"))
    train(**options | made, processes=3)
    assert not list(made["checkpoints"].iterdir())
    return made["output"].read_bytes()


@pytest.mark.slow
def test_a_training_killed_within_a_pass_goes_on_to_the_same_bytes(
    options: dict[str, Any], by_three: bytes, tmp_path: Path
) -> None:
    made = files(tmp_path)
    killed, *others = train_together(options | made, processes=3, killed_at_state=2)
    assert killed == -9 and all(others) and not made["output"].exists()
    assert train_together(options | made, processes=3) == [0, 0, 0]
    assert made["output"].read_bytes() == by_three


@pytest.mark.slow
def test_without_chance_it_is_the_network_that_one_process_trains(options: dict[str, Any], tmp_path: Path) -> None:
    network = Path(json.loads(options["settings"])["architecture"].rpartition(":")[0])
    plain = options | {"settings": settings(network, random=False)}
    one, two = files(tmp_path / "one"), files(tmp_path / "two")
    train(**plain | one, workers=0)
    assert train_together(plain | two, processes=2) == [0, 0]
    named = [f"{network}:build"]
    alone, together = (load_classifier(made["output"], torch.device("cpu"), named) for made in (one, two))
    assert together.provenance["processes"] == 2
    for mine, theirs in zip(alone.network.parameters(), together.network.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6)
    assert alone.provenance["history"][-1]["train_loss"] == pytest.approx(
        together.provenance["history"][-1]["train_loss"], rel=1e-5
    )


def test_what_they_say_is_heard_when_they_fail(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    nowhere = {"settings": json.dumps({"path": str(tmp_path / "nowhere")}), "output": tmp_path / "manifest.csv"}
    with pytest.raises(FoolingError, match="one of 2 processes has failed"):
        launch("list-folder", nowhere, processes=2, device="cpu")
    said = capfd.readouterr().err
    assert "nowhere" in said and "Traceback" not in said


def test_a_batch_that_cannot_be_shared_out_is_told() -> None:
    require_equal_parts(12, ProcessGroup(size=3))
    with pytest.raises(FoolingError, match=r"13, for 2 processes(.|\n)*a multiple of 2"):
        require_equal_parts(13, ProcessGroup(size=2))


@pytest.mark.parametrize("told", ["0", "two", "-1"])
def test_a_wrong_number_of_processes_is_told(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    monkeypatch.setenv("FOOLING_TRAINING_PROCESSES", told)
    with pytest.raises(FoolingError, match="from 1 up"):
        train(**options | files(tmp_path))


def test_processes_without_a_gpu_for_each_are_refused(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    for device, processes in (("cuda", 5), ("cuda:1", 2)):
        with pytest.raises(FoolingError, match=rf"{processes} processes cannot compute on {device} together"):
            train(**options | files(tmp_path) | {"device": device}, processes=processes)
