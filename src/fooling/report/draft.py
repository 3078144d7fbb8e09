"""The draft of the report: a page that shows the figures of a study as they are drawn, until the report is written.

It is written once, before the first job. The browser loads the page again every few seconds, and with it the pictures
that have come since.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fooling.figures.catalogue import FIGURES
from fooling.report.pictures import environment

DATA_FILES = ("draft.html",)

REFRESH = 20  # seconds between two loads of the page


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
        .get_template(DATA_FILES[0])
        .render(study=study, kinds=kinds, figures=len(figures), report=report, refresh=REFRESH)
    )
