"""The report: a single, self-contained HTML page."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jinja2
import pandas as pd

from fooling import __version__
from fooling.claims.claim import Claims
from fooling.claims.verdicts import (
    Verdict,
    headline_of_claims,
    in_words,
    note_on_directions,
    note_on_status,
    scoreboard,
)
from fooling.messages import short_percent
from fooling.report.claim_rows import STATUSES, VERDICTS, Recorded, Row, choices, rows_of
from fooling.report.drawings import ANSWERS, COMPARISON, CURVES, HIDDEN, LABELLED, LOOP, Drawing, Drawings
from fooling.report.pictures import Course, Gallery, Picture, Question, environment
from fooling.report.probes import (
    are_far_inputs_confident,
    are_labels_enough,
    do_detectors_help,
    does_training_help,
    is_it_the_cppn,
    is_one_enough,
    what_survives,
    where_champions_lie,
    who_is_fooled,
)
from fooling.report.story import (
    ExperimentSummary,
    can_it_be_fixed,
    counted_experiments,
    do_others_agree,
    does_evolution_matter,
    does_retraining_help,
    how_small_is_enough,
    is_fooled,
    which_are_fooled_most,
    why,
)

DATA_FILES = (
    "templates/page.html",
    "templates/opening.html",
    "templates/findings.html",
    "templates/claims.html",
    "templates/images.html",
    "templates/run.html",
    "templates/script.js",
)

#: The sections of the page in order: the id of each, and its title.
SECTIONS = {
    "guess": "Guess first",
    "how": "How it works",
    "evolution": "Is it evolution?",
    "fooled": "Who is fooled?",
    "others": "Do they fool other networks?",
    "why": "Why are they fooled?",
    "boundary": "How far are they from the boundary?",
    "far": "What about inputs far from the data?",
    "smooth": "Is it the CPPN, or any smooth image?",
    "stress": "What do fooling images survive?",
    "fix": "Can it be fixed?",
    "harden": "Does training make it harder?",
    "kinds": "In how many ways can one network be fooled?",
    "adversarial": "How small a change is enough?",
    "universal": "Is one change enough for all images?",
    "labels": "Is a label alone enough?",
    "detectors": "Does a detector stop them?",
    "ranking": "Which networks are fooled most?",
    "claims": "Claims of the paper, and ours",
    "gallery": "Gallery",
    "figures": "Further figures",
    "people": "The human study",
    "run": "How it was run",
    "downloads": "Downloads",
    "cite": "Citation",
}
#: Sections that every study has once it is done; a draft names those that are missing.
IN_EVERY_STUDY = {
    "guess": "images to guess",
    "how": "how it works",
    "evolution": "the comparison with random search",
    "claims": "the paper's claims",
    "gallery": "the gallery",
    "figures": "further figures",
    "run": "how it was run",
}


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The tables behind the sentences; of those that are missing, the sentence is left out."""

    transfer: Sequence[pd.DataFrame] = ()  # one for each experiment
    distances: Sequence[pd.DataFrame] = ()  # one for each classifier
    retraining: pd.DataFrame | None = None  # of all retrainings
    effects: pd.DataFrame | None = None  # of all retrainings
    rubbish_summary: pd.DataFrame | None = None
    fooled_summary: pd.DataFrame | None = None
    ray_slopes: pd.DataFrame | None = None
    boundary: pd.DataFrame | None = None  # of all classifiers
    families: pd.DataFrame | None = None  # of all classifiers
    robustness: pd.DataFrame | None = None  # of all classifiers
    supernormal: pd.DataFrame | None = None  # of all classifiers
    adversarial_means: pd.DataFrame | None = None
    universal_means: pd.DataFrame | None = None
    label_only: pd.DataFrame | None = None
    label_only_transfer: pd.DataFrame | None = None
    detector_means: pd.DataFrame | None = None
    audits: pd.DataFrame | None = None
    audit_attacks: pd.DataFrame | None = None
    hardening: pd.DataFrame | None = None


@dataclass(frozen=True, kw_only=True)
class Content:
    """Everything that the page shows; whatever is empty has no place on it."""

    study: str
    threshold: float  # confidence at or above which an image counts as fooling
    deviations: str  # URL or path of the list of deviations from the paper
    experiments: Sequence[ExperimentSummary] = ()
    same_label: Sequence[Picture] = ()  # a real and evolved images with one label
    questions: Sequence[Question] = ()
    courses: Sequence[Course] = ()
    galleries: Sequence[Gallery] = ()
    figures: Mapping[str, bytes] = field(default_factory=dict)  # PNG files by name, without the ending
    tables: Tables = field(default_factory=Tables)
    claims: pd.DataFrame | None = None  # the table ``claims``
    declared: Claims | None = None
    recorded: Recorded | None = None
    information: Mapping[str, Any] | None = None  # content of ``run-info.json``
    downloads: Mapping[str, tuple[bytes, str]] = field(default_factory=dict)  # content and description by file name
    is_draft: bool = False


@dataclass(frozen=True)
class Answer:
    """A question of the study with one sentence and its figures."""

    sentence: str
    drawings: Sequence[Drawing]


@dataclass(frozen=True)
class Download:
    """A file inside the page."""

    name: str
    words: str
    source: str


