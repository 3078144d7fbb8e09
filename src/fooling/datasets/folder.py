"""Anyone's pictures as a data set: one subfolder per class, in a training and a test folder or split by seed."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import pandas as pd
from PIL import Image, ImageOps
from pydantic import Field

from fooling.artifacts import sha256_of
from fooling.datasets.dataset import Dataset
from fooling.datasets.manifest import manifest_of, picture_paths, require_same_pictures, verified_picture
from fooling.datasets.splitting import stratified_split
from fooling.errors import FoolingError
from fooling.images import decoding
from fooling.settings import Seed, Settings, Side

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")  # no others are decoded, whatever a file is called
MOST_PIXELS = 80_000_000  # of a picture: decoded, it takes three bytes for each
TRAIN_FOLDER = "train"
TEST_FOLDERS = ("test", "val")


class FolderSettings(Settings):
    """Pictures in folders: one subfolder per class."""

    kind: Literal["folder"] = "folder"
    """Which data set this is."""
    path: Annotated[Path, Field(examples=["pictures"])]
    """The folder: its subfolders are the classes, or `train` and `test` (or `val`) with the classes in each."""
    size: Side = 96
    """Side of an image in pixels: pictures are scaled to cover it, and what sticks out is cut off evenly."""
    colour: Literal["rgb", "grey"] = "rgb"
    """Whether the images keep their colours."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] | None = 0.2
    """Share of every class kept for testing; null where the folder has a training and a test folder."""
    seed: Seed = 1
    """Seed that draws the test images."""


def list_pictures(settings: FolderSettings) -> pd.DataFrame:
    """The manifest of the folder as it is now: path, bytes and SHA-256 of every picture.

    Raises :class:`FoolingError` for a folder of another layout.
    """
    return manifest_of(settings.path, _paths(settings))


def make_folder(
    settings: FolderSettings,
    *,
    name: str,
    manifest: pd.DataFrame,
    after_picture: Callable[[], None] = lambda: None,
) -> Dataset:
    """The pictures as images ``(N, C, size, size)``, each checked against the ``manifest`` before it is used.

    Raises :class:`FoolingError` for a picture that is missing, unknown, changed or broken, and for too few of them.
    """
    require_same_pictures(settings.path, _paths(settings), manifest)
    class_names = tuple(sorted({path.split("/")[-2] for path in manifest["path"]}))
    labels = np.array([class_names.index(path.split("/")[-2]) for path in manifest["path"]], dtype=np.int64)
    train, test = _parts(settings, manifest, labels)
    channels = 1 if settings.colour == "grey" else 3
    images = np.empty((len(manifest), channels, settings.size, settings.size), np.uint8)
    for index, (path, size, sha256) in enumerate(manifest[["path", "bytes", "sha256"]].itertuples(index=False)):
        content = verified_picture(settings.path, path, size=size, sha256=sha256)
        images[index] = fitted(content, size=settings.size, colour=settings.colour, source=settings.path / path)
        after_picture()
    return Dataset(
        name=name,
        class_names=class_names,
        train_images=images[train],
        train_labels=labels[train],
        test_images=images[test],
        test_labels=labels[test],
        provenance={
            "origin": "a folder of pictures",
            "content_sha256": sha256_of(manifest.to_csv(index=False, lineterminator="\n").encode()),
            "settings": settings.model_dump(mode="json", exclude={"path"}),
        },
    )


def fitted(content: bytes, *, size: int, colour: Literal["rgb", "grey"], source: Path) -> NDArray[np.uint8]:
    """An encoded picture as an upright image ``(C, size, size)``: scaled to cover it, cut evenly at the sides.

    Raises :class:`FoolingError`, naming the ``source``, for what is no whole picture of 8 bits a channel.
    """
    with decoding(source), Image.open(io.BytesIO(content), formats=FORMATS) as picture:
        if picture.mode.startswith(("I", "F")):
            raise FoolingError(f"{source} has too many levels", found=f"mode {picture.mode}", expected="8 bits")
        if picture.width * picture.height > MOST_PIXELS:
            found = f"{picture.width} x {picture.height}"
            raise FoolingError(f"{source} is too large", found=found, expected=f"at most {MOST_PIXELS:,} pixels")
        upright = ImageOps.exif_transpose(picture).convert("L" if colour == "grey" else "RGB")
    pixels = np.asarray(ImageOps.fit(upright, (size, size), Image.Resampling.BICUBIC))
    return pixels[None] if colour == "grey" else np.moveaxis(pixels, -1, 0)


def _paths(settings: FolderSettings) -> list[str]:
    """Paths of all pictures: ``class/picture``, or ``part/class/picture`` where there is a test folder."""
    if settings.test_fraction is not None:
        return list(picture_paths(settings.path))
    parts = (TRAIN_FOLDER, _test_folder(settings))
    paths = {part: list(picture_paths(settings.path / part)) for part in parts}
    train_classes, test_classes = ({path.split("/")[0] for path in paths[part]} for part in parts)
    if train_classes != test_classes:
        raise FoolingError(
            f"the parts of {settings.path} have different classes",
            found=f"only in one of them: {', '.join(sorted(train_classes ^ test_classes))}",
            expected=f"the same subfolders in {' and '.join(parts)}",
        )
    return [f"{part}/{path}" for part in parts for path in paths[part]]


def _test_folder(settings: FolderSettings) -> str:
    names = [name for name in TEST_FOLDERS if (settings.path / name).is_dir()]
    if len(names) != 1 or not (settings.path / TRAIN_FOLDER).is_dir():
        raise FoolingError(
            f"{settings.path} is not divided into training and test",
            expected=f"a folder {TRAIN_FOLDER} and one of {' or '.join(TEST_FOLDERS)}",
            remedy="set test_fraction, for example 0.2, to have test images drawn by seed",
        )
    return names[0]


def _parts(
    settings: FolderSettings, manifest: pd.DataFrame, labels: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the training and of the test images."""
    if settings.test_fraction is None:
        training = manifest["path"].str.startswith(f"{TRAIN_FOLDER}/").to_numpy()
        return np.flatnonzero(training), np.flatnonzero(~training)
    try:
        return stratified_split(labels, test_fraction=settings.test_fraction, seed=settings.seed)
    except ValueError as error:
        raise FoolingError(
            f"{settings.path} has too few pictures to hold out {settings.test_fraction} of every class",
            found=error,
            remedy="add pictures, or set another test_fraction",
        ) from None
