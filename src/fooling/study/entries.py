"""The entries of a study file: experiments, retrainings, attacks, audits, and the human study."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from fooling.attacks.adversarial.record import AdversarialSettings
from fooling.attacks.settings import (
    ASCENT_PRESETS,
    RELEASED_SEARCH,
    AscentSettings,
    LabelOnlySettings,
    SearchSettings,
    is_kept,
)
from fooling.attacks.universal.record import UniversalSettings
from fooling.auditing.settings import BudgetSettings, OpeningSettings, Target
from fooling.classifiers.settings import DetectorSettings, RealImagesSettings
from fooling.encodings import settings as encodings
from fooling.encodings.settings import EncodingSettings
from fooling.figures.catalogue import FIGURES
from fooling.retraining.settings import RetrainingSettings
from fooling.settings import Seed, SeedRange, Settings
from fooling.study.dataset_entries import Entry, Name
from fooling.survey.accuracy import ExclusionSettings, JudgementSettings
from fooling.survey.assembly import RecruitmentSettings
from fooling.survey.questionnaire import QuestionnaireSettings

#: Figures that can show an experiment.
SHOWING_EXPERIMENTS = tuple(
    name
    for name, figure in FIGURES.items()
    if figure.seeds is not None or any("{experiment}" in table for table in figure.tables.values())
)


Level = str | bool | int | float | None
MOST_TRIED = 1000  # settings of one sweep


class EvolvingEntry(Entry):
    """An entry that evolves images in one encoding against some classifiers."""

    preset: Literal["paper", "released"] = "paper"
    """Default values of `encoding` and `search`: as in the text of the `paper`, or as in its `released` code."""
    classifiers: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Names of the classifiers, all of one data set."""
    encoding: EncodingSettings
    """Encoding of images as genomes, and variation of genomes."""
    search: SearchSettings = SearchSettings()
    """Budget and scoring."""

    @model_validator(mode="before")
    @classmethod
    def _filled_from_preset(cls, values: Any) -> Any:
        return with_preset(values) if isinstance(values, Mapping) else values

    def evolution(self) -> dict[str, Any]:
        """Return the settings of its runs."""
        return self.model_dump(mode="json", include={"encoding", "search"})


