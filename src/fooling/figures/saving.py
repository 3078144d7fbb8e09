"""Figures as the bytes of small PNG files, and of PDF files; equal figures give equal bytes."""

from __future__ import annotations

import io

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from fooling.figures.style import styled
from fooling.fonts import add_fallback_fonts, without_font_warnings

PALETTE = 256  # colours of a PNG file with one byte for each pixel
COMMON = 128  # colours of a figure that stay exact
STEPS = (1, 4, 8, 16, 32)  # levels to which the others are rounded: the first with which all fit into the palette


def as_png(figure: Figure) -> bytes:
    """Return ``figure`` as the bytes of a small PNG file.

    The file is grey if the figure is. Else it has a palette if that can hold the figure: common colours are exact, and
    rare ones, which blend into each other at the edges of letters and lines, are rounded by at most half of the largest
    of :data:`STEPS`. A figure with too many colours, such as one of colour images, has three exact bytes per pixel.
    """
    with Image.open(io.BytesIO(_saved(figure, "png", {"Software": None}))) as drawn:
        pixels = np.asarray(drawn.convert("RGB"))
    buffer = io.BytesIO()
    _with_few_bytes(pixels).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def _with_few_bytes(pixels: NDArray[np.uint8]) -> Image.Image:
    """Return RGB pixels ``(H, W, 3)`` as a grey picture, with a palette, or as they are."""
    if (pixels == pixels[..., :1]).all():
        return Image.fromarray(pixels[..., 0])
    codes, places, counts = np.unique(_codes(pixels.astype(np.int64)), return_inverse=True, return_counts=True)
    colours = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1)
    is_rare = np.ones(len(codes), dtype=bool)
    is_rare[np.argsort(-counts, kind="stable")[:COMMON]] = False
    for step in STEPS:
        rounded = colours.copy()
        rounded[is_rare] = ((colours[is_rare] + step // 2) // step * step).clip(max=255)
        kept, entries = np.unique(_codes(rounded), return_inverse=True)
        if len(kept) <= PALETTE:
            picture = Image.fromarray(entries[places].reshape(pixels.shape[:2]).astype(np.uint8), mode="P")
            palette = np.stack([kept >> 16, kept >> 8 & 255, kept & 255], axis=1)
            picture.putpalette(palette.astype(np.uint8).tobytes())
            return picture
    return Image.fromarray(pixels)


def _codes(colours: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return colours ``(..., 3)`` as one number each ``(...)``."""
    return colours[..., 0] << 16 | colours[..., 1] << 8 | colours[..., 2]


def as_pdf(figure: Figure) -> bytes:
    """Return ``figure`` as the bytes of a PDF file without a date."""
    return _saved(figure, "pdf", {"CreationDate": None, "Creator": None, "Producer": None})


def _saved(figure: Figure, file_format: str, metadata: dict[str, None]) -> bytes:
    """Return the file; draw twice if other fonts must supply characters that the default font lacks.

    The texts at the ticks of an axis are known only after the first drawing.
    """

    def saved() -> bytes:
        buffer = io.BytesIO()
        figure.savefig(buffer, format=file_format, metadata=metadata)
        return buffer.getvalue()

    with styled(), without_font_warnings():
        content = saved()
        return saved() if add_fallback_fonts(figure) else content
