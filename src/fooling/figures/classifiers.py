"""The classifiers themselves: their training, and how sure they are of real images."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
import seaborn as sns  # type: ignore[import-untyped]
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, StrMethodFormatter
from numpy.typing import NDArray
from scipy.stats import binomtest

from fooling.figures.style import (
    BACKGROUND,
    CHART,
    EXPLAINED,
    LABEL,
    PAPER,
    QUIET,
    Look,
    draw_note,
    draw_reference,
    draw_title,
    finite_log_odds,
    in_style,
    log_odds,
    reference_handle,
    series,
    use_confidence_ticks,
    use_percent_ticks,
)
from fooling.messages import FoolingError, percent

FEW = 6  # epochs: each of so few is a marker
SUBS = (1, 2, 5)  # of a logarithmic axis, the multiples of powers of ten with a tick


@in_style
def training_curves(*, training: pd.DataFrame, classifiers: pd.DataFrame, reference_error: float | None) -> Figure:
    """Draw the training loss and the test error of every network.

    ``training`` has a row for every network and epoch, ``classifiers`` one for every network; ``reference_error`` is
    the test error of the paper's network (0 to 1). Networks without a training history are left out. Raises
    :class:`FoolingError` if no network has one.
    """
    classifiers = classifiers[classifiers["classifier"].isin(training["classifier"])]
    if classifiers.empty:
        raise FoolingError(
            "no network has a training history",
            found="an empty table of training, as for imported networks",
            expected="at least one network that `fooling train` trained",
        )
    datasets = list(dict.fromkeys(classifiers["dataset"]))
    figure = Figure(figsize=(CHART, 0.3 + 2.3 * len(datasets)), layout="constrained")
    grid = figure.subplots(len(datasets), 2, squeeze=False)
    for (loss, error), dataset in zip(grid, datasets, strict=True):
        networks = classifiers[classifiers["dataset"] == dataset]
        epochs = training[training["classifier"].isin(networks["classifier"])]
        _draw_curves(loss, epochs, "train_loss")
        loss.set(title=f"{dataset}: training loss", ylabel="cross-entropy")
        _use_log_ticks(loss, "{:g}")
        _draw_curves(error, epochs, "test_error")
        error.set(title=f"{dataset}: test error", ylabel="share of test images")
        if reference_error:
            draw_reference(error, reference_error)
        if epochs["test_error"].min() > 0:
            _use_log_ticks(error, "{:g} %", factor=100)
        else:
            error.set_ylim(bottom=0)
            error.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
        _name_networks(error, networks, reference_error)
    draw_note(figure, "Each point is measured at the end of an epoch. In the legend: the test error at the end.")
    return figure


def _use_log_ticks(axes: Axes, form: str, *, factor: float = 1) -> None:
    """Make the y axis logarithmic with ticks at 1, 2 and 5 times powers of ten, each multiplied for its label."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    decades = math.log10(high / low)
    axes.yaxis.set_major_locator(LogLocator(subs=SUBS if decades < 2.5 else (1,)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: form.format(round(factor * value, 10))))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _draw_curves(axes: Axes, epochs: pd.DataFrame, column: str) -> None:
    looks = _looks(epochs)
    sns.lineplot(
        epochs,
        x="iteration",
        y=column,
        hue="classifier",
        style="classifier",
        palette={name: look.colour for name, look in looks.items()},
        dashes={name: look.dashes for name, look in looks.items()},
        linewidth=1.2,
        legend=False,
        errorbar=None,
        ax=axes,
        **({"marker": "o", "markersize": 4} if epochs.groupby("classifier").size().max() <= FEW else {}),
    )
    axes.set_xlabel("training steps")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def _name_networks(axes: Axes, networks: pd.DataFrame, reference_error: float | None) -> None:
    """Add a legend with the final error of every network, and the paper's."""
    errors = networks.set_index("classifier")["test_error"]
    handles = [
        Line2D([], [], color=look.colour, linestyle=look.linestyle, label=f"{name}: {100 * errors[name]:.2f} %")
        for name, look in _looks(networks).items()
    ]
    if reference_error:
        label = f"the paper's network: {100 * reference_error:.2f} %"
        handles.append(Line2D([], [], color=PAPER, linewidth=0.9, linestyle=(0, (1, 1.5)), label=label))
    axes.legend(
        handles=handles, loc="upper right", frameon=True, facecolor=BACKGROUND, edgecolor="none", framealpha=0.9
    )


def _looks(table: pd.DataFrame) -> dict[str, Look]:
    names = list(dict.fromkeys(table["classifier"]))
    return dict(zip(names, series(len(names)), strict=True))


