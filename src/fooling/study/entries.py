"""The entries of a study file: data sets, classifiers, experiments and gradient ascents, each under a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from fooling.ascent.settings import AscentSettings
from fooling.classifiers.settings import ClassifierSettings, ImportSettings, InputSettings
from fooling.datasets.digits import DigitsSettings
from fooling.datasets.folder import FolderSettings
from fooling.datasets.imagenet import ImagenetSettings
from fooling.datasets.mnist import MnistSettings
from fooling.datasets.shapes import ShapesSettings
from fooling.encodings.cppn.settings import CppnSettings
from fooling.encodings.direct_settings import DirectSettings
from fooling.evolution.settings import SearchSettings
from fooling.figures.catalogue import FIGURES
from fooling.retraining.settings import RetrainingSettings
from fooling.settings import SeedRange, Settings
from fooling.study.presets import with_ascent_preset, with_preset

#: Becomes part of file names, on every system: letters, digits, dot, underscore and hyphen, no dot or hyphen first.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$", max_length=80)]

#: Figures that can show an experiment.
SHOWING_EXPERIMENTS = tuple(
    name
    for name, figure in FIGURES.items()
    if figure.seeds is not None or any("{experiment}" in table for table in figure.tables.values())
)


class Entry(Settings):
    """An entry of a list of the study file."""

    not_passed_on: ClassVar[frozenset[str]] = frozenset({"name"})

    name: Name
    """Its name: letters, digits, `.`, `_` and `-`; part of file names."""

    def section(self) -> dict[str, Any]:
        """The settings that the command of this entry is given."""
        return self.model_dump(mode="json", exclude=set(self.not_passed_on))


class _Data(Entry):
    """What every data set of a study has besides its own settings."""

    @property
    def has_training_images(self) -> bool:
        """Whether networks can be trained on it, and images be compared with what they were trained on."""
        return True


class DigitsEntry(DigitsSettings, _Data):
    """Handwritten digits that come with scikit-learn, enlarged: nothing to download."""

    channels: ClassVar[int] = 1


class ShapesEntry(ShapesSettings, _Data):
    """Shapes and textures in colour, drawn from a seed: nothing to download."""

    channels: ClassVar[int] = 3


class MnistEntry(MnistSettings, _Data):
    """MNIST, from the mirror folder or downloaded."""

    channels: ClassVar[int] = 1
    size: ClassVar[int] = 28


class FolderEntry(FolderSettings, _Data):
    """Anyone's pictures: one subfolder per class, or a training and a test folder of these."""

    @property
    def channels(self) -> int:
        """Channels of its images."""
        return 1 if self.colour == "grey" else 3


class ImagenetEntry(ImagenetSettings, _Data):
    """ImageNet as you have it, or a part of it: class folders called by WordNet ids, or a tar file of them."""

    channels: ClassVar[int] = 3

    @property
    def has_training_images(self) -> bool:
        """Whether networks can be trained on it, and images be compared with what they were trained on."""
        return self.train_pictures != 0


DatasetEntry = Annotated[
    DigitsEntry | ShapesEntry | MnistEntry | FolderEntry | ImagenetEntry, Field(discriminator="kind")
]


class _Network(Entry):
    """What every classifier of a study has besides its own settings."""

    not_passed_on: ClassVar[frozenset[str]] = frozenset({"name", "kind", "dataset", "independent"})

    kind: Literal["trained", "imported", "ensemble"]
    """`trained` by the study, `imported` from someone else, or an `ensemble` of such."""
    dataset: Name
    """Name of the data set that it is trained or tested on."""
    independent: Name | None = Field(default=None, examples=["another-network"])
    """Name of another classifier of the same data set, asked what it sees in images evolved on this one."""


class TrainedEntry(ClassifierSettings, _Network):
    """A network that the study trains."""

    kind: Literal["trained"] = "trained"
    """`trained` by the study, or `imported` from someone else."""


