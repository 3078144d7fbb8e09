"""Gradient ascent for many classes, from all starts at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fooling.attacks.ascent.methods import Goal, method_of
from fooling.attacks.attack import SeededBySettings
from fooling.attacks.record import TargetedRecord, Trajectory, save_attack
from fooling.attacks.settings import AscentSettings
from fooling.classifiers.classifier import Classifier, confidences_of, log_odds_of
from fooling.messages import REMEDY, FoolingError
from fooling.reproducibility import derived_seed, evenly_spaced
from fooling.schemas import FINITE64, require_range, require_schema
from fooling.settings import Settings

#: What a step costs in evaluations of the network: a backward pass takes about twice the work of a forward pass. Every
#: method computes one gradient of each image in a step; of L-BFGS a step is one evaluation of its objective.
EVALUATIONS_OF_STEP = 3
STEPS_KEPT = 200  # of a trajectory at most, the start aside
SCHEMA = {
    "done": "int64",
    "images": "float64 B C H W",
    "steps": "int64 T",
    "confidences": "float32 T B",
    "log_odds": "float64 T B",
}


class GradientAscent(SeededBySettings):
    """Gradient ascent on the confidence in each class, from the starts of its settings."""

    settings_class: ClassVar[type[Settings]] = AscentSettings
    title: ClassVar[str] = "gradient ascent"

    def __init__(self, *, settings: AscentSettings, classifier: Classifier, identity: Mapping[str, Any]) -> None:
        self._settings, self._classifier = settings, classifier
        self._identity = {
            "name": identity["name"],
            "settings": settings.model_dump(mode="json"),
            "classifier": identity["classifier"],
            "versions": identity["versions"],
        }

    def _run(self) -> AscentRun:
        """Return the run from all starts of the settings."""
        return AscentRun(classifier=self._classifier, settings=self._settings, identity=self._identity)

    save = staticmethod(save_attack)


class AscentRun:
    """Images moved along their gradients, one for each of the classes from each start.

    Images are independent: each has its own gradient, step size and pixels that are reset.
    The bytes of the record depend on the settings and the classifier alone, not on how often it was stopped.
    """

    def __init__(self, *, classifier: Classifier, settings: AscentSettings, identity: Mapping[str, Any]) -> None:
        self.settings = settings
        self.identity = identity
        self.steps_done = 0
        self._classifier = classifier
        classes, seeds = evenly_spaced(len(classifier.targets), settings.classes), settings.seeds.values()
        self._classes = torch.tensor(classes, device=classifier.device).repeat(len(seeds))
        self._seeds = np.repeat(np.array(seeds, dtype=np.int64), len(classes))
        self._kept = frozenset(kept_steps(settings.steps).tolist())
        self._images = torch.cat([_start((len(classes), *classifier.input_shape), seed) for seed in seeds])
        self._goal = Goal(classifier=classifier, classes=self._classes, mean=classifier.training_mean.double())
        self._images = self._goal.within_range(self._images.to(classifier.device))
        self._method = method_of(settings, self._goal, self._images)
        self._steps: list[int] = []
        self._confidences: list[Tensor] = []
        self._log_odds: list[Tensor] = []
        self._score()

    @property
    def steps(self) -> int:
        """Number of steps in all."""
        return self.settings.steps

    def advance(self) -> None:
        """Move every image one step."""
        self.steps_done += 1
        self._images = self._method.moved(self._images, step=self.steps_done)
        if self.steps_done in self._kept:
            self._score()

    def median_confidence(self) -> float:
        """Return the median confidence of all images at their last scoring."""
        return float(np.median(self._confidences[-1].cpu().numpy()))

    def record(self) -> TargetedRecord:
        """Return the images after the last step, when they have just been scored."""
        steps = np.array(self._steps, dtype=np.int64)
        return TargetedRecord(
            **self.identity,
            class_names=self._classifier.targets,
            images=self._stored().cpu().numpy(),
            confidences=self._confidences[-1].cpu().numpy(),
            log_odds=self._log_odds[-1].cpu().numpy(),
            classes=self._classes.cpu().numpy(),
            seeds=self._seeds,
            trajectory=Trajectory(
                steps=steps,
                evaluations=EVALUATIONS_OF_STEP * steps + 1,
                confidences=torch.stack(self._confidences).cpu().numpy(),
                log_odds=torch.stack(self._log_odds).cpu().numpy(),
            ),
        )

    def summary(self) -> str:
        """Return an empty text: gradients and scores are always computed in float32."""
        return ""

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return the arrays from which :meth:`restore` resumes to the same bits; the header is empty."""
        arrays = {
            "done": np.array(self.steps_done, dtype=np.int64),
            "images": self._images.cpu().numpy(),
            "steps": np.array(self._steps, dtype=np.int64),
            "confidences": torch.stack(self._confidences).cpu().numpy(),
            "log_odds": torch.stack(self._log_odds).cpu().numpy(),
            **self._method.state(),
        }
        return arrays, {}

    def restore(self, arrays: Mapping[str, NDArray[Any]], header: Mapping[str, Any], *, source: object) -> None:
        """Resume from a state; raise :class:`FoolingError`, naming the ``source``, for that of other work."""
        batch, channels, height, width = self._images.shape
        lengths = {"B": batch, "C": channels, "H": height, "W": width, "N": channels * height * width}
        require_schema(arrays, {**SCHEMA, **self._method.layout}, source=source, **lengths)
        require_range("images", arrays["images"], least=-255, most=255, source=source)
        require_range("confidences", arrays["confidences"], least=0, most=1, source=source)
        require_range("log_odds", arrays["log_odds"], least=-FINITE64, most=FINITE64, source=source)
        require_range("done", arrays["done"], least=0, most=self.settings.steps, source=source)
        done, kept = int(arrays["done"]), arrays["steps"].tolist()
        if kept != [step for step in kept_steps(self.settings.steps).tolist() if step <= done]:
            raise FoolingError(f"{source} is no state of this work", found=f"step {done} after {kept}", remedy=REMEDY)
        self.steps_done = done
        self._images = torch.from_numpy(arrays["images"]).to(self._images.device)
        self._steps = kept
        self._confidences = list(torch.from_numpy(arrays["confidences"]).to(self._images.device))
        self._log_odds = list(torch.from_numpy(arrays["log_odds"]).to(self._images.device))
        self._method.restore(arrays)

    def _stored(self) -> Tensor:
        return (self._images + self._goal.mean).round().clamp(0, 255).to(torch.uint8)

    def _score(self) -> None:
        """Score the images as they would be stored."""
        logits = self._classifier.logits(self._stored())
        own = self._classes[:, None]
        self._steps.append(self.steps_done)
        self._confidences.append(confidences_of(logits).gather(1, own).squeeze(1).clone())
        self._log_odds.append(log_odds_of(logits).gather(1, own).squeeze(1).clone())


def kept_steps(steps: int) -> NDArray[np.int64]:
    """Return the steps after which images are scored: all of a few, of many about 200, evenly on a log scale."""
    if steps <= STEPS_KEPT:
        return np.arange(steps + 1)
    return np.unique(np.concatenate([[0], np.geomspace(1, steps, STEPS_KEPT).round().astype(np.int64)]))


def _start(shape: tuple[int, int, int, int], seed: int) -> Tensor:
    """Return random differences from the mean image: (K, C, H, W) standard normal numbers, in levels."""
    generator = torch.Generator().manual_seed(derived_seed(seed, "gradient ascent"))
    return torch.randn(shape, generator=generator, dtype=torch.float64)
