"""Random images of several families; champions beside real images after changes, and near the decision boundary."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from fooling.ablation.probe_images import CHANGES, FAMILY_NAMES
from fooling.figures.image_grid import HEAD, place_image, sheet, write, write_class_names, write_head
from fooling.figures.style import (
    CHART,
    ENCODINGS,
    EXPLAINED,
    LABEL,
    QUIET,
    REAL,
    WIDTH,
    Look,
    draw_note,
    draw_reference,
    draw_title,
    in_style,
    log_odds,
    on_networks,
    reference_handle,
    use_confidence_ticks,
    use_percent_ticks,
    visible,
)
from fooling.findings.boundary import CHAMPION, REAL_IMAGE, START
from fooling.findings.random_images import family_summary, pictures_in
from fooling.messages import ENCODINGS as ENCODING_NAMES
from fooling.messages import FoolingError, percent, short_percent

LOOKS = {
    "cppn": Look(FAMILY_NAMES["cppn"], "#B4568C", marker="o"),
    "one-over-f": Look(FAMILY_NAMES["one-over-f"], "#0072B2", marker="s"),
    "blobs": Look(FAMILY_NAMES["blobs"], "#E69F00", marker="^"),
    "dct": Look(FAMILY_NAMES["dct"], "#009E73", marker="D"),
    "uniform": Look(FAMILY_NAMES["uniform"], "#5F5F5F", marker="v"),
}
REAL_DOTS = Look("real test images", REAL, "", "s")
START_MARKER = "^"
NETWORK_SIZE = 4.5  # points: the mark of a network's median
SPREAD = 0.6  # of the height of a row, divided among the marks of its families
LEFT, RIGHT, GAP, LINE = 1.12, 0.06, 0.06, 0.15  # inches: beside and between the images, and a line of text
LARGEST = 0.62  # inches: side of an image

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
def families(*, families: pd.DataFrame, reference: float | None) -> Figure:
    """Draw the median over the classes of the best random image of each family, for every network.

    The right panel shows the share of the classes at or above ``reference``; if that is None, there is no such panel.
    """
    summary = family_summary(families, threshold=reference or 1.0)
    networks, shown = list(dict.fromkeys(summary["classifier"])), _families_in(summary)
    figure = Figure(figsize=(CHART, 1.75 + 0.5 * len(networks)), layout="constrained")
    panels = figure.subplots(1, 2 if reference else 1, sharey=True, squeeze=False)[0]
    for place, family in enumerate(shown):
        rows = summary[summary["family"] == family].set_index("classifier").reindex(networks)
        heights = np.arange(len(networks)) + SPREAD * ((place + 0.5) / len(shown) - 0.5)
        style = {"color": LOOKS[family].colour, "marker": LOOKS[family].marker, "linestyle": "", "markersize": 5}
        panels[0].plot(visible(rows["log_odds"]), heights, **style)
        if reference:
            panels[1].plot(rows["share"], heights, **style, clip_on=False)
    odds = [*visible(summary["log_odds"]), *([log_odds(reference)] if reference else [])]
    use_confidence_ticks(panels[0], odds, which="x", most=4)
    panels[0].set(title="Median over the classes", xlabel=LABEL)
    handles = [
        Line2D([], [], color=LOOKS[family].colour, marker=LOOKS[family].marker, linestyle="", markersize=5,
               label=LOOKS[family].label) for family in shown
    ]  # fmt: skip
    if reference:
        draw_reference(panels[0], log_odds(reference), which="x")
        handles.append(reference_handle(reference))
        panels[1].set(title=f"Classes at {short_percent(reference)} or more", xlabel="share of the classes")
        use_percent_ticks(panels[1], which="x")
    for axes in panels:
        _use_rows(axes, networks)
    draw_title(figure, "Is it the CPPN, or any smooth image?", handles)
    draw_note(
        figure,
        f"Each mark: one family on one network, with the best of {_evaluations(families)} random images for each "
        "class. No image is evolved. A class that is not reached here may be reached by a search: not "
        f"fooled by stored images is not the same as not foolable. {EXPLAINED}",
    )
    return figure


@in_style
def family_examples(*, family_images: pd.DataFrame) -> Figure:
    """Draw, for each family (row) and some classes (columns), the random image of which the network is most sure."""
    network = family_images["classifier"].iloc[0]
    of_network = family_images[family_images["classifier"] == network]
    pictures, shown = pictures_in(of_network), _families_in(of_network)
    classes = of_network.drop_duplicates("class_index").sort_values("class_index")
    confidences = of_network.set_index(["family", "class_index"])["confidence"]
    expected = [(family, int(index)) for family in shown for index in classes["class_index"]]
    if missing := [f"{family}, class {index}" for family, index in expected if (family, index) not in pictures]:
        raise FoolingError(
            "the table of family images lacks an image",
            found=f"none of {missing[0]}",
            expected="an image of each family and class",
        )
    pitch = min(LARGEST + GAP, (WIDTH - LEFT - RIGHT) / len(classes))
    side = pitch - GAP
    row = side + LINE + 0.08
    figure, axes = sheet(WIDTH, HEAD + row * len(shown) + 0.05)
    write_head(
        axes,
        f"The best random image of each family on {network}",
        "Below each image: the confidence in the class of its column. No image was evolved.",
    )
    write_class_names(axes, classes["class_name"].tolist(), left=LEFT, pitch=pitch)
    for line, family in enumerate(shown):
        top = HEAD + line * row
        label = LOOKS[family].label.replace("low-frequency ", "low-frequency\n")
        write(axes, LEFT - 0.1, top + side / 2, label, ha="right", va="center", fontsize=7)
        for column, index in enumerate(classes["class_index"]):
            left = LEFT + column * pitch + GAP / 2
            place_image(axes, pictures[family, int(index)], left=left, top=top, side=side)
            text = percent(float(confidences[family, index]))
            write(axes, left + side / 2, top + side + 0.025, text, fontsize=5.5, color=QUIET)
    return figure


def _families_in(table: pd.DataFrame) -> list[str]:
    """Return the families that occur, in the order of :data:`LOOKS`."""
    return [family for family in LOOKS if family in set(table["family"])]


def _use_rows(axes: Axes, networks: list[str]) -> None:
    axes.set_yticks(range(len(networks)), networks)
    axes.set_ylim(len(networks) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def _evaluations(families: pd.DataFrame) -> str:
    least, most = int(families["evaluations"].min()), int(families["evaluations"].max())
    return f"{most:,}" if least == most else f"{least:,} to {most:,}"


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


@in_style
def boundary(*, boundary: pd.DataFrame) -> Figure:
    """Draw the distance to the nearest boundary: of images against confidence, and the medians of the networks."""
    known = boundary.dropna(subset="distance")
    known = known[known["distance"] > 0]
    groups = _boundary_groups(known)
    figure = Figure(figsize=(WIDTH, 3.3 + 0.1 * len(groups)), layout="constrained")
    images, medians = figure.subplots(1, 2, width_ratios=(1.25, 1))
    for rows in groups.values():
        look, filled = _boundary_look(rows)
        style = {"markersize": 2.6, "alpha": 0.55, "markeredgewidth": 0.6}
        face = look.colour if filled else "none"
        images.plot(rows["distance"], visible(rows["log_odds"]), look.marker, color=look.colour, mfc=face, **style)
    images.set_ylabel(LABEL)
    images.set_xlabel("distance to the nearest boundary\n(root mean square, 0..1)")
    if len(known):
        use_confidence_ticks(images, list(visible(known["log_odds"])))
    _draw_boundary_medians(medians, groups)
    for axes, labelled in ((images, (1,)), (medians, (1, 2, 5))):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=labelled))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    draw_title(figure, f"Where champions lie, on {on_networks(boundary)}", _boundary_handles(known))
    missing = int(boundary["distance"].isna().sum())
    left_out = f" No boundary was found for {missing:,} of {len(boundary):,} images." if missing else ""
    draw_note(
        figure,
        "Left: single images with their class as label. Right: medians of the networks, and a line at their geometric "
        "mean. DeepFool finds a small change, not provably the smallest. Starts: the best image of each class in the "
        f"random start of a run.{left_out}",
    )
    return figure


def _boundary_groups(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the rows of real images, and of champions and starts of each experiment, by a name for the axis."""
    found = {"real images": table[table["kind"] == REAL_IMAGE]}
    for experiment in table["experiment"].dropna().unique():
        rows = table[table["experiment"] == experiment]
        found |= {
            f"{experiment}\n{words}": rows[rows["kind"] == kind]
            for kind, words in ((START, "starts"), (CHAMPION, "champions"))
        }
    return {name: rows for name, rows in found.items() if len(rows)}


