"""How fooling varies between networks, classes and seeds."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import seaborn as sns  # type: ignore[import-untyped]
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, PercentFormatter

from fooling.figures.style import (
    BACKGROUND,
    CHART,
    EXPLAINED,
    FAINT,
    INK,
    LABEL,
    QUIET,
    SEARCHES,
    SERIES,
    WIDTH,
    Look,
    draw_note,
    draw_title,
    finite_log_odds,
    in_style,
    search_handles,
    searches_in,
    use_confidence_ticks,
)
from fooling.messages import FoolingError, counted, short_percent, whole_percent

SPREAD = 0.6  # of the height of a row, divided among the marks of its searches
COLOURS = {"in the set": "#B4568C", "other classes": FAINT}
#: In the order of the bar: label, colour, colour of the number on it, and hatch of an interaction.
COMPONENTS = {
    "classifier": ("network", "#0072B2", "white", ""),
    "seed": ("seed", "#D55E00", "white", ""),
    "classifier:seed": ("run (network and seed)", "#CC79A7", INK, "//"),
    "class": ("class", "#F0C440", INK, ""),
    "classifier:class": ("network and class", "#56B4E9", INK, "//"),
    "seed:class": ("seed and class", "#F3B183", INK, "//"),
    "residual": ("all three together, and residual", "#D0D0D0", INK, ""),
}
OTHER = Look("", "#5F5F5F", "", "D")  # the attacks of audits besides their searches
#: Title and axis of each of them.
ATTACKS = {
    "small-changes": ("small changes (open: noise)", "share of the real images misclassified"),
    "universal": ("one change for all images (open: random signs)", "share of the real images with another label"),
    "labels-alone": ("labels alone (open: random search)", "share of the classes that some image is labelled as"),
}
LABELLED = 0.06  # the smallest share whose number is written in the bar


@in_style
def foolability(*, foolability: pd.DataFrame) -> Figure:
    """Draw how easily each network is fooled: its median confidence at the end, in log-odds, for each search."""
    searches = searches_in(foolability)
    rows = foolability.drop_duplicates(["experiment", "classifier"])
    order = list(zip(rows["experiment"], rows["classifier"], strict=True))
    figure = Figure(figsize=(CHART, 1.7 + 0.4 * len(order)), layout="constrained")
    axes = figure.subplots()
    shown: list[float] = []
    for place, search in enumerate(searches):
        of_search = foolability[foolability["search"] == search].set_index(["experiment", "classifier"]).reindex(order)
        heights = np.arange(len(order)) + SPREAD * ((place + 0.5) / len(searches) - 0.5)
        shown += _draw_marks(axes, of_search, heights, SEARCHES[search])
    use_confidence_ticks(axes, shown, which="x", most=7)
    axes.set(xlabel=LABEL)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set_yticks(range(len(order)), [f"{experiment} on {network}" for experiment, network in order])
    axes.set_ylim(len(order) - 0.5, -0.5)
    calibrated = Line2D([], [], color=INK, marker="o", markerfacecolor=BACKGROUND, linestyle="", markersize=4.5,
                        label="after temperature scaling")  # fmt: skip
    handles = [*search_handles(foolability, marks=True), calibrated]
    draw_title(figure, "How easily each network is fooled: median confidence at the end of the runs", handles)
    runs = foolability["runs"]
    each = f"{runs.min()} to {runs.max()}" if runs.min() < runs.max() else f"{runs.max()}"
    draw_note(
        figure,
        f"Each mark: the median over the classes, averaged over the runs ({each} per network). Bars: confidence "
        f"intervals over the runs. Hollow: the same after temperature scaling on real images. {EXPLAINED}",
    )
    return figure


def _draw_marks(axes: Axes, rows: pd.DataFrame, heights: np.ndarray, look: Look) -> list[float]:
    """Draw the medians with their intervals, joined to the calibrated ones; return the finite values drawn."""
    values, low, high, calibrated = (
        finite_log_odds(rows[name]) for name in ("median", "median_low", "median_high", "calibrated_median")
    )
    bars = np.clip([values - low, high - values], 0, None)
    axes.hlines(heights, values, calibrated, color=FAINT, linewidth=0.8, zorder=1)
    axes.errorbar(
        values, heights, xerr=np.nan_to_num(bars), color=look.colour, marker=look.marker, markersize=4.5,
        linestyle="", capsize=2, elinewidth=0.9,
    )  # fmt: skip
    axes.plot(
        calibrated, heights, color=look.colour, marker=look.marker, markersize=4.5, markerfacecolor=BACKGROUND,
        linestyle="",
    )  # fmt: skip
    drawn = np.concatenate([values, low, high, calibrated])
    finite: list[float] = drawn[np.isfinite(drawn)].tolist()
    return finite


@in_style
def audits(*, audits: pd.DataFrame, audit_attacks: pd.DataFrame, audit_seeds: pd.DataFrame) -> Figure:
    """Draw which share of its classes each search fooled on each network, in a panel for each number of classes.

    In each panel the network that is fooled most by its most successful search comes first. Further panels show what
    the other attacks of the audits fooled.
    """
    shares = audits.assign(share=audits["fooled"] / audits["network_classes"])
    looks = dict(zip(audits["search"].drop_duplicates(), SERIES, strict=False))
    panels = [rows for _, rows in shares.groupby("network_classes")]
    attacks = [rows for _, rows in audit_attacks.groupby("attack", sort=False)]
    orders = [*map(_most_fooled_first, panels), *(list(dict.fromkeys(rows["network"])) for rows in attacks)]
    heights = list(map(len, orders))
    figure = Figure(
        figsize=(CHART, 1.5 + 0.55 * len(panels) + 0.75 * len(attacks) + 0.5 * sum(heights)), layout="constrained"
    )
    axes_of = figure.subplots(len(orders), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, panel, order in zip(axes_of, panels, orders, strict=False):
        for place, (search, look) in enumerate(looks.items()):
            places = np.arange(len(order)) + SPREAD * ((place + 0.5) / len(looks) - 0.5)
            of_search = panel[panel["search"] == search].set_index("network").reindex(order)
            seeds = audit_seeds[audit_seeds["search"] == search].set_index("network")
            _draw_audits(axes, of_search, seeds, places, look)
        shapes = panel.drop_duplicates("network").set_index("network")["image_shape"]
        classes = int(panel["network_classes"].iloc[0])
        axes.set_title(counted(classes, "class", "classes"))
        most = panel[["fooled_most", "random_most"]].max().astype(float).max()
        _name_networks(axes, [f"{network}\n{shapes[network]}" for network in order], most=max(most, 1) / classes)
    axes_of[len(panels) - 1].set_xlabel(
        f"share of the classes fooled (confidence {short_percent(audits['threshold'].iloc[0])} or more)"
    )
    for axes, rows in zip(axes_of[len(panels) :], attacks, strict=True):
        _draw_attack(axes, rows)
    titles = audits.drop_duplicates("search").set_index("search")["title"]
    named = [(titles[search], look) for search, look in looks.items()]
    handles = [
        *(Line2D([], [], color=look.colour, marker=look.marker, linestyle="", markersize=4.5, label=title)
          for title, look in [*named, *([("other attacks", OTHER)] if attacks else [])]),
        Line2D([], [], color=INK, marker="o", markerfacecolor=BACKGROUND, linestyle="", markersize=4.5,
               label="random search, same encoding"),
    ]  # fmt: skip
    draw_title(figure, "Which networks are fooled most? Audits with equal budgets", handles)
    draw_note(figure, _note_on_audits(audits))
    return figure


def _name_networks(axes: Axes, names: list[str], *, most: float) -> None:
    """Name the networks at the rows of a panel, whose axis of shares ends just above ``most``."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(0, 1.05 * most)
    axes.xaxis.set_major_formatter(FuncFormatter(_exact_percent))
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def _draw_attack(axes: Axes, rows: pd.DataFrame) -> None:
    """Draw what one of the other attacks fooled on each network, as :func:`_draw_audits` does, with its control."""
    seeds = rows.rename(columns={"tried": "network_classes"}).set_index("network")
    means = seeds.groupby(level=0, sort=False).agg(
        network_classes=("network_classes", "mean"),
        fooled=("fooled", "mean"),
        fooled_least=("fooled", "min"),
        fooled_most=("fooled", "max"),
        random_fooled=("control", "mean"),
    )
    found = means.assign(share=means["fooled"] / means["network_classes"])
    _draw_audits(axes, found, seeds, np.arange(len(found)), OTHER)
    title, label = ATTACKS[rows["attack"].iloc[0]]
    least, most = rows["tried"].min(), rows["tried"].max()
    axes.set_title(title)
    axes.set_xlabel(f"{label} ({f'{most:,}' if least == most else f'{least:,} to {most:,}'} tried)")
    _name_networks(axes, list(found.index), most=1.0)


