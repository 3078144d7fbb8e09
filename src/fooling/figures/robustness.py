"""What survives print and shuffled patches: champions beside correctly classified real images."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fooling.ablation.changes import CHANGES
from fooling.figures.style import ENCODINGS, REAL, WIDTH, Look, draw_note, draw_title, in_style
from fooling.formatting import ENCODINGS as ENCODING_NAMES

#: Name and unit of each change on the axis.
AXES = {
    "shift": "shift\n(pixels)",
    "rotation": "rotation\n(degrees)",
    "blur": "blur\n(pixels)",
    "jpeg": "JPEG\n(100 - quality)",
    "noise": "noise\n(levels)",
    "patches": "shuffled patches\n(pixels a side)",
}
OF_REAL = Look("real test images, classified correctly", REAL, (4, 1.6), "s")


@in_style
def robustness(*, robustness: pd.DataFrame) -> Figure:
    """Draw the share of images that keep their class after each change, against its strength.

    A row for each experiment and a panel for each change; thick lines are means over the networks, thin ones networks.
    """
    shares = shares_of_networks(robustness)
    experiments = list(dict.fromkeys(shares["experiment"]))
    changes = [change for change in CHANGES if change in set(shares["change"])]
    size = (WIDTH, 1.35 + 1.15 * len(experiments))
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(len(experiments), len(changes), sharey=True, sharex="col", squeeze=False)
    for line, experiment in zip(panels, experiments, strict=True):
        rows = shares[shares["experiment"] == experiment]
        for axes, change in zip(line, changes, strict=True):
            _draw_change(axes, rows[rows["change"] == change])
        networks = rows["classifier"].nunique()
        line[0].set_ylabel(f"{experiment}\n{networks} network{'s' * (networks > 1)}", fontsize=6.5)
        line[0].set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    for axes, change in zip(panels[-1], changes, strict=True):
        axes.set_xlabel(AXES[change], fontsize=6.5)
    encodings = [name for name in ENCODINGS if name in set(shares["encoding"])]
    handles = [_handle(Look(f"champions, {ENCODING_NAMES[name]}", ENCODINGS[name].colour)) for name in encodings]
    handles.append(_handle(OF_REAL))
    draw_title(figure, "What survives print and shuffled patches: images that keep their class", handles)
    draw_note(
        figure,
        "Of the images with their class as label before the change: the share that still has it. Thick: mean over the "
        "networks; thin: each network. At 0 nothing is changed. Champions were evolved for the unchanged image: that a "
        "change removes their class does not show that no image survives it.",
    )
    return figure


def shares_of_networks(robustness: pd.DataFrame) -> pd.DataFrame:
    """Return the share of champions (``kept_share``) and of real images (``real_share``) that keep their class.

    One row for each experiment, classifier, change and strength, all runs together; NaN without such images.
    """
    keys = ["experiment", "encoding", "classifier", "change", "strength"]
    sums = robustness.groupby(keys, sort=False)[["images", "kept", "real_images", "real_kept"]].sum().reset_index()
    for share, part, whole in (("kept_share", "kept", "images"), ("real_share", "real_kept", "real_images")):
        sums[share] = sums[part] / sums[whole].where(sums[whole] > 0)
    return sums


def _draw_change(axes: Axes, rows: pd.DataFrame) -> None:
    """Draw champions and real images against the strength, from all images at a strength of 0."""
    axes.set_ylim(-0.04, 1.04)
    if rows.empty:
        return
    looks = {"kept_share": ENCODINGS[rows["encoding"].iloc[0]], "real_share": OF_REAL}
    for share, look in looks.items():
        by_network = rows.pivot_table(index="strength", columns="classifier", values=share, dropna=False)
        strengths = np.concatenate([[0.0], by_network.index.to_numpy(dtype=np.float64)])
        curves = np.vstack([np.ones(by_network.shape[1]), by_network.to_numpy(dtype=np.float64)])
        if curves.shape[1] > 1:
            axes.plot(strengths, curves, color=look.colour, linewidth=0.5, alpha=0.5)
        known = by_network.notna().any(axis=1).to_numpy()
        means = np.concatenate([[1.0], by_network.mean(axis=1).to_numpy(dtype=np.float64)])
        shown = np.concatenate([[True], known])
        axes.plot(
            strengths[shown], means[shown], color=look.colour, linestyle=look.linestyle, marker=look.marker, ms=3,
            linewidth=1.4,
        )  # fmt: skip


def _handle(look: Look) -> Line2D:
    return Line2D(
        [], [], color=look.colour, linestyle=look.linestyle, marker=look.marker, markersize=3.5, label=look.label
    )
