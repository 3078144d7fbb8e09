"""Judge the claims of the paper by what the study found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from fooling.artifacts import read_json, read_table, read_tables, write_table, write_text
from fooling.claims.claim import Claims
from fooling.claims.context import ContextSettings, Tables
from fooling.claims.freeze import ESTIMANDS, Lock, Reserved, reserved_by
from fooling.claims.judgements import CLAIMS, claims_table, judged_claims
from fooling.claims.page import claims_page
from fooling.claims.scoreboard import headline_of_claims
from fooling.findings.ablation import ABLATION
from fooling.findings.ancestry import ANCESTRY
from fooling.findings.ascent import ASCENT, ASCENT_TIMES
from fooling.findings.calibration import REAL
from fooling.findings.distances import DISTANCES
from fooling.findings.examination import EXAMINED
from fooling.findings.networks import CLASSIFIERS
from fooling.findings.refusal import REFUSAL
from fooling.findings.retraining import RETRAINED, RETRAINING
from fooling.findings.sampling import START
from fooling.findings.tables import HISTORY, TIMES
from fooling.findings.transfer import TRANSFER
from fooling.fingerprint import fingerprint
from fooling.inputs import digest_of
from fooling.progress import say
from fooling.settings import checked_settings, read_settings
from fooling.survey.accuracy import ACCURACY
from fooling.table import Table, require_unique_rows

LOCK_DIGITS = 12  # of the SHA-256 by which a result names its lock


def claims(
    *,
    declared: Path,
    networks: Path,
    history: list[Path],
    times: list[Path],
    start: list[Path],
    examined: list[Path],
    ancestry: list[Path],
    real: list[Path],
    distances: list[Path] | None = None,
    transfer: list[Path] | None = None,
    retrained: list[Path] | None = None,
    retraining: list[Path] | None = None,
    refusal: list[Path] | None = None,
    ascent: list[Path] | None = None,
    ascent_times: list[Path] | None = None,
    ablation: list[Path] | None = None,
    people: list[Path] | None = None,
    lock: Path | None = None,
    settings: str,
    table: Path,
    page: Path,
) -> None:
    """Write the table of the claims that ``declared`` names, with our numbers and a verdict each.

    Args:
        declared: YAML file that declares the claims.
        networks: Table of networks, from `describe-classifiers`.
        history: Tables of history, from `tabulate`; give the option once for each.
        times: Tables of times to the threshold, from `tabulate`; give the option once for each.
        start: Tables of single random images, from `sample-direct` or `sample-cppn`; once for each.
        examined: Tables of examined images, from `examine`; give the option once for each.
        ancestry: Tables of the champions' ancestry, from `trace-lineage`; give the option once for each.
        real: Tables of real test images, from `calibrate`; give the option once for each.
        distances: Tables of distances, from `measure-distances`; give the option once for each.
        transfer: Tables of pairs of networks, from `transfer`; give the option once for each.
        retrained: Tables of champions against retrained networks, from `tabulate-retraining`; once for each.
        retraining: Tables of retrained networks, from `tabulate-retraining`; once for each.
        refusal: Tables of networks at equal refusal rates, from `tabulate-refusal`; once for each.
        ablation: Tables of champions with elements removed, from `ablate`; give the option once for each.
        ascent: Table of the images of gradient ascents, from `tabulate-ascent`.
        ascent_times: Table of the evaluations that they took to the threshold, from `tabulate-ascent`.
        people: Table of how often people give the right answer, from `survey analyse`.
        lock: What was frozen before the runs, from `freeze-claims`.
        table: Table of the judged claims to write.
        page: The same as a page of Markdown to write.
    """
    checked = read_settings(ContextSettings, settings)
    asked = read_settings(Claims, str(declared))
    tables = Tables(
        networks=read_table(networks, CLASSIFIERS),
        history=_rows_of(asked.experiments, history, HISTORY),
        times=_rows_of(asked.experiments, times, TIMES),
        start=_rows_of(asked.experiments, start, START),
        examined=_rows_of(asked.experiments, examined, EXAMINED),
        real=read_tables(real, REAL),
        transfer=_rows_of(asked.experiments, transfer or [], TRANSFER),
        retrained=_rows_of(asked.retrainings, retrained or [], RETRAINED, column="retraining"),
        retraining=_rows_of(asked.retrainings, retraining or [], RETRAINING, column="retraining"),
        refusal=_rows_of(asked.retrainings, refusal or [], REFUSAL, column="retraining"),
        ancestry=_rows_of(asked.experiments, ancestry, ANCESTRY),
        distances=_rows_of(asked.experiments, distances or [], DISTANCES),
        ascent=_rows_of(asked.ascents, ascent or [], ASCENT),
        ascent_times=_rows_of(asked.ascents, ascent_times or [], ASCENT_TIMES),
        ablation=_rows_of(asked.experiments, ablation or [], ABLATION),
        people=_rows_of(asked.experiments, people or [], ACCURACY, column="condition"),
    )
    reserved = None if lock is None else _reserved(lock, asked)
    judgements = judged_claims(asked, tables, checked, reserved=reserved)
    written = claims_table(judgements, lock="" if reserved is None else reserved.lock)
    told = claims_page(judgements, confidence_level=checked.confidence_level)
    write_table(table, written, CLAIMS)
    write_text(page, told)
    say(f"{headline_of_claims(written)} All {len(written)} claims: {page}")


def _reserved(lock: Path, declared: Claims) -> Reserved:
    """The claims that stand as they were frozen in this lock."""
    frozen = checked_settings(Lock, read_json(lock), source=str(lock))
    return reserved_by(frozen, declared, estimands=fingerprint(ESTIMANDS), name=digest_of(lock)[:LOCK_DIGITS])


def _rows_of(
    wanted: set[str], paths: Sequence[Path], table: Table, *, column: str = "experiment"
) -> dict[str, pd.DataFrame]:
    """The rows of the wanted experiments, or what else the ``column`` names; only those are kept in memory."""
    if not paths:
        return {}
    parts = (read_table(path, table) for path in paths)
    whole = pd.concat([part[part[column].isin(wanted)] for part in parts], ignore_index=True)
    require_unique_rows(whole, table, source=" and ".join(map(str, paths)))
    return {str(name): rows for name, rows in whole.groupby(column)}
