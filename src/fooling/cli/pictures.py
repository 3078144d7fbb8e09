"""Figures of a study, and pictures of single files, as PNG or in the terminal."""

from __future__ import annotations

import difflib
import importlib
import inspect
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pandas as pd
from matplotlib.figure import Figure

from fooling.artifacts import kind_of, read_arrays, read_bytes, read_tables, write_bytes
from fooling.attacks.adversarial.record import KIND as ADVERSARIAL
from fooling.attacks.adversarial.record import load_adversarial
from fooling.attacks.evolution import record as evolution
from fooling.attacks.evolution.record import load_run, load_runs
from fooling.attacks.label_only.record import KIND as LABEL_ONLY
from fooling.attacks.label_only.record import load_label_only
from fooling.attacks.record import KIND as ASCENT
from fooling.attacks.record import AttackRecord, load_attack
from fooling.attacks.universal.record import KIND as UNIVERSAL
from fooling.attacks.universal.record import load_universal
from fooling.classifiers.header import KIND as CLASSIFIER
from fooling.classifiers.header import VERSION, classifier_header
from fooling.cli._files import named_paths
from fooling.datasets.dataset import KIND as DATASET
from fooling.datasets.dataset import load_dataset
from fooling.figures.declaration import FigureSettings
from fooling.figures.overview import (
    Overview,
    draw_overview,
    overview_of_classifier,
    overview_of_dataset,
    overview_of_records,
    overview_of_stimuli,
)
from fooling.figures.style import as_pdf, as_png
from fooling.figures.terminal import (
    Protocol,
    as_iterm,
    as_kitty,
    as_sixel,
    is_terminal,
    overview_as_text,
    printable,
    protocol_of,
)
from fooling.findings.registry import table_named
from fooling.fonts import missing_in
from fooling.messages import FoolingError, say
from fooling.settings import read_settings
from fooling.survey.questionnaire import ConditionStimuli, load_questionnaire, load_stimuli

PANEL = "Report"

NAMED_MODULES = ("fooling.figures.*",)
#: Imported by name, so that the fingerprint of one figure does not cover the code of the tables of all the others.
CATALOGUE = "fooling.figures.catalogue"
#: Arguments of figures that are options of their own, and those that are keys of ``--settings``.
INPUTS = ("runs", "batches", "ascents", "examples", "stimuli", "dataset")
OPTIONS = set(FigureSettings.model_fields)
HINT = "no installed font has {}, drawn as boxes; to fix it: install one that has them, such as Noto Sans CJK"
READABLE = (
    "a run, several runs, a gradient ascent, adversarial examples, universal perturbations, an attack with labels "
    "alone, a data set or a classifier (.safetensors), a questionnaire (.json), or a figure (.png)"
)
INLINE = {"kitty": as_kitty, "iterm": as_iterm, "sixel": as_sixel}


def draw(
    figure: str,
    *,
    tables: list[str] | None = None,
    runs: list[Path] | None = None,
    batches: list[Path] | None = None,
    ascents: list[Path] | None = None,
    examples: list[Path] | None = None,
    stimuli: str | None = None,
    dataset: Path | None = None,
    settings: str = "{}",
    png: Path | None = None,
    pdf: Path | None = None,
) -> None:
    """Draw one figure of the catalogue, as PNG and also as PDF if asked.

    Args:
        figure: Name of the figure, such as gallery.
        tables: A table that it is drawn from, as name=path; the rows of all files of one name are taken together.
        batches: Files of runs against the networks of a chain, in its order; give the option once for each.
        examples: Files that `attack adversarial` or `attack universal` wrote; give the option once for each.
        stimuli: Stimuli of the human study, as condition=path of the questionnaire.
        settings: Options of the figure: one JSON object, or a YAML file that holds them.
        png: PNG file to write. Default: named after the figure, in this folder.
        pdf: PDF file to write as well.
    """
    draw_figure = _function_of(figure)
    given: dict[str, Any] = _read_tables(tables or [])
    if runs:
        given["runs"] = [load_run(path) for path in runs]
    if batches:
        given["batches"] = [load_runs(path) for path in batches]
    if ascents:
        given["ascents"] = [load_attack(path) for path in ascents]
    if examples:
        given["examples"] = [_examples(path, figure) for path in examples]
    if stimuli is not None:
        given["stimuli"] = _read_stimuli(stimuli)
    if dataset is not None:
        given["dataset"] = load_dataset(dataset)
    given |= read_settings(FigureSettings, settings).model_dump(exclude_unset=True)
    wanted = inspect.signature(draw_figure).parameters
    if set(wanted) != set(given):
        options = [f"--{name}" if name in INPUTS else f"--tables {name}=path" for name in wanted if name not in OPTIONS]
        raise FoolingError(
            f"{figure} is drawn from something else",
            found=", ".join(sorted(given)) or "nothing",
            expected=", ".join(sorted(wanted)),
            remedy=f"give {', '.join(options)}; the keys {', '.join(sorted(set(wanted) & OPTIONS))} go into --settings"
            if set(wanted) & OPTIONS
            else f"give {', '.join(options)}",
        )
    drawn = draw_figure(**given)
    written = png or Path(f"{figure}.png")
    write_bytes(written, as_png(drawn))
    if pdf is not None:
        write_bytes(pdf, as_pdf(drawn))
    boxes = missing_in(drawn)
    say(f"{figure}: {written}{f' and {pdf}' if pdf else ''}{f'; {HINT.format(boxes)}' if boxes else ''}")


