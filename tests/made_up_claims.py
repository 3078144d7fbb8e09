"""Made-up claims, and made-up runs that judge them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from fooling.claims.claim import Claims
from fooling.claims.estimand import Tables
from fooling.findings.runs import history_table, times_table
from fooling.settings import checked_settings
from made_up_run import made_up_run

CLAIM: dict[str, Any] = {
    "id": "median",
    "where": "Fig. 4",
    "claim": "The median is 99.99 %.",
    "kind": "stated by the paper",
    "declared": "2026-11-22",
    "dataset": "mnist",
    "shown_on": "digits",
    "estimand": "median-of-runs",
    "experiment": "direct",
    "generation": 1,
    "paper": 0.9999,
    "source_status": "F",
    "comparison": "at-least",
    "threshold": 0.9999,
    "null_value": 0.5,
    "minimum": 5,
    "unit": "probability",
}


def claims_of(*changes: dict[str, Any], families: list[dict[str, str]] | None = None) -> Claims:
    """Claims that differ from ``CLAIM`` in these fields."""
    values = {"families": families or [], "claims": [CLAIM | change for change in changes]}
    return checked_settings(Claims, values, source="test")


def judging_study(
    confidence: float,
    *,
    dataset: str = "mnist",
    networks: int = 6,
    seeds: int = 6,
    scatter: float = 0.0,
    first_seed: int = 1,
    search: str = "map-elites",
) -> Tables:
    """Networks whose champions all have this confidence at the end."""
    generator = np.random.default_rng(0)
    names = [f"lenet-{index}" for index in range(networks)]
    records = []
    for name in names:
        for seed in range(first_seed, first_seed + seeds):
            end = np.clip(confidence + scatter * generator.normal(size=3), 0, 1)
            records.append(made_up_run(np.array([[0.5] * 3, end]), classifier=name, seed=seed, search=search))
    table = {"classifier": names, "seed": range(first_seed, first_seed + networks), "dataset": dataset}
    return Tables(
        networks=pd.DataFrame(table).assign(architecture="lenet", test_error=0.01),
        history={"direct": history_table(records, experiment="direct")},
        times={"direct": times_table(records, experiment="direct", threshold=0.9999)},
        start={},
        examined={},
    )
