"""Sets of classes, such as dogs and cats (paper, section 3.3), compared with all other classes.

A class has one value, its median confidence over the runs, so that each class counts once. Classes that share a
champion are not independent: intervals resample groups of classes that are linked by shared champions.
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
from fooling.findings.registry import CLASS_INDEX, NOTE, RUNS_ALIKE, RUNS_ON_CLASSIFIER
from fooling.seeding import numpy_generator
from fooling.table import COUNT, FLAG, SHARE, TEXT, Column, Table, bounds, names_of

Index = Annotated[int, Field(ge=0, le=1_000_000)]
Range = tuple[Index, Index]


FEWEST_GROUPS = 3  # on either side; with fewer there is no interval
CLASS_SET = Column("class_set", TEXT, doc="Name of the set of classes.")
SET_CLASSES = Table(
    name="set_classes",
    path="findings/set_classes.parquet",
    commands=("compare-class-sets",),
    columns=(
        *(*RUNS_ALIKE, CLASS_SET, CLASS_INDEX),
        Column("inside", FLAG, doc="Whether the class is in the set."),
        Column(
            "group",
            COUNT,
            doc="Number of its group. A group is a set of classes linked by images that are champions of several of "
            "them in a run.",
        ),
        RUNS_ON_CLASSIFIER,
        Column("confidence", SHARE, doc="Median confidence of the class's champion over these runs."),
    ),
    key=("classifier", "experiment", "search", "class_set", "class_index"),
    may_be_empty=True,
    doc="One row for each class, classifier, experiment, search and set of classes (`findings.class_sets`); no rows if "
    "the study declares no set.",
)
CLASS_SETS = Table(
    name="class_sets",
    path="findings/class_sets.csv",
    commands=("compare-class-sets",),
    columns=(
        *(*RUNS_ALIKE, CLASS_SET),
        Column("classes", COUNT, unit="classes", doc="Number of classes in the set."),
        Column("other_classes", COUNT, unit="classes", doc="Number of classes outside the set."),
        Column(
            "groups",
            COUNT,
            doc="Number of groups to which the classes of the set belong; a group can be on both sides.",
        ),
        Column("other_groups", COUNT, doc="Number of groups to which the other classes belong."),
        RUNS_ON_CLASSIFIER,
        Column("median", SHARE, doc="Median confidence over the classes of the set."),
        Column("median_elsewhere", SHARE, doc="Median confidence over the other classes."),
        Column(
            "superiority",
            SHARE,
            doc="Probability that a class of the set has a higher confidence than a class outside the set; ties count "
            "half. Its interval resamples groups and is empty with fewer than 3 on either side.",
        ),
        *(*bounds(SHARE), NOTE),
    ),
    key=("classifier", "experiment", "search", "class_set"),
    may_be_empty=True,
    doc="One row for each classifier, experiment, search and set of classes. A class has one value; groups of classes "
    "that share champions are the independent units.",
)


class ClassSetSettings(ResamplingSettings):
    """Sets of classes that are compared with all other classes."""

    class_sets: dict[str, Annotated[list[Range], Field(min_length=1)]] = Field(
        default={}, examples=[{"dogs": [[151, 268]]}]
    )
    """Sets of classes by name. A set is a list of ranges, each with the index of its first and its last class."""

    @field_validator("class_sets")
    @classmethod
    def _ascending(cls, sets: dict[str, list[Range]]) -> dict[str, list[Range]]:
        for name, ranges in sets.items():
            ends = [index for pair in ranges for index in pair]
            apart = all(after[0] > before[1] for before, after in pairwise(ranges))
            if ends != sorted(ends) or not apart:
                raise ValueError(f"ranges in ascending order, each as [first, last]; not {ranges} for {name!r}")
        return sets


def classes_table(champions: pd.DataFrame, settings: ClassSetSettings) -> pd.DataFrame:
    """Return, by class, classifier, experiment, search and set, the confidence and whether the class is in the set.

    The confidence is the median over the runs, from the table ``champions``. Classes of one ``group`` are linked by
    images that are champions of several classes in a run.

    Raises:
        FoolingError: A set contains a class that does not exist, or all classes.
    """
    exact = champions.astype({"confidence": "float64"})
    columns = {"runs": ("seed", "nunique"), "confidence": ("confidence", "median")}
    of_classes = exact.groupby([*names_of(RUNS_ALIKE), "class_index"], as_index=False).agg(**columns)
    groups = [_groups(rows) for _, rows in exact.groupby(names_of(RUNS_ALIKE))]
    of_classes["group"] = np.concatenate(groups) if groups else np.zeros(0, dtype=np.int64)
    parts = [of_classes.iloc[:0].assign(class_set="", inside=False)]
    for name, ranges in settings.class_sets.items():
        for _, rows in of_classes.groupby(names_of(RUNS_ALIKE)):
            parts.append(rows.assign(class_set=name, inside=_inside(ranges, len(rows), name=name)))
    return pd.concat(parts, ignore_index=True)[SET_CLASSES.names]


def class_set_table(classes: pd.DataFrame, settings: ResamplingSettings) -> pd.DataFrame:
    """Return one row for each classifier, experiment, search and set, from the table ``set_classes``.

    ``superiority`` is the probability that a class of the set has a higher confidence than a class outside the set
    (ties count half); .5 means no difference. Its interval resamples groups of classes that share champions. It covers
    other images in the same runs, and other seeds only if there are several runs.
    """
    rows = []
    for identity, table in classes.groupby([*names_of(RUNS_ALIKE), "class_set"]):
        chosen, others = (table[table["inside"] == inside] for inside in (True, False))
        values, values_elsewhere = (part["confidence"].to_numpy() for part in (chosen, others))
        better = (values[:, None] > values_elsewhere) + 0.5 * (values[:, None] == values_elsewhere)
        groups = [part["group"].to_numpy() for part in (chosen, others)]
        sizes = [len(np.unique(part)) for part in groups]
        runs, note = int(table["runs"].iloc[0]), ""
        low = high = np.nan
        if min(sizes) >= FEWEST_GROUPS:
            low, high = _interval(better, groups[0], groups[1], settings, purpose=tuple(map(str, identity)))
            note = "one run: other seeds are not covered" if runs == 1 else ""
        else:
            note = f"fewer than {FEWEST_GROUPS} groups of classes without a common champion"
        found = (float(np.median(values)), float(np.median(values_elsewhere)))
        rows.append((*identity, len(chosen), len(others), *sizes, runs, *found, float(better.mean()), low, high, note))
    return pd.DataFrame(rows, columns=CLASS_SETS.names)


def _inside(ranges: list[Range], classes: int, *, name: str) -> NDArray[np.bool_]:
    index = np.arange(classes)
    inside: NDArray[np.bool_] = np.any([(index >= first) & (index <= last) for first, last in ranges], axis=0)
    if ranges[-1][1] >= classes or inside.all():
        raise FoolingError(
            f"findings.class_sets: the set {name!r} cannot be compared with other classes",
            found=f"{ranges} of {classes} classes",
            expected=f"indices from 0 to {classes - 1}, with at least one class outside the set",
            remedy="correct the ranges of this set",
        )
    return inside


def _groups(champions: pd.DataFrame) -> NDArray[np.int64]:
    """Return the group of each class, by class index; classes that share a champion in a run are in one group.

    ``champions`` are those of all runs of one classifier, experiment and search.
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
    """Return the percentile interval of the mean of ``better`` (classes, other classes) over resampled groups."""
    generator = numpy_generator(settings.interval_seed, "class sets", *purpose)
    known, position = np.unique(np.concatenate([groups, other_groups]), return_inverse=True)
    drawn = generator.multinomial(len(known), [1 / len(known)] * len(known), size=settings.bootstrap_samples)
    chosen, others = drawn[:, position[: len(groups)]], drawn[:, position[len(groups) :]]
    pairs = chosen.sum(axis=1) * others.sum(axis=1)
    shared = ((chosen @ better) * others).sum(axis=1)[pairs > 0] / pairs[pairs > 0]  # a sample of one side has no pair
    tail = (1 - settings.confidence_level) / 2
    low, high = np.quantile(shared, [tail, 1 - tail])
    return float(low), float(high)