def _function_of(figure: str) -> Callable[..., Figure]:
    """Return the function that draws ``figure``; of the modules of figures, only its own is loaded."""
    catalogue = importlib.import_module(CATALOGUE)
    if figure not in catalogue.FIGURES:
        raise FoolingError(
            f"there is no figure {figure!r}",
            expected=f"one of {', '.join(_closest_first(figure, list(catalogue.FIGURES)))}",
        )
    function: Callable[..., Figure] = getattr(importlib.import_module(catalogue.module_of(figure)), figure)
    return function


def _examples(path: Path, figure: str) -> AttackRecord:
    """Return the adversarial examples or universal perturbations of a file, whichever ``figure`` shows."""
    wanted = importlib.import_module(CATALOGUE).FIGURES[figure].examples_of
    return load_universal(path) if wanted == UNIVERSAL else load_adversarial(path)


def _closest_first(figure: str, known: list[str]) -> list[str]:
    """Return the ``known`` names with those most similar to ``figure`` first."""
    close = difflib.get_close_matches(figure, known, n=3, cutoff=0.4)
    return [*close, *(name for name in known if name not in close)]


def _read_stimuli(stimuli: str) -> ConditionStimuli:
    """Return the stimuli of ``condition=path``, the path of a questionnaire."""
    ((condition, paths),) = named_paths([stimuli], option="--stimuli", example="cppn=survey/questionnaire.json").items()
    return load_stimuli(paths[0], condition)


def _read_tables(tables: list[str]) -> dict[str, pd.DataFrame]:
    """Return the rows of each table from all files given for it, by its name."""
    named = named_paths(tables, option="--tables", example="history=some/file.parquet")
    return {name: read_tables(paths, table_named(name)) for name, paths in named.items()}


def show(file: Path, *, output: Path | None = None, protocol: str = "auto") -> None:
    """Show what a file holds: its images with their confidences, and a few facts.

    In a terminal the picture appears in place. Elsewhere the facts are printed; with --output the picture becomes a PNG
    file.

    Args:
        file: File of a run, of several runs, of a gradient ascent, of adversarial examples, of universal perturbations,
            of an attack with labels alone, a data set, a classifier, a questionnaire with its images, or a PNG file.
        output: PNG file to write.
        protocol: How the terminal shows pictures: auto, kitty, iterm, sixel or blocks (half-block characters in true
            colour, for any terminal).
    """
    known = ("auto", *get_args(Protocol))
    if protocol not in known:
        raise FoolingError("--protocol is unknown", found=protocol, expected=", ".join(known))
    if file.suffix.lower() == ".png":
        _show_figure(file, output=output, protocol=protocol)
        return
    overview = _overview_of_file(file)
    if output is not None:
        write_bytes(output, as_png(draw_overview(overview)))
        say(f"{overview.title}: {output}")
    elif not is_terminal() and protocol == "auto":
        print("\n".join(map(printable, (overview.title, *overview.facts))))
        say("to see its images, give --output picture.png, or show it in a terminal")
    elif (chosen := _chosen(protocol)) == "blocks":
        print(overview_as_text(overview, columns=shutil.get_terminal_size().columns), end="")
    else:
        sys.stdout.write(INLINE[chosen](as_png(draw_overview(overview))))


def _chosen(protocol: str) -> str:
    return protocol_of(os.environ) if protocol == "auto" else protocol


def _overview_of_file(file: Path) -> Overview:
    """Return the overview of a file; raise :class:`FoolingError` for one of another kind, and for a broken one."""
    if file.suffix.lower() == ".json":
        asked = load_questionnaire(file)
        return overview_of_stimuli([load_stimuli(file, condition) for condition in asked.conditions])
    if file.suffix.lower() in (".csv", ".parquet"):
        remedy = (
            "open it with pandas or a spreadsheet; docs/tables.md explains its columns, `fooling draw` makes figures"
        )
        raise FoolingError(f"{file} is a table, which has no images", expected=READABLE, remedy=remedy)
    kind = kind_of(file)
    if kind == evolution.KIND:
        return overview_of_records([load_run(file)])
    if kind == evolution.RUNS_KIND:
        return overview_of_records(load_runs(file))
    if kind == ASCENT:
        return overview_of_records([load_attack(file)])
    if kind == ADVERSARIAL:
        return overview_of_records([load_adversarial(file)])
    if kind == UNIVERSAL:
        return overview_of_records([load_universal(file)])
    if kind == LABEL_ONLY:
        return overview_of_records([load_label_only(file)])
    if kind == DATASET:
        return overview_of_dataset(load_dataset(file))
    if kind == CLASSIFIER:
        arrays, _ = read_arrays(file, kind=CLASSIFIER, version=VERSION)
        return overview_of_classifier(classifier_header(file), arrays)
    raise FoolingError(f"{file} cannot be shown", found=kind, expected=READABLE)


def _show_figure(file: Path, *, output: Path | None, protocol: str) -> None:
    """Show a PNG file in the terminal, by a protocol for pictures."""
    if output is not None:
        raise FoolingError(f"{file} is a PNG file already", remedy="leave out --output")
    chosen = _chosen(protocol) if is_terminal() or protocol != "auto" else "blocks"
    if chosen == "blocks":
        raise FoolingError(
            f"{file} cannot be shown here: a figure needs a terminal with a protocol for pictures",
            expected="kitty, iTerm2, or a terminal with sixels",
            remedy="open it with a viewer of pictures",
        )
    sys.stdout.write(INLINE[chosen](read_bytes(file)))
