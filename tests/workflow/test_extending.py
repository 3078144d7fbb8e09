"""The examples of docs/extending.md, applied to a copy of the repository, and what they add, run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

from checkout import ROOT, SMOKE, Checkout
from fooling.artifacts import write_table
from fooling.attacks.evolution.record import save_run
from fooling.attacks.record import load_attack
from fooling.classifiers.architectures import build_network
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.classifier_file import save_classifier
from fooling.findings.runs import CHAMPIONS, champions_table
from made_up_run import made_up_run

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs/extending.md"
SECTION = re.compile(r"^## .*?: (\w+) files?\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(
    r'^```\w+ title="(?P<file>[^"]+)"(?: (?P<how>at|after|before|instead)="(?P<anchor>[^"]+)")?\n(?P<text>.*?)^```',
    re.MULTILINE | re.DOTALL,
)
NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5}
SHAPE = (1, 28, 28)


class Example(NamedTuple):
    """A piece of code of the page, and where it belongs."""

    file: str
    how: str
    anchor: str
    text: str

    def apply(self, folder: Path) -> None:
        path = folder / self.file
        if not self.how:
            assert not path.exists(), f"{self.file} is not new"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.text)
            return
        lines = path.read_text().splitlines(keepends=True)
        if self.how == "at":
            path.write_text("".join(lines) + self.text)
            return
        (place,) = (number for number, line in enumerate(lines) if line.startswith(self.anchor))
        start, end = {"after": (place + 1,) * 2, "before": (place,) * 2, "instead": (place, place + 1)}[self.how]
        path.write_text("".join([*lines[:start], self.text, *lines[end:]]))


def examples_in(text: str) -> list[Example]:
    return [Example(*(found[name] or "" for name in Example._fields)) for found in BLOCK.finditer(text)]


@pytest.fixture(scope="module")
def extended(fresh_checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A copy of the repository with all examples in it, and the results that they need."""
    checkout = fresh_checkout.copy(tmp_path_factory.mktemp("extended") / "repository")
    for example in examples_in(PAGE.read_text()):
        example.apply(checkout.folder)
    checkout.run("fooling", "write-config", "--folder", ".")
    run = made_up_run(np.array([[0.3, 0.4, 0.5], [0.7, 0.8, 0.9]]))
    save_run(checkout.folder / "run.safetensors", run)
    write_table(checkout.folder / "champions.parquet", champions_table([run], experiment="direct"), CHAMPIONS)
    save_classifier(checkout.folder / "lenet-a.safetensors", made_up_classifier())
    return checkout


def made_up_classifier() -> Classifier:
    torch.manual_seed(1)
    return Classifier(
        name="lenet-a",
        architecture="lenet",
        network=build_network("lenet", input_shape=SHAPE, classes=3, options={}),
        input_shape=SHAPE,
        class_names=("a", "b", "c"),
        offset=torch.zeros(1, 1, 1),
        scale=torch.full((1, 1, 1), 1 / 256),
        training_mean=torch.full(SHAPE, 80.0),
        chunk_size=16,
        device=torch.device("cpu"),
    )


def test_each_section_names_how_many_files_it_touches() -> None:
    sections = SECTION.findall(PAGE.read_text())
    for number, section in sections:
        files = {example.file for example in examples_in(section)}
        with_claim = len(files) + ("An estimand is" in section)  # the claim that uses it
        assert with_claim == NUMBERS[number], files
    assert len(sections) == 5


def test_the_figure_is_drawn(extended: Checkout) -> None:
    outputs = ("--png", "figure.png", "--pdf", "figure.pdf")
    extended.run("fooling", "draw", "final_confidence", "--tables", "champions=champions.parquet", *outputs)
    assert (extended.folder / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_the_claim_is_documented_with_its_estimand(extended: Checkout) -> None:
    page = (extended.folder / "docs/claims.md").read_text()
    assert "`cppn-hardest-class-above-chance`" in page
    assert "| `mean-of-lowest` | mean over the runs of each run's lowest log-odds over the classes |" in page


def test_the_step_writes_its_table_and_the_workflow_knows_it(extended: Checkout) -> None:
    extended.run("fooling", "measure-brightness", "run.safetensors", "--experiment", "direct", "--output", "table.csv")
    header, row = (extended.folder / "table.csv").read_text().splitlines()
    assert header == "classifier,experiment,search,seed,mean_level"
    assert "brightness/<experiment>.csv" in (extended.folder / "docs/tables.md").read_text()
    target = "results/smoke/findings/brightness/cppn.csv"
    assert "measure_brightness" in extended.run("snakemake", "-n", "--configfile", SMOKE, "--", target)
    assert row.count(",") == 4


def test_the_attack_runs_by_hand_and_in_the_workflow(extended: Checkout) -> None:
    settings = json.dumps({"seeds": {"count": 2}, "steps": 40})
    classifier = ("--classifier", "lenet-a.safetensors", "--settings", settings, "--device", "cpu")
    said = extended.run("fooling", "attack", "hill-climbing", *classifier, "--output", "attack.safetensors")
    assert "hill-climbing on lenet-a: median confidence" in said
    record = load_attack(extended.folder / "attack.safetensors")
    assert record.classes.tolist() == [0, 1, 2] * 2
    assert (np.diff(record.trajectory.log_odds, axis=0) >= 0).all()
    assert record.log_odds.mean() > record.trajectory.log_odds[0].mean()
    target = "results/smoke/hill-climbing/lenet-a/climbing.safetensors"
    assert "Attack lenet-a: climbing" in extended.run("snakemake", "-n", "--configfile", SMOKE, "--", target)
