"""Tables of runs and gradient ascents, and comparisons of experiments and classifiers."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from fooling.artifacts import read_json, read_table, read_tables, write_table, write_tables
from fooling.attacks.evolution.record import load_run
from fooling.attacks.record import TargetedRecord, load_attack
from fooling.classifiers.header import classifier_header
from fooling.findings import audits as ranks
from fooling.findings.ablation import ABLATION, ABLATION_SUMMARY, ablation_summary
from fooling.findings.ancestry import (
    ANCESTRY,
    LINEAGE,
    REPLAYS,
    LineageSettings,
    ancestry_table,
    format_lineage,
    lineage_table,
    replays_table,
    traced,
)
from fooling.findings.ascent import (
    ASCENT,
    ASCENT_CURVES,
    ASCENT_EVALUATIONS,
    ASCENT_SWEEPS,
    ASCENT_TIMES,
    SEARCHES,
    AscentComparisonSettings,
    curves_of_ascents,
    curves_of_searches,
    evaluations_table,
    images_table,
    sweeps_table,
    times_of_ascents,
)
from fooling.findings.classifiers import (
    CLASSIFIERS,
    FOOLABILITY,
    TEST_ERRORS,
    TRAINING,
    FoolabilitySettings,
    errors_table,
    foolability_table,
    networks_table,
    training_table,
)
from fooling.findings.comparison import PRESETS, SURVIVAL, ComparisonSettings, presets_table, survival_table
from fooling.findings.examination import EXAMINED
from fooling.findings.intervals import IntervalSettings
from fooling.findings.runs import (
    CHAMPIONS,
    HISTORY,
    TIMES,
    ThresholdSettings,
    run_tables,
)
from fooling.findings.variance import (
    CLASS_SETS,
    SET_CLASSES,
    VARIANCE,
    ClassSetSettings,
    class_set_table,
    classes_table,
    variance_table,
)
from fooling.messages import FoolingError, percent, say, share_percent, short_percent
from fooling.schemas import checked_header
from fooling.settings import read_settings

PANEL = "Findings"


def describe_classifiers(
    classifiers: list[Path], *, settings: str = "{}", training: Path, networks: Path, errors: Path
) -> None:
    """List the networks with their training curves and test errors.

    Write also the mean test error of each architecture with its confidence interval.

    Args:
        classifiers: Classifier files.
        training: Table of training curves to write.
        networks: Table of networks to write.
        errors: Table of mean test errors to write.
    """
    checked = read_settings(IntervalSettings, settings)
    headers = [classifier_header(path) for path in classifiers]
    described, epochs = networks_table(headers, settings=checked), training_table(headers)
    means = errors_table(described, settings=checked)
    write_tables((training, epochs, TRAINING), (networks, described, CLASSIFIERS), (errors, means, TEST_ERRORS))
    listed = "; ".join(
        f"{row['architecture']} ({row['way']}) on {row['dataset']} {share_percent(row['mean'])}"
        for row in means.to_dict("records")
    )
    say(f"mean test error of {len(described)} networks: {listed}; written to {networks}")


def tabulate(
    runs: list[Path], *, experiment: str, settings: str = "{}", champions: Path, history: Path, times: Path
) -> None:
    """Tabulate the runs of one experiment: champions, history, times to the threshold.

    Controls are included.

    Args:
        runs: Run files of one experiment, of all its networks, with their controls.
        experiment: Name of the experiment.
        settings: The threshold: one JSON object, or a YAML file that holds it.
        champions: Table of champions to write.
        history: Table of their history to write.
        times: Table of times to the threshold to write.
    """
    checked = read_settings(ThresholdSettings, settings)
    at_the_end, over_time, reached = run_tables(map(load_run, runs), experiment=experiment, threshold=checked.threshold)
    write_tables((champions, at_the_end, CHAMPIONS), (history, over_time, HISTORY), (times, reached, TIMES))
    medians = reached[(reached["target"] == "median") & (reached["search"] == "map-elites")]
    threshold = short_percent(checked.threshold)
    say(
        f"{experiment}: {len(runs)} runs; evolution brought the median class to {threshold} in "
        f"{int(medians['reached'].sum())} of {len(medians)}; written to {champions.parent.parent}"
    )


def trace_lineage(
    runs: list[Path],
    *,
    experiment: str,
    settings: str = "{}",
    ancestry: Path,
    lineage: Path | None = None,
    replays: Path | None = None,
) -> None:
    """Trace champions back to the random start, and compare with random parents.

    Write what every champion descends from, and the measures of the experiment beside those of uniformly drawn
    parents. If the runs are only those on some of the networks, give --replays instead of --lineage: `join-lineage`
    joins such parts.

    Args:
        runs: Run files of evolution, of one experiment, without their controls; of each network all or none.
        experiment: Name of the experiment.
        ancestry: Table of what every champion descends from to write.
        lineage: Table of the experiment's measures, beside chance, to write.
        replays: Table of the measures of each run and of its replays to write.
    """
    if lineage is None and replays is None:
        raise FoolingError("a table is missing", found="no --lineage, no --replays", expected="one of them, or both")
    checked = read_settings(LineageSettings, settings)
    found = traced([load_run(path) for path in runs], settings=checked)
    champions = ancestry_table(found, experiment=experiment)
    measured = replays_table(found, experiment=experiment)
    whole = [] if lineage is None else [(lineage, lineage_table(measured, settings=checked), LINEAGE)]
    part = [] if replays is None else [(replays, measured, REPLAYS)]
    write_tables((ancestry, champions, ANCESTRY), *part, *whole)
    say(f"{experiment}: {len(champions)} champions of {len(found)} runs traced; written to {ancestry}")
    for path, table, _ in whole:
        say(f"{experiment}: {format_lineage(table)}; written to {path}")


def compare(times: list[Path], *, settings: str, survival: Path, presets: Path) -> None:
    """Compare how soon experiments reach the threshold.

    Write the Kaplan-Meier curves of all experiments, and the comparisons that the settings name.

    Args:
        times: Tables of times to the threshold, from `tabulate`.
        survival: Table of survival curves to write.
        presets: Table of mean times, differences and main effects to write.
    """
    checked = read_settings(ComparisonSettings, settings)
    table = read_tables(times, TIMES)
    curves, comparisons = survival_table(table, settings=checked), presets_table(table, settings=checked)
    write_tables((survival, curves, SURVIVAL), (presets, comparisons, PRESETS))
    never = table.loc[~table["reached"] & (table["search"] == "map-elites"), "target"].value_counts()
    say(
        f"runs of evolution that did not reach the threshold: {never.get('median', 0)} with the median class, "
        f"{never.get('all', 0)} with every class; written to {presets}"
    )


def compare_networks(*, history: list[Path], examined: list[Path], settings: str = "{}", output: Path) -> None:
    """Compare how easily networks are fooled, by every search in every experiment.

    Args:
        history: Tables of the history, from `tabulate`.
        examined: Tables of examined images, from `examine`.
        output: Table of the networks to write.
    """
    checked = read_settings(FoolabilitySettings, settings)
    table = foolability_table(read_tables(history, HISTORY), read_tables(examined, EXAMINED), checked)
    write_table(output, table, FOOLABILITY)
    evolved = table[table["search"] == "map-elites"].sort_values("area", ascending=False, kind="stable")
    for row in evolved.to_dict("records"):
        area, median = f"{row['area']:.4f}", percent(row["median"])
        say(f"{row['experiment']} on {row['classifier']}: area {area}, median confidence {median} at the end")
    say(f"written to {output}")


def compare_class_sets(champions: list[Path], *, settings: str = "{}", classes: Path, output: Path) -> None:
    """Compare how well networks are fooled in sets of classes and in all others.

    Args:
        champions: Tables of champions, from `tabulate`.
        classes: Table of the classes inside and outside of every set to write.
        output: Table of the comparisons to write.
    """
    checked = read_settings(ClassSetSettings, settings)
    of_classes = classes_table(read_tables(champions, CHAMPIONS), checked)
    found = class_set_table(of_classes, checked)
    write_tables((classes, of_classes, SET_CLASSES), (output, found, CLASS_SETS))
    for row in found[found["search"] == "map-elites"].to_dict("records"):
        inside, elsewhere = percent(row["median"]), percent(row["median_elsewhere"])
        where = f"{row['experiment']} on {row['classifier']}"
        say(f"{where}, median over {row['class_set']}: {inside}, over others: {elsewhere}")
    say(f"written to {output}")


def variance(champions: list[Path], *, output: Path) -> None:
    """Split the variance between champions into network, seed and class.

    Write the variance components of every experiment and search.

    Args:
        champions: Tables of champions, from `tabulate`.
        output: Table of the components to write.
    """
    table = variance_table(read_tables(champions, CHAMPIONS))
    write_table(output, table, VARIANCE)
    known = table[(table["search"] == "map-elites") & table["share"].notna()]
    largest = known.sort_values("share", kind="stable").groupby("experiment", sort=False).tail(1)
    shares = ", ".join(
        f"{row['experiment']}: {row['component']} {share_percent(row['share'])}" for row in largest.to_dict("records")
    )
    say(f"largest share of the variance: {shares or 'unknown'}; written to {output}")


def summarise_ablation(ablations: list[Path], *, settings: str = "{}", output: Path) -> None:
    """Summarise the effect of removing repeated elements, for every experiment.

    Write how many champions repeat elements, and what removals change, with confidence intervals over the runs.

    Args:
        ablations: Tables of champions with elements removed, from `ablate`.
        output: Table to write.
    """
    checked = read_settings(IntervalSettings, settings)
    summary = ablation_summary(read_tables(ablations, ABLATION), settings=checked)
    write_table(output, summary, ABLATION_SUMMARY)
    found = summary[summary["quantity"] == "share that repeats"]
    shares = ", ".join(f"{row['experiment']} {share_percent(row['value'])}" for row in found.to_dict("records"))
    say(f"champions that repeat elements: {shares}; written to {output}")


def tabulate_ascent(
    ascents: list[Path],
    *,
    history: list[Path],
    times: list[Path],
    settings: str = "{}",
    images: Path,
    ascent_times: Path,
    curves: list[Path],
    evaluations: Path,
    pilots: list[str] | None = None,
    sweeps: Path | None = None,
) -> None:
    """Tabulate gradient ascents, and compare them with the searches by evaluations.

    Args:
        history: Tables of history, from `tabulate`; give the option once for each.
        times: Tables of times to the threshold, from `tabulate`; give the option once for each.
        images: Table of the images of the ascents to write.
        ascent_times: Table of the evaluations of the ascents to the threshold to write.
        curves: Table of confidences over evaluations on one classifier, of ascents and searches, to write; once for
            each classifier, in the order of their names.
        evaluations: Table of median evaluations to the threshold to write.
        pilots: Gradient ascents on pilot networks, as sweep=path; give the option once for each.
        sweeps: Table of the settings tried on pilot networks to write.
    """
    checked = read_settings(AscentComparisonSettings, settings)
    records = [load_attack(path) for path in ascents]
    ascended = times_of_ascents(records, threshold=checked.threshold)
    searches = read_tables(times, TIMES)
    searched = searches.loc[searches["search"].isin(SEARCHES), ASCENT_TIMES.names]
    compared = pd.concat([ascended, searched], ignore_index=True)
    summary = evaluations_table(compared, settings=checked)
    over_time = [curves_of_ascents(records), *(curves_of_searches(read_table(path, HISTORY)) for path in history)]
    classifiers = sorted({record.classifier["name"] for record in records})
    if len(curves) != len(classifiers):
        found, expected = f"{len(curves)} tables", f"one for each of {', '.join(classifiers)}"
        raise FoolingError("--curves must be given once for each classifier", found=found, expected=expected)
    by_classifier = pd.concat(over_time, ignore_index=True).groupby("classifier")
    shown = images_table(records)
    tried = sweeps_table(_read_pilots(pilots or []), threshold=checked.threshold)
    write_tables(
        (images, shown, ASCENT),
        (ascent_times, ascended, ASCENT_TIMES),
        *((path, by_classifier.get_group(name), ASCENT_CURVES) for path, name in zip(curves, classifiers, strict=True)),
        (evaluations, summary, ASCENT_EVALUATIONS),
        *([] if sweeps is None else [(sweeps, tried, ASCENT_SWEEPS)]),
    )
    medians = ascended[ascended["target"] == "median"].groupby("experiment", sort=False)["reached"]
    reached = ", ".join(f"{name} in {int(there.sum())} of {len(there)}" for name, there in medians)
    threshold = short_percent(checked.threshold)
    say(f"gradient ascents that brought the median class to {threshold}: {reached}; written to {images}")


def _read_pilots(named: list[str]) -> dict[str, list[TargetedRecord]]:
    """Return the records of every sweep, given as ``sweep=path``."""
    found: dict[str, list[TargetedRecord]] = {}
    for text in named:
        sweep, separator, path = text.partition("=")
        if not (sweep and separator and path):
            raise FoolingError("--pilots needs sweep=path", found=text, expected="tuned=some/file.safetensors")
        found.setdefault(sweep, []).append(load_attack(Path(path)))
    return found


def tabulate_audits(audits: list[Path], *, seeds: Path, attacks: Path, output: Path) -> None:
    """Rank networks by their audits: how many classes each search fooled, for each seed and over the seeds.

    Args:
        audits: Files `audit.json` that `audit` wrote with one budget and one threshold, in the order of the networks.
        seeds: Table with one row for each search of each audit to write.
        attacks: Table with one row for each further attack of each audit to write, such as with labels alone.
        output: Table with one row for each network and search to write.
    """
    records = [checked_header(ranks.AuditRecord, read_json(path), source=path) for path in audits]
    ranking = ranks.audits_table(records)
    tried = (attacks, ranks.audit_attacks_table(records), ranks.AUDIT_ATTACKS)
    write_tables((seeds, ranks.audit_seeds_table(records), ranks.AUDIT_SEEDS), tried, (output, ranking, ranks.AUDITS))
    say(f"{len(records)} audits of {ranking['network'].nunique()} networks; written to {output}")
