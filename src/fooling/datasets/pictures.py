"""Pictures of a folder: listed in a manifest with size and SHA-256, and decoded to images of one size.

The pictures stay in their folder. A manifest is a table with one row per picture, in the order of their paths. Each
picture is checked against it before it is decoded, so that every change is noticed.
"""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION, TiffImageFile

from fooling.artifacts import sha256_of
from fooling.datasets.sources import (
    EXTENSIONS,
    PictureFolder,
    Source,
    extension_of,
    format_counts,
    map_pictures,
    require_utf8,
)
from fooling.images import decoding
from fooling.messages import FoolingError
from fooling.table import COUNT, TEXT, Column, Table

if TYPE_CHECKING:
    from numpy.typing import NDArray


MANIFEST = Table(
    name="pictures",
    path=None,
    commands=("list-folder", "list-imagenet"),
    columns=(
        Column("path", TEXT, doc="Path of the picture in its folder or tar file."),
        Column("bytes", COUNT, unit="bytes", doc="Size of the file."),
        Column("sha256", TEXT, doc="SHA-256 of the file in hexadecimal."),
    ),
    key=("path",),
    doc="One row for each picture of a data set that is read from a folder, in the order of their paths: the manifest "
    "against which the pictures are checked. It is `results/datasets/<dataset>.pictures.csv`, one for all studies.",
)
NAMED = 5  # items in one message
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")  # no others are decoded, whatever the file name
MOST_PIXELS = 80_000_000  # in a picture; decoded, each takes three bytes
WHITE = 255  # the background of transparent parts
MOST_LEVEL = 2**16 - 1
Colour = Literal["rgb", "grey"]


def picture_paths(folder: Path) -> Iterator[str]:
    """Yield the paths ``class/picture`` of the pictures in the subfolders of ``folder``; skip hidden and other files.

    Raises :class:`FoolingError` if the folder is missing, or has no subfolder or a subfolder without pictures.
    """
    class_folders = sorted(path for path in _entries(folder) if path.is_dir())
    if not class_folders:
        raise FoolingError(f"{folder} has no subfolders", expected="one subfolder of pictures per class")
    for class_folder in class_folders:
        entries = _entries(class_folder)
        pictures = sorted(path.name for path in entries if extension_of(path.name) in EXTENSIONS)
        if not pictures:
            raise FoolingError(
                f"{class_folder} has no pictures",
                found=format_counts(Counter(extension_of(path.name) for path in entries if not path.is_dir()))
                or "no files",
                expected=f"files ending in {', '.join(EXTENSIONS)}",
                remedy="remove the folder; if its subfolders are the classes of a part, set test_fraction: null",
            )
        for picture in pictures:
            yield require_utf8(f"{class_folder.name}/{picture}", folder)


def manifest_of(
    source: Source,
    *,
    check: Callable[[Sequence[str]], None] = lambda paths: None,
    wanted: Callable[[str], bool] = lambda path: True,
    threads: int = 1,
    after_picture: Callable[[], None] = lambda: None,
) -> pd.DataFrame:
    """Return the manifest of the ``wanted`` pictures of a folder or tar file; ``check`` receives the paths of all."""
    rows = []
    pictures = source.pictures(check=check, wanted=wanted)
    for path, digest in map_pictures(pictures, lambda _, content: (len(content), sha256_of(content)), threads=threads):
        rows.append((path, *digest))
        after_picture()
    return pd.DataFrame(sorted(rows), columns=MANIFEST.names)


def content_sha256(manifest: pd.DataFrame) -> str:
    """Return the SHA-256 of a ``manifest``, which depends on all pictures in it."""
    return sha256_of(manifest.to_csv(index=False, lineterminator="\n").encode())


def require_same_pictures(source: Path, paths: Iterable[str], manifest: pd.DataFrame) -> None:
    """Raise :class:`FoolingError` unless ``source`` has pictures at exactly the paths of the ``manifest``."""
    found, expected = set(paths), dict(zip(manifest["path"], manifest["sha256"], strict=True))
    if missing := sorted(expected.keys() - found):
        raise FoolingError(
            f"{source} lacks {len(missing)} of the {len(expected)} pictures in its manifest",
            expected=named([f"{path}, SHA-256 {expected[path]}" for path in missing]),
            remedy="restore them, or list the pictures again",
        )
    if unknown := sorted(found - expected.keys()):
        raise FoolingError(
            f"{source} has {len(unknown)} pictures that are not in its manifest",
            found=named(unknown),
            remedy="remove them, or list the pictures again",
        )


