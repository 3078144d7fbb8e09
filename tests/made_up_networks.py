"""What files of networks say of themselves, made up."""

from __future__ import annotations

from typing import Any

import pandas as pd

from fooling.findings.classifiers import networks_table
from fooling.findings.intervals import IntervalSettings


def made_up_header(
    name: str, *, dataset: str = "mnist", architecture: str = "lenet", **provenance: Any
) -> dict[str, Any]:
    """The header of a network that sees whole images; ``provenance`` says more of it than how often it errs."""
    told = {"dataset": {"name": dataset, "sha256": "0"}, "test_error": 0.01, "top5_error": 0.002, "test_images": 10_000}
    seen = {"shape": (1, 28, 28), "crop": None, "views": "centre"}
    return {"name": name, "architecture": architecture, "input": seen, "provenance": {**told, **provenance}}


def made_up_networks(*headers: dict[str, Any]) -> pd.DataFrame:
    """The table of networks with these ``headers``."""
    return networks_table(headers, settings=IntervalSettings())
