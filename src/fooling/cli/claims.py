"""Judge the claims of a study, and summarise it in its metrics."""

from __future__ import annotations

from collections.abc import Container, Sequence
from pathlib import Path

import pandas as pd

from fooling.artifacts import read_json, read_table, read_tables, write_json, write_table, write_tables, write_text
from fooling.attacks.evolution.record import RunRecord, load_run
from fooling.claims.claim import JUDGING_CODE, Claims, Lock, Reserved, reserved_by
from fooling.claims.estimand import ContextSettings, Tables
from fooling.claims.judgements import CLAIMS, claims_table, judged_claims
from fooling.claims.page import claims_page
from fooling.claims.verdicts import headline_of_claims, scoreboard
from fooling.cli._files import open_classifier, require_sources, scorer, single_file, table_files
from fooling.findings.ablation import ABLATION
from fooling.findings.adversarial import ADVERSARIAL, ADVERSARIAL_TRANSFER
from fooling.findings.ancestry import ANCESTRY, LINEAGE, REPLAYS, LineageSettings, format_lineage, lineage_table
from fooling.findings.ascent import ASCENT, ASCENT_TIMES
from fooling.findings.boundary import BOUNDARY
from fooling.findings.calibration import OWN_LABELS, REAL, Network, labelled_table
from fooling.findings.classifiers import CLASSIFIERS
from fooling.findings.detectors import DETECTORS
from fooling.findings.distances import DISTANCES
from fooling.findings.examination import EXAMINED
from fooling.findings.far import RUBBISH
from fooling.findings.fooled_tables import FOOLED
from fooling.findings.hardening import HARDENED
from fooling.findings.label_only import LABEL_ONLY, LABEL_ONLY_TRANSFER
from fooling.findings.random_images import FAMILIES_TABLE, START
from fooling.findings.rays import RAY_SLOPES
from fooling.findings.registry import join_tables
from fooling.findings.retraining import RETRAINED, RETRAINING
from fooling.findings.runs import CHAMPIONS, CURVES, HISTORY, TIMES, ThresholdSettings, curve, metrics
from fooling.findings.stress import ROBUSTNESS, SUPERNORMAL
from fooling.findings.stronger_attacks import REFUSAL
from fooling.findings.transfer import (
    PAIR_PARTS,
    SHOWN,
    TRANSFER,
    TransferSettings,
    format_rate,
    joined_pairs,
    pairs_table,
    shown_table,
)
from fooling.findings.universal import UNIVERSAL, UNIVERSAL_LABELS, UNIVERSAL_TRANSFER
from fooling.fingerprint import fingerprint
from fooling.inputs import digest_of
from fooling.messages import FoolingError, say, share_percent
from fooling.settings import checked_settings, read_settings
from fooling.survey.accuracy import ACCURACY
from fooling.table import Table, require_unique_rows
from fooling.training.settings import PLAIN

PANEL = "Findings"

LOCK_DIGITS = 12  # of the SHA-256 by which a result names its lock


#: Tables of which a claim uses only the rows of its experiments, retrainings, or attacks.
OF_EXPERIMENTS = (
    *(HISTORY, TIMES, START, EXAMINED, TRANSFER, ANCESTRY, DISTANCES, ABLATION),
    *(ROBUSTNESS, SUPERNORMAL),
)
OF_RETRAININGS = (RETRAINED, RETRAINING, REFUSAL)
OF_ASCENTS = (ASCENT, ASCENT_TIMES)
OF_ADVERSARIALS = (ADVERSARIAL, ADVERSARIAL_TRANSFER)
OF_UNIVERSALS = (UNIVERSAL, UNIVERSAL_LABELS, UNIVERSAL_TRANSFER)
OF_LABELS = (LABEL_ONLY, LABEL_ONLY_TRANSFER)
#: Tables of which a claim uses the rows of its networks.
OF_NETWORKS = (FAMILIES_TABLE, BOUNDARY, RUBBISH, FOOLED, RAY_SLOPES, DETECTORS, HARDENED)


