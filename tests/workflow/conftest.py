"""Copies of the repository in which whole studies are run, and the smoke study run once for all tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "Makefile", "config", "docs/captions", "envs", "examples", "profiles", "rules", "src")
SMOKE = "config/test/smoke.yaml"


@dataclass(frozen=True)
class Checkout:
    """A copy of the repository, with what a study has made in it so far."""

    folder: Path

    def environment(self) -> dict[str, str]:
        """Its own code, called by the commands of this Python's environment, one thread a process."""
        here = {name: value for name, value in os.environ.items() if not name.startswith(("FOOLING_", "SNAKEMAKE_"))}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        threads = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
        return here | threads | {"PATH": path, "PYTHONPATH": str(self.folder / "src")}

    def run(self, *command: str) -> str:
        """What ``command`` says here; the test fails when the command does."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert done.returncode == 0, done.stdout[-4000:]
        return done.stdout

    def pending(self) -> dict[str, set[str]]:
        """The outputs that the smoke study would make now, by rule."""
        lines = self.run("snakemake", "--summary", "--configfile", SMOKE).splitlines()
        rows = [line.split("\t") for line in lines if line.count("\t") == 5]
        pending: dict[str, set[str]] = {}
        for output, _, rule, *_, plan in rows[1:]:
            if plan == "update pending":
                pending.setdefault(rule, set()).add(output)
        return pending

    def copy(self, folder: Path) -> Checkout:
        """The same as another folder, dates included."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Checkout(folder)

    def replace(self, file: str, old: str, new: str) -> None:
        """Change a text in one of its files."""
        path = self.folder / file
        text = path.read_text()
        assert old in text, f"{file} does not hold {old!r}"
        path.write_text(text.replace(old, new))

    def append(self, file: str, line: str) -> None:
        """Add a line to one of its files."""
        with (self.folder / file).open("a") as stream:
            stream.write(f"\n{line}\n")


@pytest.fixture(scope="session")
def fresh_checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The repository before anything was run."""
    folder = tmp_path_factory.mktemp("fresh") / "repository"
    for part in PARTS:
        source, target = ROOT / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
    return Checkout(folder)


@pytest.fixture(scope="session")
def smoke(fresh_checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The repository with the smoke study made on two cores."""
    checkout = fresh_checkout.copy(tmp_path_factory.mktemp("smoke") / "repository")
    checkout.run("snakemake", "--cores", "2", "--configfile", SMOKE)
    return checkout


@pytest.fixture
def changed(smoke: Checkout, tmp_path: Path) -> Checkout:
    """The repository with the finished smoke study, to be changed by one test."""
    return smoke.copy(tmp_path / "repository")
