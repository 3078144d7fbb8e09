"""Whether some classes are harder to fool a network with than others: dogs and cats, say (the paper, section 3.3).

A class is the unit. It has one value, its median confidence over the runs, so that no class counts several times.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import numpy as np
import pandas as pd
import scipy  # its parts load when they are called: Snakemake reads the settings below at every start
from numpy.typing import NDArray
from pydantic import Field, field_validator

from fooling.errors import FoolingError
from fooling.findings.intervals import IntervalSettings
from fooling.seeding import numpy_generator

Index = Annotated[int, Field(ge=0, le=1_000_000)]
Range = tuple[Index, Index]


class ClassSetSettings(IntervalSettings):
    """Which classes are compared with all others."""

    class_sets: dict[str, Annotated[list[Range], Field(min_length=1)]] = Field(
        default={}, examples=[{"dogs": [[151, 268]]}]
    )
    """Sets of classes, each compared with all other classes: the first and the last index of every stretch of it."""

    @field_validator("class_sets")
    @classmethod
    def _ascending(cls, sets: dict[str, list[Range]]) -> dict[str, list[Range]]:
        for name, stretches in sets.items():
            ends = [index for stretch in stretches for index in stretch]
            apart = all(after[0] > before[1] for before, after in pairwise(stretches))
            if ends != sorted(ends) or not apart:
                raise ValueError(f"stretches in ascending order, each as [first, last]; not {stretches} for {name!r}")
        return sets


RUNS = ["classifier", "experiment", "encoding", "search"]


def classes_table(champions: pd.DataFrame, settings: ClassSetSettings) -> pd.DataFrame:
    """One row for each class, network, experiment, search and set of classes: is it in the set, and its confidence.

    The confidence is the median over the runs, from the table of ``champions``. Raises :class:`FoolingError` for a set
    that leaves nothing to compare.
    """
    exact = champions.astype({"confidence": "float64"})
    columns = {"runs": ("seed", "nunique"), "confidence": ("confidence", "median")}
    of_classes = exact.groupby([*RUNS, "class_index"], as_index=False).agg(**columns)
    parts = [of_classes.iloc[:0].assign(class_set="", inside=False)]
    for name, stretches in settings.class_sets.items():
        for _, rows in of_classes.groupby(RUNS):
            parts.append(rows.assign(class_set=name, inside=_inside(stretches, len(rows), name=name)))
    return pd.concat(parts, ignore_index=True)[[*RUNS, "class_set", "class_index", "inside", "runs", "confidence"]]


def class_set_table(classes: pd.DataFrame, settings: IntervalSettings) -> pd.DataFrame:
    """One row for each network, experiment, search and set, from the table of classes.

    ``superiority`` is the probability that a class of the set has a higher confidence than one of the others (ties
    count half), which is .5 if it makes no difference; its interval resamples the classes of both. ``p_value`` is that
    of the two-sided Mann-Whitney test.
    """
    rows = []
    for identity, table in classes.groupby([*RUNS, "class_set"]):
        chosen, others = (table.loc[table["inside"] == inside, "confidence"].to_numpy() for inside in (True, False))
        test = scipy.stats.mannwhitneyu(chosen, others, alternative="two-sided", method="asymptotic")
        low, high = _interval(chosen, others, settings, purpose=tuple(map(str, identity)))
        counts = (len(chosen), len(others), table["runs"].iloc[0])
        found = (float(np.median(chosen)), float(np.median(others)))
        effect = (float(test.statistic) / (len(chosen) * len(others)), low, high, float(test.pvalue))
        rows.append((*identity, *counts, *found, *effect))
    counted = ["classes", "other_classes", "runs"]
    found_in = ["median", "median_elsewhere", "superiority", "low", "high", "p_value"]
    return pd.DataFrame(rows, columns=[*RUNS, "class_set", *counted, *found_in])


def _inside(stretches: list[Range], classes: int, *, name: str) -> NDArray[np.bool_]:
    index = np.arange(classes)
    inside: NDArray[np.bool_] = np.any([(index >= first) & (index <= last) for first, last in stretches], axis=0)
    if stretches[-1][1] >= classes or inside.all():
        raise FoolingError(
            f"the set of classes {name!r} cannot be compared with others",
            found=f"{stretches} of {classes} classes",
            expected=f"indices from 0 to {classes - 1}, and some classes that are not in the set",
            remedy="correct findings.class_sets",
        )
    return inside


def _interval(
    chosen: NDArray[np.float64], others: NDArray[np.float64], settings: IntervalSettings, *, purpose: tuple[str, ...]
) -> tuple[float, float]:
    """The bootstrap percentile interval of the superiority."""
    generator = numpy_generator(settings.interval_seed, "class sets", *purpose)
    better = (chosen[:, None] > others).astype(np.float64) + 0.5 * (chosen[:, None] == others)
    samples = settings.bootstrap_samples
    drawn = [generator.multinomial(len(part), [1 / len(part)] * len(part), size=samples) for part in (chosen, others)]
    superiority = ((drawn[0] @ better) * drawn[1]).sum(axis=1) / better.size
    tail = (1 - settings.confidence_level) / 2
    low, high = np.quantile(superiority, [tail, 1 - tail])
    return float(low), float(high)
