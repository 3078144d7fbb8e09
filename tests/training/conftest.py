"""A small data set that any network learns at once."""

from __future__ import annotations

import pytest

from fooling.datasets.dataset import Dataset
from made_up_bars import made_bars


@pytest.fixture(scope="session")
def bars() -> Dataset:
    """Bars in four places."""
    return made_bars()
