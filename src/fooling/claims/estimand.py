"""Estimands: pure functions from the tables of a study, filtered for one claim, to an estimate.

The words of a median state what it is over. If a source leaves that open, there are three readings: the median over
the classes of each run, and then over the runs; the median over the runs for each class, and then over the classes; and
the median of all champions pooled. Each is taken within a classifier (for retrained classifiers: within a chain). The
result is the mean over classifiers or chains, of log-odds for confidences and of logarithms for ratios.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fooling.claims.parameters import COMMON, PHRASES, Filter, Sided
from fooling.findings.intervals import (
    Estimate,
    IntervalSettings,
    Statistic,
    estimated_median,
    estimated_share,
    probability_of,
    run_grid,
)
from fooling.findings.runs import ThresholdSettings


class ContextSettings(IntervalSettings, ThresholdSettings):
    """The threshold, and the confidence level of intervals."""


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The tables of a study; those of runs and images by experiment."""

    networks: pd.DataFrame
    history: Mapping[str, pd.DataFrame]
    times: Mapping[str, pd.DataFrame]
    start: Mapping[str, pd.DataFrame]
    examined: Mapping[str, pd.DataFrame]
    real: pd.DataFrame = field(default_factory=pd.DataFrame)  # of all networks
    families: pd.DataFrame = field(default_factory=pd.DataFrame)  # of all networks
    transfer: Mapping[str, pd.DataFrame] = field(default_factory=dict)  # by experiment
    retrained: Mapping[str, pd.DataFrame] = field(default_factory=dict)  # by retraining
    retraining: Mapping[str, pd.DataFrame] = field(default_factory=dict)  # by retraining, of single chains
    refusal: Mapping[str, pd.DataFrame] = field(default_factory=dict)  # by retraining, of single chains
    ancestry: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    distances: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    ablation: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    robustness: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    supernormal: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    ascent: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    ascent_times: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    adversarial: Mapping[str, pd.DataFrame] = field(default_factory=dict)  # by attack
    adversarial_transfer: Mapping[str, pd.DataFrame] = field(default_factory=dict)  # by attack
    universal: Mapping[str, pd.DataFrame] = field(default_factory=dict)  # by attack
    universal_labels: Mapping[str, pd.DataFrame] = field(default_factory=dict)  # by attack
    universal_transfer: Mapping[str, pd.DataFrame] = field(default_factory=dict)  # by attack
    label_only: Mapping[str, pd.DataFrame] = field(default_factory=dict)  # by attack
    label_only_transfer: Mapping[str, pd.DataFrame] = field(default_factory=dict)  # by attack
    people: Mapping[str, pd.DataFrame] = field(default_factory=dict)  # by condition, which is an experiment
    boundary: pd.DataFrame = field(default_factory=pd.DataFrame)  # of all networks
    rubbish: pd.DataFrame = field(default_factory=pd.DataFrame)  # of all networks
    fooled: pd.DataFrame = field(default_factory=pd.DataFrame)  # of all networks
    ray_slopes: pd.DataFrame = field(default_factory=pd.DataFrame)  # of all networks
    detectors: pd.DataFrame = field(default_factory=pd.DataFrame)  # of all networks
    hardened: pd.DataFrame = field(default_factory=pd.DataFrame)  # of all networks of the comparison


