"""What a single file holds, as captioned images with a few facts: a sheet for a PNG file, or text for a terminal.

::

    title
    facts, one a line
    label   [image] [image] [image] …        a row: its label, and images with name and confidence
            name    name    name
            95.31 % …
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fooling.attacks.adversarial.record import AdversarialRecord
from fooling.attacks.evolution.record import RunRecord
from fooling.attacks.label_only.record import LabelOnlyRecord
from fooling.attacks.record import AttackRecord, TargetedRecord
from fooling.attacks.universal.record import UniversalRecord
from fooling.datasets.dataset import Dataset
from fooling.figures.image_grid import INCHES_PER_CHARACTER_POINT, LEAST_SIZE, place_image, sheet, write
from fooling.figures.style import ENCODINGS, QUIET, SEARCHES, WIDTH, as_png, in_style
from fooling.fonts import columns
from fooling.messages import counted, percent, share_percent
from fooling.reproducibility import evenly_spaced
from fooling.survey.questionnaire import ConditionStimuli

IN_ROW = 10  # images side by side
MOST_IMAGES, MOST_ROWS = 40, 12  # images in a row of many, and rows
PER_CLASS = 10  # images of each class of a data set
SURE = 0.9999  # the confidence at which facts count images
LEFT, RIGHT, GAP = 0.86, 0.08, 0.068  # inches
TITLE, FACT, LINE = 0.245, 0.125, 0.115  # inches: the height of the title, a fact, and a line below an image
LONGEST_FACT = 125  # characters of a line


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One image (C, H, W) with what is written below it."""

    image: NDArray[np.uint8]
    name: str = ""
    confidence: float | None = None


