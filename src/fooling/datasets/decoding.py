"""Encoded pictures become images of one size, each checked against the manifest before it is decoded."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from PIL import Image, ImageOps

from fooling.datasets.manifest import require_same_pictures, require_unchanged
from fooling.datasets.sources import Source, worked_on
from fooling.errors import FoolingError
from fooling.images import decoding

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")  # no others are decoded, whatever a file is called
MOST_PIXELS = 80_000_000  # of a picture: decoded, it takes three bytes for each

Colour = Literal["rgb", "grey"]


def decoded_images(
    source: Source,
    manifest: pd.DataFrame,
    paths: Sequence[str],
    *,
    size: int,
    colour: Colour,
    threads: int = 1,
    after_picture: Callable[[], None] = lambda: None,
) -> NDArray[np.uint8]:
    """The pictures at ``paths``, in this order, as images ``(N, C, size, size)``; the same for any number of threads.

    Raises :class:`FoolingError` for a picture that is missing, not in the ``manifest``, changed or broken, and for more
    images than this machine has memory for.
    """
    shape = (len(paths), 1 if colour == "grey" else 3, size, size)
    _require_memory(shape)
    images = np.empty(shape, np.uint8)
    places = {path: place for place, path in enumerate(paths)}
    lines = manifest.set_index("path").loc[list(paths)]
    expected = dict(zip(lines.index, zip(lines["bytes"], lines["sha256"], strict=True), strict=True))

    def decoded(path: str, content: bytes) -> NDArray[np.uint8]:
        known_size, sha256 = expected[path]
        require_unchanged(content, size=known_size, sha256=sha256, source=source.path / path)
        return fitted(content, size=size, colour=colour, source=source.path / path)

    pictures = source.pictures(
        check=lambda found: require_same_pictures(source.path, found, manifest), wanted=places.__contains__
    )
    for path, image in worked_on(pictures, decoded, threads=threads):
        images[places[path]] = image
        after_picture()
    return images


def fitted(content: bytes, *, size: int, colour: Colour, source: Path) -> NDArray[np.uint8]:
    """An encoded picture as an upright image ``(C, size, size)``: scaled to cover it, cut evenly at the sides.

    Raises :class:`FoolingError`, naming the ``source``, for what is no whole picture of 8 bits a channel.
    """
    with decoding(source), Image.open(io.BytesIO(content), formats=FORMATS) as picture:
        if picture.mode.startswith(("I", "F")):
            raise FoolingError(f"{source} has too many levels", found=f"mode {picture.mode}", expected="8 bits")
        if picture.width * picture.height > MOST_PIXELS:
            found = f"{picture.width} x {picture.height}"
            raise FoolingError(f"{source} is too large", found=found, expected=f"at most {MOST_PIXELS:,} pixels")
        ImageOps.exif_transpose(picture, in_place=True)
        mode = "L" if colour == "grey" else "RGB"
        coloured = picture if picture.mode == mode else picture.convert(mode)  # which copies in any case
        pixels = np.asarray(ImageOps.fit(coloured, (size, size), Image.Resampling.BICUBIC))
    return pixels[None] if colour == "grey" else np.moveaxis(pixels, -1, 0)


def _require_memory(shape: tuple[int, ...]) -> None:
    """Raise :class:`FoolingError` where images of this ``shape`` take more than all memory of this machine."""
    needed, there = int(np.prod(shape, dtype=np.float64)), os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > there:
        raise FoolingError(
            f"{shape[0]:,} images of {shape[2]} x {shape[3]} pixels are too many for one file",
            found=f"{needed / 2**30:.0f} GB",
            expected=f"less than the memory of this machine, {there / 2**30:.0f} GB",
            remedy="keep fewer of them, or make them smaller with `size`",
        )
