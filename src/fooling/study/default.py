"""The default study: small, with nothing to download."""

from __future__ import annotations

from fooling.attacks.evolution.settings import SearchSettings
from fooling.classifiers.settings import InputSettings
from fooling.encodings.settings import CppnSettings, DirectSettings
from fooling.retraining.settings import SupplySettings
from fooling.settings import SeedRange
from fooling.study.dataset_entries import DigitsEntry, ShapesEntry
from fooling.study.entries import (
    AdversarialEntry,
    AscentEntry,
    ExperimentEntry,
    LabelOnlyEntry,
    RetrainingEntry,
    TrainedEntry,
)
from fooling.study.settings import FarEntry, FindingsSettings, StudySettings
from fooling.survey.settings import SurveySettings
from fooling.training.settings import AdamSettings, CosinePolicy, TrainingSettings

#: Three networks: the fewest for which there are confidence intervals.
LENETS = ("lenet-a", "lenet-b", "lenet-c")


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
            _alexnet(),
        ),
        experiments=(
            _on_lenets("direct", DirectSettings()),
            _on_lenets("cppn", CppnSettings()),
            _in_colour("direct-colour", DirectSettings()),
            _in_colour("cppn-colour", CppnSettings()),
        ),
        retraining=(_fooling_class(),),
        attacks=(
            _ascent("plain", classifiers=LENETS, starts=3),
            _ascent("s-169"),
            _ascent("s-360"),
            AdversarialEntry(name="small-changes", kind="adversarial", classifiers=LENETS, images=10),
            _labels_alone(),
        ),
        far=FarEntry(classifiers=LENETS, inputs=2000, rays=20),
        findings=FindingsSettings(sample_images=2000, family_images=400, changed_real_images=50),
        survey=SurveySettings(),
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


def _labels_alone() -> LabelOnlyEntry:
    """Return the attack with labels alone on one network: an illustration, with a quarter of the default budget."""
    return LabelOnlyEntry(
        name="labels", kind="label-only", classifiers=("lenet-a",), seeds=SeedRange(count=1), queries=5000, own="cppn"
    )


def _ascent(preset: str, *, classifiers: tuple[str, ...] = ("lenet-a",), starts: int = 1) -> AscentEntry:
    """Return gradient ascent with a setting of the paper; one start illustrates regularised ones."""
    values = {"name": preset, "kind": "ascent", "preset": preset, "classifiers": classifiers}
    return AscentEntry.model_validate({**values, "seeds": {"count": starts}})
