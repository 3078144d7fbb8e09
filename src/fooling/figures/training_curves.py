"""Training curves of the networks: loss and test error after every epoch, a row of panels for each data set."""

from __future__ import annotations

import pandas as pd
import seaborn as sns  # type: ignore[import-untyped]
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogFormatter, PercentFormatter, StrMethodFormatter

from fooling.errors import FoolingError
from fooling.figures.confidence_axis import draw_reference
from fooling.figures.style import PAPER, WIDTH, Look, in_style, series

ERROR_LIMIT = 4  # end of the error axis, in highest final errors; the first epochs lie beyond


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
    figure = Figure(figsize=(WIDTH, 0.1 + 2.3 * len(datasets)), layout="constrained")
    grid = figure.subplots(len(datasets), 2, squeeze=False)
    for (loss, error), dataset in zip(grid, datasets, strict=True):
        networks = classifiers[classifiers["dataset"] == dataset]
        epochs = training[training["classifier"].isin(networks["classifier"])]
        _draw_curves(loss, epochs, "train_loss")
        loss.set(title=f"{dataset}: training loss", ylabel="cross-entropy", yscale="log")
        loss.yaxis.set_major_formatter(_PlainLogFormatter())
        loss.yaxis.set_minor_formatter(_PlainLogFormatter(minor_thresholds=(1, 0.4)))
        _draw_curves(error, epochs, "test_error")
        error.set(title=f"{dataset}: test error", ylabel="share of test images")
        highest = max(networks["test_error"].max(), reference_error or 0)
        error.set_ylim(0, ERROR_LIMIT * highest if highest else 1)
        error.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        if reference_error:
            draw_reference(error, reference_error)
        _name_networks(error, networks, reference_error)
    return figure


class _PlainLogFormatter(LogFormatter):
    """Labels of a logarithmic axis, .01 in place of 1e-02; minor ticks have labels if the range is small."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:g}" if super().__call__(x, pos) else ""


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
    axes.legend(handles=handles, loc="upper right", frameon=True, facecolor="white", edgecolor="none", framealpha=0.9)


def _looks(table: pd.DataFrame) -> dict[str, Look]:
    names = list(dict.fromkeys(table["classifier"]))
    return dict(zip(names, series(len(names)), strict=True))
