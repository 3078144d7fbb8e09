"""The entries of a study file: data sets, classifiers, experiments and gradient ascents, each under a name."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from fooling.ascent.settings import AscentSettings
from fooling.classifiers.settings import ImportSettings, InputSettings
from fooling.datasets.digits import DigitsSettings
from fooling.datasets.folder import FolderSettings
from fooling.datasets.imagenet import ImagenetSettings
from fooling.datasets.mnist import MnistSettings
from fooling.datasets.shapes import ShapesSettings
from fooling.encodings.cppn.settings import CppnSettings
from fooling.encodings.direct_settings import DirectSettings
from fooling.evolution.settings import SearchSettings, is_kept
from fooling.figures.catalogue import FIGURES
from fooling.retraining.settings import RetrainingSettings
from fooling.settings import SeedRange, Settings
from fooling.study.presets import with_ascent_preset, with_preset
from fooling.training.settings import ClassifierSettings

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
MOST_TRIED = 1000  # settings of one sweep


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

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if "other-champions" in self.filled_with and ("champions" not in self.filled_with or len(self.classifiers) < 2):
            raise ValueError("filled_with: other-champions needs champions as well, and at least two classifiers")
        if self.measured_generations is not None:
            self._require_longer_runs(self.measured_generations)
        return self

    def _require_longer_runs(self, measured: int) -> None:
        """Raise ``ValueError`` unless the archive at the end of a shorter run is in the history of a longer one."""
        shorter = self.search.generations
        if measured <= shorter:
            raise ValueError(f"measured_generations above search.generations, which is {shorter}")
        if not is_kept(shorter):
            kept = next(generation for generation in range(shorter, 0, -1) if is_kept(generation))
            raise ValueError(
                f"with measured_generations, search.generations among those that a history keeps, such as {kept}"
            )


def word_of(key: str, level: Level) -> str:
    """A level as a part of a name: `faulty`, `extra-batch`, `no-extra-batch`, `offspring-400`."""
    option = key.rpartition(".")[2].replace("_", "-")
    if isinstance(level, bool) or level is None:
        return option if level else f"no-{option}"
    return level if isinstance(level, str) else f"{option}-{level}"


class AscentEntry(AscentSettings, Entry):
    """Gradient ascent with one setting against some classifiers."""

    not_passed_on: ClassVar[frozenset[str]] = frozenset({"name", "preset", "classifiers", "sweep", "pilots"})

    preset: Literal["plain", "s-169", "s-188", "s-360"] = "plain"
    """What the keys below are where nothing is said: the settings of the paper's Fig. 13 (`plain`), or of one of its
    figures S-169, S-188, S-360."""
    classifiers: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Names of the classifiers, all of one data set; each gets every start."""
    pilots: tuple[Name, ...] = Field(default=(), examples=[["another-network"]])
    """Names of the networks on which the settings of `sweep` are tried; none of the classifiers above."""
    sweep: tuple[dict[str, Annotated[tuple[Level, ...], Field(min_length=1)]], ...] = Field(
        default=(), examples=[[{"early_progress": [0.02, 0.3]}, {"method": ["l-bfgs"]}]]
    )
    """Settings to be tried on the pilots: a list, in which a key with several values stands for every combination.
    With the best of them, whose median class takes the fewest evaluations to the threshold, gradient ascent runs on the
    classifiers."""

    def tried(self) -> dict[str, AscentEntry]:
        """Return the settings of the sweep by name, each as an entry on the pilots."""
        found = {}
        for part in self.sweep:
            for combination in itertools.product(*part.values()):
                levels = dict(zip(part, combination, strict=True))
                name = "-".join([self.name, *(word_of(key, level) for key, level in levels.items())])
                if name in found:
                    raise ValueError(f"every setting of the sweep once; {name} is there twice")
                values = self.model_dump() | {"classifiers": self.pilots, "pilots": (), "sweep": ()}
                found[name] = AscentEntry.model_validate(values | levels | {"name": name})
        return found

    @model_validator(mode="after")
    def _sweep_fits(self) -> Self:
        if bool(self.sweep) != bool(self.pilots):
            raise ValueError("both sweep and pilots, or neither")
        if both := sorted(set(self.pilots) & set(self.classifiers)):
            raise ValueError(f"pilots that are none of the classifiers; {both[0]} is both")
        if sum(math.prod(map(len, part.values())) for part in self.sweep) > MOST_TRIED:
            raise ValueError(f"a sweep of at most {MOST_TRIED} settings")
        swept = AscentSettings.model_fields.keys() - {"seeds", "classes"}
        if unknown := [key for part in self.sweep for key in part if key not in swept]:
            raise ValueError(f"in sweep the keys {', '.join(sorted(swept))}; not {unknown[0]!r}")
        if any(not part for part in self.sweep):
            raise ValueError("in sweep no empty setting")
        try:
            self.tried()
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"]))
            raise ValueError(
                f"in sweep {f'for {key}: ' if key else ''}{first['msg']}".replace("Value error, ", "")
            ) from None
        return self

    @model_validator(mode="before")
    @classmethod
    def _filled_from_preset(cls, values: Any) -> Any:
        return with_ascent_preset(values) if isinstance(values, Mapping) else values
