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
from fooling.findings.intervals import Estimate, IntervalSettings, estimated_ratio, estimated_share, run_grid
from fooling.settings import Settings
from fooling.spread import evenly_spread

COLUMNS = [
    *("classifier", "experiment", "seed", "class_index", "class_name"),
    *("copies", "shift_down", "shift_right", "correlation"),
    *("fill", "kind", "draw", "removed", "area", "confidence", "log_odds", "change"),
]
SUMMARY = ["experiment", "quantity", "fill", "kind", "removed", "value", "low", "high", "units", "runs"]
SUMMARY += ["champions", "note"]
CHAMPION = ["classifier", "seed", "class_index"]
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
    return pd.DataFrame(rows).assign(experiment=experiment)[COLUMNS]


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
    return pd.DataFrame(rows, columns=SUMMARY)


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
