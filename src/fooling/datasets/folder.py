"""Use your own pictures as a data set: one subfolder per class, in a training and a test folder or split by seed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from fooling.datasets.dataset import Dataset, require_classes, stratified_split
from fooling.datasets.fetching import found_path
from fooling.datasets.imagenet_classes import WORDNET_ID, class_names_in
from fooling.datasets.pictures import (
    Colour,
    Labelled,
    content_sha256,
    decoded_images,
    fitted,
    named,
    picture_paths,
    require_same_pictures,
)
from fooling.datasets.sources import PictureFolder, pictures_below
from fooling.messages import FoolingError
from fooling.settings import Seed, Settings, Side

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRAIN_FOLDER = "train"
TEST_FOLDERS = ("test", "val")


class FolderSettings(Settings):
    """Pictures in folders: one subfolder per class."""

    kind: Literal["folder"] = "folder"
    """Which data set this is."""
    path: Annotated[Path, Field(examples=["pictures"])]
    """The folder: its subfolders are the classes, or `train` and `test` (or `val`) with the classes in each; searched
    here and in the mirror folder.
    """
    class_list: Path | None = None
    """List of the class folders in the order of the classes, which a network trained elsewhere may need: a name on each
    line, or a CSV table with the columns `index` and `name`; searched here and in the mirror folder. null: in
    alphabetical order.
    """
    size: Side = 96
    """Side of an image in pixels: pictures are scaled to cover it and cropped evenly."""
    colour: Colour = "rgb"
    """Whether the images are `rgb` or `grey`."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] | None = 0.2
    """Share of every class kept for testing; null if the folder has a training and a test folder."""
    seed: Seed = 1
    """Seed that draws the test images."""


def with_path_found(settings: FolderSettings, mirror: Path | None) -> FolderSettings:
    """Return the settings with the folder and the list that exist, here or below the ``mirror`` folder."""
    given = {"path": settings.path, "class_list": settings.class_list}
    places = {key: found_path(path, mirror) for key, path in given.items() if path is not None}
    return settings.model_copy(update=places)


def folder_source(settings: FolderSettings) -> PictureFolder:
    """Return the pictures now in the folder; raise :class:`FoolingError` for another structure or other classes."""
    paths = _paths(settings)
    _class_names(settings, paths)
    return PictureFolder(settings.path, paths)


def make_folder(
    settings: FolderSettings,
    *,
    name: str,
    manifest: pd.DataFrame,
    threads: int = 1,
    after_picture: Callable[[], None] = lambda: None,
) -> Dataset:
    """Return the pictures as images ``(N, C, size, size)``, each checked against the ``manifest`` first.

    Raises :class:`FoolingError` for a picture that is missing, unknown, changed or broken, and for too few pictures.
    """
    source = folder_source(settings)
    require_same_pictures(settings.path, source.paths, manifest)
    class_names, labels = _classes(settings, manifest)
    train, test = _parts(settings, manifest, labels)
    paths = list(manifest["path"].iloc[np.concatenate([train, test])])
    images = decoded_images(
        source,
        manifest,
        paths,
        size=settings.size,
        colour=settings.colour,
        threads=threads,
        after_picture=after_picture,
    )
    return Dataset(
        name=name,
        class_names=class_names,
        train_images=images[: len(train)],
        train_labels=labels[train],
        test_images=images[len(train) :],
        test_labels=labels[test],
        provenance={
            "origin": "a folder of pictures",
            "content_sha256": content_sha256(manifest),
            "settings": provenance_of(settings),
        },
    )


def all_training_pictures(settings: FolderSettings, manifest: pd.DataFrame) -> Labelled:
    """Return the pictures of the training part in the order of the data set; raise as :func:`make_folder` does."""
    class_names, labels = _classes(settings, manifest)
    train, _ = _parts(settings, manifest, labels)
    return Labelled(list(manifest["path"].iloc[train]), labels[train], class_names)


def provenance_of(settings: FolderSettings) -> dict[str, Any]:
    """Return the settings that decide the data set, wherever the pictures and the list of classes are."""
    return settings.model_dump(mode="json", exclude={"path", "class_list"})


def _classes(settings: FolderSettings, manifest: pd.DataFrame) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the names of the classes, and the class index of every picture."""
    class_names = _class_names(settings, manifest["path"])
    index = {name: place for place, name in enumerate(class_names)}
    return class_names, np.array([index[path.split("/")[-2]] for path in manifest["path"]], dtype=np.int64)


def _class_names(settings: FolderSettings, paths: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the classes in their order; raise :class:`FoolingError` unless list and folders agree."""
    folders = {path.split("/")[-2] for path in paths}
    if settings.class_list is None:
        return tuple(sorted(folders))
    listed = class_names_in(settings.class_list)
    if folders != set(listed):
        unlisted, lacking = sorted(folders - set(listed)), sorted(set(listed) - folders)
        found = [f"not in the list: {named(unlisted)}"] * bool(unlisted) + [f"no folder: {named(lacking)}"] * bool(
            lacking
        )
        raise FoolingError(
            f"the folders in {settings.path} are not the classes in {settings.class_list}",
            found="\n".join(found),
            expected="one folder for each class of the list, with the same name",
            remedy="rename the folders, or correct the list",
        )
    return listed


