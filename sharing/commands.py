"""The other programs that sharing a study needs, called as a user calls them: git, DVC and Snakemake."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from fooling.errors import FoolingError

HERE = Path()


def git(*arguments: str) -> str:
    """What ``git`` says; :class:`FoolingError` with its message where it fails."""
    return _said(["git", *arguments], HERE)


def dvc(*arguments: str, folder: Path = HERE) -> str:
    """What ``dvc`` says, called in ``folder``; :class:`FoolingError` with its message where it fails."""
    return _said([sys.executable, "-m", "dvc", *arguments], folder)


def dvc_json(*arguments: str) -> dict[str, Any]:
    """What ``dvc … --json`` says."""
    answer: dict[str, Any] = json.loads(dvc(*arguments, "--json") or "{}")
    return answer


def snakemake(*arguments: str) -> str:
    """What ``snakemake`` says; :class:`FoolingError` with its message where it fails."""
    return _said([sys.executable, "-m", "snakemake", *arguments], HERE)


def _said(command: list[str], folder: Path) -> str:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        raise FoolingError(f"{command[0]} is not installed", remedy=f"install {command[0]}") from None
    if done.returncode != 0:
        asked = " ".join(command[2:] if command[0] == sys.executable else command)
        raise FoolingError(f"`{asked}` failed", found=(done.stderr or done.stdout).strip() or "no message")
    return done.stdout
