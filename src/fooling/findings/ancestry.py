"""The ancestry of champions as tables: one row per champion, and measures per experiment compared with chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from fooling.attacks.evolution.record import RunRecord
from fooling.findings.examination import correlations
from fooling.findings.intervals import DrawingSettings, IntervalSettings, estimated_ratio, run_grid
from fooling.findings.lineage import (
    Descent,
    Genealogy,
    common_ancestors,
    descent,
    genealogy_of,
    generations_of,
    measures_of,
    redrawn,
)
from fooling.findings.registry import CLASS, EXPERIMENT, FOUND_IN, INDIVIDUAL, NOTE, RUN, RUNS, UNITS
from fooling.findings.runs import of_run
from fooling.messages import REMEDY, FoolingError, share_percent
from fooling.reproducibility import numpy_generator
from fooling.table import COUNT, NOT_NEGATIVE, NUMBER, SHARE, Column, Table, bounds, names_of, one_of, or_nothing

MEASURES = one_of(
    *("other_parent", "other_parent_of_all", "other_ancestor", "switches", "steps", "switches_per_step"),
    *("start_images", "common_start"),
)
#: Measures that are shares of the champions of a run.
SHARES = {"other_parent", "other_ancestor", "common_start"}
ANCESTRY = Table(
    name="ancestry",
    path="findings/ancestry/{experiment}.parquet",
    commands=("join-lineage", "trace-lineage"),
    columns=(
        *(*RUN, *CLASS),
        *(INDIVIDUAL, FOUND_IN),
        Column("steps", NOT_NEGATIVE, doc="Number of steps from parent to child since the random start."),
        Column("chance_steps", NOT_NEGATIVE, doc="Expected number of steps with redrawn parents."),
        Column(
            "switches",
            NOT_NEGATIVE,
            doc="Smallest number of steps at which the class must have changed; exactly 0 if each ancestor was a "
            "champion of this class when it became a parent.",
        ),
        Column("chance_switches", NOT_NEGATIVE, doc="Expected number of switches with redrawn parents."),
        Column(
            "other_parent",
            SHARE.or_nothing,
            doc="Share of its parents that were not champions of this class; empty for an image of the random start.",
        ),
        Column(
            "chance_other_parent",
            SHARE.or_nothing,
            doc="The same by chance: the share of all cells that held another champion (exact, not simulated).",
        ),
        Column(
            "chance_other_ancestor",
            SHARE,
            doc="Probability, by chance, of an ancestor that was a champion of other classes only (`switches` above "
            "0).",
        ),
        Column("start_images", COUNT, unit="images", doc="Number of images of the random start in its ancestry."),
        Column(
            "start_image",
            COUNT.or_nothing,
            doc="Number of that image of the random start; empty if it descends from several.",
        ),
        *or_nothing(
            Column(
                "relative",
                COUNT,
                doc="Class of the champion of the same run with which it has the youngest common ancestor.",
            ),
            Column("common_ancestor", COUNT, doc="Number of that ancestor, which may be the champion itself."),
            Column("common_generation", COUNT, doc="Generation in which that ancestor was found."),
            Column(
                "similarity", NUMBER, doc="Pearson correlation between the pixels of the champion and of that relative."
            ),
            doc="empty if it has no common ancestor with another champion.",
        ),
        Column(
            "similarity_unrelated",
            NUMBER.or_nothing,
            doc="Mean of the same correlation with the champions of the relative's class in all other runs on the "
            "classifier; empty if there is no relative or no other run.",
        ),
    ),
    key=(*names_of(RUN), "class_index"),
    doc="One row for each champion at the end of each run of evolution. Its ancestors are its parents, their parents, "
    "and so on back to the random start. Every parent is a champion of one or more classes when it is drawn. With "
    "crossover, each of the two parents counts half. The columns `chance_…` come from replays of the run: the same "
    "cells get new champions at the same times, but their parents are redrawn uniformly from the champions of that "
    "time.",
)
LINEAGE = Table(
    name="lineage",
    path="findings/lineage/{experiment}.csv",
    commands=("join-lineage", "trace-lineage"),
    columns=(
        EXPERIMENT,
        Column(
            "measure",
            MEASURES,
            doc="`other_parent`, `switches`, `steps`: as in `ancestry`; `other_parent_of_all`: `other_parent` for all "
            "images that ever won a cell, not only the last one; `other_ancestor`: share of the champions with a "
            "switch; `switches_per_step`: switches of all champions divided by their steps; `start_images`: number "
            "of images of the random start in the ancestry of all champions together; `common_start`: share of the "
            "pairs of champions that descend from a common image of the random start.",
        ),
        Column(
            "value",
            NOT_NEGATIVE.or_nothing,
            doc="Mean over the runs that have the measure; empty if none has it. A run in which no image ever replaced "
            "a champion has no parents and no switches per step.",
        ),
        *bounds(NOT_NEGATIVE),
        Column("chance", NOT_NEGATIVE.or_nothing, doc="Mean of the same value over replays with redrawn parents."),
        *(
            Column(
                f"chance_{bound}",
                NOT_NEGATIVE.or_nothing,
                doc=f"{words} end of the range that contains 95 % of these replays.",
            )
            for bound, words in (("low", "Lower"), ("high", "Upper"))
        ),
        *(UNITS, RUNS, NOTE),
    ),
    key=("experiment", "measure"),
    doc="One row for each measure of the lineages of an experiment.",
)
REPLAYS = Table(
    name="lineage_replays",
    path="findings/traced/{experiment}/{part}.replays.parquet",
    commands=("trace-lineage",),
    columns=(
        *RUN,
        Column("measure", MEASURES, doc="As in `lineage`."),
        Column("replay", COUNT, doc="Number of the replay with redrawn parents, from 1; 0 is the run itself."),
        Column("value", NOT_NEGATIVE.or_nothing, doc="The measure of the run; empty if it is undefined."),
    ),
    key=(*names_of(RUN), "measure", "replay"),
    doc="One row for each measure of each run on some classifiers of an experiment, and of its replays. An "
    "intermediate table.",
)


class LineageSettings(IntervalSettings, DrawingSettings):
    """Replays with which lineages are compared, and the intervals."""

    parent_redraws: int = Field(default=199, ge=19, le=100_000)
    """Number of replays in which all parents of a run are redrawn uniformly, to estimate chance."""


@dataclass(frozen=True, kw_only=True)
class TracedRun:
    """A run with its genealogy and the descent of its champions, real and by chance."""

    run: RunRecord
    genealogy: Genealogy
    real: Descent
    chance: Descent  # in replays with uniformly drawn parents


def traced(runs: Sequence[RunRecord], *, settings: LineageSettings) -> list[TracedRun]:
    """Trace ``runs``, and return them by classifier and seed.

    Raises:
        FoolingError: The lineage of a run is invalid, or its search is not MAP-Elites.
    """
    ordered = sorted(runs, key=lambda run: (run.classifier["name"], run.seed))
    return [_traced(run, settings) for run in ordered]


def ancestry_table(runs: Sequence[TracedRun], *, experiment: str) -> pd.DataFrame:
    """Return one row for each champion at the end of each run: its ancestry and its closest relative."""
    return pd.concat([_ancestry_of(one, runs, experiment) for one in runs], ignore_index=True)


def replays_table(runs: Sequence[TracedRun], *, experiment: str) -> pd.DataFrame:
    """Return one row for each measure of each run, and of each of its replays."""
    tables = []
    for one in runs:
        real, chance = measures_of(one.real), measures_of(one.chance)
        for measure, values in chance.items():
            together = np.concatenate([real[measure], values])
            columns: dict[str, Any] = {
                "measure": [measure] * len(together),
                "replay": np.arange(len(together)),
                "value": together,
            }
            tables.append(of_run(one.run, experiment, columns))
    return pd.concat(tables, ignore_index=True)


def lineage_table(replays: pd.DataFrame, *, settings: LineageSettings) -> pd.DataFrame:
    """Return one row for each measure: its mean over the runs that have it, with an interval and the chance level.

    ``replays`` are the measures of all runs, from :func:`replays_table`. A run in which no image ever replaced a
    champion has no parents and no switches per step.

    Raises:
        FoolingError: The classifiers have different seeds, or the runs different measures or replays.
    """
    _require_whole(replays)
    tail = (1 - settings.confidence_level) / 2
    rows = []
    for measure, of_measure in replays.groupby("measure", sort=False):
        grid = run_grid(of_measure[of_measure["replay"] == 0], "value")
        known = ~np.isnan(grid)
        found = estimated_ratio(
            np.where(known, grid, 0.0),
            known * 1.0,
            level=settings.confidence_level,
            is_share=measure in SHARES,
            within=(0, np.inf),
        )
        by_run = of_measure[of_measure["replay"] > 0].groupby(["classifier", "seed"])["value"]
        drawn = [values.to_numpy(dtype=np.float64) for _, values in by_run]
        by_chance = np.mean([values for values in drawn if not np.isnan(values).all()] or drawn, axis=0)
        low, high = np.quantile(by_chance, [tail, 1 - tail])
        numbers = (found.value, found.low, found.high, by_chance.mean(), low, high, found.units, found.runs)
        rows.append((of_measure["experiment"].iloc[0], measure, *numbers, found.note))
    return pd.DataFrame(rows, columns=LINEAGE.names)


def format_lineage(measures: pd.DataFrame) -> str:
    """Return a sentence on the share of champions with an ancestor of another class, from the table ``lineage``."""
    (measured,) = measures[measures["measure"] == "other_ancestor"].to_dict("records")
    share, chance = share_percent(measured["value"]), share_percent(measured["chance"])
    return f"{share} of the champions have an ancestor of another class ({chance} with random parents)"


def _require_whole(replays: pd.DataFrame) -> None:
    """Raise :class:`FoolingError` unless every run has every measure of the same replays, and itself."""
    runs = replays[["classifier", "seed"]].drop_duplicates()
    numbers = np.sort(replays["replay"].unique())
    expected = len(runs) * len(MEASURES.among) * len(numbers)
    keys = ["classifier", "seed", "measure", "replay"]
    is_whole = len(numbers) > 1 and np.array_equal(numbers, np.arange(len(numbers))) and len(replays) == expected
    if not is_whole or replays.duplicated(keys).any() or replays["experiment"].nunique() > 1:
        raise FoolingError(
            "the table of replays is not whole",
            found=f"{len(replays)} rows of {len(runs)} runs",
            expected="one experiment, and for each run the same replays, each with every measure",
            remedy=REMEDY,
        )


def _traced(run: RunRecord, settings: LineageSettings) -> TracedRun:
    genealogy = genealogy_of(run)
    purpose = ("uniform parents", str(run.classifier["name"]), run.encoding, run.seed)
    generator = numpy_generator(settings.interval_seed, *purpose)
    chance = redrawn(genealogy, replays=settings.parent_redraws, generator=generator)
    return TracedRun(run=run, genealogy=genealogy, real=descent(genealogy), chance=chance)


def _ancestry_of(one: TracedRun, runs: Sequence[TracedRun], experiment: str) -> pd.DataFrame:
    run, roots = one.run, one.real.roots[0]
    starters = np.unique(one.genealogy.starters)
    return of_run(
        run,
        experiment,
        {
            "class_index": np.arange(len(run.class_names)),
            "class_name": list(run.class_names),
            "individual": run.individuals,
            "generation": run.generations,
            "steps": one.real.steps[0],
            "chance_steps": one.chance.steps.mean(axis=0),
            "switches": one.real.switches[0],
            "chance_switches": one.chance.switches.mean(axis=0),
            "other_parent": one.real.other_parents[0],
            "chance_other_parent": _chance_of_other_parent(one.genealogy),
            "chance_other_ancestor": (one.chance.switches > 0).mean(axis=0),
            "start_images": roots.sum(axis=1),
            "start_image": _known(starters[roots.argmax(axis=1)], roots.sum(axis=1) == 1),
            **_closest_relatives(one, runs),
        },
    )


def _chance_of_other_parent(genealogy: Genealogy) -> NDArray[np.float64]:
    """Return the probability of a parent of another class when each cell last changed (K,); NaN if it never did."""
    chance = np.full(len(genealogy.starters), np.nan)
    for birth in genealogy.births:
        chance[birth.cells] = birth.chance_of_other_parent
    return chance


def _closest_relatives(one: TracedRun, runs: Sequence[TracedRun]) -> dict[str, Any]:
    """Find for every champion the one with the youngest common ancestor, and their similarity.

    For comparison, the champion is also correlated with the champions of its relative's class in the other runs on the
    same classifier: this is the similarity of two classes without common descent.
    """
    run = one.run
    common = common_ancestors(one.genealogy, run.individuals)
    np.fill_diagonal(common, -1)
    relative, ancestor = common.argmax(axis=1), common.max(axis=1)
    is_known, found_in = ancestor >= 0, generations_of(one.genealogy) | {-1: -1}
    others = [
        _similarity(run.images, other.run.images[relative])
        for other in runs
        if other.run.classifier["name"] == run.classifier["name"] and other.run.seed != run.seed
    ]
    unrelated = np.mean(others, axis=0) if others else np.full(len(relative), np.nan)
    return {
        "relative": _known(relative, is_known),
        "common_ancestor": _known(ancestor, is_known),
        "common_generation": _known([found_in[int(individual)] for individual in ancestor], is_known),
        "similarity": np.where(is_known, _similarity(run.images, run.images[relative]), np.nan),
        "similarity_unrelated": np.where(is_known, unrelated, np.nan),
    }


def _known(values: ArrayLike, is_known: NDArray[np.bool_]) -> Any:
    """Return whole numbers, missing where they are not known."""
    return pd.Series(values, dtype="Int64").where(is_known)


def _similarity(images: NDArray[np.uint8], others: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return Pearson's correlation (K,) between the pixels of ``images`` and of ``others``, both (K, C, H, W)."""
    pairs = [correlations(np.stack(pair))[0, 1] for pair in zip(images, others, strict=True)]
    return np.array(pairs)