@dataclass(frozen=True)
class PlacedRow:
    """A claim with the id of the figure that shows it; empty if none does."""

    row: Row
    link: str

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the row."""
        return getattr(self.row, name)


def page(content: Content) -> str:
    """Return the HTML of the report."""
    drawings = Drawings(content.figures)
    rows = _rows(content, drawings)
    answers = _answers(content, drawings)
    evolution = does_evolution_matter(content.experiments)
    context: dict[str, Any] = {
        "study": content.study,
        "version": __version__,
        "threshold": short_percent(content.threshold),
        "deviations": content.deviations,
        "is_draft": content.is_draft,
        "story": _story(content, evolution),
        "experiments": content.experiments,
        "small": [found for found in content.experiments if found.is_small],
        "counts_small": any(found.is_small for found in counted_experiments(content.experiments)),
        "same_label": content.same_label,
        "questions": content.questions,
        "courses": content.courses,
        "loop_figure": _loop_figure(content, drawings),
        "evolution": evolution,
        "comparison": drawings.first(COMPARISON),
        "curves": drawings.by_subject(CURVES),
        "answers": answers,
        "galleries": content.galleries,
        "further": drawings.further(),
        "asked": drawings.of_answers(),
        "hidden": drawings.of(HIDDEN),
        "labelled": drawings.by_subject(LABELLED),
        "left_out": drawings.left_out(),
        "information": content.information,
        "downloads": [Download(name, words, _file_uri(data)) for name, (data, words) in content.downloads.items()],
        "recorded": content.recorded,
        "marks": VERDICTS,
        "statuses": STATUSES,
        **_of_claims(content.claims, rows),
    }
    present = {
        "guess": content.questions,
        "how": content.courses or context["loop_figure"],
        "evolution": content.experiments,
        **answers,
        "claims": rows,
        "gallery": content.galleries,
        "figures": context["further"],
        "people": context["hidden"] or context["asked"],
        "run": content.information,
        "downloads": content.downloads,
        "cite": True,
    }
    contents = {name: title for name, title in SECTIONS.items() if present.get(name)}
    to_come = [words for name, words in IN_EVERY_STUDY.items() if name not in contents]
    return _environment().get_template("page.html").render(context, contents=contents, to_come=to_come)


def _story(content: Content, evolution: Sequence[str]) -> list[str]:
    """Return the headline and the sentences below it."""
    if not content.experiments:
        return [
            line for line in ("How easily are networks fooled?", which_are_fooled_most(content.tables.audits)) if line
        ]
    helped = does_retraining_help(content.tables.retraining, threshold=content.threshold)
    return [is_fooled(content.experiments, threshold=content.threshold), " ".join(evolution), helped][
        : 3 if helped else 2 if evolution else 1
    ]


def _loop_figure(content: Content, drawings: Drawings) -> Drawing | None:
    """Return the figure of the evolutionary loop on the first classifier of the galleries, or else the first one."""
    first = content.galleries[0].classifier if content.galleries else ""
    return drawings.by_subject(LOOP).get(first, drawings.first(LOOP))


def _answers(content: Content, drawings: Drawings) -> dict[str, Answer]:
    encodings = {found.name: found.encoding for found in content.experiments}
    sentences = {
        "fooled": who_is_fooled(content.tables.fooled_summary),
        "others": do_others_agree(content.tables.transfer, encodings),
        "why": why(content.tables.distances, threshold=content.threshold),
        "boundary": where_champions_lie(content.tables.boundary),
        "far": are_far_inputs_confident(
            content.tables.rubbish_summary, content.tables.ray_slopes, threshold=content.threshold
        ),
        "smooth": is_it_the_cppn(content.tables.families),
        "stress": what_survives(content.tables.robustness, content.tables.supernormal),
        "fix": can_it_be_fixed(content.tables.effects),
        "harden": does_training_help(content.tables.hardening),
        "kinds": "",
        "adversarial": how_small_is_enough(content.tables.adversarial_means),
        "universal": is_one_enough(content.tables.universal_means),
        "labels": are_labels_enough(content.tables.label_only, content.tables.label_only_transfer),
        "detectors": do_detectors_help(content.tables.detector_means, threshold=content.threshold),
        "ranking": which_are_fooled_most(content.tables.audits, content.tables.audit_attacks),
    }
    found = {name: Answer(sentences[name], drawings.answering(name)) for name in ANSWERS}
    return {name: answer for name, answer in found.items() if answer.sentence or answer.drawings}


def _rows(content: Content, drawings: Drawings) -> list[PlacedRow]:
    """Return the claims, those that were not run at the end; none if none was measured."""
    if content.claims is None or (content.claims["verdict"] == Verdict.NOT_RUN).all():
        return []
    rows = rows_of(content.claims, content.declared, content.recorded)
    ordered = sorted(rows, key=lambda row: row.verdict == Verdict.NOT_RUN)
    return [PlacedRow(row, drawings.place_of(row.figure, row.experiment)) for row in ordered]


def _of_claims(claims: pd.DataFrame | None, rows: Sequence[PlacedRow]) -> dict[str, Any]:
    if claims is None or not rows:
        return {}
    return {
        "rows": rows,
        "cards": [row for row in rows if row.is_key],
        "choices": choices([row.row for row in rows]),
        "scoreboard": {kind: counts for kind, counts in scoreboard(claims).items() if counts},
        "headline_of_claims": headline_of_claims(claims),
        "note_on_status": note_on_status(claims),
        "note_on_directions": note_on_directions(claims),
    }


def _environment() -> jinja2.Environment:
    made = environment()
    made.filters |= {"duration": duration, "in_words": in_words, "sortable": sortable}
    return made


def duration(seconds: float) -> str:
    """Return a duration such as ``12 s``, ``3 min 5 s`` or ``2 h 10 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def sortable(number: float) -> str:
    """Return a number as the script sorts it; empty for NaN."""
    if math.isnan(number):
        return ""
    return repr(float(number)) if math.isfinite(number) else ("Infinity" if number > 0 else "-Infinity")


def _file_uri(content: bytes) -> str:
    return f"data:application/octet-stream;base64,{base64.b64encode(content).decode()}"
