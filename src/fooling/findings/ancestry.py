"""The ancestry of champions as tables: every champion's own, and the measures of an experiment beside chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from fooling.evolution.record import RunRecord
from fooling.findings.columns import CLASS, EXPERIMENT, FOUND_IN, INDIVIDUAL, NOTE, RUN, RUNS, UNITS
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
from fooling.findings.tables import of_run
from fooling.seeding import numpy_generator
from fooling.table import COUNT, NOT_NEGATIVE, NUMBER, SHARE, Column, Table, bounds, names_of, one_of, or_nothing

#: Measures that are shares of the champions of a run.
SHARES = {"other_parent", "other_ancestor", "common_start"}
ANCESTRY = Table(
    name="ancestry",
    path="findings/ancestry/{experiment}.parquet",
    commands=("trace-lineage",),
    columns=(
        *(*RUN, *CLASS),
        *(INDIVIDUAL, FOUND_IN),
        Column("steps", NOT_NEGATIVE, doc="Steps from parent to child since the image of the random start."),
        Column("chance_steps", NOT_NEGATIVE, doc="Expected number of steps with parents drawn anew."),
        Column(
            "switches",
            NOT_NEGATIVE,
            doc="Steps at which the class changes, as few as explain the line; exactly 0 if each ancestor was a "
            "champion of this class when it became a parent.",
        ),
        Column("chance_switches", NOT_NEGATIVE, doc="Expected number of switches with parents drawn anew."),
        Column(
            "other_parent",
            SHARE.or_nothing,
            doc="Share of its parents that were not champions of this class; empty for an image of the start.",
        ),
        Column(
            "chance_other_parent",
            SHARE.or_nothing,
            doc="The same by chance: the share of all cells with another champion (exact, not drawn).",
        ),
        Column(
            "chance_other_ancestor",
            SHARE,
            doc="Probability of an ancestor of other classes only (`switches` above 0) by chance.",
        ),
        Column("start_images", COUNT, unit="images", doc="Number of images of the start from which it descends."),
        Column(
            "start_image",
            COUNT.or_nothing,
            doc="Number of that image of the start; empty if it descends from several.",
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
                "likeness", NUMBER, doc="Pearson correlation between the pixels of the champion and of that relative."
            ),
            doc="empty if it has a common ancestor with no other champion.",
        ),
        Column(
            "likeness_of_strangers",
            NUMBER.or_nothing,
            doc="Mean of the same correlation with the champions of the relative's class in all other runs on the "
            "classifier; empty without a relative or another run.",
        ),
    ),
    key=(*names_of(RUN), "class_index"),
    doc="One row for each champion at the end of each run of evolution: its ancestors are the image's parents, their "
    "parents, and so on back to the random start. Every parent is a champion, of one class or several, when it is "
    "drawn. Where two parents are crossed, each counts half. Columns `chance_…` are what the run would give if the "
    "same cells changed hands at the same times, but to children of parents drawn anew, uniformly from the champions "
    "of the time.",
)
LINEAGE = Table(
    name="lineage",
    path="findings/lineage/{experiment}.csv",
    commands=("trace-lineage",),
    columns=(
        EXPERIMENT,
        Column(
            "measure",
            one_of(
                *("other_parent", "other_parent_of_all", "other_ancestor", "switches", "steps", "switches_per_step"),
                *("start_images", "common_start"),
            ),
            doc="`other_parent`, `switches`, `steps`: as in `ancestry`; `other_parent_of_all`: the share for all "
            "images that ever won a cell, not only the last one; `other_ancestor`: share of the champions with a "
            "switch; `switches_per_step`: over all champions together, whatever the number of their steps; "
            "`start_images`: images of the start from which all champions together descend; `common_start`: share of "
            "the pairs of champions that descend from a common image of the start.",
        ),
        Column(
            "value",
            NOT_NEGATIVE.or_nothing,
            doc="Mean over the runs that have the measure; empty if none has it. A run in which no image ever won a "
            "cell from another has neither parents nor switches per step.",
        ),
        *bounds(NOT_NEGATIVE),
        Column("chance", NOT_NEGATIVE.or_nothing, doc="Mean of the same value over runs with parents drawn anew."),
        *(
            Column(
                f"chance_{bound}",
                NOT_NEGATIVE.or_nothing,
                doc=f"{words} end of the range in which 95 % of these draws lie.",
            )
            for bound, words in (("low", "Lower"), ("high", "Upper"))
        ),
        *(UNITS, RUNS, NOTE),
    ),
    key=("experiment", "measure"),
    doc="One row for each measure of the lineages of an experiment.",
)


class LineageSettings(IntervalSettings, DrawingSettings):
    """What the lineage of the champions is compared with, and how intervals are made."""

    parent_redraws: int = Field(default=199, ge=19, le=100_000)
    """How often all parents of a run are drawn anew, uniformly, to see what chance gives."""


@dataclass(frozen=True, kw_only=True)
class Traced:
    """A run with its genealogy, the descent of its champions, and that which uniform parents would have given them."""

    run: RunRecord
    genealogy: Genealogy
    real: Descent
    chance: Descent


def traced(runs: Sequence[RunRecord], *, settings: LineageSettings) -> list[Traced]:
    """Each of ``runs``, by network and seed; :class:`FoolingError` for one whose parents are no champions."""
    ordered = sorted(runs, key=lambda run: (run.classifier["name"], run.seed))
    return [_traced(run, settings) for run in ordered]


def ancestry_table(runs: Sequence[Traced], *, experiment: str) -> pd.DataFrame:
    """One row for each champion at the end of each run: what it descends from, and its closest relative."""
    return pd.concat([_ancestry_of(one, runs, experiment) for one in runs], ignore_index=True)


def lineage_table(runs: Sequence[Traced], *, experiment: str, settings: LineageSettings) -> pd.DataFrame:
    """One row for each measure: its mean over the runs that have it, with an interval, and what chance gives these.

    A run in which no image ever won a cell from another one has neither parents nor switches per step.
    Raises :class:`FoolingError` unless every network has the same seeds.
    """
    real = pd.DataFrame([_key(one) | {name: float(x[0]) for name, x in measures_of(one.real).items()} for one in runs])
    chance = [measures_of(one.chance) for one in runs]
    tail = (1 - settings.confidence_level) / 2
    rows = []
    for measure in chance[0]:
        grid = run_grid(real, measure)
        known = ~np.isnan(grid)
        found = estimated_ratio(
            np.where(known, grid, 0.0), known * 1.0, level=settings.confidence_level, is_share=measure in SHARES
        )
        drawn = [measures[measure] for measures in chance]
        by_chance = np.mean([values for values in drawn if not np.isnan(values).all()] or drawn, axis=0)
        low, high = np.quantile(by_chance, [tail, 1 - tail])
        numbers = (found.value, found.low, found.high, by_chance.mean(), low, high, found.units, found.runs)
        rows.append((experiment, measure, *numbers, found.note))
    return pd.DataFrame(rows, columns=LINEAGE.names)


def _traced(run: RunRecord, settings: LineageSettings) -> Traced:
    genealogy = genealogy_of(run)
    purpose = ("uniform parents", str(run.classifier["name"]), run.encoding, run.seed)
    generator = numpy_generator(settings.interval_seed, *purpose)
    chance = redrawn(genealogy, replays=settings.parent_redraws, generator=generator)
    return Traced(run=run, genealogy=genealogy, real=descent(genealogy), chance=chance)


def _key(one: Traced) -> dict[str, object]:
    return {"classifier": one.run.classifier["name"], "seed": one.run.seed}


def _ancestry_of(one: Traced, runs: Sequence[Traced], experiment: str) -> pd.DataFrame:
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
    """How probable a parent of another class was when the last child took each cell (K,); NaN: nothing ever did."""
    chance = np.full(len(genealogy.starters), np.nan)
    for birth in genealogy.births:
        chance[birth.cells] = birth.chance_of_other_parent
    return chance


def _closest_relatives(one: Traced, runs: Sequence[Traced]) -> dict[str, Any]:
    """For every champion the one with which it has the youngest common ancestor, and how alike the two are.

    Strangers are the champion and that of its relative's class in each other run on the same network: they tell how
    alike the images of two classes are anyhow.
    """
    run = one.run
    common = common_ancestors(one.genealogy, run.individuals)
    np.fill_diagonal(common, -1)
    relative, ancestor = common.argmax(axis=1), common.max(axis=1)
    is_known, found_in = ancestor >= 0, generations_of(one.genealogy) | {-1: -1}
    others = [
        _likeness(run.images, other.run.images[relative])
        for other in runs
        if other.run.classifier["name"] == run.classifier["name"] and other.run.seed != run.seed
    ]
    strangers = np.mean(others, axis=0) if others else np.full(len(relative), np.nan)
    return {
        "relative": _known(relative, is_known),
        "common_ancestor": _known(ancestor, is_known),
        "common_generation": _known([found_in[int(individual)] for individual in ancestor], is_known),
        "likeness": np.where(is_known, _likeness(run.images, run.images[relative]), np.nan),
        "likeness_of_strangers": np.where(is_known, strangers, np.nan),
    }


def _known(values: ArrayLike, is_known: NDArray[np.bool_]) -> Any:
    """Whole numbers, nothing where they are not known."""
    return pd.Series(values, dtype="Int64").where(is_known)


def _likeness(images: NDArray[np.uint8], others: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Pearson's correlation (K,) between the pixels of each of ``images`` and of ``others``, (K, C, H, W) both."""
    pairs = [correlations(np.stack(pair))[0, 1] for pair in zip(images, others, strict=True)]
    return np.array(pairs)
