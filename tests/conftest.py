"""Settings of all tests, copies of the repository, and the smoke study run once for all tests."""

import shutil
from pathlib import Path

import pytest
from hypothesis import settings

from checkout import SMOKE, Checkout
from made_once import made_once

# How long an example takes says more about the machine than about the code.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


#: The folders whose tests run whole studies. Begun first, they keep no test process waiting for another in the end.
LONG = ("torture", "slurm", "sharing", "workflow")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long tests first."""
    items.sort(key=lambda item: item.path.parent.name not in LONG)


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


@pytest.fixture
def changed(smoke: Checkout, tmp_path: Path) -> Checkout:
    """The repository with the finished smoke study, to be changed by one test."""
    return smoke.copy(tmp_path / "repository")
