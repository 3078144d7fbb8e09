"""The quantities of claims that set evolved champions beside what nothing was selected in."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fooling.findings.ablation import CHAMPION, effect_of, estimated_over_champions
from fooling.findings.intervals import Estimate, run_grid
from fooling.findings.measurement import Measurement, NotRun


def distance_over_start(of: Measurement) -> Estimate:
    """Champions beside those of the random start of the same run, in pixels."""
    rows = of.of_experiment(of.tables.distances)
    start = np.median(run_grid(rows[rows["kind"] == "start"], "pixel_distance", within_run="image"), axis=2)
    if (start == 0).any():
        raise NotRun("the random start of a run consists of training images")
    return of.median_ratio(np.median(of.distances("pixel_distance"), axis=2) / start)


def copies_over_control_in_all(of: Measurement) -> Estimate:
    """Each champion's mean over all numbers of copies that it has to lose."""
    table = of.of_experiment(of.tables.ablation)
    removed = sorted(table.loc[table["removed"] > 0, "removed"].unique())
    if not removed:
        raise NotRun(f"no champion of {of.selection.experiment} has copies of anything")
    fill = str(of.selection.fill)
    curve = [effect_of(table, "change", fill=fill, kind="difference", removed=int(count)) for count in removed]
    values = pd.concat(curve).groupby(CHAMPION).mean()
    return estimated_over_champions(values, table, level=of.settings.confidence_level)
