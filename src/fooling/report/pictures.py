"""What pages share: their templates, and pictures as text in the page: lossless WebP, with class and confidence."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from fooling.attacks.evolution.record import RunRecord
from fooling.datasets.dataset import Dataset
from fooling.figures.image_grid import of_classes, shown_classes
from fooling.messages import ENCODINGS, percent, share_percent, unbroken

DATA_FILES = ("templates/base.html", "templates/macros.html", "templates/style.css")
LARGE = 64  # pixels; smaller images are scaled without interpolation
#: Effort of WebP. More of it takes several times as long for 2 % less.
EFFORT = {"method": 1, "quality": 50}


@dataclass(frozen=True)
class Picture:
    """One image with the label and the confidence that a network gives it."""

    class_name: str
    confidence: str
    source: str  # a data URI
    is_coarse: bool  # whether it has so few pixels that they are shown as squares
    kind: str = ""  # where the image comes from: "a real test image", or the encoding


def webp_uri(pixels: NDArray[np.uint8]) -> str:
    """Return a uint8 image ``(C, H, W)`` as the data URI of a lossless WebP file."""
    return _uri(Image.fromarray(np.ascontiguousarray(pixels[0] if len(pixels) == 1 else np.moveaxis(pixels, 0, -1))))


def figure_uri(png: bytes) -> str:
    """Return a PNG file as the data URI of a lossless WebP file, which is about half as large."""
    with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
        return _uri(picture.convert("RGBA" if picture.has_transparency_data else "RGB"))


def size_of(png: bytes) -> tuple[int, int]:
    """Return width and height of a PNG file in pixels."""
    with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
        return picture.size


def picture(image: NDArray[np.uint8], class_name: str, confidence: float, *, kind: str = "") -> Picture:
    """Return a uint8 image ``(C, H, W)`` with its class and the confidence (0 to 1) of the network."""
    return Picture(class_name, percent(confidence), webp_uri(image), image.shape[-1] < LARGE, kind)


def sheet_of(images: Sequence[NDArray[np.uint8]]) -> str:
    """Return images ``(C, H, W)`` side by side as one data URI: one picture decodes faster than many."""
    return webp_uri(np.concatenate(list(images), axis=-1))


def champions(run: RunRecord, *, kind: str = "") -> Iterator[Picture]:
    """Yield the champions of a run."""
    for name, confidence, image in zip(run.class_names, run.confidences, run.images, strict=True):
        yield picture(image, name, float(confidence), kind=kind)


def _uri(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format="WEBP", lossless=True, **EFFORT)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """Some runs of one experiment on one classifier, with a row of pictures for each seed."""

    experiment: str
    encoding: str
    classifier: str
    evaluations: int
    rows: dict[int, list[Picture]]
    proxies: tuple[str, ...]


def galleries(runs: Mapping[str, Sequence[RunRecord]], examined: pd.DataFrame | None) -> list[Gallery]:
    """Return a gallery for each experiment and classifier.

    Args:
        runs: Runs by experiment.
        examined: The table ``examined``, for the proxies; None: there is none.
    """
    return [
        gallery(experiment, [run for run in records if run.classifier["name"] == classifier], examined)
        for experiment, records in runs.items()
        for classifier in dict.fromkeys(run.classifier["name"] for run in records)
    ]


def gallery(experiment: str, runs: Sequence[RunRecord], examined: pd.DataFrame | None) -> Gallery:
    """Return the gallery of ``runs`` on one classifier, with proxies from the table ``examined``."""
    first = runs[0]
    return Gallery(
        experiment=experiment,
        encoding=ENCODINGS[first.encoding],
        classifier=first.classifier["name"],
        evaluations=int(first.history.evaluations[-1]),
        rows={run.seed: list(champions(of_classes(run, shown_classes(runs)))) for run in runs},
        proxies=() if examined is None else proxies(_of(examined, experiment, first), search=first.search),
    )


def proxies(examined: pd.DataFrame, *, search: str) -> tuple[str, ...]:
    """Return sentences on how recognisable the champions of ``search`` are: independent labels, and distances."""
    evolved = examined[examined["search"] == search]
    real = examined[examined["search"] == "real-images"]
    sentences = []
    asked = evolved["independent"].dropna()
    if len(asked):
        sentences.append(
            f"The independent classifier {asked.iloc[0]} gives the same label to {_same_label(evolved)} champions"
            + (f" and to {_same_label(real)} real test images." if len(real) else ".")
        )
    distances = evolved["nearest_distance"].dropna()
    if len(distances):
        compared = f" For real test images it is {real['nearest_distance'].median():.2f}." if len(real) else ""
        sentences.append(
            f"The median distance of the champions to the nearest training image is {distances.median():.2f} "
            f"(root mean square over pixels; black to white is 1).{compared}"
        )
    return tuple(sentences)


def _of(examined: pd.DataFrame, experiment: str, run: RunRecord) -> pd.DataFrame:
    is_own = (examined["classifier"] == run.classifier["name"]) & (examined["experiment"] == experiment)
    own: pd.DataFrame = examined[is_own]
    return own


def _same_label(table: pd.DataFrame) -> str:
    same = int((table["independent_label"] == table["class_index"]).sum())
    return f"{same:,} of {len(table):,}"


def environment(*folders: Path) -> jinja2.Environment:
    """Return the environment of pages in the style of the report, which also finds templates in these ``folders``."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader([*folders, Path(__file__).with_name("templates")]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"percent": share_percent, "slug": slug, "style": style, "unbroken": unbroken}
    return made


