"""Settings of a whole study: the model of study files, their JSON schema, and the default study."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from fooling.ablation.probe_images import FamilySettings
from fooling.attacks.settings import AscentSettings, SearchSettings
from fooling.classifiers.model_settings import (
    GaussianSettings,
    LogisticSettings,
    ModelSettings,
    NearestNeighboursSettings,
)
from fooling.classifiers.settings import EnergySettings, InputSettings, MaximumSoftmaxSettings, NeighboursSettings
from fooling.encodings.settings import CppnSettings, DirectSettings
from fooling.figures.declaration import FigureSettings
from fooling.findings.ablation import AblationSettings
from fooling.findings.ancestry import LineageSettings
from fooling.findings.boundary import BoundarySettings
from fooling.findings.calibration import CalibrationSettings
from fooling.findings.classifiers import FoolabilitySettings
from fooling.findings.distances import DistanceSettings
from fooling.findings.examination import ExaminationSettings
from fooling.findings.far import FarSettings
from fooling.findings.hardening import RefusalAtSettings
from fooling.findings.random_images import SampleSettings
from fooling.findings.runs import ThresholdSettings
from fooling.findings.stress import ChangeSettings
from fooling.findings.transfer import TransferSettings
from fooling.findings.variance import ClassSetSettings
from fooling.retraining.settings import SupplySettings
from fooling.settings import SeedRange, Settings
from fooling.study.dataset_entries import (
    ClassifierEntry,
    DatasetEntry,
    DigitsEntry,
    FittedEntry,
    Name,
    ShapesEntry,
    TrainedEntry,
)
from fooling.study.entries import (
    AdversarialEntry,
    AscentEntry,
    AttackEntry,
    AuditsEntry,
    DetectorsEntry,
    ExperimentEntry,
    LabelOnlyEntry,
    RetrainingEntry,
    SurveySettings,
    UniversalEntry,
)
from fooling.training.settings import AdamSettings, CosinePolicy, OutlierSettings, TrainingSettings

SHARED_FOLDER = "datasets"  # below results/, beside the studies

#: Three networks: the fewest for which there are confidence intervals.
LENETS = ("lenet-a", "lenet-b", "lenet-c")


#: Models that are no networks: fast ones, two discriminative and one generative.
FITTED: dict[str, ModelSettings] = {
    "softmax": LogisticSettings(),
    "neighbours": NearestNeighboursSettings(),
    "gaussian": GaussianSettings(),
}


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
    RefusalAtSettings,
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
    detectors: tuple[DetectorsEntry, ...] = ()
    """Detectors of fooling images, and attacks that know them, each entry with a name and its classifiers."""
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


def default_study() -> StudySettings:
    """Return the default study: LeNets on scikit-learn's digits, and AlexNet on drawn shapes as a colour demo."""
    return StudySettings(
        study="digits",
        datasets=(
            DigitsEntry(name="digits"),
            ShapesEntry(name="shapes", size=64, train_per_class=300, test_per_class=60),
        ),
        classifiers=(
            _lenet("lenet-a", seed=1, independent="lenet-b"),
            _lenet("lenet-b", seed=2, independent="lenet-c"),
            _lenet("lenet-c", seed=3, independent="lenet-a"),
            _hardened(),
            _alexnet(),
            *(FittedEntry(name=name, kind="fitted", dataset="digits", model=model) for name, model in FITTED.items()),
        ),
        experiments=(
            _on_lenets("direct", DirectSettings()),
            _on_lenets("cppn", CppnSettings()),
            ExperimentEntry(
                name="hardened",
                tables="champions",
                classifiers=("hardened",),
                seeds=SeedRange(count=1),
                encoding=CppnSettings(),
                drift=False,
            ),
            _in_colour("direct-colour", DirectSettings()),
            _in_colour("cppn-colour", CppnSettings()),
            _on_models("direct-models", DirectSettings()),
            _on_models("cppn-models", CppnSettings()),
        ),
        retraining=(_fooling_class(),),
        attacks=(
            _ascent("plain", classifiers=LENETS, starts=3),
            _ascent("s-169"),
            _ascent("s-360"),
            AdversarialEntry(name="small-changes", kind="adversarial", classifiers=LENETS, images=10),
            _universal(),
            _labels_alone(),
        ),
        detectors=(_detectors(),),
        far=FarEntry(classifiers=(*LENETS, *FITTED), inputs=2000, rays=20),
        boundary=BoundaryEntry(classifiers=LENETS, images=15),
        findings=FindingsSettings(sample_images=2000, family_images=400, changed_real_images=50),
        survey=SurveySettings(),
    )


