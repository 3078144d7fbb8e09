"""The networks of a study as tables: how their training went and how often they err."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from fooling.findings.intervals import IntervalSettings, estimated_mean, share_of_images

TRAINING = ["classifier", "iteration", "train_loss", "test_error"]
NETWORKS = [
    *("classifier", "dataset", "architecture", "crop", "views", "seed", "iterations", "test_images"),
    *("test_error", "test_error_low", "test_error_high", "top5_error", "top5_error_low", "top5_error_high"),
    *("published_error", "published_top5_error", "published_source"),
]
ERRORS = ["dataset", "architecture", "networks", "mean", "low", "high"]


def training_table(headers: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row for each network and epoch; ``headers`` are those of classifier files. Imported networks have none."""
    rows = [
        {"classifier": header["name"], **epoch}
        for header in headers
        for epoch in header["provenance"].get("history", [])
    ]
    return pd.DataFrame(rows, columns=TRAINING)


def networks_table(headers: Iterable[Mapping[str, Any]], *, settings: IntervalSettings) -> pd.DataFrame:
    """One row for each network: what it is and sees, and its errors beside published ones, if any are known.

    An imported network has neither seed nor iterations; one of five classes or fewer has no error among the first five.
    """
    table = pd.DataFrame([_network_row(header, settings) for header in headers], columns=NETWORKS)
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
    return pd.DataFrame(rows, columns=ERRORS)
