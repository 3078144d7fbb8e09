"""The networks of a study as tables: how their training went and how often they err."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from fooling.findings.columns import CLASSIFIER
from fooling.findings.intervals import IntervalSettings, estimated_mean, share_of_images
from fooling.table import COUNT, NOT_NEGATIVE, SHARE, TEXT, Column, Table, bounds, one_of, or_nothing, with_bounds

TRAINING = Table(
    name="training",
    path="findings/training.csv",
    commands=("describe-classifiers",),
    columns=(
        CLASSIFIER,
        Column("iteration", COUNT, unit="iterations", doc="Iterations made at the end of the epoch."),
        Column("train_loss", NOT_NEGATIVE, unit="nats", doc="Mean loss of the batches of the epoch."),
        Column("test_error", SHARE, doc="Share of the test images that are misclassified after the epoch."),
    ),
    key=("classifier", "iteration"),
    may_be_empty=True,
    doc="One row for each classifier and epoch of its training; an imported network has none.",
)
DATASET = Column("dataset", TEXT, doc="Name of the data set of the classifier.")
ARCHITECTURE = Column("architecture", TEXT, doc="Name of its architecture.")
CLASSIFIERS = Table(
    name="classifiers",
    path="findings/classifiers.csv",
    commands=("describe-classifiers",),
    columns=(
        *(CLASSIFIER, DATASET, ARCHITECTURE),
        Column(
            "crop",
            COUNT.or_nothing,
            unit="pixels",
            doc="Side of the square of an image that the classifier sees; empty for the whole image.",
        ),
        Column("views", one_of("centre", "ten"), doc="`centre` crop, or `ten` crops whose probabilities are averaged."),
        *or_nothing(
            Column("seed", COUNT, doc="Seed of its training."),
            Column("iterations", COUNT, unit="iterations", doc="Length of its training."),
            doc="empty for an imported network.",
        ),
        Column("test_images", COUNT, unit="images", doc="Number of test images behind the errors."),
        *with_bounds(
            Column(
                "test_error",
                SHARE,
                doc="Share of the test images that are misclassified; the bounds are Wilson's. It is always that of "
                "the centre crop alone, as published errors are.",
            ),
            always=True,
        ),
        *with_bounds(
            Column(
                "top5_error",
                SHARE.or_nothing,
                doc="Share of the test images whose class is not among the five most probable ones; empty with five "
                "classes or fewer.",
            )
        ),
        *or_nothing(
            Column(
                "published_error",
                SHARE,
                doc="Test error that others have published for the same weights, on images that may differ.",
            ),
            Column("published_top5_error", SHARE, doc="Top-5 error from the same source."),
            Column("published_source", TEXT, doc="Source of the published errors."),
            doc="empty where nothing is known.",
        ),
    ),
    key=("classifier",),
    doc="One row for each classifier.",
)
TEST_ERRORS = Table(
    name="test_errors",
    path="findings/test_errors.csv",
    commands=("describe-classifiers",),
    columns=(
        *(DATASET, ARCHITECTURE),
        Column("networks", COUNT, doc="Number of classifiers of this data set and architecture."),
        Column("mean", SHARE, doc="Their mean test error; the interval is Student's t, for three classifiers or more."),
        *bounds(SHARE),
    ),
    key=("dataset", "architecture"),
    doc="One row for each data set and architecture: the mean test error over its classifiers.",
)


def training_table(headers: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row for each network and epoch; ``headers`` are those of classifier files. Imported networks have none."""
    rows = [
        {"classifier": header["name"], **epoch}
        for header in headers
        for epoch in header["provenance"].get("history", [])
    ]
    return pd.DataFrame(rows, columns=TRAINING.names)


def networks_table(headers: Iterable[Mapping[str, Any]], *, settings: IntervalSettings) -> pd.DataFrame:
    """One row for each network: what it is and sees, and its errors beside published ones, if any are known.

    An imported network has neither seed nor iterations; one of five classes or fewer has no error among the first five.
    """
    table = pd.DataFrame([_network_row(header, settings) for header in headers], columns=CLASSIFIERS.names)
    return table.astype(dict.fromkeys(("crop", "seed", "iterations"), "Int64"))


def _network_row(header: Mapping[str, Any], settings: IntervalSettings) -> dict[str, Any]:
    provenance = header["provenance"]
    published = provenance.get("published") or {}
    row = {
        "classifier": header["name"],
        "dataset": provenance["dataset"]["name"],
        "architecture": header["architecture"],
        "crop": header["input"]["crop"],
        "views": header["input"]["views"],
        "published_error": published.get("test_error"),
        "published_top5_error": published.get("top5_error"),
        "published_source": published.get("source"),
        **{key: provenance.get(key) for key in ("seed", "iterations", "test_images", "test_error", "top5_error")},
    }
    for error in ("test_error", "top5_error"):
        if row[error] is not None:
            low, high = share_of_images(row[error], row["test_images"], level=settings.confidence_level)
            row |= {f"{error}_low": low, f"{error}_high": high}
    return row


def errors_table(networks: pd.DataFrame, *, settings: IntervalSettings) -> pd.DataFrame:
    """The mean test error for each data set and architecture, with its t interval over the ``networks``."""
    rows = []
    for (dataset, architecture), group in networks.groupby(["dataset", "architecture"]):
        values = group["test_error"].to_numpy(dtype=float)[:, None]
        errors = estimated_mean(values, level=settings.confidence_level, nested=True, within=(0, 1))
        rows.append((dataset, architecture, errors.units, errors.value, errors.low, errors.high))
    return pd.DataFrame(rows, columns=TEST_ERRORS.names)
