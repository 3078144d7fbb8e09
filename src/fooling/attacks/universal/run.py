"""Universal perturbations of one classifier: projected steps against the gradients of batches of images.

The source adds up the smallest changes of single images, which DeepFool finds. Here, each step changes the perturbation
of all images at once, against the summed gradient of their log-odds: its sign for linf, its direction for l2.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from fooling.attacks.attack import AttackRun, OnRealImages
from fooling.attacks.record import Norm
from fooling.attacks.universal.record import (
    ARRAYS,
    LEVELS,
    Perturbation,
    UniversalRecord,
    UniversalSettings,
    drawn_images,
    perturbed,
    random_change,
    save_universal,
)
from fooling.classifiers.classifier import Classifier, confidences_of, log_odds_of
from fooling.classifiers.gradients import Array, Network, has_gradients
from fooling.classifiers.network_code import network_code
from fooling.datasets.dataset import Dataset
from fooling.messages import REMEDY, FoolingError, share_percent
from fooling.reproducibility import numpy_generator
from fooling.schemas import require_arrays, require_range
from fooling.settings import Settings

#: Length of the first step over the size; the length falls to 0 linearly. Long first steps fool more images: on a LeNet
#: for MNIST 47 % with 1, 36 % with a quarter, 26 % with .08.
FIRST_STEP = 1.0
#: Log-odds of the original label below which an image no longer counts in a step: p = .0067.
MARGIN = 5.0
MOMENTUM = 0.9  # of the fine-tuning

Labels = NDArray[np.int64]


class FineTuned:
    """A copy of a classifier whose network is trained further, in evaluation mode: without dropout."""

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = dataclasses.replace(classifier, network=copy.deepcopy(classifier.network))
        network = self.classifier.network
        self._weights = [weights.requires_grad_() for weights in network.parameters() if weights.is_floating_point()]
        if not self._weights:
            raise FoolingError(
                f"the network {classifier.name} has no weights to fine-tune",
                remedy="set rounds: 0, or remove it from the `classifiers` of the attack",
            )
        self._speeds = [torch.zeros_like(weights) for weights in self._weights]

    def step(self, images: NDArray[np.uint8], classes: Labels, *, rate: float) -> None:
        """Make one step of gradient descent on the cross-entropy of ``images`` (B, C, H, W) and their ``classes``."""
        classifier = self.classifier
        levels = torch.from_numpy(images).to(classifier.device)
        with network_code(f"the network {classifier.name} cannot be fine-tuned"), torch.enable_grad():
            logits = classifier.logits_of_inputs([classifier.inputs(view.of(levels)) for view in classifier.seen])
            loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(classes).to(classifier.device))
            gradients = torch.autograd.grad(loss, self._weights, allow_unused=True)
        with torch.no_grad():
            for weights, speed, gradient in zip(self._weights, self._speeds, gradients, strict=True):
                if gradient is not None:
                    weights -= rate * speed.mul_(MOMENTUM).add_(gradient)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the weights and their momentum, by name."""
        return {name: np.ascontiguousarray(tensor.detach().cpu().numpy()) for name, tensor in self._named().items()}

    def restore(self, arrays: Mapping[str, NDArray[Any]], *, source: object) -> None:
        """Resume from a state; raise :class:`FoolingError`, naming the ``source``, for that of another network."""
        with torch.no_grad():
            for name, tensor in self._named().items():
                if name not in arrays or arrays[name].shape != tuple(tensor.shape):
                    raise FoolingError(f"{source} is no state of this work", found=f"no {name}", remedy=REMEDY)
                tensor.copy_(torch.from_numpy(arrays[name].copy()))

    def _named(self) -> dict[str, torch.Tensor]:
        parts = {"weights": self._weights, "speeds": self._speeds}
        return {f"tuned/{part}/{place}": tensor for part, found in parts.items() for place, tensor in enumerate(found)}