def claims(
    *,
    declared: Path,
    tables: list[str],
    lock: Path | None = None,
    settings: str = "{}",
    table: Path,
    page: Path,
) -> None:
    """Judge the claims of the paper by the results of the study.

    Write the table of the claims that ``declared`` names, each with the measured number and a verdict.

    Args:
        declared: YAML file that declares the claims.
        tables: A table of the study, as name=path, such as history=findings/history/direct.parquet; give the option
            once for each file. `classifiers` and `real` are needed, others where claims are about them.
        lock: Lock file that `freeze-claims` wrote before the runs.
        table: Table of the judged claims to write.
        page: Markdown page of the judged claims to write.
    """
    checked = read_settings(ContextSettings, settings)
    asked = read_settings(Claims, str(declared))
    of_parts = (*OF_EXPERIMENTS, *OF_RETRAININGS, *OF_ASCENTS, *OF_ADVERSARIALS, *OF_UNIVERSALS, *OF_LABELS)
    given = table_files(tables, CLASSIFIERS, REAL, *OF_NETWORKS, *of_parts, ACCURACY)
    found = {
        **{each.name: _rows_of(asked.experiments, given[each.name], each) for each in OF_EXPERIMENTS},
        **{
            each.name: _rows_of(asked.retrainings, given[each.name], each, column="retraining")
            for each in OF_RETRAININGS
        },
        **{each.name: _rows_of(asked.ascents, given[each.name], each) for each in OF_ASCENTS},
        **{
            each.name: _rows_of(asked.adversarials, given[each.name], each, column="attack") for each in OF_ADVERSARIALS
        },
        **{each.name: _rows_of(asked.universals, given[each.name], each, column="attack") for each in OF_UNIVERSALS},
        **{each.name: _rows_of(asked.label_only, given[each.name], each, column="attack") for each in OF_LABELS},
    }
    evidence = Tables(
        networks=_plain(read_table(single_file(given[CLASSIFIERS.name], CLASSIFIERS), CLASSIFIERS)),
        real=read_tables(given[REAL.name], REAL),
        families=_all_rows(given[FAMILIES_TABLE.name], FAMILIES_TABLE),
        people=_rows_of(asked.experiments, given[ACCURACY.name], ACCURACY, column="condition"),
        boundary=_all_rows(given[BOUNDARY.name], BOUNDARY),
        rubbish=_all_rows(given[RUBBISH.name], RUBBISH),
        fooled=_all_rows(given[FOOLED.name], FOOLED),
        ray_slopes=_all_rows(given[RAY_SLOPES.name], RAY_SLOPES),
        detectors=_all_rows(given[DETECTORS.name], DETECTORS),
        hardened=_all_rows(given[HARDENED.name], HARDENED),
        **found,
    )
    reserved = None if lock is None else _reserved(lock, asked)
    judgements = judged_claims(asked, evidence, checked, reserved=reserved)
    written = claims_table(judgements, lock="" if reserved is None else reserved.lock)
    write_table(table, written, CLAIMS)
    write_text(page, claims_page(judgements, confidence_level=checked.confidence_level))
    say(f"{headline_of_claims(written)} All {len(written)} claims: {page}")


