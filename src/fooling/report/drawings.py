"""The figures of the report: where each is shown, its file as text in the page, and the draft of the page.

The draft is written once, before the first job. The browser loads it again every few seconds, and with it the figures
that have been drawn since, until the report is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fooling.figures.catalogue import FIGURES
from fooling.report.pictures import environment, figure_uri, size_of

#: Figures that repeat images of the gallery: they stay in the folder of figures.
REPEATS = ("gallery", "further_runs", "real_and_evolved", "same_label")
LOOP, COMPARISON, CURVES = "same_label", "search_comparison", "confidence_over_evaluations"
#: Figures that answer a question of the report, by the id of its section; the first one that was drawn is shown.
ANSWERS = {
    "fooled": ("fooled",),
    "others": ("transfer",),
    "why": ("distances",),
    "boundary": ("boundary",),
    "far": ("rubbish",),
    "smooth": ("families",),
    "stress": ("robustness",),
    "fix": ("retraining_curve",),
    "harden": ("hardening",),
    "kinds": ("kinds",),
    "adversarial": ("adversarial_success",),
    "universal": ("universal_rates",),
    "labels": ("label_only",),
    "detectors": ("detectors",),
    "ranking": ("audits",),
}
MOST_FURTHER = 2_200_000  # characters of all further figures, so that the page of the default study is below 5 MB
HIDDEN, LABELLED = "stimuli_hidden", "stimuli_shown"  # sheets of stimuli, without and with labels
OF_PEOPLE = ("condition", "study with responses")  # values of `one_per` of the figures of the human study
IMAGES = (
    "runs",
    "batches",
    "ascents",
    "examples",
    "stimuli",
    "dataset",
    "family_images",
    "kinds",
    "detector_images",
)  # with images
MOST_TABS = 12  # figures in a section of the page; the others are in the folder of figures
DRAFT = "draft.html"  # not among DATA_FILES, which count for the report: no step writes the draft
REFRESH = 20  # seconds between two loads of the page


@dataclass(frozen=True)
class Drawing:
    """One figure of the page."""

    name: str  # of its file, without its ending
    png: bytes

    @property
    def figure(self) -> str:
        """Its entry in the catalogue."""
        return self.name.partition("-")[0]

    @property
    def subject(self) -> str:
        """The experiment, classifier or condition that it shows; empty if none."""
        return self.name.partition("-")[2]

    @property
    def title(self) -> str:
        """Its title, without the subject."""
        return self.figure.replace("_", " ").capitalize()

    @property
    def caption(self) -> str:
        """Its caption."""
        return FIGURES[self.figure].caption

    @property
    def is_plot(self) -> bool:
        """Whether it shows no images, so that its colours may be inverted in a dark page."""
        return not set(FIGURES[self.figure].inputs) & set(IMAGES)

    @property
    def width(self) -> int:
        """Its width in pixels."""
        return size_of(self.png)[0]

    @property
    def height(self) -> int:
        """Its height in pixels."""
        return size_of(self.png)[1]

    @cached_property
    def source(self) -> str:
        """Its data URI."""
        return figure_uri(self.png)


class Drawings:
    """The figures of a study, in the order of the catalogue, each shown at one place."""

    def __init__(self, figures: Mapping[str, bytes]) -> None:
        """Take PNG files by the names of the files, without their ending; names outside the catalogue are left out."""
        drawn = [Drawing(name, png) for name, png in figures.items()]
        self.all = [drawing for figure in FIGURES for drawing in drawn if drawing.figure == figure]

    def of(self, figure: str) -> list[Drawing]:
        """Return the figures of this entry of the catalogue."""
        return [drawing for drawing in self.all if drawing.figure == figure]

    def first(self, figure: str) -> Drawing | None:
        """Return the first figure of this entry; None if there is none."""
        return next(iter(self.of(figure)), None)

    def by_subject(self, figure: str) -> dict[str, Drawing]:
        """Return the figures of this entry by what they show."""
        return {drawing.subject: drawing for drawing in self.of(figure)}

    def answering(self, section: str) -> list[Drawing]:
        """Return the figures that answer the question of a section."""
        found = next((found for figure in ANSWERS[section] if (found := self.of(figure))), [])
        return found[:MOST_TABS]

    def further(self) -> dict[str, list[Drawing]]:
        """Return the figures without a place of their own, by title, the largest files left out."""
        chosen = self._without_place
        return _by_title([drawing for drawing in chosen if drawing not in self._too_large])

    @cached_property
    def _without_place(self) -> list[Drawing]:
        elsewhere = {COMPARISON, CURVES, *REPEATS, *(name for names in ANSWERS.values() for name in names)}
        return [drawing for drawing in self.all if drawing.figure not in elsewhere and not _is_of_people(drawing)]

    @cached_property
    def _too_large(self) -> list[Drawing]:
        """The largest further figures, as many as keep the others below :data:`MOST_FURTHER`."""
        total, too_large = sum(len(drawing.source) for drawing in self._without_place), []
        for drawing in sorted(self._without_place, key=lambda drawing: -len(drawing.source)):
            if total <= MOST_FURTHER:
                break
            total -= len(drawing.source)
            too_large.append(drawing)
        return too_large

    @cached_property
    def _beyond_tabs(self) -> list[Drawing]:
        """The figures of answers that are not on the page, because a section has :data:`MOST_TABS` tabs at most."""
        return [one for figures in ANSWERS.values() for figure in figures for one in self.of(figure)[MOST_TABS:]]

    def of_answers(self) -> dict[str, list[Drawing]]:
        """Return the figures of people's answers, by title."""
        return _by_title(one for one in self.all if FIGURES[one.figure].one_per == "study with responses")

    def left_out(self) -> list[str]:
        """Return what is not on the page: entries of the catalogue that repeat its images, and large figures."""
        repeats = [figure for figure in REPEATS if len(self.of(figure)) > (figure == LOOP)]
        groups = _by_title(self._beyond_tabs)
        further = [f"{len(found)} more of {title.lower()}" for title, found in groups.items()]
        return [*repeats, *further, *(drawing.name for drawing in self._too_large)]

    def place_of(self, figure: str, experiment: str) -> str:
        """Return the id on the page of the figure of an experiment, or else the first one of the entry; or nothing."""
        if not figure or figure in REPEATS:
            return ""
        shown = [one for one in self.of(figure) if one not in self._too_large and one not in self._beyond_tabs]
        found: Sequence[Drawing] = [one for one in shown if one.subject == experiment] or shown
        return f"figure-{found[0].name}" if found else ""


