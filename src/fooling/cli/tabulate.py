"""Turn the runs of one experiment into tables: champions, their history, and when they reached the threshold."""

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
    """Write the champions, the history and the times to the threshold of all ``runs``, controls included.

    Args:
        runs: Run files of one experiment, of all its networks, with their controls.
        experiment: Name of the experiment.
        settings: The threshold: one JSON object, or a YAML file that holds it.
        champions: Table of champions to write.
        history: Table of their history to write.
        times: Table of times to the threshold to write.
    """
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
