"""Time to the threshold as censored data: runs that never get there within their budget count as just that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import scipy

from fooling.findings.columns import EXPERIMENT, RUNS, SEARCH, TARGET, UNITS
from fooling.findings.intervals import IntervalSettings, run_grid, share_bands
from fooling.table import COUNT, SHARE, Column, Table, bounds, names_of

_CURVE = (EXPERIMENT, SEARCH, TARGET)
SURVIVAL = Table(
    name="survival",
    path="findings/survival.csv",
    commands=("compare",),
    columns=(
        *_CURVE,
        Column("generation", COUNT, doc="Generation of the step."),
        Column(
            "evaluations",
            COUNT,
            unit="images",
            doc="Images scored at the step. The first row of a curve is time 0 with survival 1, the last one its end.",
        ),
        Column("survival", SHARE, doc="Share of the runs that have not reached the target."),
        *bounds(SHARE),
        Column("at_risk", COUNT, unit="runs", doc="Runs that have not reached the target just before the step."),
        *(UNITS, RUNS),
    ),
    key=("experiment", "search", "target", "evaluations"),
    doc="Kaplan-Meier curves, one row for each step: the share of the runs that have not reached the target yet.",
)


def survival_table(times: pd.DataFrame, *, settings: IntervalSettings) -> pd.DataFrame:
    """Kaplan-Meier curves: for each experiment, search and target the share of runs not there yet, step by step.

    ``times`` is the table of that name. Its runs are only ever censored at their end, which is the same for all runs
    of a curve, so that an interval at a step is that of a plain share.
    """
    curves = [_curve(runs, settings, names) for names, runs in _groups(times)]
    return pd.concat(curves, ignore_index=True)


def _groups(times: pd.DataFrame) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    for names, runs in times.groupby(names_of(_CURVE)):
        yield dict(zip(names_of(_CURVE), map(str, names), strict=True)), runs


def _curve(runs: pd.DataFrame, settings: IntervalSettings, names: dict[str, str]) -> pd.DataFrame:
    reached = runs["reached"].to_numpy(dtype=bool)
    evaluations = runs["evaluations"].to_numpy()
    data = scipy.stats.CensoredData.right_censored(evaluations, censored=~reached)
    curve = scipy.stats.ecdf(data).sf
    steps = curve.quantiles.astype(np.int64)  # every observed time, the end of censored runs among them
    never = np.where(reached, evaluations, np.inf)
    times = run_grid(runs.assign(time=never), "time")
    low, high = share_bands(times[:, :, None] > steps, level=settings.confidence_level)
    generation_of = dict(zip(evaluations.tolist(), runs["generation"].tolist(), strict=True))
    start: dict[str, Any] = {"generation": 0, "evaluations": 0, "survival": 1.0, "low": 1.0, "high": 1.0}
    table = pd.DataFrame(
        {
            "generation": [generation_of[step] for step in steps.tolist()],
            "evaluations": steps,
            "survival": curve.probabilities,
            "low": low,
            "high": high,
            "at_risk": [int((evaluations >= step).sum()) for step in steps],
        }
    )
    table = pd.concat([pd.DataFrame([start | {"at_risk": len(runs)}]), table], ignore_index=True)
    for position, (name, value) in enumerate(names.items()):
        table.insert(position, name, value)
    return table.assign(units=len(times), runs=len(runs))
