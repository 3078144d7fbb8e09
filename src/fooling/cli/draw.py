"""Draw one figure, as PNG and PDF."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from fooling.artifacts import read_tables, write_bytes
from fooling.ascent.record import load_ascent
from fooling.datasets.dataset import load_dataset
from fooling.errors import FoolingError
from fooling.evolution.batch import load_runs
from fooling.evolution.record import load_run
from fooling.figures.fonts import boxes_in
from fooling.figures.settings import FigureSettings
from fooling.figures.style import as_pdf, as_png
from fooling.findings.registry import table_named
from fooling.progress import say
from fooling.settings import read_settings
from fooling.survey.pictures import ConditionStimuli, load_stimuli

NAMED_MODULES = ("fooling.figures.*",)
HINT = "no installed font has {}, drawn as boxes; to fix it: install one that has them, such as Noto Sans CJK"


def draw(
    figure: str,
    *,
    tables: list[str] | None = None,
    runs: list[Path] | None = None,
    batches: list[Path] | None = None,
    ascents: list[Path] | None = None,
    stimuli: str | None = None,
    dataset: Path | None = None,
    settings: str = "{}",
    png: Path,
    pdf: Path,
) -> None:
    """Draw ``figure`` from what its module asks for; ``tables`` are ``name=path``, files of one name are stacked.

    Args:
        figure: Name of the figure, such as gallery.
        tables: A table that it is drawn from, as name=path; files of the same name are stacked.
        batches: Files of runs against the networks of a chain, in its order; give the option once for each.
        stimuli: Stimuli of the human study, as condition=path of the questionnaire.
        settings: Options of the figure: one JSON object, or a YAML file that holds them.
        png: PNG file to write.
        pdf: PDF file to write.
    """
    draw_figure = _function_of(figure)
    given: dict[str, Any] = _read_tables(tables or [])
    if runs:
        given["runs"] = [load_run(path) for path in runs]
    if batches:
        given["batches"] = [load_runs(path) for path in batches]
    if ascents:
        given["ascents"] = [load_ascent(path) for path in ascents]
    if stimuli is not None:
        given["stimuli"] = _read_stimuli(stimuli)
    if dataset is not None:
        given["dataset"] = load_dataset(dataset)
    given |= read_settings(FigureSettings, settings).model_dump(exclude_unset=True)
    wanted = inspect.signature(draw_figure).parameters
    if set(wanted) != set(given):
        raise FoolingError(
            f"{figure} is drawn from something else", found=", ".join(sorted(given)), expected=", ".join(sorted(wanted))
        )
    drawn = draw_figure(**given)
    write_bytes(png, as_png(drawn))
    write_bytes(pdf, as_pdf(drawn))
    boxes = boxes_in(drawn)
    say(f"{figure}: {png} and {pdf}{f'; {HINT.format(boxes)}' if boxes else ''}")


def _function_of(figure: str) -> Callable[..., Figure]:
    """The function that draws ``figure``, from its own module: none of another figure's code is loaded."""
    module = f"fooling.figures.{figure}"
    if figure.isidentifier() and importlib.util.find_spec(module) is not None:
        function: Callable[..., Figure] | None = getattr(importlib.import_module(module), "draw", None)
        if function is not None:
            return function
    raise FoolingError(
        f"there is no figure {figure!r}", expected="a name in fooling.figures.catalogue, such as gallery"
    )


def _read_stimuli(stimuli: str) -> ConditionStimuli:
    """The stimuli named by ``condition=path``, the path of a questionnaire."""
    condition, separator, path = stimuli.partition("=")
    if not (condition and separator and path):
        expected = "cppn=survey/questionnaire.json"
        raise FoolingError("--stimuli is not condition=path", found=stimuli, expected=expected)
    return load_stimuli(Path(path), condition)


def _read_tables(tables: list[str]) -> dict[str, pd.DataFrame]:
    """Each name with the rows of all files given for it."""
    parts: dict[str, list[Path]] = defaultdict(list)
    for table in tables:
        name, separator, path = table.partition("=")
        if not (name and separator and path):
            raise FoolingError("--tables is not name=path", found=table, expected="history=some/file.parquet")
        parts[name].append(Path(path))
    return {name: read_tables(paths, table_named(name)) for name, paths in parts.items()}
