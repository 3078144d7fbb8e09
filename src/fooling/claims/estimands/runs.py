"""Estimands of classifiers, runs and their champions, single images, gradient ascent, people, and ablation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fooling.claims.estimand import Context, NotRun, estimand
from fooling.findings.ablation import CHAMPION, estimated_over_champions, removal_effect, share_repeating
from fooling.findings.intervals import (
    Estimate,
    estimated_mean,
    estimated_median,
    estimated_ratio,
    estimated_time,
    estimated_time_ratio,
    log_odds_of,
    probability_of,
)
from fooling.findings.runs import at_threshold


@estimand(
    "mean over the classifiers of their error on all test images",
    needs=("architecture",),
)
def mean_test_error(context: Context) -> Estimate:
    """One value for each classifier."""
    errors = context.networks()["test_error"].to_numpy(dtype=float)[:, None]
    return estimated_mean(errors, level=context.settings.confidence_level, nested=True, within=(0, 1))


@estimand(
    "median over the runs of each run's median confidence over the classes, averaged over classifiers",
    needs=("experiment", "generation"),
    takes=("search", "classes"),
)
def median_of_runs(context: Context) -> Estimate:
    """First reading of a median confidence."""
    return context.median_confidence(np.median(context.history("log_odds"), axis=2))


@estimand(
    "median over the classes of each class's median confidence over the runs, averaged over classifiers",
    needs=("experiment", "generation"),
    takes=("search", "classes"),
)
def median_of_classes(context: Context) -> Estimate:
    """Second reading of a median confidence."""
    return context.median_confidence(context.history("log_odds"), lambda runs: np.median(np.median(runs, axis=0)))


@estimand(
    "median confidence of the champions of all runs and classes pooled, averaged over classifiers",
    needs=("experiment", "generation"),
    takes=("search", "classes"),
)
def pooled_median(context: Context) -> Estimate:
    """Third reading of a median confidence."""
    return context.median_confidence(context.history("log_odds"))


@estimand(
    "share of the champions of all runs and classes that are at or above the threshold",
    needs=("experiment", "generation"),
    takes=("search", "classes"),
)
def share_of_classes_at_threshold(context: Context) -> Estimate:
    """Champions that count as fooling images."""
    return context.share(at_threshold(context.history("confidence"), context.settings.threshold))


@estimand(
    "share of the champions of all runs and classes with a confidence of at least {level}",
    needs=("experiment", "generation", "level"),
    takes=("search", "classes"),
)
def share_of_classes_at_level(context: Context) -> Estimate:
    """Champions at or above the confidence level of the claim."""
    assert context.filter.level is not None
    return context.share(at_threshold(context.history("confidence"), context.filter.level))


@estimand(
    "share of the champions of all runs and classes at exactly 1 in float32",
    needs=("experiment", "generation"),
    takes=("search", "classes"),
)
def share_saturated(context: Context) -> Estimate:
    """Champions that evolution cannot replace."""
    return context.share(context.history("confidence") == 1)


@estimand(
    "geometric mean over the runs of the generation at which the last class reached the threshold",
    needs=("experiment", "generation"),
    takes=("search",),
)
def generation_all_reached(context: Context) -> Estimate:
    """The last class of each run."""
    times, end = context.times("all")
    return estimated_time(times, end, level=context.settings.confidence_level)


@estimand(
    "geometric mean over the runs of the generation at which the median over the classes reached the threshold",
    needs=("experiment", "generation"),
    takes=("search",),
)
def generation_median_reached(context: Context) -> Estimate:
    """The median class of each run."""
    times, end = context.times("median")
    return estimated_time(times, end, level=context.settings.confidence_level)


@estimand(
    "share of the runs in which every class reached the threshold",
    needs=("experiment", "generation"),
    takes=("search",),
)
def share_of_runs_all_reached(context: Context) -> Estimate:
    """Runs in which every class reached the threshold by the generation of the claim."""
    return context.share(np.isfinite(context.times("all")[0]))


@estimand(
    "mean over the classifiers of the median over the runs of the median log-odds over the classes, "
    "minus that of {control}",
    needs=("experiment", "generation", "control"),
    takes=("search", "classes"),
)
def gain_in_log_odds(context: Context) -> Estimate:
    """Run by run, with the same classifier, seed and number of evaluations."""
    evolved = np.median(context.history("log_odds"), axis=2)
    control = np.median(context.history("log_odds", search=context.filter.control), axis=2)
    if evolved.shape != control.shape:
        raise NotRun(f"some runs have no {context.filter.control}")
    return estimated_median(evolved - control, level=context.settings.confidence_level)


@estimand(
    "median top confidence in single random images, averaged over classifiers",
)
def single_image_top_confidence(context: Context) -> Estimate:
    """One value for each classifier, from 10,000 images."""
    rows = context.of_experiment(context.tables.start)
    medians = rows.astype({"top_confidence": "float64"}).groupby("classifier")["top_confidence"].median()
    log_odds = log_odds_of(medians.to_numpy()[:, None])
    return estimated_mean(log_odds, level=context.settings.confidence_level, nested=True, back=probability_of)


@estimand(
    "median over the runs of each run's median calibrated confidence over the classes, averaged over classifiers",
    takes=("search",),
)
def calibrated_median_of_runs(context: Context) -> Estimate:
    """Champions at the end of their runs."""
    return context.median_confidence(np.median(log_odds_of(context.examined("calibrated_confidence")), axis=2))


@estimand(
    "median over the runs of each run's median, over the classes, of an independent classifier's confidence, "
    "averaged over classifiers",
    takes=("search",),
)
def independent_median_of_runs(context: Context) -> Estimate:
    """Champions at the end of their runs."""
    return context.median_confidence(np.median(log_odds_of(context.examined("independent_confidence")), axis=2))


@estimand(
    "share of the champions whose most similar champion of another run has the same class",
    takes=("search",),
)
def share_of_recurring_motifs(context: Context) -> Estimate:
    """Champions at the end of their runs."""
    alike = context.examined("similar_class")
    return context.share(alike == np.arange(alike.shape[2]))


@estimand(
    "share of the images of gradient ascent, all starts and classes, that are at or above the threshold",
    needs=("ascent",),
)
def share_of_ascents_at_threshold(context: Context) -> Estimate:
    """Images of gradient ascent that count as fooling images."""
    return context.share(at_threshold(context.ascents("confidence"), context.settings.threshold))


@estimand(
    "geometric mean over the runs of the ratio, gradient ascent to search, of the evaluations until the median "
    "class reached the threshold",
    needs=("ascent", "experiment"),
    takes=("search",),
)
def ascent_evaluations_ratio(context: Context) -> Estimate:
    """Run by run, with the same classifier and seed number."""
    (ascents, end), (searches, other_end) = context.evaluations()
    return estimated_time_ratio(ascents, end, searches, other_end, level=context.settings.confidence_level)


@estimand(
    "share of people's answers that name the classifier's label",
    needs=("experiment", "asked"),
)
def share_of_people_right(context: Context) -> Estimate:
    """The units are people; the interval covers other people and other images.

    If ``sided`` is ``one``, the upper bound is one-sided; the lower bound remains two-sided.
    """
    row = _people(context)
    value, low, high = (float(row[name]) for name in ("share", "low", "high"))
    if context.sided == "one":
        high = float(row["upper"])
    note = "one person or image has no interval" if np.isnan(low) else ""
    return Estimate(value=value, low=low, high=high, units=int(row["people"]), runs=int(row["answers"]), note=note)


@estimand(
    "share of the champions with copies of an element",
)
def share_of_champions_repeating(context: Context) -> Estimate:
    """Champions at the end of their runs that contain copies of an element."""
    table = context.of_experiment(context.tables.ablation)
    return share_repeating(table, level=context.settings.confidence_level)


@estimand(
    "share of the champions with copies that have at least 99 % confidence with {removed} of the copies removed",
    needs=("experiment", "fill", "removed"),
)
def share_still_sure_without_copies(context: Context) -> Estimate:
    """Only champions that have enough copies."""
    return _removal_effect(context, "still sure", kind="copy")


@estimand(
    "mean over the champions with copies of the log-odds minus the control's, with {removed} of the copies removed",
    needs=("experiment", "fill", "removed"),
)
def copies_over_control(context: Context) -> Estimate:
    """Positive if removing copies costs less than removing as many pixels elsewhere."""
    return _removal_effect(context, "change", kind="difference")


@estimand(
    "mean over the champions with copies of the log-odds minus the control's, averaged over all numbers of copies "
    "removed",
    needs=("experiment", "fill"),
)
def copies_over_control_in_all(context: Context) -> Estimate:
    """Each champion's mean over all possible numbers of removed copies."""
    table = context.of_experiment(context.tables.ablation)
    removed = sorted(table.loc[table["removed"] > 0, "removed"].unique())
    if not removed:
        raise NotRun(f"no champion of {context.filter.experiment} has copies of an element")
    fill = str(context.filter.fill)
    curve = [removal_effect(table, "change", fill=fill, kind="difference", removed=int(count)) for count in removed]
    values = pd.concat(curve).groupby(CHAMPION).mean()
    return estimated_over_champions(values, table, level=context.settings.confidence_level)


