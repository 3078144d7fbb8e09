"""Calibration of a network: a reliability diagram, and the champions before and after temperature scaling."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import seaborn as sns  # type: ignore[import-untyped]
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from scipy.stats import binomtest

from fooling.figures.confidence_axis import (
    draw_reference,
    finite_log_odds,
    log_odds,
    use_confidence_ticks,
    use_percent_ticks,
)
from fooling.figures.style import QUIET, WIDTH, Look, draw_note, in_style

BINS = 10
SCALES = {
    "confidence": Look("uncalibrated", "#0072B2", "", "o"),
    "calibrated_confidence": Look("after temperature scaling", "#E69F00", "", "s"),
}


@in_style
def calibration(
    *, real: pd.DataFrame, calibration: pd.DataFrame, examined: pd.DataFrame, reference: float | None
) -> Figure:
    """Draw the reliability on real test images and the confidence in champions.

    Reliability is evaluated on images that did not fit the temperature. ``real`` holds the test images of one network,
    ``calibration`` its row, ``examined`` the champions evolved for it; ``reference`` is the paper's median. If no
    temperature could be fitted, only uncalibrated confidences are drawn.
    """
    fitted = calibration.iloc[0]
    scales = {column: look for column, look in SCALES.items() if real[column].notna().any()}
    figure = Figure(figsize=(WIDTH, 3.3), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.25))
    _draw_reliability(left, real[real["split"] == "evaluation"], scales)
    _draw_champions(right, real, examined, scales)
    if reference:
        draw_reference(right, log_odds(reference), which="x")
    handles = [
        Line2D([], [], marker=look.marker, linestyle="", color=look.colour, label=f"{look.label} ({fitted[error]:.3f})")
        for look, error in zip(scales.values(), ("ece_before", "ece_after"), strict=False)
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))
    draw_note(
        figure,
        f"{_fit_sentence(fitted, scales, real)} In brackets: expected calibration error. Bars: 95 % Wilson "
        "intervals. Boxes: middle 50 % and median; whiskers: all. "
        + "Dotted line on the right: the paper's median."
        * bool(reference),
    )
    return figure


def _fit_sentence(fitted: pd.Series, scales: Mapping[str, Look], real: pd.DataFrame) -> str:
    fit, others = f"{fitted['calibration_images']:,}", f"{fitted['evaluation_images']:,}"
    if "calibrated_confidence" not in scales:
        fitting = real[real["split"] == "calibration"]
        all_right = (fitting["label"] == fitting["predicted"]).all()
        why = (
            f"classifies all {fit} calibration images correctly"
            if all_right
            else "gives all classes the same confidence"
        )
        return f"{fitted['classifier']} {why}, so there is no best temperature."
    return (
        f"{fitted['classifier']}: temperature {fitted['temperature']:.2f}, fitted on {fit} real test images and "
        f"evaluated on {others} others."
    )


def _draw_reliability(axes: Axes, evaluated: pd.DataFrame, scales: Mapping[str, Look]) -> None:
    """Draw accuracy against mean confidence, for images grouped by confidence."""
    right = (evaluated["label"] == evaluated["predicted"]).to_numpy()
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle=(0, (1, 2)))
    for column, look in scales.items():
        confidence, share, low, high = reliability(evaluated[column].to_numpy(dtype=float), right)
        axes.vlines(confidence, low, high, color=look.colour, linewidth=1.2, alpha=0.7)
        axes.plot(confidence, share, look.marker, color=look.colour, markersize=5, markeredgecolor="white")
    use_percent_ticks(axes, which="x")
    use_percent_ticks(axes, which="y")
    axes.set(title="Real test images", xlabel="mean confidence of a group of images", ylabel="accuracy")


def reliability(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[NDArray[np.float64], ...]:
    """Return mean confidence, accuracy, and low and high end of its Wilson interval.

    Each has an entry for every one of the ten bins of confidence that has images.
    """
    bins = np.minimum((confidences * BINS).astype(int), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    filled = counts > 0
    hits, total = np.bincount(bins, right, BINS)[filled], counts[filled]
    bounds = [
        binomtest(int(hit), int(count)).proportion_ci(method="wilson") for hit, count in zip(hits, total, strict=True)
    ]
    low, high = np.array([(bound.low, bound.high) for bound in bounds]).T
    return np.bincount(bins, confidences, BINS)[filled] / total, hits / total, low, high


def _draw_champions(axes: Axes, real: pd.DataFrame, examined: pd.DataFrame, scales: Mapping[str, Look]) -> None:
    """Draw boxes of the confidence in correctly classified real images and in champions."""
    evolved = examined[examined["search"] == "map-elites"]
    kept = real[(real["label"] == real["predicted"]) & (real["split"] == "evaluation")]
    table = pd.concat(
        [kept.assign(row="real images,\nclassified correctly"), evolved.assign(row=evolved["experiment"])]
    )
    long = table.melt(id_vars="row", value_vars=list(scales), var_name="scale", value_name="shown")
    long["log_odds"] = finite_log_odds(long["shown"])
    sns.boxplot(
        long,
        x="log_odds",
        y="row",
        hue="scale",
        palette={column: look.colour for column, look in scales.items()},
        whis=(0, 100),
        width=0.7,
        gap=0.15,
        linewidth=0.9,
        saturation=0.9,
        legend=False,
        ax=axes,
    )
    use_confidence_ticks(axes, list(long["log_odds"]), which="x", most=5)
    axes.set(title="Champions and real images", xlabel="confidence, log-odds scale", ylabel="")
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
