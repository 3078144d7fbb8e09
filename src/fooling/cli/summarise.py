"""Sum a study up in a few numbers, by which its versions are compared."""

from __future__ import annotations

from pathlib import Path

from fooling.artifacts import read_table, write_json, write_tables
from fooling.claims.judgements import CLAIMS
from fooling.claims.scoreboard import scoreboard
from fooling.errors import FoolingError
from fooling.findings.networks import CLASSIFIERS
from fooling.findings.summary import CURVES, curve, metrics
from fooling.findings.tables import CHAMPIONS, HISTORY, ThresholdSettings
from fooling.progress import say
from fooling.settings import read_settings


def summarise(
    *,
    networks: Path,
    champions: list[Path],
    history: list[Path],
    claims: Path,
    settings: str,
    output: Path,
    curves: list[Path],
) -> None:
    """Write the metrics as JSON, and for every history a curve of the confidence over the generations.

    Args:
        networks: Table of networks, from `describe-classifiers`.
        champions: Tables of champions, from `tabulate`; give the option once for each.
        history: Tables of history, from `tabulate`; give the option once for each.
        claims: Table of the judged claims.
        settings: The threshold: one JSON object, or a YAML file that holds it.
        output: Metrics to write, as JSON.
        curves: Curve of the confidence over the generations to write as CSV; once for each history, in order.
    """
    if len(curves) != len(history):
        raise FoolingError("every history gives one curve", found=f"{len(history)} histories, {len(curves)} curves")
    threshold = read_settings(ThresholdSettings, settings).threshold
    found = metrics(
        read_table(networks, CLASSIFIERS),
        [read_table(path, CHAMPIONS) for path in champions],
        scoreboard(read_table(claims, CLAIMS)),
        threshold=threshold,
    )
    drawn = [curve(read_table(path, HISTORY)) for path in history]
    write_tables(*((path, table, CURVES) for table, path in zip(drawn, curves, strict=True)))
    write_json(output, found)
    say(f"{len(found['test_error'])} networks, {len(found['champions'])} experiments; written to {output}")
