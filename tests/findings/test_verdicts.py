"""Every verdict, from made-up intervals."""

from __future__ import annotations

import math

import pytest

from fooling.findings.intervals import Estimate
from fooling.findings.verdicts import Verdict, agreeing_range, judged

AT_LEAST = agreeing_range("at-least", threshold=0.9, paper=None, margin=None)
AT_MOST = agreeing_range("at-most", threshold=0.9, paper=None, margin=None)
WITHIN = agreeing_range("within", threshold=None, paper=0.9, margin=0.05)


def verdict(low, high, agreeing, *, n=20, minimum=20, verified=True, comparable=True):
    estimate = Estimate(value=(low + high) / 2, low=low, high=high, n=n)
    return judged(estimate, agreeing, minimum=minimum, verified=verified, comparable=comparable)


@pytest.mark.parametrize(
    ("low", "high", "agreeing", "expected"),
    [
        (0.90, 0.99, AT_LEAST, Verdict.REPRODUCED),
        (0.80, 0.89, AT_LEAST, Verdict.NOT_REPRODUCED),
        (0.80, 0.95, AT_LEAST, Verdict.INCONCLUSIVE),
        (0.80, 0.90, AT_MOST, Verdict.REPRODUCED),
        (0.91, 0.99, AT_MOST, Verdict.NOT_REPRODUCED),
        (0.80, 0.91, AT_MOST, Verdict.INCONCLUSIVE),
        (0.86, 0.94, WITHIN, Verdict.REPRODUCED),
        (0.96, 0.99, WITHIN, Verdict.NOT_REPRODUCED),
        (0.10, 0.80, WITHIN, Verdict.NOT_REPRODUCED),
        (0.80, 0.99, WITHIN, Verdict.INCONCLUSIVE),  # far too wide an interval reproduces nothing
        (0.90, 0.96, WITHIN, Verdict.INCONCLUSIVE),
        (60, math.inf, agreeing_range("at-most", threshold=49, paper=None, margin=None), Verdict.NOT_REPRODUCED),
    ],
)
def test_the_interval_decides(low, high, agreeing, expected):
    assert verdict(low, high, agreeing) == expected


def test_too_few_runs_judge_nothing():
    assert verdict(0.95, 0.99, AT_LEAST, n=19) == Verdict.TOO_FEW


def test_without_an_interval_nothing_is_judged():
    assert verdict(math.nan, math.nan, AT_LEAST) == Verdict.TOO_FEW


def test_a_number_that_nobody_verified_judges_nothing():
    assert verdict(0.95, 0.99, AT_LEAST, verified=False) == Verdict.UNVERIFIED


@pytest.mark.parametrize("n", [5, 100])
@pytest.mark.parametrize("verified", [True, False])
def test_other_data_judge_nothing_whatever_they_show(n, verified):
    assert verdict(0.95, 0.99, AT_LEAST, n=n, verified=verified, comparable=False) == Verdict.OTHER_DATA