BINS = 10
FEWEST, GROUPS = 10, 3  # images of a group, and groups of a reliability diagram: fewer say nothing
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
    evolved = examined[examined["search"] == "map-elites"]
    evaluated = real[real["split"] == "evaluation"]
    diagrams = {column: _diagram(evaluated, column) for column in scales}
    has_diagram = max(len(diagram) for diagram in diagrams.values()) >= GROUPS
    boxes = 1 + 0.3 * evolved["experiment"].nunique()
    figure = Figure(figsize=(CHART, 1.8 + boxes + 2.2 * has_diagram), layout="constrained")
    heights = (2.2, boxes) if has_diagram else (boxes,)
    panels = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    if has_diagram:
        _draw_reliability(panels[0], diagrams)
    _draw_champions(panels[-1], real, evolved, scales)
    handles = [
        Line2D([], [], marker=look.marker, linestyle="", color=look.colour,
               label=f"{look.label} (error {100 * fitted[error]:.1f} %)")
        for look, error in zip(scales.values(), ("ece_before", "ece_after"), strict=False)
    ]  # fmt: skip
    if reference:
        draw_reference(panels[-1], log_odds(reference), which="x")
        handles.append(reference_handle(reference))
    draw_title(figure, f"Does the confidence of {fitted['classifier']} mean what it says?", handles)
    draw_note(
        figure,
        f"{_fit_sentence(fitted, scales, real)} Error: expected calibration error. "
        f"{_diagram_sentence(evaluated, has_diagram=has_diagram)} Box: middle 50 % and median; whiskers: all. "
        f"A confidence of 1 (float32) is drawn at the right end. {EXPLAINED}",
    )
    return figure


def _diagram_sentence(evaluated: pd.DataFrame, *, has_diagram: bool) -> str:
    if has_diagram:
        return (
            "Upper panel: images grouped by confidence, each group with its number of images and a 95 % Wilson "
            f"interval; groups of fewer than {FEWEST} images are left out."
        )
    accuracy, confidence = (evaluated["label"] == evaluated["predicted"]).mean(), evaluated["confidence"].mean()
    return (
        f"The {len(evaluated):,} images have too similar confidences for a reliability diagram; their accuracy is "
        f"{100 * accuracy:.1f} %, and their mean confidence {percent(float(confidence), decimals=1)}."
    )


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


def _diagram(evaluated: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the groups of a reliability diagram that have enough images."""
    right = (evaluated["label"] == evaluated["predicted"]).to_numpy()
    values = reliability(evaluated[column].to_numpy(dtype=float), right)
    groups = pd.DataFrame(dict(zip(("confidence", "accuracy", "low", "high", "images"), values, strict=True)))
    return groups[groups["images"] >= FEWEST]


def _draw_reliability(axes: Axes, diagrams: Mapping[str, pd.DataFrame]) -> None:
    """Draw accuracy against mean confidence for each group of images, with their number."""
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle=(0, (1, 2)))
    for side, (column, groups) in zip((-1, 1), diagrams.items(), strict=False):
        look = SCALES[column]
        axes.vlines(groups["confidence"], groups["low"], groups["high"], color=look.colour, linewidth=1.2, alpha=0.7)
        axes.plot(
            groups["confidence"], groups["accuracy"], look.marker, color=look.colour, markersize=5,
            markeredgecolor=BACKGROUND,
        )  # fmt: skip
        for group in groups.itertuples():
            axes.annotate(
                f"{group.images:,.0f}", (group.confidence, group.accuracy), xytext=(7 * side, -3 - 5 * (side > 0)),
                textcoords="offset points", ha="right" if side < 0 else "left", va="top", fontsize=6.5,
                color=look.colour, annotation_clip=False,
            )  # fmt: skip
    use_percent_ticks(axes, which="x")
    use_percent_ticks(axes, which="y")
    axes.set(title="Real test images", xlabel="mean confidence of a group of images", ylabel="accuracy")


def reliability(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[NDArray[np.float64], ...]:
    """Return mean confidence, accuracy, low and high end of its Wilson interval, and number of images.

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
    return np.bincount(bins, confidences, BINS)[filled] / total, hits / total, low, high, total.astype(np.float64)


def _draw_champions(axes: Axes, real: pd.DataFrame, evolved: pd.DataFrame, scales: Mapping[str, Look]) -> None:
    """Draw boxes of the confidence in correctly classified real images and in champions."""
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
    use_confidence_ticks(axes, list(long["log_odds"]), which="x", most=7)
    axes.set(title="Champions and real images", xlabel=LABEL, ylabel="")
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
