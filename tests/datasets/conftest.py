"""What the tests of data sets share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fooling.datasets.fetching import MIRROR_VARIABLE


@pytest.fixture
def real_data() -> Path:
    """The folder of real data files that the environment names; without one the test is skipped."""
    folder = os.environ.get(MIRROR_VARIABLE)
    if not folder:
        pytest.skip(f"{MIRROR_VARIABLE} names no folder of real data")
    return Path(folder)
