"""What repeated elements are worth to a network: champions with copies removed, and with as much removed elsewhere.

The paper removes elements by hand from three images (Fig. 10). Here every champion is asked: a lattice is looked for in
it, its copies are taken out one after the other, and beside each a control with as many pixels taken out at random
places. Champions that do not repeat themselves have a row of their own and count in the share of those that do.
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

from fooling.ablation.removal import FILLS, KINDS, removals, without
from fooling.ablation.repetition import repetition_of
from fooling.errors import FoolingError
from fooling.evolution.record import RunRecord
from fooling.findings.columns import (
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
from fooling.findings.intervals import Estimate, IntervalSettings, estimated_ratio, estimated_share, run_grid
from fooling.settings import Settings
from fooling.spread import evenly_spread
from fooling.table import COUNT, NUMBER, SHARE, Column, Table, bounds, names_of, one_of, or_nothing

FILL = Column(
    "fill",
    one_of(*FILLS).or_nothing,
    doc="What is put in place: `mean` (the mean pixel), `background` (the most frequent one) or `noise` (random pixels "
    "of the champion); empty where nothing is.",
)
ABLATION = Table(
    name="ablation",
    path="findings/ablation/{classifier}/{experiment}.parquet",
    commands=("ablate",),
    columns=(
        *(CLASSIFIER, EXPERIMENT, SEED, *CLASS),
        Column("copies", COUNT, doc="Number of copies; 0: the champion does not repeat itself."),
        *or_nothing(
            Column(
                "shift_down",
                NUMBER,
                unit="pixels",
                doc="Shift downwards at which it repeats itself; of a lattice the shorter one.",
            ),
            Column("shift_right", NUMBER, unit="pixels", doc="Shift to the right at which it repeats itself."),
            Column("correlation", SHARE, doc="Correlation of the champion with itself at this shift."),
            doc="empty without copies.",
        ),
        FILL,
        Column(
            "kind",
            one_of("intact", *KINDS),
            doc="`intact`: the champion as it is; `copy`: copies are removed in the order of this draw; `control`: as "
            "many pixels are removed around random places, outside the copies as long as there are enough.",
        ),
        Column("draw", COUNT, doc="Number of the draw of that order and these places, counted from 0."),
        Column("removed", COUNT, doc="Number of removals so far."),
        Column("area", SHARE, doc="Share of the pixels that is removed."),
        *(CONFIDENCE, LOG_ODDS),
        Column("change", NUMBER, unit="log-odds", doc="Change of the log-odds against the intact champion."),
    ),
    key=("classifier", "experiment", "seed", "class_index", "fill", "kind", "draw", "removed"),
    doc="One row for each champion of evolution as it is (`kind` is `intact`), and for each of its versions with "
    "something removed. A champion repeats itself where its correlation with itself, shifted, has a second peak of at "
    "least .5; its copies are the cells that lie as far apart, as long as they are whole. A champion without copies "
    "has its intact row alone.",
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
            "log-odds; `still sure`: share at 99 % or more.",
        ),
        FILL,
        Column(
            "kind",
            one_of(*KINDS, "difference").or_nothing,
            doc="`copy` and `control` as in `ablation`; `difference`: of the same champions, copies minus control; "
            "empty for the share that repeats.",
        ),
        Column("removed", COUNT, doc="Number of removals."),
        Column("value", NUMBER.or_nothing, doc="Value of the quantity; empty without such champions."),
        *(*bounds(NUMBER), UNITS, RUNS),
        Column("champions", COUNT, doc="Number of champions that have a value."),
        NOTE,
    ),
    key=("experiment", "quantity", "fill", "kind", "removed"),
    doc="One row for each experiment and quantity, fill, kind and number of removals. Means are over those champions "
    "that have so many copies to lose: fewer, and others, as the number grows.",
)
CHAMPION = names_of((CLASSIFIER, SEED, CLASS_INDEX))
STILL_SURE = 0.99  # the paper's three images all stay above it

#: Confidences (B, K) and log-odds (B, K) of uint8 images (B, C, H, W).
Judge = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], NDArray[np.float64]]]


class AblationSettings(Settings):
    """How much is removed from champions that repeat themselves."""

    copies_removed: int = Field(default=8, ge=1, le=1000)
    """Copies removed from a champion at most, one after the other; one always stays."""
    removal_draws: int = Field(default=3, ge=1, le=100)
    """How often the order of the copies, and the places of the control, are drawn."""
    ablated_classes: int | None = Field(default=None, ge=1)
    """Classes whose champions are taken apart, spread evenly over all; null: every class."""


def ablation_table(
    records: Sequence[RunRecord], *, experiment: str, judge: Judge, settings: AblationSettings
) -> pd.DataFrame:
    """One row for each champion as it is, and for each of its versions with something removed.

    Raises :class:`FoolingError` for runs of several classifiers.
    """
    if len(names := {record.classifier["name"] for record in records}) > 1:
        raise FoolingError("these runs are of several classifiers", found=", ".join(sorted(names)), expected="one")
    rows = [
        row
        for record in sorted(records, key=lambda record: record.seed)
        for class_index in evenly_spread(len(record.class_names), settings.ablated_classes)
        for row in _versions(record, class_index, judge, settings)
    ]
    return pd.DataFrame(rows).assign(experiment=experiment)[ABLATION.names]


def ablation_summary(table: pd.DataFrame, *, settings: IntervalSettings) -> pd.DataFrame:
    """Over the champions of each experiment: how many repeat themselves, and what each number of removals does."""
    rows: list[dict[str, Any]] = []
    for experiment, champions in table.groupby("experiment", sort=False):
        name, intact = str(experiment), champions[champions["kind"] == "intact"]
        found = share_repeating(champions, level=settings.confidence_level)
        rows.append(_summed_up(found, len(intact), experiment=name, quantity="share that repeats"))
        removed = champions.loc[champions["removed"] > 0, "removed"]
        for fill, count in itertools.product(FILLS, sorted(removed.unique())):
            words = {"experiment": name, "fill": fill, "removed": int(count)}
            rows += list(_effects(champions, words, settings))
    return pd.DataFrame(rows, columns=ABLATION_SUMMARY.names)


def share_repeating(table: pd.DataFrame, *, level: float) -> Estimate:
    """The share of the champions in which repeated structure was found."""
    intact = table[table["kind"] == "intact"]
    grid = run_grid(intact.assign(repeats=intact["copies"] > 0), "repeats", within_run="class_index")
    return estimated_share(grid.mean(axis=2), level=level)


def effect_of(table: pd.DataFrame, quantity: str, *, fill: str, kind: str, removed: int) -> pd.Series[float]:
    """For each run and class with so many removals: the ``change`` in log-odds, or whether it is ``still sure``.

    Means over the draws, by classifier, seed and class; ``kind`` is copy, control, or the difference of the two.
    """
    if kind == "difference":
        both = [effect_of(table, quantity, fill=fill, kind=one, removed=removed) for one in KINDS]
        return both[0] - both[1]
    rows = table[(table["fill"] == fill) & (table["kind"] == kind) & (table["removed"] == removed)]
    values = rows["change"] if quantity == "change" else rows["confidence"].astype(float) >= STILL_SURE
    return rows.assign(value=values.astype(float)).groupby(CHAMPION)["value"].mean()


def estimated_over_champions(
    values: pd.Series[float], table: pd.DataFrame, *, level: float, is_share: bool = False
) -> Estimate:
    """Estimate the mean of ``values`` of some champions; ``table`` holds all runs.

    ``units`` and ``runs`` count those that have such champions. ``is_share``: the values lie in 0..1.
    """
    runs = table[["classifier", "seed"]].drop_duplicates().set_index(["classifier", "seed"])
    by_run = values.groupby(["classifier", "seed"]).agg(["sum", "count"]).reindex(runs.index, fill_value=0)
    sums, counts = (run_grid(by_run.reset_index(), column) for column in ("sum", "count"))
    return estimated_ratio(sums, counts, level=level, is_share=is_share)


def _versions(
    record: RunRecord, class_index: int, judge: Judge, settings: AblationSettings
) -> Iterator[dict[str, Any]]:
    """The rows of one champion."""
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
    confidences, log_odds = judge(np.stack([version for _, version in versions]))
    for (words, _), confidence, odds in zip(
        versions, confidences[:, class_index], log_odds[:, class_index], strict=True
    ):
        change = odds - log_odds[0, class_index]
        yield champion | words | {"confidence": confidence, "log_odds": odds, "change": change}


def _effects(champions: pd.DataFrame, words: dict[str, Any], settings: IntervalSettings) -> Iterator[dict[str, Any]]:
    """The rows of the summary for one fill and one number of removals."""
    chosen = {"fill": words["fill"], "removed": words["removed"]}
    for quantity, kind in itertools.product(("change", "still sure"), (*KINDS, "difference")):
        values = effect_of(champions, quantity, kind=kind, **chosen)
        is_share = quantity == "still sure" and kind != "difference"
        found = estimated_over_champions(values, champions, level=settings.confidence_level, is_share=is_share)
        yield _summed_up(found, len(values), quantity=quantity, kind=kind, **words)


def _summed_up(found: Estimate, champions: int, **words: Any) -> dict[str, Any]:
    return {"removed": 0, **words, **asdict(found), "champions": champions}
