"""Images in as few bytes as they take: equal ones once, each compressed without loss.

A champion of many classes is one image, and a painted one is mostly smooth. The archive of a thousand classes in colour
would otherwise take 400 MB, and a study holds hundreds of them.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fooling.contents import require_layout, require_range
from fooling.errors import REMEDY, FoolingError

LEVEL = 1  # the fastest: others gain a few percent and take twice as long
MOST_VALUES = 2**30  # of one image

#: Type and shape of every array: n bytes of U distinct images, of which each of K images is one.
LAYOUT = {"bytes": "uint8 n", "ends": "int64 U", "index": "int64 K", "shape": "int64 3"}


def packed(images: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    """Images ``(K, C, H, W)`` uint8 as arrays of the :data:`LAYOUT`, from which :func:`unpacked` gives them back."""
    numbers: dict[bytes, int] = {}
    index = [numbers.setdefault(image.tobytes(), len(numbers)) for image in images]
    streams = [zlib.compress(image, LEVEL) for image in numbers]
    return {
        "bytes": np.frombuffer(b"".join(streams), dtype=np.uint8),
        "ends": np.cumsum([len(stream) for stream in streams], dtype=np.int64),
        "index": np.array(index, dtype=np.int64),
        "shape": np.array(images.shape[1:], dtype=np.int64),
    }


def unpacked(arrays: Mapping[str, NDArray[Any]], *, source: object) -> NDArray[np.uint8]:
    """The images ``(K, C, H, W)`` that :func:`packed` was given.

    Raises :class:`FoolingError`, naming the ``source``, for arrays that hold no such images.
    """
    require_layout(arrays, LAYOUT, source=source)
    content, ends, index, shape = (arrays[name] for name in LAYOUT)
    require_range("shape of the images", shape, least=1, most=MOST_VALUES, source=source)
    require_range("ends of the images", ends, least=1, most=len(content), source=source)
    require_range("index of the images", index, least=0, most=len(ends) - 1, source=source)
    size = int(np.prod(shape.astype(object)))
    streams = np.split(content, ends[:-1])
    if size > MOST_VALUES or (np.diff(ends) < 1).any() or ends[-1] != len(content):
        raise FoolingError(f"{source} holds no images", found=f"{len(content)} bytes for {shape}", remedy=REMEDY)
    distinct = np.stack([_image(stream, size, source=source) for stream in streams])
    images: NDArray[np.uint8] = distinct[index].reshape(-1, *shape)
    return images


def _image(stream: NDArray[np.uint8], size: int, *, source: object) -> NDArray[np.uint8]:
    """The ``size`` values of one compressed image; no more are ever taken out of a damaged one."""
    reader = zlib.decompressobj()
    try:
        content = reader.decompress(stream.tobytes(), size + 1)
    except zlib.error as error:
        raise FoolingError(f"{source} holds a broken image", found=error, remedy=REMEDY) from None
    if len(content) != size or not reader.eof or reader.unused_data:
        found = f"{len(content)} values or more" if len(content) > size else f"{len(content)} values"
        raise FoolingError(f"{source} holds a broken image", found=found, expected=f"{size} values", remedy=REMEDY)
    return np.frombuffer(content, dtype=np.uint8)
