"""Champions by run and class with their confidence; below, two measures of how recognisable they are.

As the paper's Fig. 4 (direct encoding) and Fig. 5 (CPPN encoding), five runs on MNIST. Of many classes some are shown,
below the most confident champions, as in the paper's Figs 1 and 8. A second figure has many runs on one sheet, small,
to show which motifs recur (the paper's supplementary figure S2).
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fooling.attacks.evolution.record import RunRecord
from fooling.figures.image_grid import (
    HEAD,
    INCHES_PER_CHARACTER_POINT,
    are_many,
    in_columns,
    most_confident,
    note_on_classes,
    of_classes,
    panel,
    place_image,
    sheet,
    shown_classes,
    write,
    write_class_names,
    write_head,
)
from fooling.figures.style import BACKGROUND, ENCODINGS, INK, QUIET, REAL, WIDTH, in_style
from fooling.findings.examination import KINDS
from fooling.findings.random_images import picture_in
from fooling.messages import counted, percent

LEFT, RIGHT = 0.72, 0.2  # inches beside the images
GAP, CAPTION = 0.068, 0.175  # inches: between images, and the confidence under one
STRIP, STRIP_GAP = 0.72, 0.48  # inches: a strip of dots below the gallery, and the space above it
NOISE_ROWS = 2  # runs of the direct encoding with a row: all look like the same noise
WIDEST, LEAST_WIDTH, NAMES, LINES = 1.5, 3.6, 0.18, 0.85  # inches, of the figure of kinds
MOST_KINDS = 5  # in a row: the lines below an image are as wide as its place
MOST_CONFIDENT, IN_ROW, NAME = 40, 10, 0.1  # champions of many classes, in a row; inches for the name of each
SHEET_GAP, SHEET_LEFT, SHEET_RIGHT = 0.24, 0.3, 0.06  # inches
LINE = 0.165  # inches: the height of a line of the table
BLOCKS = 2


@in_style
def gallery(*, runs: Sequence[RunRecord], examined: pd.DataFrame) -> Figure:
    """Draw a row of champions for each of ``runs``, all on one classifier; of the direct encoding, for the first two.

    ``examined`` holds the confidence of an independent network in every champion and the distance to the nearest
    training image, also for some real test images.
    """
    examined = examined[examined["classifier"] == runs[0].classifier["name"]]
    confident = most_confident(runs, MOST_CONFIDENT) if are_many(runs) else []
    classes = shown_classes(runs)
    note = note_on_classes(runs, otherwise="")
    runs = [of_classes(run, classes) for run in runs]
    examined = in_columns(examined, classes)
    shown = _rows_of(runs, examined)
    real = examined[examined["search"] == "real-images"]
    drawers = {"independent_confidence": _draw_independent, "nearest_distance": _draw_distance}
    strips = [draw_strip for column, draw_strip in drawers.items() if shown[column].notna().any()]
    width = WIDTH - LEFT - RIGHT
    pitch = width / len(runs[0].class_names)
    rows = -(-len(confident) // IN_ROW)
    top = HEAD + (rows * (pitch - GAP + CAPTION + NAME) + 0.3 if rows else 0.0)
    drawn = runs[:NOISE_ROWS] if runs[0].encoding == "direct" else runs
    below = top + len(drawn) * (pitch - GAP + CAPTION)
    figure, axes = sheet(WIDTH, below + len(strips) * (STRIP + STRIP_GAP) + 0.28)
    _write_head(axes, runs, note, rows=len(drawn))
    _draw_most_confident(axes, confident, pitch)
    write_class_names(axes, runs[0].class_names, left=LEFT, pitch=pitch, bottom=top - 0.045)
    for row, run in enumerate(drawn):
        _draw_run(axes, run, top=top + row * (pitch - GAP + CAPTION), pitch=pitch)
    for place, draw_strip in enumerate(strips):
        top = below + STRIP_GAP + place * (STRIP + STRIP_GAP)
        draw_strip(panel(figure, left=LEFT, top=top, width=width, height=STRIP), shown, real)
    return figure


@in_style
def kinds(*, kinds: pd.DataFrame) -> Figure:
    """Draw one image for each way to fool a network, with its confidence, its cost, and what another network sees."""
    rows = math.ceil(len(kinds) / MOST_KINDS)
    columns = math.ceil(len(kinds) / rows)
    pitch = min((WIDTH - 2 * RIGHT) / columns, WIDEST)
    side = pitch - 2 * GAP
    height = NAMES + side + LINES
    figure, axes = sheet(max(columns * pitch + 2 * RIGHT, LEAST_WIDTH), HEAD + rows * height)
    network = kinds["classifier"].iloc[0]
    write_head(axes, f"Ways to fool {network}", "of each kind the image with the median confidence; one example each")
    for place, row in enumerate(kinds.to_dict("records")):
        line, column = divmod(place, columns)
        left = RIGHT + column * pitch + GAP
        middle, top = left + side / 2, HEAD + line * height + NAMES
        name = textwrap.fill(KINDS[row["kind"]], 18)
        write(axes, middle, top - 0.045, name, va="bottom", fontweight="bold", fontsize=6.5)
        place_image(axes, picture_in(row["png"], source=row["kind"]), left=left, top=top, side=side)
        write(axes, middle, top + side + 0.05, f"{row['class_name']}\n{percent(float(row['confidence']))}")
        words = [] if pd.isna(row["true_class"]) else [f"a real {row['true_class']}, changed"]
        words.append(f"{counted(row['evaluations'], 'evaluation')}")
        if not pd.isna(row["other"]):
            share = percent(float(row["other_confidence"]))
            seen = f"also {row['class_name']}, {share}" if row["transfers"] else f"{row['other_label']}, not fooled"
            words.append(f"{row['other']}: {seen}")
        write(axes, middle, top + side + 0.32, "\n".join(words), color=QUIET, fontsize=6)
    return figure


def _rows_of(runs: Sequence[RunRecord], examined: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of ``examined`` about the champions of these runs."""
    evolved = examined[examined["search"] == runs[0].search]
    return evolved[evolved["seed"].isin([run.seed for run in runs])].sort_values(["seed", "column"])


