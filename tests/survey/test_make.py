"""`make survey` says what is missing where there is no npm."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from checkout import Checkout

NEEDED = ("bash", "cat", "cp", "cut", "mkdir", "rm", "sha256sum", "touch")


def test_without_npm_one_message_says_what_to_install(fresh_checkout: Checkout, tmp_path: Path) -> None:
    here = fresh_checkout.copy(tmp_path / "repository")
    commands = tmp_path / "commands"
    commands.mkdir()
    for name in NEEDED:
        (commands / name).symlink_to(str(shutil.which(name)))
    make = str(shutil.which("make"))
    for target in ("survey", "survey-packages"):
        done = subprocess.run(
            [make, target],
            cwd=here.folder,
            env={"PATH": str(commands), "HOME": os.environ.get("HOME", "/")},
            capture_output=True,
            text=True,
        )
        assert done.returncode != 0
        assert "apt-get install npm" in done.stderr
        assert "Traceback" not in done.stderr
        assert done.stdout == ""
        assert not (here.folder / "results/.packages").exists()