class ExperimentEntry(EvolvingEntry):
    """Runs of one encoding against some classifiers, or of several variants of it."""

    seeds: SeedRange = SeedRange()
    """Seeds of the runs; each classifier has a run with every seed."""
    drift: bool = True
    """Whether every run also has a control with drift (unselected), which takes as long as the run. The control with
    random search is always run."""
    tables: Literal["all", "champions"] = "all"
    """`all`: every table and figure; `champions`: only the tables of champions, histories and times, and those that
    compare many networks, such as `hardening`."""
    compared_with: Name | None = Field(default=None, examples=["direct"])
    """Name of another experiment with the same classifiers and seeds; times to the threshold are compared with it."""
    figures: tuple[str, ...] = tuple(name for name in SHOWING_EXPERIMENTS if name != "further_runs")
    """Figures that show this experiment. Variants of `cross` are shown only in the figure of the options' effects."""
    cross: dict[str, Annotated[tuple[Level, ...], Field(min_length=1)]] = Field(
        default={}, examples=[{"search.extra_batch": [False, True]}]
    )
    """Options such as `encoding.crossover`, each with a list of values. Every combination is run as a variant and
    compared with the first one."""

    @field_validator("figures")
    @classmethod
    def _known_figures(cls, figures: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [figure for figure in figures if figure not in SHOWING_EXPERIMENTS]:
            raise ValueError(f"the figures {', '.join(SHOWING_EXPERIMENTS)}; not {unknown[0]!r}")
        return figures


class DetectorsEntry(RealImagesSettings, EvolvingEntry):
    """Detectors in front of classifiers, and attacks on both together.

    Each detector guards each of the classifiers. The same attacks are run on the classifiers themselves.
    """

    detectors: Annotated[tuple[DetectorSettings, ...], Field(min_length=1)] = Field(
        examples=[[{"kind": "maximum-softmax"}, {"kind": "energy"}]]
    )
    """The detectors, each of another kind. `disagreement` compares a classifier with all others of the entry."""
    ascent: AscentSettings = AscentSettings(method="adam", learning_rate=10.0, steps=100, seeds=SeedRange(count=1))
    """Gradient ascent on the smooth version of each guarded classifier; its classes are those that are compared."""
    seed: Seed = 1
    """Seed of the runs of evolution and random search, one of each for every guarded classifier."""

    @field_validator("detectors")
    @classmethod
    def _of_different_kinds(cls, detectors: tuple[DetectorSettings, ...]) -> tuple[DetectorSettings, ...]:
        kinds = [detector.kind for detector in detectors]
        if twice := next((kind for kind in kinds if kinds.count(kind) > 1), None):
            raise ValueError(f"each kind of detector once; {twice} is there twice")
        return detectors

    @model_validator(mode="after")
    def _enough_classifiers(self) -> Self:
        if len(self.classifiers) < 2 and any(detector.kind == "disagreement" for detector in self.detectors):
            raise ValueError("detectors: disagreement needs at least two classifiers")
        return self


class RetrainingEntry(RetrainingSettings, EvolvingEntry):
    """Chains of networks, each retrained with the images that fooled earlier ones as an additional fooling class.

    Each of the classifiers is the first network of a chain. All must be trained by the study.
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
                f"with measured_generations, a value of search.generations that the history contains, such as {kept}"
            )


def name_part(key: str, level: Level) -> str:
    """Return a value as a part of a name: `faulty`, `extra-batch`, `no-extra-batch`, `offspring-400`."""
    option = key.rpartition(".")[2].replace("_", "-")
    if isinstance(level, bool) or level is None:
        return option if level else f"no-{option}"
    return level if isinstance(level, str) else f"{option}-{level}"


class _Attack(Entry):
    """What every attack of a study has besides its own settings."""

    not_passed_on: ClassVar[frozenset[str]] = frozenset({"name", "kind", "preset", "classifiers", "sweep", "pilots"})

    classifiers: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Names of the classifiers, all of one data set; each has an ascent from every start."""
    pilots: tuple[Name, ...] = Field(default=(), examples=[["another-network"]])
    """Names of the classifiers on which the settings of `sweep` are tried; they must not be among `classifiers`."""
    sweep: tuple[dict[str, Annotated[tuple[Level, ...], Field(min_length=1)]], ...] = Field(
        default=(), examples=[[{"early_progress": [0.02, 0.3]}, {"method": ["l-bfgs"]}]]
    )
    """Settings to try on the pilots, as a list of mappings from keys to lists of values; every combination is tried.
    The attack uses the best setting: the one whose median class reaches the threshold with the fewest evaluations."""

    def tried(self) -> dict[str, Self]:
        """Return the settings of the sweep by name, each as an entry on the pilots."""
        found = {}
        for part in self.sweep:
            for combination in itertools.product(*part.values()):
                levels = dict(zip(part, combination, strict=True))
                name = "-".join([self.name, *(name_part(key, level) for key, level in levels.items())])
                if name in found:
                    raise ValueError(f"unique settings in the sweep; {name} is a duplicate")
                values = self.model_dump() | {"classifiers": self.pilots, "pilots": (), "sweep": ()}
                found[name] = type(self).model_validate(values | levels | {"name": name})
        return found

    @model_validator(mode="after")
    def _sweep_fits(self) -> Self:
        if bool(self.sweep) != bool(self.pilots):
            raise ValueError("both sweep and pilots, or neither")
        if both := sorted(set(self.pilots) & set(self.classifiers)):
            raise ValueError(f"pilots that are not among the classifiers; {both[0]} is both")
        if sum(math.prod(map(len, part.values())) for part in self.sweep) > MOST_TRIED:
            raise ValueError(f"a sweep of at most {MOST_TRIED} settings")
        swept = type(self).model_fields.keys() - self.not_passed_on - {"seeds", "classes"}
        if unknown := [key for part in self.sweep for key in part if key not in swept]:
            raise ValueError(f"in sweep the keys {', '.join(sorted(swept))}; not {unknown[0]!r}")
        if any(not part for part in self.sweep):
            raise ValueError("no empty mapping in sweep")
        try:
            self.tried()
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"]))
            raise ValueError(
                f"in sweep {f'for {key}: ' if key else ''}{first['msg']}".replace("Value error, ", "")
            ) from None
        return self


class AscentEntry(AscentSettings, _Attack):
    """Gradient ascent with one setting against some classifiers."""

    kind: Literal["ascent"] = Field(examples=["ascent"])
    """The attack: `ascent`, which is gradient ascent on the confidence in a class."""
    preset: Literal["plain", "s-169", "s-188", "s-360"] = "plain"
    """Defaults of the keys below: the settings of the paper's Fig. 13 (`plain`), or of one of its figures S-169, S-188,
    S-360."""

    @model_validator(mode="before")
    @classmethod
    def _filled_from_preset(cls, values: Any) -> Any:
        return with_ascent_preset(values) if isinstance(values, Mapping) else values


class _UnsweptAttack(Entry):
    """What every attack of a study has that has no sweep."""

    not_passed_on: ClassVar[frozenset[str]] = frozenset({"name", "kind", "classifiers"})
    pilots: ClassVar[tuple[Name, ...]] = ()
    sweep: ClassVar[tuple[dict[str, tuple[Level, ...]], ...]] = ()

    classifiers: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Names of the classifiers, all of one data set."""

    def tried(self) -> dict[str, Self]:
        """Return no settings: there is no sweep."""
        return {}


class AdversarialEntry(AdversarialSettings, _UnsweptAttack):
    """Adversarial examples: small changes of real test images, against some classifiers."""

    kind: Literal["adversarial"] = Field(examples=["adversarial"])
    """The attack: `adversarial`, which makes small changes of real images by several methods."""


class UniversalEntry(UniversalSettings, _UnsweptAttack):
    """Universal perturbations: one change for all images, against some classifiers."""

    kind: Literal["universal"] = Field(examples=["universal"])
    """The attack: `universal`, which finds one change that gives many images another label."""


class LabelOnlyEntry(LabelOnlySettings, _UnsweptAttack):
    """Fooling with labels alone: images whose label survives noise, evolved against some classifiers."""

    not_passed_on: ClassVar[frozenset[str]] = _UnsweptAttack.not_passed_on | {"own"}

    kind: Literal["label-only"] = Field(examples=["label-only"])
    """The attack: `label-only`, which sees labels alone; confidences are revealed after the last query."""
    own: Name | None = Field(default=None, examples=["cppn"])
    """Name of an experiment whose champions on other networks are shown to the classifiers, as one's own networks
    would supply them; null: none."""


#: The attacks of a study besides evolution; `kind` is the discriminator.
AttackEntry = Annotated[AscentEntry | AdversarialEntry | UniversalEntry | LabelOnlyEntry, Field(discriminator="kind")]


class AuditedNetwork(OpeningSettings, Entry):
    """A network to audit, by its name or file; the keys below are those that `fooling audit` takes as options."""

    not_passed_on: ClassVar[frozenset[str]] = frozenset({"name", "network", "test_images"})

    network: Target
    """The network, as `fooling audit` takes it: `path/to/file.py:function`, `torchvision:<name>`, a file."""
    test_images: Path | None = None
    """Test images of the network: a folder with a subfolder for each class, or a data set file; null: none."""


class AuditsEntry(BudgetSettings):
    """Audits of several networks with equal budgets, and their ranking."""

    seeds: SeedRange = SeedRange(count=3)
    """Seeds of the audits; each network is audited with every seed."""
    networks: Annotated[tuple[AuditedNetwork, ...], Field(min_length=1)]
    """The networks, each with a name."""

    def settings(self, network: AuditedNetwork) -> dict[str, Any]:
        """Return the settings that are passed to the audits of a network."""
        stated = network.model_dump(mode="json", exclude=set(network.not_passed_on), exclude_defaults=True)
        return {**stated, **self.model_dump(mode="json", include=set(BudgetSettings.model_fields))}


def with_preset(experiment: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the values of an experiment, completed with those of its preset."""
    encoding, search = experiment.get("encoding"), experiment.get("search", {})
    if experiment.get("preset") != "released" or not isinstance(encoding, Mapping) or not isinstance(search, Mapping):
        return experiment
    released = encodings.RELEASED.get(str(encoding.get("kind")), {})
    return {**experiment, "encoding": {**released, **encoding}, "search": {**RELEASED_SEARCH, **search}}


def with_ascent_preset(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the values of a gradient ascent, completed with those of its preset."""
    return {**ASCENT_PRESETS.get(str(entry.get("preset")), {}), **entry}


class ConditionSettings(Settings):
    """Images of the study that people are shown, in addition to random and real images."""

    classifier: str | None = None
    """Name of the classifier whose images are shown; null: the first one of the study."""
    experiments: tuple[str, ...] | None = None
    """Experiments whose champions are shown; each is a condition. null: all on this classifier that are not crossed."""
    ascents: tuple[str, ...] | None = None
    """Gradient ascents whose images are shown; each is a condition. null: all on this classifier."""


class SurveySettings(
    JudgementSettings, ExclusionSettings, RecruitmentSettings, QuestionnaireSettings, ConditionSettings
):
    """The human study: images, questions, exclusions and analysis."""

    response_folder: Path | None = None
    """Folder with the response files; the analysis is skipped if it is null or has none."""
