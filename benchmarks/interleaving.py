"""Fair timing on a busy machine: all contestants take turns in one run, so that they meet the same conditions.

::

    round 1: A B C    round 2: A B C    round 3: A B C   ...

Time is the CPU time of this process: what other programs take of the machine is not counted, but they still crowd the
caches, so that only ratios within one run mean anything. Work on a GPU is timed by the clock, once it is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """One way of doing some work; a turn is ``calls`` calls of ``work``, each of which handles ``images`` images."""

    what: str
    work: Callable[[], object]
    images: int
    calls: int
    wait: Callable[[], object] | None = None
    """Waits until a GPU has done its work."""


def interleaved(
    contestants: Mapping[str, Contestant], *, rounds: int, warm_up: int, after_round: Callable[[], None]
) -> dict[str, NDArray[np.float64]]:
    """CPU seconds an image in each of ``rounds`` rounds, by the key of the contestant; ``warm_up`` rounds go before."""
    seconds = np.empty((warm_up + rounds, len(contestants)))
    for turns in seconds:
        turns[:] = [_seconds_per_image(contestant) for contestant in contestants.values()]
        after_round()
    return dict(zip(contestants, seconds[warm_up:].T, strict=True))


def _seconds_per_image(contestant: Contestant) -> float:
    if contestant.wait is not None:
        contestant.wait()
    clock = time.process_time if contestant.wait is None else time.perf_counter
    start = clock()
    for _ in range(contestant.calls):
        contestant.work()
    if contestant.wait is not None:
        contestant.wait()
    return (clock() - start) / (contestant.calls * contestant.images)
