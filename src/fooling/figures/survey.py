"""Answers of people in the human study: accuracy, single images, confusions and certainty."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fooling.figures.style import (
    BACKGROUND,
    ENCODINGS,
    EXPLAINED,
    FAINT,
    INK,
    REAL,
    SERIES,
    SHARES,
    WIDTH,
    Look,
    draw_note,
    draw_title,
    finite_log_odds,
    in_style,
    use_confidence_ticks,
    use_percent_ticks,
)
from fooling.messages import counted

RIGHT, NONE = "right answer", "none of these"
SIGNIFICANT = 0.05  # below this p, after Holm's correction, a dot is filled
ACROSS = 3  # panels side by side, of confusions
MOST_WITH_NUMBERS = 12  # classes: if there are more, numbers do not fit
MEASURES = {"share": "correct answers", "rating": "certainty (1 to 5)"}
ALL = "all"  # of the correlations: those over the images of all conditions
SYNTHETIC = "synthetic"  # the watermark of simulated answers
CHANCE_DASHES = (0, (4, 2.5))
BLOCKS = {
    ("two-way", "random"): "two labels,\nthe other at random",
    ("two-way", "confused"): "two labels, the other\none often confused",
    ("all-way", ""): "all labels",
    ("free", ""): "all labels,\nor none of them",
}


@in_style
def survey_accuracy(*, survey_accuracy: pd.DataFrame) -> Figure:
    """Draw the share of correct answers: a panel for each block, a row for each condition."""
    blocks = _blocks_of(survey_accuracy)
    conditions = list(dict.fromkeys(survey_accuracy["condition"]))
    figure = Figure(figsize=(WIDTH, 1.5 + 0.27 * len(conditions)), layout="constrained")
    panels = figure.subplots(1, len(blocks), sharey=True, squeeze=False)[0]
    for axes, (block, rows) in zip(panels, blocks.items(), strict=True):
        _draw_block(axes, rows, conditions)
        axes.set_title(BLOCKS[block], fontsize=7.5)
    _label_rows(panels[0], conditions)
    draw_title(figure, "Correct answers of people: the network's label, or the true class of a real image")
    people = survey_accuracy["people"].max()
    answers = survey_accuracy.loc[survey_accuracy["outcome"] == RIGHT, "answers"]
    draw_note(
        figure,
        f"{counted(int(people), 'participant')}, {counted(int(answers.sum()), 'answer')}. Bars: intervals over people "
        "and images. Dashed: chance. Shaded: the declared margin above chance, which counts as chance; hollow: the "
        "one-sided bound is within it. Grey: the share of the answer 'none of these', if it is offered.",
    )
    _mark_synthetic(figure, survey_accuracy)
    return figure


def _draw_block(axes: Axes, rows: pd.DataFrame, conditions: list[str]) -> None:
    looks = looks_of(conditions)
    right = rows[rows["outcome"] == RIGHT].set_index("condition").reindex(conditions)
    chance, limit = right["chance"].astype(float).max(), right["limit"].astype(float).max()
    _draw_chance(axes, chance, vertical=True)
    if np.isfinite(limit):
        axes.axvspan(chance, limit, color=FAINT, alpha=0.35, linewidth=0, zorder=0.5)
    none = rows[rows["outcome"] == NONE].set_index("condition").reindex(conditions)
    axes.barh(range(len(conditions)), none["share"].to_numpy(dtype=float), height=0.6, color=FAINT, alpha=0.5, zorder=1)
    is_chance = right["equivalent"].eq(True).to_numpy()
    for height, (condition, row) in enumerate(right.iterrows()):
        look, share = looks[str(condition)], float(row["share"])
        bars = np.clip([[share - row["low"]], [row["high"] - share]], 0, None).astype(float)
        axes.errorbar(
            [share], [height], xerr=np.nan_to_num(bars), color=look.colour, marker=look.marker, markersize=5,
            markerfacecolor=BACKGROUND if is_chance[height] else look.colour, capsize=2.5, elinewidth=1.2,
        )  # fmt: skip
    use_percent_ticks(axes, which="x")
    axes.set_xticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


@in_style
def survey_images(*, survey_images: pd.DataFrame) -> Figure:
    """Draw the share of correct answers by image: a panel for each block and condition."""
    blocks = _blocks_of(survey_images)
    conditions = list(dict.fromkeys(survey_images["condition"]))
    looks = looks_of(conditions)
    figure = Figure(figsize=(WIDTH, 0.9 + 1.25 * len(blocks)), layout="constrained")
    panels = figure.subplots(len(blocks), len(conditions), sharex="col", sharey=True, squeeze=False)
    for row, (block, of_block) in zip(panels, blocks.items(), strict=True):
        for axes, condition in zip(row, conditions, strict=True):
            _draw_images(axes, of_block[of_block["condition"] == condition], looks[condition].colour)
        row[0].set_ylabel(BLOCKS[block], fontsize=6.5)
    for axes, condition in zip(panels[0], conditions, strict=True):
        axes.set_title(condition, fontsize=7.5)
    draw_title(figure, "Correct answers by image")
    draw_note(
        figure,
        "Each dot is one image, sorted within its panel; bars: Wilson interval over the people who saw it. Dashed: "
        f"chance. Filled: the exact binomial test against chance has p < {SIGNIFICANT} after Holm's correction over "
        "all images of the row. Without a chance level, there is no test.",
    )
    _mark_synthetic(figure, survey_images)
    return figure


def _draw_images(axes: Axes, images: pd.DataFrame, colour: str) -> None:
    ordered = images.sort_values(["share", "stimulus"], ascending=[False, True])
    share, low, high = (ordered[column].to_numpy(dtype=float) for column in ("share", "low", "high"))
    places = np.arange(len(ordered))
    is_significant = ordered["p_holm"].to_numpy(dtype=float) < SIGNIFICANT
    axes.vlines(places, low, high, color=colour, linewidth=0.7, alpha=0.45)
    for chosen, face in ((is_significant, colour), (~is_significant, BACKGROUND)):
        axes.plot(
            places[chosen], share[chosen], "o", color=colour, markersize=3, markerfacecolor=face, markeredgewidth=0.8
        )
    if len(ordered):
        _draw_chance(axes, float(ordered["chance"].astype(float).iloc[0]), vertical=False)
    axes.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    axes.set_ylim(-0.06, 1.06)
    axes.set_xticks([])
    axes.grid(visible=False, axis="x")


@in_style
def survey_confusion(*, survey_confusion: pd.DataFrame) -> Figure:
    """Draw the answers to images of each label, a panel for each condition.

    They are those of the block in which all labels are offered, or else of the one that also offers none of them.
    """
    rows = next(iter(_blocks_of(survey_confusion).values()))
    conditions = list(dict.fromkeys(rows["condition"]))
    labels = sorted({*rows["class_name"]}, key=_natural_key)
    responses = [*labels, *sorted({*rows["response"]} - {*labels}, key=_natural_key)]
    columns = min(ACROSS, len(conditions))
    lines = math.ceil(len(conditions) / columns)
    side = WIDTH / columns
    height = 0.9 * side * len(labels) / len(responses) + 0.3
    figure = Figure(figsize=(WIDTH, 0.7 + lines * height), layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes, condition in zip(panels, conditions, strict=False):
        _draw_condition(axes, rows[rows["condition"] == condition], labels, responses)
        axes.set_title(condition, fontsize=7.5)
    for axes in panels[len(conditions) :]:
        axes.set_axis_off()
    figure.supylabel("the network's label (real images: the true class)", fontsize=7)
    draw_title(figure, "People's answers to images of each label")
    draw_note(
        figure,
        "Rows: labels; columns: people's answers, in percent of all answers to images of a label. Offered: all labels"
        + ("." if (rows["block"] == "all-way").all() else ", or none of them."),
    )
    _mark_synthetic(figure, survey_confusion)
    return figure


def _draw_condition(axes: Axes, rows: pd.DataFrame, labels: list[str], responses: list[str]) -> None:
    grid = rows.pivot(index="class_name", columns="response", values="share").reindex(index=labels, columns=responses)
    is_present = grid.notna().any(axis=1).to_numpy()
    shares = np.where(is_present[:, None], grid.fillna(0).to_numpy(dtype=float), np.nan)
    axes.imshow(np.ma.masked_invalid(shares), cmap=SHARES, vmin=0, vmax=1, aspect="equal")
    axes.grid(visible=False)
    axes.tick_params(length=0, labelsize=6)
    axes.set_xticks(range(len(responses)), responses, rotation=90 if max(map(len, responses)) > 2 else 0)
    axes.set_yticks(range(len(labels)), labels)
    if len(responses) > MOST_WITH_NUMBERS:
        return
    for (row, column), share in np.ndenumerate(shares):
        if share >= 0.01:
            ink = "white" if share > 0.6 else INK
            axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=5, color=ink)
    for row in np.flatnonzero(~is_present):
        axes.text(
            len(responses) / 2 - 0.5, float(row), "no such image", ha="center", va="center", fontsize=5, color=FAINT
        )


def _natural_key(name: str) -> tuple[bool, int, str]:
    return not name.isdecimal(), int(name) if name.isdecimal() else 0, name


@in_style
def survey_confidence(*, survey_images: pd.DataFrame, survey_confidence: pd.DataFrame) -> Figure:
    """Draw correct answers and certainty by image against the network's confidence."""
    blocks = _blocks_of(survey_images)
    correlations = _blocks_of(survey_confidence)
    looks = looks_of(list(dict.fromkeys(survey_images["condition"])))
    figure = Figure(figsize=(WIDTH, 4.3), layout="constrained")
    panels = figure.subplots(2, len(blocks), sharex=True, sharey="row", squeeze=False)
    for column, (block, images) in enumerate(blocks.items()):
        for axes, measure in zip(panels[:, column], MEASURES, strict=True):
            for condition, rows in images.groupby("condition", sort=False):
                look = looks[str(condition)]
                axes.plot(
                    finite_log_odds(rows["confidence"]), rows[measure].astype(float), look.marker, color=look.colour,
                    markersize=3, alpha=0.75, markeredgewidth=0,
                )  # fmt: skip
            axes.set_title(
                _correlation_text(correlations.get(block), measure), fontsize=6.5, fontweight="normal", loc="right"
            )
        panels[0, column].annotate(
            BLOCKS[block], (0, 1), xycoords="axes fraction", xytext=(0, 16), textcoords="offset points", fontsize=7.5,
            fontweight="bold", va="bottom",
        )  # fmt: skip
        _draw_chance(panels[0, column], float(images["chance"].astype(float).iloc[0]), vertical=False)
    use_percent_ticks(panels[0, 0])
    panels[1, 0].set_ylim(0.9, 5.1)
    for axes, words in zip(panels[:, 0], MEASURES.values(), strict=True):
        axes.set_ylabel(words)
    _set_confidences(panels[1], survey_images)
    handles = [
        Line2D([], [], marker=look.marker, linestyle="", color=look.colour, label=name) for name, look in looks.items()
    ]
    draw_title(figure, "People and the network's confidence", handles)
    draw_note(
        figure,
        "Each mark is one image. Above each panel: Spearman's rank correlation over all its images, with a bootstrap "
        "interval over images. Dashed: chance. Confidence: in the correct answer. " + EXPLAINED,
    )
    _mark_synthetic(figure, survey_images)
    return figure


