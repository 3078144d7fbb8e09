"""Calibration: temperature scaling on test images; and the labels that classifiers give to their own champions.

Guo, Pleiss, Sun and Weinberger: On Calibration of Modern Neural Networks (2017). The logits are divided by one number,
the temperature, which is fitted on one half of the test images and evaluated on the other. It does not change which
class is most probable.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy  # its parts load when they are called: Snakemake reads the settings below at every start
from numpy.typing import NDArray
from pydantic import Field

from fooling.attacks.evolution.record import RunRecord
from fooling.findings.registry import CALIBRATED_CONFIDENCE, CLASS, CLASSIFIER, OWN, SEED, SOURCE
from fooling.reproducibility import numpy_generator
from fooling.settings import Seed, Settings
from fooling.table import COUNT, NOT_NEGATIVE, NUMBER, SHARE, TEXT, Column, Table, Values, one_of

TOGETHER = 1000  # images that are scored at once, if they are of several runs
CALIBRATION = Table(
    name="calibration",
    path="findings/calibration/{classifier}.csv",
    commands=("calibrate",),
    columns=(
        CLASSIFIER,
        Column(
            "temperature",
            Values(kind="number", least=0.001, most=1000).or_nothing,
            doc="The logits are divided by it; above 1 the classifier was too confident. Empty if no temperature is "
            "best: the classifier is right on every calibration image, or gives every class the same confidence.",
        ),
        Column("calibration_images", COUNT, unit="images", doc="Number of images on which it was fitted."),
        Column("evaluation_images", COUNT, unit="images", doc="Number of images on which it is evaluated."),
        Column(
            "nll_before",
            NOT_NEGATIVE.or_nothing,
            unit="nats",
            doc="Negative log-likelihood per evaluation image, without temperature scaling.",
        ),
        Column(
            "nll_after",
            NOT_NEGATIVE.or_nothing,
            unit="nats",
            doc="Negative log-likelihood per evaluation image, with temperature scaling; empty without a temperature.",
        ),
        Column(
            "ece_before",
            SHARE.or_nothing,
            doc="Expected calibration error on the evaluation images, without temperature scaling.",
        ),
        Column(
            "ece_after",
            SHARE.or_nothing,
            doc="Expected calibration error on the evaluation images, with temperature scaling; empty without a "
            "temperature.",
        ),
    ),
    key=("classifier",),
    doc="One row: temperature scaling, fitted on one half of the test images and evaluated on the other.",
)
REAL = Table(
    name="real",
    path="findings/real/{classifier}.parquet",
    commands=("calibrate",),
    columns=(
        CLASSIFIER,
        Column("image", COUNT, doc="Index of the image among the test images."),
        Column("split", one_of("calibration", "evaluation"), doc="Half of the test images to which it belongs."),
        Column("label", COUNT, doc="Index of its true class."),
        Column("predicted", COUNT, doc="Index of the class that the classifier predicts."),
        Column("confidence", SHARE, doc="Confidence in the predicted class, without temperature scaling."),
        CALIBRATED_CONFIDENCE,
        Column(
            "log_odds",
            NUMBER,
            unit="log-odds",
            doc="Log-odds of the confidence in the predicted class, without temperature scaling.",
        ),
    ),
    key=("classifier", "image"),
    doc="One row for each real test image.",
)

Logits = NDArray[np.float32] | NDArray[np.float64]
OWN_LABELS = Table(
    name="own_labels",
    path="findings/own_labels/{experiment}/{part}.parquet",
    commands=("label-champions",),
    columns=(
        SOURCE,
        Column("architecture", TEXT, doc="Architecture of the source."),
        *(SEED, *CLASS, *OWN),
    ),
    key=("source", "seed", "class_index"),
    doc="One row for each champion of evolution on some of the classifiers of an experiment, with the label that its "
    "own classifier gives it. An intermediate table.",
)


class CalibrationSettings(Settings):
    """Temperature scaling and its evaluation."""

    calibration_bins: int = Field(default=15, ge=2, le=1000)
    """Number of bins of equal width from 0 to 1 for the expected calibration error."""
    calibration_seed: Seed = 1
    """Seed of the split of the test images into two halves."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """A fitted temperature, and the log-likelihood and calibration error on other images before and after."""

    classifier: str
    temperature: float
    calibration_images: int
    evaluation_images: int
    nll_before: float
    nll_after: float
    ece_before: float
    ece_after: float


def calibrated(logits: Logits, temperature: float) -> NDArray[np.float64]:
    """Return the confidences (N, K) of ``logits`` (N, K) after temperature scaling, in float64."""
    confidences: NDArray[np.float64] = scipy.special.softmax(logits.astype(np.float64) / temperature, axis=1)
    return confidences


def log_odds_in(logits: Logits, classes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the log-odds log(p / (1 - p)) (N,) of N images, each for its own class, from ``logits`` (N, K)."""
    others, rows = logits.astype(np.float64), np.arange(len(classes))
    own = others[rows, classes]
    others[rows, classes] = -np.inf
    log_odds: NDArray[np.float64] = own - scipy.special.logsumexp(others, axis=1)
    return log_odds


def negative_log_likelihood(logits: Logits, labels: NDArray[np.int64], *, temperature: float = 1.0) -> float:
    """Return the mean over the N images of -log(confidence in the true class)."""
    log_confidences = scipy.special.log_softmax(logits.astype(np.float64) / temperature, axis=1)
    return float(-log_confidences[np.arange(len(labels)), labels].mean())


