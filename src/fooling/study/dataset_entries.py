"""The entries of a study file for data sets and classifiers, and what all entries share."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints

from fooling.attacks.settings import Precision
from fooling.classifiers.settings import ImportSettings, InputSettings
from fooling.datasets.digits import DigitsSettings, MnistSettings
from fooling.datasets.folder import FolderSettings
from fooling.datasets.imagenet import ImagenetSettings
from fooling.datasets.shapes import ShapesSettings
from fooling.settings import Settings
from fooling.training.settings import ClassifierSettings, FittedSettings

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


class _Network(Entry):
    """Properties of every classifier of a study, in addition to its settings."""

    not_passed_on: ClassVar[frozenset[str]] = frozenset({"name", "kind", "dataset", "independent", "precision"})

    kind: Literal["trained", "imported", "fitted", "ensemble"]
    """`trained` by the study, `imported` after training elsewhere, `fitted` by the study without being a network, or
    an `ensemble` of such classifiers."""
    dataset: Name
    """Name of the data set on which it is trained or tested."""
    independent: Name | None = Field(default=None, examples=["another-network"])
    """Name of another classifier of the same data set that labels the images evolved on this one."""
    precision: Precision = "float32"
    """Number format in which evolution scores images on it: `float32`; `bfloat16`, which changes what is found; or
    `screened`, which finds the same as `float32`. Without fast bfloat16 (AVX512-BF16, AMX, a GPU) it is `float32`."""


class TrainedEntry(ClassifierSettings, _Network):
    """A classifier trained by the study."""

    kind: Literal["trained"] = "trained"
    """The study trains the network."""


class ImportedEntry(ImportSettings, _Network):
    """A classifier trained elsewhere."""

    kind: Literal["imported"] = "imported"
    """The network was trained elsewhere."""


class FittedEntry(FittedSettings, _Network):
    """A model fitted by the study that is no network: from scikit-learn, or generative. It has no gradients."""

    kind: Literal["fitted"] = "fitted"
    """The study fits the model."""
    precision: Literal["float32"] = "float32"
    """Number format of the scores: `float32`."""

    input: ClassVar[InputSettings] = InputSettings()

    @property
    def architecture(self) -> str:
        """The kind of the model."""
        return self.model.kind


class EnsembleEntry(_Network):
    """Several classifiers of the study as one; its confidences are the mean of theirs."""

    kind: Literal["ensemble"] = "ensemble"
    """Several classifiers of the study as one."""
    members: Annotated[tuple[Name, ...], Field(min_length=2)]
    """Names of its classifiers, none of them an ensemble, all of the same data set."""

    architecture: ClassVar[str] = "ensemble"
    input: ClassVar[InputSettings] = InputSettings()


ClassifierEntry = Annotated[TrainedEntry | ImportedEntry | FittedEntry | EnsembleEntry, Field(discriminator="kind")]


def one_of_names(known: Sequence[str]) -> str:
    """Return the expectation of a known name, in words."""
    return f"one of {', '.join(known)}" if known else "no value, because no other entry is suitable"


def closest(name: str, known: Sequence[str]) -> list[str]:
    """Return the known name that resembles ``name`` most; an empty list if none is known."""
    return difflib.get_close_matches(name, known, n=1, cutoff=0.0)
