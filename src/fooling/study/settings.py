"""The settings of a whole study: the model behind the study files, their JSON schema and their documentation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from fooling.figures.settings import FigureSettings
from fooling.findings.ablation import AblationSettings
from fooling.findings.ancestry import LineageSettings
from fooling.findings.calibration import CalibrationSettings
from fooling.findings.class_sets import ClassSetSettings
from fooling.findings.distances import DistanceSettings
from fooling.findings.examination import ExaminationSettings
from fooling.findings.foolability import FoolabilitySettings
from fooling.findings.sampling import SampleSettings
from fooling.findings.tables import ThresholdSettings
from fooling.findings.transfer import TransferSettings
from fooling.settings import Settings
from fooling.study.entries import AscentEntry, ClassifierEntry, DatasetEntry, ExperimentEntry, Name, RetrainingEntry
from fooling.survey.settings import SurveySettings

SHARED_FOLDER = "datasets"  # below results/, beside the studies


class FindingsSettings(
    LineageSettings,
    TransferSettings,
    DistanceSettings,
    ExaminationSettings,
    CalibrationSettings,
    SampleSettings,
    ThresholdSettings,
    AblationSettings,
    ClassSetSettings,
    FoolabilitySettings,
):
    """How the runs are analysed. Each command of the findings is given only the keys of its own settings class."""


class MachineSettings(Settings):
    """Facts of this machine. They decide no result, and reach the commands as environment variables."""

    mirror: Path | None = None
    """Folder in which files are looked for before anything is downloaded; FOOLING_MIRROR overrides it."""
    device: str = "auto"
    """Where to compute: auto (a GPU when there is one), cpu or cuda; FOOLING_DEVICE overrides it."""
    training_processes: Annotated[int, Field(ge=1, le=64)] = 1
    """Processes that train one network together, each on a GPU of its own where there are any; the last bits of the
    weights depend on it. FOOLING_TRAINING_PROCESSES overrides it."""


class StudySettings(Settings):
    """Everything that decides a study. A study file is complete by itself: nothing is taken from another one."""

    study: Name
    """Name of the study: its results are in `results/<study>/`."""
    datasets: Annotated[tuple[DatasetEntry, ...], Field(min_length=1)]
    """The data sets, each with a name and a kind."""
    classifiers: Annotated[tuple[ClassifierEntry, ...], Field(min_length=1)]
    """The networks to be fooled, each with a name and a data set."""
    experiments: Annotated[tuple[ExperimentEntry, ...], Field(min_length=1)]
    """The evolution runs, each experiment with a name, an encoding and its classifiers."""
    retraining: tuple[RetrainingEntry, ...] = ()
    """The chains of networks retrained with a fooling class, each with a name, an encoding and first networks."""
    ascent: tuple[AscentEntry, ...] = ()
    """Gradient ascents, each with a name, a preset and its classifiers."""
    findings: FindingsSettings = FindingsSettings()
    """How the runs are analysed."""
    figures: FigureSettings = FigureSettings()
    """What the figures show."""
    survey: SurveySettings | None = None
    """The study with people: what they are shown and asked. Without this key there is none."""
    machine: MachineSettings = MachineSettings()
    """Facts of this machine."""

    @field_validator("study")
    @classmethod
    def _free_folder(cls, study: str) -> str:
        if study == SHARED_FOLDER:
            raise ValueError(f"any name but {SHARED_FOLDER!r}: that folder holds the data sets of all studies")
        return study
