"""Intervals over classifiers, chains and runs, in simulated studies whose true value is known.

A run is the sum of a unit's effect, of a seed's effect where seeds are crossed with units, and of one of its own with
standard deviation 1. Cells differ in the estimator, the numbers of units and runs, and the spread of the effects.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import scipy.stats

from fooling.findings.bounds import (
    Array,
    Bounds,
    bounds_of_mean,
    bounds_of_median,
    bounds_of_pairs,
    bounds_of_ratio,
    bounds_of_share,
)
from fooling.findings.intervals import FEWEST_UNITS, too_censored
from fooling.messages import progress
from fooling.reproducibility import numpy_generator

LEVEL = 0.95
CLASSES = 10  # of a run, each a success or not, where shares are estimated
CENSORED = 0.1  # share of the times after the end
GOALS = {"time": 0.92}  # of the coverage; .93 for all others

Kind = Literal["mean", "difference", "median", "share", "ratio", "time", "pairs", "skewed"]
KINDS: dict[Kind, str] = {
    "mean": "mean",
    "difference": "difference from a control, run by run",
    "median": "median (log-odds)",
    "share": "share",
    "ratio": "mean over the runs that have a value",
    "time": "censored time",
    "pairs": "mean over pairs of classifiers",
    "skewed": "mean, skewed unit effects (a limit)",
}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A kind of study: its estimator, its size and how much units and seeds differ (standard deviations)."""

    kind: Kind
    units: int
    runs: int  # of each unit
    unit_sd: float
    seed_sd: float | None  # None: runs are nested in units
    share: float | None = None  # true share of successes

    @property
    def goal(self) -> float:
        """The least coverage with enough units; skewed effects have none."""
        return 0.0 if self.kind == "skewed" else GOALS.get(self.kind, 0.93)

    @property
    def design(self) -> str:
        """In a word."""
        return "nested" if self.seed_sd is None else "crossed"

    def __str__(self) -> str:
        share = "" if self.share is None else f" {self.share}"
        seeds = "" if self.seed_sd is None else f", seeds {self.seed_sd}"
        return f"{self.kind}{share}, {self.units} x {self.runs}, units {self.unit_sd}{seeds}"


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How intervals fare in the simulated studies of a cell."""

    intervals: int  # of the studies: those with an interval
    coverage: float  # share of the intervals that contain the true value
    width: float  # mean, over that of the interval which knows the standard deviation of the estimate


def _cells() -> Iterable[Cell]:
    for units, runs, unit_sd in itertools.product((2, 3, 5, 20), (5, 20), (0.1, 1.0, 10.0)):
        size: dict[str, Any] = {"units": units, "runs": runs, "unit_sd": unit_sd}
        yield Cell(kind="skewed", **size, seed_sd=None)
        for seed_sd in (None, 0.1, 1.0, 10.0):
            for kind in ("mean", "difference", "median", "time"):
                yield Cell(kind=kind, **size, seed_sd=seed_sd)
            for share in (0.5, 0.9, 0.99):
                yield Cell(kind="share", **size, seed_sd=seed_sd, share=share)
        for seed_sd in (0.1, 1.0, 10.0):
            yield Cell(kind="ratio", **size, seed_sd=seed_sd)
        if runs == 5 and units >= FEWEST_UNITS:  # pairs: sources, and targets in place of seeds
            for target_sd in (0.1, 1.0, 10.0):
                yield Cell(kind="pairs", units=units, runs=1, unit_sd=unit_sd, seed_sd=target_sd)


CELLS = tuple(_cells())


def covered(cell: Cell, *, simulations: int) -> Coverage:
    """Measure the intervals of a ``cell`` in so many ``simulations``."""
    generator = numpy_generator(1, "coverage of estimates", *(str(value) for value in asdict(cell).values()))
    bounds, truth = SIMULATED[cell.kind](cell, simulations, generator)
    there = np.isfinite(bounds.low) & np.isfinite(bounds.high)
    if not there.any():
        return Coverage(intervals=0, coverage=math.nan, width=math.nan)
    low, high = bounds.low[there], bounds.high[there]
    oracle = 2 * scipy.stats.norm.ppf((1 + LEVEL) / 2) * bounds.value[there].std()
    return Coverage(
        intervals=int(there.sum()),
        coverage=float(((low <= truth) & (truth <= high)).mean()),
        width=float((high - low).mean() / oracle) if oracle > 0 else math.nan,
    )


def measured(simulations: int) -> list[dict[str, Any]]:
    """Return a row for every cell."""
    rows = []
    with progress(total=len(CELLS), description="coverage of estimates", unit="cells") as counter:
        for cell in CELLS:
            found = covered(cell, simulations=simulations)
            rows.append({**asdict(cell), "simulations": simulations, **asdict(found)})
            counter.advance()
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table: for each estimator and number of units the range over the cells."""
    lines = [
        "| estimate | seeds | units | least coverage | median coverage | width over the oracle's |",
        "|---|---|---|---|---|---|",
    ]
    for kind, words in KINDS.items():
        designs = ("nested", "crossed") if kind in ("mean", "difference", "median", "share", "time") else ("",)
        for design, units in itertools.product(designs, (2, 3, 5, 20)):
            chosen = [
                row
                for row in rows
                if row["kind"] == kind
                and row["units"] == units
                and (design == "" or (design == "nested") == (row["seed_sd"] is None))
                and row["intervals"] > 0
            ]
            if not chosen:
                continue
            coverages, widths = ([row[name] for row in chosen] for name in ("coverage", "width"))
            low, high = np.nanmin(widths), np.nanmax(widths)
            numbers = f"{100 * min(coverages):.1f} % | {100 * np.median(coverages):.1f} % | {low:.1f} to {high:.1f}"
            lines.append(f"| {words} | {design or '-'} | {units} | {numbers} |")
    return "\n".join(lines)