def expected_calibration_error(confidences: NDArray[np.float64], right: NDArray[np.bool_], *, bins: int) -> float:
    """Return the mean over the images of |accuracy - mean confidence| of their bin (Guo et al., equation 3).

    ``confidences`` (N,) are those of the predicted classes. Bins have equal width and include their upper end. NaN if a
    confidence is NaN.
    """
    if np.isnan(confidences).any():
        return math.nan
    bin_of = np.clip(np.ceil(confidences * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(bin_of, weights=right - confidences, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidences))


def fitted_temperature(logits: Logits, labels: NDArray[np.int64]) -> float:
    """Return the temperature between 1/100 and 100 with the lowest negative log-likelihood for these images.

    NaN if none is best: if every image is classified correctly, lower is always better; if every class has the same
    confidence, all temperatures are equal.
    """
    all_right = (logits.argmax(axis=1) == labels).all()
    if all_right or (logits == logits[:, :1]).all():
        return math.nan
    result = scipy.optimize.minimize_scalar(
        lambda log_temperature: negative_log_likelihood(logits, labels, temperature=float(np.exp(log_temperature))),
        bounds=(np.log(0.01), np.log(100.0)),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return float(np.exp(result.x))


def calibrate_on(
    logits: NDArray[np.float32], labels: NDArray[np.int64], *, classifier: str, settings: CalibrationSettings
) -> tuple[Calibration, pd.DataFrame]:
    """Fit and evaluate temperature scaling from the ``logits`` (N, K) of test images with ``labels`` (N,).

    Also return the table ``real`` of these images: split, label, prediction, and confidence raw and calibrated.
    """
    order = numpy_generator(settings.calibration_seed, "calibration").permutation(len(labels))
    fitting = np.isin(np.arange(len(labels)), order[: len(labels) // 2])
    evaluating = ~fitting
    temperature = fitted_temperature(logits[fitting], labels[fitting])
    images = _table_of_images(logits, labels, temperature=temperature, classifier=classifier)
    images.insert(2, "split", np.where(fitting, "calibration", "evaluation"))

    right = (images["predicted"] == images["label"]).to_numpy()[evaluating]
    errors = {
        column: expected_calibration_error(
            images[column].to_numpy(dtype=np.float64)[evaluating], right, bins=settings.calibration_bins
        )
        for column in ("confidence", "calibrated_confidence")
    }
    return Calibration(
        classifier=classifier,
        temperature=temperature,
        calibration_images=int(fitting.sum()),
        evaluation_images=int(evaluating.sum()),
        nll_before=negative_log_likelihood(logits[evaluating], labels[evaluating]),
        nll_after=negative_log_likelihood(logits[evaluating], labels[evaluating], temperature=temperature),
        ece_before=errors["confidence"],
        ece_after=errors["calibrated_confidence"],
    ), images


def _table_of_images(
    logits: NDArray[np.float32], labels: NDArray[np.int64], *, temperature: float, classifier: str
) -> pd.DataFrame:
    predicted = logits.argmax(axis=1)
    return pd.DataFrame(
        {
            "classifier": classifier,
            "image": np.arange(len(labels)),
            "label": labels,
            "predicted": predicted,
            "confidence": calibrated(logits, 1.0).max(axis=1).astype(np.float32),
            "calibrated_confidence": calibrated(logits, temperature).max(axis=1),
            "log_odds": log_odds_in(logits, predicted),
        }
    )


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network that is shown images."""

    name: str
    architecture: str
    confidences: Callable[[NDArray[np.uint8]], NDArray[np.float32]]  # (B, C, H, W) uint8 to (B, L)


def labelled_table(records: Iterable[RunRecord], networks: Sequence[Network]) -> pd.DataFrame:
    """Return one row for each champion of the runs, with the label of the network on which it evolved.

    Takes one run at a time. The network of each run must be among the ``networks``.
    """
    by_name = {network.name: network for network in networks}
    tables = []
    for together in in_groups(records):
        for source in dict.fromkeys(record.classifier["name"] for record in together):
            own = [record for record in together if record.classifier["name"] == source]
            confidences = by_name[source].confidences(np.concatenate([record.images for record in own]))
            tables += [
                _labelled(record, by_name[source], confidences[rows])
                for record, rows in zip(own, _rows_of(own), strict=True)
            ]
    return pd.concat(tables, ignore_index=True)


def in_groups(records: Iterable[RunRecord]) -> Iterator[list[RunRecord]]:
    """Yield runs in groups of at most :data:`TOGETHER` images, or single runs with more."""
    group: list[RunRecord] = []
    for record in records:
        if group and sum(len(one.images) for one in group) + len(record.images) > TOGETHER:
            yield group
            group = []
        group.append(record)
    if group:
        yield group


def _rows_of(records: Sequence[RunRecord]) -> list[slice]:
    """Return the place of each run's images among those of all of them."""
    ends = np.cumsum([0, *(len(record.images) for record in records)]).tolist()
    return [slice(first, last) for first, last in itertools.pairwise(ends)]


def _labelled(record: RunRecord, network: Network, confidences: NDArray[np.float32]) -> pd.DataFrame:
    rows = np.arange(len(record.class_names))
    table = pd.DataFrame(
        {
            "source": network.name,
            "architecture": network.architecture,
            "seed": record.seed,
            "class_index": rows,
            "class_name": list(record.class_names),
            "source_confidence": confidences[rows, rows],
            "source_label": confidences.argmax(axis=1),
            "source_label_confidence": confidences.max(axis=1),
        }
    )
    return table[OWN_LABELS.names]
