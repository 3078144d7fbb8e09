"""An estimand: what a claim is about, as a pure function from the tables of a study to an estimate.

A median says what it is over. Where a source leaves that open there are three readings: the median over the classes
of each run and then over the runs; the median over the runs for each class and then over the classes; and the median
of all champions pooled. Each is taken within a classifier (of retrained classifiers: within a chain). Then follows the
mean over these, of confidences as log-odds, of ratios as logarithms.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fooling.claims.context import PHRASES, Context, Filter
from fooling.findings.intervals import Estimate

#: Every estimand can be restricted to an architecture.
COMMON = frozenset({"architecture"})


@dataclass(frozen=True, kw_only=True)
class Estimand:
    """What is estimated, in words that may name parameters in braces, and how."""

    name: str
    words: str
    evaluate: Callable[[Context], Estimate]
    needs: frozenset[str]
    """Parameters that a claim must set."""
    takes: frozenset[str]
    """Parameters that a claim may set."""

    @property
    def parameters(self) -> frozenset[str]:
        """Every parameter that changes the estimate."""
        return self.needs | self.takes

    def in_words(self, chosen: Filter, *, dataset: str) -> str:
        """Return the words with the values of all parameters that are set; those not named within follow."""
        values = {name: _in_words(getattr(chosen, name)) for name in PHRASES if name in self.parameters}
        named = {field for _, field, _, _ in string.Formatter().parse(self.words) if field}
        told = [PHRASES[name].format(value) for name, value in values.items() if value and name not in named]
        return f"{self.words.format(**values)} ({', '.join([dataset, *told])})"


def estimand(
    words: str, *, needs: Iterable[str] = ("experiment",), takes: Iterable[str] = ()
) -> Callable[[Callable[[Context], Estimate]], Estimand]:
    """Return a decorator that makes an estimand of a function; its name is the function's, with hyphens."""

    def named(evaluate: Callable[[Context], Estimate]) -> Estimand:
        name = evaluate.__name__.replace("_", "-")
        required = frozenset(needs)
        return Estimand(
            name=name, words=words, evaluate=evaluate, needs=required, takes=frozenset(takes) | COMMON - required
        )

    return named


def _in_words(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return " and ".join(f"{first} to {last}" for first, last in value)
    return str(value)
