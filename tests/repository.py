"""A git repository of someone who shares studies, with a real DVC store beside it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checkout import SMOKE, Checkout

UP_TO_DATE = "Nothing to be done"

TINY = "config/tiny.yaml"
TINY_STUDY = """\
study: {name}
datasets:
- {{name: digits-of-{name}, kind: digits}}
classifiers:
- {{name: lenet, kind: trained, dataset: digits-of-{name}, architecture: lenet, training: {{iterations: 30}}}}
experiments:
- name: noise
  classifiers: [lenet]
  seeds: {{first: 1, count: 1}}
  encoding: {{kind: direct}}
  search: {{start: 20, offspring: 20, generations: 2}}
  figures: []
findings: {{sample_images: 20, family_images: 20, changed_real_images: 5, real_images: 5, bootstrap_samples: 99}}
"""

#: A study of audits alone: it has neither data sets nor claims, and takes a third of the time of the tiny study.
AUDITS_ALONE = """\
study: {name}
audits:
  budget: 400
  seeds: {{count: 1}}
  networks:
  - {{name: own, network: "examples/your_network/network.py:build", input_shape: 1x28x28, classes: 10}}
"""


@dataclass(frozen=True)
class Repository(Checkout):
    """A git repository of someone, in the folder of a place; the store is the folder ``fooling-store`` of the place."""

    @property
    def store(self) -> Path:
        return self.folder.parent / "fooling-store"

    def environment(self) -> dict[str, str]:
        home = self.folder.parent / "home"
        home.mkdir(exist_ok=True)
        who = {f"GIT_{role}_{key}": "someone" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
        quiet = {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(home / "dvc"), "GIT_CONFIG_NOSYSTEM": "1"}
        return super().environment() | who | quiet | {"HOME": str(home)}

    def clone(self, name: str) -> Repository:
        """A clone of it in the same place."""
        self.run("git", "clone", "--quiet", ".", f"../{name}")
        return Repository(self.folder.with_name(name))

    def commit(self, message: str = "Change something") -> None:
        """Commit all changes."""
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", message)

    def sharing(self, *arguments: str) -> str:
        """What ``python -m sharing`` says; the test fails when it does."""
        return self.run("python", "-m", "sharing", *arguments)

    def refusal(self, *arguments: str, prefix: Sequence[str] = ()) -> str:
        """What ``python -m sharing`` says where it refuses, which it does without a traceback."""
        command = [*prefix, "python", "-m", "sharing", *arguments]
        environment = self.environment() if prefix else self.warm_environment()
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 2, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr

    def make(self, config: str = SMOKE) -> str:
        """Make a study on two cores."""
        return self.run("snakemake", "--cores", "2", "--configfile", config)

    def publish(self, config: str) -> None:
        """Commit all changes, make a study and publish it."""
        self.commit()
        self.make(config)
        self.sharing("publish", "--configfile", config)

    def dry_run(self, config: str = SMOKE) -> str:
        """What Snakemake would do now."""
        return self.run("snakemake", "--dry-run", "--configfile", config)

    def dvc_json(self, *arguments: str) -> Any:
        """What DVC says."""
        return json.loads(self.run("python", "-m", "dvc", *arguments, "--json"))


def bound_by_rights() -> tuple[str, ...] | None:
    """What a command begins with so that the rights of files bind it, also where root runs the tests; None: nothing."""
    if os.geteuid() != 0:
        return ()
    prefix = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    able = (
        shutil.which("setpriv") is not None and subprocess.run([*prefix, "true"], capture_output=True).returncode == 0
    )
    return prefix if able else None


def stored_object(repository: Repository, file: str) -> Path:
    """The object in the store that holds a published file."""
    (listed,) = repository.dvc_json("list", ".", file, "--dvc-only", "--show-hash")
    digest: str = listed["md5"]
    return repository.store / "files/md5" / digest[:2] / digest[2:]
