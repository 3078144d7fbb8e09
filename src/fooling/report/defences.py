"""Sections of the report: which models are fooled, and what detectors and training against fooling change."""

from __future__ import annotations

import math

import pandas as pd

from fooling.findings.detectors import NONE
from fooling.findings.fooled import at_equal_budget
from fooling.messages import percent, share_percent, short_percent
from fooling.report.probes import STORED

MOST = 0.5  # share of the classes from which a model counts as fooled
MOST_KINDS = 8  # kinds of models and encodings that the report lists; the figure has all


def who_is_fooled(summary: pd.DataFrame | None) -> str:
    """Return which kinds of models are fooled, which resist, and what remains unknown; empty without the table.

    ``summary`` is the table ``fooled_summary``. A kind counts as fooled if evolution, in any encoding, brings at least
    half of the classes above the median of its own real images.
    """
    if summary is None:
        return ""
    shown = [
        (str(encoding), kind)
        for encoding, rows in summary.dropna(subset="above_median").groupby("encoding", sort=False)
        for kind in at_equal_budget(rows)
    ]
    if not shown:
        return "No model has a correctly classified test image to compare champions with."
    best: dict[str, float] = {}
    for _, kind in shown:
        name, share = _kind_of_model(kind, summary), _by(kind, "map-elites", "above_median")
        best[name] = max(best.get(name, 0.0), 0.0 if math.isnan(share) else share)
    fooled, others = ([name for name, share in best.items() if (share >= MOST) == wanted] for wanted in (True, False))
    details = "; ".join(_classes_fooled(encoding, kind, summary) for encoding, kind in shown[:MOST_KINDS])
    return (
        "A model counts as fooled here if evolution brings at least half of the classes above the median of the "
        f"model's own real images. Fooled: {'; '.join(fooled) or 'none'}. Not fooled: {'; '.join(others) or 'none'}. "
        f"Classes above the median (95th percentile) of real images: {details}. Not known: whether another search, "
        f"gradients or more evaluations would fool a model that resisted. {STORED}"
    )


def _kind_of_model(kind: pd.DataFrame, summary: pd.DataFrame) -> str:
    """Return the name of a kind of model, with what distinguishes it from others of the same architecture."""
    first = kind.iloc[0]
    words = [str(first["built_as"])]
    alike = summary[summary["built_as"] == first["built_as"]]
    if alike["weight_decay"].nunique(dropna=False) > 1 and not math.isnan(first["weight_decay"]):
        words.append(f"weight decay {first['weight_decay']:g}")
    if alike["part"].nunique(dropna=False) > 1:
        words.append("all images" if pd.isna(first["part"]) else str(first["part"]))
    return ", ".join([*words, *([f"on {first['dataset']}"] if summary["dataset"].nunique() > 1 else [])])


def _classes_fooled(encoding: str, kind: pd.DataFrame, summary: pd.DataFrame) -> str:
    shares = [
        f"{words} {share_percent(_by(kind, search, 'above_median'))} ({share_percent(_by(kind, search, 'above_95th'))})"
        for search, words in (("map-elites", "evolution"), ("random-search", "random search"))
        if (kind["search"] == search).any()
    ]
    images = f"{int(kind['budget'].iloc[0]):,} images"
    return f"{_kind_of_model(kind, summary)}, {encoding}, {images}: {', '.join(shares)}"


def _by(kind: pd.DataFrame, search: str, column: str) -> float:
    values = kind.loc[kind["search"] == search, column]
    return float(values.iloc[0]) if len(values) else math.nan


def do_detectors_help(means: pd.DataFrame | None, *, threshold: float) -> str:
    """Return what remains of each detector under attack, beside what images found without it suggest; empty without.

    ``means`` is the table ``detector_means``.
    """
    if means is None:
        return ""
    sentences = []
    for guards, rows in means.groupby("guards", sort=False):
        guarded = rows[rows["detector"] != NONE].sort_values("rank", kind="stable")
        plain = rows.loc[rows["detector"] == NONE, "adaptive_sure"]
        parts = [
            f"{row['detector']} {share_percent(row['adaptive_sure'])} ({share_percent(row['static_sure'])} with images "
            "found without it)"
            for row in guarded.to_dict("records")
        ]
        networks = "1 network" if rows["units"].max() == 1 else f"{rows['units'].max()} networks"
        without = f"; without a detector {share_percent(float(plain.iloc[0]))}" if len(plain) else ""
        sentences.append(f"{guards}, {networks}: {', '.join(parts)}{without}.")
    return (
        f"Share of the classes that attacks bring to at least {short_percent(threshold)} although they must also pass "
        f"the detector. {' '.join(sentences)} Images that were found without the detector were not selected against "
        "it, so the number in brackets flatters it."
    )


def does_training_help(hardening: pd.DataFrame | None) -> str:
    """Return what each way of training changes, for each experiment; empty without the table ``hardening``."""
    if hardening is None:
        return ""
    sentences = []
    for experiment, rows in hardening[hardening["search"] == "map-elites"].groupby("experiment", sort=False):
        parts = [
            f"{row['way']} {percent(row['median'])}{_accepted(row['accepted'])}, test error "
            f"{share_percent(row['test_error'])}"
            for row in rows.to_dict("records")
        ]
        sentences.append(f"{experiment}: {'; '.join(parts)}.")
    return (
        "Median confidence of the images evolved against each network itself, and the share of them that a network "
        "accepts if it refuses about 5 % of the real test images that it classifies correctly. "
        f"{' '.join(sentences)} {STORED}"
    )


def _accepted(share: float) -> str:
    return "" if math.isnan(share) else f", {share_percent(share)} accepted"