def _write_head(axes: Axes, runs: Sequence[RunRecord], more: str, *, rows: int) -> None:
    run = runs[0]
    encoding = ENCODINGS[run.encoding].label
    evaluations = int(run.history.evaluations[-1])
    title = f"Images evolved with the {encoding} on {run.classifier['name']}"
    shown = counted(len(runs), "run") + (f" (the first {rows} shown)" if rows < len(runs) else "")
    note = f"{shown}, {evaluations:,} images scored in each; under each image the network's confidence in its class" + (
        f"; runs: {more}" if more else ""
    )
    write_head(axes, title, note)


def _draw_most_confident(axes: Axes, champions: Sequence[tuple[RunRecord, int]], pitch: float) -> None:
    """Draw the most confident champions, each with its confidence and its class."""
    if not champions:
        return
    side = pitch - GAP
    mean = float(np.mean([run.confidences[index] for run, index in champions], dtype=np.float64))
    words = f"the {len(champions)} most\nconfident\n(each image\nonce); mean:\n{percent(mean)}"
    write(axes, LEFT - 0.1, HEAD, words, ha="right", color=QUIET)
    for place, (run, index) in enumerate(champions):
        row, column = divmod(place, IN_ROW)
        left, top = LEFT + column * pitch + GAP / 2, HEAD - 0.1 + row * (side + CAPTION + NAME)
        place_image(axes, run.images[index], left=left, top=top, side=side)
        name = run.class_names[index]
        size = min(6.0, pitch / (len(name) * INCHES_PER_CHARACTER_POINT))
        write(axes, left + side / 2, top + side + 0.02, percent(float(run.confidences[index])), fontsize=6)
        write(axes, left + side / 2, top + side + 0.12, name, fontsize=size, fontweight="bold")


