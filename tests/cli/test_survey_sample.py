"""The questionnaire of a small study: its runs, a climb and its real images, and what does not belong to them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from fooling.artifacts import sha256_of
from fooling.attacks.evolution.record import save_run
from fooling.classifiers.architectures import build_network
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.classifier_file import save_classifier
from fooling.cli.attack import attack
from fooling.cli.survey import survey_sample
from fooling.datasets.dataset import Dataset, save_dataset
from fooling.messages import FoolingError
from fooling.survey.questionnaire import load_questionnaire
from made_up_run import made_up_run

SHAPE = (1, 28, 28)
NAMES = ("class 0", "class 1", "class 2")
SETTINGS = json.dumps({"stimuli_per_condition": 4, "trials_per_block": 3, "practice_trials": 2, "catch_trials": 1})


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that nobody trained, a climb on it, and two made-up runs."""
    folder: Path = tmp_path_factory.mktemp("study")
    random = np.random.default_rng(1)
    labels = np.arange(30) % 3
    images = random.integers(0, 256, (30, *SHAPE), dtype=np.uint8)
    parts = {"train_images": images, "train_labels": labels, "test_images": images, "test_labels": labels}
    save_dataset(folder / "dataset.safetensors", Dataset(name="random", class_names=NAMES, provenance={}, **parts))
    torch.manual_seed(1)
    save_classifier(folder / "lenet-a.safetensors", made_classifier())
    sha256 = sha256_of((folder / "lenet-a.safetensors").read_bytes())
    for seed in (1, 2):
        champions = random.integers(0, 256, (2, 3, *SHAPE), dtype=np.uint8)
        run = made_up_run(np.array([[0.3, 0.4, 0.5], [0.7, 0.8, 0.9]]), seed=seed, images=champions[0])
        run = dataclasses.replace(
            run, start_images=champions[1], classifier={"name": "lenet-a", "sha256": sha256}, class_names=NAMES
        )
        save_run(folder / f"seed{seed}.safetensors", run)
    attack(
        "ascent",
        name="plain",
        classifier=folder / "lenet-a.safetensors",
        settings=json.dumps({"seeds": {"count": 2}, "steps": 2}),
        output=folder / "plain.safetensors",
        checkpoints=folder / "checkpoints",
    )
    return folder


def made_classifier() -> Classifier:
    return Classifier(
        name="lenet-a",
        architecture="lenet",
        network=build_network("lenet", input_shape=SHAPE, classes=3, options={}),
        input_shape=SHAPE,
        class_names=NAMES,
        offset=torch.zeros(1, 1, 1),
        scale=torch.full((1, 1, 1), 1 / 256),
        training_mean=torch.full(SHAPE, 80.0),
        chunk_size=16,
        device=torch.device("cpu"),
    )


def sample(study: Path, output: Path, *, settings: str = SETTINGS, run: str = "seed2.safetensors") -> None:
    survey_sample(
        study="small",
        classifier=study / "lenet-a.safetensors",
        dataset=study / "dataset.safetensors",
        settings=settings,
        output=output,
        runs=[f"direct={study / name}" for name in ("seed1.safetensors", run)],
        ascents=[study / "plain.safetensors"],
    )


def test_every_condition_is_there_with_its_files(study: Path, tmp_path: Path) -> None:
    output = tmp_path / "survey" / "questionnaire.json"
    sample(study, output)
    questionnaire = load_questionnaire(output)
    kinds = {stimulus.condition: stimulus.kind for stimulus in questionnaire.stimuli}
    assert kinds == {"direct": "champion", "plain": "ascent", "noise": "noise", "real": "real"}
    assert all(len(questionnaire.of_condition(name)) == 4 for name in kinds)
    cards = (*questionnaire.stimuli, *questionnaire.practice, *questionnaire.catch)
    assert {card.file for card in cards} == {f"stimuli/{path.name}" for path in (output.parent / "stimuli").iterdir()}
    for card in cards:
        assert sha256_of((output.parent / card.file).read_bytes()) == card.sha256


def test_the_same_study_gives_the_same_bytes_and_leaves_no_other_file(study: Path, tmp_path: Path) -> None:
    output = tmp_path / "questionnaire.json"
    sample(study, output)
    first = {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    (tmp_path / "stimuli" / "old.png").write_bytes(b"of an earlier sample")
    sample(study, output)
    assert {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == first


def test_images_of_another_network_are_refused_and_nothing_is_written(study: Path, tmp_path: Path) -> None:
    stranger = made_up_run(np.array([[0.5, 0.5, 0.5]]), images=np.zeros((3, *SHAPE), dtype=np.uint8))
    save_run(tmp_path / "stranger.safetensors", stranger)
    output = tmp_path / "survey" / "questionnaire.json"
    with pytest.raises(FoolingError, match="not of the network lenet-a"):
        sample(study, output, run=str(tmp_path / "stranger.safetensors"))
    assert not output.parent.exists()


def test_a_setting_of_the_analysis_is_none_of_the_sample(study: Path, tmp_path: Path) -> None:
    with pytest.raises(FoolingError, match="fastest_ms"):
        sample(study, tmp_path / "questionnaire.json", settings='{"fastest_ms": 100}')
