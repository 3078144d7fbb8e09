"""The page of an audit: one self-contained HTML file in the style of the report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from fooling.auditing.audit import AuditResult, SearchResult
from fooling.figures.style import QUIET, SERIES, WIDTH, as_png, in_style
from fooling.formatting import percent, share_percent, short_percent, unbroken
from fooling.report import pictures
from fooling.report.pictures import Picture, figure_uri, picture, size_of

DATA_FILES = ("page.html", "../report/templates/style.css")
SHOWN = 40  # images of a search on the page at most: those with the highest confidence


@dataclass(frozen=True, kw_only=True)
class Row:
    """One search in the table of the page, with its most confident images."""

    name: str
    title: str
    fooled: int
    classes: int
    first: str
    median: str
    evaluations: str
    pictures: Sequence[Picture]
    left_out: int  # images that are not on the page

    @property
    def share(self) -> float:
        """Share of the classes with an image at or above the threshold."""
        return self.fooled / self.classes


def audit_page(result: AuditResult) -> str:
    """Return the HTML of an audit."""
    curves = as_png(draw_curves(result))
    loader = jinja2.FileSystemLoader([Path(__file__).parent, Path(pictures.__file__).parent / "templates"])
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"unbroken": unbroken, "percent": share_percent}
    return environment.get_template("page.html").render(
        result=result,
        sentences=result.sentences(),
        rows=[_row(result, search) for search in result.searches],
        strip=list(_strip(result)),
        threshold=short_percent(result.settings.threshold),
        curves=figure_uri(curves),
        size=size_of(curves),
        shape=" x ".join(map(str, result.input_shape)),
    )


@in_style
def draw_curves(result: AuditResult) -> Figure:
    """Draw for each search how many classes have an image at or above the threshold, over the images scored."""
    figure = Figure(figsize=(WIDTH, 3.2), layout="constrained")
    axes: Axes = figure.add_subplot()
    for number, search in enumerate(result.searches):
        reached = (search.history.astype(np.float64) >= result.settings.threshold).sum(axis=1)
        look = SERIES[number // 2 if search.name != "ascent" else 2]
        is_control = not search.control and search.name != "ascent"
        axes.plot(
            search.evaluations,
            reached,
            color=look.colour,
            linestyle=":" if is_control else "-",
            drawstyle="steps-post",
            label=search.title,
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_ylim(0, None)
    axes.set_xlabel("evaluations (images scored, over all classes)")
    axes.set_ylabel(f"classes at {short_percent(result.settings.threshold)} or more")
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.22), ncols=2, labelcolor=QUIET)
    return figure


def _row(result: AuditResult, search: SearchResult) -> Row:
    first = search.first(result.settings.threshold)
    order = np.argsort(-search.log_odds, kind="stable")[:SHOWN]
    chosen = sorted(order.tolist()) if len(search.classes) > SHOWN else range(len(search.classes))
    return Row(
        name=search.name,
        title=search.title,
        fooled=search.fooled(result.settings.threshold),
        classes=len(search.classes),
        first="never" if first is None else f"{first:,}",
        median=percent(float(np.median(search.confidences))),
        evaluations=f"{int(search.evaluations[-1]):,}",
        pictures=[_picture(result, search, index) for index in chosen],
        left_out=len(search.classes) - len(chosen),
    )


def _picture(result: AuditResult, search: SearchResult, index: int) -> Picture:
    name = result.class_names[int(search.classes[index])]
    return picture(search.images[index], name, float(search.confidences[index]), kind=search.title)


def _strip(result: AuditResult) -> Iterator[Picture]:
    """Yield the most confident image of each search that is no control."""
    for search in result.searches:
        if search.control or search.name == "ascent":
            yield _picture(result, search, int(search.log_odds.argmax()))
