import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fooling.artifacts import read_table, sha256_of, write_table
from fooling.datasets.pictures import (
    MANIFEST,
    decoded_images,
    fitted,
    manifest_of,
    picture_paths,
    require_same_pictures,
    require_unchanged,
)
from fooling.datasets.sources import PictureFolder
from fooling.messages import FoolingError


@pytest.fixture
def folder(tmp_path):
    for path in ("cat/tom.png", "cat/kit.JPG", "dog/rex.png"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(path.encode())
    return tmp_path


def listed(folder):
    return manifest_of(PictureFolder(folder, list(picture_paths(folder))))


def test_pictures_are_listed_class_by_class_and_other_files_skipped_files(folder):
    for path in ("notes.txt", "cat/notes.txt", "cat/.hidden.png", ".cache"):
        (folder / path).write_text("no picture")
    assert list(picture_paths(folder)) == ["cat/kit.JPG", "cat/tom.png", "dog/rex.png"]


def test_a_manifest_holds_size_and_checksum(folder):
    manifest = listed(folder)
    assert manifest.to_dict("list") == {
        "path": ["cat/kit.JPG", "cat/tom.png", "dog/rex.png"],
        "bytes": [11, 11, 11],
        "sha256": [sha256_of(path) for path in (b"cat/kit.JPG", b"cat/tom.png", b"dog/rex.png")],
    }


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0\r"), min_size=1, max_size=12)


@settings(max_examples=25)
@given(st.lists(NAMES, min_size=1, max_size=5, unique=True))
def test_any_file_name_survives_the_manifest_file(tmp_path_factory, names):
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "NA").mkdir()
    for name in names:
        (folder / "NA" / f"a{name}.png").write_bytes(name.encode())
    paths = list(picture_paths(folder))
    assert sorted(paths) == sorted(f"NA/a{name}.png" for name in names)
    write_table(folder / "manifest.csv", listed(folder), MANIFEST)
    manifest = read_table(folder / "manifest.csv", MANIFEST)
    require_same_pictures(folder, paths, manifest)
    for path, size, sha256 in manifest.itertuples(index=False):
        require_unchanged(folder.joinpath(path).read_bytes(), size=size, sha256=sha256, source=folder / path)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FoolingError, match=r"(?s)absent cannot be read.*No such file"):
        list(picture_paths(tmp_path / "absent"))


def test_a_folder_without_classes_is_named(tmp_path):
    (tmp_path / "loose.png").touch()
    with pytest.raises(FoolingError, match="has no subfolders"):
        list(picture_paths(tmp_path))


def test_a_class_without_pictures_is_named(folder):
    (folder / "fox" / "sub").mkdir(parents=True)
    with pytest.raises(FoolingError, match="fox has no pictures\n  found: no files"):
        list(picture_paths(folder))
    for name in ("a.avif", "b.AVIF", "c.svg"):
        (folder / "fox" / name).touch()
    with pytest.raises(
        FoolingError, match=r"fox has no pictures\n  found: 2 \.avif, 1 \.svg\n  expected: files ending"
    ):
        list(picture_paths(folder))


def test_missing_pictures_are_named_with_their_checksums(folder):
    manifest = listed(folder)
    (folder / "cat" / "tom.png").unlink()
    with pytest.raises(FoolingError) as caught:
        require_same_pictures(folder, list(picture_paths(folder)), manifest)
    assert "lacks 1 of the 3 pictures" in str(caught.value)
    assert f"cat/tom.png, SHA-256 {sha256_of(b'cat/tom.png')}" in str(caught.value)


def test_many_unknown_pictures_are_counted_and_some_named(folder):
    manifest = listed(folder)
    for number in range(8):
        (folder / "dog" / f"new{number}.png").touch()
    with pytest.raises(FoolingError, match=r"(?s)has 8 pictures.*dog/new4\.png\n.*and 3 more"):
        require_same_pictures(folder, list(picture_paths(folder)), manifest)


def test_a_manifest_cannot_reach_out_of_the_folder(folder):
    manifest = listed(folder)
    manifest.loc[0, "path"] = "../../secret.png"
    with pytest.raises(FoolingError, match="lacks 1 of the 3"):
        require_same_pictures(folder, list(picture_paths(folder)), manifest)


def test_a_changed_picture_is_named_with_both_checksums(folder):
    expected, picture = sha256_of(b"dog/rex.png"), folder / "dog" / "rex.png"
    require_unchanged(b"dog/rex.png", size=11, sha256=expected, source=picture)
    with pytest.raises(FoolingError) as caught:
        require_unchanged(b"dog/rex", size=11, sha256=expected, source=picture)
    assert f"{picture} differs from the manifest" in str(caught.value)
    assert f"found: SHA-256 {sha256_of(b'dog/rex')} (7 bytes)" in str(caught.value)
    assert f"expected: SHA-256 {expected} (11 bytes)" in str(caught.value)
    assert "to fix it: restore the picture" in str(caught.value)


