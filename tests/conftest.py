"""Settings of all tests, copies of the repository, and the smoke study run once for all tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from checkout import SMOKE, Checkout
from made_once import made_once

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# How long an example takes says more about the machine than about the code.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


#: The folders whose tests run whole studies.
LONG = ("torture", "slurm", "sharing", "workflow")


@pytest.hookimpl(tryfirst=True)  # before tests are chosen by their marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first; while one process makes the smoke study, the others begin with those without it.

    Whatever needs the smoke study is a slow test.
    """
    for item in items:
        if "smoke" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
    with_smoke = list(dict.fromkeys(item.path for item in items if "smoke" in getattr(item, "fixturenames", ())))

    def rank(item: pytest.Item) -> int:
        if item.path in with_smoke:
            return 0 if item.path == with_smoke[0] else 2
        return 1 if item.path.parent.name in LONG else 3

    items.sort(key=rank)


@pytest.fixture(scope="session")
def fresh_checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The repository before anything was run."""
    return Checkout.fresh(tmp_path_factory.mktemp("fresh") / "repository")


@pytest.fixture(scope="session")
def smoke(fresh_checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The repository with the smoke study made on two cores."""

    def make(folder: Path) -> None:
        checkout = fresh_checkout.copy(folder)
        hook = shutil.copy(Path(__file__).with_name("opened_files.py"), folder / "src/sitecustomize.py")
        checkout.run("snakemake", "--cores", "2", "--configfile", SMOKE)
        Path(hook).unlink()

    return Checkout(made_once(tmp_path_factory, "smoke", make))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium, for all tests of a module."""
    from survey.browser import for_tests  # not for the tests without a browser: it imports Playwright

    yield from for_tests()


@pytest.fixture
def changed(smoke: Checkout, tmp_path: Path) -> Checkout:
    """The repository with the finished smoke study, to be changed by one test."""
    return smoke.copy(tmp_path / "repository")
