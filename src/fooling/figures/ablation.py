"""Champions with repeated elements removed, and with as much removed elsewhere (after the paper's Fig. 10)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from fooling.ablation.elements import FILLS, KINDS, Kind, Mask, removals, repetition_of, without
from fooling.attacks.evolution.record import RunRecord
from fooling.errors import FoolingError
from fooling.figures.image_grid import INCHES_PER_CHARACTER_POINT, panel, place_image, sheet, write, write_head
from fooling.figures.style import QUIET, SERIES, WIDTH, counted, in_style, on_networks
from fooling.messages import percent

LOOKS = dict(zip(KINDS, SERIES, strict=False))
LABELS = {"copy": "copies removed", "control": "same area removed elsewhere"}
SHORT = {"copy": "one copy\nremoved", "control": "same area\nelsewhere"}  # above a single image
WORDS = {"mean": "mean pixel", "background": "most frequent pixel", "noise": "random pixels"}
TOP, PANEL, LEFT, RIGHT = 0.86, 1.35, 0.66, 0.12  # inches: the height of the panels, and the space around them
EXAMPLES, SHOWN = 4, 4  # at most: champions, and removals from each
SIDE, PITCH, ROW, SPACE = 0.6, 0.66, 1.12, 0.3  # inches: an image of an example, from image to image, a row, between


@in_style
def ablation(*, ablation: pd.DataFrame, runs: Sequence[RunRecord]) -> Figure:
    """Draw how removals change the log-odds of all champions.

    Below, the champions of ``runs`` with the most copies are shown after each removal.

    Raises :class:`FoolingError` if ``ablation`` has no rows of these champions.
    """
    examples = _examples(ablation, runs)
    places, lines = _places([most for _, _, most in examples])
    below = TOP + PANEL + 0.98
    figure, axes = sheet(WIDTH, below + (lines * ROW - 0.2 if examples else 0.1) + 0.05)
    intact = ablation[ablation["kind"] == "intact"]
    repeating = int((intact["copies"] > 0).sum())
    verb = "has" if repeating == 1 else "have"
    share = f"{repeating:,} of {counted(len(intact), 'champion')} {verb} a repeated element"
    note = f"{share}; line: median; band: middle 50 %; in brackets: the number of champions with enough copies"
    write_head(axes, f"Effect of removing repeated elements: {_subject(ablation)}", note)
    panels = [
        _draw_changes(figure, ablation[ablation["fill"] == fill], place=place, title=f"Replaced by {WORDS[fill]}")
        for place, fill in enumerate(FILLS)
    ]
    low = min(panel.get_ylim()[0] for panel in panels)
    high = max(panel.get_ylim()[1] for panel in panels)
    for drawn in panels:
        drawn.set_ylim(low, high)
    handles = [Line2D([], [], color=look.colour, linestyle=look.linestyle) for look in LOOKS.values()]
    figure.legend(
        handles, LABELS.values(), loc="upper left", ncols=2, bbox_to_anchor=(0, 1 - 0.36 / figure.get_figheight())
    )
    if not examples:
        write(axes, 0.06, below - 0.2, "No champion of the runs shown has a repeated element.", ha="left", color=QUIET)
        return figure
    for (run, class_index, most), (left, line) in zip(examples, places, strict=True):
        _draw_example(axes, run, class_index, ablation, left=left, top=below + line * ROW, most=most)
    return figure


def _places(removals_shown: Sequence[int]) -> tuple[list[tuple[float, int]], int]:
    """Return the left edge (in inches) and the line of each example, side by side as far as they fit, and the lines."""
    places, left, line = [], 0.06, 0
    for most in removals_shown:
        width = (1 + len(KINDS) * most) * PITCH
        if left > 0.06 and left + width > WIDTH:
            left, line = 0.06, line + 1
        places.append((left, line))
        left += width + SPACE
    return places, line + 1


def _subject(ablation: pd.DataFrame) -> str:
    return f"{ablation['experiment'].iloc[0]} on {on_networks(ablation)}"


def _examples(ablation: pd.DataFrame, runs: Sequence[RunRecord]) -> list[tuple[RunRecord, int, int]]:
    """Return the champions with the most copies, as run, class and number of removals shown; first come the first."""
    intact = ablation[(ablation["kind"] == "intact") & (ablation["copies"] > 0)]
    intact = intact[intact["classifier"] == runs[0].classifier["name"]]
    by_seed = {run.seed: run for run in runs}
    shown = intact[intact["seed"].isin(list(by_seed))].sort_values(["seed", "class_index"])
    chosen = shown.sort_values("copies", ascending=False, kind="stable").head(EXAMPLES)
    return [
        (by_seed[row.seed], int(row.class_index), min(SHOWN, int(row.copies) - 1, int(ablation["removed"].max())))
        for row in chosen.itertuples()
    ]


def _draw_changes(figure: Figure, rows: pd.DataFrame, *, place: int, title: str) -> Axes:
    """Draw the change by number of removals in a panel, with the number of champions at each tick; return the panel."""
    width = (WIDTH - LEFT - RIGHT) / len(FILLS)
    axes = panel(figure, left=LEFT + place * width, top=TOP, width=width - 0.2, height=PANEL)
    by_champion = rows.groupby(["kind", "removed", "classifier", "seed", "class_index"])["change"].mean()
    for kind, look in LOOKS.items():
        if kind not in by_champion.index.get_level_values("kind"):
            continue
        bands = by_champion[kind].groupby("removed").quantile([0.25, 0.5, 0.75]).unstack()
        axes.plot(bands.index, bands[0.5], color=look.colour, linestyle=look.linestyle, marker=look.marker, ms=3)
        axes.fill_between(bands.index, bands[0.25], bands[0.75], color=look.colour, alpha=0.15, linewidth=0)
    axes.axhline(0, color=QUIET, linewidth=0.6)
    last = int(rows["removed"].max()) if len(rows) else 1
    is_copy = by_champion.index.get_level_values("kind") == "copy"
    counts = by_champion[is_copy].groupby("removed").size()
    axes.set_xticks(range(1, last + 1), [f"{removed}\n({counts.get(removed, 0)})" for removed in range(1, last + 1)])
    axes.set_xlim(0.5, last + 0.5)
    axes.set(xlabel="elements removed", ylabel="change in log-odds" if place == 0 else "")
    axes.tick_params(labelleft=place == 0)
    axes.set_title(title, fontsize=7)
    return axes


def _draw_example(
    axes: Axes, run: RunRecord, class_index: int, ablation: pd.DataFrame, *, left: float, top: float, most: int
) -> None:
    """Draw a champion, then the images after each removal: of copies, and of the same area elsewhere."""
    image = run.images[class_index]
    rows = ablation[(ablation["classifier"] == run.classifier["name"]) & (ablation["fill"] == "mean")]
    rows = rows[(rows["seed"] == run.seed) & (rows["class_index"] == class_index) & (rows["draw"] == 0)]
    confidences = {(row.kind, row.removed): row.confidence for row in rows.itertuples()}
    _draw_image(axes, image, left=left, top=top, text=percent(float(run.confidences[class_index])))
    name = f"class {run.class_names[class_index]}"
    size = min(6.5, PITCH / (len(name) * INCHES_PER_CHARACTER_POINT))
    write(axes, left + SIDE / 2, top + SIDE + 0.15, name, fontsize=size, color=QUIET)
    for block, kind in enumerate(KINDS):
        start = left + (1 + block * most) * PITCH
        _write_above(axes, LABELS[kind] if most > 1 else SHORT[kind], left=start, top=top)
        for place, mask in enumerate(_removals(run, class_index, kind, most=most)):
            if (kind, place + 1) not in confidences:
                missing = f"class {class_index}, seed {run.seed}, {kind}, {place + 1} removals"
                raise FoolingError(
                    "the table of removals is not of these runs",
                    found=f"no row for {missing}",
                    expected="the table that fooling ablate wrote for these runs",
                )
            shown = without(image, mask, fill="mean", seed=run.seed, class_index=class_index)
            text = percent(float(confidences[kind, place + 1]))
            _draw_image(axes, shown, left=start + place * PITCH, top=top, text=text)


def _write_above(axes: Axes, words: str, *, left: float, top: float) -> None:
    write(axes, left, top - 0.03, words, ha="left", va="bottom", fontsize=6.5, color=QUIET)


def _removals(run: RunRecord, class_index: int, kind: Kind, *, most: int) -> list[Mask]:
    """Return the first removals of the first draw; none if the image has no repeated element."""
    repetition = repetition_of(run.images[class_index])
    if repetition is None:
        return []
    return removals(repetition, most=most, kind=kind, seed=run.seed, class_index=class_index, draw=0)


def _draw_image(axes: Axes, image: NDArray[np.uint8], *, left: float, top: float, text: str) -> None:
    place_image(axes, image, left=left, top=top, side=SIDE)
    write(axes, left + SIDE / 2, top + SIDE + 0.025, text, fontsize=6.5)
