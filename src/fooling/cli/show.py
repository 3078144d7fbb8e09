"""Pictures of single files, as PNG or in the terminal."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import get_args

from fooling.artifacts import kind_of, read_arrays, read_bytes, write_bytes
from fooling.attacks.adversarial.record import KIND as ADVERSARIAL
from fooling.attacks.adversarial.record import load_adversarial
from fooling.attacks.evolution import record as evolution
from fooling.attacks.evolution.record import load_run, load_runs
from fooling.attacks.label_only.record import KIND as LABEL_ONLY
from fooling.attacks.label_only.record import load_label_only
from fooling.attacks.record import KIND as ASCENT
from fooling.attacks.record import load_attack
from fooling.classifiers.header import KIND as CLASSIFIER
from fooling.classifiers.header import VERSION, classifier_header
from fooling.cli._terminal import Protocol, is_terminal, protocol_of
from fooling.datasets.dataset import KIND as DATASET
from fooling.datasets.dataset import load_dataset
from fooling.errors import FoolingError
from fooling.figures.overview import (
    Overview,
    draw_overview,
    overview_of_classifier,
    overview_of_dataset,
    overview_of_records,
    overview_of_stimuli,
)
from fooling.figures.style import as_png
from fooling.figures.terminal import as_iterm, as_kitty, as_sixel, overview_as_text, printable
from fooling.progress import say
from fooling.survey.questionnaire import load_questionnaire, load_stimuli

PANEL = "Report"

READABLE = (
    "a run, several runs, a gradient ascent, adversarial examples, an attack with labels alone, a data set or a "
    "classifier (.safetensors), a questionnaire (.json), or a figure (.png)"
)
INLINE = {"kitty": as_kitty, "iterm": as_iterm, "sixel": as_sixel}


def show(file: Path, *, output: Path | None = None, protocol: str = "auto") -> None:
    """Show what a file holds: its images with their confidences, and a few facts.

    In a terminal the picture appears in place. Elsewhere the facts are printed; with --output the picture becomes a PNG
    file.

    Args:
        file: File of a run, of several runs, of a gradient ascent, of adversarial examples, of an attack with labels
            alone, a data set, a classifier, a questionnaire with its images, or a PNG file.
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
