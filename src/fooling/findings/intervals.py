"""Estimates with confidence intervals over independent units: classifiers, or chains of retrained classifiers.

Classes are not a sample: a data set has no others. :mod:`fooling.findings.bounds` computes the bounds for crossed and
nested runs. With fewer than three units there is no interval, because its width could not be estimated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
import scipy  # its parts load when they are called: Snakemake reads the settings below at every start
from numpy.typing import NDArray
from pydantic import Field

from fooling.findings.bounds import (
    Array,
    Bounds,
    bounds_of_mean,
    bounds_of_median,
    bounds_of_pairs,
    bounds_of_ratio,
    bounds_of_share,
)
from fooling.findings.registry import RUN
from fooling.messages import FoolingError
from fooling.settings import Seed, Settings
from fooling.table import names_of

FEWEST_UNITS = 3  # below: no interval
FLOAT32 = np.finfo(np.float32)
MOST_CENSORED = 0.2  # of the runs; above: no interval for a time

#: The independent units.
Unit = Literal["classifier", "chain", "run"]
#: Map the values of one unit ``(seeds, ...)`` to one number.
Statistic = Callable[[Array], Any]


class IntervalSettings(Settings):
    """Confidence intervals."""

    confidence_level: float = Field(default=0.95, gt=0.5, le=0.9999)
    """Confidence level of all intervals."""


class DrawingSettings(Settings):
    """Random numbers of the analysis."""

    interval_seed: Seed = 1
    """Seed of bootstrap resampling, permutations, and redrawn parents."""


class ResamplingSettings(IntervalSettings, DrawingSettings):
    """Bootstrap intervals: over classes, and over the participants of a survey."""

    bootstrap_samples: int = Field(default=3999, ge=99, le=100_000)
    """Number of resamples of each bootstrap interval, for sets of classes and surveys."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A value with its confidence interval; without an interval the bounds are NaN and ``note`` gives the reason."""

    value: float
    low: float
    high: float
    units: int  # independent ones: classifiers, chains of retrained classifiers, or runs
    runs: int  # of all units
    note: str = ""


def run_grid(table: pd.DataFrame, column: str, *, within_run: str | None = None) -> Array:
    """Return the values of ``column`` as ``(classifiers, seeds)``, or ``(classifiers, seeds, K)`` with K rows per run.

    ``within_run`` names the column that distinguishes the rows of a run.

    Raises:
        FoolingError: The classifiers have different seeds, or runs have different rows.
    """
    levels = ["classifier", "seed", *([] if within_run is None else [within_run])]
    shape = tuple(table[level].nunique() for level in levels)
    if len(table) != math.prod(shape) or table.duplicated(levels).any():
        runs = table[names_of(RUN)].drop_duplicates().groupby("classifier")["seed"].nunique()
        raise FoolingError(
            "the classifiers of an experiment have different runs",
            found=", ".join(f"{name}: {count} seeds" for name, count in runs.items()),
            expected="the same seeds and classes for every classifier",
            remedy="make the missing runs, or leave the classifier out",
        )
    values: Array = table.sort_values(levels)[column].to_numpy(dtype=np.float64).reshape(shape)
    return values


def log_odds_of(confidences: NDArray[np.floating]) -> Array:
    """Return the log-odds of float32 ``confidences``, for tables without exact log-odds.

    Exactly 0 or 1 is replaced by a value half a float32 step away.
    """
    exact = np.asarray(confidences, dtype=np.float64)
    at_zero, at_one = (float(step) / 2 for step in (FLOAT32.smallest_subnormal, FLOAT32.epsneg))
    return np.asarray(scipy.special.logit(exact.clip(at_zero, 1 - at_one)))


def probability_of(log_odds: Array | float) -> Array:
    """Return the probability of ``log_odds``."""
    return np.asarray(scipy.special.expit(log_odds))


def estimated_mean(
    runs: Array,
    *,
    level: float,
    nested: bool = False,
    unit: Unit = "classifier",
    within: tuple[float, float] = (-math.inf, math.inf),
    back: Callable[[Array], Array] | None = None,
) -> Estimate:
    """Estimate the mean of ``runs`` (units, seeds), with Student's t.

    Args:
        runs: One value for each unit and seed.
        level: Confidence level.
        nested: Whether every unit has its own seeds (or a single value); otherwise all units share the seeds.
        unit: Name of the units, for the note.
        within: Range of possible values, to which the bounds are clipped.
        back: Transformation of value and bounds, such as from log-odds to probabilities.
    """
    bounds = _if_enough(runs, bounds_of_mean, level=level, nested=nested)
    clipped = Bounds(bounds.value, *np.clip(bounds[1:], *within))
    return _estimate(clipped, runs, nested=nested, unit=unit, back=back)


