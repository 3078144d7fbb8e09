"""Judge the claims of the paper by what the study found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from fooling.artifacts import read_table, write_table, write_text
from fooling.findings.claims import Claims, claims_table, judged_claims
from fooling.findings.claims_page import claims_page
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
        networks=read_table(networks),
        history=_by_experiment(history, asked.experiments),
        times=_by_experiment(times, asked.experiments),
        start=_by_experiment(start, asked.experiments),
        examined=_by_experiment(examined, asked.experiments),
    )
    judgements = judged_claims(asked, tables, checked)
    write_table(table, claims_table(judgements))
    write_text(page, claims_page(judgements, confidence_level=checked.confidence_level))
    found = Counter(str(judgement.verdict) for judgement in judgements)
    say(f"{', '.join(f'{count} {verdict}' for verdict, count in found.items())}; written to {page}")


def _by_experiment(paths: Iterable[Path], wanted: set[str]) -> dict[str, pd.DataFrame]:
    """The rows of the wanted experiments; only those are kept in memory."""
    tables = (read_table(path, columns=("experiment",)) for path in paths)
    kept = [table[table["experiment"].isin(wanted)] for table in tables]
    whole = pd.concat(kept, ignore_index=True) if kept else pd.DataFrame({"experiment": []})
    return {str(name): rows for name, rows in whole.groupby("experiment")}
