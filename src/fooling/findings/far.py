"""Random inputs far from the data: the rubbish class of Goodfellow, Shlens and Szegedy.

Explaining and Harnessing Adversarial Examples (2014): inputs from N(0, I), in the unit in which pixels are 0 to 1,
belong to no class. An input that gets a class with more than 50 % confidence is a mistake. These inputs leave the range
of images; clipped to 0 to 1 they are in it, but not rounded to levels. The numbers are about random inputs: they do not
show what an attack would find.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import scipy  # its parts load when they are called: Snakemake reads the settings below at every start
from numpy.typing import NDArray
from pydantic import Field

from fooling.findings.intervals import IntervalSettings, estimated_mean
from fooling.findings.registry import BUILT_AS, CLASSIFIER, CLIPPED, WEIGHT_DECAY
from fooling.findings.runs import ThresholdSettings
from fooling.reproducibility import numpy_generator
from fooling.settings import Seed, Settings
from fooling.table import COUNT, NOT_NEGATIVE, SHARE, TEXT, Column, Table, with_bounds

LEVELS = 255.0  # per unit of an input
MISTAKE = 0.5  # an input with a higher confidence is a mistake
BATCH = 500  # random inputs drawn at once

RETRAINING = Column(
    "retraining", TEXT.or_nothing, doc="Name of the retraining that made it; empty if it was not retrained."
)
FIRST = Column(
    "first", TEXT.or_nothing, doc="First network of its chain of retrained networks; empty if it was not retrained."
)
NUMBER = Column("number", COUNT, doc="Number of the network in its chain of retrained networks; 1: not retrained.")
FILLED_WITH = Column(
    "filled_with",
    TEXT.or_nothing,
    doc="Content of the fooling class with which it was retrained; empty if it was not retrained.",
)
RUBBISH_SHARE = Column(
    "rubbish_share",
    SHARE,
    doc="Share of the random inputs that get a class with more than 50 % confidence. An attack may find more.",
)
MISTAKEN_CONFIDENCE = Column(
    "mistaken_confidence",
    SHARE.or_nothing,
    doc="Mean confidence in these inputs; empty if there are none.",
)
RUBBISH = Table(
    name="rubbish",
    path="findings/far/rubbish.csv",
    commands=("probe-far",),
    columns=(
        *(CLASSIFIER, BUILT_AS, WEIGHT_DECAY, RETRAINING, FIRST, NUMBER, FILLED_WITH, CLIPPED),
        Column("inputs", COUNT, doc="Number of random inputs from N(0, I), in the unit in which pixels are 0 to 1."),
        *(RUBBISH_SHARE, MISTAKEN_CONFIDENCE),
        Column("median_confidence", SHARE, doc="Median confidence in the most probable class, of all inputs."),
        Column("commonest_class", COUNT, doc="Index of the class that is most probable for the most inputs."),
        Column("commonest_share", SHARE, doc="Share of the inputs for which it is the most probable class."),
        Column(
            "logit_spread",
            NOT_NEGATIVE,
            unit="logits",
            doc="Mean over the inputs of the standard deviation over the classes' logits. It grows with the weights.",
        ),
        Column(
            "recognised",
            SHARE.or_nothing,
            doc="Share of the inputs for which the fooling class has the largest logit; empty without a fooling class.",
        ),
    ),
    key=("classifier", "clipped"),
    doc="One row for each network and each kind of random inputs. A fooling class is no mistake.",
)
RUBBISH_SUMMARY = Table(
    name="rubbish_summary",
    path="findings/far/rubbish_summary.csv",
    commands=("probe-far",),
    columns=(
        *(BUILT_AS, WEIGHT_DECAY, RETRAINING, NUMBER, FILLED_WITH, CLIPPED),
        Column("networks", COUNT, doc="Number of such networks; fewer than 3 give no interval."),
        Column("inputs", COUNT, doc="Number of random inputs for each network."),
        *with_bounds(RUBBISH_SHARE),
        *with_bounds(MISTAKEN_CONFIDENCE),
    ),
    key=("built_as", "weight_decay", "retraining", "number", "filled_with", "clipped"),
    doc="One row for each kind of network and of random inputs: means over the networks.",
)
#: Share of mistakes and mean confidence in them that Goodfellow et al. (2014) give for MNIST, by architecture and loss.
#: All are remembered, not verified; the sigmoids are remembered as the output of the maxout network.
PUBLISHED = {
    ("maxout", "softmax"): (0.9835, 0.928),
    ("maxout", "sigmoids"): (0.68, 0.879),
    ("softmax-regression", "softmax"): (0.598, 0.708),
    ("rbf", "sigmoids"): (0.0, math.nan),  # no mistake has a confidence
}
#: Columns by which networks are of one kind.
ALIKE = ("built_as", "weight_decay", "retraining", "number", "filled_with")

Loss = Literal["softmax", "sigmoids"]
Scores = Callable[[NDArray[np.float32]], NDArray[np.float32]]
Gradients = Callable[[NDArray[np.float64], NDArray[np.int64]], NDArray[np.float64]]


class FarSettings(Settings):
    """Random inputs, and rays that leave the range of images."""

    inputs: int = Field(default=10_000, ge=1, le=1_000_000)
    """Number of random inputs from N(0, I) for each network."""
    rays: int = Field(default=50, ge=1, le=10_000)
    """Number of rays through real test images, and as many in random directions."""
    doublings: int = Field(default=12, ge=2, le=20)
    """How often the factor of a ray doubles, from 1 on; 12 doublings end at 4096."""
    seed: Seed = 1
    """Seed of the inputs and of the rays; all networks get the same ones."""


class ProbeSettings(FarSettings, IntervalSettings, ThresholdSettings):
    """Inputs far from the data, the confidence from which a network counts as sure, and confidence intervals."""


@dataclass(frozen=True, kw_only=True)
class FarNetwork:
    """A network that is measured far from the data. It gets levels, which need not be between 0 and 255."""

    name: str
    built_as: str
    loss: Loss
    """How it was trained, which decides what its confidence in random inputs is."""
    weight_decay: float | None
    retraining: str | None = None
    first: str | None = None
    number: int = 1
    filled_with: str | None = None
    input_shape: tuple[int, int, int]
    classes: int
    """Number of classes of the data set; one more logit is that of a fooling class."""
    logits: Scores
    """Map levels (B, C, H, W) to logits (B, K)."""
    gradients: Gradients | None
    """Map levels (B, C, H, W) and classes (B,) to the gradients of the log-odds of these classes by level; None for a
    fitted model, which has no gradients."""


def top_confidences(logits: NDArray[np.float32], *, loss: Loss, classes: int) -> NDArray[np.float64]:
    """Return the confidence (B,) in the most probable class of the data set, from ``logits`` (B, K).

    With ``softmax`` it is a share of all K outputs, of which one may be a fooling class. With ``sigmoids`` it is the
    sigmoid of the largest logit.
    """
    exact = logits.astype(np.float64)
    top = exact[:, :classes].max(axis=1)
    confidences: NDArray[np.float64] = (
        scipy.special.expit(top) if loss == "sigmoids" else np.exp(top - scipy.special.logsumexp(exact, axis=1))
    )
    return confidences


def rubbish_table(networks: Sequence[FarNetwork], settings: FarSettings) -> pd.DataFrame:
    """Return the table ``rubbish``: the confidences of ``networks`` in the same random inputs."""
    rows = [row for network in networks for row in _rows_of(network, settings)]
    return pd.DataFrame(rows, columns=RUBBISH.names)


def rubbish_summary(table: pd.DataFrame, *, confidence_level: float) -> pd.DataFrame:
    """Return the table ``rubbish_summary`` from the table ``rubbish``: means over networks of one kind."""
    rows = []
    for _, alike in table.groupby([*ALIKE, "clipped"], sort=False, dropna=False):
        first = alike.iloc[0]
        row = {name: first[name] for name in (*ALIKE, "clipped", "inputs")} | {"networks": len(alike)}
        for column in ("rubbish_share", "mistaken_confidence"):
            row |= _mean_over_networks(alike[column], column, confidence_level)
        rows.append(row)
    return pd.DataFrame(rows, columns=RUBBISH_SUMMARY.names)


def published(built_as: str) -> tuple[float, float] | None:
    """Return the published numbers (:data:`PUBLISHED`) for networks of the kind ``built_as``; None without any."""
    words = built_as.split(", ")
    return PUBLISHED.get((words[0], "sigmoids" if words[-1] == "sigmoids" else "softmax"))


def described(network: FarNetwork) -> dict[str, Any]:
    """Return the columns that describe a network in the tables of inputs far from the data."""
    return {
        "classifier": network.name,
        "built_as": network.built_as,
        "weight_decay": np.nan if network.weight_decay is None else network.weight_decay,
        "retraining": network.retraining,
        "first": network.first,
        "number": network.number,
        "filled_with": network.filled_with,
    }


def _mean_over_networks(values: pd.Series[float], column: str, level: float) -> dict[str, float]:
    known = values.dropna().to_numpy(dtype=np.float64)
    if not len(known):
        return {column: np.nan, f"{column}_low": np.nan, f"{column}_high": np.nan}
    runs = np.asarray(known, dtype=np.float64)[:, None]
    found = estimated_mean(runs, level=level, nested=True, within=(0, 1))
    return {column: found.value, f"{column}_low": found.low, f"{column}_high": found.high}


def _rows_of(network: FarNetwork, settings: FarSettings) -> Iterator[dict[str, Any]]:
    parts: dict[bool, list[NDArray[np.float32]]] = {False: [], True: []}
    for drawn in _random_inputs(settings, network.input_shape):
        for clipped, found in parts.items():
            found.append(network.logits((drawn.clip(0, 1) if clipped else drawn) * np.float32(LEVELS)))
    for clipped, found in parts.items():
        yield {**described(network), "clipped": clipped, **_summary_of(np.concatenate(found), network)}


def _random_inputs(settings: FarSettings, shape: tuple[int, int, int]) -> Iterator[NDArray[np.float32]]:
    """Yield batches of inputs from N(0, I), float32 (B, C, H, W)."""
    generator = numpy_generator(settings.seed, "rubbish")
    for first in range(0, settings.inputs, BATCH):
        yield generator.standard_normal((min(BATCH, settings.inputs - first), *shape), dtype=np.float32)


def _summary_of(logits: NDArray[np.float32], network: FarNetwork) -> dict[str, Any]:
    confidences = top_confidences(logits, loss=network.loss, classes=network.classes)
    mistaken = confidences > MISTAKE
    of_classes = logits[:, : network.classes]
    counts = np.bincount(of_classes.argmax(axis=1), minlength=network.classes)
    has_fooling_class = logits.shape[1] > network.classes
    return {
        "inputs": len(logits),
        "rubbish_share": float(mistaken.mean()),
        "mistaken_confidence": float(confidences[mistaken].mean()) if mistaken.any() else np.nan,
        "median_confidence": float(np.median(confidences)),
        "commonest_class": int(counts.argmax()),
        "commonest_share": float(counts.max() / len(logits)),
        "logit_spread": float(of_classes.astype(np.float64).std(axis=1).mean()),
        "recognised": float((logits.argmax(axis=1) == network.classes).mean()) if has_fooling_class else np.nan,
    }