def _most_fooled_first(rows: pd.DataFrame) -> list[str]:
    return rows.groupby("network", sort=False)["share"].max().sort_values(ascending=False, kind="stable").index.tolist()


def _draw_audits(axes: Axes, rows: pd.DataFrame, seeds: pd.DataFrame, heights: np.ndarray, look: Look) -> None:
    """Draw each network: its mean in ``rows`` with the range, a stroke for each of its ``seeds``, and random search."""
    classes = rows["network_classes"]
    axes.hlines(
        heights, rows["fooled_least"] / classes, rows["fooled_most"] / classes, color=look.colour, linewidth=0.9
    )
    # Nothing is drawn for networks without values: an empty line that is not clipped would reach the figure's corner.
    for height, network in zip(heights, rows.index, strict=True):
        if network in seeds.index:
            found = seeds.loc[[network]]
            axes.plot(
                found["fooled"] / found["network_classes"], np.full(len(found), height), color=look.colour, marker="|",
                linestyle="", markersize=6, markeredgewidth=0.9, clip_on=False,
            )  # fmt: skip
    random = (rows["random_fooled"] / classes).astype(float)
    for values, face, order in ((random, BACKGROUND, 2.5), (rows["share"], look.colour, 3.0)):
        if (known := values.notna().to_numpy()).any():
            axes.plot(
                values[known], heights[known], color=look.colour, marker=look.marker, markerfacecolor=face,
                markersize=4.5, linestyle="", zorder=order, clip_on=False,
            )  # fmt: skip