def estimated_median(
    grid: Array,
    *,
    level: float,
    nested: bool = False,
    unit: Unit = "classifier",
    within_unit: Statistic = np.median,
    back: Callable[[Array], Array] | None = None,
) -> Estimate:
    """Estimate the mean over the units of the median within each unit, of ``grid`` (units, seeds, ...).

    ``within_unit`` maps the values of a unit (seeds, ...) to their median. Pass probabilities as log-odds and ratios as
    logarithms; ``back`` transforms value and bounds.
    """
    medians = np.array([within_unit(values) for values in grid])
    runs = np.array([[within_unit(run[None]) for run in values] for values in grid])

    def bound(runs: Array, *, level: float, nested: bool) -> Bounds:
        return bounds_of_median(medians, runs, level=level, nested=nested)

    bounds = _if_enough(runs, bound, level=level, nested=nested)
    return _estimate(bounds._replace(value=medians.mean()), runs, nested=nested, unit=unit, back=back)


def estimated_share(runs: Array, *, level: float, nested: bool = False, unit: Unit = "classifier") -> Estimate:
    """Estimate the mean of shares in 0..1, (units, seeds), with the interval of Clopper and Pearson over the units."""
    bounds = _if_enough(runs, bounds_of_share, level=level, nested=nested)
    return _estimate(bounds, runs, nested=nested, unit=unit)


def share_bands(holds: NDArray[np.bool_], *, level: float) -> tuple[Array, Array]:
    """Return lower and upper bounds (T,) for the share of runs that satisfy each of T conditions.

    ``holds`` is (classifiers, seeds, T). The bounds are NaN with fewer than three classifiers.
    """
    runs = np.moveaxis(holds.astype(np.float64), -1, 0)
    bounds = _if_enough(runs, bounds_of_share, level=level, nested=False)
    return bounds.low, bounds.high


def estimated_ratio(
    sums: Array,
    counts: Array,
    *,
    level: float,
    is_share: bool = False,
    within: tuple[float, float] = (-math.inf, math.inf),
) -> Estimate:
    """Estimate the mean of values of which each run has several, from ``sums`` and ``counts`` (classifiers, seeds).

    The value is NaN if every count is 0. ``units`` and ``runs`` of the estimate count those with a value. ``is_share``:
    all values are between 0 and 1; the interval is then that of :func:`estimated_share` over the classifiers and seeds
    with a value. Other bounds are clipped to the range ``within`` of possible values.
    """
    units, seeds = (int((counts.sum(axis=axis) > 0).sum()) for axis in (1, 0))
    if units == 0:
        nothing = math.nan
        return Estimate(value=nothing, low=nothing, high=nothing, units=0, runs=0, note="no run has a value")
    present = np.broadcast_to(sums.sum() / counts.sum(), (units, seeds))
    if is_share:
        estimate = estimated_share(present, level=level)
    else:
        bounds = Bounds(*(np.asarray(math.nan),) * 3)
        if units >= FEWEST_UNITS:
            exact = bounds_of_ratio(sums, counts, level=level)
            bounds = Bounds(exact.value, *np.clip(exact[1:], *within))
        estimate = _estimate(bounds._replace(value=present[0, 0]), present)
    note = estimate.note
    if units >= FEWEST_UNITS and np.isnan(estimate.low):
        note = "too few seeds have a value for an interval"
    return replace(estimate, runs=int((counts > 0).sum()), note=note)


def estimated_time(
    times: Array, end: float, *, level: float, nested: bool = False, unit: Unit = "classifier"
) -> Estimate:
    """Estimate the geometric mean of ``times`` (units, seeds), computed as that of times + 1, minus 1.

    A time is infinite if the run ended before; all runs end at ``end``. Value and bounds are NaN if more than a fifth
    of the runs, or all runs of a unit with several runs, have no time: then only the share with a time can be
    estimated. The value is infinite if no run has a time.
    """
    late = ~np.isfinite(times)
    estimate = estimated_mean(
        np.log2(np.where(late, end, times) + 1),
        level=level,
        nested=nested,
        unit=unit,
        within=(0, math.inf),
        back=lambda logarithms: np.exp2(logarithms) - 1,
    )
    estimate = _if_seen(estimate, times)
    return replace(estimate, value=math.inf) if late.all() else estimate


