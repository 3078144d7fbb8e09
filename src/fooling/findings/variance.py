"""Variance components of the champions' log-odds: classifier, seed, class, and their interactions.

Every classifier has the same seeds and classes, so the design is crossed and balanced, with one champion in each cell.
The components are those of an analysis of variance with random factors: mean squares are set equal to their expected
values (Searle, Casella and McCulloch: Variance Components, 1992, chapter 4). In a balanced design these estimates are
unbiased, need no iteration, and agree with restricted maximum likelihood if none is negative.
"""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fooling.findings.intervals import run_grid
from fooling.findings.registry import EXPERIMENT, SEARCH
from fooling.table import COUNT, NOT_NEGATIVE, SHARE, TEXT, Column, Table, one_of

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
