"""Places where people share studies: git repositories side by side, the store beside them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from checkout import SMOKE, Checkout
from made_once import made_once
from repository import TINY, TINY_STUDY, Repository


@pytest.fixture(scope="session")
def published_place(smoke: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place with the repository of someone who has made and published the smoke study."""

    def make(place: Path) -> None:
        repository = Repository(smoke.copy(place / "repository").folder)
        repository.run("git", "init", "--quiet", "--initial-branch=main")
        repository.commit("Start")
        assert "is published as commit" in repository.sharing("publish", "--configfile", SMOKE)

    return made_once(tmp_path_factory, "published", make)


@pytest.fixture
def published(published_place: Path, tmp_path: Path) -> Repository:
    """The repository of someone who has published the smoke study, in a place of the test's own.

    It has stages and files of every kind. What does not depend on these is tested with the tiny study (``ours``).
    """
    place = tmp_path / "place"
    shutil.copytree(published_place, place, symlinks=True)
    return Repository(place / "repository")


@pytest.fixture(scope="session")
def tiny_place(fresh_checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Someone who has published a tiny study, and a clone of theirs in which it is restored."""

    def make(place: Path) -> None:
        ours = Repository(fresh_checkout.copy(place / "ours").folder)
        (ours.folder / TINY).write_text(TINY_STUDY.format(name="tiny"))
        ours.run("git", "init", "--quiet", "--initial-branch=main")
        ours.publish(TINY)
        ours.clone("theirs").sharing("restore")

    return Repository(made_once(tmp_path_factory, "tiny", make) / "ours")


@pytest.fixture
def pair(tiny_place: Repository, tmp_path: Path) -> tuple[Repository, Repository]:
    """Two people who have the tiny study, and publish to one store."""
    place = tmp_path / "place"
    place.mkdir()
    for name in ("ours", "theirs", "fooling-store"):
        Repository(tiny_place.folder.with_name(name)).copy(place / name)
    return Repository(place / "ours"), Repository(place / "theirs")


@pytest.fixture
def ours(pair: tuple[Repository, Repository]) -> Repository:
    """The repository of someone who has published the tiny study."""
    return pair[0]


@pytest.fixture
def theirs(pair: tuple[Repository, Repository]) -> Repository:
    """A clone of it in which the study is restored."""
    return pair[1]


@pytest.fixture(scope="session")
def twice_published(tiny_place: Repository, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place where the tiny study was published, and again after longer runs."""

    def make(place: Path) -> None:
        shutil.copytree(tiny_place.folder.parent, place, symlinks=True)
        ours = Repository(place / "ours")
        ours.replace(TINY, "generations: 2", "generations: 4")
        ours.publish(TINY)

    return made_once(tmp_path_factory, "twice", make)


@pytest.fixture
def two_versions(twice_published: Path, tmp_path: Path) -> Repository:
    """The repository of someone who has published two versions of the tiny study: HEAD and HEAD~2."""
    place = tmp_path / "place"
    shutil.copytree(twice_published, place, symlinks=True)
    return Repository(place / "ours")
