"""``fooling train`` by hand: it describes what it made, and a killed one goes on to the same bytes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from fooling.artifacts import sha256_of
from fooling.classifiers.classifier_file import load_classifier
from fooling.classifiers.header import classifier_header
from fooling.cli.data_sets import fetch_digits
from fooling.cli.training import fit, retrain, train
from fooling.training.settings import DISJOINT, SAME, TrainingSettings, training_images

SETTINGS = json.dumps({"training": {"iterations": 90, "batch_size": 32}})


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("datasets") / "digits.safetensors"
    fetch_digits(output=path)
    return path


@pytest.fixture(scope="module")
def trained(digits: Path) -> Path:
    path = digits.with_name("trained.safetensors")
    train(dataset=digits, settings=SETTINGS, name="a", output=path, checkpoints=digits.with_name("none"))
    return path


def test_the_classifier_tells_where_it_comes_from(digits: Path, trained: Path) -> None:
    classifier = load_classifier(trained, torch.device("cpu"))
    provenance = classifier.provenance
    assert provenance["dataset"] == {"name": "digits", "sha256": sha256_of(digits.read_bytes())}
    assert provenance["test_error"] < 0.3
    assert provenance["versions"]["torch"] == torch.__version__
    assert provenance["settings"]["architecture"] == "lenet"


def test_nothing_is_left_of_the_unfinished_state(digits: Path, trained: Path) -> None:
    assert trained.exists()
    assert list(digits.with_name("none").iterdir()) == []


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, ("classifier", "classifier.safetensors")),
        ({"name": "mine"}, ("mine", "mine.safetensors")),
        ({"output": Path("some/where.safetensors")}, ("where", "some/where.safetensors")),
        ({"name": "mine", "output": Path("where.safetensors")}, ("mine", "where.safetensors")),
    ],
)
def test_name_and_output_have_defaults(
    given: dict[str, Any], named: tuple[str, str], digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    train(dataset=digits, settings='{"training": {"iterations": 1}}', **given)
    assert load_classifier(Path(named[1]), torch.device("cpu")).name == named[0]


def test_a_network_is_retrained_with_defaults(digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    retrain(dataset=digits, fooling=[digits], settings='{"network": {"training": {"iterations": 1}}}')
    header = classifier_header(Path("retrained.safetensors"))
    assert header["fooling_class"]
    place = header["provenance"]["retraining"]
    assert (place["number"], place["filled_with"]) == (2, "champions")


def test_a_model_is_fitted_to_a_part_of_the_images(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    provenances = []
    for number in (1, 2):
        part = {"part": {"number": number, "of": 2, "images": 600}}
        model = {"kind": "nearest-neighbours", "neighbours": 1}
        fit(dataset=digits, settings=json.dumps({"model": model, "training": part}), name=f"part{number}")
        header = classifier_header(Path(f"part{number}.safetensors"))
        assert header["architecture"] == "nearest-neighbours" and not header["fooling_class"]
        provenances.append(load_classifier(Path(f"part{number}.safetensors"), torch.device("cpu")).provenance)
    assert provenances[0]["test_error"] < 0.1 and provenances[0]["versions"]["skops"]
    trainings = [provenance["settings"]["training"] for provenance in provenances]
    assert training_images(*trainings) == DISJOINT
    lenet = TrainingSettings.model_validate({"part": trainings[0]["part"]}).model_dump(mode="json")
    assert training_images(trainings[0], lenet) == SAME
    assert "of 450 test images misjudged" in capsys.readouterr().err


def test_a_generative_model_says_how_many_test_images_it_rejects(
    digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "gaussian.safetensors"
    fit(dataset=digits, settings='{"model": {"kind": "gaussian", "directions": 10, "rejects": 0.05}}', output=output)
    assert "% rejected; written to" in capsys.readouterr().err
    header = classifier_header(output)
    assert header["class_names"][-1] == "rejected" and header["fooling_class"]
    assert 0.01 < header["provenance"]["refusal"]["refused"] < 0.15


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_bytes(
    digits: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, checkpoints = tmp_path / "resumed.safetensors", tmp_path / "checkpoints"
    arguments = {"dataset": digits, "settings": SETTINGS, "name": "a", "output": output, "checkpoints": checkpoints}
    # Every pass is kept, however short: the training is killed once the first one is.
    code = (
        "import sys; from fooling.cli.main import main; from fooling.reproducibility import CheckpointStore;"
        "CheckpointStore.is_due = lambda store: True; main()"
    )
    words = [f"--{key}={value}" for key, value in arguments.items()]
    running = subprocess.Popen([sys.executable, "-c", code, "train", *words])
    while not list(checkpoints.glob("*/training.safetensors")):
        assert running.poll() is None
        time.sleep(0.01)
    running.kill()
    running.wait()
    assert not output.exists()
    train(**arguments)
    assert "training resumes after" in capsys.readouterr().err
    assert output.read_bytes() == trained.read_bytes()