def _boundary_look(rows: pd.DataFrame) -> tuple[Look, bool]:
    """Return the look of a group, and whether its marks are filled."""
    kind = rows["kind"].iloc[0]
    if kind == REAL_IMAGE:
        return REAL_DOTS, True
    look = ENCODINGS[rows["encoding"].iloc[0]]
    return (look, True) if kind == CHAMPION else (Look(look.label, look.colour, "", START_MARKER), False)


def _draw_boundary_medians(axes: Axes, groups: dict[str, pd.DataFrame]) -> None:
    for place, rows in enumerate(groups.values()):
        look, filled = _boundary_look(rows)
        medians = rows.groupby("classifier")["distance"].median()
        face = look.colour if filled else "none"
        axes.plot(medians, np.full(len(medians), place), look.marker, color=look.colour, mfc=face, ms=NETWORK_SIZE)
        middle = float(np.exp(np.log(medians).mean()))
        axes.plot([middle] * 2, [place - 0.3, place + 0.3], color=look.colour, linewidth=1.4)
    axes.set_yticks(range(len(groups)), list(groups), fontsize=6.5)
    axes.set_ylim(max(len(groups), 1) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("median distance of a network\n(root mean square, 0..1)")


def _boundary_handles(table: pd.DataFrame) -> list[Line2D]:
    handles = [_dot(REAL_DOTS, REAL_DOTS.label, filled=True)]
    for encoding in (name for name in ENCODINGS if name in set(table["encoding"].dropna())):
        look, words = ENCODINGS[encoding], ENCODING_NAMES[encoding]
        start = Look("", look.colour, "", START_MARKER)
        handles += [_dot(look, f"champions, {words}", filled=True), _dot(start, f"starts, {words}", filled=False)]
    return handles


def _dot(look: Look, label: str, *, filled: bool) -> Line2D:
    face = look.colour if filled else "none"
    return Line2D([], [], color=look.colour, marker=look.marker, mfc=face, linestyle="", markersize=4, label=label)