def require_unchanged(content: bytes, *, size: int, sha256: str, source: Path) -> None:
    """Raise :class:`FoolingError`, naming the ``source``, unless size and SHA-256 are those of the manifest."""
    if (found := sha256_of(content)) != sha256:
        raise FoolingError(
            f"{source} differs from the manifest",
            found=f"SHA-256 {found} ({len(content)} bytes)",
            expected=f"SHA-256 {sha256} ({size} bytes)",
            remedy="restore the picture, or list the pictures again",
        )


def named(items: Sequence[str]) -> str:
    """Return the first few ``items``, a line each, and how many more there are."""
    more = [f"and {len(items) - NAMED} more"] if len(items) > NAMED else []
    return "\n".join([*items[:NAMED], *more])


def _entries(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if not path.name.startswith(".")]
    except (OSError, ValueError) as error:  # ValueError: the path contains a null character
        raise FoolingError(f"{folder} cannot be read", found=error, expected="a folder") from None


def decoded_images(
    source: Source,
    manifest: pd.DataFrame,
    paths: Sequence[str],
    *,
    size: int,
    colour: Colour,
    threads: int = 1,
    after_picture: Callable[[], None] = lambda: None,
) -> NDArray[np.uint8]:
    """Return the pictures at ``paths``, in this order, as images ``(N, C, size, size)``, for any number of threads.

    Args:
        source: The folder or tar file.
        manifest: Table of the pictures with their sizes and checksums.
        paths: Paths of the pictures in ``source``.
        size: Side of an image in pixels.
        colour: Whether the images are RGB or grey.
        threads: Threads that decode; they do not change the result.
        after_picture: Called after each picture.

    Raises:
        FoolingError: A picture is missing, not in the manifest, changed or broken, or the images exceed this machine's
            memory.
    """
    shape = (len(paths), 1 if colour == "grey" else 3, size, size)
    _require_memory(shape)
    images = np.empty(shape, np.uint8)
    places = {path: place for place, path in enumerate(paths)}
    lines = manifest.set_index("path").loc[list(paths)]
    expected = dict(zip(lines.index, zip(lines["bytes"], lines["sha256"], strict=True), strict=True))

    def decoded(path: str, content: bytes) -> NDArray[np.uint8]:
        known_size, sha256 = expected[path]
        require_unchanged(content, size=known_size, sha256=sha256, source=source.path / path)
        return fitted(content, size=size, colour=colour, source=source.path / path)

    pictures = source.pictures(
        check=lambda found: require_same_pictures(source.path, found, manifest), wanted=places.__contains__
    )
    for path, image in map_pictures(pictures, decoded, threads=threads):
        images[places[path]] = image
        after_picture()
    return images


def fitted(content: bytes, *, size: int | tuple[int, int] | None, colour: Colour, source: Path) -> NDArray[np.uint8]:
    """Return an encoded picture as an upright image ``(C, H, W)``, scaled to cover its size and cropped evenly.

    ``size`` is the side of a square or height and width; None keeps that of the picture.
    Transparent parts show a white background. Of 16 bits per channel the upper 8 are kept, in grey as in colour; levels
    of netpbm files, which state their maximum, are scaled to it and rounded, as Pillow does in colour. Raises
    :class:`FoolingError`, naming the ``source``, for anything but a complete picture of 8 or 16 bits per channel.
    """
    with decoding(source), Image.open(io.BytesIO(content), formats=FORMATS) as picture:
        if picture.width * picture.height > MOST_PIXELS:
            found = f"{picture.width} x {picture.height}"
            raise FoolingError(f"{source} is too large", found=found, expected=f"at most {MOST_PIXELS:,} pixels")
        transparent = _transparent_colour(picture)
        ImageOps.exif_transpose(picture, in_place=True)
        flat = _flat(picture, transparent, source=source)
        mode = "L" if colour == "grey" else "RGB"
        coloured = flat if flat.mode == mode else flat.convert(mode)  # convert would always copy
        height, width = (size, size) if isinstance(size, int) else size or (coloured.height, coloured.width)
        pixels = np.asarray(ImageOps.fit(coloured, (width, height), Image.Resampling.BICUBIC))
    return pixels[None] if colour == "grey" else np.moveaxis(pixels, -1, 0)


