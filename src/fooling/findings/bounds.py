"""Confidence bounds as pure functions of arrays: for crossed and nested runs, and for answers of people.

Runs have the shape ``(..., units, seeds)``; leading axes are independent data sets, so that many are computed at once.

*Crossed*: all units have the same seeds, as classifiers do. A seed gives the same stream of random numbers on every
classifier, so runs with the same seed are not independent. The variance of the mean is
``(max(MS_unit, MS_residual) + max(MS_seed, MS_residual) - MS_residual) / (units * seeds)`` with the mean squares of a
two-way analysis of variance. Student's t has one degree of freedom less than the smaller of the two counts.
Satterthwaite's formula gives more degrees of freedom and too low coverage.

*Nested*: every unit has its own seeds, as the chains of retrained classifiers do. Its mean is one value; Student's t
has one degree of freedom less than the number of units.

*Answers*: those of one person are correlated, and so are those about one image. The two-way bootstrap (resampled people
and resampled images, Owen 2007) includes both, but counts the variance of single answers three times. Here this is most
of the variance, so its intervals are too wide. The variance without that excess has a closed form, that of two-way
cluster-robust standard errors (Cameron, Gelbach and Miller 2011): clusters of people, plus clusters of images, minus
single answers. The interval uses it on the log-odds scale with half an answer added on each side; Student's t has one
degree of freedom less than the smaller number of clusters.

``python -m benchmarks.coverage`` measures how often all these intervals contain the true value (docs/coverage.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy  # its parts load when they are called: Snakemake reads settings that import this at every start
from numpy.typing import NDArray

Array = NDArray[np.float64]
Grid = Array  # (..., people, images)

#: The variance of a median over that of a mean, for many normal values.
MEDIAN_OVER_MEAN = np.pi / 2
FEWEST = 2  # people, and images; with fewer there is no interval


class Bounds(NamedTuple):
    """Estimates and the bounds of their confidence intervals, of one shape; bounds are NaN without an interval."""

    value: Array
    low: Array
    high: Array


def bounds_of_mean(runs: Array, *, level: float, nested: bool = False) -> Bounds:
    """Bound the mean of ``runs`` (..., units, seeds) with Student's t."""
    return _bounded(runs.mean(axis=(-2, -1)), _variance_of_mean(runs, nested=nested), runs, level, nested=nested)


def bounds_of_median(medians: Array, runs: Array, *, level: float, nested: bool = False) -> Bounds:
    """Bound the mean over the units of their ``medians`` (..., units) over ``runs`` (..., units, seeds).

    A crossed seed shifts all medians together, which their scatter does not show. The variance of the mean over the
    units due to seeds is therefore added, multiplied by the ratio of the variance of a median to that of a mean.
    """
    variance = medians.var(axis=-1, ddof=1) / medians.shape[-1]
    seeds = runs.shape[-1]
    if not nested and seeds > 1:
        variance = variance + MEDIAN_OVER_MEAN * runs.mean(axis=-2).var(axis=-1, ddof=1) / seeds
    return _bounded(medians.mean(axis=-1), variance, runs, level, nested=nested)


def bounds_of_share(runs: Array, *, level: float, nested: bool = False) -> Bounds:
    """Bound the mean of shares in 0..1, (..., units, seeds), by Clopper and Pearson with units as trials.

    The number of successes is the sum of the units' shares and need not be whole. If units and seeds are crossed, the
    smaller of the two counts is the number of trials.
    """
    share, draws = runs.mean(axis=(-2, -1)), _freedom(runs, nested=nested) + 1
    successes, tail = share * draws, (1 - level) / 2
    with np.errstate(invalid="ignore"):
        low = scipy.stats.beta.ppf(tail, successes, draws - successes + 1)
        high = scipy.stats.beta.ppf(1 - tail, successes + 1, draws - successes)
    return Bounds(share, np.where(successes <= 0, 0.0, low), np.where(successes >= draws, 1.0, high))


