"""The smoke study from end to end: what it finds, and what it leaves behind."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from checkout import SMOKE, Checkout, hidden_in
from fooling.attacks.evolution.record import load_run
from fooling.classifiers.classifier_file import load_classifier
from fooling.survey.questionnaire import load_stimuli

RESULTS = Path("results/smoke")

#: What the smoke study leaves out and nothing has to be downloaded for: retraining on all pictures of a folder, CPPNs
#: without drift.
FURTHER_RULES = """\
study: further
datasets: [{name: mine, kind: folder, path: config/test/pictures, size: 16}]
classifiers:
- name: net
  kind: trained
  dataset: mine
  architecture: examples/your_network/network.py:build
  training: {iterations: 2, batch_size: 4, pictures: all}
experiments:
- name: cppn
  classifiers: [net]
  seeds: {count: 1}
  encoding: {kind: cppn}
  search: &few {start: 4, offspring: 4, generations: 2}
  drift: false
retraining:
- name: chain
  classifiers: [net]
  encoding: {kind: cppn}
  search: *few
  networks: 2
  first: {training_runs: 2, test_runs: 1}
  later: {training_runs: 1, test_runs: 1}
  measured_runs: 1
"""


def test_no_unfinished_work_stays_behind(smoke: Checkout) -> None:
    assert hidden_in(smoke.folder / "results") == [".checkpoints"]
    assert not list((smoke.folder / "results/.checkpoints").iterdir())


def test_networks_learn_and_champions_beat_the_random_start(smoke: Checkout) -> None:
    results = smoke.folder / RESULTS
    networks = pd.read_csv(results / "findings/classifiers.csv")
    assert (networks["test_error"] < 0.5).all()
    for path in results.glob("evolution/lenet-a/*/seed?.safetensors"):
        run = load_run(path)
        assert run.history.log_odds[-1].mean() > run.history.log_odds[0].mean() + 0.5, path


def test_every_promised_result_is_there(smoke: Checkout) -> None:
    results = smoke.folder / RESULTS
    for name in ("claims.csv", "claims.md", "run-info.json", "report/index.html"):
        assert (results / name).stat().st_size > 0, name
    assert (results / "figures/gallery-direct.png").stat().st_size > 0
    assert not list((results / "figures").glob("*.pdf"))


def test_the_audits_of_the_study_are_those_of_its_classifier_and_ranked(smoke: Checkout) -> None:
    results = smoke.folder / RESULTS
    classifier = load_classifier(results / "classifiers/lenet-a.safetensors", torch.device("cpu"))
    folder = results / "audits/lenet/seed2"
    described = json.loads((folder / "audit.json").read_text())
    assert (described["network"], described["settings"]["seed"]) == ("lenet", 2)
    for search in described["searches"]:
        for image in search["images"]:
            pixels = np.asarray(Image.open(folder / image["file"]))
            zoom = len(pixels) // 28
            stored = torch.from_numpy(pixels[::zoom, ::zoom].copy())[None, None]
            confidence = classifier.confidences(stored)[0, image["class_index"]].item()
            assert confidence == pytest.approx(image["confidence"], abs=1e-6)
    ranking = pd.read_csv(results / "findings/audits.csv")
    assert ranking["seeds"].tolist() == [2, 2, 2]
    assert (results / "figures/audits.png").is_file()
    assert "Which networks are fooled most?" in (results / "report/index.html").read_text()


def test_figures_are_also_written_as_pdf_if_the_study_asks(changed: Checkout) -> None:
    changed.replace(SMOKE, "figures: {runs_shown: 2}", "figures: {runs_shown: 2, formats: [png, pdf]}")
    figure = changed.folder / RESULTS / "figures/foolability.png"
    before = figure.read_bytes()
    changed.run("snakemake", "--cores", "1", "--configfile", SMOKE, "--", f"{RESULTS}/figures/foolability.pdf")
    assert figure.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    assert figure.read_bytes() == before


@pytest.mark.parametrize("condition", ["direct", "cppn", "regular", "noise", "real"])
def test_people_can_be_shown_every_kind_of_image(smoke: Checkout, condition: str) -> None:
    drawn = load_stimuli(smoke.folder / RESULTS / "survey/questionnaire.json", condition)
    assert len({image.tobytes() for image in drawn.images}) == 5
    for kind in ("hidden", "shown"):
        assert (smoke.folder / RESULTS / f"figures/stimuli_{kind}-{condition}.png").is_file()


def test_every_job_left_a_log_and_told_its_time_and_memory(smoke: Checkout) -> None:
    information = json.loads((smoke.folder / RESULTS / "run-info.json").read_text())
    assert len(information["jobs"]) > 30
    logs = [path.read_text() for path in (smoke.folder / "logs/smoke").rglob("*.log")]
    peaks = [
        int(peak) for log in logs for peak in re.findall(r"^fooling .*: [\d.]+ s, peak memory (\d+) MB$", log, re.M)
    ]
    assert len(peaks) > 30
    assert max(peaks) < 2000, "no step needs more than 2 GB"


@pytest.mark.slow
def test_the_workflows_own_report_can_be_made(smoke: Checkout) -> None:
    smoke.run("snakemake", "--configfile", SMOKE, "--report", "report.html")
    page = (smoke.folder / "report.html").read_text()
    assert "Champions of each class" in page  # the caption of a gallery
    (smoke.folder / "report.html").unlink()


@pytest.mark.slow
def test_rules_that_the_smoke_study_leaves_out(fresh_checkout: Checkout, tmp_path: Path) -> None:
    checkout = fresh_checkout.copy(tmp_path / "repository")
    config = tmp_path / "further.yaml"
    config.write_text(FURTHER_RULES)
    made = [
        f"results/further/{name}.safetensors"
        for name in ("evolution/net/cppn/seed1", "retraining/chain/net/champions/dnn2")
    ]
    said = checkout.run("snakemake", "--cores", "2", "--configfile", str(config), "--", *made)
    assert {"retrain_on_all_pictures", "evolve_without_drift"} <= set(said.split())
    run, retrained = (
        load_run(checkout.folder / made[0]),
        load_classifier(
            checkout.folder / made[1],
            torch.device("cpu"),
            [f"{checkout.folder}/examples/your_network/network.py:build"],
        ),
    )
    assert run.encoding == "cppn"
    assert retrained.class_names[-1] == "fooling"
    assert len(retrained.class_names) == len(run.class_names) + 1
