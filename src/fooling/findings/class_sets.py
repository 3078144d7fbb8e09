"""Whether some classes are harder to fool a network with than others: dogs and cats, say (the paper, section 3.3).

A class has one value, its median confidence over the runs, so that no class counts several times. Classes that share a
champion are not independent: intervals resample groups of classes, in which any two are linked by shared champions.
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
from fooling.findings.intervals import ResamplingSettings
from fooling.seeding import numpy_generator

Index = Annotated[int, Field(ge=0, le=1_000_000)]
Range = tuple[Index, Index]


class ClassSetSettings(ResamplingSettings):
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
FEWEST_GROUPS = 3  # on either side; with fewer there is no interval


def classes_table(champions: pd.DataFrame, settings: ClassSetSettings) -> pd.DataFrame:
    """One row for each class, network, experiment, search and set of classes: is it in the set, and its confidence.

    The confidence is the median over the runs, from the table of ``champions``. Classes of one ``group`` are linked by
    images that are champions of several classes in a run. Raises :class:`FoolingError` for a set that leaves nothing to
    compare.
    """
    exact = champions.astype({"confidence": "float64"})
    columns = {"runs": ("seed", "nunique"), "confidence": ("confidence", "median")}
    of_classes = exact.groupby([*RUNS, "class_index"], as_index=False).agg(**columns)
    groups = [_groups(rows) for _, rows in exact.groupby(RUNS)]
    of_classes["group"] = np.concatenate(groups) if groups else np.zeros(0, dtype=np.int64)
    parts = [of_classes.iloc[:0].assign(class_set="", inside=False)]
    for name, stretches in settings.class_sets.items():
        for _, rows in of_classes.groupby(RUNS):
            parts.append(rows.assign(class_set=name, inside=_inside(stretches, len(rows), name=name)))
    shown = ["class_set", "class_index", "inside", "group", "runs", "confidence"]
    return pd.concat(parts, ignore_index=True)[[*RUNS, *shown]]


def class_set_table(classes: pd.DataFrame, settings: ResamplingSettings) -> pd.DataFrame:
    """One row for each network, experiment, search and set, from the table of classes.

    ``superiority`` is the probability that a class of the set has a higher confidence than one of the others (ties
    count half), which is .5 if it makes no difference. Its interval resamples groups of classes that share champions,
    so it holds for other images in the same runs; of other seeds it says something only as far as there are several.
    """
    rows = []
    for identity, table in classes.groupby([*RUNS, "class_set"]):
        chosen, others = (table[table["inside"] == inside] for inside in (True, False))
        values, values_elsewhere = (part["confidence"].to_numpy() for part in (chosen, others))
        better = (values[:, None] > values_elsewhere) + 0.5 * (values[:, None] == values_elsewhere)
        groups = [part["group"].to_numpy() for part in (chosen, others)]
        sizes = [len(np.unique(part)) for part in groups]
        runs, note = int(table["runs"].iloc[0]), ""
        low = high = np.nan
        if min(sizes) >= FEWEST_GROUPS:
            low, high = _interval(better, groups[0], groups[1], settings, purpose=tuple(map(str, identity)))
            note = "one run: nothing is said of other seeds" if runs == 1 else ""
        else:
            note = f"fewer than {FEWEST_GROUPS} groups of classes without a common champion"
        found = (float(np.median(values)), float(np.median(values_elsewhere)))
        rows.append((*identity, len(chosen), len(others), *sizes, runs, *found, float(better.mean()), low, high, note))
    counted = ["classes", "other_classes", "groups", "other_groups", "runs"]
    found_in = ["median", "median_elsewhere", "superiority", "low", "high", "note"]
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


def _groups(champions: pd.DataFrame) -> NDArray[np.int64]:
    """The group of each class, in ascending order of classes: linked by champions that several classes share in a run.

    ``champions`` are those of all runs of one network, experiment and search.
    """
    classes, of_class = np.unique(champions["class_index"], return_inverse=True)
    of_champion = champions.groupby(["seed", "individual"]).ngroup().to_numpy() + len(classes)
    nodes = int(of_champion.max()) + 1
    links = scipy.sparse.coo_array((np.ones(len(champions)), (of_class, of_champion)), shape=(nodes, nodes))
    _, labels = scipy.sparse.csgraph.connected_components(links, directed=False)
    return np.asarray(labels[: len(classes)], dtype=np.int64)


def _interval(
    better: NDArray[np.float64],
    groups: NDArray[np.int64],
    other_groups: NDArray[np.int64],
    settings: ResamplingSettings,
    *,
    purpose: tuple[str, ...],
) -> tuple[float, float]:
    """The bootstrap percentile interval of the mean of ``better`` (classes, other classes) over resampled groups."""
    generator = numpy_generator(settings.interval_seed, "class sets", *purpose)
    known, position = np.unique(np.concatenate([groups, other_groups]), return_inverse=True)
    drawn = generator.multinomial(len(known), [1 / len(known)] * len(known), size=settings.bootstrap_samples)
    chosen, others = drawn[:, position[: len(groups)]], drawn[:, position[len(groups) :]]
    pairs = chosen.sum(axis=1) * others.sum(axis=1)
    shared = ((chosen @ better) * others).sum(axis=1)[pairs > 0] / pairs[pairs > 0]  # a sample of one side has no pair
    tail = (1 - settings.confidence_level) / 2
    low, high = np.quantile(shared, [tail, 1 - tail])
    return float(low), float(high)
