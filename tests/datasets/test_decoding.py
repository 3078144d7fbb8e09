import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fooling.datasets.decoding import decoded_images, fitted
from fooling.datasets.manifest import manifest_of
from fooling.datasets.sources import PictureFolder
from fooling.errors import FoolingError


def encoded(picture: Image.Image, ending: str = "png", **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format={"jpg": "jpeg"}.get(ending, ending), **options)
    return buffer.getvalue()


@pytest.mark.parametrize("ending", ["png", "jpg", "gif", "webp"])
def test_a_truncated_picture_is_named(tmp_path, ending):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    content = encoded(Image.fromarray(noise), ending)
    with pytest.raises(FoolingError, match="cannot be read as a picture"):
        fitted(content[: len(content) // 2], size=16, colour="rgb", source=tmp_path / "half")


def test_a_picture_of_sixteen_bits_is_refused(tmp_path):
    content = encoded(Image.fromarray(np.zeros((9, 9), np.uint16)))
    with pytest.raises(FoolingError, match="too many levels"):
        fitted(content, size=8, colour="grey", source=tmp_path / "deep")


def test_a_picture_of_absurd_size_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(FoolingError, match="cannot be read as a picture"):
        fitted(encoded(Image.new("L", (200, 200))), size=8, colour="grey", source=tmp_path / "huge")


def test_a_picture_on_its_side_is_set_upright(tmp_path):
    picture = Image.new("L", (40, 20))
    picture.paste(255, (0, 0, 20, 20))  # white on the left; turned clockwise, white at the top
    exif = Image.Exif()
    exif[0x0112] = 6
    image = fitted(encoded(picture, "jpg", exif=exif), size=20, colour="grey", source=tmp_path / "turned")
    assert image[0, :8].mean() > 250
    assert image[0, 12:].mean() < 5


@settings(max_examples=50)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(8, 40), st.sampled_from(["rgb", "grey"]))
def test_any_picture_fits_without_being_squeezed(tmp_path_factory, width, height, size, colour):
    """Of vertical white and black halves the middle stays in the middle, whatever the picture's form."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2] = 255
    image = fitted(encoded(Image.fromarray(pixels)), size=size, colour=colour, source=tmp_path_factory.getbasetemp())
    assert image.shape == (3 if colour == "rgb" else 1, size, size)
    assert image.dtype == np.uint8
    if width >= 2:
        scale = size / min(width, height)
        assert abs((image[0] / 255).mean() * size - size / 2) <= scale + 1


def test_what_sticks_out_is_cut_off_evenly(tmp_path):
    pixels = np.zeros((10, 30), np.uint8)
    pixels[:, 10:20] = 200
    image = fitted(encoded(Image.fromarray(pixels)), size=10, colour="grey", source=tmp_path / "wide")
    assert (image == 200).all()


@pytest.fixture
def folder(tmp_path):
    """Thirty noisy pictures of different sizes."""
    generator = np.random.default_rng(0)
    paths = [f"{number:02}.png" for number in range(30)]
    for number, path in enumerate(paths):
        pixels = generator.integers(0, 256, (20 + number, 40, 3), dtype=np.uint8)
        (tmp_path / path).write_bytes(encoded(Image.fromarray(pixels)))
    return PictureFolder(tmp_path, paths)


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_images_come_in_the_order_asked_for_with_any_number_of_threads(folder, threads):
    paths = [*folder.paths[20:], *folder.paths[3:15]]
    calls = []
    images = decoded_images(
        folder,
        manifest_of(folder),
        paths,
        size=16,
        colour="rgb",
        threads=threads,
        after_picture=lambda: calls.append(1),
    )
    expected = [
        fitted((folder.path / path).read_bytes(), size=16, colour="rgb", source=folder.path / path) for path in paths
    ]
    np.testing.assert_array_equal(images, expected)
    assert len(calls) == len(paths)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_first_changed_picture_is_named(folder, threads):
    manifest = manifest_of(folder)
    for path in folder.paths[7:9]:
        (folder.path / path).write_bytes(b"changed")
    with pytest.raises(FoolingError, match=r"07\.png is not the picture in the manifest"):
        decoded_images(folder, manifest, folder.paths, size=16, colour="rgb", threads=threads)


def test_more_images_than_the_memory_holds_are_refused_before_any_is_read(folder):
    manifest = manifest_of(folder)
    with pytest.raises(FoolingError, match="100,000,000 images of 1024 x 1024 pixels are too many for one file"):
        decoded_images(folder, manifest, range(10**8), size=1024, colour="rgb")
