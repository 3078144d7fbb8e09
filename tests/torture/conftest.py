"""A finished study that is much smaller than the smoke study, for tests that call `make run` several times."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkout import MAKE_RUN, SMOKE, Checkout
from made_once import made_once
from repository import TINY_STUDY


@pytest.fixture(scope="session")
def tiny(fresh_checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The repository with a tiny study in place of the smoke study, finished."""

    def make(folder: Path) -> None:
        checkout = fresh_checkout.copy(folder)
        (folder / SMOKE).write_text(TINY_STUDY.format(name="smoke"))
        checkout.run(*MAKE_RUN)

    return Checkout(made_once(tmp_path_factory, "tiny-in-place-of-smoke", make))


@pytest.fixture
def changed_tiny(tiny: Checkout, tmp_path: Path) -> Checkout:
    """The repository with the finished tiny study, to be changed by one test."""
    return tiny.copy(tmp_path / "repository")