def _draw_run(axes: Axes, run: RunRecord, *, top: float, pitch: float) -> None:
    side = pitch - GAP
    write(axes, LEFT - 0.1, top + side / 2, f"seed {run.seed}", ha="right", va="center", color=QUIET)
    for column, (image, confidence) in enumerate(zip(run.images, run.confidences, strict=True)):
        left = LEFT + column * pitch + GAP / 2
        place_image(axes, image, left=left, top=top, side=side)
        write(axes, left + side / 2, top + side + 0.025, percent(float(confidence)), fontsize=6.5)


def _draw_independent(axes: Axes, shown: pd.DataFrame, real: pd.DataFrame) -> None:
    name = shown["independent"].dropna().iloc[0]
    alike = shown["independent_label"] == shown["class_index"]
    _draw_dots(axes, shown, "independent_confidence", filled=alike)
    _draw_real(axes, real, "independent_confidence")
    axes.set(ylim=(-0.08, 1.08), yticks=[0, 0.5, 1], yticklabels=["0 %", "50 %", "100 %"])
    _write_medians(axes, shown, "independent_confidence", lambda value: percent(value, decimals=0))
    _write_title(
        axes, f"Confidence of {name} (independent network) in the same class", "filled: its top class is the same"
    )


def _draw_distance(axes: Axes, shown: pd.DataFrame, real: pd.DataFrame) -> None:
    alike = shown["nearest_label"] == shown["class_index"]
    _draw_dots(axes, shown, "nearest_distance", filled=alike)
    _draw_real(axes, real, "nearest_distance")
    highest = float(np.ceil(shown["nearest_distance"].max() * 5.5) / 5)
    axes.set(ylim=(-0.08 * highest, 1.08 * highest), yticks=[0, highest / 2, highest])
    _write_medians(axes, shown, "nearest_distance", "{:.2f}".format)
    _write_title(
        axes,
        "Distance to the nearest training image",
        "root mean square per pixel (black to white: 1); filled: it is of the same class",
    )


def _draw_real(axes: Axes, real: pd.DataFrame, column: str) -> None:
    """Draw a bar in every class at the median of real test images; name one of them."""
    medians = real.groupby("column")[column].median().dropna()
    axes.hlines(medians, medians.index - 0.42, medians.index + 0.42, color=REAL, linewidth=1.6, zorder=2)
    if len(medians):
        axes.annotate(
            "real", (medians.index[-1] + 0.44, medians.iloc[-1]), va="center", fontsize=6.5, color=REAL,
            annotation_clip=False,
        )  # fmt: skip


def _draw_dots(axes: Axes, shown: pd.DataFrame, column: str, *, filled: pd.Series[bool]) -> None:
    """Draw a dot for each champion, side by side in the column of its class."""
    classes, runs = shown["column"].nunique(), shown["seed"].nunique()
    step = min(0.6 / runs, 0.12)
    places = shown["column"] + step * (shown["seed"].rank(method="dense") - (runs + 1) / 2)
    colour = np.where(filled, INK, BACKGROUND)
    axes.scatter(places, shown[column], s=13, c=colour, edgecolors=INK, linewidths=0.7, clip_on=False, zorder=3)
    axes.set_xlim(-0.5, classes - 0.5)
    axes.grid(visible=False, axis="x")
    axes.spines["bottom"].set_visible(False)


def _write_medians(axes: Axes, shown: pd.DataFrame, column: str, text: Callable[[float], str]) -> None:
    """Write the median over the runs below every class, as the labels of the ticks."""
    medians = shown.groupby("column")[column].median()
    axes.set_xticks(list(medians.index), [text(value) for value in medians], fontweight="bold")
    axes.tick_params(axis="x", length=0)
    axes.annotate(
        "median", (0, 0), xycoords="axes fraction", xytext=(-5, -4.5), textcoords="offset points", ha="right",
        va="top", fontsize=7, color=QUIET,
    )  # fmt: skip


def _write_title(axes: Axes, title: str, note: str) -> None:
    axes.set_title(title, fontsize=7.5)
    axes.set_title(note, loc="right", fontsize=6.5, fontweight="normal", color=QUIET)