@dataclass(frozen=True)
class Row:
    """Images of one kind, such as the champions of one run."""

    label: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The content of a file: a title, facts of a line each, and rows of images."""

    title: str
    facts: tuple[str, ...]
    rows: tuple[Row, ...] = ()


def overview_of_records(records: Sequence[AttackRecord]) -> Overview:
    """Return the overview of attacks in one file: of evolution, one record for each run, or of single images."""
    first, several = records[0], len(records) > 1
    on = first.classifier["name"]
    rows = [row for record in records for row in _rows_of(record)]
    facts = [_confidence_fact(records)]
    if isinstance(first, RunRecord):
        seed = "" if several else f", seed {first.seed}"
        title = f"{SEARCHES[first.search].label}, {ENCODINGS[first.encoding].label}, on {on}{seed}"
        generations, evaluations = int(first.history.generations[-1]), int(first.history.evaluations[-1])
        each = " in each" if several else ""
        runs = f"{counted(len(records), 'run')}, " if several else ""
        facts.insert(0, f"{runs}{evaluations:,} images scored{each} in {counted(generations, 'generation')}")
    elif isinstance(first, AdversarialRecord):
        title = f"{first.name}: adversarial examples on {on}"
        changes = counted(len(first.methods), "method and size", "methods and sizes")
        facts.insert(0, f"{counted(len(first.real.indices), 'real image')}, changed by {changes}")
    elif isinstance(first, UniversalRecord):
        title = f"{first.name}: universal perturbations on {on}"
        facts.insert(0, f"{counted(len(first.columns), 'perturbation')}, with {len(first.real)} unseen images each")
    elif isinstance(first, LabelOnlyRecord):
        title = f"{first.name}: images found with labels alone on {on}"
        facts.insert(0, f"{counted(len(rows), 'run')} of {first.runs[0][0]}, {first.limits.queries:,} queries in each")
    else:
        steps = first.trajectory.steps[-1] if isinstance(first, TargetedRecord) else 0
        name = first.name if isinstance(first, TargetedRecord) else "attack"
        title = f"{name}: images optimised one by one on {on}"
        facts.insert(0, f"{counted(len(rows), 'start')}, {counted(int(steps), 'step')} of each image")
    most = max(len(record.class_names) for record in records)
    if most > MOST_IMAGES:
        facts.append(f"shown: the {MOST_IMAGES} most confident of {most:,} classes")
    return Overview(title=title, facts=(*facts, *_rows_left_out(rows)), rows=tuple(rows[:MOST_ROWS]))


def overview_of_dataset(dataset: Dataset) -> Overview:
    """Return the overview of a data set: the first images of each class, or of some of many classes."""
    part = "training" if dataset.has_training_images else "test"
    images, labels = (
        (dataset.train_images, dataset.train_labels)
        if dataset.has_training_images
        else (dataset.test_images, dataset.test_labels)
    )
    classes = evenly_spaced(len(dataset.class_names), min(MOST_ROWS, len(dataset.class_names)))
    rows = tuple(
        Row(dataset.class_names[index], tuple(Picture(image=image) for image in images[labels == index][:PER_CLASS]))
        for index in classes
    )
    counts = np.bincount(labels, minlength=len(dataset.class_names))
    facts = [
        dataset.summary,
        f"{_range(counts)} {part} images of each class; shown: the first {PER_CLASS}",
        *([f"origin: {dataset.provenance['origin']}"] if "origin" in dataset.provenance else []),
    ]
    if len(classes) < len(dataset.class_names):
        facts.append(f"shown: {len(classes)} of {len(dataset.class_names):,} classes, evenly spaced")
    return Overview(title=f"Data set {dataset.name}", facts=tuple(facts), rows=rows)


def overview_of_classifier(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Overview:
    """Return the overview of a classifier file: facts, the mean training image and the filters of the first layer.

    ``header`` and ``arrays`` are those of the file; the network itself is not built, so that no code of others runs.
    """
    channels, height, width = header["input"]["shape"]
    provenance, classes = header["provenance"], header["class_names"]
    weights = sum(array.size for name, array in arrays.items() if name.startswith("network."))
    crop = "" if header["input"]["crop"] is None else f", of which the network sees {header['input']['crop']} pixels"
    facts = [
        f"architecture {header['architecture']}, {weights:,} weights",
        f"input: {'grey' if channels == 1 else 'RGB'} {height}x{width}{crop}; {_preprocessing(arrays)}",
        f"{counted(len(classes), 'class', 'classes')}: {', '.join(classes)}",
        f"test error {share_percent(provenance['test_error'])} on {provenance['test_images']:,} test images"
        f" of {provenance['dataset']['name']}",
    ]
    if provenance["iterations"] is not None:
        facts.append(f"trained for {counted(provenance['iterations'], 'iteration')} with seed {provenance['seed']}")
    if (place := provenance["retraining"]) is not None:
        facts.append(
            f"network {place['number']} of the chain from {place['first']}, filled with {place['filled_with']}"
        )
    mean = np.clip(np.rint(arrays["training_mean"]), 0, 255).astype(np.uint8)
    rows = [Row("mean training image", (Picture(image=mean),))]
    if (filters := first_filters(arrays, channels=channels)) is not None:
        pictures = tuple(Picture(image=image) for image in filters[:MOST_IMAGES])
        rows.append(Row("filters of the first layer", pictures))
        cut = f"; shown: the first {MOST_IMAGES}" if len(filters) > MOST_IMAGES else ""
        facts.append(f"first layer: {len(filters)} filters of {'x'.join(map(str, filters.shape[2:]))}; 0 is grey{cut}")
    return Overview(title=f"Classifier {header['name']}", facts=tuple(facts), rows=tuple(rows))


def overview_of_stimuli(conditions: Sequence[ConditionStimuli]) -> Overview:
    """Return the overview of a questionnaire: the images of each condition, with the correct answers."""
    asked = conditions[0].questionnaire
    rows = tuple(
        Row(
            each.condition,
            tuple(
                Picture(image=image, name=stimulus.class_name, confidence=stimulus.confidence)
                for stimulus, image in zip(each.stimuli, each.images, strict=True)
            ),
        )
        for each in conditions
    )
    facts = (
        f"{len(asked.stimuli)} images in {counted(len(conditions), 'condition')}, version {asked.version}",
        f"{asked.trials_per_block} images in each of {len(asked.blocks)} blocks; images of {asked.network.name}",
    )
    return Overview(title=f"Questionnaire of the study {asked.study}", facts=facts, rows=rows)


@in_style
def draw_overview(overview: Overview) -> Figure:
    """Draw an overview as a sheet: up to ten images side by side, each with its name and confidence."""
    pitch = (WIDTH - LEFT - RIGHT) / IN_ROW
    facts = [line for fact in overview.facts for line in textwrap.wrap(fact, LONGEST_FACT)]
    top = TITLE + len(facts) * FACT + 0.12
    heights = [_lines_below(row) * LINE + pitch for row in overview.rows]
    counts = [-(-len(row.pictures) // IN_ROW) for row in overview.rows]
    figure, axes = sheet(WIDTH, top + sum(count * height for count, height in zip(counts, heights, strict=True)) + 0.04)
    write(axes, 0.06, 0.07, overview.title, ha="left", fontsize=8.5, fontweight="bold")
    for number, line in enumerate(facts):
        write(axes, 0.06, TITLE + number * FACT, line, ha="left", color=QUIET, fontsize=6.5)
    for row, height, count in zip(overview.rows, heights, counts, strict=True):
        _draw_row(axes, row, top=top, pitch=pitch, height=height)
        top += count * height
    return figure


def picture_of_records(records: Sequence[AttackRecord]) -> bytes:
    """Return the overview of attacks in one file as the bytes of a PNG file."""
    return as_png(draw_overview(overview_of_records(records)))


def first_filters(arrays: Mapping[str, NDArray[Any]], *, channels: int) -> NDArray[np.uint8] | None:
    """Return the filters (N, C, H, W) of the first convolution on images, uint8 with 128 as 0; None if there is none.

    Taken is the first array in natural order with four dimensions and as many input channels as an image has.
    """
    fitting = [name for name, array in arrays.items() if array.ndim == 4 and array.shape[1] == channels]
    if not fitting:
        return None
    weights = arrays[min(fitting, key=_natural)].astype(np.float64)
    scaled: NDArray[np.uint8] = np.rint(128 + 127 * weights / max(float(np.abs(weights).max()), 1e-30)).astype(np.uint8)
    return scaled


def _rows_of(record: AttackRecord) -> list[Row]:
    """Return a row for a run, or one for each start; of many classes, the most confident ones."""
    if isinstance(record, TargetedRecord):
        places = [(f"start {seed}", (record.seeds == seed).nonzero()[0]) for seed in np.unique(record.seeds)]
        classes = record.classes
    elif isinstance(record, AdversarialRecord):
        sizes = {column: "" if column.size is None else f"\n{column.size:g}" for column, _ in record.columns()}
        places = [(column.method + sizes[column], np.arange(of.start, of.stop)) for column, of in record.columns()]
        classes = record.labels
    elif isinstance(record, UniversalRecord):
        named = [f"{each.norm} {each.size:g}\n{each.images} images\nround {each.round}" for each in record.columns]
        rows = map(record.examples_of, range(len(named)))
        places = [(name, np.arange(of.start, of.stop)) for name, of in zip(named, rows, strict=True)]
        classes = record.labels
    elif isinstance(record, LabelOnlyRecord):
        of_images, classes = record.entries.run[record.rows], record.entries.class_index[record.rows]
        places = [(f"seed {record.runs[run][1]}", (of_images == run).nonzero()[0]) for run in np.unique(of_images)]
    else:
        label = f"seed {record.seed}" if isinstance(record, RunRecord) else ""
        classes = np.arange(len(record.images))
        places = [(label, classes)]
    return [Row(label, tuple(_picture(record, classes, index) for index in _shown(record, of))) for label, of in places]


def _shown(record: AttackRecord, places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the images to show of these: all, or the most confident ones of many."""
    if len(places) <= MOST_IMAGES:
        return places
    return places[np.argsort(-record.log_odds[places], kind="stable")[:MOST_IMAGES]]