def _set_confidences(row: np.ndarray[tuple[int], np.dtype[np.object_]], images: pd.DataFrame) -> None:
    values = list(finite_log_odds(images["confidence"]))
    for place, axes in enumerate(row):
        use_confidence_ticks(axes, values, which="x", most=3)
        axes.set_xlabel("network's confidence" if place == 0 else "")


def _correlation_text(rows: pd.DataFrame | None, measure: str) -> str:
    """Return the rank correlation over all conditions, with its interval."""
    chosen = None if rows is None else rows[(rows["condition"] == ALL) & (rows["measure"] == measure)]
    if chosen is None or chosen.empty or chosen["correlation"].isna().all():
        return "no correlation"
    value, low, high = chosen[["correlation", "low", "high"]].to_numpy(dtype=float)[0]
    return f"Spearman {value:.2f}" + ("" if np.isnan(low) else f" [{low:.2f}, {high:.2f}]")


def _blocks_of(table: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    """Return the rows of each block that has any, in the order of :data:`BLOCKS`."""
    foils = table["foils"].fillna("")
    parts = {key: table[(table["block"] == key[0]) & (foils == key[1])] for key in BLOCKS}
    return {key: rows for key, rows in parts.items() if not rows.empty}


def looks_of(conditions: Sequence[str]) -> dict[str, Look]:
    """Return a look for each condition; conditions of every study have a fixed one."""
    fixed = {**ENCODINGS, "real": Look("real", REAL, "", "D"), "noise": Look("noise", "#5F5F5F", "", "^")}
    taken = {look.colour for look in fixed.values()}
    others = iter([look for look in SERIES if look.colour not in taken] * len(conditions))
    return {name: fixed[name] if name in fixed else next(others) for name in dict.fromkeys(conditions)}


def _draw_chance(axes: Axes, chance: float, *, vertical: bool) -> None:
    """Draw a dashed line at the chance level; none if it is NaN."""
    if not np.isnan(chance):
        draw_line = axes.axvline if vertical else axes.axhline
        draw_line(chance, color=INK, linewidth=0.9, linestyle=CHANCE_DASHES, zorder=1.5)


def _mark_synthetic(figure: Figure, table: pd.DataFrame) -> None:
    """Write :data:`SYNTHETIC` across ``figure`` if answers in ``table`` are simulated."""
    if table["synthetic"].any():
        figure.text(
            0.5, 0.5, SYNTHETIC, ha="center", va="center", rotation=22, fontsize=64, fontweight="bold", color="#D00000",
            alpha=0.2, zorder=100, in_layout=False,
        )  # fmt: skip


def _label_rows(axes: Axes, names: Sequence[str]) -> None:
    """Label one row for each name, the first at the top."""
    axes.set_yticks(range(len(names)), list(names))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