class UniversalRun:
    """All columns, one after the other; a step moves one perturbation, or fine-tunes the network.

    The bytes of the record depend on the settings, the classifier and the data set alone, not on how often the run was
    stopped.
    """

    def __init__(
        self, *, classifier: Classifier, settings: UniversalSettings, identity: Mapping[str, Any], dataset: Dataset
    ) -> None:
        self.settings, self.identity, self.steps_done = settings, identity, 0
        self._classifier, self._dataset = classifier, dataset
        self._columns = settings.columns()
        self._change: Array = np.zeros(classifier.input_shape)
        self._confidence = 1.0
        self._tuned = FineTuned(classifier) if settings.rounds > 0 else None
        seen, unseen = drawn_images(settings, dataset)
        training = dataset.has_training_images
        self._seen = (dataset.train_images if training else dataset.test_images)[seen]
        self._unseen = dataset.test_images[unseen]
        shape, count = classifier.input_shape, len(self._columns)
        lengths = dict(zip("PSNRECHW", (count, len(seen), len(unseen), settings.controls, settings.examples, *shape),
                           strict=True))  # fmt: skip
        self._lengths = {**lengths, "B": count * settings.examples}
        fixed: dict[str, NDArray[Any]] = {
            "real": self._unseen[: settings.examples],
            "seen_indices": seen,
            "unseen_indices": unseen,
            "unseen_classes": dataset.test_labels[unseen],
        }
        self._computed = [array for array in ARRAYS if array.name not in fixed]
        self._found: dict[str, NDArray[Any]] = fixed | {
            array.name: np.zeros([self._lengths[letter] for letter in array.form.split()[1:]], array.form.split()[0])
            for array in self._computed
        }
        # Labels without perturbation, which are the same for every column of round 0.
        self._found["seen_labels"][:] = labels_of(classifier, self._seen)
        self._found["unseen_labels"][:] = labels_of(classifier, self._unseen)

    @property
    def steps(self) -> int:
        """Number of steps in all."""
        return sum(map(self._steps_of, self._columns))

    def advance(self) -> None:
        """Make one step of a column: of fine-tuning, of the perturbation, or the last one, which tries it."""
        place, step = self._place(self.steps_done)
        column = self._columns[place]
        tuning = self._steps_of(column) - self.settings.steps - 1
        if step < tuning:
            self._tune(place, step)
        elif step < tuning + self.settings.steps:
            self._move(column, step - tuning)
        else:
            self._try(place)
        self.steps_done += 1

    def median_confidence(self) -> float:
        """Return the median confidence of the last batch in the labels without perturbation."""
        return self._confidence

    def summary(self) -> str:
        """Return how many unseen images each perturbation fools, random ones beside."""
        parts = []
        for place, (norm, size, images, number) in enumerate(self._columns):
            labels = self._found["unseen_labels"][place]
            fooled, control = (
                share_percent(float((self._found[name][place] != labels).mean()))
                for name in ("unseen_changed", "control_changed")
            )
            after = f", fine-tuned {number}" if number else ""
            parts.append(f"{norm} {size:g} ({images} images{after}) {fooled} (random {control})")
        return f"of {len(self._unseen)} unseen images are fooled: {', '.join(parts)}"

    def record(self) -> UniversalRecord:
        """Return the perturbations of all columns."""
        parts: dict[str, Any] = {**self.identity, **self._found, "class_names": self._classifier.class_names}
        part: Literal["training", "test"] = "training" if self._dataset.has_training_images else "test"
        return UniversalRecord(**parts, seed=self.settings.seed, columns=tuple(self._columns), seen_from=part)

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return the arrays from which :meth:`restore` resumes to the same bits; the header is empty."""
        arrays = {array.name: self._found[array.name].copy() for array in self._computed}
        arrays |= {"done": np.array(self.steps_done, dtype=np.int64), "change": self._change.copy()}
        return arrays | ({} if self._tuned is None else self._tuned.state()), {}

    def restore(self, arrays: Mapping[str, NDArray[Any]], header: Mapping[str, Any], *, source: object) -> None:
        """Resume from a state; raise :class:`FoolingError`, naming the ``source``, for that of other work."""
        require_arrays(arrays, self._computed, source=source, **self._lengths)
        if any(
            name not in arrays or (arrays[name].shape, str(arrays[name].dtype)) != form
            for name, form in {"done": ((), "int64"), "change": (self._change.shape, "float64")}.items()
        ):
            found = "no number of steps, or no perturbation of these images"
            raise FoolingError(f"{source} is no state of this work", found=found, remedy=REMEDY)
        require_range("done", arrays["done"], least=0, most=self.steps, source=source)
        require_range("change", arrays["change"], least=-1, most=1, source=source)
        if self._tuned is not None:
            self._tuned.restore(arrays, source=source)
        self.steps_done, self._change = int(arrays["done"]), arrays["change"].copy()
        self._found |= {array.name: arrays[array.name].copy() for array in self._computed}

    def _steps_of(self, column: Perturbation) -> int:
        """Return the steps of a column: fine-tuning after round 0, those of the perturbation, and one that tries it."""
        return (self.settings.tuning_steps if column.round else 0) + self.settings.steps + 1

    def _place(self, done: int) -> tuple[int, int]:
        """Return the column after so many steps, and how many of its steps are done."""
        for place, column in enumerate(self._columns):
            if done < self._steps_of(column):
                return place, done
            done -= self._steps_of(column)
        raise ValueError("no step is left")

    def _attacked(self, column: Perturbation) -> Classifier:
        return self._tuned.classifier if self._tuned is not None and column.round else self._classifier

    def _before(self, place: int) -> int:
        """Return the column of the round before, of the same norm, size and number of images."""
        return self._columns.index(self._columns[place]._replace(round=max(self._columns[place].round - 1, 0)))

    def _tune(self, place: int, step: int) -> None:
        """Fine-tune the network on a batch of training images, half of them with the perturbation of the round before.

        The labels of the used images are those of the fine-tuned network, so the last step computes them again.
        """
        assert self._tuned is not None
        settings, column, images = self.settings, self._columns[place], self._dataset.train_images
        generator = numpy_generator(settings.seed, "universal fine-tuning", column.round, step)
        chosen = generator.choice(len(images), min(settings.tuning_batch, len(images)), replace=False)
        batch, half = images[chosen], generator.random(len(chosen)) < 0.5
        batch[half] = perturbed(batch[half], self._found["perturbations"][self._before(place)])
        self._tuned.step(batch, self._dataset.train_labels[chosen], rate=settings.tuning_rate)
        if step == settings.tuning_steps - 1:
            self._found["seen_labels"][place] = labels_of(self._tuned.classifier, self._seen)
            self._found["unseen_labels"][place] = labels_of(self._tuned.classifier, self._unseen)

    def _move(self, column: Perturbation, step: int) -> None:
        """Move the perturbation of a column against the gradient of one batch."""
        settings = self.settings
        if step == 0:
            self._change = np.zeros_like(self._change)
        batches = -(-column.images // settings.batch)
        generator = numpy_generator(settings.seed, "universal batches", column.images, step // batches)
        first = step % batches * settings.batch
        chosen = generator.permutation(column.images)[first : first + settings.batch]
        labels = self._found["seen_labels"][self._columns.index(column)][chosen]
        network = Network(self._attacked(column))
        self._change, log_odds = moved(
            network,
            self._seen[chosen] / LEVELS,
            labels,
            self._change,
            norm=column.norm,
            size=column.size,
            length=column.size * FIRST_STEP * (1 - step / settings.steps),
        )
        self._confidence = float(np.median(1 / (1 + np.exp(-log_odds.clip(-500)))))

    def _try(self, place: int) -> None:
        """Store the perturbation of a column, and the labels of images with it and with random ones."""
        column, found, settings = self._columns[place], self._found, self.settings
        classifier, before = self._attacked(column), self._before(place)
        found["perturbations"][place] = self._change
        change = found["perturbations"][place]
        found["seen_changed"][place] = labels_of(classifier, self._seen, change)
        found["unseen_changed"][place] = labels_of(classifier, self._unseen, change)
        found["unseen_former"][place] = (
            found["unseen_changed"][place]
            if before == place
            else labels_of(classifier, self._unseen, found["perturbations"][before])
        )
        same = next(
            other
            for other, known in enumerate(self._columns)
            if (known.norm, known.size, known.round) == (column.norm, column.size, column.round)
        )
        if same < place:  # found on fewer images: its random perturbations are the same
            found["control_changed"][place] = found["control_changed"][same]
        else:
            for number in range(settings.controls):
                noise = random_change(classifier.seen_pixels, column, seed=settings.seed, number=number)
                found["control_changed"][place, number] = labels_of(classifier, self._unseen, noise)
        examples = perturbed(found["real"], change)
        logits = classifier.logits(torch.from_numpy(examples))
        labels = logits.argmax(dim=1, keepdim=True)
        rows = slice(place * settings.examples, (place + 1) * settings.examples)
        found["images"][rows] = examples
        found["labels"][rows] = labels.squeeze(1).cpu().numpy()
        found["confidences"][rows] = confidences_of(logits).gather(1, labels).squeeze(1).cpu().numpy()
        found["log_odds"][rows] = log_odds_of(logits).gather(1, labels).squeeze(1).cpu().numpy()


class Universal(OnRealImages):
    """Universal perturbations with their settings."""

    settings_class: ClassVar[type[Settings]] = UniversalSettings
    title: ClassVar[str] = "universal"
    run_class: ClassVar[Callable[..., AttackRun]] = UniversalRun

    def __init__(
        self, *, settings: UniversalSettings, classifier: Classifier, identity: Mapping[str, Any], dataset: Dataset
    ) -> None:
        """Prepare the attack on images of ``dataset``.

        Raises :class:`FoolingError` for a network without gradients, images that do not fit it, and too few of them.
        """
        if not has_gradients(classifier):
            raise FoolingError(
                f"the network {classifier.name} has no gradients, which universal perturbations need",
                remedy="remove it from the `classifiers` of each attack with `kind: universal`",
            )
        super().__init__(settings=settings, classifier=classifier, identity=identity, dataset=dataset)
        if settings.rounds > 0:
            dataset.require_training_images("fine-tuning on perturbed images")
        drawn_images(settings, dataset)

    save = staticmethod(save_universal)


def moved(
    network: Network, images: Array, labels: Labels, change: Array, *, norm: Norm, size: float, length: float
) -> tuple[Array, Array]:
    """Return the perturbation after one step, and the log-odds (B,) of ``labels`` before it.

    The step is against the summed gradient of the log-odds of ``labels`` by the ``change`` (C, H, W) of ``images``
    (B, C, H, W), all on the 0..1 scale. Pixels that are clipped have no gradient, and images that are fooled by more
    than :data:`MARGIN` do not count. The step changes each pixel by ``length`` for linf, and has this root mean square
    for l2; the result is projected on the ball of the ``norm`` and ``size``.
    """
    changed = images + change
    log_odds, gradients = network.gradients(np.clip(changed, 0, 1), labels)
    counted = (changed >= 0) & (changed <= 1) & (log_odds > -MARGIN)[:, None, None, None]
    direction = -np.where(counted, gradients, 0).sum(axis=0)
    if norm == "linf":
        return np.clip(change + length * np.sign(direction), -size, size), log_odds
    steepness = np.sqrt(np.square(direction).mean())
    further = change + (length / steepness * direction if steepness > 0 else 0)
    return further * min(1.0, size / max(float(np.sqrt(np.square(further).mean())), 1e-300)), log_odds


def labels_of(classifier: Classifier, images: NDArray[np.uint8], change: Array | None = None) -> Labels:
    """Return the most probable class (B,) of stored ``images`` (B, C, H, W), with a ``change`` if there is one."""
    found = []
    for start in range(0, len(images), classifier.chunk_size):
        chunk = images[start : start + classifier.chunk_size]
        stored = chunk if change is None else perturbed(chunk, change)
        found.append(classifier.logits(torch.from_numpy(stored)).argmax(dim=1).cpu().numpy())
    labels: Labels = np.concatenate(found)
    return labels
