"""The command `replay`: the champions of a run over its generations, from its file and its classifier alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from fooling.attacks.evolution.record import load_run
from fooling.attacks.evolution.replay import load_replay
from fooling.classifiers.architectures import build_network
from fooling.classifiers.assembly import assembled
from fooling.classifiers.classifier_file import save_classifier
from fooling.cli.attack import attack, replay
from fooling.messages import FoolingError
from fooling.training.settings import ClassifierSettings
from made_up_bars import made_bars


@pytest.fixture
def classifier(tmp_path: Path) -> Path:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_network("lenet", input_shape=(1, 20, 20), classes=4, options={})
    made = assembled(
        network, name="lenet", settings=ClassifierSettings(), dataset=made_bars(), device=torch.device("cpu")
    )
    save_classifier(tmp_path / "lenet.safetensors", made)
    return tmp_path / "lenet.safetensors"


@pytest.fixture(params=["direct", "cppn"])
def run(request: pytest.FixtureRequest, classifier: Path, tmp_path: Path) -> Path:
    """A run, with its control drift."""
    search = {"start": 20, "offspring": 30, "generations": 6}
    attack(
        "evolution",
        classifier=classifier,
        settings=json.dumps({"encoding": {"kind": request.param}, "search": search}),
        output=tmp_path / "run.safetensors",
        controls=[f"drift={tmp_path / 'drift.safetensors'}"],
        seed=3,
        checkpoints=tmp_path / "checkpoints",
        device="cpu",
    )
    return tmp_path / "run.safetensors"


@pytest.mark.parametrize("search", ["run", "drift"])
def test_a_replay_begins_and_ends_with_the_champions_of_the_run(
    run: Path, classifier: Path, tmp_path: Path, search: str
) -> None:
    path = run.with_name(f"{search}.safetensors")
    replay(path, classifier=classifier, output=tmp_path / "replay", count=4, device="cpu")
    record, found = load_run(path), load_replay(tmp_path / "replay")
    assert found.is_same
    assert (found.generations[0], found.generations[-1]) == (0, 6)
    assert len(found.generations) == 4
    assert np.array_equal(found.images[0], record.start_images)
    assert np.array_equal(found.images[-1], record.images)
    assert np.array_equal(found.confidences[-1], record.confidences)
    assert found.evaluations.tolist() == [20 + 30 * int(generation) for generation in found.generations]


@pytest.mark.parametrize("run", ["direct"], indirect=True)
def test_another_classifier_is_refused(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    other.write_bytes(b"another file")
    with pytest.raises(FoolingError, match=r"(?s)other.safetensors is not the classifier of .*run.*SHA-256"):
        replay(run, classifier=other, output=tmp_path / "replay", device="cpu")


@pytest.mark.parametrize("run", ["direct"], indirect=True)
def test_one_generation_is_too_few(run: Path, classifier: Path, tmp_path: Path) -> None:
    with pytest.raises(FoolingError, match="--count must include the start and the end"):
        replay(run, classifier=classifier, output=tmp_path / "replay", count=1, device="cpu")
