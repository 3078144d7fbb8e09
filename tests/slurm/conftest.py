"""A cluster for each test, where Slurm is installed."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from slurm.cluster import Cluster, why_not


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A cluster of three nodes, with a GPU each."""
    if reason := why_not():
        (pytest.fail if "REQUIRE_SLURM" in os.environ else pytest.skip)(reason)
    with Cluster() as cluster:
        yield cluster
