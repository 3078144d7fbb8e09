"""Find the pictures that a training reads from their folder, and check them against data set and manifest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from pydantic import Field

from fooling.artifacts import read_table
from fooling.datasets import folder, imagenet
from fooling.datasets.dataset import Dataset
from fooling.datasets.decoding import Colour, ListedPictures
from fooling.datasets.fetching import mirror_folder
from fooling.datasets.folder import FolderSettings
from fooling.datasets.imagenet import ImagenetSettings
from fooling.datasets.manifest import MANIFEST, content_sha256
from fooling.errors import FoolingError
from fooling.settings import Settings, read_settings
from fooling.training.settings import TrainingSettings


class StreamedSettings(Settings):
    """The data set whose pictures are read from their folder."""

    dataset: Annotated[FolderSettings | ImagenetSettings, Field(discriminator="kind")]
    """Its settings, as in the study."""


def streamed_pictures(
    training: TrainingSettings, settings: str | None, manifest: Path | None, *, dataset: Dataset, mirror: Path | None
) -> ListedPictures | None:
    """Return the pictures that a training reads from their folder; None if it uses the images of the data set file."""
    if training.pictures == "kept" or settings is None or manifest is None:
        return None
    return listed_pictures(settings, manifest, dataset=dataset, mirror=mirror)


def listed_pictures(settings: str, manifest: Path, *, dataset: Dataset, mirror: Path | None) -> ListedPictures:
    """Return all training pictures of ``dataset``, also those that its file does not contain.

    Raises:
        FoolingError: The data set file was made from another manifest or with other settings, or the pictures are in a
            tar file, which can only be read from its beginning.
    """
    given, table = read_settings(StreamedSettings, settings).dataset, read_table(manifest, MANIFEST)
    colour: Colour = "rgb"
    if isinstance(given, FolderSettings):
        given, colour = folder.with_path_found(given, mirror_folder(mirror)), given.colour
        _require_origin(dataset, table, folder.provenance_of(given), manifest=manifest)
        labelled = folder.all_training_pictures(given, table)
    else:
        given, classes = imagenet.with_places_found(given, mirror_folder(mirror))
        _require_origin(dataset, table, imagenet.provenance_of(given), manifest=manifest)
        labelled = imagenet.all_training_pictures(given, table, classes)
    if given.path.is_file():
        raise FoolingError(
            f"{given.path} is a tar file, which cannot be read in a new order in every pass",
            expected="a folder, because training.pictures is `all`",
            remedy="unpack it, and give the folder as the path of the data set",
        )
    if labelled.class_names != dataset.class_names:
        remedy = "make the data set again, or give the list of classes from which it was made"
        raise FoolingError(
            f"the classes of the data set {dataset.name} differ from those of its pictures", remedy=remedy
        )
    return ListedPictures(given.path, labelled, table, size=given.size, colour=colour)


def _require_origin(dataset: Dataset, table: pd.DataFrame, settings: Mapping[str, Any], *, manifest: Path) -> None:
    """Raise :class:`FoolingError` unless ``dataset`` was made from this ``manifest`` with these ``settings``."""
    found = [dataset.provenance.get(key) for key in ("content_sha256", "settings")]
    if found != [content_sha256(table), settings]:
        raise FoolingError(
            f"the data set {dataset.name} was not made from the pictures of {manifest}, or with other settings",
            remedy="make it again from this manifest, or list the pictures again and then make it",
        )
