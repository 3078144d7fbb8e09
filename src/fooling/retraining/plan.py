"""Which runs are made against each network of a chain, and with which seeds.

Runs are numbered from 1; the first ``measured_runs`` tell how easily the network is fooled. Their seeds are drawn, so
that they are as good a sample as any others, and they stay the same when a chain gets longer.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from fooling.retraining.settings import Filling, RetrainingSettings, SupplySettings
from fooling.seeding import derived_seed
from fooling.settings import LARGEST_SEED

RUNS_PER_JOB = 10
MOST_RUNS = 100_000  # against one network: room for its seeds in a row


class Block(NamedTuple):
    """Runs that one job makes."""

    number: int  # from 1
    first_seed: int
    runs: int


def supply(settings: RetrainingSettings, network: int) -> SupplySettings:
    """What network number ``network`` (from 1) supplies."""
    return settings.first if network == 1 else settings.later


def runs_against(settings: RetrainingSettings, network: int, *, filled_with: Filling) -> int:
    """How many runs are made against a network; the last one supplies nothing yet, and is only measured.

    There the count is rounded up to whole jobs, so that nothing is made again when the chain gets longer.
    """
    measured = settings.measured_runs
    whole = max(supply(settings, network).runs, measured)
    if filled_with == "champions" and network < settings.networks:
        return whole
    rounded = math.ceil(measured / RUNS_PER_JOB) * RUNS_PER_JOB
    return min(rounded, whole) if filled_with == "champions" else measured


def blocks(settings: RetrainingSettings, classifier: str, network: int, *, runs: int) -> list[Block]:
    """The first ``runs`` runs against a network of the chain that starts with ``classifier``, job by job."""
    first = 1 + derived_seed(settings.seed, "retraining runs", classifier, network) % (LARGEST_SEED - MOST_RUNS)
    return [
        Block(1 + done // RUNS_PER_JOB, first + done, min(RUNS_PER_JOB, runs - done))
        for done in range(0, runs, RUNS_PER_JOB)
    ]


def jobs_for(runs: int) -> range:
    """The numbers of the jobs that make the first ``runs`` runs against a network."""
    return range(1, math.ceil(runs / RUNS_PER_JOB) + 1)


def network_seed(settings: RetrainingSettings, classifier: str, network: int) -> int:
    """The seed of a retrained network; the controls have the same one, and differ in their images alone."""
    return derived_seed(settings.seed, "retrained network", classifier, network) % LARGEST_SEED


def random_images_seed(settings: RetrainingSettings, classifier: str, network: int) -> int:
    """The seed of the random images that a control adds after a network."""
    return derived_seed(settings.seed, "random fooling images", classifier, network) % LARGEST_SEED
