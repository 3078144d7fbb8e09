"""Show the whole study on one page that needs no other file and no network."""

from __future__ import annotations

import os.path
from pathlib import Path

from fooling.artifacts import read_json, read_table, read_tables, write_text
from fooling.claims.judgements import CLAIMS
from fooling.cli.named_runs import read_named_runs
from fooling.contents import checked_header
from fooling.findings.examination import EXAMINED
from fooling.findings.tables import CHAMPIONS, ThresholdSettings
from fooling.images import read_png
from fooling.progress import say
from fooling.report.gallery import gallery
from fooling.report.information import RunInformation
from fooling.report.page import page
from fooling.report.summary import summarised
from fooling.settings import checked_settings


def report(
    *,
    study: str,
    claims: Path,
    champions: list[Path],
    examined: list[Path],
    figures: list[Path],
    run_info: Path,
    deviations: str,
    threshold: float,
    output: Path,
    runs: list[str] | None = None,
) -> None:
    """Write the page; ``runs`` are ``experiment=path``, in the order in which the galleries show them.

    Args:
        study: Name of the study.
        claims: Table of the judged claims.
        champions: Tables of champions, one for each experiment to sum up.
        examined: Tables of what other networks and the training images say of the champions.
        runs: A run whose images are shown, as experiment=path.
        figures: PNG files of the figures to show.
        run_info: How the study was run: the file that `run-info` wrote.
        deviations: Page that lists where the study departs from the paper; the report links to it.
        threshold: Confidence from which a champion is counted as fooling the network.
        output: HTML file to write.
    """
    checked_settings(ThresholdSettings, {"threshold": threshold}, source="--threshold")
    table = read_tables(examined, EXAMINED)
    galleries = [gallery(experiment, records, table) for experiment, records in read_named_runs(runs or []).items()]
    written = page(
        study=study,
        claims=read_table(claims, CLAIMS),
        experiments=[summarised(read_table(path, CHAMPIONS), threshold=threshold) for path in champions],
        galleries=galleries,
        figures={path.stem: read_png(path) for path in figures},
        information=checked_header(RunInformation, read_json(run_info), source=run_info).model_dump(),
        threshold=threshold,
        deviations=deviations if "://" in deviations else Path(os.path.relpath(deviations, output.parent)).as_posix(),
    )
    write_text(output, written)
    say(f"{len(galleries)} galleries and {len(figures)} figures on one page of {len(written) / 1e6:.1f} MB: {output}")
