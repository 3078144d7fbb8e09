import base64
import io

import numpy as np
import pytest
from PIL import Image

from fooling.images import png_bytes
from fooling.report.pictures import figure_uri, picture, sheet_of, size_of, webp_uri


def pixels(uri: str) -> np.ndarray:
    head, _, content = uri.partition(",")
    assert head == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))).convert("RGB"))


@pytest.mark.parametrize("channels", [1, 3])
def test_images_keep_every_pixel(channels):
    image = np.random.default_rng(0).integers(0, 256, (channels, 9, 7)).astype(np.uint8)
    expected = np.moveaxis(np.broadcast_to(image, (3, 9, 7)), 0, -1)
    assert np.array_equal(pixels(webp_uri(image)), expected)


def test_figures_keep_every_pixel_and_become_smaller():
    image = np.zeros((3, 200, 300), np.uint8) + np.arange(300, dtype=np.uint8)
    png = png_bytes(image)
    assert np.array_equal(pixels(figure_uri(png)), np.moveaxis(image, 0, -1))
    assert size_of(png) == (300, 200)


def test_a_sheet_holds_the_images_side_by_side():
    images = [np.full((1, 4, 4), level, np.uint8) for level in (0, 128, 255)]
    assert pixels(sheet_of(images)).shape == (4, 12, 3)
    assert pixels(sheet_of(images))[0, ::4, 0].tolist() == [0, 128, 255]


def test_a_confidence_is_never_rounded_up():
    assert picture(np.zeros((1, 8, 8), np.uint8), "one", 0.98999).confidence == "98.99 %"
