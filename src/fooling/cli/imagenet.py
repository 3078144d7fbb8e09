"""What the commands that read ImageNet are given: where it is, and its classes."""

from __future__ import annotations

from pathlib import Path

from fooling.artifacts import read_table
from fooling.datasets.class_list import IMAGENET_CLASSES, ClassList, class_list
from fooling.datasets.fetching import found_path, mirror_folder
from fooling.datasets.imagenet import ImagenetSettings
from fooling.settings import read_settings


def read_imagenet(settings: str, *, mirror: Path | None) -> tuple[ImagenetSettings, ClassList]:
    """The settings with the paths of what is there, here or below the ``mirror`` folder, and the list of classes.

    Raises :class:`FoolingError` for what is in neither place, and for a broken list.
    """
    return with_places_found(read_settings(ImagenetSettings, settings), mirror=mirror)


def with_places_found(settings: ImagenetSettings, *, mirror: Path | None) -> tuple[ImagenetSettings, ClassList]:
    """As :func:`read_imagenet`, of settings that are read already."""
    folder = mirror_folder(mirror)
    places = {key: found_path(getattr(settings, key), folder) for key in ("path", "class_list")}
    found = settings.model_copy(update=places)
    return found, class_list(read_table(found.class_list, IMAGENET_CLASSES), source=found.class_list)