class ImportedEntry(ImportSettings, _Network):
    """A network that someone else has trained."""

    kind: Literal["imported"] = "imported"
    """`trained` by the study, or `imported` from someone else."""


class EnsembleEntry(_Network):
    """Several networks of the study as one, whose confidences are the mean of theirs."""

    kind: Literal["ensemble"] = "ensemble"
    """Several networks of the study as one."""
    members: Annotated[tuple[Name, ...], Field(min_length=2)]
    """Names of the networks, trained or imported, all of its data set."""

    architecture: ClassVar[str] = "ensemble"
    input: ClassVar[InputSettings] = InputSettings()


ClassifierEntry = Annotated[TrainedEntry | ImportedEntry | EnsembleEntry, Field(discriminator="kind")]


EncodingSettings = Annotated[DirectSettings | CppnSettings, Field(discriminator="kind")]
Level = str | bool | int | float | None


class EvolvingEntry(Entry):
    """An entry that evolves images in one encoding against some classifiers."""

    preset: Literal["paper", "released"] = "paper"
    """What encoding and search are where nothing is said: as the `paper` words it, or as its `released` code has it."""
    classifiers: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Names of the classifiers, all of one data set."""
    encoding: EncodingSettings
    """How a genome becomes an image, and how genomes vary."""
    search: SearchSettings = SearchSettings()
    """Budget and scoring."""

    @model_validator(mode="before")
    @classmethod
    def _filled_from_preset(cls, values: Any) -> Any:
        return with_preset(values) if isinstance(values, Mapping) else values

    def evolution(self) -> dict[str, Any]:
        """The settings that the evolve command is given."""
        return self.model_dump(mode="json", include={"encoding", "search"})


class ExperimentEntry(EvolvingEntry):
    """Runs of one encoding against some classifiers, or of several variants of it."""

    seeds: SeedRange = SeedRange()
    """Seeds of the runs; each classifier gets every one."""
    drift: bool = True
    """Whether genomes also drift without selection beside every run, which takes as long again; random search always
    does."""
    compared_with: Name | None = Field(default=None, examples=["direct"])
    """Name of another experiment with the same classifiers and seeds: how much sooner or later is this one there?"""
    figures: tuple[str, ...] = tuple(name for name in SHOWING_EXPERIMENTS if name != "further_runs")
    """Figures that show this experiment; variants of a cross are shown in the comparison of presets alone."""
    cross: dict[str, Annotated[tuple[Level, ...], Field(min_length=1)]] = Field(
        default={}, examples=[{"search.extra_batch": [False, True]}]
    )
    """Options such as `encoding.crossover`, each with its values: every combination is run as a variant of its own,
    compared with the first one."""

    @field_validator("figures")
    @classmethod
    def _known_figures(cls, figures: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [figure for figure in figures if figure not in SHOWING_EXPERIMENTS]:
            raise ValueError(f"the figures {', '.join(SHOWING_EXPERIMENTS)}; not {unknown[0]!r}")
        return figures


class RetrainingEntry(RetrainingSettings, EvolvingEntry):
    """Networks that are trained again and again, with the images that fooled those before them as one more class.

    Each of the classifiers, all of them trained by the study, is the first network of a chain of its own.
    """


class AscentEntry(AscentSettings, Entry):
    """Gradient ascent with one setting against some classifiers."""

    not_passed_on: ClassVar[frozenset[str]] = frozenset({"name", "preset", "classifiers"})

    preset: Literal["plain", "s-169", "s-188", "s-360"] = "plain"
    """What the keys below are where nothing is said: the settings of the paper's Fig. 13 (`plain`), or of one of its
    figures S-169, S-188, S-360."""
    classifiers: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Names of the classifiers, all of one data set; each gets every start."""

    @model_validator(mode="before")
    @classmethod
    def _filled_from_preset(cls, values: Any) -> Any:
        return with_ascent_preset(values) if isinstance(values, Mapping) else values
