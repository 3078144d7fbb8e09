"""The metrics of a study."""

from __future__ import annotations

from pathlib import Path

from fooling.artifacts import read_table, write_json, write_tables
from fooling.claims.judgements import CLAIMS
from fooling.claims.verdicts import scoreboard
from fooling.cli._files import single_file, table_files
from fooling.errors import FoolingError
from fooling.findings.classifiers import CLASSIFIERS
from fooling.findings.runs import CHAMPIONS, CURVES, HISTORY, ThresholdSettings, curve, metrics
from fooling.progress import say
from fooling.settings import read_settings

PANEL = "Report"


def summarise(
    *,
    tables: list[str],
    settings: str = "{}",
    output: Path,
    curves: list[Path],
) -> None:
    """Summarise a study in a few numbers, by which its versions are compared.

    Write the metrics as JSON, and for every history a curve of the confidence over the generations.

    Args:
        tables: A table of the study, as name=path: `classifiers`, `champions`, `history` and `claims`; give the option
            once for each file.
        settings: The threshold: one JSON object, or a YAML file that holds it.
        output: Metrics to write, as JSON.
        curves: Curve of the confidence over the generations to write as CSV; once for each history, in order.
    """
    given = table_files(tables, CLASSIFIERS, CHAMPIONS, HISTORY, CLAIMS)
    history = given[HISTORY.name]
    if len(curves) != len(history):
        raise FoolingError("every history gives one curve", found=f"{len(history)} histories, {len(curves)} curves")
    threshold = read_settings(ThresholdSettings, settings).threshold
    found = metrics(
        read_table(single_file(given[CLASSIFIERS.name], CLASSIFIERS), CLASSIFIERS),
        [read_table(path, CHAMPIONS) for path in given[CHAMPIONS.name]],
        scoreboard(read_table(single_file(given[CLAIMS.name], CLAIMS), CLAIMS)),
        threshold=threshold,
    )
    drawn = [curve(read_table(path, HISTORY)) for path in history]
    write_tables(*((path, table, CURVES) for table, path in zip(drawn, curves, strict=True)))
    write_json(output, found)
    say(f"{len(found['test_error'])} networks, {len(found['champions'])} experiments; written to {output}")
