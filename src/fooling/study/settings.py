"""Settings of a whole study: the model of study files, their JSON schema and their documentation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from fooling.encodings.families import FamilySettings
from fooling.figures.declaration import FigureSettings
from fooling.findings.ablation import AblationSettings
from fooling.findings.ancestry import LineageSettings
from fooling.findings.boundary import BoundarySettings
from fooling.findings.calibration import CalibrationSettings
from fooling.findings.class_sets import ClassSetSettings
from fooling.findings.classifiers import FoolabilitySettings
from fooling.findings.distances import DistanceSettings
from fooling.findings.examination import ExaminationSettings
from fooling.findings.far import FarSettings
from fooling.findings.runs import ThresholdSettings
from fooling.findings.sampling import SampleSettings
from fooling.findings.stress import ChangeSettings
from fooling.findings.transfer import TransferSettings
from fooling.settings import Settings
from fooling.study.dataset_entries import DatasetEntry, Name
from fooling.study.entries import AttackEntry, AuditsEntry, ClassifierEntry, ExperimentEntry, RetrainingEntry
from fooling.survey.settings import SurveySettings

SHARED_FOLDER = "datasets"  # below results/, beside the studies


class FarEntry(FarSettings):
    """Confidence of networks in inputs far from the data: random inputs, and rays that leave the range of images."""

    classifiers: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Names of the classifiers, all of one data set. The networks of chains that begin with one of them get the same
    random inputs, but no rays."""


class BoundaryEntry(BoundarySettings):
    """Distance of champions to the nearest decision boundary, beside their starts and real test images."""

    classifiers: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Names of the classifiers, all of one data set; they need gradients."""


class FindingsSettings(
    LineageSettings,
    TransferSettings,
    DistanceSettings,
    ExaminationSettings,
    CalibrationSettings,
    SampleSettings,
    FamilySettings,
    ThresholdSettings,
    AblationSettings,
    ChangeSettings,
    ClassSetSettings,
    FoolabilitySettings,
):
    """Analysis of the runs. Each command receives only the keys of its own settings class."""


class MachineSettings(Settings):
    """Properties of this machine. They do not affect results; the commands read them from environment variables."""

    mirror: Path | None = None
    """Folder that is searched for files before they are downloaded; FOOLING_MIRROR overrides it."""
    device: str = "auto"
    """Device: auto (a GPU if there is one), cpu or cuda; FOOLING_DEVICE overrides it."""
    training_processes: Annotated[int, Field(ge=1, le=64)] = 1
    """Number of processes that train one network, each on its own GPU if there are any. The last bits of the weights
    depend on it. FOOLING_TRAINING_PROCESSES overrides it."""


class StudySettings(Settings):
    """All settings that affect the results of a study. A study file is complete; it does not inherit from another."""

    study: Name
    """Name of the study; its results are in `results/<study>/`."""
    datasets: tuple[DatasetEntry, ...] = ()
    """The data sets, each with a name and a kind. A study of `audits` alone has none."""
    classifiers: tuple[ClassifierEntry, ...] = ()
    """The classifiers, each with a name and a data set."""
    experiments: tuple[ExperimentEntry, ...] = ()
    """Experiments with evolution runs, each with a name, an encoding and classifiers."""
    retraining: tuple[RetrainingEntry, ...] = ()
    """Retrainings with a fooling class, each with a name, an encoding and the first classifiers of its chains."""
    attacks: tuple[AttackEntry, ...] = ()
    """Attacks besides evolution, each with a name, a kind and its classifiers."""
    far: FarEntry | None = None
    """Random inputs and rays far from the data. Without this key there are none."""
    boundary: BoundaryEntry | None = None
    """Distances of champions to the nearest decision boundary. Without this key there are none."""
    audits: AuditsEntry | None = None
    """Audits of networks by `fooling audit`, and their ranking. Without this key there are none."""
    findings: FindingsSettings = FindingsSettings()
    """Analysis of the runs."""
    figures: FigureSettings = FigureSettings()
    """Content of the figures."""
    survey: SurveySettings | None = None
    """The human study: images, questions and analysis. Without this key there is none."""
    machine: MachineSettings = MachineSettings()
    """Properties of this machine."""

    @model_validator(mode="before")
    @classmethod
    def _with_current_keys(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and "ascent" in values:
            raise ValueError("the key `attacks` instead of `ascent`, with `kind: ascent` in each entry")
        return values

    @field_validator("study")
    @classmethod
    def _not_reserved(cls, study: str) -> str:
        if study == SHARED_FOLDER:
            raise ValueError(f"any name but {SHARED_FOLDER!r}: that folder contains the data sets of all studies")
        return study
