"""Folders that take long to make: the first test process that asks for one makes it, and all others use it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder ``name`` of this test run, which ``make`` makes at the path that it is given."""
    is_one_of_many = "PYTEST_XDIST_WORKER" in os.environ
    base = factory.getbasetemp().parent if is_one_of_many else factory.getbasetemp()
    folder, unfinished = base / name, base / f"{name}.unfinished"
    with FileLock(base / f"{name}.lock"):
        if not folder.exists():
            shutil.rmtree(unfinished, ignore_errors=True)
            make(unfinished)
            unfinished.rename(folder)
    return folder
