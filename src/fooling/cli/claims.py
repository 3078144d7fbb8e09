"""Judge the claims of the paper by what the study found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from fooling.artifacts import read_table, write_table, write_text
from fooling.columns import Form, require_unique_rows
from fooling.findings.claims import Claims, claims_table, judged_claims
from fooling.findings.claims_page import claims_page
from fooling.findings.forms import CLASSIFIERS, EXAMINED, HISTORY, START, TIMES
from fooling.findings.measurement import MeasurementSettings, Tables
from fooling.progress import say
from fooling.settings import read_settings


def claims(
    *,
    declared: Path,
    networks: Path,
    history: list[Path],
    times: list[Path],
    start: list[Path],
    examined: list[Path],
    settings: str,
    table: Path,
    page: Path,
) -> None:
    """Write the table of the claims that ``declared`` names, with our numbers and a verdict each."""
    checked = read_settings(MeasurementSettings, settings)
    asked = read_settings(Claims, str(declared))
    tables = Tables(
        networks=read_table(networks, CLASSIFIERS),
        history=_by_experiment(history, HISTORY, asked.experiments),
        times=_by_experiment(times, TIMES, asked.experiments),
        start=_by_experiment(start, START, asked.experiments),
        examined=_by_experiment(examined, EXAMINED, asked.experiments),
    )
    judgements = judged_claims(asked, tables, checked)
    told = claims_page(judgements, confidence_level=checked.confidence_level)
    write_table(table, claims_table(judgements))
    write_text(page, told)
    found = Counter(str(judgement.verdict) for judgement in judgements)
    say(f"{', '.join(f'{count} {verdict}' for verdict, count in found.items())}; written to {page}")


def _by_experiment(paths: Sequence[Path], form: Form, wanted: set[str]) -> dict[str, pd.DataFrame]:
    """The rows of the wanted experiments; only those are kept in memory."""
    tables = (read_table(path, form) for path in paths)
    kept = [table[table["experiment"].isin(wanted)] for table in tables]
    whole = pd.concat(kept, ignore_index=True) if kept else pd.DataFrame({"experiment": []})
    if kept:
        require_unique_rows(whole, form, source=" and ".join(map(str, paths)))
    return {str(name): rows for name, rows in whole.groupby("experiment")}
