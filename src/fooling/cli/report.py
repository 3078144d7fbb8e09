"""The report of a study: one HTML page."""

from __future__ import annotations

import os.path
from pathlib import Path

from fooling.artifacts import read_json, read_table, read_tables, write_text
from fooling.claims.judgements import CLAIMS
from fooling.cli._named_files import read_named_runs, single_file, table_files
from fooling.findings.examination import EXAMINED
from fooling.findings.runs import CHAMPIONS, ThresholdSettings
from fooling.images import read_png
from fooling.progress import say
from fooling.report.gallery import gallery
from fooling.report.page import page
from fooling.report.run_info import RunInformation
from fooling.report.summary import summarise_experiment
from fooling.schemas import checked_header
from fooling.settings import checked_settings

PANEL = "Report"


def report(
    *,
    study: str,
    tables: list[str],
    figures: list[Path],
    run_info: Path,
    deviations: str,
    threshold: float,
    output: Path,
    runs: list[str] | None = None,
) -> None:
    """Write the whole study as one HTML page that needs no other file and no network.

    The galleries show ``runs`` in the order given.

    Args:
        study: Name of the study.
        tables: A table to show, as name=path: `claims`, `champions` of each experiment to summarise, and `examined`;
            give the option once for each file.
        runs: A run whose images are shown, as experiment=path.
        figures: PNG files of the figures to show.
        run_info: How the study was run: the file that `run-info` wrote.
        deviations: Page that lists where the study departs from the paper; the report links to it.
        threshold: Confidence from which a champion is counted as fooling the network.
        output: HTML file to write.
    """
    checked_settings(ThresholdSettings, {"threshold": threshold}, source="--threshold")
    given = table_files(tables, CLAIMS, CHAMPIONS, EXAMINED)
    table = read_tables(given[EXAMINED.name], EXAMINED)
    galleries = [gallery(experiment, records, table) for experiment, records in read_named_runs(runs or []).items()]
    written = page(
        study=study,
        claims=read_table(single_file(given[CLAIMS.name], CLAIMS), CLAIMS),
        experiments=[
            summarise_experiment(read_table(path, CHAMPIONS), threshold=threshold) for path in given[CHAMPIONS.name]
        ],
        galleries=galleries,
        figures={path.stem: read_png(path) for path in figures},
        information=checked_header(RunInformation, read_json(run_info), source=run_info).model_dump(),
        threshold=threshold,
        deviations=deviations if "://" in deviations else Path(os.path.relpath(deviations, output.parent)).as_posix(),
    )
    write_text(output, written)
    say(f"{len(galleries)} galleries and {len(figures)} figures on one page of {len(written) / 1e6:.1f} MB: {output}")
