"""Intervals for a share of answers with crossed people and images.

Answers of one person are correlated, and so are answers about one image. The two-way bootstrap (resampled people and
resampled images, Owen 2007) includes both, but counts the variance of single answers three times. Here this is most of
the variance, so its intervals are too wide. The variance without that excess has a closed form, that of two-way
cluster-robust standard errors (Cameron, Gelbach and Miller 2011): clusters of people, plus clusters of images, minus
single answers. The interval uses it on the log-odds scale with half an answer added on each side; Student's t has one
degree of freedom less than the smaller number of clusters. `python -m benchmarks.coverage` measures its coverage and
compares it with the bootstrap and a mixed logit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy  # its parts load when they are called: Snakemake imports this at every start
from numpy.typing import NDArray

Grid = NDArray[np.float64]  # (..., people, images)
FEWEST = 2  # people, and images; with fewer there is no interval


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
