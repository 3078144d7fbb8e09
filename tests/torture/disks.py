"""Small disks of our own, mounted below a checkout to be filled up or made read-only."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

FILLER = "filler"


@dataclass(frozen=True)
class Disk:
    """A small disk that is mounted at ``folder``."""

    folder: Path

    def fill_up(self, leave: int) -> None:
        """Fill it but for at most ``leave`` bytes."""
        size = self.free_bytes() - leave
        if size > 0:
            with (self.folder / FILLER).open("wb") as filler:
                filler.write(b"\0" * size)

    def make_room(self) -> None:
        """Take away what filled it up."""
        (self.folder / FILLER).unlink()

    def free_bytes(self) -> int:
        """How much more can be written."""
        state = os.statvfs(self.folder)
        return state.f_bavail * state.f_frsize

    def remount(self, options: str) -> None:
        """Change how it is mounted: ``ro``, ``size=200m``."""
        _call("mount", "-o", f"remount,{options}", str(self.folder))

    def names(self) -> set[str]:
        """What lies on it."""
        return {path.name for path in self.folder.iterdir()} - {FILLER}


@contextmanager
def mounted_disk(folder: Path, *, size: str) -> Iterator[Disk]:
    """A disk of this size at ``folder``, with a copy of what lies there; skips the test where none can be mounted."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as kept:
        _call("cp", "-a", f"{folder}/.", kept)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True, text=True
        )
        if done.returncode != 0:
            pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
        try:
            _call("cp", "-a", f"{kept}/.", str(folder))
            yield Disk(folder)
        finally:
            _call("umount", "--lazy", str(folder))


def _call(*command: str) -> None:
    subprocess.run(command, check=True)
