"""Figures as files: every pixel is kept, in as few bytes as its colours allow."""

import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from fooling.figures.image_grid import place_image, sheet, write
from fooling.figures.retraining import retraining_curve
from fooling.figures.style import BACKGROUND, as_pdf, as_png, in_style, styled


@in_style
def drawn(kind: str) -> Figure:
    """A figure of text, of a few lines, or of a picture with many colours."""
    if kind == "lines":
        figure = Figure(figsize=(2, 2))
        figure.subplots().plot([1, 2], [1, 3], color="#0072B2")
        return figure
    figure, axes = sheet(2, 2)
    write(axes, 1, 0.1, "words")
    if kind == "colours":
        pixels = np.random.default_rng(1).integers(0, 256, (3, 64, 64)).astype(np.uint8)
        place_image(axes, pixels, left=0.5, top=0.5, side=1)
    return figure


def pixels_without_our_saving(kind: str) -> np.ndarray:
    """The pixels as Matplotlib alone writes them."""
    buffer = io.BytesIO()

    @in_style
    def save() -> Figure:
        figure = drawn(kind)
        figure.savefig(buffer, format="png")
        return figure

    save()
    return np.asarray(Image.open(buffer).convert("RGB"))


def read(content: bytes) -> tuple[str, np.ndarray]:
    """The mode and the RGB pixels of a file."""
    with Image.open(io.BytesIO(content)) as picture:
        return picture.mode, np.asarray(picture.convert("RGB"))


@pytest.mark.parametrize(("kind", "mode"), [("text", "L"), ("colours", "RGB")])
def test_grey_figures_and_those_of_many_colours_keep_every_pixel(kind, mode):
    found, pixels = read(as_png(drawn(kind)))
    assert found == mode
    assert np.array_equal(pixels, pixels_without_our_saving(kind))


def test_a_chart_has_a_palette_with_its_common_colours(inputs):
    figure = retraining_curve(**inputs["retraining_curve"])
    buffer = io.BytesIO()
    with styled():
        figure.savefig(buffer, format="png")
    mode, pixels = read(as_png(figure))
    exact = read(buffer.getvalue())[1]
    assert mode == "P"
    assert len(np.unique(exact.reshape(-1, 3), axis=0)) > 256
    differing = (pixels != exact).any(axis=2)
    assert differing.mean() < 0.03
    assert np.abs(pixels.astype(int) - exact).max() <= 16
    assert len(as_png(figure)) < 0.6 * len(buffer.getvalue())


def test_a_png_is_opaque_and_has_the_background_in_its_corners():
    with Image.open(io.BytesIO(as_png(drawn("colours")))) as picture:
        assert "transparency" not in picture.info
        assert picture.getpixel((0, 0)) == tuple(bytes.fromhex(BACKGROUND[1:]))


def test_equal_figures_give_equal_bytes():
    assert as_png(drawn("lines")) == as_png(drawn("lines"))
    assert as_pdf(drawn("lines")) == as_pdf(drawn("lines"))
    assert as_pdf(drawn("lines")).startswith(b"%PDF")
