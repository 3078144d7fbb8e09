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
from fooling.figures.image_grid import of_classes, shown_classes
from fooling.formatting import ENCODINGS, percent, share_percent, unbroken

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
