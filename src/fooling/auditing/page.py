"""The pages of an audit and of a first look: self-contained HTML files in the style of the report."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from fooling.auditing.audit import AuditResult, SearchResult
from fooling.auditing.real_images import Refused
from fooling.auditing.settings import formula_of
from fooling.classifiers.wrapped import Scores
from fooling.figures.style import QUIET, SERIES, WIDTH, as_png, in_style
from fooling.messages import percent, short_percent
from fooling.report.pictures import Picture, environment, figure_uri, picture, size_of

if TYPE_CHECKING:
    from fooling.auditing.known_images import ProbeResult

DATA_FILES = ("page.html", "probe.html")
SHOWN = 40  # images of a search on the page at most: those with the highest confidence
#: Characters that all pictures take at most, so that a page is smaller than 5 MB: noise of 224 x 224 pixels takes
#: 200,000 for each.
MOST_CHARACTERS = 4_000_000

PRECISIONS = {
    "float32": "float32",
    "bfloat16": "searched in bfloat16; the confidences here are those of float32",
    "screened": "screened in bfloat16, with the same result as in float32",
}

SMALL = {"original": "real image", "changed": "smallest change", "noise": "noise of the same norm"}

Key = TypeVar("Key", str, int)
#: What cannot be known if a network gives no logits.
LIMITS: dict[Scores, tuple[str, ...]] = {
    "logits": (),
    "probabilities": (
        "The network gives probabilities in float32, not logits. Near 1 they lose digits, which limits the log-odds.",
    ),
    "top-k": (
        "The network names only its most likely classes, with their probabilities. A class that it does not name gets "
        "the score 0: a search has nothing to improve in a class until an image is found for which it is named.",
        "The probabilities come without logits. Near 1 they lose digits, which limits the log-odds.",
    ),
    "label": (
        "The network gives a label alone. The confidence is 1 in that class and 0 in all others: 1 means yes, not that "
        "the network is sure.",
        "Evolution knows only yes and no, so it has nothing to improve. Until an image has the label, it varies images "
        "of other classes; from then on the class is done. It can do little better than random search.",
        "The log-odds have no meaning here.",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One search in the table of the page, with its most confident images."""

    name: str
    title: str
    fooled: int
    classes: int  # that the search looked for
    first: str
    median: str
    evaluations: str
    is_control: bool
    pictures: Sequence[Picture]

    @property
    def left_out(self) -> int:
        """Images that are not on the page."""
        return self.classes - len(self.pictures)

    @property
    def share(self) -> float:
        """Share of the classes with an image at or above the threshold."""
        return self.fooled / self.classes


@dataclass(frozen=True, kw_only=True)
class Group:
    """Known images of one origin on the page of a first look."""

    title: str
    images: int
    fooling: int
    comparable: int
    same_class: int
    pictures: Sequence[Picture]

    @property
    def left_out(self) -> int:
        """Images that are not on the page."""
        return self.images - len(self.pictures)


