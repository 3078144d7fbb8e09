"""Ablation of repeated elements: the confidence in champions with copies removed, compared with a control.

The paper removes elements by hand from three images (Fig. 10). This module does it for every champion: it detects a
lattice of copies, removes the copies one by one, and for each number of copies removes the same number of pixels at
random places as a control. A champion without copies has one row and counts in the share of champions that repeat.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from fooling.ablation.elements import FILLS, KINDS, removals, repetition_of, without
from fooling.attacks.evolution.record import RunRecord
from fooling.findings.intervals import Estimate, IntervalSettings, estimated_ratio, estimated_share, run_grid
from fooling.findings.registry import (
    CLASS,
    CLASS_INDEX,
    CLASSIFIER,
    CONFIDENCE,
    EXPERIMENT,
    LOG_ODDS,
    NOTE,
    RUNS,
    SEED,
    UNITS,
)
from fooling.messages import FoolingError
from fooling.reproducibility import evenly_spaced
from fooling.settings import Settings
from fooling.table import COUNT, NUMBER, SHARE, Column, Table, bounds, names_of, one_of, or_nothing

FILL = Column(
    "fill",
    one_of(*FILLS).or_nothing,
    doc="What replaces the removed pixels: `mean` (the mean pixel), `background` (the most frequent one) or `noise` "
    "(random pixels of the champion); empty where nothing is removed.",
)
ABLATION = Table(
    name="ablation",
    path="findings/ablation/{classifier}/{experiment}.parquet",
    commands=("ablate",),
    columns=(
        *(CLASSIFIER, EXPERIMENT, SEED, *CLASS),
        Column("copies", COUNT, doc="Number of copies; 0 if the champion does not repeat itself."),
        *or_nothing(
            Column(
                "shift_down",
                NUMBER,
                unit="pixels",
                doc="Downward shift at which it repeats itself; for a lattice, the shorter of the two shifts.",
            ),
            Column("shift_right", NUMBER, unit="pixels", doc="Shift to the right at which it repeats itself."),
            Column("correlation", SHARE, doc="Correlation of the champion with itself at this shift."),
            doc="empty without copies.",
        ),
        FILL,
        Column(
            "kind",
            one_of("intact", *KINDS),
            doc="`intact`: the unchanged champion; `copy`: copies are removed in the order of this draw; `control`: "
            "as many pixels are removed around random places, outside the copies while enough pixels are left.",
        ),
        Column("draw", COUNT, doc="Number of the random draw of order and places, counted from 0."),
        Column("removed", COUNT, doc="Number of removals so far."),
        Column("area", SHARE, doc="Share of the pixels that is removed."),
        *(CONFIDENCE, LOG_ODDS),
        Column("change", NUMBER, unit="log-odds", doc="Log-odds minus those of the intact champion."),
    ),
    key=("classifier", "experiment", "seed", "class_index", "fill", "kind", "draw", "removed"),
    doc="One row for each intact champion of evolution (`kind` is `intact`), and for each of its versions with "
    "something removed. A champion repeats itself if its autocorrelation has a second peak of at least .5; its copies "
    "are the complete cells at that shift. A champion without copies has only its intact row.",
)
ABLATION_SUMMARY = Table(
    name="ablation_summary",
    path="findings/ablation_summary.csv",
    commands=("summarise-ablation",),
    columns=(
        EXPERIMENT,
        Column(
            "quantity",
            one_of("share that repeats", "change", "still sure"),
            doc="`share that repeats`: share of the champions that repeat themselves; `change`: mean change of the "
            "log-odds; `still sure`: share with a confidence of at least 99 %.",
        ),
        FILL,
        Column(
            "kind",
            one_of(*KINDS, "difference").or_nothing,
            doc="`copy` and `control` as in `ablation`; `difference`: `copy` minus `control` for the same champions; "
            "empty for the share that repeats.",
        ),
        Column("removed", COUNT, doc="Number of removals."),
        Column("value", NUMBER.or_nothing, doc="Value of the quantity; empty if there are no such champions."),
        *(*bounds(NUMBER), UNITS, RUNS),
        Column("champions", COUNT, doc="Number of champions behind the value."),
        NOTE,
    ),
    key=("experiment", "quantity", "fill", "kind", "removed"),
    doc="One row for each experiment and quantity, fill, kind and number of removals. Means are over the champions "
    "that have enough copies, so different numbers of removals are means over different champions.",
)
CHAMPION = names_of((CLASSIFIER, SEED, CLASS_INDEX))
STILL_SURE = 0.99  # the paper's three images all stay above it

#: Map uint8 images (B, C, H, W) to their confidences (B, K) and log-odds (B, K).
Scorer = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], NDArray[np.float64]]]


class AblationSettings(Settings):
    """Ablation of repeated elements in champions."""

    copies_removed: int = Field(default=8, ge=1, le=1000)
    """Maximum number of copies removed from a champion, one by one; one copy always remains."""
    removal_draws: int = Field(default=3, ge=1, le=100)
    """Number of random draws of the order of the copies and of the places of the control."""
    ablated_classes: int | None = Field(default=None, ge=1)
    """Number of classes whose champions are ablated, evenly spaced over all classes; null: every class."""


def ablation_table(
    records: Sequence[RunRecord], *, experiment: str, scorer: Scorer, settings: AblationSettings
) -> pd.DataFrame:
    """Return one row for each intact champion and each of its versions with pixels removed.

    Raises:
        FoolingError: The runs are of several classifiers.
    """
    if len(names := {record.classifier["name"] for record in records}) > 1:
        raise FoolingError("the runs are of several classifiers", found=", ".join(sorted(names)), expected="one")
    rows = [
        row
        for record in sorted(records, key=lambda record: record.seed)
        for class_index in evenly_spaced(len(record.class_names), settings.ablated_classes)
        for row in _versions(record, class_index, scorer, settings)
    ]
    return pd.DataFrame(rows).assign(experiment=experiment)[ABLATION.names]


def ablation_summary(table: pd.DataFrame, *, settings: IntervalSettings) -> pd.DataFrame:
    """Return the share of repeating champions and the effect of each number of removals, by experiment."""
    rows: list[dict[str, Any]] = []
    for experiment, champions in table.groupby("experiment", sort=False):
        name, intact = str(experiment), champions[champions["kind"] == "intact"]
        found = share_repeating(champions, level=settings.confidence_level)
        rows.append(_summary_row(found, len(intact), experiment=name, quantity="share that repeats"))
        removed = champions.loc[champions["removed"] > 0, "removed"]
        for fill, count in itertools.product(FILLS, sorted(removed.unique())):
            words = {"experiment": name, "fill": fill, "removed": int(count)}
            rows += list(_effects(champions, words, settings))
    return pd.DataFrame(rows, columns=ABLATION_SUMMARY.names)


def share_repeating(table: pd.DataFrame, *, level: float) -> Estimate:
    """Estimate the share of champions that repeat themselves."""
    intact = table[table["kind"] == "intact"]
    grid = run_grid(intact.assign(repeats=intact["copies"] > 0), "repeats", within_run="class_index")
    return estimated_share(grid.mean(axis=2), level=level)


def removal_effect(table: pd.DataFrame, quantity: str, *, fill: str, kind: str, removed: int) -> pd.Series[float]:
    """Return the effect of ``removed`` removals on each champion, as the mean over the draws.

    Args:
        table: The table ``ablation``.
        quantity: ``change`` (in log-odds), or ``still sure`` (confidence of at least 99 %, as 0 or 1).
        fill: What replaces the removed pixels.
        kind: ``copy``, ``control``, or ``difference`` (copy minus control).
        removed: Number of removals.

    Returns:
        A value for each classifier, seed and class that has enough copies.
    """
    if kind == "difference":
        both = [removal_effect(table, quantity, fill=fill, kind=one, removed=removed) for one in KINDS]
        return both[0] - both[1]
    rows = table[(table["fill"] == fill) & (table["kind"] == kind) & (table["removed"] == removed)]
    values = rows["change"] if quantity == "change" else rows["confidence"].astype(float) >= STILL_SURE
    return rows.assign(value=values.astype(float)).groupby(CHAMPION)["value"].mean()


def estimated_over_champions(
    values: pd.Series[float], table: pd.DataFrame, *, level: float, is_share: bool = False
) -> Estimate:
    """Estimate the mean of ``values``, one for each of some champions.

    ``table`` holds all runs. ``units`` and ``runs`` of the estimate count those with a value. ``is_share``: the values
    are between 0 and 1.
    """
    runs = table[["classifier", "seed"]].drop_duplicates().set_index(["classifier", "seed"])
    by_run = values.groupby(["classifier", "seed"]).agg(["sum", "count"]).reindex(runs.index, fill_value=0)
    sums, counts = (run_grid(by_run.reset_index(), column) for column in ("sum", "count"))
    return estimated_ratio(sums, counts, level=level, is_share=is_share)


def _versions(
    record: RunRecord, class_index: int, scorer: Scorer, settings: AblationSettings
) -> Iterator[dict[str, Any]]:
    """Yield the rows of one champion."""
    image = record.images[class_index]
    repetition = repetition_of(image)
    champion: dict[str, Any] = {
        "classifier": record.classifier["name"],
        "seed": record.seed,
        "class_index": class_index,
        "class_name": record.class_names[class_index],
        "copies": 0 if repetition is None else repetition.count,
        "shift_down": np.nan if repetition is None else repetition.shifts[0][0],
        "shift_right": np.nan if repetition is None else repetition.shifts[0][1],
        "correlation": np.nan if repetition is None else repetition.correlation,
    }
    drawn = {"seed": record.seed, "class_index": class_index}
    versions: list[tuple[dict[str, Any], NDArray[np.uint8]]]
    versions = [({"fill": None, "kind": "intact", "draw": 0, "removed": 0, "area": 0.0}, image)]
    if repetition is not None:
        for kind, draw in itertools.product(KINDS, range(settings.removal_draws)):
            masks = removals(repetition, most=settings.copies_removed, kind=kind, draw=draw, **drawn)
            for (count, gone), fill in itertools.product(enumerate(masks, start=1), FILLS):
                words = {"fill": fill, "kind": kind, "draw": draw, "removed": count, "area": float(gone.mean())}
                versions.append((words, without(image, gone, fill=fill, **drawn)))
    confidences, log_odds = scorer(np.stack([version for _, version in versions]))
    for (words, _), confidence, odds in zip(
        versions, confidences[:, class_index], log_odds[:, class_index], strict=True
    ):
        change = odds - log_odds[0, class_index]
        yield champion | words | {"confidence": confidence, "log_odds": odds, "change": change}


def _effects(champions: pd.DataFrame, words: dict[str, Any], settings: IntervalSettings) -> Iterator[dict[str, Any]]:
    """Yield the rows of the summary for one fill and one number of removals."""
    chosen = {"fill": words["fill"], "removed": words["removed"]}
    for quantity, kind in itertools.product(("change", "still sure"), (*KINDS, "difference")):
        values = removal_effect(champions, quantity, kind=kind, **chosen)
        is_share = quantity == "still sure" and kind != "difference"
        found = estimated_over_champions(values, champions, level=settings.confidence_level, is_share=is_share)
        yield _summary_row(found, len(values), quantity=quantity, kind=kind, **words)


def _summary_row(found: Estimate, champions: int, **words: Any) -> dict[str, Any]:
    return {"removed": 0, **words, **asdict(found), "champions": champions}
