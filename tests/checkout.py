"""A copy of the repository in which a test runs whole studies, changes files and looks at what comes out."""

from __future__ import annotations

import base64
import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import warm
from fooling.encodings.cppn import compilation
from sharing.studies import checksums

ROOT = Path(__file__).parents[1]
PARTS = (
    *("Snakefile", "Makefile", "dvc.yaml", ".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore"),
    *("config", "docs/captions", "envs", "examples", "profiles", "rules", "sharing", "src", "workflow"),
    *("CITATION.cff", "README.md"),
)
SMOKE = "config/test/smoke.yaml"
#: The page of a study that is not finished, below its results.
DRAFT = "report/draft.html"
MAKE_RUN = ("make", "run", f"CONFIG={SMOKE}", "INSTALLED=Makefile", "CORES=2")


@dataclass(frozen=True)
class Checkout:
    """A copy of the repository, with what a study has made in it so far."""

    folder: Path

    @classmethod
    def fresh(cls, folder: Path) -> Checkout:
        """The repository before anything was run, copied to ``folder``."""
        for part in PARTS:
            source, target = ROOT / part, folder / part
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, target)
        return cls(folder)

    def copy(self, folder: Path) -> Checkout:
        """The same as another folder, dates included."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Checkout(folder)

    def environment(self) -> dict[str, str]:
        """Its own code, called by the commands of this Python's environment, one thread a process.

        A test may put commands of its own before them, in ``bin``.
        """
        left_out = ("FOOLING_", "SNAKEMAKE_", "PYTHONDONTWRITEBYTECODE")
        here = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        path = os.pathsep.join([str(self.folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
        threads = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
        compiled = {compilation.FOLDER_VARIABLE: str(compilation.folders()[0])}  # once for all copies of the repository
        return here | threads | compiled | {"PATH": path, "PYTHONPATH": str(self.folder / "src")}

    def warm_environment(self) -> dict[str, str]:
        """The same, where `fooling` and `snakemake` start in processes that have imported the large libraries."""
        environment = self.environment()
        own, _, others = environment["PATH"].partition(os.pathsep)
        return environment | {"PATH": os.pathsep.join([own, str(warm.commands()), others])}

    def attempt(self, *command: str) -> subprocess.CompletedProcess[str]:
        """How ``command`` ends here, and as ``stdout`` all that it says.

        It starts warm, unless it forks its jobs from a warm process of its own, which is to be tested as well.
        """
        forks_jobs = command[0] == "make" or "--executor" in command
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment() if forks_jobs else self.warm_environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, *command: str) -> str:
        """What ``command`` says here; the test fails when the command does."""
        done = self.attempt(*command)
        assert done.returncode == 0, done.stdout[-4000:]
        return done.stdout

    def is_up_to_date(self) -> bool:
        """Whether the smoke study, or what has its place here, is finished."""
        return "Nothing to be done" in self.run("snakemake", "--dry-run", "--configfile", SMOKE)

    def record_of(self, output: str) -> Path:
        """Snakemake's record of the job that made ``output``."""
        return self.folder / ".snakemake/metadata" / base64.urlsafe_b64encode(output.encode()).decode()

    def command_of(self, output: str) -> tuple[str, ...]:
        """The command that made ``output``, to be called by hand."""
        record = json.loads(self.record_of(output).read_text())
        return tuple(shlex.split(record["shellcmd"].rpartition(" 2> ")[0]))

    def pending(self, *options: str, config: str = SMOKE) -> dict[str, set[str]]:
        """The outputs that a study would make now, by rule; Snakemake is called with these ``options``."""
        lines = self.run("snakemake", "--summary", "--configfile", config, *options).splitlines()
        rows = [line.split("\t") for line in lines if line.count("\t") == 5]
        pending: dict[str, set[str]] = {}
        for output, _, rule, *_, plan in rows[1:]:
            if plan == "update pending":
                pending.setdefault(rule, set()).add(output)
        return pending

    def digests(self, study: str = "smoke") -> dict[str, str]:
        """Every result of the study but those that tell how the run went, with its SHA-256."""
        return checksums(self.folder / "results" / study)

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


def differing(some: dict[str, str], others: dict[str, str]) -> set[str]:
    """The names of results that are not the same in both, or in one only."""
    return {name for name in some | others if some.get(name) != others.get(name)}


def hidden_in(folder: Path) -> list[str]:
    """The names of what is hidden below ``folder``, but for the stamps of Snakemake in folders that it made."""
    return [path.name for path in folder.rglob(".*") if path.name != ".snakemake_timestamp"]
