"""Made-up runs for the tests of the findings."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fooling.attacks.evolution.record import RunRecord
from made_up_run import made_up_run

MakeRun = Callable[..., RunRecord]


@pytest.fixture
def make_run() -> MakeRun:
    """A function that makes up a run from the confidences (T, K) of its champions."""
    return made_up_run
