"""The report: a single, self-contained HTML page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from fooling.claims.verdicts import (
    KINDS,
    Direction,
    exactly_in_words,
    headline_of_claims,
    in_words,
    note_on_directions,
    note_on_status,
    on_data,
    scoreboard,
)
from fooling.figures.catalogue import FIGURES
from fooling.images import data_uri
from fooling.percentages import share_percent
from fooling.report.gallery import Gallery
from fooling.report.summary import ExperimentSummary, headline

DATA_FILES = ("page.html", "page.css")

#: Verdicts in the order of the page, each with a mark for readers who cannot see its colour.
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

#: Verdicts that depend on the interval.
JUDGED = ("reproduced", "not reproduced", "inconclusive")

ASKED = ("condition", "study with responses")  # values of `one_per` of the figures of the human study
HIDDEN, SHOWN = "Stimuli hidden", "Stimuli shown"  # titles of the sheets of stimuli, without and with labels


@dataclass(frozen=True)
class Row:
    """One claim as text for the page."""

    id: str
    kind: str
    where: str
    claim: str
    paper: str
    source_status: str
    ours: str
    interval: str
    units: str  # independent ones
    runs: str
    verdict: str
    direction: str  # on other data than the claim's
    status: str

    @property
    def mark(self) -> str:
        """Mark of the verdict."""
        return VERDICTS[self.verdict]

    @property
    def is_judged(self) -> bool:
        """Whether it has a verdict that depends on the interval."""
        return self.verdict in JUDGED


@dataclass(frozen=True)
class Drawing:
    """One figure of the page."""

    figure: str
    subject: str  # the experiment, classifier or condition that it shows; empty if none
    caption: str
    source: str  # a data URI


def page(
    *,
    study: str,
    claims: pd.DataFrame,
    experiments: Sequence[ExperimentSummary],
    galleries: Sequence[Gallery],
    figures: Mapping[str, bytes],
    information: Mapping[str, Any],
    threshold: float,
    deviations: str,
) -> str:
    """Return the HTML of the report.

    Args:
        study: Name of the study.
        claims: The table ``claims``.
        experiments: Summaries of the experiments.
        galleries: Galleries of evolved images.
        figures: PNG files by name of the figure's file, without its ending.
        information: Content of ``run-info.json``.
        threshold: Confidence at or above which an image counts as fooling.
        deviations: URL of the list of deviations from the paper.
    """
    rows = [_row(claim) for claim in claims.to_dict("records")]
    measured = [row for row in rows if row.verdict != "not run here"]
    drawn = _drawings(figures)
    finding, contrast = headline(experiments, threshold=threshold)
    return (
        _environment()
        .get_template(DATA_FILES[0])
        .render(
            study=study,
            finding=finding,
            contrast=contrast,
            threshold=share_percent(threshold),
            measured={kind: chosen for kind in KINDS if (chosen := [row for row in measured if row.kind == kind])},
            missing=[row for row in rows if row.verdict == "not run here"],
            scoreboard={kind: counts for kind, counts in scoreboard(claims).items() if counts},
            headline_of_claims=headline_of_claims(claims),
            note_on_status=note_on_status(claims),
            note_on_directions=note_on_directions(claims),
            marks=VERDICTS,
            statuses=STATUSES,
            experiments=experiments,
            galleries=galleries,
            figures={title: drawings for title, drawings in drawn.items() if _kind(drawings) not in ASKED},
            answers={title: drawings for title, drawings in drawn.items() if _kind(drawings) == "study with responses"},
            hidden=drawn.get(HIDDEN, []),
            shown={drawing.subject: drawing for drawing in drawn.get(SHOWN, [])},
            information=information,
            deviations=deviations,
        )
    )


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "duration": duration,
        "in_words": in_words,
        "percent": share_percent,
        "style": style,
        "unbroken": unbroken,
    }
    return environment


def duration(seconds: float) -> str:
    """Return a duration such as ``12 s``, ``3 min 5 s`` or ``2 h 10 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def style(verdict: str) -> str:
    """Return the CSS class of a verdict."""
    return verdict.split(",")[0].replace(" ", "-")


def unbroken(text: str) -> str:
    """Return ``text`` with non-breaking spaces before percent signs and after ``≥``."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%").replace("≥ ", "≥\N{NO-BREAK SPACE}")


def _row(claim: Mapping[Any, Any]) -> Row:
    """Return a row of the table ``claims`` as text: numbers with units, and the interval if there is one."""
    ours, low, high = (in_words(claim[name], claim["unit"]) for name in ("ours", "low", "high"))
    stated = not math.isnan(claim["paper"])
    return Row(
        id=claim["id"],
        kind=claim["kind"],
        where=claim["where"],
        claim=claim["claim"],
        paper=exactly_in_words(claim["paper"], claim["unit"]) if stated else "none stated",
        source_status=claim["source_status"],
        ours=ours,
        interval="" if math.isnan(claim["low"]) else f"{low} to {high}",
        units=f"{claim['units']:,}" if claim["units"] > 0 else "",
        runs=f"{claim['runs']:,}" if claim["runs"] > 0 else "",
        verdict=claim["verdict"],
        direction=on_data(Direction(claim["direction"]), claim["measured_on"]) if pd.notna(claim["direction"]) else "",
        status=claim["status"],
    )


def _drawings(figures: Mapping[str, bytes]) -> dict[str, list[Drawing]]:
    """Return the figures by title, in the order of the catalogue; galleries have their own section."""
    grouped: dict[str, list[Drawing]] = {}
    for figure, declared in FIGURES.items():
        members = [name for name in figures if name.partition("-")[0] == figure]
        if members and figure != "gallery":
            grouped[figure.replace("_", " ").capitalize()] = [
                Drawing(figure, name.partition("-")[2], declared.caption, data_uri(figures[name])) for name in members
            ]
    return grouped


def _kind(drawings: Sequence[Drawing]) -> str:
    """Return what there is one drawing of, for a figure with these drawings."""
    return FIGURES[drawings[0].figure].one_per