@in_style
def further_runs(*, runs: Sequence[RunRecord], examined: pd.DataFrame) -> Figure:
    """Draw a row of champions for each of ``runs``, in two blocks, above a table.

    ``examined`` holds the distances, similarities and confidences of the champions.
    """
    classes = shown_classes(runs)
    note = note_on_classes(runs, otherwise="")
    runs = [of_classes(run, classes) for run in runs]
    examined = in_columns(examined, classes)
    names = runs[0].class_names
    pitch = (WIDTH - SHEET_RIGHT - BLOCKS * SHEET_LEFT - SHEET_GAP) / (BLOCKS * len(names))
    rows = math.ceil(len(runs) / BLOCKS)
    below = HEAD + rows * pitch
    figure, axes = sheet(WIDTH, below + 1.5)
    _write_sheet_head(axes, runs, note)
    for block in range(BLOCKS):
        left = SHEET_LEFT + block * (SHEET_LEFT + SHEET_GAP + pitch * len(names))
        members = runs[block * rows : (block + 1) * rows]
        if members:
            write_class_names(axes, names, left=left, pitch=pitch)
        for row, run in enumerate(members):
            top = HEAD + row * pitch
            write(axes, left - 0.04, top + pitch / 2, str(run.seed), ha="right", va="center", color=QUIET, fontsize=6)
            for column, image in enumerate(run.images):
                place_image(axes, image, left=left + column * pitch + 0.01, top=top, side=pitch - 0.02)
    _write_numbers(axes, runs, examined, below + 0.16)
    return figure


def _write_sheet_head(axes: Axes, runs: Sequence[RunRecord], more: str) -> None:
    run = runs[0]
    title = f"{counted(len(runs), 'run')} with the {ENCODINGS[run.encoding].label} on {run.classifier['name']}"
    note = f"each row is a run, named by its seed; {int(run.history.evaluations[-1]):,} images scored in each"
    write_head(axes, title, f"{note}; {more}" if more else note)


def _write_numbers(axes: Axes, runs: Sequence[RunRecord], examined: pd.DataFrame, top: float) -> None:
    """Write a table of medians over the champions of each class."""
    run = runs[0]
    champions = examined[(examined["classifier"] == run.classifier["name"]) & (examined["search"] == run.search)]
    champions = champions[champions["seed"].isin([run.seed for run in runs])]
    first, step = 2.05, (WIDTH - 2.05 - SHEET_RIGHT) / len(run.class_names)
    lines = [("class", list(run.class_names)), *_numbers(champions)]
    for row, (label, texts) in enumerate(lines):
        y = top + LINE * row
        write(axes, 0.06, y, label, ha="left", color=QUIET, fontsize=6.5)
        for column, text in enumerate(texts):
            weight = "normal" if row else "bold"
            write(axes, first + (column + 0.5) * step, y, text, fontsize=6, fontweight=weight)
    note = (
        "medians over the runs; distance: root mean square per pixel (black to white: 1); similarity: "
        "correlation of the pixels, 1 for equal images"
    )
    write(axes, 0.06, top + LINE * len(lines) + 0.06, note, ha="left", color=QUIET, fontsize=6.5)


def _numbers(champions: pd.DataFrame) -> list[tuple[str, list[str]]]:
    """Return the lines of the table: a label, and the text of every class."""
    same = (champions["similar_class"] == champions["class_index"]).groupby(champions["column"]).mean()
    numbers = champions.select_dtypes("number").groupby("column").median()
    lines = [
        ("confidence", [percent(value) for value in numbers["confidence"]]),
        ("highest similarity to another run's image", [f"{value:.2f}" for value in numbers["similar_correlation"]]),
        ("runs in which that image is of the same class", [f"{100 * share:.0f} %" for share in same]),
    ]
    if champions["nearest_distance"].notna().any():
        distances = [f"{value:.2f}" for value in numbers["nearest_distance"]]
        lines.insert(1, ("distance to the nearest training image", distances))
    networks = champions["independent"].dropna()
    if len(networks):
        confidences = [percent(value) for value in numbers["independent_confidence"]]
        lines.insert(1, (f"confidence of {networks.iloc[0]} in the same class", confidences))
    return lines
