"""The claims of the report: one row for each, with its bound, its interval as a drawing, and the recorded result."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fooling.claims.claim import Claim, Claims
from fooling.claims.estimands import ESTIMANDS
from fooling.claims.page import agreeing_in_words
from fooling.claims.verdicts import (
    BY_INTERVAL,
    KINDS,
    STATED,
    Direction,
    Verdict,
    exactly_in_words,
    in_words,
    on_data,
)
from fooling.report.run_info import RecordHeader

#: Verdicts in the order in which a table is sorted, each with a mark for readers who cannot see its colour.
VERDICTS = {
    "reproduced": "✓",
    "not reproduced": "✗",
    "inconclusive": "≈",
    "unverified source": "?",
    "too few": "…",
    "shown on other data, not comparable": "≠",
    "another reading, no verdict": "=",
    "not run here": "·",
}
STATUSES = {
    "F": "read from the paper's figures or their data",
    "C": "read in, or measured with, the released code",
    "T": "in the paper's text or on the authors' page",
    "N": "from a reader's note on the paper",
    "M": "remembered, not verified",
    "-": "no value stated",
}
UNITS = {unit: unit for unit in ("log-odds", "generations", "ratio", "correlation", "distortion")}

#: Figure of the page that shows an estimand, by a part of its name; the first one that fits counts.
SHOWN_BY = {
    "detector": "detectors",
    "classes-above": "fooled",
    "champions-rejected": "fooled",
    "boundary": "boundary",
    "universal": "universal_rates",
    "rubbish": "rubbish",
    "rays": "rays",
    "hardening": "hardening",
    "retrain": "retraining_curve",
    "adversarial-transfer": "adversarial_success",
    "distortion": "adversarial_success",
    "over-noise": "adversarial_success",
    "label-only": "label_only",
    "cost-in": "retraining_curve",
    "mean-test-error": "training_curves",
    "refusal": "retraining_refusal",
    "accepted": "retraining_refusal",
    "ascent": "ascent_over_evaluations",
    "family-gain": "families",
    "random-images": "families",
    "survival": "robustness",
    "supernormal": "robustness",
    "copies": "ablation",
    "repeating": "ablation",
    "single-image": "random_images",
    "gain-in-log-odds": "search_comparison",
    "calibrated": "calibration",
    "transfer": "transfer",
    "on-source": "transfer",
    "two-networks": "transfer",
    "independent": "resembling",
    "feature-distance": "distances",
    "share-beyond": "distances",
    "distance-over-start": "distances",
    "ancestor": "family_tree",
    "relatives": "family_tree",
    "alike": "transfer",
    "images": "calibration",
    "people": "survey_accuracy",
    "generation": "confidence_over_evaluations",
    "median": "confidence_over_evaluations",
    "at-threshold": "classes_over_evaluations",
    "at-level": "classes_over_evaluations",
    "most-confident": "classes_over_evaluations",
    "all-reached": "classes_over_evaluations",
    "saturated": "classes_over_evaluations",
}
LEAST, MOST = 0.01, 1 - 1e-7  # ends of the log-odds axis of confidences
SMALL = 0.2  # shares up to this one get a shorter axis
PADDING = 0.08  # of the axis of other units, beyond the values


@dataclass(frozen=True)
class Recorded:
    """A recorded study."""

    header: RecordHeader
    claims: pd.DataFrame  # the table ``claims``


@dataclass(frozen=True)
class Drawn:
    """Positions of an interval and its bound on an axis, in percent of the width; None if there is no such number."""

    value: float
    low: float | None
    high: float | None
    agrees_from: float
    agrees_to: float
    null: float | None


@dataclass(frozen=True)
class Measured:
    """A result as text."""

    value: str
    interval: str
    verdict: str
    direction: str  # on other data than the claim's


@dataclass(frozen=True)
class Row:
    """One claim as text for the page."""

    id: str
    kind: str
    family: str
    where: str
    claim: str
    paper: str
    paper_value: float
    source_status: str
    measured: Measured
    value: float
    unit: str
    units: str  # independent ones
    runs: str
    status: str
    bound: str
    how: str
    note: str
    drawn: Drawn | None
    encoding: str
    source_figures: tuple[str, ...]
    figure: str  # in the catalogue; empty if none shows it
    experiment: str
    recorded: Measured | None

    @property
    def verdict(self) -> str:
        """The verdict."""
        return self.measured.verdict

    @property
    def rank(self) -> int:
        """Place of the verdict in the order of the table."""
        return list(VERDICTS).index(self.verdict)

    @property
    def is_judged(self) -> bool:
        """Whether it has a verdict that depends on the interval."""
        return self.verdict in BY_INTERVAL

    @property
    def is_key(self) -> bool:
        """Whether it is a number stated by the paper that was measured, and counts."""
        return self.kind == STATED and self.verdict not in (Verdict.NOT_RUN, Verdict.READING)

    @property
    def side(self) -> str:
        """The direction without the data set: ``same direction``, ``opposite``, ``unclear`` or empty."""
        return next((side for side in SIDES if self.measured.direction.startswith(side)), "")


SIDES = ("same direction", "opposite", "unclear")


def rows_of(claims: pd.DataFrame, declared: Claims | None, recorded: Recorded | None) -> list[Row]:
    """Return the rows of the page.

    Args:
        claims: The table ``claims``.
        declared: The declarations, for bounds and how each is measured; None: without these.
        recorded: The results of a recorded study; None: there are none.
    """
    by_name = {} if declared is None else {claim.id: claim for claim in declared.claims}
    before = {} if recorded is None else {row["id"]: row for row in recorded.claims.to_dict("records")}
    return [_row(row, by_name.get(row["id"]), before.get(row["id"])) for row in claims.to_dict("records")]


def choices(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Return what the table can be filtered by: the values of each filter that occur, in order."""
    figures = {figure for row in rows for figure in row.source_figures}
    return {
        "verdict": [verdict for verdict in VERDICTS if any(row.verdict == verdict for row in rows)],
        "direction": [side for side in SIDES if any(row.side == side for row in rows)],
        "encoding": [name for name in ("direct", "cppn") if any(row.encoding == name for row in rows)],
        "kind": [kind for kind in KINDS if any(row.kind == kind for row in rows)],
        "figure": sorted(figures, key=lambda name: (name[5] == "S", int(re.sub(r"\D", "", name)))),
    }