def _plain(networks: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of networks whose training does not make them harder to fool: claims are about these."""
    return networks[networks["way"] == PLAIN]


def _all_rows(paths: Sequence[Path], table: Table) -> pd.DataFrame:
    """Return the rows of all files of a table; no rows and columns without files."""
    return read_tables(paths, table) if paths else pd.DataFrame()


def _reserved(lock: Path, declared: Claims) -> Reserved:
    """Return the claims that are unchanged since they were frozen in this lock."""
    frozen = checked_settings(Lock, read_json(lock), source=str(lock))
    return reserved_by(frozen, declared, estimands=fingerprint(JUDGING_CODE), name=digest_of(lock)[:LOCK_DIGITS])


def _rows_of(
    wanted: set[str], paths: Sequence[Path], table: Table, *, column: str = "experiment"
) -> dict[str, pd.DataFrame]:
    """Return the rows with wanted values in ``column``, by value; no other rows are kept in memory."""
    if not paths:
        return {}
    parts = (read_table(path, table) for path in paths)
    whole = pd.concat([part[part[column].isin(wanted)] for part in parts], ignore_index=True)
    require_unique_rows(whole, table, source=" and ".join(map(str, paths)))
    return {str(name): rows for name, rows in whole.groupby(column)}


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


def label_champions(
    classifiers: list[Path],
    *,
    runs: list[Path],
    output: Path,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Label champions with the networks on which they evolved, for `show-champions`.

    Args:
        classifiers: Classifier files of these networks.
        runs: Run files of one experiment; give the option once for each.
        output: Table of the champions with the labels of their own networks to write.
    """
    opened = [open_classifier(path, device=device, architecture=architecture) for path in classifiers]
    networks = [Network(name=each.name, architecture=each.architecture, confidences=scorer(each)) for each in opened]
    known = {digest_of(path) for path in classifiers}
    table = labelled_table((_evolved_on(known, load_run(path), classifiers) for path in runs), networks)
    write_table(output, table, OWN_LABELS)
    own = share_percent((table["source_label"] == table["class_index"]).mean())
    say(f"{len(table)} champions of {len(runs)} runs labelled, {own} with their class; written to {output}")


def show_champions(
    classifiers: list[Path],
    *,
    experiment: str,
    runs: list[Path],
    labelled: list[Path],
    settings: str = "{}",
    shown: Path,
    pairs: Path,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Show the champions of runs to some networks, as one part of what `join-transfer` joins.

    Args:
        classifiers: Classifier files of the networks that are shown the champions.
        experiment: Name of the experiment.
        runs: Run files on some networks, of each all or none, in the order of the networks; once for each.
        labelled: Tables with the labels of these champions, from `label-champions`; once for each.
        shown: Table of the images and the confidences of every network to write.
        pairs: Table of the pairs of networks to write.
    """
    checked = read_settings(TransferSettings, settings)
    labels = read_tables(labelled, OWN_LABELS)
    opened = [open_classifier(path, device=device, architecture=architecture) for path in classifiers]
    networks = [Network(name=each.name, architecture=each.architecture, confidences=scorer(each)) for each in opened]
    architectures = dict(zip(labels["source"], labels["architecture"], strict=True))
    architectures |= {network.name: network.architecture for network in networks}
    table = shown_table(map(load_run, runs), labels, networks, experiment=experiment)
    write_tables((shown, table, SHOWN), (pairs, pairs_table(table, architectures, checked), PAIR_PARTS))
    say(f"{experiment}: {len(runs)} runs shown to {len(networks)} networks; written to {shown}")


def join_transfer(shown: list[Path], *, pair_parts: list[Path], images: Path, pairs: Path) -> None:
    """Join the parts of an experiment that `show-champions` wrote, each for some networks.

    Args:
        shown: Tables of the images and confidences, in the order of the networks that were shown the images.
        pair_parts: Tables of the pairs of networks in the same parts; give the option once for each.
        images: Table of the images and the confidences of every network to write.
        pairs: Table of the pairs of networks to write.
    """
    summary = joined_pairs(read_tables(pair_parts, PAIR_PARTS))
    rows = join_tables(shown, images, SHOWN)
    write_table(pairs, summary, TRANSFER)
    experiment, networks = summary["experiment"].iloc[0], summary["target"].nunique()
    rate = format_rate(summary)
    say(f"{experiment}: {rows} rows of champions shown to {networks} networks, {rate}; written to {pairs}")


def join_lineage(
    ancestry: list[Path],
    *,
    replays: list[Path],
    experiment: str,
    settings: str = "{}",
    champions: Path,
    lineage: Path,
) -> None:
    """Join the parts of an experiment that `trace-lineage` wrote, each for some of its networks.

    Args:
        ancestry: Tables of what champions descend from, in the order of the names of their networks.
        replays: Tables of the measures of runs and replays; give the option once for each.
        experiment: Name of the experiment.
        champions: Table of what every champion descends from to write.
        lineage: Table of the experiment's measures, beside chance, to write.
    """
    checked = read_settings(LineageSettings, settings)
    measures = lineage_table(read_tables(replays, REPLAYS), settings=checked)
    join_tables(ancestry, champions, ANCESTRY)
    write_table(lineage, measures, LINEAGE)
    say(f"{experiment}: {format_lineage(measures)}; written to {lineage}")


def _evolved_on(known: Container[str], record: RunRecord, classifiers: Sequence[Path]) -> RunRecord:
    """Return a run on one of the ``known`` classifiers; raise :class:`FoolingError` for any other."""
    if record.classifier["sha256"] not in known:
        require_sources([record], classifiers)
    return record
