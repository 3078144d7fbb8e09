"""A living Snakemake is never unlocked, and whatever only looks at a study does so while it runs."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from checkout import Checkout
from rules.process import LOCK, unlocks
from sharing.studies import SECTIONS

TARGET = "results/datasets/{name}.safetensors"
MAKE = ("make", "run", "INSTALLED=Makefile")
WAITS = "A snakemake started by hand is running in this folder: waiting for it."

#: A command that waits for its gate to open before it does what it is called for.
GATED = """\
#!/bin/sh
touch "$GATE.reached"
while ! test -e "$GATE"; do sleep 0.05; done
exec {python} -c 'from fooling.cli.main import main; main()' "$@"
"""


@pytest.fixture
def checkout(fresh_checkout: Checkout, tmp_path: Path) -> Checkout:
    """The repository with two small studies that share nothing, and a `fooling` that waits where a gate is named."""
    copy = fresh_checkout.copy(tmp_path / "repository")
    shutil.rmtree(copy.folder / ".snakemake", ignore_errors=True)  # other tests plan studies in the fresh checkout
    command = copy.folder / "bin/fooling"
    command.parent.mkdir()
    command.write_text(GATED.format(python=sys.executable))
    command.chmod(0o755)
    for name in ("one", "other"):
        network = {"name": "lenet", "kind": "trained", "dataset": name, "architecture": "lenet"}
        study = {
            "study": name,
            "datasets": [{"name": name, "kind": "shapes", "size": 32, "train_per_class": 1, "test_per_class": 1}],
            "classifiers": [network | {"training": {"iterations": 1}}],
            "experiments": [{"name": "direct", "classifiers": ["lenet"], "encoding": {"kind": "direct"}}],
        }
        (copy.folder / f"{name}.yaml").write_text(yaml.safe_dump(study))
    (copy.folder / "open").touch()
    return copy


def _snakemake(study: str, *options: str) -> tuple[str, ...]:
    return ("snakemake", "--cores", "1", *options, "--configfile", f"{study}.yaml", "--", TARGET.format(name=study))


def _make(study: str, *options: str) -> tuple[str, ...]:
    """`make run` of the study as far as its data set."""
    return (*MAKE, f"CONFIG={study}.yaml", f"CORES=1 --until fetch_shapes {' '.join(options)}")


def _begun(checkout: Checkout, *command: str, gate: str = "open") -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=checkout.folder,
        env=checkout.environment() | {"GATE": str(checkout.folder / gate)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


@contextmanager
def _running(checkout: Checkout, *command: str) -> Iterator[subprocess.Popen[str]]:
    """The command, while its first job waits; the job goes on at the end."""
    gate = checkout.folder / "gate"
    run = _begun(checkout, *command, gate=gate.name)
    try:
        _wait_for(gate.with_suffix(".reached"), run)
        yield run
    finally:
        gate.touch()
        run.wait()


def _wait_for(path: Path, run: subprocess.Popen[str]) -> None:
    while not path.exists():
        if run.poll() is not None:
            pytest.fail(run.communicate()[0])
        time.sleep(0.05)


def _finished(runs: Sequence[subprocess.Popen[str]]) -> list[tuple[int, str]]:
    said = [run.communicate()[0] for run in runs]
    return [(run.returncode, text) for run, text in zip(runs, said, strict=True)]


def _said_by(run: subprocess.Popen[str], until: str) -> None:
    assert run.stdout is not None
    said = ""
    while until not in said:
        line = run.stdout.readline()
        assert line, said
        said += line


@pytest.mark.slow
def test_make_waits_for_a_living_snakemake_that_others_may_look_at(checkout: Checkout) -> None:
    with _running(checkout, *_snakemake("one")) as first:
        made = _begun(checkout, *_make("one"))
        looking = [
            _begun(checkout, *command)
            for command in (
                _snakemake("one", "--dry-run"),
                _snakemake("one", "--summary"),
                ("snakemake", "--lint", "--configfile", "one.yaml"),
                ("snakemake", "--report", "report.html", "--configfile", "one.yaml"),
                _snakemake("other"),
            )
        ]
        _said_by(made, WAITS)
        unlocked = _begun(checkout, *_snakemake("one", "--unlock"))
        *ends, disjoint = _finished(looking)
        assert ends[0][0] == ends[1][0] == ends[2][0] == 0, ends
        assert "Traceback" not in ends[3][1]  # there is nothing to report yet
        assert disjoint[0] == 0, disjoint[1]
        ((status, said),) = _finished([unlocked])
        assert status != 0
        assert "this folder is not unlocked: snakemake is running in it" in said
        assert "Traceback" not in said
        assert first.poll() is None
        assert made.poll() is None
    assert first.returncode == 0
    assert _finished([made])[0][0] == 0


@pytest.mark.slow
def test_after_a_kill_make_unlocks_and_finishes(checkout: Checkout) -> None:
    (checkout.folder / "config/published.yaml").write_text(
        yaml.safe_dump({key: {} for key in SECTIONS} | {"datasets": {"one": "one.yaml"}})
    )
    checkout.run("git", "init", "--quiet")
    with _running(checkout, "dvc", "repro", "datasets@one") as first:
        second = _begun(checkout, *_make("one"))
        _said_by(second, WAITS)
        os.killpg(first.pid, signal.SIGKILL)
        ((status, said),) = _finished([second])
        assert status == 0, said
        assert "Unlocked" in said
    assert (checkout.folder / TARGET.format(name="one")).stat().st_size > 0


@pytest.mark.slow
def test_a_job_step_takes_no_lock(checkout: Checkout) -> None:
    step = ("--mode", "remote", "--nolock", "--force", "--allowed-rules", "fetch_shapes")
    held = checkout.folder / LOCK
    held.parent.mkdir(exist_ok=True)
    with held.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        ((status, said),) = _finished([_begun(checkout, *_snakemake("one", *step))])
        assert status == 0, said
        waiting = _begun(checkout, *_snakemake("one", "--dry-run"))
        _said_by(waiting, "Another process is unlocking or cleaning this folder: waiting until it ends.")
    assert _finished([waiting])[0][0] == 0


@pytest.mark.slow
def test_make_clean_waits_and_keeps_the_lock_files(checkout: Checkout) -> None:
    with _running(checkout, *_snakemake("one")) as first:
        cleaned = _begun(checkout, "make", "clean", "INSTALLED=Makefile")
        _said_by(cleaned, WAITS)
        waiting = _begun(checkout, *_make("one"))
        _said_by(waiting, "Another run is active in this folder: waiting for it.")
        assert first.poll() is None
    assert [status for status, _ in _finished([cleaned, waiting])] == [0, 0]
    assert (checkout.folder / TARGET.format(name="one")).stat().st_size > 0
    assert {path.name for path in (checkout.folder / ".snakemake").glob("*.lock")} == {"run.lock", "running.lock"}


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_is_named(checkout: Checkout) -> None:
    (checkout.folder / ".snakemake").write_text("no folder can be made here\n")
    ((status, said),) = _finished([_begun(checkout, *_snakemake("one", "--dry-run"))])
    assert status != 0
    assert "snakemake cannot write in .snakemake" in said
    assert "Traceback" not in said


@pytest.mark.slow
def test_a_module_locks_the_folder_that_it_works_in(checkout: Checkout, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "Snakefile").write_text(
        f"module ours:\n    snakefile: '{checkout.folder}/Snakefile'\n    config: config\n"
    )
    (other / "Snakefile").open("a").write("\nuse rule * from ours\n")
    study = str(checkout.folder / "one.yaml")
    _finished(
        [_begun(checkout, "snakemake", "-n", "-s", f"{other}/Snakefile", "-d", str(other), "--configfile", study)]
    )
    assert (other / LOCK).is_file()
    assert not (checkout.folder / LOCK).exists()


@pytest.mark.parametrize(("word", "expected"), [("--unlock", True), ("--unl", True), ("--unneeded-temp-files", False)])
def test_unlocking_is_seen_in_the_command(word: str, expected: bool) -> None:
    assert unlocks(["snakemake", word]) is expected