def bounds_of_ratio(sums: Array, counts: Array, *, level: float) -> Bounds:
    """Bound the mean of values of which each run has several, from ``sums`` and ``counts``, both (..., units, seeds).

    Units and seeds are crossed. The ratio of the two means is linearised; its deviations are scaled as in a jackknife
    over units and seeds, because the coverage is too low otherwise if there are few units of unequal weight. Runs
    without a value count in the variance; units and seeds without any value do not count in the degrees of freedom.
    The bounds are NaN if fewer than two units, or of several seeds fewer than two, have a value.
    """
    share = sums.sum(axis=(-2, -1)) / counts.sum(axis=(-2, -1))
    deviations = (sums - share[..., None, None] * counts) / counts.mean(axis=(-2, -1), keepdims=True)
    deviations = deviations * _without_itself(counts, axis=-1) * _without_itself(counts, axis=-2)
    variance = _variance_of_mean(deviations, nested=False)
    present = [(counts.sum(axis=axis) > 0).sum(axis=-1) for axis in (-1, -2)]
    fewest = present[0] if counts.shape[-1] == 1 else np.minimum(*present)
    half = _quantile(level, fewest - 1) * np.sqrt(variance)
    return Bounds(share, share - half, share + half)


def bounds_of_pairs(names: NDArray[np.str_], values: Array, *, level: float) -> Bounds:
    """Bound the mean of the ``values`` (..., P) of pairs with the ``names`` (P, 2) of a source and a target.

    Pairs with a name in common are not independent. The variance is that of the jackknife over names: each name is left
    out with all of its pairs, unless no pair would remain. Student's t has one degree of freedom less than the number
    of sources, or of targets if there are several and fewer of them.
    """
    mean, others = values.mean(axis=-1), [(names != name).all(axis=1) for name in np.unique(names)]
    without = np.array([values[..., kept].mean(axis=-1) for kept in others if kept.any()])
    variance = (len(without) - 1) / len(without) * ((without - mean) ** 2).sum(axis=0)
    sources, targets = (len(np.unique(column)) for column in names.T)
    half = _quantile(level, (sources if targets == 1 else min(sources, targets)) - 1) * np.sqrt(variance)
    return Bounds(np.asarray(mean), np.asarray(mean - half), np.asarray(mean + half))


def _without_itself(counts: Array, *, axis: int) -> Array:
    """Return the factor by which deviations of units (axis -1) or seeds (-2) grow if the ratio leaves them out."""
    of_each, every = counts.sum(axis=axis, keepdims=True), counts.sum(axis=(-2, -1), keepdims=True)
    number = of_each.shape[-3 - axis]
    others = every - of_each
    grown = np.divide(every, others, out=np.zeros(others.shape), where=others > 0) * (1 - 1 / number)
    return np.asarray(grown if number > 1 else np.ones_like(grown))


def _variance_of_mean(runs: Array, *, nested: bool) -> Array:
    """Return the variance of the mean over the last two axes."""
    units, seeds = runs.shape[-2:]
    of_units = runs.mean(axis=-1)
    if nested or seeds == 1:
        return np.asarray(of_units.var(axis=-1, ddof=1) / units)
    unit, seed, residual = mean_squares(runs)
    return np.asarray((np.maximum(unit, residual) + np.maximum(seed, residual) - residual) / (units * seeds))


def mean_squares(runs: Array) -> tuple[Array, Array, Array]:
    """Return the mean squares of units, seeds and residuals of ``runs`` (..., units, seeds), one run a cell."""
    units, seeds = runs.shape[-2:]
    mean = runs.mean(axis=(-2, -1), keepdims=True)
    of_units, of_seeds = runs.mean(axis=-1, keepdims=True), runs.mean(axis=-2, keepdims=True)
    residuals = runs - of_units - of_seeds + mean
    return (
        seeds * ((of_units - mean) ** 2).sum(axis=(-2, -1)) / (units - 1),
        units * ((of_seeds - mean) ** 2).sum(axis=(-2, -1)) / (seeds - 1),
        (residuals**2).sum(axis=(-2, -1)) / ((units - 1) * (seeds - 1)),
    )


