"""The entries of a study file for data sets, and what all entries share."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, StringConstraints

from fooling.datasets.digits import DigitsSettings, MnistSettings
from fooling.datasets.folder import FolderSettings
from fooling.datasets.imagenet import ImagenetSettings
from fooling.datasets.shapes import ShapesSettings
from fooling.settings import Settings

#: Part of file names on every system: letters, digits, dot, underscore and hyphen; no dot or hyphen first.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$", max_length=80)]


class Entry(Settings):
    """An entry of a list of the study file."""

    not_passed_on: ClassVar[frozenset[str]] = frozenset({"name"})

    name: Name
    """Its name: letters, digits, `.`, `_` and `-`; part of file names."""

    def section(self) -> dict[str, Any]:
        """Return the settings that are passed to the command of this entry."""
        return self.model_dump(mode="json", exclude=set(self.not_passed_on))


class _Data(Entry):
    """Properties of every data set of a study, in addition to its settings."""

    @property
    def has_training_images(self) -> bool:
        """Whether it has training images, for training and for comparison with champions."""
        return True


class DigitsEntry(DigitsSettings, _Data):
    """Handwritten digits of scikit-learn, enlarged: nothing to download."""

    channels: ClassVar[int] = 1


class ShapesEntry(ShapesSettings, _Data):
    """Generated shapes and textures in colour: nothing to download."""

    channels: ClassVar[int] = 3


class MnistEntry(MnistSettings, _Data):
    """MNIST, from the mirror folder or downloaded."""

    channels: ClassVar[int] = 1
    size: ClassVar[int] = 28


class FolderEntry(FolderSettings, _Data):
    """Your own pictures: one subfolder per class, or a training and a test folder with such subfolders."""

    @property
    def channels(self) -> int:
        """Number of channels of its images."""
        return 1 if self.colour == "grey" else 3


class ImagenetEntry(ImagenetSettings, _Data):
    """Your copy of ImageNet or a part of it: class folders named by WordNet id, or a tar file of them."""

    channels: ClassVar[int] = 3

    @property
    def has_training_images(self) -> bool:
        """Whether it has training images, for training and for comparison with champions."""
        return self.train_pictures != 0


DatasetEntry = Annotated[
    DigitsEntry | ShapesEntry | MnistEntry | FolderEntry | ImagenetEntry, Field(discriminator="kind")
]
