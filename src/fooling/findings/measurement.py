"""What a quantity is measured on: the tables of a study, and the part of them that a claim speaks of."""

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


class Selection(Settings):
    """Which runs or networks a quantity is measured on, and when."""

    architecture: str | None = None
    """Architecture of the networks."""
    experiment: str | None = None
    """Name of the experiment whose runs are measured."""
    ascent: str | None = None
    """Name of the gradient ascent that is measured."""
    fill: Literal["mean", "background", "noise"] | None = None
    """What is put in the place of what is removed from champions."""
    removed: int | None = Field(default=None, ge=1)
    """How many copies are removed from champions, or as much elsewhere."""
    search: Literal["map-elites", "random-search", "drift"] = "map-elites"
    """The search that is measured."""
    control: Literal["random-search", "drift"] | None = None
    """The search that it is compared with, run by run."""
    relation: Literal["same architecture", "other architecture"] = "same architecture"
    """How the networks that images are shown to are related to their own."""
    shown_to: str | None = None
    """Architecture of the networks that images are shown to."""
    retraining: str | None = None
    """Name of the retraining whose networks are measured."""
    filled_with: Filling = "champions"
    """What the fooling class of these networks holds."""
    control_filling: Filling | None = None
    """The filling that it is compared with, chain by chain."""
    network: int | None = Field(default=None, ge=1)
    """The number in their chain of the networks that are measured."""
    asked: Literal["two-way-random", "two-way-confused", "all-way"] | None = None
    """How people are asked about the images of the experiment."""
    sided: Literal["one", "two"] = "two"
    """Whether the bound is compared with a two-sided interval, or with a one-sided bound of the same confidence."""
    level: float | None = Field(default=None, gt=0, lt=1)
    """The confidence that counts, where it is not the study's threshold."""
    count: int | None = Field(default=None, ge=1)
    """How many of the champions that a network is surest of are looked at."""
    classes: tuple[tuple[int, int], ...] | None = Field(default=None, min_length=1)
    """The classes that alone are looked at: the first and the last index of every stretch of them."""
    generation: int | None = Field(default=None, ge=0)
    """The generation at which the runs are looked at; later events count as not having happened."""


class MeasurementSettings(IntervalSettings, ThresholdSettings):
    """The threshold, and how intervals are made."""


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


class NotRun(Exception):  # noqa: N818 - an answer, not an error
    """The study holds nothing to measure this quantity on, for the reason given."""


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One quantity of one claim on the networks of one data set."""

    selection: Selection
    dataset: str
    tables: Tables
    settings: MeasurementSettings
    may_be_shorter: bool = False  # where the runs end before the generation asked for, their end serves

    def networks(self) -> pd.DataFrame:
        """The networks of the data set, of the architecture if one is named."""
        networks = self.tables.networks
        chosen = networks[networks["dataset"] == self.dataset]
        if self.selection.architecture is not None:
            chosen = chosen[chosen["architecture"] == self.selection.architecture]
        if chosen.empty:
            raise NotRun(f"no such network of {self.dataset}")
        return chosen

    def of_experiment(self, tables: Mapping[str, pd.DataFrame], *, search: str | None = None) -> pd.DataFrame:
        """The rows of the experiment on these networks, of one search if it is named."""
        name = str(self.selection.experiment)
        table = tables.get(name)
        rows = pd.DataFrame() if table is None else table[table["classifier"].isin(self.networks()["classifier"])]
        if search is not None and not rows.empty:
            rows = rows[rows["search"] == search]
        if rows.empty:
            raise NotRun(f"no {search or 'images'} of the experiment {name} on networks of {self.dataset}")
        return rows

    def of_retraining(self, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """The rows of the retraining whose chains begin with these networks."""
        name = str(self.selection.retraining)
        table = tables.get(name)
        rows = pd.DataFrame() if table is None else table[table["first"].isin(self.networks()["classifier"])]
        if rows.empty:
            raise NotRun(f"no retraining {name} of networks of {self.dataset}")
        return rows

    def history(self, column: str, *, search: str | None = None) -> NDArray[np.float64]:
        """Confidences or log-odds at the generation, (networks, seeds, classes)."""
        rows = self.of_experiment(self.tables.history, search=search or self.selection.search)
        generation = self._generation(int(rows.groupby(["classifier", "seed"])["generation"].max().min()))
        kept = rows.loc[rows["generation"] <= generation, "generation"].max()  # late generations are thinned
        return run_grid(self._of_classes(rows[rows["generation"] == kept]), column, within_run="class_index")

    def times(self, target: str) -> tuple[NDArray[np.float64], float]:
        """Generations at which the runs reached the target, (classifiers, seeds), infinite where not; and their end."""
        rows = self.of_experiment(self.tables.times, search=self.selection.search)
        rows = rows[rows["target"] == target]
        ends = rows.loc[~rows["reached"], "generation"]
        end = self._generation(np.inf if ends.empty else float(ends.min()))
        there = rows["reached"] & (rows["generation"] <= end)
        return run_grid(rows.assign(time=rows["generation"].astype(float).where(there, np.inf)), "time"), end

    def examined(self, column: str, *, networks: Iterable[str] | None = None) -> NDArray[np.float64]:
        """A column of the examined champions, (networks, seeds, classes), of the networks (or these) that have it."""
        rows = self.of_experiment(self.tables.examined, search=self.selection.search)
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
        name, asked = str(self.selection.experiment), str(self.selection.asked)
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
            self.of_experiment(self.tables.times, search=self.selection.search),
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
        name = str(self.selection.ascent)
        table = tables.get(name)
        rows = pd.DataFrame() if table is None else table[table["classifier"].isin(self.networks()["classifier"])]
        if rows.empty:
            raise NotRun(f"no gradient ascent {name} on networks of {self.dataset}")
        return rows

    def _of_classes(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows about the classes that are looked at."""
        if self.selection.classes is None:
            return rows
        if (last := max(last for _, last in self.selection.classes)) > rows["class_index"].max():
            raise NotRun(f"the networks of {self.dataset} have no class {last}")
        wanted = [index for first, last in self.selection.classes for index in range(first, last + 1)]
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
        asked = self.selection.generation
        assert asked is not None, "this quantity needs a generation"
        if last < asked and not self.may_be_shorter:
            raise NotRun(f"the runs end at generation {last:.0f}, the claim speaks of generation {asked}")
        return min(asked, last)
