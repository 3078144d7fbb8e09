"""A finished study that is much smaller than the smoke study, for tests that call `make run` several times."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkout import MAKE_RUN, SMOKE, Checkout
from made_once import made_once

#: With an experiment of one run. Training and evolution take long enough to be killed on the way.
TINY_STUDY = """\
study: smoke
datasets:
- {name: smoke-digits, kind: digits}
classifiers:
- {name: lenet, kind: trained, dataset: smoke-digits, architecture: lenet, training: {iterations: 120}}
experiments:
- name: cppn
  classifiers: [lenet]
  seeds: {count: 1}
  encoding: {kind: cppn}
  search: {start: 60, offspring: 60, generations: 60}
  figures: []
findings: {sample_images: 20, family_images: 20, changed_real_images: 5, real_images: 5, bootstrap_samples: 99}
"""


@pytest.fixture(scope="session")
def tiny(fresh_checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The repository with a tiny study in place of the smoke study, finished."""

    def make(folder: Path) -> None:
        checkout = fresh_checkout.copy(folder)
        (folder / SMOKE).write_text(TINY_STUDY)
        checkout.run(*MAKE_RUN)

    return Checkout(made_once(tmp_path_factory, "tiny-in-place-of-smoke", make))


@pytest.fixture
def changed_tiny(tiny: Checkout, tmp_path: Path) -> Checkout:
    """The repository with the finished tiny study, to be changed by one test."""
    return tiny.copy(tmp_path / "repository")