def short_of_goal(rows: list[dict[str, Any]]) -> list[str]:
    """Return the cells with enough units that cover less than their goal."""
    cells = [(Cell(**{name: row[name] for name in Cell.__dataclass_fields__}), row) for row in rows]
    return [
        f"{cell}: {100 * row['coverage']:.1f} %"
        for cell, row in cells
        if cell.units >= FEWEST_UNITS and row["intervals"] > 0 and row["coverage"] < cell.goal
    ]


def _runs(cell: Cell, simulations: int, generator: np.random.Generator) -> Array:
    """Runs (simulations, units, runs) around 0."""
    shape = (simulations, cell.units, cell.runs)
    if cell.kind == "skewed":
        units = generator.exponential(size=(*shape[:2], 1)) - 1
    else:
        units = generator.normal(size=(*shape[:2], 1))
    seeds = generator.normal(size=(simulations, 1, cell.runs)) if cell.seed_sd is not None else 0
    return np.asarray(cell.unit_sd * units + (cell.seed_sd or 0) * seeds + generator.normal(size=shape))


def _spread(cell: Cell) -> float:
    """The standard deviation of a run over all that is drawn."""
    return math.hypot(cell.unit_sd, cell.seed_sd or 0, 1)


def _mean(cell: Cell, simulations: int, generator: np.random.Generator) -> tuple[Bounds, float]:
    nested = cell.seed_sd is None
    return bounds_of_mean(_runs(cell, simulations, generator), level=LEVEL, nested=nested), 0.0


def _difference(cell: Cell, simulations: int, generator: np.random.Generator) -> tuple[Bounds, float]:
    """What runs and their controls have in common is large; the spreads of the cell are those of the effect."""
    common = 10 * generator.normal(size=(simulations, cell.units, 1)) + 5 * generator.normal(
        size=(simulations, 1, cell.runs)
    )
    control = common + generator.normal(size=(simulations, cell.units, cell.runs))
    treated = common + _runs(cell, simulations, generator)
    return bounds_of_mean(treated - control, level=LEVEL, nested=cell.seed_sd is None), 0.0


def _median(cell: Cell, simulations: int, generator: np.random.Generator) -> tuple[Bounds, float]:
    runs = _runs(cell, simulations, generator)
    return bounds_of_median(np.median(runs, axis=2), runs, level=LEVEL, nested=cell.seed_sd is None), 0.0


def _share(cell: Cell, simulations: int, generator: np.random.Generator) -> tuple[Bounds, float]:
    """A class is a success where its run, with a deviation of its own, lies above a bound."""
    assert cell.share is not None
    runs = _runs(cell, simulations, generator)
    classes = math.hypot(_spread(cell), 1)
    bound = scipy.stats.norm.isf(cell.share) * classes
    shares = generator.binomial(CLASSES, scipy.special.ndtr(runs - bound)) / CLASSES
    return bounds_of_share(shares, level=LEVEL, nested=cell.seed_sd is None), cell.share


def _ratio(cell: Cell, simulations: int, generator: np.random.Generator) -> tuple[Bounds, float]:
    """Runs have 1 value on average, and units differ in how many."""
    runs = _runs(cell, simulations, generator)
    rates = generator.gamma(4, 1 / 4, size=(simulations, cell.units, 1))
    counts = generator.poisson(rates, size=runs.shape).astype(np.float64)
    counts[:, :, 0] += counts.sum(axis=(1, 2), keepdims=True)[:, :, 0] == 0  # a study without values has no estimate
    sums = counts * runs + np.sqrt(counts) * generator.normal(size=runs.shape)
    bounds = bounds_of_ratio(sums, counts, level=LEVEL)
    few = (counts.sum(axis=2) > 0).sum(axis=1) < min(FEWEST_UNITS, cell.units)
    return Bounds(bounds.value, *(np.where(few, np.nan, bound) for bound in bounds[1:])), 0.0


def _time(cell: Cell, simulations: int, generator: np.random.Generator) -> tuple[Bounds, float]:
    """Logarithms of times; those after the end count as the end, in the true value too."""
    spread = _spread(cell)
    runs, end = _runs(cell, simulations, generator), float(scipy.stats.norm.isf(CENSORED)) * spread
    truth = -spread * scipy.stats.norm.pdf(end / spread) + end * CENSORED
    bounds = bounds_of_mean(np.minimum(runs, end), level=LEVEL, nested=cell.seed_sd is None)
    censored = too_censored(np.where(runs > end, np.inf, runs))
    return Bounds(bounds.value, *(np.where(censored, np.nan, bound) for bound in bounds[1:])), float(truth)


def _pairs(cell: Cell, simulations: int, generator: np.random.Generator) -> tuple[Bounds, float]:
    """Every classifier is the source of pairs with all others, and their target."""
    pairs = np.array(list(itertools.permutations(range(cell.units), 2)))
    sources, targets = generator.normal(size=(2, simulations, cell.units))
    values = cell.unit_sd * sources[:, pairs[:, 0]] + float(cell.seed_sd or 0) * targets[:, pairs[:, 1]]
    values = values + generator.normal(size=values.shape)
    return bounds_of_pairs(pairs.astype(str), values, level=LEVEL), 0.0


SIMULATED: dict[Kind, Callable[[Cell, int, np.random.Generator], tuple[Bounds, float]]] = {
    "mean": _mean,
    "skewed": _mean,
    "difference": _difference,
    "median": _median,
    "share": _share,
    "ratio": _ratio,
    "time": _time,
    "pairs": _pairs,
}