def _universal() -> UniversalEntry:
    """Return universal perturbations of one network, in a few seconds; the two others are shown images with them."""
    return UniversalEntry(
        name="one-for-all",
        kind="universal",
        classifiers=("lenet-a",),
        sizes_linf=(0.1, 0.3),
        sizes_l2=(0.2,),
        compared_size=0.3,
        images=100,
        fewer_images=(10,),
        unseen=100,
        steps=10,
        batch=50,
        controls=2,
        rounds=1,
        tuning_steps=40,
        tuning_batch=32,
    )


def _lenet(name: str, *, seed: int, independent: str) -> TrainedEntry:
    """Return Caffe's LeNet with fewer iterations, because the data set has a fortieth of MNIST's images."""
    return TrainedEntry(
        name=name,
        dataset="digits",
        independent=independent,
        architecture="lenet",
        seed=seed,
        training=TrainingSettings(iterations=600),
    )


def _hardened() -> TrainedEntry:
    """Return a LeNet that learns to be unsure of images that fooled another one; a single network gives no interval."""
    outliers = OutlierSettings(kind="fooling", retraining="fooling-class", first="lenet-a")
    training = TrainingSettings(iterations=600, outliers=outliers)
    return TrainedEntry(name="hardened", dataset="digits", architecture="lenet", seed=1, training=training)


def _alexnet() -> TrainedEntry:
    """Return torchvision's AlexNet, with training settings that learn ten easy classes in 200 iterations."""
    return TrainedEntry(
        name="alexnet",
        dataset="shapes",
        architecture="alexnet",
        options={"dropout": 0.0, "first_weights": "he"},
        seed=1,
        input=InputSettings(divisor=255.0, mean=[0.5, 0.5, 0.5], std=[0.25, 0.25, 0.25]),
        training=TrainingSettings(
            iterations=200,
            batch_size=32,
            optimiser=AdamSettings(linear_rate_factor=0.1),
            learning_rate=1.0e-3,
            policy=CosinePolicy(warm_up=20),
        ),
    )


def _on_lenets(name: str, encoding: DirectSettings | CppnSettings) -> ExperimentEntry:
    """Return an experiment with five runs against each LeNet, as many as the paper shows."""
    return ExperimentEntry(name=name, classifiers=LENETS, seeds=SeedRange(count=5), encoding=encoding)


def _on_models(name: str, encoding: DirectSettings | CppnSettings) -> ExperimentEntry:
    """Return an experiment with one run against each fitted model, with a sixth of the budget of the others."""
    return ExperimentEntry(
        name=name,
        classifiers=tuple(FITTED),
        seeds=SeedRange(count=1),
        encoding=encoding,
        search=SearchSettings(generations=30),
        drift=False,
        figures=("classes_over_evaluations",),
    )


def _in_colour(name: str, encoding: DirectSettings | CppnSettings) -> ExperimentEntry:
    """Return a demonstration that judges no claim: a single run with a fifteenth of the budget of the others."""
    return ExperimentEntry(
        name=name,
        classifiers=("alexnet",),
        seeds=SeedRange(count=1),
        encoding=encoding,
        search=SearchSettings(start=100, offspring=100, generations=26),
    )


def _fooling_class() -> RetrainingEntry:
    """Return a chain of three networks (paper: 15); the first fooling images are a tenth of the real ones, as there."""
    return RetrainingEntry(
        name="fooling-class",
        classifiers=("lenet-a",),
        encoding=CppnSettings(),
        networks=3,
        filled_with=("champions", "nothing"),
        first=SupplySettings(training_runs=7, test_runs=1),
        later=SupplySettings(training_runs=2, test_runs=1),
        measured_runs=6,
    )


def _detectors() -> DetectorsEntry:
    """Return three cheap detectors with a twentieth of the budget of other runs: enough to show the principle."""
    return DetectorsEntry(
        name="guards",
        classifiers=LENETS,
        encoding=CppnSettings(),
        search=SearchSettings(generations=9),
        detectors=(MaximumSoftmaxSettings(), EnergySettings(kind="energy"), NeighboursSettings(kind="neighbours")),
        ascent=AscentSettings(method="adam", learning_rate=10.0, steps=40, seeds=SeedRange(count=1)),
    )


def _labels_alone() -> LabelOnlyEntry:
    """Return the attack with labels alone on one network: an illustration, with a quarter of the default budget."""
    return LabelOnlyEntry(
        name="labels", kind="label-only", classifiers=("lenet-a",), seeds=SeedRange(count=1), queries=5000, own="cppn"
    )


def _ascent(preset: str, *, classifiers: tuple[str, ...] = ("lenet-a",), starts: int = 1) -> AscentEntry:
    """Return gradient ascent with a setting of the paper; one start illustrates regularised ones."""
    values = {"name": preset, "kind": "ascent", "preset": preset, "classifiers": classifiers}
    return AscentEntry.model_validate({**values, "seeds": {"count": starts}})
