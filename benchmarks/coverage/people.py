"""How often intervals of people's accuracy contain the true share, in simulated studies.

People and images differ by known amounts, so that the true share is known. Measured are the share of studies whose 95 %
interval contains it, whose upper bound does, and the mean width.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import scipy.stats
from numpy.typing import NDArray
from scipy.special import expit
from statsmodels.genmod.bayes_mixed_glm import BinomialBayesMixedGLM  # type: ignore[import-untyped]
from statsmodels.tools.sm_exceptions import ConvergenceWarning  # type: ignore[import-untyped]

from fooling.findings.bounds import bootstrap_interval, crossed_share
from fooling.messages import progress
from fooling.reproducibility import numpy_generator
from fooling.survey.simulation import NODES, WEIGHTS, Population, simulated_grids

LEVEL = 0.95
Grid = NDArray[np.float64]
#: Of hits and answers (studies, people, images): lower, upper and one-sided upper bounds, each (studies,).
Method = Callable[[Grid, Grid], tuple[Grid, Grid, Grid]]


@dataclass(frozen=True, kw_only=True)
class Size:
    """A study: how many people see how many images, and how much both differ."""

    people: int
    images: int
    trials: int  # images that each person sees
    accuracy: float
    person_sd: float
    image_sd: float


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Shares of the studies in which an interval holds the truth, and its mean width."""

    both: float
    upper: float
    width: float


def _size(people: int, images: int, trials: int, accuracy: float, sds: tuple[float, float] = (0.5, 1.0)) -> Size:
    person, image = sds
    return Size(people=people, images=images, trials=trials, accuracy=accuracy, person_sd=person, image_sd=image)


#: Four of twenty images of a condition are what each participant sees in a block of the default study.
SIZES = (
    _size(10, 10, 4, 0.5),
    _size(20, 20, 4, 0.5),
    _size(40, 20, 4, 0.5),
    _size(40, 20, 4, 0.6),
    _size(40, 20, 4, 0.1),
    _size(40, 20, 4, 0.95),
    _size(40, 20, 20, 0.7),
    _size(40, 10, 10, 0.5, (0.5, 1.5)),
    _size(100, 40, 8, 0.5),
    _size(100, 20, 4, 0.5, (0.0, 0.0)),
)
#: The mixed logit takes a third of a second for each study of this size.
SIZES_OF_MIXED = SIZES[1:3]


def crossed(hits: Grid, asked: Grid) -> tuple[Grid, Grid, Grid]:
    """The primary analysis of this study."""
    share = crossed_share(hits, asked)
    return (*share.interval(LEVEL), share.upper_bound(LEVEL))


def bootstrap(hits: Grid, asked: Grid) -> tuple[Grid, Grid, Grid]:
    """People and images drawn anew, percentiles."""
    generator = numpy_generator(1, "coverage", "bootstrap")
    bounds = []
    for study in zip(hits, asked, strict=True):
        both = bootstrap_interval(*study, samples=999, level=LEVEL, generator=generator)
        upper = bootstrap_interval(*study, samples=999, level=2 * LEVEL - 1, generator=generator)[1]
        bounds.append((*both, upper))
    low, high, upper = np.array(bounds).T
    return low, high, upper


def mixed(hits: Grid, asked: Grid) -> tuple[Grid, Grid, Grid]:
    """A mixed logit with crossed effects of people and images, by variational Bayes: the posterior's quantiles."""
    generator = numpy_generator(1, "coverage", "mixed")
    low, high, upper = np.array([_mixed(*study, generator) for study in zip(hits, asked, strict=True)]).T
    return low, high, upper


def binomial(hits: Grid, asked: Grid) -> tuple[Grid, Grid, Grid]:
    """All answers taken for independent: what it would be to forget people and images."""
    answers, right = asked.sum(axis=(1, 2)), hits.sum(axis=(1, 2))
    tail = (1 - LEVEL) / 2
    quantiles = [scipy.stats.beta.ppf(p, right + 0.5, answers - right + 0.5) for p in (tail, 1 - tail, LEVEL)]
    low, high, upper = quantiles
    return low, high, upper


METHODS: dict[str, Method] = {"crossed": crossed, "bootstrap": bootstrap, "mixed": mixed, "binomial": binomial}


def coverage_of(method: Method, size: Size, *, studies: int) -> Coverage:
    """How a method fares in so many simulated studies of one size; every method is given the same ones."""
    population = Population(accuracy=size.accuracy, person_sd=size.person_sd, image_sd=size.image_sd)
    generator = numpy_generator(1, "coverage", *(str(value) for value in asdict(size).values()))
    counts = {"studies": studies, "people": size.people, "images": size.images, "trials": size.trials}
    low, high, upper = method(*simulated_grids(population, **counts, generator=generator))
    holds = (low <= size.accuracy) & (size.accuracy <= high)
    return Coverage(
        both=float(holds.mean()), upper=float((size.accuracy <= upper).mean()), width=float((high - low).mean())
    )


def measured(studies: int) -> list[dict[str, Any]]:
    """A row for every size and method."""
    chosen = [(name, size) for size in SIZES for name in METHODS if name != "mixed" or size in SIZES_OF_MIXED]
    rows = []
    with progress(total=len(chosen), description="coverage", unit="measurements") as counter:
        for name, size in chosen:
            rows.append({"method": name, "studies": studies, **asdict(size), **asdict(_measured(name, size, studies))})
            counter.advance()
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| method | people | images | each sees | accuracy | spread | covers | upper bound covers | width |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        size = f"{row['people']} | {row['images']} | {row['trials']} | {row['accuracy']} | "
        size += f"{row['person_sd']}, {row['image_sd']}"
        lines.append(f"| {row['method']} | {size} | {row['both']:.3f} | {row['upper']:.3f} | {row['width']:.2f} |")
    return "\n".join(lines)


def _measured(name: str, size: Size, studies: int) -> Coverage:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return coverage_of(METHODS[name], size, studies=studies)


def _mixed(hits: Grid, asked: Grid, generator: np.random.Generator) -> list[float]:
    """Bounds of one study: the share over people and images, integrated for draws from the posterior."""
    person, image = np.nonzero(asked)
    answers, people = len(person), len(hits)
    effects = np.zeros((answers, people + hits.shape[1]))
    effects[np.arange(answers), person] = effects[np.arange(answers), people + image] = 1
    which = np.repeat([0, 1], hits.shape)
    model = BinomialBayesMixedGLM(hits[person, image], np.ones((answers, 1)), effects, which)
    fitted = model.fit_vb()
    means = generator.normal(fitted.fe_mean[0], fitted.fe_sd[0], 500)
    spreads = np.exp(generator.normal(fitted.vcp_mean, fitted.vcp_sd, (500, 2)))
    nodes = means[:, None] + np.hypot(*spreads.T)[:, None] * NODES
    shares = expit(nodes) @ WEIGHTS / WEIGHTS.sum()
    return [float(bound) for bound in np.quantile(shares, [(1 - LEVEL) / 2, (1 + LEVEL) / 2, LEVEL])]