def _exact_percent(share: float, _: int | None = None) -> str:
    return f"{100 * share:.3g} %"


def _note_on_audits(audits: pd.DataFrame) -> str:
    seeds = counted(int(audits["seeds"].max()), "seed")
    return (
        f"A search scored at most {audits['budget'].iloc[0]:,} images. Filled: mean over {seeds}; strokes: the seeds, "
        "and a line from the least to the most. This range is no confidence interval. Below each name: size of the "
        "images. Panels with other numbers of classes cannot be compared. Gradient ascent aims at as many classes as "
        "its budget allows."
    )


@in_style
def class_sets(*, class_sets: pd.DataFrame, set_classes: pd.DataFrame) -> Figure:
    """Draw, in a panel for each set, the confidence in its classes and in all other classes."""
    names = list(dict.fromkeys(class_sets["class_set"]))
    rows = len(class_sets) // max(len(names), 1)
    figure = Figure(figsize=(WIDTH, 1.1 + 0.42 * rows), layout="constrained")
    if not names:
        figure.text(0.5, 0.5, "This study defines no sets of classes.", ha="center", color=QUIET)
        return figure
    for axes, name in zip(figure.subplots(1, len(names), sharey=True, squeeze=False)[0], names, strict=True):
        chosen = class_sets[class_sets["class_set"] == name]
        _draw_set(axes, chosen, set_classes[set_classes["class_set"] == name])
    handles = [Patch(facecolor=colour, label=where) for where, colour in COLOURS.items()]
    draw_title(figure, "Are some classes harder to fool? Confidence by set of classes", handles)
    runs = counted(int(class_sets["runs"].max()), "run")
    draw_note(
        figure,
        f"Each class has one value, its median over {runs}. Box: middle 50 % of the classes and median; whiskers: "
        "5 % to 95 % quantile. In the margin: the probability that a class of the set has a higher confidence than one "
        f"of the others, with its interval over groups of classes that share champions; 50 % means no difference. "
        f"{EXPLAINED}",
    )
    return figure