def drawn_interval(claim: Claim, value: float, low: float, high: float) -> Drawn | None:
    """Return an interval and the range that agrees with ``claim`` as places on an axis; None without a finite value.

    The axis of a ``probability`` is its log-odds between 1 % and 99.99999 %, because confidences differ in the number
    of their nines. That of a ``share`` is 0 to 1, or shorter if all values are small. Other axes span the values.
    Places beyond the ends are at the ends.
    """
    if not math.isfinite(value):
        return None
    agreeing, null = claim.agreeing, math.nan if claim.null_value is None else claim.null_value
    known = [number for number in (value, low, high, *agreeing, null) if math.isfinite(number)]
    axis = _axis(claim.unit, known)

    def place(number: float) -> float | None:
        return round(100 * min(1.0, max(0.0, axis(number))), 2) if math.isfinite(number) else None

    return Drawn(
        value=place(value) or 0.0,
        low=place(low),
        high=place(high),
        agrees_from=place(agreeing.low) or 0.0,
        agrees_to=100.0 if math.isinf(agreeing.high) else place(agreeing.high) or 0.0,
        null=place(null),
    )


def source_figures(where: str) -> tuple[str, ...]:
    """Return the figures that a source names: ``Figs 13 and S7 on ImageNet`` gives ``Fig. 13`` and ``Fig. S7``."""
    return tuple(f"Fig. {name}" for part in re.findall(r"Figs?\.? ([^;:]*)", where) for name in _FIGURE.findall(part))


_FIGURE = re.compile(r"\b(S?\d+)\b")


def _row(row: Mapping[Any, Any], claim: Claim | None, before: Mapping[Any, Any] | None) -> Row:
    stated = not math.isnan(row["paper"])
    estimand = "" if claim is None or claim.estimand is None else claim.estimand
    dataset = row["measured_on"] if pd.notna(row["measured_on"]) else None if claim is None else claim.dataset
    return Row(
        id=row["id"],
        kind=row["kind"],
        family=row["family"] if row["family"] != row["id"] else "",
        where=row["where"],
        claim=row["claim"],
        paper=exactly_in_words(row["paper"], row["unit"]) if stated else "none stated",
        paper_value=row["paper"],
        source_status=row["source_status"],
        measured=_measured(row),
        value=row["ours"],
        unit=UNITS.get(row["unit"], ""),
        units=f"{row['units']:,}" if row["units"] > 0 else "",
        runs=f"{row['runs']:,}" if row["runs"] > 0 else "",
        status=row["status"],
        bound="" if claim is None else agreeing_in_words(claim) + (", one-sided" if claim.sided == "one" else ""),
        how=f"The {ESTIMANDS[estimand].in_words(claim, dataset=str(dataset))}." if claim and estimand else "",
        note="" if claim is None else claim.note or "",
        drawn=None if claim is None else drawn_interval(claim, row["ours"], row["low"], row["high"]),
        encoding=_encoding(row["id"], claim),
        source_figures=source_figures(row["where"]),
        figure=next((figure for part, figure in SHOWN_BY.items() if part in estimand), ""),
        experiment="" if claim is None else claim.experiment or "",
        recorded=None if before is None else _measured(before),
    )


def _measured(row: Mapping[Any, Any]) -> Measured:
    value, low, high = (in_words(row[name], row["unit"]) for name in ("ours", "low", "high"))
    return Measured(
        value=value,
        interval="" if math.isnan(row["low"]) else f"{low} to {high}" if low != high else f"{low} at both ends",
        verdict=row["verdict"],
        direction=on_data(Direction(row["direction"]), row["measured_on"]) if pd.notna(row["direction"]) else "",
    )


def _encoding(name: str, claim: Claim | None) -> str:
    """Return the encoding in the name of a claim or of its experiment; empty if there is none."""
    parts = {*name.split("-"), *((claim.experiment or "") if claim else "").split("-")}
    return next((encoding for encoding in ("direct", "cppn") if encoding in parts), "")


def _axis(unit: str, known: Sequence[float]) -> Callable[[float], float]:
    """Return a function from a number to its place on an axis, on which the ends are 0 and 1."""
    least, most = min(known), max(known)
    spread = (most - least) or 1.0

    def along(number: float) -> float:
        if unit == "probability":
            return (_log_odds(number) - _log_odds(LEAST)) / (_log_odds(MOST) - _log_odds(LEAST))
        if unit == "share":
            return number / (1.0 if most > SMALL else most * (1 + PADDING) or 1.0)
        return (number - least + PADDING * spread) / (spread * (1 + 2 * PADDING))

    return along


def _log_odds(probability: float) -> float:
    bounded = float(np.clip(probability, LEAST, MOST))
    return math.log(bounded / (1 - bounded))
