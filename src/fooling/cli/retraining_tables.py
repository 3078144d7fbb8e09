"""Tables of retrainings: how easily the networks of each chain are fooled."""

from __future__ import annotations

from pathlib import Path

from fooling.artifacts import write_table, write_tables
from fooling.cli._chains import Chained, chained_runs
from fooling.findings.intervals import IntervalSettings
from fooling.findings.retraining import (
    EFFECTS,
    RETRAINED,
    RETRAINING,
    ChainNetwork,
    RetrainingFindingsSettings,
    effects_table,
    retrained_table,
    retraining_table,
)
from fooling.findings.stronger_attacks import BUDGET, LastNetwork, budget_table, record_at
from fooling.progress import say
from fooling.settings import read_settings


def tabulate_retraining(
    classifiers: list[Path],
    *,
    runs: list[Path],
    retraining: str,
    measured_runs: int,
    settings: str,
    champions: Path,
    networks: Path,
    effects: Path,
    generations: int | None = None,
) -> None:
    """Tabulate how easily retrained networks are fooled, and whether it gets harder.

    The first ``measured_runs`` of the runs against each network count.

    Args:
        classifiers: Classifier files: all networks of all chains, the first ones included.
        runs: Files of runs against them, in the order in which they were made; give the option once for each.
        retraining: Name of the retraining.
        measured_runs: How many runs against each network count, from the first one.
        generations: Generation at which longer runs are read; default: the last one.
        champions: Table of the champions of these runs to write.
        networks: Table of the networks to write.
        effects: Table of the differences between the chains and their controls to write.
    """
    checked = read_settings(RetrainingFindingsSettings, settings)
    found = [_chain_network(chained, generations) for chained in chained_runs(classifiers, runs, measured_runs)]
    table = retrained_table(found, retraining=retraining, threshold=checked.threshold)
    summary, differences = retraining_table(table, found, checked), effects_table(table, checked)
    write_tables((champions, table, RETRAINED), (networks, summary, RETRAINING), (effects, differences, EFFECTS))
    last = summary[summary["number"] == summary["number"].max()]
    medians = "; ".join(f"filled with {row.filled_with}: median {row.median:.4f}" for row in last.itertuples())
    say(f"{retraining}, network {int(last['number'].iloc[0])}, {medians}; written to {networks}")


def _chain_network(chained: Chained, generations: int | None) -> ChainNetwork:
    place = chained.header["provenance"]["retraining"] or {}
    return ChainNetwork(
        first=chained.first,
        filled_with=chained.filled_with,
        number=chained.number,
        test_error=chained.header["provenance"]["test_error"],
        fooling_images=place.get("fooling_images", 0),
        recognised={source["supplied_by"]: source["share"] for source in place.get("recognised", ())},
        records=[record if generations is None else record_at(record, generations) for record in chained.records],
    )


def tabulate_budget(
    classifiers: list[Path], *, runs: list[Path], retraining: str, measured_runs: int, settings: str, output: Path
) -> None:
    """Tabulate the confidence on the last network of each chain over the evaluations.

    The first ``measured_runs`` of the runs against each network count.

    Args:
        classifiers: Classifier files: the last networks of all chains.
        runs: Files of runs against them, in the order in which they were made; give the option once for each.
        retraining: Name of the retraining.
        measured_runs: How many runs against each network count, from the first one.
        output: Table to write.
    """
    checked = read_settings(IntervalSettings, settings)
    found = [
        LastNetwork(first=each.first, filled_with=each.filled_with, number=each.number, records=each.records)
        for each in chained_runs(classifiers, runs, measured_runs)
    ]
    table = budget_table(found, retraining=retraining, settings=checked)
    write_table(output, table, BUDGET)
    say(f"{retraining}: {len(found)} networks up to generation {table['generation'].max()}; written to {output}")