def _paths(settings: FolderSettings) -> list[str]:
    """Return the paths of all pictures: ``class/picture``, or ``part/class/picture`` with a test folder."""
    if settings.test_fraction is not None:
        whole = list(picture_paths(settings.path))
        require_classes({path.split("/")[0] for path in whole}, source=settings.path)
        return whole
    parts = (TRAIN_FOLDER, _test_folder(settings))
    paths = {part: list(picture_paths(settings.path / part)) for part in parts}
    train_classes, test_classes = ({path.split("/")[0] for path in paths[part]} for part in parts)
    if train_classes != test_classes:
        raise FoolingError(
            f"the parts of {settings.path} have different classes",
            found=f"only in one of them: {', '.join(sorted(train_classes ^ test_classes))}",
            expected=f"the same subfolders in {' and '.join(parts)}",
        )
    require_classes(train_classes, source=settings.path)
    return [f"{part}/{path}" for part in parts for path in paths[part]]


def _test_folder(settings: FolderSettings) -> str:
    names = [name for name in TEST_FOLDERS if (settings.path / name).is_dir()]
    if len(names) != 1 or not (settings.path / TRAIN_FOLDER).is_dir():
        raise FoolingError(
            f"{settings.path} is not divided into training and test",
            expected=f"a folder {TRAIN_FOLDER} and one of {' or '.join(TEST_FOLDERS)}",
            remedy="set test_fraction, for example 0.2, to draw test images by seed",
        )
    return names[0]


def _parts(
    settings: FolderSettings, manifest: pd.DataFrame, labels: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices of the training and of the test images."""
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


def pictures_of_classes(folder: Path, class_names: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Return the paths of the pictures in subfolders that stand for classes, and the class index (N,) of each.

    Args:
        folder: Holds a subfolder for each class that has pictures, named as :func:`class_named` reads it. Or the
            subfolders are WordNet ids, one for each class: their ascending order is that of ImageNet's networks.
        class_names: Names of all classes in the order of their indices.

    Raises:
        FoolingError: There are no pictures, pictures outside subfolders, or a subfolder that names no class.
    """
    paths = list(pictures_below(folder))
    expected = "a subfolder for each class, named by the class or its index in the network's own order"
    if loose := [path for path in paths if "/" not in path]:
        raise FoolingError(f"{folder} has pictures outside subfolders", found=named(loose), expected=expected)
    if not paths:
        raise FoolingError(f"{folder} has no pictures", expected=expected)
    folders = sorted({path.split("/")[0] for path in paths})
    classes = {name: class_named(name, class_names) for name in folders}
    if len(folders) == len(class_names) and all(map(WORDNET_ID.fullmatch, folders)):
        classes = {name: place for place, name in enumerate(folders)}
    if unknown := [name for name, index in classes.items() if index is None]:
        raise FoolingError(
            f"{folder} has {len(unknown)} subfolders that name no class of the network",
            found=named(unknown),
            expected=f"names such as {', '.join(class_names[:3])}, or indices from 0 to {len(class_names) - 1}",
            remedy="rename the subfolders, or give the names of the classes in the network's own order (--classes)",
        )
    return paths, np.array([classes[path.split("/")[0]] for path in paths], dtype=np.int64)


def class_named(text: str, class_names: Sequence[str]) -> int | None:
    """Return the index of the class that ``text`` names, a folder for example; None: no class, or more than one.

    In this order: the same name; the index, unless the names are other numbers; the name without capitals and
    punctuation, also its beginning after the index and a hyphen (``0002-great-white``).
    """
    if text in class_names:
        return class_names.index(text)
    if text.isdecimal():
        are_other_numbers = any(name.isdecimal() and int(name) != place for place, name in enumerate(class_names))
        return int(text) if not are_other_numbers and int(text) < len(class_names) else None
    plain = [plain_name(name) for name in class_names]
    number, _, rest = text.partition("-")
    if rest and number.isdecimal() and int(number) < len(plain) and plain[int(number)].startswith(plain_name(rest)):
        return int(number)
    same = [place for place, name in enumerate(plain) if name == plain_name(text) != ""]
    return same[0] if len(same) == 1 else None


def decoded(
    folder: Path, paths: Sequence[str], shape: tuple[int, int, int], *, after_picture: Callable[[], None] = lambda: None
) -> Iterator[NDArray[np.uint8]]:
    """Yield the pictures at ``paths`` as images of ``shape`` (C, H, W), scaled to cover it and cropped evenly.

    Raises :class:`FoolingError` as :func:`fooling.datasets.pictures.fitted` does.
    """
    pictures, (channels, *size) = PictureFolder(folder, paths), shape
    colour: Colour = "grey" if channels == 1 else "rgb"
    for path in paths:
        yield fitted(pictures.content(path), size=(size[0], size[1]), colour=colour, source=folder / path)
        after_picture()


def plain_name(name: str) -> str:
    """Return a name without capitals, and with a hyphen for everything that is neither letter nor digit."""
    return re.sub(r"[\W_]+", "-", name.casefold()).strip("-")
