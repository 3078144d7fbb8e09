"""What an estimand is evaluated on: the tables of a study, and the part of them that a claim is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from fooling.findings.intervals import (
    Estimate,
    IntervalSettings,
    Statistic,
    estimated_median,
    estimated_share,
    probability_of,
    run_grid,
)
from fooling.findings.tables import ThresholdSettings
from fooling.retraining.settings import Filling
from fooling.settings import Settings


class Filter(Settings):
    """Which runs or classifiers an estimand is evaluated on, and when: the parameters of all estimands."""

    architecture: str | None = None
    """Architecture of the classifiers."""
    experiment: str | None = None
    """Name of the experiment whose runs are evaluated."""
    ascent: str | None = None
    """Name of the gradient ascent that is evaluated."""
    fill: Literal["mean", "background", "noise"] | None = None
    """What replaces the removed parts of champions."""
    removed: int | None = Field(default=None, ge=1)
    """How many copies are removed from champions, or as much elsewhere."""
    search: Literal["map-elites", "random-search", "drift"] = "map-elites"
    """The search that is evaluated."""
    control: Literal["random-search", "drift"] | None = None
    """The search that it is compared with, run by run."""
    relation: Literal["same architecture", "other architecture"] = "same architecture"
    """How the classifiers that images are shown to are related to their own."""
    shown_to: str | None = None
    """Architecture of the classifiers that images are shown to."""
    retraining: str | None = None
    """Name of the retraining whose classifiers are evaluated."""
    filled_with: Filling = "champions"
    """What the fooling class of these classifiers holds."""
    control_filling: Filling | None = None
    """The filling that it is compared with, chain by chain."""
    network: int | None = Field(default=None, ge=1)
    """The number of the evaluated classifiers in their chains."""
    asked: Literal["two-way-random", "two-way-confused", "all-way"] | None = None
    """How people are asked about the images of the experiment."""
    level: float | None = Field(default=None, gt=0, lt=1)
    """The confidence that counts, where it is not the study's threshold."""
    count: int | None = Field(default=None, ge=1)
    """How many of the most confident champions are evaluated."""
    classes: tuple[tuple[int, int], ...] | None = Field(default=None, min_length=1)
    """The classes that alone are evaluated: the first and the last index of each range."""
    generation: int | None = Field(default=None, ge=0)
    """The generation at which the runs are evaluated; later events do not count."""


#: How a sentence names the value of each parameter.
PHRASES = {
    "architecture": "architecture {}",
    "experiment": "experiment {}",
    "ascent": "gradient ascent {}",
    "fill": "filled with {}",
    "removed": "{} removed",
    "search": "{}",
    "control": "control {}",
    "relation": "shown to the {}",
    "shown_to": "shown to {}",
    "retraining": "retraining {}",
    "filled_with": "fooling class of {}",
    "control_filling": "control {}",
    "network": "network {}",
    "asked": "people asked {}",
    "level": "at {}",
    "count": "{} champions",
    "classes": "classes {}",
    "generation": "up to generation {}",
}


