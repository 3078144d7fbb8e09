"""What all attacks have in common.

An attack is a class with settings of its own. It makes runs: work that advances in steps, can stop after any step and
resumes from its state to the same bits. ``fooling attack`` runs any of them, and stores checkpoints.
"""

from __future__ import annotations

import platform
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from fooling.attacks.record import AttackRecord
from fooling.classifiers.classifier import Classifier
from fooling.datasets.dataset import Dataset
from fooling.messages import FoolingError, percent, progress, say
from fooling.reproducibility import CheckpointStore
from fooling.settings import Settings


class AttackRun(Protocol):
    """Unfinished work against one classifier. Its record does not depend on how often it was stopped and restored."""

    @property
    def steps(self) -> int:
        """Number of steps in all."""
        ...

    @property
    def steps_done(self) -> int:
        """Number of steps so far."""
        ...

    def advance(self) -> None:
        """Make one step."""
        ...

    def median_confidence(self) -> float:
        """Return the median confidence of the images so far."""
        ...

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return the arrays and the header from which :meth:`restore` resumes to the same bits."""
        ...

    def restore(self, arrays: Mapping[str, NDArray[Any]], header: Mapping[str, Any], *, source: object) -> None:
        """Resume from a state; raise :class:`FoolingError`, naming its ``source``, if it is of other work."""
        ...

    def record(self) -> AttackRecord:
        """Return the result, after the last step."""
        ...

    def summary(self) -> str:
        """Return what is to be printed beside the confidences, after the record is made; empty: nothing."""
        ...


class Attack(Protocol):
    """A way to find images that a classifier is wrong about, with its settings."""

    settings_class: ClassVar[type[Settings]]
    unit: ClassVar[str]
    """What a step is, in the plural."""
    controls: ClassVar[tuple[str, ...]]
    """Names of the controls that can run beside it: the same work without what is to be tested."""
    has_seeds: ClassVar[bool]
    """Whether its settings hold the seeds; otherwise each run is given one."""

    def __init__(self, *, settings: Any, classifier: Classifier, identity: Mapping[str, Any]) -> None:
        """Prepare the attack; ``identity``, as :func:`identity_of` returns it, is for the header of its records.

        An attack whose settings have ``precision: screened`` also takes ``real`` images (N, C, H, W), uint8, and one
        that changes real images a ``dataset``.
        """
        ...

    def run(self, seed: int | None, *, control: str = "") -> AttackRun:
        """Return a run, or the run of a control, before its first step; raise :class:`FoolingError` for a bad seed."""
        ...

    @staticmethod
    def save(path: Path, record: AttackRecord) -> None:
        """Write the record of a run."""
        ...

    @staticmethod
    def save_many(path: Path, records: Sequence[AttackRecord]) -> None:
        """Write the records of runs that differ in their seeds alone as one file."""
        ...


class SeededBySettings(ABC):
    """An attack whose settings hold its seeds: it has one run, and one record of all seeds."""

    title: ClassVar[str]
    """Its name in messages."""
    unit: ClassVar[str] = "steps"
    controls: ClassVar[tuple[str, ...]] = ()
    has_seeds: ClassVar[bool] = True

    @abstractmethod
    def _run(self) -> AttackRun:
        """Return the run before its first step."""

    def run(self, seed: int | None, *, control: str = "") -> AttackRun:
        """Return the run before its first step; raise :class:`FoolingError` if a seed is given."""
        if seed is not None:
            raise FoolingError(f"{self.title} takes its seeds from its settings", remedy="leave out --seed")
        return self._run()

    @staticmethod
    def save_many(path: Path, records: Sequence[AttackRecord]) -> None:
        """Raise :class:`FoolingError`: one file holds everything already."""
        raise FoolingError("an attack whose settings hold the seeds has only one record", remedy="leave out --runs")


class OnRealImages(SeededBySettings):
    """An attack that changes real images of a data set."""

    run_class: ClassVar[Callable[..., AttackRun]]
    """Its run; it takes a classifier, settings, the identity of the record, and a data set."""

    def __init__(
        self, *, settings: Settings, classifier: Classifier, identity: Mapping[str, Any], dataset: Dataset
    ) -> None:
        """Prepare the attack on images of ``dataset``; ``identity`` also has the name and SHA-256 of that.

        Raises :class:`FoolingError` if the images do not fit the classifier.
        """
        require_fitting(dataset, classifier)
        self._given = {"classifier": classifier, "settings": settings, "dataset": dataset}
        self._identity = {
            "name": identity["name"],
            "settings": settings.model_dump(mode="json"),
            "classifier": identity["classifier"],
            "dataset": identity["dataset"],
            "versions": identity["versions"],
        }

    def _run(self) -> AttackRun:
        """Return the run on the images that the settings draw."""
        return self.run_class(**self._given, identity=self._identity)


def require_fitting(dataset: Dataset, classifier: Classifier) -> None:
    """Raise :class:`FoolingError` if a classifier does not take the images of a data set, or lacks classes of it."""
    if dataset.image_shape != classifier.input_shape or len(dataset.class_names) > len(classifier.class_names):
        raise FoolingError(
            f"the images of {dataset.name} do not fit the network {classifier.name}",
            found=f"{dataset.image_shape}, {len(dataset.class_names)} classes",
            expected=f"{classifier.input_shape}, {len(classifier.class_names)} classes",
            remedy="give the data set of the classifier",
        )


def identity_of(classifier: Classifier, *, name: str, sha256: str = "") -> dict[str, Any]:
    """Return what the header of a record says besides the settings: its name, the classifier, and versions.

    Args:
        classifier: The attacked classifier.
        name: Name of the attack in the study.
        sha256: Digest of what defines the classifier, such as its file.
    """
    return {
        "name": name,
        "classifier": {"name": classifier.name, "sha256": sha256},
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "torch": torch.__version__},
    }


def finish(run: AttackRun, *, store: CheckpointStore | None = None, name: str = "attack", unit: str = "steps") -> None:
    """Advance ``run`` to its end, and show its progress on standard error.

    Args:
        run: The run.
        store: Holds its checkpoint, from which it resumes; None: no checkpoints.
        name: Name of the run, for its checkpoint and for messages.
        unit: What a step is, in the plural.
    """
    if store is not None and (state := store.load(name)) is not None:
        run.restore(*state, source=store.path(name))
        say(f"{name} resumes after {run.steps_done} {unit}")
    with progress(total=run.steps, done=run.steps_done, description=name, unit=unit) as counter:
        while run.steps_done < run.steps:
            before = run.steps_done
            run.advance()
            advanced = run.steps_done - before  # of some attacks several steps
            counter.advance(advanced, note=lambda: f"median confidence {percent(run.median_confidence())}")
            if store is not None and store.is_due():
                store.save(name, *run.state())
    if store is not None:
        store.save(name, *run.state())
