"""Forecast a run from the expected seconds of its jobs, corrected by those that its finished jobs took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

LEAST_SHARE = 0.02  # of the run that is done before the time left is forecast
PRIOR = 10.0  # expected seconds of finished jobs after which half of their deviation counts for other rules


@dataclass(frozen=True)
class Expectation:
    """What is expected of a job."""

    rule: str
    seconds: float


class Forecast:
    """The jobs of a run: those that are done, those that are running, and those to come.

    Jobs of one rule are expected to deviate from their expected seconds by the same factor: the one that the finished
    jobs of this rule took. It is at least that of a running job that already takes longer. For a rule without finished
    jobs it is the factor of all finished jobs.

    Times are seconds of one clock, in the order in which the methods are called.
    """

    def __init__(self, expected: Mapping[int, Expectation]) -> None:
        self._expected = dict(expected)
        self._begun: dict[int, float] = {}
        self._taken: dict[int, float] = {}
        self._first: float | None = None

    def __len__(self) -> int:
        """Return the number of jobs."""
        return len(self._expected)

    @property
    def done(self) -> int:
        """Number of finished jobs."""
        return len(self._taken)

    def begin(self, job: int, *, now: float) -> None:
        """Count the start of a job; of a repeated one, only the last."""
        self._first = now if self._first is None else self._first
        self._begun[job] = now

    def finish(self, job: int, *, now: float) -> float:
        """Count the end of a job, and return the seconds that it took."""
        self._taken[job] = now - self._begun.pop(job, now)
        return self._taken[job]

    def stop(self, job: int) -> None:
        """Count a failed job as one to come."""
        self._begun.pop(job, None)

    def share(self, *, now: float) -> float:
        """Return the share of the run that is done, in seconds of jobs; below 1 until all are finished."""
        if self.done >= len(self):
            return 1.0
        worked = self._worked(now)
        left = sum(self._left(now).values())
        return worked / (worked + left) if worked + left > 0 else self.done / len(self)

    def seconds_left(self, *, now: float) -> float | None:
        """Return the expected seconds until the end; None before :data:`LEAST_SHARE` is done.

        As many jobs are assumed to run at a time as have so far, on average.
        """
        if self._first is None or not self._taken or self.share(now=now) < LEAST_SHARE:
            return None
        left = self._left(now)
        at_a_time = max(self._worked(now) / (now - self._first), 1.0) if now > self._first else 1.0
        longest = max((left[job] for job in self._begun if job in left), default=0.0)
        return max(sum(left.values()) / at_a_time, longest)

    def _worked(self, now: float) -> float:
        return sum(self._taken.values()) + sum(now - begun for begun in self._begun.values())

    def _left(self, now: float) -> dict[int, float]:
        """Return the expected seconds that each unfinished job has left."""
        factor = self._factors(now)
        return {
            job: max(expected.seconds * factor[expected.rule] - (now - self._begun.get(job, now)), 0.0)
            for job, expected in self._expected.items()
            if job not in self._taken
        }

    def _factors(self, now: float) -> dict[str, float]:
        """Return by rule how many times the expected seconds its jobs take."""
        finished = {job: one for job, one in self._expected.items() if job in self._taken and one.seconds > 0}
        taken, expected = defaultdict[str, float](float), defaultdict[str, float](float)
        for job, one in finished.items():
            taken[one.rule] += self._taken[job]
            expected[one.rule] += one.seconds
        overall = (sum(taken.values()) + PRIOR) / (sum(expected.values()) + PRIOR)
        factors = {one.rule: overall for one in self._expected.values()}
        for job, begun in self._begun.items():
            if job in self._expected and (one := self._expected[job]).seconds > 0:
                factors[one.rule] = max(factors[one.rule], (now - begun) / one.seconds)
        return factors | {rule: taken[rule] / expected[rule] for rule in taken}
