"""Intervals: what a mean or a median over networks, seeds and classes would be with other networks and other seeds.

A seed names one stream of random numbers, the same on every network: evolution starts from the same images there, and
the controls even show the very same images throughout. Seeds therefore cross the networks, they do not lie within
them. Networks and seeds are each resampled on their own, and all runs of the drawn networks with the drawn seeds are
kept: the "pigeonhole" bootstrap (Owen, Annals of Applied Statistics 1, 2007). It errs on the side of wide intervals, by
a factor of at most the root of 3, where what is peculiar to single runs outweighs networks and seeds; drawing seeds
anew within each network would err on the other side for the controls. Classes are not resampled: there are no others.
Where every network does have seeds of its own, as in chains of retrained networks, they are drawn within it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import scipy  # its parts load when they are called: Snakemake reads the settings below at every start
from numpy.typing import NDArray
from pydantic import Field

from fooling.errors import FoolingError
from fooling.findings.tables import RUN
from fooling.seeding import numpy_generator
from fooling.settings import Seed, Settings

#: One number for the values of some runs, ``(..., networks, seeds, ...)``; an interval passes many resamples at once.
Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]


class IntervalSettings(Settings):
    """How intervals are made."""

    bootstrap_samples: int = Field(default=3999, ge=99, le=100_000)
    """Resamples behind each interval."""
    confidence_level: float = Field(default=0.95, gt=0.5, le=0.9999)
    """Share of such intervals that should hold the true value."""
    interval_seed: Seed = 1
    """Seed of the resampling."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with its interval; NaN bounds where ``note`` says why there is none."""

    value: float
    low: float
    high: float
    n: int  # runs, or networks where a network is the unit
    note: str = ""


def runs_for_median(confidence_level: float) -> int:
    """The fewest runs whose range holds their true median with this confidence: 6 for 95 %.

    All n runs lie on one side of the median with probability 2 * 0.5**n.
    """
    return math.ceil(1 - math.log2(1 - confidence_level))


def run_grid(table: pd.DataFrame, column: str, *, within_run: str | None = None) -> NDArray[np.float64]:
    """The values of ``column`` as ``(networks, seeds)``, or ``(networks, seeds, K)`` with K rows a run.

    ``within_run`` names the column that tells the rows of a run apart. Raises :class:`FoolingError` unless every
    network has the same seeds.
    """
    levels = ["classifier", "seed", *([] if within_run is None else [within_run])]
    shape = tuple(table[level].nunique() for level in levels)
    if len(table) != math.prod(shape) or table.duplicated(levels).any():
        runs = table[RUN].drop_duplicates().groupby("classifier")["seed"].nunique()
        raise FoolingError(
            "the networks of an experiment have different runs",
            found=", ".join(f"{name}: {count} seeds" for name, count in runs.items()),
            expected="every network with the same seeds and classes",
            remedy="make the missing runs, or leave the network out",
        )
    values: NDArray[np.float64] = table.sort_values(levels)[column].to_numpy(dtype=np.float64).reshape(shape)
    return values


