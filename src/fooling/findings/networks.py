"""The networks of a study as tables: how their training went and how often they err."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from fooling.findings.intervals import IntervalSettings, estimated_mean_of_networks

TRAINING = ["classifier", "iteration", "train_loss", "test_error"]
NETWORKS = ["classifier", "dataset", "architecture", "seed", "iterations", "test_error", "test_images"]
ERRORS = ["dataset", "architecture", "networks", "mean", "low", "high"]


def training_table(headers: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row for each network and epoch; ``headers`` are those of classifier files. Imported networks have none."""
    rows = [
        {"classifier": header["name"], **epoch}
        for header in headers
        for epoch in header["provenance"].get("history", [])
    ]
    return pd.DataFrame(rows, columns=TRAINING)


def networks_table(headers: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row for each network; an imported one has neither seed nor iterations."""
    rows = []
    for header in headers:
        provenance = header["provenance"]
        rows.append(
            {
                "classifier": header["name"],
                "dataset": provenance["dataset"]["name"],
                "architecture": header["architecture"],
                "seed": provenance.get("seed"),
                "iterations": provenance.get("iterations"),
                "test_error": provenance["test_error"],
                "test_images": provenance["test_images"],
            }
        )
    return pd.DataFrame(rows, columns=NETWORKS).astype({"seed": "Int64", "iterations": "Int64"})


def errors_table(networks: pd.DataFrame, *, settings: IntervalSettings) -> pd.DataFrame:
    """The mean test error for each data set and architecture, with its t interval over the ``networks``."""
    rows = []
    for (dataset, architecture), group in networks.groupby(["dataset", "architecture"]):
        errors = estimated_mean_of_networks(group["test_error"].to_numpy(dtype=float), settings=settings)
        rows.append((dataset, architecture, errors.n, errors.value, errors.low, errors.high))
    return pd.DataFrame(rows, columns=ERRORS)
