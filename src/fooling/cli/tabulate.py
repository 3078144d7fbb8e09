"""Turn the runs of one experiment into the tables that figures and claims are drawn from."""

from __future__ import annotations

from pathlib import Path

from fooling.artifacts import write_tables
from fooling.evolution.record import load_run
from fooling.findings.tables import (
    CHAMPIONS,
    HISTORY,
    TIMES,
    ThresholdSettings,
    champions_table,
    history_table,
    times_table,
)
from fooling.progress import say
from fooling.settings import read_settings


def tabulate(runs: list[Path], *, experiment: str, settings: str, champions: Path, history: Path, times: Path) -> None:
    """Write the champions, the history and the times to the threshold of all ``runs``, controls included."""
    checked = read_settings(ThresholdSettings, settings)
    records = [load_run(path) for path in runs]
    reached = times_table(records, experiment=experiment, threshold=checked.threshold)
    at_the_end, over_time = (table(records, experiment=experiment) for table in (champions_table, history_table))
    write_tables((champions, at_the_end, CHAMPIONS), (history, over_time, HISTORY), (times, reached, TIMES))
    medians = reached[(reached["target"] == "median") & (reached["search"] == "map-elites")]
    say(
        f"{experiment}: {len(records)} runs; evolution brought the median class to {checked.threshold} in "
        f"{int(medians['reached'].sum())} of {len(medians)}; written to {champions.parent.parent}"
    )
