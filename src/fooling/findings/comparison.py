"""Times to the threshold: survival curves, and restricted means compared between experiments.

Runs that do not reach the threshold within their budget are censored. Experiments are compared on the same classifiers
and seeds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray
from pydantic import Field, model_validator

from fooling.findings.intervals import Estimate, IntervalSettings, estimated_mean, run_grid, share_bands
from fooling.findings.registry import EXPERIMENT, NOTE, REACHED_SHARE, RUNS, SEARCH, TARGET, UNITS
from fooling.settings import Settings
from fooling.table import COUNT, NOT_NEGATIVE, NUMBER, SHARE, TEXT, Column, Table, bounds, names_of, one_of, or_nothing

_CURVE = (EXPERIMENT, SEARCH, TARGET)
SURVIVAL = Table(
    name="survival",
    path="findings/survival.csv",
    commands=("compare",),
    columns=(
        *_CURVE,
        Column("generation", COUNT, doc="Generation of the step."),
        Column(
            "evaluations",
            COUNT,
            unit="images",
            doc="Images scored at the step. The first row of a curve is time 0 with survival 1, the last row its end.",
        ),
        Column("survival", SHARE, doc="Share of the runs that have not reached the target."),
        *bounds(SHARE),
        Column("at_risk", COUNT, unit="runs", doc="Runs that have not reached the target just before the step."),
        *(UNITS, RUNS),
    ),
    key=("experiment", "search", "target", "evaluations"),
    doc="Kaplan-Meier curves, one row for each step: the share of the runs that have not reached the target yet.",
)


Level = str | bool | int | float | None
#: Columns of the times' table in which time is counted.
UNITS_OF_TIME = {"generations": "generation", "evaluations": "evaluations"}
PRESETS = Table(
    name="presets",
    path="findings/presets.csv",
    commands=("compare",),
    columns=(
        *(SEARCH, TARGET),
        Column("unit", one_of(*UNITS_OF_TIME), doc="Unit of the times."),
        Column(
            "contrast",
            one_of("mean", "difference", "main effect"),
            doc="`mean`: restricted mean of the experiment; `difference`: experiment minus `reference`, paired by "
            "classifier and seed; `main effect`: `level` minus `reference` of the `factor`, averaged over the other "
            "factors.",
        ),
        Column(
            "experiment",
            TEXT,
            doc="Experiment of a mean or a difference; for a main effect, the experiment in which every option has its "
            "reference value.",
        ),
        *or_nothing(
            Column("factor", TEXT, doc="Option that is changed."),
            Column("level", TEXT, doc="Its value."),
            doc="empty except for a main effect.",
        ),
        Column(
            "reference",
            TEXT.or_nothing,
            doc="For a main effect, the value with which `level` is compared; for a difference, the experiment with "
            "which it is compared; empty for a mean.",
        ),
        Column("horizon", NOT_NEGATIVE, unit="`unit`", doc="Times above the horizon count as the horizon."),
        Column(
            "value",
            NUMBER.or_nothing,
            unit="`unit`",
            doc="Restricted mean time to the target, or the contrast of such means; empty if there are no common runs.",
        ),
        *bounds(NUMBER),
        *(UNITS, RUNS),
        *or_nothing(REACHED_SHARE, doc="empty except for a mean."),
        NOTE,
    ),
    key=("search", "target", "unit", "contrast", "experiment", "factor", "level", "reference"),
    doc="Mean time to the target, counted up to a horizon that compared experiments share (restricted mean), and its "
    "change between presets. Every experiment has a mean, even if it is not compared with another one.",
)


def survival_table(times: pd.DataFrame, *, settings: IntervalSettings) -> pd.DataFrame:
    """Return Kaplan-Meier curves from the table ``times``, one for each experiment, search and target.

    All runs of a curve are censored at the same time, their end. The interval at a step is therefore that of a share.
    """
    curves = [_curve(runs, settings, names) for names, runs in _runs_of_curves(times)]
    return pd.concat(curves, ignore_index=True)


def _runs_of_curves(times: pd.DataFrame) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    for names, runs in times.groupby(names_of(_CURVE)):
        yield dict(zip(names_of(_CURVE), map(str, names), strict=True)), runs


def _curve(runs: pd.DataFrame, settings: IntervalSettings, names: dict[str, str]) -> pd.DataFrame:
    reached = runs["reached"].to_numpy(dtype=bool)
    evaluations = runs["evaluations"].to_numpy()
    data = scipy.stats.CensoredData.right_censored(evaluations, censored=~reached)
    curve = scipy.stats.ecdf(data).sf
    steps = curve.quantiles.astype(np.int64)  # every observed time, the end of censored runs among them
    never = np.where(reached, evaluations, np.inf)
    times = run_grid(runs.assign(time=never), "time")
    low, high = share_bands(times[:, :, None] > steps, level=settings.confidence_level)
    generation_of = dict(zip(evaluations.tolist(), runs["generation"].tolist(), strict=True))
    start: dict[str, Any] = {"generation": 0, "evaluations": 0, "survival": 1.0, "low": 1.0, "high": 1.0}
    table = pd.DataFrame(
        {
            "generation": [generation_of[step] for step in steps.tolist()],
            "evaluations": steps,
            "survival": curve.probabilities,
            "low": low,
            "high": high,
            "at_risk": [int((evaluations >= step).sum()) for step in steps],
        }
    )
    table = pd.concat([pd.DataFrame([start | {"at_risk": len(runs)}]), table], ignore_index=True)
    for position, (name, value) in enumerate(names.items()):
        table.insert(position, name, value)
    return table.assign(units=len(times), runs=len(runs))


class Comparison(Settings):
    """Experiments that differ in named options, on the same networks and seeds."""

    reference: str
    """Name of the experiment that the others are compared with."""
    variants: dict[str, dict[str, Level]] = Field(min_length=1, examples=[{"direct": {}, "direct-released": {}}])
    """The experiments, the reference among them, each with its value of every crossed option."""

    @model_validator(mode="after")
    def _reference_among_them(self) -> Self:
        if self.reference not in self.variants:
            raise ValueError(f"the reference is one of {', '.join(self.variants)}")
        return self


class ComparisonSettings(IntervalSettings):
    """Groups of experiments that are compared, and the intervals."""

    comparisons: list[Comparison] = Field(examples=[[]])
    """Groups of experiments; differences are taken within a group."""


def presets_table(times: pd.DataFrame, *, settings: ComparisonSettings) -> pd.DataFrame:
    """Return restricted mean times with their differences and main effects, from the table ``times``.

    The restricted mean counts every time up to a horizon: the earliest end of any run that did not reach the target. It
    is exactly the area below the Kaplan-Meier curve up to the horizon.
    """
    compared = {name for comparison in settings.comparisons for name in comparison.variants}
    alone = [name for name in dict.fromkeys(times["experiment"]) if name not in compared]
    rows = [
        row
        for comparison in (*settings.comparisons, *map(_of_one, alone))
        for group in _groups_of_runs(times[times["experiment"].isin(list(comparison.variants))])
        for row in group.rows(comparison, settings)
    ]
    return pd.DataFrame(rows, columns=PRESETS.names)


@dataclass(frozen=True, kw_only=True)
class _Group:
    """The runs of one comparison with the same search, target and unit."""

    search: str
    target: str
    unit: str
    horizon: float
    runs: Mapping[str, pd.DataFrame]  # by experiment, with the restricted time as `time`

    def rows(self, comparison: Comparison, settings: IntervalSettings) -> Iterator[dict[str, Any]]:
        """Yield the means of the experiments, their differences from the reference, and the main effects."""
        present = {name: levels for name, levels in comparison.variants.items() if name in self.runs}
        for name in present:
            yield self._mean(name, settings)
        if comparison.reference not in present:
            return
        for name in present:
            if name != comparison.reference:
                pairs = [(name, comparison.reference)]
                words = {"contrast": "difference", "experiment": name, "reference": comparison.reference}
                yield self._difference(pairs, words, settings)
        for factor, reference in present[comparison.reference].items():
            for level in _other_levels(present.values(), factor, reference):
                pairs = list(_pairs(present, factor, level, reference))
                words = {
                    "contrast": "main effect",
                    "experiment": comparison.reference,
                    "factor": factor,
                    "level": _word(level),
                    "reference": _word(reference),
                }
                yield self._difference(pairs, words, settings)

    def _mean(self, experiment: str, settings: IntervalSettings) -> dict[str, Any]:
        runs = self.runs[experiment]
        words = {"contrast": "mean", "experiment": experiment}
        row = self._row(run_grid(runs, "time"), words, settings)
        return row | {"reached": float(runs["reached"].mean())}

    def _difference(
        self, pairs: list[tuple[str, str]], words: dict[str, str], settings: IntervalSettings
    ) -> dict[str, Any]:
        """Return the difference averaged over ``pairs`` of experiments, for the runs that all of them have."""
        tables = [self.runs[name].set_index(["classifier", "seed"])["time"] for pair in pairs for name in pair]
        common = pd.concat(tables, axis=1, join="inner")
        if common.empty:
            return self._named(
                words, Estimate(value=math.nan, low=math.nan, high=math.nan, units=0, runs=0, note="no common runs")
            )
        values = common.to_numpy()
        differences = pd.Series((values[:, ::2] - values[:, 1::2]).mean(axis=1), index=common.index, name="time")
        return self._row(run_grid(differences.reset_index(), "time"), words, settings)

    def _row(self, grid: NDArray[np.float64], words: dict[str, str], settings: IntervalSettings) -> dict[str, Any]:
        lowest = 0 if words["contrast"] == "mean" else -self.horizon
        estimate = estimated_mean(grid, level=settings.confidence_level, within=(lowest, self.horizon))
        return self._named(words, estimate)

    def _named(self, words: dict[str, str], estimate: Estimate) -> dict[str, Any]:
        identity = {"search": self.search, "target": self.target, "unit": self.unit, "horizon": self.horizon}
        return identity | words | asdict(estimate)


def _groups_of_runs(times: pd.DataFrame) -> Iterator[_Group]:
    for (search, target), runs in times.groupby(["search", "target"]):
        for unit, column in UNITS_OF_TIME.items():
            censored = runs.loc[~runs["reached"], column]
            horizon = float(runs[column].max() if censored.empty else censored.min())
            restricted = runs.assign(time=runs[column].clip(upper=horizon))
            by_experiment = {str(name): table for name, table in restricted.groupby("experiment")}
            yield _Group(search=str(search), target=str(target), unit=unit, horizon=horizon, runs=by_experiment)


def _of_one(experiment: str) -> Comparison:
    """Return the comparison of an experiment that is compared with no other one: its mean alone."""
    return Comparison(reference=experiment, variants={experiment: {}})


def _word(level: Level) -> str:
    """Return a level as written in the study file: ``faulty``, ``true``, ``null``, ``400``."""
    return level if isinstance(level, str) else json.dumps(level)


def _other_levels(variants: Iterable[Mapping[str, Level]], factor: str, reference: Level) -> list[Level]:
    levels = dict.fromkeys(levels[factor] for levels in variants if factor in levels)
    return [level for level in levels if level != reference]


def _pairs(
    variants: Mapping[str, Mapping[str, Level]], factor: str, level: Level, reference: Level
) -> Iterator[tuple[str, str]]:
    """Yield pairs of experiments that differ only in this factor: at ``level``, and at ``reference``."""
    names = {tuple(sorted(levels.items())): name for name, levels in variants.items()}
    for name, levels in variants.items():
        partner = tuple(sorted((dict(levels) | {factor: reference}).items()))
        if levels.get(factor) == level and partner in names:
            yield name, names[partner]
