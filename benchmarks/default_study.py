"""What the default study costs: the CPU time of its jobs, from their benchmark files beside the logs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

KEY = "default_study_cpu_s"
GOAL = 800.0  # CPU-seconds
LOGS = Path("logs/digits")
FINISHED = Path("results/digits/run-info.json")


def job_costs(logs: Path) -> pd.DataFrame:
    """Return the CPU time of each measured job below ``logs``: columns ``step`` (its folder) and ``cpu_seconds``.

    Snakemake writes NA for jobs that end before its first measurement; these are left out.
    """
    rows = []
    for path in sorted(logs.rglob("*.tsv")):
        cpu = pd.read_csv(path, sep="\t")["cpu_time"].dropna()
        step = path.relative_to(logs).parent.parts
        rows += [("/".join(step[:2]) or path.stem, float(seconds)) for seconds in cpu]
    return pd.DataFrame(rows, columns=["step", "cpu_seconds"])


def measured(folder: Path = Path(__file__).parents[1]) -> dict[str, Any]:
    """Return the figure ``KEY`` of a finished run in ``folder``, as JSON values."""
    figure = {"what": "CPU time of all jobs of the default study", "unit": "CPU-seconds"}
    goal = {"goal": GOAL, "goal_is": "at most"}
    if not (folder / FINISHED).is_file():
        reason = f"there is no finished default study ({FINISHED}): type make run first"
        return figure | goal | {"value": None, "met": None, "not_measured": reason}
    costs = job_costs(folder / LOGS)
    total = float(costs["cpu_seconds"].sum())
    by_step = costs.groupby("step")["cpu_seconds"].sum().sort_values(ascending=False)
    steps = {str(step): float(seconds) for step, seconds in by_step.items()}
    return figure | goal | {"value": total, "met": total <= GOAL, "jobs": len(costs), "steps": steps}
