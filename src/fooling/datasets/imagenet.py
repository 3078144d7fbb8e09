"""Use your copy of ImageNet (ILSVRC2012): class folders named by WordNet ids, in a folder or a tar file.

The data set file contains a sample of the pictures, or all of them if that fits: the 1.28 million training pictures
would take 250 GB. The manifest always lists every picture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from fooling.artifacts import read_table
from fooling.datasets.dataset import Dataset, require_classes
from fooling.datasets.fetching import found_path
from fooling.datasets.imagenet_classes import (
    IMAGENET_CLASSES,
    ByClass,
    ClassList,
    Part,
    class_list,
    pictures_by_class,
)
from fooling.datasets.pictures import Labelled, content_sha256, decoded_images, manifest_of
from fooling.datasets.sources import PictureFolder, PictureTar, Source, pictures_below
from fooling.messages import FoolingError
from fooling.reproducibility import numpy_generator
from fooling.settings import Seed, Settings, Side

if TYPE_CHECKING:
    from numpy.typing import NDArray


class ImagenetSettings(Settings):
    """ImageNet in class folders named by WordNet ids, or a tar file of them."""

    kind: Literal["imagenet"] = "imagenet"
    """Which data set this is."""
    path: Annotated[Path, Field(examples=["ILSVRC2012"])]
    """A folder, or a tar or tar.gz file, with the parts `train` and `val` and the classes in each, or with only the
    classes, whose pictures are then test pictures; searched here and in the mirror folder.
    """
    class_list: Path = Path("imagenet_classes.csv")
    """Table of the classes with the columns `index`, `wnid` and `name`; searched here and in the mirror folder."""
    classes: Literal["all", "present"] = "all"
    """Whether the classes are `all` of the list, or only those `present` in the folder."""
    size: Side = 256
    """Side of an image in pixels: pictures are scaled to cover it and cropped evenly."""
    train_pictures: Annotated[int, Field(ge=0)] | None = None
    """How many training pictures of every class are kept, drawn by seed; null: all; 0: none, so that no network can be
    trained on it.
    """
    test_pictures: Annotated[int, Field(ge=1)] | None = None
    """How many test pictures of every class are kept, drawn by seed; null: all."""
    seed: Seed = 1
    """Seed that draws the pictures."""


def with_places_found(settings: ImagenetSettings, mirror: Path | None) -> tuple[ImagenetSettings, ClassList]:
    """Return the settings with the paths that exist, here or below the ``mirror`` folder, and the list of classes.

    Raises :class:`FoolingError` for a path that is in neither place, and for an invalid list.
    """
    places = {key: found_path(getattr(settings, key), mirror) for key in ("path", "class_list")}
    found = settings.model_copy(update=places)
    return found, class_list(read_table(found.class_list, IMAGENET_CLASSES), source=found.class_list)


def imagenet_source(settings: ImagenetSettings) -> Source:
    """Return the pictures as they are now; raise :class:`FoolingError` for anything but a folder or a file."""
    if settings.path.is_file():
        return PictureTar(settings.path)
    return PictureFolder(settings.path, tuple(pictures_below(settings.path)))


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The pictures in a data set, by part and class, and the classes of that data set."""

    pictures: Mapping[Part, ByClass]
    classes: ClassList

    @property
    def count(self) -> int:
        """The number of pictures."""
        return len(self.paths("train")) + len(self.paths("test"))

    def paths(self, part: Part) -> list[str]:
        """Return the paths of one part, class by class."""
        return [path for pictures in self.pictures[part].values() for path in pictures]

    def labels(self, part: Part) -> NDArray[np.int64]:
        """Return the class index of each of these paths."""
        index = {wnid: place for place, wnid in enumerate(self.classes.wnids)}
        return np.array([index[wnid] for wnid, paths in self.pictures[part].items() for _ in paths], dtype=np.int64)