def _flat(picture: Image.Image, transparent: Any, *, source: Path) -> Image.Image:
    """Return the ``picture`` with 8 bits per channel, white where it has the ``transparent`` colour or an alpha."""
    if picture.mode.startswith(("I", "F")):
        deep = _sixteen_bits(picture, source=source)
        levels = (np.round(deep / 257) if picture.format == "PPM" else deep >> 8).astype(np.uint8)
        return Image.fromarray(levels if transparent is None else np.where(deep == transparent, WHITE, levels))
    if not picture.has_transparency_data:
        return picture
    if transparent is not None:
        picture.info["transparency"] = transparent
    white = Image.new("RGBA", picture.size, (WHITE, WHITE, WHITE, WHITE))
    return Image.alpha_composite(white, picture.convert("RGBA"))


def _sixteen_bits(picture: Image.Image, *, source: Path) -> NDArray[np.uint16]:
    """Return the levels (H, W) of a grey 16-bit ``picture``, 0 for black.

    Raises :class:`FoolingError` for other depths.
    """
    tags = picture.tag_v2 if isinstance(picture, TiffImageFile) else {}
    bits = tags.get(BITSPERSAMPLE, (16,))
    if (
        not (picture.mode.startswith("I;16") or picture.format in ("PNG", "PPM"))
        or picture.mode == "F"
        or bits != (16,)
    ):
        found = f"mode {picture.mode}" if bits == (16,) else f"{bits[0]} bits"
        raise FoolingError(
            f"{source} has another depth",
            found=found,
            expected="8 or 16 bits per channel, unsigned",
            remedy="save it again with 8 bits per channel",
        )
    levels = np.asarray(picture).astype(np.uint16)
    return MOST_LEVEL - levels if tags.get(PHOTOMETRIC_INTERPRETATION) == 0 else levels


def _transparent_colour(picture: Image.Image) -> Any:
    """Return the colour that a PNG file without alpha declares transparent, as in its decoded pixels; None without one.

    The file stores it with as many bits as a channel has, and Pillow does not convert it.
    """
    key = picture.info.get("transparency")
    if not isinstance(picture, PngImageFile) or picture.mode not in ("L", "RGB", "I", "I;16") or key is None:
        return None
    stored = picture.tile[0].args
    if stored == "RGB;16B":
        return tuple(level >> 8 for level in key)
    return key * {"L;2": 85, "L;4": 17}.get(str(stored), 1) if isinstance(key, int) else key


def _require_memory(shape: tuple[int, ...]) -> None:
    """Raise :class:`FoolingError` if images of this ``shape`` take more than all memory of this machine."""
    needed, there = int(np.prod(shape, dtype=np.float64)), os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > there:
        raise FoolingError(
            f"{shape[0]:,} images of {shape[2]} x {shape[3]} pixels are too many for one file",
            found=f"{needed / 2**30:.0f} GB",
            expected=f"less than the memory of this machine, {there / 2**30:.0f} GB",
            remedy="keep fewer of them, or make them smaller with `size`",
        )


class Labelled(NamedTuple):
    """Pictures by their paths, the class index (N,) of each, and the names of the classes."""

    paths: list[str]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]


class ListedPictures:
    """The pictures ``labelled`` below a folder, each read, checked and decoded to an image when it is requested.

    A million of them are passed to every process that decodes: their lines are arrays, which such processes share.
    """

    def __init__(
        self, folder: Path, labelled: Labelled, manifest: pd.DataFrame, *, size: int, colour: Colour = "rgb"
    ) -> None:
        """Take the size and checksum of each picture from its line in the ``manifest``."""
        lines = manifest.set_index("path").loc[labelled.paths]
        self._labels = labelled.labels
        self._folder, self._size, self._colour = PictureFolder(folder, ()), size, colour
        self._paths = np.array([path.encode() for path in labelled.paths])
        self._bytes, self._sha256 = lines["bytes"].to_numpy(), lines["sha256"].to_numpy().astype("S")

    @property
    def labels(self) -> NDArray[np.int64]:
        """The class index (N,) of each picture."""
        return self._labels

    def image(self, index: int) -> NDArray[np.uint8]:
        """Return the picture ``index`` as an image (C, size, size).

        Raises :class:`FoolingError` for a picture that is missing, broken, or changed since it was listed.
        """
        path = self._paths[index].decode()
        content, source = self._folder.content(path), self._folder.path / path
        require_unchanged(content, size=int(self._bytes[index]), sha256=self._sha256[index].decode(), source=source)
        return fitted(content, size=self._size, colour=self._colour, source=source)
