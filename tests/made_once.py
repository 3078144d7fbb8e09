"""Folders that take long to make: the first test process that needs one makes it, and all others use it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Return the folder ``name`` of this test run, made by ``make`` at the path that it is given.

    Several test runs of the same code share their folders if the environment names a place for them (`MADE_ONCE`).
    """
    is_one_of_many = "PYTEST_XDIST_WORKER" in os.environ
    own = factory.getbasetemp().parent if is_one_of_many else factory.getbasetemp()
    base = Path(os.environ.get("MADE_ONCE") or own)
    folder, unfinished = base / name, base / f"{name}.unfinished"
    with FileLock(base / f"{name}.lock"):
        if not folder.exists():
            shutil.rmtree(unfinished, ignore_errors=True)
            make(unfinished)
            unfinished.rename(folder)
    return folder