def slug(title: str) -> str:
    """Return the id of a heading: lower-case words joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def style(verdict: str) -> str:
    """Return the CSS class of a verdict."""
    return verdict.split(",")[0].replace(" ", "-")


REAL = "real test image"
#: Kinds of the images to guess, in order; with one encoding, all evolved images are of it.
ASKED = ("cppn", "direct", REAL, "cppn", "direct", REAL)


@dataclass(frozen=True)
class Question:
    """An image to guess."""

    picture: Picture
    choices: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """The champions of a run after one generation."""

    generation: int
    evaluations: int
    sheet: str  # a data URI: the champions side by side
    confidences: tuple[str, ...]


@dataclass(frozen=True)
class Course:
    """The champions of one run over its generations, for the slider."""

    encoding: str
    classifier: str
    seed: int
    class_names: tuple[str, ...]
    is_coarse: bool
    steps: tuple[Step, ...]


class RealImages:
    """The correctly classified test images of one network, by class."""

    def __init__(self, dataset: Dataset, real: pd.DataFrame, *, classifier: str) -> None:
        """Choose from ``real``, the table of the labels and confidences of the test images."""
        rows = real[(real["classifier"] == classifier) & (real["label"] == real["predicted"])].sort_values("image")
        self._images = dataset.test_images
        self._of_class = {label: rows[rows["label"] == label] for label in rows["label"].unique().tolist()}

    def first(self, label: int, *, after: int = 0) -> tuple[NDArray[np.uint8], float] | None:
        """Return the image number ``after`` of a class (counted from 0) and its confidence; None if there is none."""
        rows = self._of_class.get(label)
        if rows is None or len(rows) <= after:
            return None
        row = rows.iloc[after]
        return self._images[int(row["image"])], float(row["confidence"])


def first_of_encodings(runs: Mapping[str, Sequence[RunRecord]], *, seed: int = 0) -> dict[str, RunRecord]:
    """Return a run for each encoding, of its first experiment and that one's first classifier.

    ``seed`` counts its runs from 0; the last one stands in for runs that are not there.
    """
    found: dict[str, RunRecord] = {}
    for records in runs.values():
        own = [run for run in records if run.classifier["name"] == records[0].classifier["name"]]
        found.setdefault(own[0].encoding, own[min(seed, len(own) - 1)])
    return {name: found[name] for name in ENCODINGS if name in found}


def one_label(runs: Mapping[str, RunRecord], real: RealImages | None) -> list[Picture]:
    """Return a real and an evolved image for each encoding, all with the same label; empty without runs.

    The class is the one with the highest minimum confidence over ``runs``, of equal ones the first.
    """
    if not runs:
        return []
    first, *_ = runs.values()
    same = [run for run in runs.values() if run.class_names == first.class_names]
    lowest = np.min([run.log_odds for run in same], axis=0)
    label = int(lowest.argmax())
    name = first.class_names[label]
    shown = [
        picture(run.images[label], name, float(run.confidences[label]), kind=f"evolved, {ENCODINGS[run.encoding]}")
        for run in same
    ]
    found = None if real is None else real.first(label)
    return shown if found is None else [picture(found[0], name, found[1], kind=REAL), *shown]


def questions(runs: Mapping[str, RunRecord], real: RealImages | None) -> list[Question]:
    """Return six images to guess, of six classes where there are as many; empty without runs.

    Evolved images of a kind are taken from the most confident class on; each class occurs once.
    """
    if not runs:
        return []
    first, *_ = runs.values()
    classes = [int(index) for index in shown_classes([first])]
    choices = tuple(first.class_names[index] for index in classes)
    left, asked = list(classes), []
    for place, kind in enumerate(ASKED):
        run = runs.get(kind, first)
        left = left or list(classes)
        index = max(left, key=lambda index: (run.log_odds[index], -index)) if kind != REAL else left[place % len(left)]
        found = real.first(index, after=1) if kind == REAL and real is not None else None
        left.remove(index)
        name = first.class_names[index]
        shown = (
            picture(run.images[index], name, float(run.confidences[index]), kind=f"evolved, {ENCODINGS[run.encoding]}")
            if found is None
            else picture(found[0], name, found[1], kind=REAL)
        )
        asked.append(Question(shown, choices))
    return asked


def start_and_end(run: RunRecord) -> Course:
    """Return the champions of a run after the random start and at the end, which its record holds."""
    shown = of_classes(run, shown_classes([run]))
    classes = shown_classes([run])
    rows = (0, len(run.history.generations) - 1)
    return course(
        shown,
        generations=run.history.generations[list(rows)],
        evaluations=run.history.evaluations[list(rows)],
        confidences=run.history.confidences[list(rows)][:, classes],
        images=np.stack([shown.start_images, shown.images]),
    )


def course(
    run: RunRecord,
    *,
    generations: NDArray[np.int64],
    evaluations: NDArray[np.int64],
    confidences: NDArray[np.float32],
    images: NDArray[np.uint8],
) -> Course:
    """Return the champions of ``run`` over its generations.

    Args:
        run: The run, with its K shown classes.
        generations: The generations ``(T,)``.
        evaluations: Images scored until then ``(T,)``.
        confidences: Of the champions, ``(T, K)``.
        images: The champions ``(T, K, C, H, W)`` uint8.
    """
    return Course(
        encoding=ENCODINGS[run.encoding],
        classifier=str(run.classifier["name"]),
        seed=run.seed,
        class_names=run.class_names,
        is_coarse=images.shape[-1] < LARGE,
        steps=tuple(
            Step(int(generation), int(scored), sheet_of(list(shown)), tuple(percent(float(value)) for value in row))
            for generation, scored, row, shown in zip(generations, evaluations, confidences, images, strict=True)
        ),
    )
