"""Training curves of the networks: loss and test error after every epoch, a row of panels for each data set."""

from __future__ import annotations

import math

import pandas as pd
import seaborn as sns  # type: ignore[import-untyped]
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, StrMethodFormatter

from fooling.errors import FoolingError
from fooling.figures.style import BACKGROUND, CHART, PAPER, Look, draw_note, draw_reference, in_style, series

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