class ContextSettings(IntervalSettings, ThresholdSettings):
    """The threshold, and the level of confidence intervals."""


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The tables of a study, those of runs and images by experiment."""

    networks: pd.DataFrame
    history: Mapping[str, pd.DataFrame]
    times: Mapping[str, pd.DataFrame]
    start: Mapping[str, pd.DataFrame]
    examined: Mapping[str, pd.DataFrame]
    real: pd.DataFrame = field(default_factory=pd.DataFrame)  # of all networks
    transfer: Mapping[str, pd.DataFrame] = field(default_factory=dict)  # by experiment
    retrained: Mapping[str, pd.DataFrame] = field(default_factory=dict)  # by retraining
    retraining: Mapping[str, pd.DataFrame] = field(default_factory=dict)  # by retraining, of single chains
    refusal: Mapping[str, pd.DataFrame] = field(default_factory=dict)  # by retraining, of single chains
    ancestry: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    distances: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    ablation: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    ascent: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    ascent_times: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    people: Mapping[str, pd.DataFrame] = field(default_factory=dict)  # by condition, which is an experiment


#: Whether a bound is compared with a two-sided interval, or with a one-sided bound of the same confidence.
Sided = Literal["one", "two"]


class NotRun(Exception):  # noqa: N818 - an answer, not an error
    """The study has nothing to evaluate this estimand on, for the reason given."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """The tables of a study, filtered for one claim on the classifiers of one data set."""

    filter: Filter
    dataset: str
    tables: Tables
    settings: ContextSettings
    sided: Sided = "two"
    may_be_shorter: bool = False  # where the runs end before the generation asked for, their end serves

    def networks(self) -> pd.DataFrame:
        """The networks of the data set, of the architecture if one is named."""
        networks = self.tables.networks
        chosen = networks[networks["dataset"] == self.dataset]
        if self.filter.architecture is not None:
            chosen = chosen[chosen["architecture"] == self.filter.architecture]
        if chosen.empty:
            raise NotRun(f"no such network of {self.dataset}")
        return chosen

    def of_experiment(self, tables: Mapping[str, pd.DataFrame], *, search: str | None = None) -> pd.DataFrame:
        """The rows of the experiment on these networks, of one search if it is named."""
        name = str(self.filter.experiment)
        table = tables.get(name)
        rows = pd.DataFrame() if table is None else table[table["classifier"].isin(self.networks()["classifier"])]
        if search is not None and not rows.empty:
            rows = rows[rows["search"] == search]
        if rows.empty:
            raise NotRun(f"no {search or 'images'} of the experiment {name} on networks of {self.dataset}")
        return rows

    def of_retraining(self, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """The rows of the retraining whose chains begin with these networks."""
        name = str(self.filter.retraining)
        table = tables.get(name)
        rows = pd.DataFrame() if table is None else table[table["first"].isin(self.networks()["classifier"])]
        if rows.empty:
            raise NotRun(f"no retraining {name} of networks of {self.dataset}")
        return rows

    def history(self, column: str, *, search: str | None = None) -> NDArray[np.float64]:
        """Confidences or log-odds at the generation, (networks, seeds, classes)."""
        rows = self.of_experiment(self.tables.history, search=search or self.filter.search)
        generation = self._generation(int(rows.groupby(["classifier", "seed"])["generation"].max().min()))
        kept = rows.loc[rows["generation"] <= generation, "generation"].max()  # late generations are thinned
        return run_grid(self._of_classes(rows[rows["generation"] == kept]), column, within_run="class_index")

    def times(self, target: str) -> tuple[NDArray[np.float64], float]:
        """Generations at which the runs reached the target, (classifiers, seeds), infinite where not; and their end."""
        rows = self.of_experiment(self.tables.times, search=self.filter.search)
        rows = rows[rows["target"] == target]
        ends = rows.loc[~rows["reached"], "generation"]
        end = self._generation(np.inf if ends.empty else float(ends.min()))
        there = rows["reached"] & (rows["generation"] <= end)
        return run_grid(rows.assign(time=rows["generation"].astype(float).where(there, np.inf)), "time"), end

    def examined(self, column: str, *, networks: Iterable[str] | None = None) -> NDArray[np.float64]:
        """A column of the examined champions, (networks, seeds, classes), of the networks (or these) that have it."""
        rows = self.of_experiment(self.tables.examined, search=self.filter.search)
        if networks is not None:
            rows = rows[rows["classifier"].isin(list(networks))]
        return run_grid(self._known(rows, column), column, within_run="class_index")

    def ancestry(self, column: str) -> NDArray[np.float64]:
        """A column of the champions' ancestry, (networks, seeds, classes)."""
        return run_grid(self.of_experiment(self.tables.ancestry), column, within_run="class_index")

    def distances(self, column: str) -> NDArray[np.float64]:
        """A column of the champions' distances, (networks, seeds, classes), of the networks that have it."""
        rows = self.of_experiment(self.tables.distances)
        return run_grid(self._known(rows[rows["kind"] == "champion"], column), column, within_run="image")

    def ascents(self, column: str) -> NDArray[np.float64]:
        """A column of the images of the gradient ascent, (networks, seeds, classes)."""
        return run_grid(self._of_ascent(self.tables.ascent), column, within_run="class_index")

    def people(self) -> pd.Series[Any]:
        """What people answer who are asked about the images of the experiment, on one of these networks."""
        name, asked = str(self.filter.experiment), str(self.filter.asked)
        table = self.tables.people.get(name)
        if table is None:
            raise NotRun(f"nobody was asked about images of {name}")
        if table["synthetic"].any():
            raise NotRun("only simulated participants were asked")
        block, _, foils = asked.rpartition("-") if asked.startswith("two-way") else (asked, "", "")
        rows = table[(table["block"] == block) & (table["foils"].fillna("") == foils)]
        rows = rows[rows["network"].isin(self.networks()["classifier"])]
        if len(rows) != 1:
            raise NotRun(f"nobody was asked about images of {name} on networks of {self.dataset} in this way")
        return rows.iloc[0]

    def evaluations(self) -> tuple[tuple[NDArray[np.float64], float], tuple[NDArray[np.float64], float]]:
        """Evaluations until the median class was at the threshold, of the gradient ascent and of the search.

        Of each those of the runs that both have, (classifiers, seeds), infinite where not; and the end of its runs.
        """
        tables = (
            self._of_ascent(self.tables.ascent_times),
            self.of_experiment(self.tables.times, search=self.filter.search),
        )
        medians = [table[table["target"] == "median"].set_index(["classifier", "seed"]) for table in tables]
        needed = [median["evaluations"].astype(float).where(median["reached"], np.inf) for median in medians]
        common = pd.concat(needed, axis=1, join="inner", keys=["climb", "search"]).reset_index()
        if common.empty:
            raise NotRun("no network and seed has both")
        climbs, searches = (float(median["evaluations"].max()) for median in medians)
        return (run_grid(common, "climb"), climbs), (run_grid(common, "search"), searches)

    def median_confidence(self, log_odds: NDArray[np.float64], within_unit: Statistic = np.median) -> Estimate:
        """The mean over the classifiers of a median within each, of ``log_odds`` (classifiers, seeds, ...)."""
        level = self.settings.confidence_level
        return estimated_median(log_odds, level=level, within_unit=within_unit, back=probability_of)

    def median_ratio(self, ratios: NDArray[np.float64]) -> Estimate:
        """The geometric mean over the classifiers of the median within each, of ``ratios`` (classifiers, seeds)."""
        return estimated_median(np.log(ratios), level=self.settings.confidence_level, back=np.exp)

    def share(self, holds: NDArray[np.bool_]) -> Estimate:
        """The share of the champions (networks, seeds, classes) or runs (networks, seeds) for which something holds."""
        runs = holds.mean(axis=2) if holds.ndim == 3 else holds.astype(np.float64)
        return estimated_share(runs, level=self.settings.confidence_level)

    def _of_ascent(self, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """The rows of the gradient ascent on these networks."""
        name = str(self.filter.ascent)
        table = tables.get(name)
        rows = pd.DataFrame() if table is None else table[table["classifier"].isin(self.networks()["classifier"])]
        if rows.empty:
            raise NotRun(f"no gradient ascent {name} on networks of {self.dataset}")
        return rows

    def _of_classes(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows about the classes that are looked at."""
        if self.filter.classes is None:
            return rows
        if (last := max(last for _, last in self.filter.classes)) > rows["class_index"].max():
            raise NotRun(f"the networks of {self.dataset} have no class {last}")
        wanted = [index for first, last in self.filter.classes for index in range(first, last + 1)]
        return rows[rows["class_index"].isin(wanted)]

    @staticmethod
    def _known(rows: pd.DataFrame, column: str) -> pd.DataFrame:
        """The rows of the networks that have a value in every row of the column."""
        known = rows.groupby("classifier")[column].transform(lambda values: values.notna().all())
        if not known.astype(bool).any():
            raise NotRun(f"no network has the column {column}")
        return rows[known.astype(bool)]

    def _generation(self, last: float) -> float:
        """The generation to look at in runs that end at ``last``."""
        asked = self.filter.generation
        assert asked is not None, "this estimand needs a generation"
        if last < asked and not self.may_be_shorter:
            raise NotRun(f"the runs end at generation {last:.0f}, the claim speaks of generation {asked}")
        return min(asked, last)
