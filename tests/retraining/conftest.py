"""Made-up runs for the tests of retraining."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from fooling.attacks.evolution.record import RunRecord
from made_up_run import made_up_run


@pytest.fixture
def make_runs() -> Callable[[int], list[RunRecord]]:
    """Makes so many runs of the seeds 1, 2, ..., each with other images after the start and at the end."""

    def make(count: int) -> list[RunRecord]:
        runs = [made_up_run(np.full((2, 3), 0.5), seed=seed) for seed in range(1, count + 1)]
        return [dataclasses.replace(run, start_images=255 - run.images) for run in runs]

    return make
