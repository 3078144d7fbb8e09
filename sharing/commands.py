"""Call git, DVC and Snakemake as a user calls them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from fooling.messages import FoolingError

HERE = Path()


def git(*arguments: str) -> str:
    """Run ``git`` and return its output.

    Raises :class:`FoolingError` with git's message if it fails.
    """
    return _output_of(["git", *arguments], HERE)


def dvc(*arguments: str, folder: Path = HERE) -> str:
    """Run ``dvc`` in ``folder`` and return its output.

    Raises :class:`FoolingError` with DVC's message if it fails.
    """
    return _output_of([sys.executable, "-m", "dvc", *arguments], folder)


def dvc_json(*arguments: str) -> dict[str, Any]:
    """Run ``dvc … --json`` and return the parsed output, or {} for no output."""
    answer: dict[str, Any] = json.loads(dvc(*arguments, "--json") or "{}")
    return answer


def snakemake(*arguments: str) -> str:
    """Run ``snakemake`` and return its output.

    Raises :class:`FoolingError` with Snakemake's message if it fails.
    """
    return _output_of([sys.executable, "-m", "snakemake", *arguments], HERE)


def _output_of(command: list[str], folder: Path) -> str:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        raise FoolingError(f"{command[0]} is not installed", remedy=f"install {command[0]}") from None
    if done.returncode != 0:
        shown = " ".join(command[2:] if command[0] == sys.executable else command)
        raise FoolingError(f"`{shown}` failed", found=(done.stderr or done.stdout).strip() or "no message")
    return done.stdout