def _people(context: Context) -> pd.Series[Any]:
    """Return the row of people's accuracy on the images of the experiment, on one of the classifiers."""
    name, asked, dataset = str(context.filter.experiment), str(context.filter.asked), context.dataset
    table = context.tables.people.get(name)
    if table is None:
        raise NotRun(f"nobody was asked about images of {name}")
    if table["synthetic"].any():
        raise NotRun("only simulated participants were asked")
    block, _, foils = asked.rpartition("-") if asked.startswith("two-way") else (asked, "", "")
    rows = table[(table["block"] == block) & (table["foils"].fillna("") == foils)]
    rows = rows[rows["network"].isin(context.networks()["classifier"])]
    if len(rows) != 1:
        raise NotRun(f"nobody was asked this question about images of {name} on classifiers of {dataset}")
    return rows.iloc[0]


def _removal_effect(context: Context, quantity: str, *, kind: str) -> Estimate:
    table = context.of_experiment(context.tables.ablation)
    chosen = context.filter
    assert chosen.removed is not None
    values = removal_effect(table, quantity, fill=str(chosen.fill), kind=kind, removed=chosen.removed)
    if values.empty:
        raise NotRun(f"no champion of {chosen.experiment} has more than {chosen.removed} copies of an element")
    is_share = quantity == "still sure" and kind != "difference"
    return estimated_over_champions(values, table, level=context.settings.confidence_level, is_share=is_share)


