"""Encoded pictures become images of one size, each checked against the manifest before it is decoded."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION, TiffImageFile

from fooling.datasets.manifest import require_same_pictures, require_unchanged
from fooling.datasets.sources import Source, worked_on
from fooling.errors import FoolingError
from fooling.images import decoding

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")  # no others are decoded, whatever a file is called
MOST_PIXELS = 80_000_000  # of a picture: decoded, it takes three bytes for each

WHITE = 255  # the ground below what is transparent
MOST_LEVEL = 2**16 - 1

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

    What is transparent shows a white ground. Of 16 bits a channel the upper 8 are kept, in grey as in colour; levels of
    netpbm files, which state their maximum, are scaled to it and rounded, as Pillow does in colour.
    Raises :class:`FoolingError`, naming the ``source``, for what is no whole picture of 8 or 16 bits a channel.
    """
    with decoding(source), Image.open(io.BytesIO(content), formats=FORMATS) as picture:
        if picture.width * picture.height > MOST_PIXELS:
            found = f"{picture.width} x {picture.height}"
            raise FoolingError(f"{source} is too large", found=found, expected=f"at most {MOST_PIXELS:,} pixels")
        transparent = _transparent_colour(picture)
        ImageOps.exif_transpose(picture, in_place=True)
        flat = _flat(picture, transparent, source=source)
        mode = "L" if colour == "grey" else "RGB"
        coloured = flat if flat.mode == mode else flat.convert(mode)  # which copies in any case
        pixels = np.asarray(ImageOps.fit(coloured, (size, size), Image.Resampling.BICUBIC))
    return pixels[None] if colour == "grey" else np.moveaxis(pixels, -1, 0)


def _flat(picture: Image.Image, transparent: Any, *, source: Path) -> Image.Image:
    """The ``picture`` with 8 bits a channel, and on the ground where it has the ``transparent`` colour or an alpha."""
    if picture.mode.startswith(("I", "F")):
        deep = _sixteen_bits(picture, source=source)
        levels = (np.round(deep / 257) if picture.format == "PPM" else deep >> 8).astype(np.uint8)
        return Image.fromarray(levels if transparent is None else np.where(deep == transparent, WHITE, levels))
    if not picture.has_transparency_data:
        return picture
    if transparent is not None:
        picture.info["transparency"] = transparent
    white = Image.new("RGBA", picture.size, (WHITE, WHITE, WHITE, WHITE))
    return Image.alpha_composite(white, picture.convert("RGBA"))


def _sixteen_bits(picture: Image.Image, *, source: Path) -> NDArray[np.uint16]:
    """The levels (H, W) of a grey ``picture`` of 16 bits, 0 for black; :class:`FoolingError` for other depths."""
    tags = picture.tag_v2 if isinstance(picture, TiffImageFile) else {}
    bits = tags.get(BITSPERSAMPLE, (16,))
    if (
        not (picture.mode.startswith("I;16") or picture.format in ("PNG", "PPM"))
        or picture.mode == "F"
        or bits != (16,)
    ):
        found = f"mode {picture.mode}" if bits == (16,) else f"{bits[0]} bits"
        raise FoolingError(
            f"{source} has another depth",
            found=found,
            expected="8 or 16 bits a channel, without a sign",
            remedy="save it again with 8 bits a channel",
        )
    levels = np.asarray(picture).astype(np.uint16)
    return MOST_LEVEL - levels if tags.get(PHOTOMETRIC_INTERPRETATION) == 0 else levels


def _transparent_colour(picture: Image.Image) -> Any:
    """The one colour that a PNG file without an alpha calls transparent, as its decoded pixels hold it; else None.

    It is written with as many bits as the file has a channel, and Pillow leaves it so.
    """
    key = picture.info.get("transparency")
    if not isinstance(picture, PngImageFile) or picture.mode not in ("L", "RGB", "I", "I;16") or key is None:
        return None
    stored = picture.tile[0].args
    if stored == "RGB;16B":
        return tuple(level >> 8 for level in key)
    return key * {"L;2": 85, "L;4": 17}.get(str(stored), 1) if isinstance(key, int) else key


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
