"""Images are checked before they are judged, and drawn as they are."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from fooling.images import png_bytes, require_images
from fooling.messages import FoolingError


@pytest.mark.parametrize("channels", [1, 3])
def test_png_holds_the_very_pixels(channels: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (channels, 5, 7), dtype=np.uint8)
    pixels = np.asarray(Image.open(io.BytesIO(png_bytes(image, zoom=3))))
    drawn = pixels[None] if channels == 1 else np.moveaxis(pixels, -1, 0)
    np.testing.assert_array_equal(drawn[:, ::3, ::3], image)
    assert drawn.shape == (channels, 15, 21)
    assert png_bytes(image) == png_bytes(image)


@pytest.mark.parametrize(
    "images", [torch.zeros(2, 1, 4, 4), torch.zeros(1, 4, 4).byte(), torch.zeros(2, 3, 4, 4).byte()]
)
def test_other_shapes_and_types_are_refused(images: torch.Tensor) -> None:
    require_images(torch.zeros(2, 1, 4, 4).byte(), shape=(1, 4, 4))
    with pytest.raises(FoolingError, match=r"expected: uint8 \(B, 1, 4, 4\)"):
        require_images(images, shape=(1, 4, 4))