def audit_page(result: AuditResult) -> str:
    """Return the HTML of an audit, smaller than 5 MB; images without room are left out, which the page says."""
    curves = as_png(draw_curves(result))
    strip = _fitting({"": enumerate(_strip(result))}, room=MOST_CHARACTERS // 4)[""]
    small = _fitting({"": enumerate(shown)}, room=MOST_CHARACTERS // 4)[""] if (shown := _small(result)) else []
    pictures = _fitting(
        {search.name: _most_confident(result, search) for search in result.searches},
        room=MOST_CHARACTERS - sum(len(shown.source) for shown in (*strip, *small)),
    )
    contents = {
        "searches": "Searches",
        "images": "Images",
        "test-images": "Test images",
        "meaning": "What the numbers mean, and what they do not",
        "harden": "How to harden a network",
        **({"remarks": "Remarks"} if result.remarks else {}),
        "run": "How it was made",
    }
    return (
        environment(Path(__file__).parent)
        .get_template("page.html")
        .render(
            result=result,
            real=result.real,
            least_accepted=[(each, _least_accepted(each)) for each in result.real.refused] if result.real else [],
            contents=contents,
            sentences=result.sentences(),
            limits=LIMITS[result.scores],
            rows=[_row(result, search, pictures[search.name]) for search in result.searches],
            has_fooled=any(search.fooled(result.settings.threshold) for search in result.searches),
            fewer=next((n for each in result.searches if (n := len(each.classes)) < len(result.class_names)), None),
            preprocessing=formula_of(result.provenance.get("input", {})),
            strip=strip,
            small=None if isinstance(result.small, str) else result.small.file,
            small_missing=result.small if isinstance(result.small, str) else "",
            small_pictures=small,
            threshold=short_percent(result.settings.threshold),
            curves=figure_uri(curves),
            size=size_of(curves),
            shape=" x ".join(map(str, result.input_shape)),
            precision=PRECISIONS[result.settings.precision],
        )
    )


def probe_page(result: ProbeResult) -> str:
    """Return the HTML of a first look at known images, smaller than 5 MB; images without room are left out."""
    groups = result.file.groups
    pictures = _fitting({number: _probed(result, number) for number in range(len(groups))}, room=MOST_CHARACTERS)
    return (
        environment(Path(__file__).parent)
        .get_template("probe.html")
        .render(
            probe=result.file,
            contents={f"group-{number}": group.name for number, group in enumerate(groups, start=1)},
            groups=[
                Group(
                    title=group.name,
                    images=len(group.images),
                    fooling=group.fooling,
                    comparable=group.comparable,
                    same_class=group.same_class,
                    pictures=pictures[number],
                )
                for number, group in enumerate(groups)
            ],
            threshold=short_percent(result.file.threshold),
        )
    )


@in_style
def draw_curves(result: AuditResult) -> Figure:
    """Draw for each search how many classes have an image at or above the threshold, over the images scored."""
    figure = Figure(figsize=(WIDTH, 3.2), layout="constrained")
    axes: Axes = figure.add_subplot()
    for number, search in enumerate(result.searches):
        reached = (search.history.astype(np.float64) >= result.settings.threshold).sum(axis=1)
        look = SERIES[number // 2 if search.name != "ascent" else 2]
        axes.plot(
            search.evaluations,
            reached,
            color=look.colour,
            linestyle=":" if search.is_control else "-",
            drawstyle="steps-post",
            label=search.title,
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(0, None)
    axes.set_xlabel("evaluations (images scored, over all classes)")
    axes.set_ylabel(f"classes {_reached(result)}")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.22), ncols=2, labelcolor=QUIET)
    return figure


def _least_accepted(refused: Refused) -> str:
    """Return below which confidence images are refused, with the decimals that one near 1 needs."""
    if refused.confidence is None:
        return "too few test images"
    decimals = math.ceil(-math.log10(max(1 - refused.confidence, sys.float_info.epsilon)))
    return f"below a confidence of {percent(refused.confidence, decimals=max(2, decimals))}"


def _reached(result: AuditResult) -> str:
    """Return what counts as fooling the network: a label alone has no confidence."""
    return "given as a label" if result.scores == "label" else f"at {short_percent(result.settings.threshold)} or more"


def _row(result: AuditResult, search: SearchResult, pictures: Sequence[Picture]) -> Row:
    first = search.first(result.settings.threshold)
    return Row(
        name=search.name,
        title=search.title,
        fooled=search.fooled(result.settings.threshold),
        classes=len(search.classes),
        first="never" if first is None else f"{first:,}",
        median="-" if result.scores == "label" else percent(float(np.median(search.confidences))),
        evaluations=f"{int(search.evaluations[-1]):,}",
        is_control=search.is_control,
        pictures=pictures,
    )


def _fitting(groups: Mapping[Key, Iterator[tuple[int, Picture]]], *, room: int) -> dict[Key, list[Picture]]:
    """Return pictures of each group, at most :data:`SHOWN`, that take ``room`` characters at most in all.

    Groups of small pictures come first; each group may take an equal share of what is left.

    Args:
        groups: Pictures of each group with their places in it, those that matter most first.
        room: Characters that all pictures may take.

    Returns:
        The pictures of each group, in the order of their places.
    """
    firsts = {name: next(pictures) for name, pictures in groups.items()}
    taken: dict[Key, list[Picture]] = {}
    for number, name in enumerate(sorted(firsts, key=lambda each: len(firsts[each][1].source))):
        share, kept = room // (len(firsts) - number), {}
        for place, shown in islice(chain([firsts[name]], groups[name]), SHOWN):
            if (share := share - len(shown.source)) < 0:
                break
            kept[place] = shown
        room -= sum(len(shown.source) for shown in kept.values())
        taken[name] = [kept[place] for place in sorted(kept)]
    return taken


def _most_confident(result: AuditResult, search: SearchResult) -> Iterator[tuple[int, Picture]]:
    """Yield the pictures of a search with their places, the most confident one first."""
    for index in np.argsort(-search.log_odds, kind="stable").tolist():
        yield index, _picture(result, search, index)


def _probed(result: ProbeResult, number: int) -> Iterator[tuple[int, Picture]]:
    """Yield the pictures of a group of known images with their places, the most confident one first."""
    known = result.file.groups[number].images
    for place in sorted(range(len(known)), key=lambda each: -known[each].log_odds):
        shown, name = known[place], result.file.classes[known[place].class_index]
        image = result.images[number][place]
        yield place, picture(image, name, shown.confidence, kind=shown.made_for or "")


def _picture(result: AuditResult, search: SearchResult, index: int) -> Picture:
    name = result.class_names[int(search.classes[index])]
    return picture(search.images[index], name, float(search.confidences[index]), kind=search.title)


def _small(result: AuditResult) -> list[Picture]:
    """Return the example of a smallest change: the real image, changed, and with noise; empty if not measured."""
    if isinstance(result.small, str):
        return []
    shown = zip(result.small.file.example, result.small.pictures, strict=True)
    names = (*result.class_names, "fooling class")
    return [picture(image, names[each.class_index], each.confidence, kind=SMALL[each.kind]) for each, image in shown]


def _strip(result: AuditResult) -> Iterator[Picture]:
    """Yield the most confident image of each search that is no control."""
    for search in result.searches:
        if not search.is_control:
            yield _picture(result, search, int(search.log_odds.argmax()))
