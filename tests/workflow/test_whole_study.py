"""The smoke study from end to end: what it finds, and that neither cores nor interruptions change a byte of it."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

from checkout import SMOKE, Checkout, differing
from fooling.evolution.record import load_run

RESULTS = Path("results/smoke")


def _killed_when_logged(checkout: Checkout, logs: str, *, with_jobs: bool) -> None:
    """Run the smoke study on one core, and kill it as soon as a log of this kind is begun.

    ``with_jobs`` kills what it started as well, as a power cut would; else its job outlives it.
    """
    command = ("snakemake", "--cores", "1", "--configfile", SMOKE)
    study = subprocess.Popen(command, cwd=checkout.folder, env=checkout.environment(), stderr=subprocess.DEVNULL)
    while not list(checkout.folder.glob(f"logs/smoke/{logs}")):
        assert study.poll() is None, f"the study ended before it wrote {logs}"
        time.sleep(0.05)
    family = psutil.Process(study.pid)
    for member in [family, *(family.children(recursive=True) if with_jobs else [])]:
        member.kill()
    study.wait()
    assert list((checkout.folder / ".snakemake/locks").iterdir()), "the killed run left no lock behind"


@pytest.fixture(scope="module")
def interrupted(fresh_checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The smoke study on one core, killed twice, and brought to its end by `make`."""
    checkout = fresh_checkout.copy(tmp_path_factory.mktemp("interrupted") / "repository")
    _killed_when_logged(checkout, "classifiers/lenet-?.log", with_jobs=True)
    checkout.run("snakemake", "--unlock", "--configfile", SMOKE)
    _killed_when_logged(checkout, "evolution/*/*/seed?.log", with_jobs=False)
    said = checkout.run("make", "run", f"CONFIG={SMOKE}", "CORES=1", "INSTALLED=Makefile")
    assert "100%" in said
    return checkout


def test_neither_cores_nor_a_kill_change_a_byte(smoke: Checkout, interrupted: Checkout) -> None:
    uninterrupted = smoke.digests()
    assert len(uninterrupted) > 50
    assert differing(uninterrupted, interrupted.digests()) == set()


def test_a_second_run_has_nothing_to_do(interrupted: Checkout) -> None:
    assert "Nothing to be done" in interrupted.run("make", "run", f"CONFIG={SMOKE}", "INSTALLED=Makefile")


def test_no_unfinished_work_stays_behind(smoke: Checkout, interrupted: Checkout) -> None:
    for checkout in (smoke, interrupted):
        assert not list((checkout.folder / "results/.checkpoints").iterdir())
        assert not list((checkout.folder / "results").rglob("*.part"))


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
    pictures = {path.stem for path in (results / "figures").glob("*.png")}
    assert pictures == {path.stem for path in (results / "figures").glob("*.pdf")}
    assert "gallery-direct" in pictures


def test_every_job_left_a_log_and_told_its_time_and_memory(smoke: Checkout) -> None:
    information = json.loads((smoke.folder / RESULTS / "run-info.json").read_text())
    peaks = {job["job"]: job["peak_memory_mb"] for job in information["jobs"]}
    assert len(peaks) > 30
    assert max(peaks.values()) < 2000, "no step needs more than 2 GB"


def test_the_workflows_own_report_can_be_made(smoke: Checkout) -> None:
    smoke.run("snakemake", "--configfile", SMOKE, "--report", "report.html")
    page = (smoke.folder / "report.html").read_text()
    assert "Champions of every class" in page  # the caption of a gallery
    (smoke.folder / "report.html").unlink()