def mean_over_runs(grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over the last two axes of a grid (..., networks, seeds), of the runs that have a value (not NaN)."""
    known = ~np.isnan(grid)
    if known.all():
        return np.asarray(grid.mean(axis=(-2, -1)))
    total, count = np.where(known, grid, 0).sum(axis=(-2, -1)), known.sum(axis=(-2, -1))
    return np.asarray(np.divide(total, count, out=np.full(np.shape(count), np.nan), where=count > 0))


def estimated(
    grid: NDArray[np.float64],
    statistic: Statistic,
    *,
    settings: IntervalSettings,
    purpose: tuple[str, ...],
    fewest_runs: int = 2,
    nested: bool = False,
) -> Estimate:
    """``statistic`` of a ``grid`` (networks, seeds, ...) with its bootstrap percentile interval.

    The interval is NaN with fewer than ``fewest_runs`` runs. A run that has NaN alone has no value and does not count;
    the ``statistic`` must leave it out, and the interval is NaN where some resamples hold no other run.
    ``purpose`` gives each interval random numbers of its own. ``nested``: every network has seeds of its own, and they
    are drawn within it.
    """
    networks = len(grid)
    value, runs = float(statistic(grid)), _runs_with_a_value(grid)
    if runs < fewest_runs:
        return Estimate(value=value, low=math.nan, high=math.nan, n=runs, note=_too_few(runs))
    generator = numpy_generator(settings.interval_seed, "bootstrap", *purpose)
    resampled = statistic(_resamples(grid, generator, settings, nested=nested))
    tail = (1 - settings.confidence_level) / 2
    # the inverse of the distribution function, not interpolated: a time may be infinite
    low, high = np.quantile(resampled, [tail, 1 - tail], method="inverted_cdf")
    note = "too few runs have a value for an interval" if math.isnan(low) else _of_one_network(networks)
    return Estimate(value=value, low=float(low), high=float(high), n=runs, note=note)


def estimated_median(
    grid: NDArray[np.float64],
    statistic: Statistic,
    *,
    settings: IntervalSettings,
    purpose: tuple[str, ...],
    nested: bool = False,
) -> Estimate:
    """As :func:`estimated`, for a median over runs: NaN bounds with too few runs for the interval of a median."""
    fewest = runs_for_median(settings.confidence_level)
    return estimated(grid, statistic, settings=settings, purpose=purpose, fewest_runs=fewest, nested=nested)


def estimated_share(
    grid: NDArray[np.float64], *, settings: IntervalSettings, purpose: tuple[str, ...], nested: bool = False
) -> Estimate:
    """The mean of a ``grid`` (networks, seeds) of shares in 0..1.

    Where all runs have 0 or all have 1, resampling sees no variation: the interval is then the exact binomial one
    (Clopper and Pearson) with a run as the unit.
    """
    estimate = estimated(grid, mean_over_runs, settings=settings, purpose=purpose, nested=nested)
    if estimate.value not in (0.0, 1.0) or estimate.n < 2:
        return estimate
    exact = scipy.stats.binomtest(round(estimate.value * estimate.n), estimate.n)
    interval = exact.proportion_ci(settings.confidence_level, method="exact")
    return replace(estimate, low=interval.low, high=interval.high, note=_of_one_network(len(grid)))


def share_bands(
    holds: NDArray[np.bool_], *, settings: IntervalSettings, purpose: tuple[str, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper bounds (T,) for the share of runs for which each of T things holds, (networks, seeds, T).

    As :func:`estimated_share`, for many shares of the same runs at once; NaN for a single run.
    """
    networks, seeds, things = holds.shape
    runs, samples = networks * seeds, settings.bootstrap_samples
    if runs < 2:
        return np.full(things, math.nan), np.full(things, math.nan)
    generator = numpy_generator(settings.interval_seed, "bootstrap", *purpose)
    of_network = generator.multinomial(networks, [1 / networks] * networks, size=samples)
    of_seed = generator.multinomial(seeds, [1 / seeds] * seeds, size=samples)
    counts = (of_network @ holds.reshape(networks, -1)).reshape(samples, seeds, things)
    resampled = np.einsum("bs,bst->bt", of_seed, counts) / runs
    tail = (1 - settings.confidence_level) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail], axis=0, method="inverted_cdf")
    share = holds.mean(axis=(0, 1))
    for extreme in (0, runs):
        exact = scipy.stats.binomtest(extreme, runs).proportion_ci(settings.confidence_level, method="exact")
        low[share == extreme / runs], high[share == extreme / runs] = exact.low, exact.high
    return low, high


def share_of_images(share: float, images: int, *, settings: IntervalSettings) -> tuple[float, float]:
    """The Wilson interval of a ``share`` of so many independently drawn ``images``."""
    counted = scipy.stats.binomtest(round(share * images), images)
    interval = counted.proportion_ci(settings.confidence_level, method="wilson")
    return float(interval.low), float(interval.high)


def estimated_mean(values: NDArray[np.float64], *, settings: IntervalSettings) -> Estimate:
    """The mean of one value for each of N networks, with Student's t interval."""
    networks, mean = len(values), float(values.mean())
    if networks < 2:
        return Estimate(value=mean, low=math.nan, high=math.nan, n=networks, note="1 network carries no interval")
    half = float(scipy.stats.t.ppf((1 + settings.confidence_level) / 2, networks - 1) * scipy.stats.sem(values))
    return Estimate(value=mean, low=mean - half, high=mean + half, n=networks)


def estimated_mean_of_networks(shares: NDArray[np.float64], *, settings: IntervalSettings) -> Estimate:
    """As :func:`estimated_mean`, for shares in 0..1: the interval is cut there."""
    estimate = estimated_mean(shares, settings=settings)
    low, high = np.clip([estimate.low, estimate.high], 0, 1).tolist()
    return replace(estimate, low=low, high=high)


def _resamples(
    grid: NDArray[np.float64], generator: np.random.Generator, settings: IntervalSettings, *, nested: bool
) -> NDArray[np.float64]:
    """``grid`` with networks and seeds drawn anew, (samples, networks, seeds, ...)."""
    networks, seeds = grid.shape[:2]
    samples = settings.bootstrap_samples
    drawn_networks = generator.integers(networks, size=(samples, networks, 1))
    drawn_seeds = generator.integers(seeds, size=(samples, networks if nested else 1, seeds))
    return grid[drawn_networks, drawn_seeds]


def _runs_with_a_value(grid: NDArray[np.float64]) -> int:
    """How many runs of a grid (networks, seeds, ...) do not have NaN alone."""
    return int((~np.isnan(grid)).reshape(*grid.shape[:2], -1).any(axis=2).sum())


def _of_one_network(networks: int) -> str:
    return "one network: the interval says nothing of others" if networks == 1 else ""


def _too_few(runs: int) -> str:
    if runs == 0:
        return "no run has a value"
    return "1 run carries no interval" if runs == 1 else f"{runs} runs carry no interval"
