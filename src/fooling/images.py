"""Images as the study keeps and judges them: uint8 ``(B, C, H, W)``, C = 1 (grey) or 3 (RGB)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from fooling.artifacts import read_bytes
from fooling.errors import FoolingError

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray


def require_images(images: torch.Tensor, *, shape: tuple[int, int, int] | None = None) -> None:
    """Raise :class:`FoolingError` unless ``images`` is a uint8 batch ``(B, C, H, W)`` of this ``shape`` (C, H, W)."""
    import torch

    if images.dtype is not torch.uint8 or images.dim() != 4 or (shape is not None and tuple(images.shape[1:]) != shape):
        wanted = "(B, C, H, W)" if shape is None else f"(B, {', '.join(map(str, shape))})"
        raise FoolingError(
            "these images do not fit",
            found=f"{str(images.dtype).removeprefix('torch.')} {tuple(images.shape)}",
            expected=f"uint8 {wanted}",
            remedy=None if shape is None else "take a data set with images of this size, in colour (3) or grey (1)",
        )


def read_png(path: Path) -> bytes:
    """The bytes of the PNG file ``path``; :class:`FoolingError` if it is missing, broken or another kind of file."""
    content = read_bytes(path)
    with decoding(path), Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
        picture.verify()
    return content


@contextmanager
def decoding(source: Path) -> Iterator[None]:
    """A stretch of work in which a picture is decoded: whatever fails there is told of the ``source``."""
    try:
        yield
    except FoolingError:
        raise
    except Exception as error:  # every decoder fails in ways of its own, from OSError to struct.error
        remedy = "restore or remove the picture, and list the pictures again"
        raise FoolingError(f"{source} cannot be read as a picture", found=error, remedy=remedy) from None


def pixels_of_png(content: bytes) -> NDArray[np.uint8]:
    """The uint8 image ``(C, H, W)`` that :func:`png_bytes` made these bytes of, at a zoom of 1."""
    with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
        pixels = np.asarray(picture)
    return pixels[np.newaxis] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)


def png_bytes(image: NDArray[np.uint8], *, zoom: int = 1) -> bytes:
    """One uint8 image ``(C, H, W)`` as the bytes of a PNG file without dates, each pixel drawn ``zoom`` times."""
    pixels = image[0] if image.shape[0] == 1 else np.moveaxis(image, 0, -1)
    pixels = pixels.repeat(zoom, axis=0).repeat(zoom, axis=1)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG", optimize=False)
    return buffer.getvalue()
