"""Champions with repeated elements removed, beside as much removed elsewhere (after the paper's Fig. 10)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from fooling.ablation.removal import FILLS, KINDS, Kind, Mask, removals, without
from fooling.ablation.repetition import repetition_of
from fooling.errors import FoolingError
from fooling.evolution.record import RunRecord
from fooling.figures.image_grid import panel, place_image, sheet, write, write_head
from fooling.figures.percentages import percent
from fooling.figures.style import QUIET, SERIES, WIDTH, counted, in_style

LOOKS = dict(zip(KINDS, SERIES, strict=False))
LABELS = {"copy": "copies removed", "control": "same area removed elsewhere"}
WORDS = {"mean": "the mean pixel", "background": "the most frequent pixel", "noise": "random pixels"}
TOP, PANEL, LEFT, RIGHT = 0.86, 1.35, 0.66, 0.12  # inches around and of the panels
EXAMPLES, SHOWN = 4, 4  # champions, and removals from each
SIDE, PITCH, ROW = 0.6, 0.66, 0.95  # of the images of an example


@in_style
def draw(*, ablation: pd.DataFrame, runs: Sequence[RunRecord]) -> Figure:
    """Above, what removals do to the log-odds of all champions; below, those of ``runs`` with most copies."""
    examples = _examples(ablation, runs)
    below = TOP + PANEL + 0.75
    figure, axes = sheet(WIDTH, below + max(1, len(examples)) * ROW + 0.25)
    intact = ablation[ablation["kind"] == "intact"]
    found = int((intact["copies"] > 0).sum())
    share = f"{found:,} of {counted(len(intact), 'champion')} {'has' if found == 1 else 'have'} a repeated element"
    note = f"{share}; line: median, band: middle half; numbers: champions with this many copies"
    write_head(axes, "Effect of removing repeated elements", note)
    for place, fill in enumerate(FILLS):
        _draw_changes(figure, ablation[ablation["fill"] == fill], place=place, title=f"Replaced by {WORDS[fill]}")
    handles = [Line2D([], [], color=look.colour, dashes=look.dashes or (None, None)) for look in LOOKS.values()]
    figure.legend(
        handles, LABELS.values(), loc="upper right", ncols=2, bbox_to_anchor=(1, 1 - 0.36 / figure.get_figheight())
    )
    if not examples:
        write(axes, 0.06, below, "No champion of the runs shown has a repeated element.", ha="left", color=QUIET)
        return figure
    _write_columns(axes, below - 0.06)
    for row, (run, class_index) in enumerate(examples):
        _draw_example(axes, run, class_index, ablation, top=below + row * ROW)
    return figure


def _examples(ablation: pd.DataFrame, runs: Sequence[RunRecord]) -> list[tuple[RunRecord, int]]:
    """Runs and classes of the champions with most copies; of equals those of the first run and class."""
    intact = ablation[(ablation["kind"] == "intact") & (ablation["copies"] > 0)]
    intact = intact[intact["classifier"] == runs[0].classifier["name"]]
    by_seed = {run.seed: run for run in runs}
    shown = intact[intact["seed"].isin(list(by_seed))].sort_values(["seed", "class_index"])
    chosen = shown.sort_values("copies", ascending=False, kind="stable").head(EXAMPLES)
    return [(by_seed[row.seed], int(row.class_index)) for row in chosen.itertuples()]


def _draw_changes(figure: Figure, rows: pd.DataFrame, *, place: int, title: str) -> None:
    width = (WIDTH - LEFT - RIGHT) / len(FILLS)
    axes = panel(figure, left=LEFT + place * width, top=TOP, width=width - 0.32, height=PANEL)
    by_champion = rows.groupby(["kind", "removed", "classifier", "seed", "class_index"])["change"].mean()
    for kind, look in LOOKS.items():
        if kind not in by_champion.index.get_level_values("kind"):
            continue
        bands = by_champion[kind].groupby("removed").quantile([0.25, 0.5, 0.75]).unstack()
        axes.plot(
            bands.index, bands[0.5], color=look.colour, dashes=look.dashes or (None, None), marker=look.marker, ms=3
        )
        axes.fill_between(bands.index, bands[0.25], bands[0.75], color=look.colour, alpha=0.15, linewidth=0)
        if kind == "copy":
            for removed, count in by_champion[kind].groupby("removed").size().items():
                axes.annotate(
                    str(count),
                    (removed, 0.02),
                    xycoords=("data", "axes fraction"),
                    ha="center",
                    fontsize=6,
                    color=QUIET,
                )
    axes.axhline(0, color=QUIET, linewidth=0.6)
    last = int(rows["removed"].max()) if len(rows) else 1
    axes.set_xticks(range(1, last + 1))
    axes.set_xlim(0.5, last + 0.5)
    axes.set(xlabel="removals", ylabel="change in log-odds" if place == 0 else "")
    axes.set_title(title, fontsize=7)


def _write_columns(axes: Axes, y: float) -> None:
    for kind, left in zip(KINDS, _lefts(), strict=True):
        write(axes, left, y, LABELS[kind], ha="left", va="bottom", fontsize=7, fontweight="bold")


def _lefts() -> tuple[float, float]:
    """Where the images of each kind begin."""
    return 0.06 + PITCH + 0.16, 0.06 + (1 + SHOWN) * PITCH + 0.32


def _draw_example(axes: Axes, run: RunRecord, class_index: int, ablation: pd.DataFrame, *, top: float) -> None:
    image = run.images[class_index]
    rows = ablation[(ablation["classifier"] == run.classifier["name"]) & (ablation["fill"] == "mean")]
    rows = rows[(rows["seed"] == run.seed) & (rows["class_index"] == class_index) & (rows["draw"] == 0)]
    most = min(SHOWN, int(ablation["removed"].max()))
    confidences = {(row.kind, row.removed): row.confidence for row in rows.itertuples()}
    _draw_image(axes, image, left=0.06, top=top, text=percent(float(run.confidences[class_index])))
    write(
        axes,
        0.06,
        top - 0.02,
        f"class {run.class_names[class_index]}",
        ha="left",
        va="bottom",
        fontsize=6.5,
        color=QUIET,
    )
    for kind, left in zip(KINDS, _lefts(), strict=True):
        for place, gone in enumerate(_removals(run, class_index, kind, most=most)):
            if (kind, place + 1) not in confidences:
                told = f"class {class_index} of seed {run.seed} after {place + 1} removals"
                raise FoolingError("the table of removals is not that of these runs", found=f"nothing on {told}")
            shown = without(image, gone, fill="mean", seed=run.seed, class_index=class_index)
            text = percent(float(confidences[kind, place + 1]))
            _draw_image(axes, shown, left=left + place * PITCH, top=top, text=text)


def _removals(run: RunRecord, class_index: int, kind: Kind, *, most: int) -> list[Mask]:
    """The first removals of the first draw; none where the image does not repeat itself."""
    repetition = repetition_of(run.images[class_index])
    if repetition is None:
        return []
    return removals(repetition, most=most, kind=kind, seed=run.seed, class_index=class_index, draw=0)


def _draw_image(axes: Axes, image: NDArray[np.uint8], *, left: float, top: float, text: str) -> None:
    place_image(axes, image, left=left, top=top, side=SIDE)
    write(axes, left + SIDE / 2, top + SIDE + 0.025, text, fontsize=6.5)
