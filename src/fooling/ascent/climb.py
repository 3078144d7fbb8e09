"""Gradient ascent for many classes from all starts at once; it can stop and go on at any step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fooling.ascent.methods import Goal, method_of
from fooling.ascent.record import AscentRecord, Trajectory
from fooling.ascent.settings import AscentSettings
from fooling.classifiers.classifier import Classifier, confidences_of, log_odds_of
from fooling.contents import FINITE64, require_layout, require_range
from fooling.errors import REMEDY, FoolingError
from fooling.seeding import derived_seed
from fooling.spread import evenly_spread

#: What a step costs in evaluations of the network: a backward pass takes about twice the work of a forward pass. Every
#: method computes one gradient of each image in a step; of L-BFGS a step is one evaluation of its objective.
EVALUATIONS_OF_STEP = 3
STEPS_KEPT = 200  # of a trajectory at most, the start aside
LAYOUT = {
    "done": "int64",
    "images": "float64 B C H W",
    "steps": "int64 T",
    "confidences": "float32 T B",
    "log_odds": "float64 T B",
}


class Climb:
    """Images that climb, one for each of the classes from each start.

    No image knows of the others: each has its own gradient, its own step size and its own pixels that are set back.
    The bytes of the record depend on the settings and the classifier alone, not on how often it was stopped.
    """

    def __init__(self, *, classifier: Classifier, settings: AscentSettings) -> None:
        self.settings = settings
        self.steps_done = 0
        self._classifier = classifier
        classes, seeds = evenly_spread(len(classifier.targets), settings.classes), settings.seeds.values()
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
    def is_done(self) -> bool:
        """Whether all steps are made."""
        return self.steps_done == self.settings.steps

    def advance(self) -> None:
        """Move every image one step."""
        self.steps_done += 1
        self._images = self._method.moved(self._images, step=self.steps_done)
        if self.steps_done in self._kept:
            self._score()

    def median_confidence(self) -> float:
        """The median over all images of the confidence when they were last scored."""
        return float(np.median(self._confidences[-1].cpu().numpy()))

    def record(self, identity: Mapping[str, Any]) -> AscentRecord:
        """The images as they stand; ``identity`` holds the words of the record: name, settings, classifier, versions.

        Asked for after the last step, when the images have just been scored.
        """
        steps = np.array(self._steps, dtype=np.int64)
        return AscentRecord(
            **identity,
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

    def state(self) -> dict[str, NDArray[Any]]:
        """Arrays from which :meth:`restore` goes on to the same bytes."""
        return {
            "done": np.array(self.steps_done, dtype=np.int64),
            "images": self._images.cpu().numpy(),
            "steps": np.array(self._steps, dtype=np.int64),
            "confidences": torch.stack(self._confidences).cpu().numpy(),
            "log_odds": torch.stack(self._log_odds).cpu().numpy(),
            **self._method.state(),
        }

    def restore(self, arrays: Mapping[str, NDArray[Any]], *, source: object) -> None:
        """Take up the state that :meth:`state` gave; :class:`FoolingError`, naming the ``source``, for any other."""
        batch, channels, height, width = self._images.shape
        lengths = {"B": batch, "C": channels, "H": height, "W": width, "N": channels * height * width}
        require_layout(arrays, {**LAYOUT, **self._method.layout}, source=source, **lengths)
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
    """The steps at which a climb of so many steps is scored: all of a short one, ever fewer of a long one."""
    if steps <= STEPS_KEPT:
        return np.arange(steps + 1)
    return np.unique(np.concatenate([[0], np.geomspace(1, steps, STEPS_KEPT).round().astype(np.int64)]))


def _start(shape: tuple[int, int, int, int], seed: int) -> Tensor:
    """Differences from the mean image, (K, C, H, W) standard normal numbers in levels."""
    generator = torch.Generator().manual_seed(derived_seed(seed, "gradient ascent"))
    return torch.randn(shape, generator=generator, dtype=torch.float64)