def test_any_number_of_threads_makes_the_same_manifest(folder):
    source = PictureFolder(folder, list(picture_paths(folder)))
    calls = []
    manifest = manifest_of(source, threads=5, after_picture=lambda: calls.append(1))
    assert manifest.equals(listed(folder))
    assert len(calls) == 3


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


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(rows: list[bytes], *, width: int, depth: int, kind: int, transparent: bytes | None = None) -> bytes:
    """A PNG file of packed ``rows``, as Pillow cannot write all of them; 0 is grey, 2 RGB, 4 grey with alpha."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, len(rows), depth, kind, 0, 0, 0))
    colour = b"" if transparent is None else chunk(b"tRNS", transparent)
    body = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
    return b"\x89PNG\r\n\x1a\n" + head + colour + body + chunk(b"IEND", b"")


def shown(content: bytes, colour: str = "rgb") -> np.ndarray:
    """The pixels (8, 8, C) that a picture of 8x8 pixels shows."""
    return np.moveaxis(fitted(content, size=8, colour=colour, source=Path("picture")), 0, -1)


DEEP = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
BIG_ENDIAN = DEEP.astype(">u2")


def big_endian_tiff() -> bytes:
    return encoded(Image.frombytes("I;16B", (8, 8), BIG_ENDIAN.tobytes()), "tiff")


@pytest.mark.parametrize(
    ("content", "levels"),
    [
        (png([row.tobytes() for row in BIG_ENDIAN], width=8, depth=16, kind=0), DEEP >> 8),
        (encoded(Image.fromarray(DEEP), "tiff"), DEEP >> 8),
        (big_endian_tiff(), DEEP >> 8),
        (encoded(Image.fromarray(DEEP), "tiff", tiffinfo={262: 0}), 255 - (DEEP >> 8)),
        (b"P5 8 8 65535\n" + BIG_ENDIAN.tobytes(), np.round(DEEP / 257)),
        (b"P5 8 8 1023\n" + (DEEP >> 6).astype(">u2").tobytes(), np.round((DEEP >> 6) / 1023 * 255)),
        (png([row.repeat(3).tobytes() for row in BIG_ENDIAN], width=8, depth=16, kind=2), DEEP >> 8),
        (b"P6 8 8 65535\n" + BIG_ENDIAN.repeat(3).tobytes(), np.round(DEEP / 257)),
        (b"P6 8 8 1023\n" + (DEEP >> 6).astype(">u2").repeat(3).tobytes(), np.round((DEEP >> 6) / 1023 * 255)),
    ],
    ids=["png", "tiff", "tiff-big", "tiff-white-is-0", "pgm", "pgm-10", "png-rgb", "ppm", "ppm-10"],
)
@pytest.mark.parametrize("colour", ["rgb", "grey"])
def test_sixteen_bits_follow_one_rule_in_grey_and_in_colour(content, levels, colour):
    np.testing.assert_array_equal(shown(content, colour), np.repeat(levels[..., None], 3 if colour == "rgb" else 1, 2))


@pytest.mark.parametrize("pixels", [np.zeros((8, 8), np.int32), np.zeros((8, 8), np.float32)], ids=["whole", "float"])
def test_other_depths_are_refused(pixels):
    with pytest.raises(FoolingError, match="has another depth\n  found: 32 bits\n  expected: 8 or 16 bits per channel"):
        shown(encoded(Image.fromarray(pixels), "tiff"))


def half_hidden(mode: str) -> Image.Image:
    """Green, but a hidden red in the left half, and black under a veil in the last column."""
    picture = Image.new("RGBA", (8, 8), (0, 250, 0, 255))
    picture.paste((250, 0, 0, 0), (0, 0, 4, 8))
    picture.paste((0, 0, 0, 128), (7, 0, 8, 8))
    return picture.convert(mode)


@pytest.mark.parametrize("colour", ["rgb", "grey"])
@pytest.mark.parametrize(
    ("mode", "ending", "options"),
    [
        ("RGBA", "png", {}),
        ("LA", "png", {}),
        ("RGBA", "tiff", {}),
        ("PA", "tiff", {}),
        ("RGBA", "webp", {"lossless": True, "exact": True}),
    ],
)
def test_what_is_transparent_shows_a_white_ground(mode, ending, options, colour):
    pixels = shown(encoded(half_hidden(mode), ending, **options), colour)
    green = np.asarray(half_hidden(mode).convert("RGB" if colour == "rgb" else "L"))[0, 4]
    assert (pixels[:, :4] == 255).all()
    assert (pixels[:, 4:7] == green).all()
    assert (pixels[:, 7] == 127).all()


def test_transparency_of_a_palette_shows_a_white_ground():
    palette = half_hidden("RGB").quantize(3)
    red = palette.getpixel((0, 0))
    pixels = shown(encoded(palette, "png", transparency=red))
    assert (pixels[:, :4] == 255).all()
    assert (pixels[:, 4] == (0, 250, 0)).all()
    assert (shown(encoded(palette, "gif", transparency=red))[:, :4] == 255).all()


@pytest.mark.parametrize(
    ("depth", "kind", "row", "transparent"),
    [
        (1, 0, b"\x0f", b"\0\0"),
        (2, 0, b"\x55\xff", b"\0\1"),
        (4, 0, b"\x33\x33\xff\xff", b"\0\3"),
        (8, 0, b"\x33" * 4 + b"\xff" * 4, b"\0\x33"),
        (16, 0, b"\x33\x44" * 4 + b"\xff\xff" * 4, b"\x33\x44"),
        (8, 2, b"\1\2\3" * 4 + b"\xff" * 12, b"\0\1\0\2\0\3"),
        (16, 2, b"\1\0\2\0\3\0" * 4 + b"\xff" * 24, b"\1\0\2\0\3\0"),
    ],
)
def test_the_transparent_colour_of_a_png_is_white_at_any_depth(depth, kind, row, transparent):
    """Beside it lies black, so that nothing is white for another reason."""
    row = row.replace(b"\xff", b"\0") if depth > 1 else b"\x0f"
    pixels = shown(png([row] * 8, width=8, depth=depth, kind=kind, transparent=transparent))
    assert (pixels[:, :4] == 255).all()
    assert (pixels[:, 4:] == (255 if depth == 1 else 0)).all()


@pytest.mark.parametrize("colour", ["rgb", "grey"])
@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA", "LA", "CMYK"])
def test_opaque_pictures_are_as_pillow_converts_them(mode, colour):
    noise = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).convert(mode)
    expected = np.asarray(picture.convert("RGB" if colour == "rgb" else "L"))
    content = encoded(picture, "tiff" if mode == "CMYK" else "png")
    np.testing.assert_array_equal(shown(content, colour), expected.reshape(8, 8, -1))


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
def noisy_folder(tmp_path):
    """Thirty noisy pictures of different sizes."""
    generator = np.random.default_rng(0)
    paths = [f"{number:02}.png" for number in range(30)]
    for number, path in enumerate(paths):
        pixels = generator.integers(0, 256, (20 + number, 40, 3), dtype=np.uint8)
        (tmp_path / path).write_bytes(encoded(Image.fromarray(pixels)))
    return PictureFolder(tmp_path, paths)


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_images_come_in_the_order_asked_for_with_any_number_of_threads(noisy_folder, threads):
    paths = [*noisy_folder.paths[20:], *noisy_folder.paths[3:15]]
    calls = []
    images = decoded_images(
        noisy_folder,
        manifest_of(noisy_folder),
        paths,
        size=16,
        colour="rgb",
        threads=threads,
        after_picture=lambda: calls.append(1),
    )
    expected = [
        fitted((noisy_folder.path / path).read_bytes(), size=16, colour="rgb", source=noisy_folder.path / path)
        for path in paths
    ]
    np.testing.assert_array_equal(images, expected)
    assert len(calls) == len(paths)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_first_changed_picture_is_named(noisy_folder, threads):
    manifest = manifest_of(noisy_folder)
    for path in noisy_folder.paths[7:9]:
        (noisy_folder.path / path).write_bytes(b"changed")
    with pytest.raises(FoolingError, match=r"07\.png differs from the manifest"):
        decoded_images(noisy_folder, manifest, noisy_folder.paths, size=16, colour="rgb", threads=threads)


def test_more_images_than_the_memory_holds_are_refused_before_any_is_read(noisy_folder):
    manifest = manifest_of(noisy_folder)
    with pytest.raises(FoolingError, match="100,000,000 images of 1024 x 1024 pixels are too many for one file"):
        decoded_images(noisy_folder, manifest, range(10**8), size=1024, colour="rgb")


def test_a_picture_keeps_its_size_or_takes_a_height_and_a_width(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (12, 30), dtype=np.uint8)
    content = encoded(Image.fromarray(pixels))
    np.testing.assert_array_equal(fitted(content, size=None, colour="grey", source=tmp_path)[0], pixels)
    np.testing.assert_array_equal(fitted(content, size=(12, 30), colour="grey", source=tmp_path)[0], pixels)
    np.testing.assert_array_equal(fitted(content, size=(12, 10), colour="grey", source=tmp_path)[0], pixels[:, 10:20])
