"""`fooling show`, from files of every kind to a PNG file, to text and to a terminal."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from fooling.attacks.adversarial.record import save_adversarial
from fooling.attacks.evolution.record import save_run, save_runs
from fooling.attacks.label_only.record import save_label_only
from fooling.attacks.record import TargetedRecord, Trajectory, save_attack
from fooling.attacks.universal.record import save_universal
from fooling.classifiers.architectures import build_network
from fooling.classifiers.assembly import assembled
from fooling.classifiers.classifier_file import save_classifier
from fooling.cli import pictures as module
from fooling.cli.pictures import show
from fooling.datasets.dataset import save_dataset
from fooling.images import read_png
from fooling.messages import FoolingError
from fooling.training.settings import ClassifierSettings
from made_up_adversarial import made_adversarial
from made_up_bars import made_bars
from made_up_label_only import made_label_only
from made_up_run import made_up_run
from made_up_universal import made_universal
from survey.made_up_survey import write_survey

RUN = np.array([[0.3, 0.4, 0.5], [0.7, 0.99996, 0.9]])


def ascent() -> TargetedRecord:
    confidences = np.array([0.2, 0.9, 0.3, 0.8], dtype=np.float32)
    log_odds = np.log(confidences / (1 - confidences.astype(np.float64)))
    return TargetedRecord(
        settings={},
        classifier={"name": "lenet-a", "sha256": "0"},
        class_names=("cat", "dog"),
        versions={},
        images=np.zeros((4, 3, 8, 8), dtype=np.uint8),
        confidences=confidences,
        log_odds=log_odds,
        name="plain",
        classes=np.array([0, 1, 0, 1]),
        seeds=np.array([5, 5, 6, 6]),
        trajectory=Trajectory(
            steps=np.array([0, 12]),
            evaluations=np.array([1, 37]),
            confidences=np.stack([confidences] * 2),
            log_odds=np.stack([log_odds] * 2),
        ),
    )


def write_classifier(path: Path) -> None:
    bars = made_bars()
    network = build_network("lenet", input_shape=(1, 20, 20), classes=4, options={})
    made = assembled(network, name="lenet", settings=ClassifierSettings(), dataset=bars, device=torch.device("cpu"))
    known = {
        "dataset": {"name": bars.name},
        "test_error": 0.25,
        "top5_error": None,
        "test_images": len(bars.test_images),
    }
    save_classifier(path, dataclasses.replace(made, provenance=known))


def write_questionnaire(path: Path) -> None:
    write_survey(path.parent / "survey")
    (path.parent / "survey/questionnaire.json").rename(path.parent / "survey" / path.name)
    path.symlink_to(path.parent / "survey" / path.name)
    (path.parent / "stimuli").symlink_to(path.parent / "survey/stimuli")


#: A writer of each kind of file, its name, and facts that its overview states.
FILES: dict[str, tuple[Callable[[Path], None], str, tuple[str, ...]]] = {
    "run": (
        lambda path: save_run(path, made_up_run(RUN)),
        "run.safetensors",
        ("evolution (MAP-Elites), direct encoding, on lenet-a, seed 1", "median confidence 89.99 %; 1 of 3 images"),
    ),
    "runs": (
        lambda path: save_runs(path, [made_up_run(RUN, seed=seed) for seed in (1, 2)]),
        "runs.safetensors",
        ("2 runs, 400 images scored in each in 1 generation", "2 of 6 images at 99.99 % or more"),
    ),
    "ascent": (
        lambda path: save_attack(path, ascent()),
        "ascent.safetensors",
        ("plain: images optimised one by one on lenet-a", "2 starts, 12 steps of each image"),
    ),
    "adversarial": (
        lambda path: save_adversarial(path, made_adversarial()),
        "adversarial.safetensors",
        ("small: adversarial examples on lenet-a", "4 real images, changed by 5 methods and sizes"),
    ),
    "universal": (
        lambda path: save_universal(path, made_universal()),
        "universal.safetensors",
        ("one: universal perturbations on lenet-a", "5 perturbations, with 2 unseen images each"),
    ),
    "label-only": (
        lambda path: save_label_only(path, made_label_only()),
        "label-only.safetensors",
        ("labels: images found with labels alone on lenet-a", "2 runs of map-elites, 2,000 queries in each"),
    ),
    "dataset": (
        lambda path: save_dataset(path, made_bars()),
        "bars.safetensors",
        ("Data set bars", "grey 20x20, 4 classes"),
    ),
    "classifier": (
        write_classifier,
        "lenet.safetensors",
        (
            "Classifier lenet",
            "architecture lenet",
            "test error 25 % on",
            "input: grey 20x20",
            "first layer: 20 filters of 5x5",
        ),
    ),
    "questionnaire": (
        write_questionnaire,
        "questionnaire.json",
        ("Questionnaire of the study small", "16 images in 4 conditions"),
    ),
}


@pytest.fixture(params=FILES)
def written(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, tuple[str, ...]]:
    write, name, facts = FILES[request.param]
    write(tmp_path / name)
    return tmp_path / name, facts


def test_every_kind_of_file_becomes_a_png(written: tuple[Path, tuple[str, ...]], tmp_path: Path) -> None:
    show(written[0], output=tmp_path / "picture.png")
    assert read_png(tmp_path / "picture.png")


def test_without_a_terminal_the_facts_are_printed(
    written: tuple[Path, tuple[str, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    show(written[0])
    printed = capsys.readouterr()
    assert all(fact in printed.out for fact in written[1]), printed.out
    assert "\x1b" not in printed.out
    assert "--output picture.png" in printed.err


def test_a_terminal_shows_images_with_names_and_confidences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_run(tmp_path / "run.safetensors", made_up_run(RUN))
    show(tmp_path / "run.safetensors", protocol="blocks")
    printed = capsys.readouterr().out
    assert "▀" in printed and "class 2" in printed
    assert "69.99 %" in printed and "≥ 99.99 %" in printed


@pytest.mark.parametrize(("protocol", "start"), [("kitty", "\x1b_G"), ("iterm", "\x1b]1337;"), ("sixel", "\x1bPq")])
def test_protocols_show_the_picture_and_png_files(
    protocol: str, start: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_dataset(tmp_path / "bars.safetensors", made_bars())
    show(tmp_path / "bars.safetensors", protocol=protocol)
    shown = capsys.readouterr().out
    assert shown.startswith(start)
    show(tmp_path / "bars.safetensors", output=tmp_path / "bars.png")
    show(tmp_path / "bars.png", protocol=protocol)
    assert capsys.readouterr().out == shown


def test_in_a_terminal_its_own_protocol_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save_dataset(tmp_path / "bars.safetensors", made_bars())
    monkeypatch.setattr(module, "is_terminal", lambda: True)
    monkeypatch.setenv("TERM", "xterm-kitty")
    monkeypatch.delenv("TMUX", raising=False)
    show(tmp_path / "bars.safetensors")
    assert capsys.readouterr().out.startswith("\x1b_G")


def test_names_cannot_command_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = made_up_run(RUN, classifier="evil\x1b[2J")
    save_run(tmp_path / "run.safetensors", run)
    show(tmp_path / "run.safetensors")
    show(tmp_path / "run.safetensors", protocol="blocks")
    assert "\x1b[2J" not in capsys.readouterr().out


def test_what_cannot_be_shown_is_named(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    (tmp_path / "text.txt").write_text("text")
    (tmp_path / "empty.safetensors").write_bytes(b"")
    for name, message in {
        "table.csv": "is a table",
        "text.txt": "not a safetensors file",
        "empty.safetensors": "truncated",
        "missing.safetensors": "nothing there",
        "missing.json": "nothing there",
    }.items():
        with pytest.raises(FoolingError, match=message):
            show(tmp_path / name)
    with pytest.raises(FoolingError, match="--protocol is unknown"):
        show(tmp_path / "text.txt", protocol="fax")
    with pytest.raises(FoolingError, match="PNG file already"):
        show(tmp_path / "figure.png", output=tmp_path / "other.png")
    with pytest.raises(FoolingError, match="needs a terminal with a protocol for pictures"):
        show(tmp_path / "figure.png")


def test_a_classifier_is_shown_without_running_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_classifier(tmp_path / "lenet.safetensors")
    monkeypatch.setattr("fooling.classifiers.architectures.build_network", None)
    show(tmp_path / "lenet.safetensors", protocol="blocks")
    printed = capsys.readouterr().out
    assert "mean training image" in printed and "filters of the first layer" in printed
    assert "test error 25 %" in printed