def _picture(record: AttackRecord, classes: NDArray[np.int64], index: int) -> Picture:
    name = record.class_names[classes[index]]
    return Picture(image=record.images[index], name=name, confidence=float(record.confidences[index]))


def _confidence_fact(records: Sequence[AttackRecord]) -> str:
    confidences = np.concatenate([record.confidences for record in records]).astype(np.float64)
    sure = int((confidences >= SURE).sum())
    median = percent(float(np.median(confidences)))
    return f"median confidence {median}; {sure:,} of {len(confidences):,} images at {share_percent(SURE)} or more"


def _rows_left_out(rows: Sequence[Row]) -> list[str]:
    return [f"shown: the first {MOST_ROWS} of {len(rows)} rows"] if len(rows) > MOST_ROWS else []


def _range(counts: NDArray[np.int64]) -> str:
    least, most = int(counts.min()), int(counts.max())
    return f"{most:,}" if least == most else f"{least:,} to {most:,}"


def _preprocessing(arrays: Mapping[str, NDArray[Any]]) -> str:
    offset, scale = arrays["offset"], arrays["scale"].ravel()
    subtracted = ", ".join(f"{value:g}" for value in offset.ravel()) if offset[0].size == 1 else "the mean image"
    return f"levels minus {subtracted}, times {', '.join(f'{value:.4g}' for value in scale)}"


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a key by which ``layer.10`` comes after ``layer.2``."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _lines_below(row: Row) -> int:
    named = any(picture.name for picture in row.pictures)
    return int(named) + int(any(picture.confidence is not None for picture in row.pictures))


def _draw_row(axes: Axes, row: Row, *, top: float, pitch: float, height: float) -> None:
    side = pitch - GAP
    label = textwrap.fill(row.label, 13, break_long_words=False)
    write(axes, LEFT - 0.1, top + side / 2, label, ha="right", va="center", color=QUIET)
    for place, picture in enumerate(row.pictures):
        left = LEFT + place % IN_ROW * pitch + GAP / 2
        above = top + place // IN_ROW * height
        place_image(axes, picture.image, left=left, top=above, side=side)
        below = above + side + 0.02
        if picture.name:
            _write_name(axes, picture.name, left + side / 2, below, pitch=pitch)
            below += LINE
        if picture.confidence is not None:
            write(axes, left + side / 2, below, percent(picture.confidence), fontsize=6.5)


def _write_name(axes: Axes, name: str, x: float, y: float, *, pitch: float) -> None:
    """Write the name of a class on one line, smaller if it is long, and cut if it is longer still."""
    most = int(pitch / (LEAST_SIZE * INCHES_PER_CHARACTER_POINT))
    shown = name if columns(name) <= most else f"{name[: most - 1]}…"
    size = min(6.5, pitch / (max(columns(shown), 1) * INCHES_PER_CHARACTER_POINT))
    write(axes, x, y, shown, fontsize=size, fontweight="bold")
