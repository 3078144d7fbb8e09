"""How sure the networks are of images that nobody evolved: the paper's networks could say "none of these"."""

from __future__ import annotations

import pandas as pd
import seaborn as sns  # type: ignore[import-untyped]
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fooling.figures.confidence_axis import use_percent_ticks
from fooling.figures.style import ENCODINGS, QUIET, WIDTH, draw_note, in_style

WHISKERS = (5, 95)  # percentiles


@in_style
def draw(*, start: pd.DataFrame, history: pd.DataFrame) -> Figure:
    """Left the top confidence of single random images, right the archive that a random start leaves.

    ``start`` has a row for every single image, ``history`` one for every class and generation of the runs.
    """
    encodings = history.drop_duplicates("experiment").set_index("experiment")["encoding"]
    first = history[(history["generation"] == 0) & (history["search"] == "map-elites")]
    single, archive = _labelled(start, encodings), _labelled(first, encodings)
    rows = list(dict.fromkeys(single["row"]))
    figure = Figure(figsize=(WIDTH, 1.2 + 0.34 * len(rows)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _draw_boxes(left, single, "top_confidence", rows)
    _draw_boxes(right, archive, "confidence", rows)
    left.set_title("Single random images")
    right.set_title(f"The best of {first['evaluations'].max():,}, class by class")
    _write_shares(left, single, rows)
    draw_note(
        figure,
        f"Left: {single.groupby('row').size().min():,} images per row, each with its top confidence; in the margin: "
        "the share above 50 %. Right: the champions of all classes and runs after the random "
        f"start. Box: the middle half and the median; whiskers: {WHISKERS[0]} to {WHISKERS[1]} %.",
    )
    return figure


def _labelled(table: pd.DataFrame, encodings: pd.Series[str]) -> pd.DataFrame:
    """``table`` with the row of the figure and the encoding that each of its rows belongs to."""
    return table.assign(
        row=table["classifier"] + ", " + table["experiment"], encoding=table["experiment"].map(encodings)
    )


def _draw_boxes(axes: Axes, table: pd.DataFrame, column: str, rows: list[str]) -> None:
    sns.boxplot(
        table,
        x=column,
        y="row",
        order=rows,
        hue="encoding",
        palette={name: look.colour for name, look in ENCODINGS.items()},
        dodge=False,
        whis=WHISKERS,
        showfliers=False,
        width=0.55,
        linewidth=0.9,
        saturation=0.9,
        legend=False,
        ax=axes,
    )
    use_percent_ticks(axes, which="x")
    axes.set(xlabel="confidence", ylabel="")
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def _write_shares(axes: Axes, single: pd.DataFrame, rows: list[str]) -> None:
    """Behind every row the share of images that get more than 50 %."""
    shares = (single["top_confidence"] > 0.5).groupby(single["row"]).mean()
    for place, row in enumerate(rows):
        text = f"{shares[row]:.0%}".replace("%", " %")
        axes.annotate(text, (1.04, place), va="center", color=QUIET, fontsize=6.5, annotation_clip=False)