def imagenet_manifest(
    settings: ImagenetSettings,
    source: Source,
    *,
    classes: ClassList,
    threads: int = 1,
    after_picture: Callable[[], None] = lambda: None,
) -> pd.DataFrame:
    """Return the manifest of all pictures as they are now, in the data set or not.

    Raises :class:`FoolingError` for another folder structure or other classes; for a folder, before any picture is
    read.
    """

    def require_schema(paths: Sequence[str]) -> None:
        _by_class(settings, paths, classes)

    return manifest_of(source, check=require_schema, threads=threads, after_picture=after_picture)


def kept_pictures(settings: ImagenetSettings, manifest: pd.DataFrame, classes: ClassList) -> Kept:
    """Return the pictures of the ``manifest`` that belong to the data set.

    Raises :class:`FoolingError` for another folder structure, other classes, and a class with too few pictures.
    """
    counts: dict[Part, int | None] = {"train": settings.train_pictures, "test": settings.test_pictures}
    found = _by_class(settings, list(manifest["path"]), classes)
    pictures = {
        part: {wnid: _drawn(settings, part, wnid, paths, count=counts[part]) for wnid, paths in sorted(of_part.items())}
        for part, of_part in found.items()
    }
    present = classes.part(pictures["test"]) if settings.classes == "present" else classes
    return Kept(pictures=pictures, classes=present)


def make_imagenet(
    settings: ImagenetSettings,
    source: Source,
    *,
    name: str,
    manifest: pd.DataFrame,
    kept: Kept,
    threads: int = 1,
    after_picture: Callable[[], None] = lambda: None,
) -> Dataset:
    """Return the ``kept`` pictures as images ``(N, 3, size, size)``, each checked against the ``manifest`` first.

    Raises :class:`FoolingError` for a picture that is missing, unknown, changed or broken.
    """
    train, test = kept.paths("train"), kept.paths("test")
    images = decoded_images(
        source,
        manifest,
        [*train, *test],
        size=settings.size,
        colour="rgb",
        threads=threads,
        after_picture=after_picture,
    )
    return Dataset(
        name=name,
        class_names=kept.classes.names,
        train_images=images[: len(train)],
        train_labels=kept.labels("train"),
        test_images=images[len(train) :],
        test_labels=kept.labels("test"),
        provenance={
            "origin": "ImageNet (ILSVRC2012)",
            "content_sha256": content_sha256(manifest),
            "wnids": list(kept.classes.wnids),
            "settings": provenance_of(settings),
        },
    )


def all_training_pictures(settings: ImagenetSettings, manifest: pd.DataFrame, classes: ClassList) -> Labelled:
    """Return all pictures of the training part, in the data set or not; raise as :func:`kept_pictures` does."""
    kept = kept_pictures(settings.model_copy(update={"train_pictures": None}), manifest, classes)
    return Labelled(kept.paths("train"), kept.labels("train"), kept.classes.names)


def provenance_of(settings: ImagenetSettings) -> dict[str, Any]:
    """Return the settings that decide the data set, wherever the pictures are."""
    return settings.model_dump(mode="json", exclude={"path", "class_list"})


def _by_class(settings: ImagenetSettings, paths: Sequence[str], classes: ClassList) -> dict[Part, ByClass]:
    found = pictures_by_class(
        paths,
        source=settings.path,
        classes=classes,
        every_class=settings.classes == "all",
        training=settings.train_pictures != 0,
    )
    require_classes(found["test"], source=settings.path)
    return found


def _drawn(settings: ImagenetSettings, part: Part, wnid: str, pictures: list[str], *, count: int | None) -> list[str]:
    """Draw ``count`` of these pictures, in the order of their paths; a larger count keeps those of a smaller one."""
    ordered = sorted(pictures)
    if count is None:
        return ordered
    if count > len(ordered):
        raise FoolingError(
            f"{settings.path} has too few pictures of {wnid}",
            found=f"{len(ordered)} in its {part} part",
            expected=f"{count}, as set by {part}_pictures",
            remedy=f"lower {part}_pictures, or set it to null to keep all",
        )
    generator = numpy_generator(settings.seed, "pictures of a class", part, wnid)
    return [ordered[place] for place in np.sort(generator.permutation(len(ordered))[:count])]
