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
from fooling.training.settings import ClassifierSettings

RUNS_PER_JOB = 10
MOST_RUNS = 100_000  # against one network: room for its seeds in a row


class Block(NamedTuple):
    """The runs of one job."""

    number: int  # from 1
    first_seed: int
    runs: int


def supply(settings: RetrainingSettings, network: int) -> SupplySettings:
    """Return what network number ``network`` (from 1) supplies."""
    return settings.first if network == 1 else settings.later


def runs_against(settings: RetrainingSettings, network: int, *, filled_with: Filling) -> int:
    """Return the number of runs against a network; the last one supplies no images and is only measured.

    There the count is rounded up to whole jobs, so that nothing is made again when the chain gets longer.
    """
    measured = settings.measured_runs
    whole = max(supply(settings, network).runs, measured)
    if filled_with == "champions" and network < settings.networks:
        return whole
    rounded = math.ceil(measured / RUNS_PER_JOB) * RUNS_PER_JOB
    return min(rounded, whole) if filled_with == "champions" else measured


def blocks(settings: RetrainingSettings, classifier: str, network: int, *, runs: int) -> list[Block]:
    """Return the jobs of the first ``runs`` runs against a network of the chain of ``classifier``."""
    first = 1 + derived_seed(settings.seed, "retraining runs", classifier, network) % (LARGEST_SEED - MOST_RUNS)
    return [
        Block(1 + done // RUNS_PER_JOB, first + done, min(RUNS_PER_JOB, runs - done))
        for done in range(0, runs, RUNS_PER_JOB)
    ]


def jobs_for(runs: int) -> range:
    """Return the numbers of the jobs that make the first ``runs`` runs against a network."""
    return range(1, math.ceil(runs / RUNS_PER_JOB) + 1)


def network_seed(settings: RetrainingSettings, classifier: str, network: int) -> int:
    """Return the seed of a retrained network; its controls share it and differ only in their images."""
    return derived_seed(settings.seed, "retrained network", classifier, network) % LARGEST_SEED


def random_images_seed(settings: RetrainingSettings, classifier: str, network: int) -> int:
    """Return the seed of the random images that a control adds after a network."""
    return derived_seed(settings.seed, "random fooling images", classifier, network) % LARGEST_SEED


def at_equal_passes(settings: ClassifierSettings, *, real: int, fooling: int) -> ClassifierSettings:
    """Return ``settings`` with more iterations, so that a pass more is not lost to ``fooling`` images.

    With ``real + fooling`` training images a network makes as many passes over each as one makes over ``real`` ones.
    """
    iterations = round(settings.training.iterations * (real + fooling) / real)
    training = settings.training.model_copy(update={"iterations": iterations})
    return settings.model_copy(update={"training": training})
