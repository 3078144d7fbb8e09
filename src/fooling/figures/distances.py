"""Confidence against the distance to the nearest training image, in pixels and in features of the network."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fooling.figures.confidence_axis import use_confidence_ticks
from fooling.figures.style import ENCODINGS, QUIET, REAL, WIDTH, Look, draw_note, in_style

SPACES = {"pixel": "Nearest training image, in pixels", "feature": "Nearest training image, in features"}
REFERENCES = {0.5: "median", 0.99: "99 %"}  # quantiles of the real images
SCALES = {"confidence": "(uncalibrated)", "calibrated_confidence": "(after temperature scaling)"}
LARGEST = 30.0  # log-odds: larger ones of a calibrated confidence are imprecise in float64
MARKS = {"real": ".", "noise": "x", "start": "^", "champion": "o"}
NOISE = "#5F5F5F"
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)


@in_style
def distances(*, distances: pd.DataFrame) -> Figure:
    """Draw the confidence in each image of ``distances`` against its distance.

    Distances are in pixels on the left, in features on the right. The upper panels show the uncalibrated confidence. If
    a temperature could be fitted, the lower ones show the calibrated confidence.
    """
    shown = distances.assign(look=_looks_of(distances))
    scales = [column for column in SCALES if shown[column].notna().any()]
    figure = Figure(figsize=(WIDTH, 0.9 + 2.5 * len(scales)), layout="constrained")
    panels = figure.subplots(len(scales), len(SPACES), sharex="col", sharey="row", squeeze=False)
    for row, scale in enumerate(scales):
        values = shown.assign(height=_log_odds(shown, scale).clip(-LARGEST, LARGEST))
        for column, space in enumerate(SPACES):
            _draw_images(panels[row, column], values, space)
        use_confidence_ticks(panels[row, 0], list(values["height"]), which="y", most=7)
        panels[row, 0].set_ylabel(f"confidence {SCALES[scale]}")
    for column, (space, words) in enumerate(SPACES.items()):
        panels[0, column].set_title(words)
        panels[-1, column].set_xlabel("distance (median real image = 1)")
        _write_references(panels[0, column], shown, space)
    figure.legend(handles=_handles(shown), loc="outside upper left", ncols=3)
    beyond = shown[shown["kind"] == "champion"][["pixel_beyond", "feature_beyond"]].mean()
    draw_note(
        figure,
        f"{shown['classifier'].iloc[0]}. Lines: the median and the 99 % quantile of real test images. Farther away "
        f"than the 99 % quantile: {100 * beyond['pixel_beyond']:.0f} % of the champions in pixels, "
        f"{100 * beyond['feature_beyond']:.0f} % in features (activations before the last layer). Confidence of real "
        "images and noise: in their top class; of the others: in the class for which they were evolved.",
    )
    return figure


def _log_odds(shown: pd.DataFrame, scale: str) -> pd.Series[float]:
    """Return log-odds; the recorded ones if uncalibrated, as `float32` rounds them near 1."""
    if scale == "confidence":
        return shown["log_odds"]
    smallest = np.exp(-LARGEST)
    confidence = shown[scale].clip(smallest, 1 - smallest).to_numpy()
    return pd.Series(np.log(confidence / (1 - confidence)), index=shown.index)


def _looks_of(table: pd.DataFrame) -> pd.Series[str]:
    """Return the name of the look of each image: its kind and, if it was evolved, its encoding."""
    return table["kind"] + table["encoding"].fillna("").radd(" ")


def _look(name: str) -> Look:
    kind, _, encoding = name.partition(" ")
    if kind == "real":
        return Look("real test images", REAL, marker=MARKS[kind])
    if kind == "noise":
        return Look("uniform noise", NOISE, marker=MARKS[kind])
    words = "champions" if kind == "champion" else "best of the random start"
    return Look(f"{words}, {ENCODINGS[encoding].label}", ENCODINGS[encoding].colour, marker=MARKS[kind])


def _draw_images(axes: Axes, shown: pd.DataFrame, space: str) -> None:
    for name in _in_order(shown):
        look, those = _look(name), shown[shown["look"] == name]
        is_open, alpha = name.startswith("start"), float(np.clip(40 / len(those), 0.35, 0.9))  # few dots stay visible
        axes.scatter(
            those[f"{space}_ratio"], those["height"], s=9 if look.marker != "x" else 7, marker=look.marker, alpha=alpha,
            facecolors="none" if is_open else look.colour, edgecolors=look.colour if is_open else None,
            linewidths=0.6 if is_open or look.marker == "x" else 0, rasterized=True,
        )  # fmt: skip
    _use_ratio_ticks(axes, shown[f"{space}_ratio"])
    for quantile in REFERENCES:
        style = "-" if quantile == 0.5 else (0, (1, 1.5))
        axes.axvline(_quantile(shown, space, quantile), color=REAL, linewidth=1, linestyle=style, zorder=0)


def _use_ratio_ticks(axes: Axes, ratios: pd.Series[float]) -> None:
    """Make the x axis logarithmic, over the ratios above 0; leave it if there are none."""
    known = ratios[ratios > 0]
    if known.empty:
        return
    low, high = known.quantile([0.001, 1])
    ticks = [tick for tick in TICKS if low / 1.1 <= tick <= high * 1.1]
    axes.set_xscale("log")
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlim(low / 1.15, high * 1.15)


def _write_references(axes: Axes, shown: pd.DataFrame, space: str) -> None:
    for (quantile, words), (shift, align) in zip(REFERENCES.items(), ((-2, "right"), (2, "left")), strict=True):
        axes.annotate(
            words, (_quantile(shown, space, quantile), 0.01), xycoords=axes.get_xaxis_transform(), xytext=(shift, 0),
            textcoords="offset points", ha=align, fontsize=6.5, color=QUIET,
        )  # fmt: skip


def _quantile(shown: pd.DataFrame, space: str, quantile: float) -> float:
    """Return a quantile of the distances of the real images."""
    return float(shown.loc[shown["kind"] == "real", f"{space}_ratio"].quantile(quantile))


def _in_order(shown: pd.DataFrame) -> list[str]:
    """Return the looks that occur, champions last so that they are drawn above the others."""
    present = set(shown["look"])
    return sorted(present, key=lambda name: (list(MARKS).index(name.partition(" ")[0]), name))


def _handles(shown: pd.DataFrame) -> list[Line2D]:
    return [
        Line2D([], [], linestyle="", marker=_look(name).marker, label=_look(name).label, color=_look(name).colour,
               markerfacecolor="none" if name.startswith("start") else _look(name).colour, markersize=4)
        for name in _in_order(shown)
    ]  # fmt: skip