def estimated_time_ratio(times: Array, end: float, others: Array, other_end: float, *, level: float) -> Estimate:
    """Estimate the geometric mean of the ratio of ``times`` to ``others``, run by run; see :func:`estimated_time`."""
    logarithms = np.log2(np.where(np.isfinite(times), times, end)) - np.log2(
        np.where(np.isfinite(others), others, other_end)
    )
    return _if_seen(estimated_mean(logarithms, level=level, back=np.exp2), np.maximum(times, others))


def too_censored(times: Array) -> NDArray[np.bool_]:
    """Return whether too many ``times`` (..., units, seeds) are infinite for a mean: (...,)."""
    late = ~np.isfinite(times)
    wholly = late.all(axis=-1).any(axis=-1) & (times.shape[-1] > 1)
    return np.asarray((late.mean(axis=(-2, -1)) > MOST_CENSORED) | wholly)


def _if_seen(estimate: Estimate, times: Array) -> Estimate:
    """Return ``estimate``, or NaN values with a note if too many ``times`` (units, seeds) are infinite."""
    if not too_censored(times):
        return estimate
    note = f"{int(np.isinf(times).sum())} of {times.size} runs did not reach the target: see the share that did"
    return replace(estimate, value=math.nan, low=math.nan, high=math.nan, note=note)


def estimated_over_pairs(
    pairs: pd.DataFrame, column: str, *, level: float, within: tuple[float, float] = (-math.inf, math.inf)
) -> Estimate:
    """Estimate the mean of a ``column`` over ``pairs`` with the columns ``source``, ``target`` and ``runs``.

    Pairs with a classifier in common are not independent. If every pair is at the same end of ``within`` = (0, 1), the
    interval is that of :func:`estimated_share`.
    """
    values = pairs[column].to_numpy(dtype=np.float64)
    sources, targets = (pairs[name].nunique() for name in ("source", "target"))
    runs = int(pairs.groupby("source")["runs"].first().sum())
    units = np.broadcast_to(values.mean(), (sources, 1))
    if within == (0, 1) and values.mean() in within:
        estimate = estimated_share(units, level=level)
    else:
        low = high = np.asarray(math.nan)
        if sources >= FEWEST_UNITS:
            names = pairs[["source", "target"]].to_numpy(dtype=str)
            _, low, high = bounds_of_pairs(names, values, level=level)
        bounds = Bounds(np.asarray(values.mean()), *np.clip((low, high), *within))
        estimate = _estimate(bounds, units)
    note = (
        estimate.note
        if sources < FEWEST_UNITS
        else ("one target: other targets are not covered" if targets == 1 else "")
    )
    return replace(estimate, runs=runs, note=note)


def share_of_images(share: float, images: int, *, level: float) -> tuple[float, float]:
    """Return the Wilson interval of a ``share`` of a number of independent ``images``."""
    counted = scipy.stats.binomtest(round(share * images), images)
    interval = counted.proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)


def _if_enough(runs: Array, bound: Callable[..., Bounds], *, level: float, nested: bool) -> Bounds:
    """Return the bounds of ``runs`` (..., units, seeds), NaN with fewer units than an interval needs."""
    if runs.shape[-2] < FEWEST_UNITS:
        value = runs.mean(axis=(-2, -1))
        return Bounds(value, np.full_like(value, math.nan), np.full_like(value, math.nan))
    return bound(runs, level=level, nested=nested)


def _estimate(
    bounds: Bounds,
    runs: Array,
    *,
    nested: bool = False,
    unit: Unit = "classifier",
    back: Callable[[Array], Array] | None = None,
) -> Estimate:
    value, low, high = bounds if back is None else map(back, bounds)
    return Estimate(
        value=float(value),
        low=float(low),
        high=float(high),
        units=len(runs),
        runs=runs.size,
        note=_note(runs, nested, unit),
    )


def _note(runs: Array, nested: bool, unit: Unit) -> str:
    units, seeds = runs.shape
    if units == 1:
        return f"one {unit}"
    if units < FEWEST_UNITS:
        return f"{units} {unit}s: an interval needs {FEWEST_UNITS}"
    return "" if nested or seeds > 1 else "one seed: other seeds are not covered"