class NotRun(Exception):  # noqa: N818 - a result, not an error
    """The study has no data for this estimand, for the given reason."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """The tables of a study, filtered for one claim on the classifiers of one data set."""

    filter: Filter
    dataset: str
    tables: Tables
    settings: ContextSettings
    sided: Sided = "two"
    may_be_shorter: bool = False  # if the runs end before the claim's generation, evaluate their end

    def networks(self) -> pd.DataFrame:
        """Return the rows of the classifiers of the data set, and of the architecture if one is named."""
        networks = self.tables.networks
        chosen = networks[networks["dataset"] == self.dataset]
        if self.filter.architecture is not None:
            chosen = chosen[chosen["architecture"] == self.filter.architecture]
        if chosen.empty:
            raise NotRun(f"no such classifier of {self.dataset}")
        return chosen

    def of_experiment(self, tables: Mapping[str, pd.DataFrame], *, search: str | None = None) -> pd.DataFrame:
        """Return the rows of the experiment on these classifiers, and of one search if it is named."""
        name = str(self.filter.experiment)
        rows = self._of_networks(tables.get(name), column="classifier")
        if search is not None and not rows.empty:
            rows = rows[rows["search"] == search]
        if rows.empty:
            raise NotRun(f"no {search or 'images'} of the experiment {name} on classifiers of {self.dataset}")
        return rows

    def of_retraining(self, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """Return the rows of the retraining whose chains begin with these classifiers."""
        name = str(self.filter.retraining)
        rows = self._of_networks(tables.get(name), column="first")
        if rows.empty:
            raise NotRun(f"no retraining {name} of classifiers of {self.dataset}")
        return rows

    def history(self, column: str, *, search: str | None = None) -> NDArray[np.float64]:
        """Return confidences or log-odds at the generation, (classifiers, seeds, classes)."""
        rows = self.of_experiment(self.tables.history, search=search or self.filter.search)
        generation = self._generation(int(rows.groupby(["classifier", "seed"])["generation"].max().min()))
        kept = rows.loc[rows["generation"] <= generation, "generation"].max()  # late generations are thinned
        return run_grid(self._of_classes(rows[rows["generation"] == kept]), column, within_run="class_index")

    def times(self, target: str) -> tuple[NDArray[np.float64], float]:
        """Return the generations at which the runs reached the target, (classifiers, seeds), and the runs' end.

        Infinite if a run did not reach it.
        """
        rows = self.of_experiment(self.tables.times, search=self.filter.search)
        rows = rows[rows["target"] == target]
        ends = rows.loc[~rows["reached"], "generation"]
        end = self._generation(np.inf if ends.empty else float(ends.min()))
        reached = rows["reached"] & (rows["generation"] <= end)
        return run_grid(rows.assign(time=rows["generation"].astype(float).where(reached, np.inf)), "time"), end

    def examined(self, column: str, *, networks: Iterable[str] | None = None) -> NDArray[np.float64]:
        """Return a column of the examined champions, (classifiers, seeds, classes), of classifiers that have it.

        ``networks`` restricts the result to these classifiers.
        """
        rows = self.of_experiment(self.tables.examined, search=self.filter.search)
        if networks is not None:
            rows = rows[rows["classifier"].isin(list(networks))]
        return run_grid(self.known(rows, column), column, within_run="class_index")

    def ancestry(self, column: str) -> NDArray[np.float64]:
        """Return a column of the champions' ancestry, (classifiers, seeds, classes)."""
        return run_grid(self.of_experiment(self.tables.ancestry), column, within_run="class_index")

    def distances(self, column: str) -> NDArray[np.float64]:
        """Return a column of the champions' distances, (classifiers, seeds, classes), of classifiers that have it."""
        rows = self.of_experiment(self.tables.distances)
        return run_grid(self.known(rows[rows["kind"] == "champion"], column), column, within_run="image")

    def ascents(self, column: str) -> NDArray[np.float64]:
        """Return a column of the images of the gradient ascent, (classifiers, seeds, classes)."""
        return run_grid(self._of_ascent(self.tables.ascent), column, within_run="class_index")

    def evaluations(self) -> tuple[tuple[NDArray[np.float64], float], tuple[NDArray[np.float64], float]]:
        """Return the evaluations until the median class reached the threshold, of the ascent and of the search.

        Each is a pair: the evaluations (classifiers, seeds) of the runs that both have, infinite if the threshold was
        not reached, and the end of the runs.
        """
        tables = (
            self._of_ascent(self.tables.ascent_times),
            self.of_experiment(self.tables.times, search=self.filter.search),
        )
        medians = [table[table["target"] == "median"].set_index(["classifier", "seed"]) for table in tables]
        needed = [median["evaluations"].astype(float).where(median["reached"], np.inf) for median in medians]
        common = pd.concat(needed, axis=1, join="inner", keys=["ascent", "search"]).reset_index()
        if common.empty:
            raise NotRun("no classifier and seed has both")
        ends = [float(median["evaluations"].max()) for median in medians]
        return (run_grid(common, "ascent"), ends[0]), (run_grid(common, "search"), ends[1])

    def median_confidence(self, log_odds: NDArray[np.float64], within_unit: Statistic = np.median) -> Estimate:
        """Estimate the mean over the classifiers of a median within each, of ``log_odds`` (classifiers, seeds, ...)."""
        level = self.settings.confidence_level
        return estimated_median(log_odds, level=level, within_unit=within_unit, back=probability_of)

    def median_ratio(self, ratios: NDArray[np.float64]) -> Estimate:
        """Estimate the geometric mean over the classifiers of the median of ``ratios`` (classifiers, seeds)."""
        return estimated_median(np.log(ratios), level=self.settings.confidence_level, back=np.exp)

    def share(self, holds: NDArray[np.bool_]) -> Estimate:
        """Estimate the share of champions (classifiers, seeds, classes) or runs (classifiers, seeds) that hold."""
        runs = holds.mean(axis=2) if holds.ndim == 3 else holds.astype(np.float64)
        return estimated_share(runs, level=self.settings.confidence_level)

    def _of_ascent(self, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """Return the rows of the gradient ascent on these classifiers."""
        name = str(self.filter.ascent)
        rows = self._of_networks(tables.get(name), column="classifier")
        if rows.empty:
            raise NotRun(f"no gradient ascent {name} on classifiers of {self.dataset}")
        return rows

    def _of_networks(self, table: pd.DataFrame | None, *, column: str) -> pd.DataFrame:
        """Return the rows in which ``column`` names one of these classifiers; empty without a table."""
        return pd.DataFrame() if table is None else table[table[column].isin(self.networks()["classifier"])]

    def _of_classes(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of the classes that are evaluated."""
        if self.filter.classes is None:
            return rows
        if (last := max(last for _, last in self.filter.classes)) > rows["class_index"].max():
            raise NotRun(f"the classifiers of {self.dataset} have no class {last}")
        wanted = [index for first, last in self.filter.classes for index in range(first, last + 1)]
        return rows[rows["class_index"].isin(wanted)]

    @staticmethod
    def known(rows: pd.DataFrame, column: str) -> pd.DataFrame:
        """Return the rows of the classifiers that have a value in every row of the column."""
        known = rows.groupby("classifier")[column].transform(lambda values: values.notna().all())
        if not known.astype(bool).any():
            raise NotRun(f"no classifier has values in the column {column}")
        return rows[known.astype(bool)]

    def _generation(self, last: float) -> float:
        """Return the generation at which runs that end at ``last`` are evaluated."""
        asked = self.filter.generation
        assert asked is not None, "this estimand needs a generation"
        if last < asked and not self.may_be_shorter:
            raise NotRun(f"the runs end at generation {last:.0f}, but the claim is about generation {asked}")
        return min(asked, last)


@dataclass(frozen=True, kw_only=True)
class Estimand:
    """A quantity in words, which may contain parameters in braces, and the function that estimates it."""

    name: str
    words: str
    evaluate: Callable[[Context], Estimate]
    needs: frozenset[str]
    """Parameters that a claim must set."""
    takes: frozenset[str]
    """Parameters that a claim may set."""

    @property
    def parameters(self) -> frozenset[str]:
        """Every parameter that affects the estimate."""
        return self.needs | self.takes

    def in_words(self, chosen: Filter, *, dataset: str) -> str:
        """Return the words with the values of all set parameters; those without a place in the words follow."""
        values = {name: _in_words(getattr(chosen, name)) for name in PHRASES if name in self.parameters}
        named = {field for _, field, _, _ in string.Formatter().parse(self.words) if field}
        others = [PHRASES[name].format(value) for name, value in values.items() if value and name not in named]
        return f"{self.words.format(**values)} ({', '.join([dataset, *others])})"


def estimand(
    words: str, *, needs: Iterable[str] = ("experiment",), takes: Iterable[str] = ()
) -> Callable[[Callable[[Context], Estimate]], Estimand]:
    """Return a decorator that turns a function into an estimand, named after the function with hyphens."""

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
