"""Confidence against the distance to the nearest training image, in pixels and in features of the network."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fooling.figures.confidence_axis import EXPLAINED, LABEL, use_confidence_ticks, visible
from fooling.figures.style import CHART, ENCODINGS, QUIET, REAL, Look, draw_note, draw_title, in_style
from fooling.formatting import whole_percent

SPACES = {"pixel": "Between pixels", "feature": "Between features of the network"}
REFERENCES = {0.5: "median", 0.99: "99 %"}  # quantiles of the real images
MARKS = {"real": ".", "noise": "x", "start": "^", "champion": "o"}
NOISE = "#5F5F5F"
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)


@in_style
def distances(*, distances: pd.DataFrame) -> Figure:
    """Draw the confidence in each image of ``distances`` against its distance, in pixels and in features."""
    shown = distances.assign(look=_looks_of(distances), height=visible(distances["log_odds"]))
    figure = Figure(figsize=(CHART, 4.3), layout="constrained")
    panels = figure.subplots(1, len(SPACES), sharey=True)
    for axes, (space, words) in zip(panels, SPACES.items(), strict=True):
        _draw_images(axes, shown, space)
        axes.set(title=words, xlabel="distance (median real image = 1)")
        _write_references(axes, shown, space)
    use_confidence_ticks(panels[0], list(shown["height"]), which="y", most=8)
    panels[0].set_ylabel(LABEL)
    network = shown["classifier"].iloc[0]
    draw_title(figure, f"Confidence of {network} and distance to the nearest training image", _handles(shown))
    champions = shown[shown["kind"] == "champion"]
    beyond = {space: whole_percent(champions[f"{space}_beyond"].mean()) for space in SPACES}
    draw_note(
        figure,
        "Vertical lines: the median and the 99 % quantile of real test images. Farther away than the 99 % quantile: "
        f"{beyond['pixel']} of the champions in pixels, {beyond['feature']} in features (activations before the last "
        "layer). Random start: the best image of each class. Confidence of real images and noise: in their top class; "
        f"of the others: in the class for which they evolved. {EXPLAINED}",
    )
    return figure


def _looks_of(table: pd.DataFrame) -> pd.Series[str]:
    """Return the name of the look of each image: its kind and, if it was evolved, its encoding."""
    return table["kind"] + table["encoding"].fillna("").radd(" ")


def _look(name: str) -> Look:
    kind, _, encoding = name.partition(" ")
    if kind == "real":
        return Look("real test images", REAL, marker=MARKS[kind])
    if kind == "noise":
        return Look("uniform noise", NOISE, marker=MARKS[kind])
    words = "champions" if kind == "champion" else "random start"
    return Look(f"{words}, {ENCODINGS[encoding].label}", ENCODINGS[encoding].colour, marker=MARKS[kind])


def _draw_images(axes: Axes, shown: pd.DataFrame, space: str) -> None:
    for name in _in_order(shown):
        look, those = _look(name), shown[shown["look"] == name]
        is_open = name.startswith("start")
        size, alpha = 14 if look.marker == "." else 7, 0.3 if name.startswith("noise") else 0.65
        axes.scatter(
            those[f"{space}_ratio"], those["height"], s=size, marker=look.marker, alpha=alpha,
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