def _bounded(value: Array, variance: Array, runs: Array, level: float, *, nested: bool) -> Bounds:
    half = _quantile(level, _freedom(runs, nested=nested)) * np.sqrt(variance)
    return Bounds(np.asarray(value), np.asarray(value - half), np.asarray(value + half))


def _freedom(runs: Array, *, nested: bool) -> int:
    units, seeds = map(int, runs.shape[-2:])
    return units - 1 if nested or seeds == 1 else min(units, seeds) - 1


def _quantile(level: float, freedom: int | NDArray[np.int64]) -> Array:
    """Return the quantile of Student's t for a two-sided interval; NaN without degrees of freedom."""
    return np.asarray(scipy.stats.t.ppf((1 + level) / 2, freedom), dtype=np.float64)


@dataclass(frozen=True)
class CrossedShare:
    """Shares of answers with the centre and standard error of their intervals, for any number of studies."""

    value: NDArray[np.float64]  # (...,)
    centre: NDArray[np.float64]  # log-odds with half an answer added on each side, (...,)
    error: NDArray[np.float64]  # standard error of these, (...,); NaN with a single person or image
    freedom: NDArray[np.float64]  # degrees of freedom, (...,)

    def interval(self, level: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the bounds of the interval at this confidence ``level``, each (...,)."""
        return self._bound((1 - level) / 2), self._bound((1 + level) / 2)

    def upper_bound(self, level: float) -> NDArray[np.float64]:
        """Return the one-sided upper bound at this confidence ``level``, (...,)."""
        return self._bound(level)

    def _bound(self, probability: float) -> NDArray[np.float64]:
        quantile = scipy.stats.t.ppf(probability, np.maximum(self.freedom, 1))
        return np.asarray(scipy.special.expit(self.centre + quantile * self.error))


def crossed_share(hits: Grid, asked: Grid) -> CrossedShare:
    """Return the share of ``hits`` among the answers ``asked``, both (..., people, images).

    The interval covers other people and other images drawn in the same way. The variance is at least that of
    independent answers.
    """
    answers = asked.sum(axis=(-2, -1))
    value = hits.sum(axis=(-2, -1)) / answers
    residuals = hits - value[..., None, None] * asked
    people, images = ((asked.sum(axis=axis) > 0).sum(axis=-1) for axis in (-1, -2))
    single = (hits * (1 - 2 * value[..., None, None]) + asked * value[..., None, None] ** 2).sum(axis=(-2, -1))
    variance = _of_clusters(residuals.sum(axis=-1), people) + _of_clusters(residuals.sum(axis=-2), images) - single
    shrunken = (hits.sum(axis=(-2, -1)) + 0.5) / (answers + 1)
    binomial = shrunken * (1 - shrunken) / (answers + 1)
    error = np.sqrt(np.maximum(variance / answers**2, binomial)) / (shrunken * (1 - shrunken))
    fewest = np.minimum(people, images)
    return CrossedShare(
        value=np.asarray(value),
        centre=np.asarray(scipy.special.logit(shrunken)),
        error=np.where(fewest < FEWEST, np.nan, error),
        freedom=np.asarray(fewest - 1, dtype=np.float64),
    )


def bootstrap_interval(
    hits: Grid, asked: Grid, *, samples: int, level: float, generator: np.random.Generator
) -> tuple[float, float]:
    """Return the percentile interval of the two-way bootstrap of one study (people, images); it is too wide."""
    people, images = hits.shape
    drawn_people = generator.multinomial(people, [1 / people] * people, size=samples).astype(np.float64)
    drawn_images = generator.multinomial(images, [1 / images] * images, size=samples)
    answers = ((drawn_people @ asked) * drawn_images).sum(axis=1)
    shares = ((drawn_people @ hits) * drawn_images).sum(axis=1)[answers > 0] / answers[answers > 0]
    low, high = np.quantile(shares, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _of_clusters(sums: NDArray[np.float64], clusters: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the variance that clusters contribute to a sum, given the sum of each, (..., clusters)."""
    squares = (sums**2).sum(axis=-1)
    return np.asarray(squares * clusters / np.maximum(clusters - 1, 1))