@estimand(
    "share of the champions with an ancestor that was a champion of other classes only",
)
def share_with_other_ancestor(context: Context) -> Estimate:
    """Champions with a switch of class since the random start."""
    return context.share(context.ancestry("switches") > 0)


@estimand(
    "mean correlation of champions with their closest relative, minus that of the same two classes in other runs",
)
def likeness_of_relatives(context: Context) -> Estimate:
    """Only champions that share an ancestor with another champion of their run."""
    excess = context.ancestry("similarity") - context.ancestry("similarity_unrelated")
    known = np.isfinite(excess)
    if not known.any():
        raise NotRun("no two champions of a run have a common ancestor, or there is only one run")
    sums = np.where(known, excess, 0).sum(axis=2)
    return estimated_ratio(sums, known.sum(axis=2), level=context.settings.confidence_level)


@estimand(
    "median over the runs of the mean confidence of the {count} most confident champions, averaged over classifiers",
    needs=("experiment", "generation", "count"),
    takes=("search", "classes"),
)
def mean_of_most_confident(context: Context) -> Estimate:
    """The most confident champions of every run."""
    return context.median_confidence(log_odds_of(_most_confident(context, "confidence").mean(axis=2)))


@estimand(
    "median over the runs of the lowest confidence among the {count} most confident champions, averaged "
    "over classifiers",
    needs=("experiment", "generation", "count"),
    takes=("search", "classes"),
)
def lowest_of_most_confident(context: Context) -> Estimate:
    """The least confident of these champions of every run."""
    return context.median_confidence(_most_confident(context, "log_odds")[:, :, 0])


def _most_confident(context: Context, column: str) -> NDArray[np.float64]:
    """Return a column that increases with confidence, of the most confident champions, (classifiers, seeds, count)."""
    count, values = int(context.filter.count or 0), context.history(column)
    if values.shape[2] < count:
        raise NotRun(
            f"the classifiers of {context.dataset} have {values.shape[2]} classes, but the claim is about {count}"
        )
    return np.sort(values, axis=2)[:, :, -count:]