def _draw_set(axes: Axes, found: pd.DataFrame, classes: pd.DataFrame) -> None:
    order = [_named(row) for row in found.itertuples()]
    shown = classes.assign(
        what=[_named(row) for row in classes.itertuples()],
        where=classes["inside"].map({True: "in the set", False: "other classes"}),
        log_odds=finite_log_odds(classes["confidence"]),
    )
    sns.boxplot(
        shown, x="log_odds", y="what", order=order, hue="where", hue_order=list(COLOURS), palette=COLOURS,
        whis=(5, 95), showfliers=False, linewidth=0.8, width=0.7, gap=0.15, legend=False, ax=axes,
    )  # fmt: skip
    use_confidence_ticks(axes, shown["log_odds"].quantile([0.005, 0.995]).tolist(), which="x", most=5)
    first = found.iloc[0]
    axes.set(title=f"{first['class_set']} ({first['classes']} classes)", ylabel="", xlabel=LABEL)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    bounds = zip(*(100 * found[name] for name in ("superiority", "low", "high")), strict=True)
    for place, (share, low, high) in enumerate(bounds):
        interval = "no interval" if math.isnan(low) else f"{low:.0f} to {high:.0f} %"
        axes.annotate(
            f"{share:.0f} %\n{interval}", (1.02, place), xycoords=axes.get_yaxis_transform(),
            va="center", fontsize=5.5, color=QUIET, annotation_clip=False,
        )  # fmt: skip


def _named(row: object) -> str:
    """Return the experiment, the network and the search of a row, as its label."""
    experiment, classifier, search = (getattr(row, name) for name in ("experiment", "classifier", "search"))
    return f"{experiment} on {classifier}\n{SEARCHES[search].label}"


@in_style
def variance_components(*, variance: pd.DataFrame) -> Figure:
    """Draw the shares of the components of ``variance``, a bar for each search.

    A search with a single run is left out: its variance has one part. Raises :class:`FoolingError` if no search has
    more runs.
    """
    variance = _of_several_runs(variance)
    present = set(zip(variance["experiment"], variance["search"], strict=True))
    experiments = dict.fromkeys(variance["experiment"])
    bars = [bar for bar in itertools.product(experiments, SEARCHES) if bar in present]
    shares = variance.set_index(["experiment", "search", "component"])["share"].unstack("component").fillna(0).loc[bars]
    figure = Figure(figsize=(CHART, 1.9 + 0.3 * len(bars)), layout="constrained")
    axes = figure.subplots()
    start = pd.Series(0.0, shares.index)
    for component in COMPONENTS:
        if component in shares and shares[component].any():
            _draw_component(axes, component, shares[component], start)
            start += shares[component]
    axes.set_yticks(range(len(bars)), [f"{experiment}: {SEARCHES[search].label}" for experiment, search in bars])
    axes.set(xlim=(0, 1), ylim=(len(bars) - 0.5, -0.5), xlabel="share of the variance")
    axes.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    handles, _ = axes.get_legend_handles_labels()
    draw_title(figure, "Where differences between champions come from", handles)
    draw_note(
        figure,
        "Shares of the variance of the champions' log-odds. Hatched: an effect of two factors together, beyond the sum "
        "of their own effects. A component that cannot be separated from another is omitted."
        + " No bar: all champions are equal."
        * bool((shares.sum(axis=1) == 0).any()),
    )
    return figure


def _of_several_runs(variance: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of searches of which the network or the seed varies."""
    can_vary = variance["component"].isin(["classifier", "seed"]) & (variance["degrees_of_freedom"] > 0)
    several = set(zip(variance.loc[can_vary, "experiment"], variance.loc[can_vary, "search"], strict=True))
    if not several:
        raise FoolingError(
            "no search has several runs, so there is no variance to divide",
            expected="at least one experiment with several networks or seeds",
        )
    kept = [pair in several for pair in zip(variance["experiment"], variance["search"], strict=True)]
    return variance[kept]


def _draw_component(axes: Axes, component: str, shares: pd.Series[float], start: pd.Series[float]) -> None:
    """Draw this component in every bar, with its number if that fits."""
    label, colour, ink, hatch = COMPONENTS[component]
    bars = axes.barh(
        range(len(shares)), shares, left=start, color=colour, label=label, edgecolor=BACKGROUND, height=0.74,
        hatch=hatch,
    )  # fmt: skip
    numbers = [whole_percent(share) if share >= LABELLED else "" for share in shares]
    halo = [withStroke(linewidth=3, foreground=colour)]  # above the hatch
    axes.bar_label(bars, numbers, label_type="center", color=ink, fontsize=7, path_effects=halo)
