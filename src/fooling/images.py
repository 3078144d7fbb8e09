"""Check and convert images: uint8 ``(B, C, H, W)``, C = 1 (grey) or 3 (RGB), and their PNG files."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from fooling.artifacts import read_bytes
from fooling.messages import FoolingError

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray


def require_images(images: torch.Tensor, *, shape: tuple[int, int, int] | None = None) -> None:
    """Raise :class:`FoolingError` unless ``images`` is a uint8 batch ``(B, C, H, W)`` of this ``shape`` (C, H, W)."""
    import torch

    if images.dtype is not torch.uint8 or images.dim() != 4 or (shape is not None and tuple(images.shape[1:]) != shape):
        wanted = "(B, C, H, W)" if shape is None else f"(B, {', '.join(map(str, shape))})"
        raise FoolingError(
            "these images have another type or shape",
            found=f"{str(images.dtype).removeprefix('torch.')} {tuple(images.shape)}",
            expected=f"uint8 {wanted}",
            remedy=None if shape is None else "use a data set with images of this size, in colour (3) or grey (1)",
        )


def noise_images(shape: tuple[int, int, int], count: int = 8) -> NDArray[np.uint8]:
    """Return ``count`` images of uniform noise, always the same: uint8 ``(B, C, H, W)`` for the ``shape`` (C, H, W)."""
    return np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)


def read_png(path: Path) -> bytes:
    """Return the bytes of a PNG file; raise :class:`FoolingError` if it is missing, broken or of another format."""
    content = read_bytes(path)
    with decoding(path), Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
        picture.verify()
    return content


@contextmanager
def decoding(source: Path) -> Iterator[None]:
    """Run code that decodes a picture; raise :class:`FoolingError`, naming the ``source``, if it fails."""
    try:
        yield
    except FoolingError:
        raise
    except Exception as error:  # each decoder raises its own exceptions, from OSError to struct.error
        remedy = "restore or remove the picture, and list the pictures again"
        raise FoolingError(f"{source} cannot be read as a picture", found=error, remedy=remedy) from None


def pixels_of_png(content: bytes) -> NDArray[np.uint8]:
    """Return the uint8 image ``(C, H, W)`` in the bytes of a PNG file that :func:`png_bytes` made with zoom 1."""
    with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
        pixels = np.asarray(picture)
    return pixels[np.newaxis] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)


def png_bytes(image: NDArray[np.uint8], *, zoom: int = 1) -> bytes:
    """Return a uint8 image ``(C, H, W)`` as a PNG file without dates, each pixel enlarged ``zoom`` times."""
    pixels = image[0] if image.shape[0] == 1 else np.moveaxis(image, 0, -1)
    pixels = pixels.repeat(zoom, axis=0).repeat(zoom, axis=1)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG", optimize=False)
    return buffer.getvalue()


def data_uri(png: bytes) -> str:
    """Return a PNG file as a data URI, so that a page needs no file beside it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
