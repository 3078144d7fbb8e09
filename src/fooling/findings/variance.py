"""What the champions' confidence varies with: classifier, seed and class, and sets of classes.

Variance components are those of the log-odds: of classifier, seed, class, and their interactions. Every classifier has
the same seeds and classes, so the design is crossed and balanced, with one champion in each cell. The components are
those of an analysis of variance with random factors: mean squares are set equal to their expected values (Searle,
Casella and McCulloch: Variance Components, 1992, chapter 4). In a balanced design these estimates are unbiased, need no
iteration, and agree with restricted maximum likelihood if none is negative.

Sets of classes, such as dogs and cats (paper, section 3.3), are compared with all other classes. A class has one value,
its median confidence over the runs, so that each class counts once. Classes that share a champion are not independent:
intervals resample groups of classes that are linked by shared champions.
"""

from __future__ import annotations

import math
from itertools import combinations, pairwise
from typing import Annotated

import numpy as np
import pandas as pd
import scipy  # its parts load when they are called: Snakemake reads the settings below at every start
from numpy.typing import NDArray
from pydantic import Field, field_validator

from fooling.findings.intervals import ResamplingSettings, run_grid
from fooling.findings.registry import CLASS_INDEX, EXPERIMENT, NOTE, RUNS_ALIKE, RUNS_ON_CLASSIFIER, SEARCH
from fooling.messages import FoolingError
from fooling.reproducibility import numpy_generator
from fooling.table import COUNT, FLAG, NOT_NEGATIVE, SHARE, TEXT, Column, Table, bounds, names_of, one_of

FACTORS = ("classifier", "seed", "class")

ROUNDING = 1e-14  # of the largest value

Subset = tuple[int, ...]  # factors, by their axis
ALL: Subset = (0, 1, 2)

VARIANCE = Table(
    name="variance",
    path="findings/variance.csv",
    commands=("variance",),
    columns=(
        *(EXPERIMENT, SEARCH),
        Column("quantity", one_of("log_odds"), doc="What varies: log-odds of the champions."),
        Column(
            "component",
            one_of(*FACTORS, *(":".join(pair) for pair in combinations(FACTORS, 2)), "residual"),
            doc="Source of the variance: a factor, the interaction of two factors (`classifier:seed` is the single "
            "run), or the residual.",
        ),
        Column(
            "variance",
            NOT_NEGATIVE.or_nothing,
            unit="log-odds²",
            doc="Analysis-of-variance estimate, 0 if it is negative; empty if it cannot be estimated.",
        ),
        Column("share", SHARE.or_nothing, doc="Share of the sum of the components; also empty if that sum is 0."),
        Column("degrees_of_freedom", COUNT, doc="Degrees of freedom of the component's mean square."),
        Column(
            "note",
            TEXT.or_nothing,
            doc="Why a component cannot be estimated, or which other component it contains.",
        ),
    ),
    key=("experiment", "search", "component"),
    doc="One row for each experiment, search and component: the variance components of the champions' log-odds.",
)
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


def variance_table(champions: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each experiment, search and component: its variance and its share of the sum.

    ``champions`` is the table of that name; the classifiers of an experiment must have the same seeds.
    """
    tables = []
    for (experiment, search), runs in champions.groupby(["experiment", "search"]):
        components = components_of(run_grid(runs, "log_odds", within_run="class_index"))
        components.insert(0, "experiment", str(experiment))
        components.insert(1, "search", str(search))
        components.insert(2, "quantity", "log_odds")
        tables.append(components)
    return pd.concat(tables, ignore_index=True)


def components_of(values: NDArray[np.float64]) -> pd.DataFrame:
    """Return the variance components of ``values`` (classifiers, seeds, classes); negative estimates are set to 0.

    The components of a factor with one level cannot be estimated: they are NaN with a note, and its interactions are
    contained in the components of the other factors. If values differ only by rounding, all variances are 0 and shares
    are NaN.
    """
    if np.ptp(values) <= ROUNDING * np.abs(values).max():
        values = np.zeros_like(values)
    varied = tuple(axis for axis, levels in enumerate(values.shape) if levels > 1)
    squares = {subset: _mean_square(values, subset) for subset in _subsets(varied)}
    variances = {subset: max(0.0, _component(values, squares, subset)) for subset in squares}
    total = sum(variances.values())
    rows = []
    for subset in _subsets(ALL):
        source = varied if subset == ALL else subset  # the residual is the interaction of all varied factors
        known = bool(varied) and (subset == ALL or set(subset) < set(varied))
        rows.append(
            {
                "component": "residual" if subset == ALL else _name(subset),
                "variance": variances[source] if known else math.nan,
                "share": variances[source] / total if known and total > 0 else math.nan,
                "degrees_of_freedom": _degrees_of_freedom(values, source) if known else 0,
                "note": _note(subset, varied),
            }
        )
    return pd.DataFrame(rows)


def _subsets(factors: Subset) -> list[Subset]:
    """Return every non-empty combination of ``factors``, single factors first."""
    return [subset for size in range(1, len(factors) + 1) for subset in combinations(factors, size)]


def _degrees_of_freedom(values: NDArray[np.float64], subset: Subset) -> int:
    return math.prod(values.shape[axis] - 1 for axis in subset)


def _mean_square(values: NDArray[np.float64], subset: Subset) -> float:
    """Return the mean square of the effect of ``subset``: its cell means minus the effects of fewer factors."""
    others = tuple(axis for axis in ALL if axis not in subset)
    effect = np.asarray(values.mean(axis=others, keepdims=True))
    for axis in subset:
        effect = effect - effect.mean(axis=axis, keepdims=True)
    values_in_cell: int = math.prod(values.shape[axis] for axis in others)
    return float((effect**2).sum()) * values_in_cell / _degrees_of_freedom(values, subset)


def _component(values: NDArray[np.float64], squares: dict[Subset, float], subset: Subset) -> float:
    """Return the variance of the effect of ``subset``, solved from the expected mean squares.

    The expected mean square of A is the sum, over every B that contains A, of B's variance times the number of values
    in a cell of B. Solved for A, the variance is the alternating sum of the mean squares of all such B.
    """
    alternating = 0.0
    for larger, square in squares.items():
        if set(subset) <= set(larger):
            alternating += square if (len(larger) - len(subset)) % 2 == 0 else -square
    values_in_cell: int = math.prod(values.shape[axis] for axis in ALL if axis not in subset)
    return alternating / values_in_cell


def _name(subset: Subset) -> str:
    return ":".join(FACTORS[axis] for axis in subset)


def _note(subset: Subset, varied: Subset) -> str:
    """Return why a component cannot be estimated, or what it contains, if some factor has one level."""
    single = [axis for axis in ALL if axis not in varied]
    if not single:
        return ""
    if subset == ALL:
        return f"contains {_name(varied)}" if varied else "not estimable: a single value"
    if hidden := [FACTORS[axis] for axis in single if axis in subset]:
        return f"not estimable: one {' and one '.join(hidden)}"
    if subset == varied:
        return "not distinguishable from the residual"
    return "contains " + " and ".join(_name(tuple(sorted((*subset, axis)))) for axis in single)


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
