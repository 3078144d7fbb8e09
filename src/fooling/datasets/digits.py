"""Scikit-learn's handwritten digits in the form of MNIST's images: nothing to download.

The originals (E. Alpaydin and C. Kaynak, 1998, UCI "Optical Recognition of Handwritten Digits") have 8x8 pixels with
17 levels. Each is enlarged by bicubic interpolation to 5/7 of the side and framed in black: at 28x28 a digit fills the
inner 20x20 pixels, as MNIST's do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from PIL import Image
from pydantic import Field

from fooling.artifacts import sha256_of
from fooling.datasets.dataset import Dataset, stratified_split
from fooling.errors import FoolingError
from fooling.settings import Seed, Settings, Side

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: SHA-256 of the 1797 images as uint8 levels 0..16, row by row, followed by the labels as uint8.
CONTENT_SHA256 = "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"
HIGHEST_LEVEL = 16
FILLED = 5 / 7


class DigitsSettings(Settings):
    """scikit-learn's bundled handwritten digits, enlarged."""

    kind: Literal["digits"] = "digits"
    """Which data set this is."""
    size: Side = 28
    """Side of an image in pixels."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of every class kept for testing."""
    seed: Seed = 1
    """Seed that draws the test images."""


def make_digits(settings: DigitsSettings, *, name: str) -> Dataset:
    """Return the 1797 digits as grey images ``(N, 1, size, size)``, verified and split by seed.

    Raises :class:`FoolingError` if scikit-learn's copy is not the known one.
    """
    # Imported here because it takes a second.
    from sklearn.datasets import load_digits  # type: ignore[import-untyped]

    originals = load_digits()
    levels, labels = originals.images.astype(np.uint8), originals.target.astype(np.int64)
    content_sha256 = sha256_of(levels.tobytes() + labels.astype(np.uint8).tobytes())
    if content_sha256 != CONTENT_SHA256:
        raise FoolingError(
            "scikit-learn's digits differ from those of this study",
            found=f"SHA-256 {content_sha256}",
            expected=f"SHA-256 {CONTENT_SHA256}",
            remedy="install scikit-learn again: pip install --force-reinstall -c constraints.txt scikit-learn",
        )
    images = np.stack([enlarged(digit, size=settings.size) for digit in levels])[:, None]
    train, test = stratified_split(labels, test_fraction=settings.test_fraction, seed=settings.seed)
    return Dataset(
        name=name,
        class_names=tuple("0123456789"),
        train_images=images[train],
        train_labels=labels[train],
        test_images=images[test],
        test_labels=labels[test],
        provenance={
            "origin": "Optical Recognition of Handwritten Digits, as bundled with scikit-learn",
            "content_sha256": content_sha256,
            "settings": settings.model_dump(mode="json"),
        },
    )


def enlarged(digit: NDArray[np.uint8], *, size: int) -> NDArray[np.uint8]:
    """Enlarge a digit ``(8, 8)`` of levels 0 to 16 to ``(size, size)`` of levels 0 to 255, centred in a black frame.

    The interpolation uses integers, so that every machine gives the same bytes.
    """
    levels = (digit.astype(np.uint16) * 255 // HIGHEST_LEVEL).astype(np.uint8)
    side = round(size * FILLED)
    inner = np.asarray(Image.fromarray(levels).resize((side, side), Image.Resampling.BICUBIC))
    before = (size - side) // 2
    return np.pad(inner, (before, size - side - before))
