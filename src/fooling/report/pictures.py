"""Pictures of the report as text in the page: lossless WebP, with class and confidence."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fooling.attacks.evolution.record import RunRecord
from fooling.percentages import percent

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
