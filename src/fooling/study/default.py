"""The study that is run when no other is asked for: small enough for a coffee break, with nothing to download."""

from __future__ import annotations

from fooling.classifiers.settings import InputSettings
from fooling.encodings.cppn.settings import CppnSettings
from fooling.encodings.direct_settings import DirectSettings
from fooling.evolution.settings import SearchSettings
from fooling.retraining.settings import SupplySettings
from fooling.settings import SeedRange
from fooling.study.entries import (
    AscentEntry,
    DigitsEntry,
    ExperimentEntry,
    RetrainingEntry,
    ShapesEntry,
    TrainedEntry,
)
from fooling.study.settings import StudySettings
from fooling.survey.settings import SurveySettings
from fooling.training.settings import AdamSettings, CosinePolicy, TrainingSettings


def default_study() -> StudySettings:
    """LeNets on scikit-learn's digits, and as a demonstration of colour AlexNet on drawn shapes."""
    return StudySettings(
        study="digits",
        datasets=(
            DigitsEntry(name="digits"),
            ShapesEntry(name="shapes", size=64, train_per_class=300, test_per_class=60),
        ),
        classifiers=(
            _lenet("lenet-a", seed=1, independent="lenet-b"),
            _lenet("lenet-b", seed=2, independent="lenet-a"),
            _alexnet(),
        ),
        experiments=(
            ExperimentEntry(name="direct", classifiers=("lenet-a", "lenet-b"), encoding=DirectSettings()),
            ExperimentEntry(name="cppn", classifiers=("lenet-a", "lenet-b"), encoding=CppnSettings()),
            _in_colour("direct-colour", DirectSettings()),
            _in_colour("cppn-colour", CppnSettings()),
        ),
        retraining=(_fooling_class(),),
        ascent=(
            _ascent("plain", classifiers=("lenet-a", "lenet-b"), starts=3),
            _ascent("s-169"),
            _ascent("s-360"),
        ),
        survey=SurveySettings(),
    )


def _lenet(name: str, *, seed: int, independent: str) -> TrainedEntry:
    """Caffe's LeNet, for a data set with a fortieth of MNIST's images: fewer iterations, everything else as there."""
    return TrainedEntry(
        name=name,
        dataset="digits",
        independent=independent,
        architecture="lenet",
        seed=seed,
        training=TrainingSettings(iterations=2000),
    )


def _alexnet() -> TrainedEntry:
    """The AlexNet of torchvision, trained so that it learns ten easy classes in two hundred steps."""
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


def _in_colour(name: str, encoding: DirectSettings | CppnSettings) -> ExperimentEntry:
    """A single run with a fifteenth of the budget of the others: a demonstration, which judges no claim."""
    return ExperimentEntry(
        name=name,
        classifiers=("alexnet",),
        seeds=SeedRange(count=1),
        encoding=encoding,
        search=SearchSettings(start=100, offspring=100, generations=26),
    )


def _fooling_class() -> RetrainingEntry:
    """Three networks where the paper has fifteen; as there, the first fooling images are a tenth of the real ones."""
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


def _ascent(preset: str, *, classifiers: tuple[str, ...] = ("lenet-a",), starts: int = 1) -> AscentEntry:
    """Gradient ascent with a setting of the paper; where it is regularised, one start shows what that does."""
    values = {"name": preset, "preset": preset, "classifiers": classifiers, "seeds": {"count": starts}}
    return AscentEntry.model_validate(values)