def _is_of_people(drawing: Drawing) -> bool:
    return FIGURES[drawing.figure].one_per in OF_PEOPLE


def _by_title(drawings: Iterable[Drawing]) -> dict[str, list[Drawing]]:
    grouped: dict[str, list[Drawing]] = {}
    for drawing in drawings:
        grouped.setdefault(drawing.title, []).append(drawing)
    return grouped


@dataclass(frozen=True)
class Kind:
    """All figures of one kind."""

    title: str
    caption: str
    files: tuple[tuple[str, str], ...]  # subject, which is empty for a figure of the whole study, and URL


def draft(*, study: str, figures: Mapping[str, str], report: str) -> str:
    """Return the HTML of the draft.

    Args:
        study: Name of the study.
        figures: URL of each figure, relative to the page, by its name: that of the catalogue, with the experiment,
            classifier, retraining or condition that it shows. The files need not exist yet.
        report: Path of the report that is to come, relative to the page.
    """
    kinds = []
    for kind, declared in FIGURES.items():
        files = tuple((name.partition("-")[2], url) for name, url in figures.items() if name.partition("-")[0] == kind)
        if files:
            kinds.append(Kind(kind.replace("_", " ").capitalize(), declared.caption, files))
    return (
        environment(Path(__file__).parent)
        .get_template(DRAFT)
        .render(study=study, kinds=kinds, figures=len(figures), report=report, refresh=REFRESH)
    )
