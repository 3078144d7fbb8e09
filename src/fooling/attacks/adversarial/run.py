"""Adversarial examples of one classifier: every method on every image, chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import scipy
import torch
from numpy.typing import NDArray

from fooling.attacks.adversarial.methods import Batch, changed, noisy, norms_of
from fooling.attacks.adversarial.record import (
    ARRAYS,
    COMPUTED,
    NORMS,
    WITHOUT_GRADIENTS,
    AdversarialRecord,
    AdversarialSettings,
    record_of,
    save_adversarial,
)
from fooling.attacks.attack import AttackRun, OnRealImages
from fooling.classifiers.classifier import Classifier, confidences_of, log_odds_of
from fooling.classifiers.gradients import LEVELS, Array, Network, has_gradients
from fooling.datasets.dataset import Dataset
from fooling.messages import REMEDY, FoolingError, share_percent
from fooling.reproducibility import evenly_spaced, numpy_generator
from fooling.schemas import require_arrays, require_range
from fooling.settings import Settings


class AdversarialRun:
    """All columns, one after the other; a step changes a chunk of the images by one method at one size.

    The bytes of the record depend on the settings, the classifier and the data set alone, not on how often the run was
    stopped.
    """

    def __init__(
        self, *, classifier: Classifier, settings: AdversarialSettings, identity: Mapping[str, Any], dataset: Dataset
    ) -> None:
        self.settings, self.identity, self.steps_done = settings, identity, 0
        self._classifier, self._network = classifier, Network(classifier)
        self._columns = settings.columns()
        indices = drawn_images(classifier, dataset, count=settings.images, seed=settings.seed)
        images = dataset.test_images[indices]
        logits = classifier.logits(torch.from_numpy(images))
        classes = dataset.test_labels[indices]
        self._real: dict[str, NDArray[Any]] = {
            "real/images": images,
            "real/indices": indices,
            "real/classes": classes,
            "real/confidences": confidences_of(logits).cpu().numpy()[np.arange(len(indices)), classes],
        }
        self._levels = images.astype(np.float64) / LEVELS
        count = len(self._columns) * len(indices)
        self._found: dict[str, NDArray[Any]] = {
            array.name: np.zeros(_shape(array.form, count, images.shape[1:]), dtype=array.form.split()[0])
            for array in ARRAYS
            if array.name in COMPUTED
        }
        size = settings.chunk
        chunks = [slice(start, min(start + size, len(indices))) for start in range(0, len(indices), size)]
        self._steps = [(place, chunk) for place in range(len(self._columns)) for chunk in chunks]

    @property
    def steps(self) -> int:
        """Number of steps in all."""
        return len(self._steps)

    def advance(self) -> None:
        """Change a chunk of the images by one method at one size, and make noise of the same norms."""
        place, chunk = self._steps[self.steps_done]
        column = self._columns[place]
        real, indices = self._levels[chunk], self._real["real/indices"][chunk]
        batch = Batch(images=real, labels=self._real["real/classes"][chunk], indices=indices, others=self._levels)
        made = changed(self._network, batch, column, self.settings)
        rows = slice(place * len(self._levels) + chunk.start, place * len(self._levels) + chunk.stop)
        self._found["evaluations"][rows] = made.evaluations
        sizes = self._store(rows, made.images, real)[:, NORMS.index(column.norm)]
        size = "smallest" if column.size is None else repr(column.size)
        noise = [
            noisy(
                image,
                norm=column.norm,
                size=float(norm),
                generator=numpy_generator(self.settings.seed, "adversarial noise", column.method, size, int(index)),
            )
            for image, norm, index in zip(real, sizes, indices, strict=True)
        ]
        self._store(rows, np.stack(noise), real, part="noise/")
        self.steps_done += 1

    def median_confidence(self) -> float:
        """Return the median confidence of the changed images so far in their labels."""
        place, chunk = self._steps[self.steps_done - 1]
        return float(np.median(self._found["confidences"][: place * len(self._levels) + chunk.stop]))

    def summary(self) -> str:
        """Return how many images of each method and size the classifier gets wrong before rounding, noise beside."""
        classes, count = self._real["real/classes"], len(self._levels)
        parts = []
        for place, column in enumerate(self._columns):
            rows = slice(place * count, (place + 1) * count)
            shares = (
                float((self._found[f"{part}unrounded_labels"][rows] != classes).mean()) for part in ("", "noise/")
            )
            wrong, by_noise = map(share_percent, shares)
            size = "" if column.size is None else f" at {column.size:g}"
            parts.append(f"{column.method}{size} {wrong} (noise {by_noise})")
        return f"wrong on {count} images: {', '.join(parts)}"

    def record(self) -> AdversarialRecord:
        """Return the images of all columns."""
        header = {
            **self.identity,
            "class_names": self._classifier.class_names,
            "methods": tuple(column.method for column in self._columns),
            "sizes": tuple(column.size for column in self._columns),
        }
        return record_of({**self._found, **self._real}, header)

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return the arrays from which :meth:`restore` resumes to the same bits; the header is empty."""
        done = np.array(self.steps_done, dtype=np.int64)
        return {**{name: array.copy() for name, array in self._found.items()}, "done": done}, {}

    def restore(self, arrays: Mapping[str, NDArray[Any]], header: Mapping[str, Any], *, source: object) -> None:
        """Resume from a state; raise :class:`FoolingError`, naming the ``source``, for that of other work."""
        declared = [array for array in ARRAYS if array.name in COMPUTED]
        batch, channels, height, width = self._found["images"].shape
        require_arrays(arrays, declared, source=source, B=batch, C=channels, H=height, W=width)
        if "done" not in arrays or arrays["done"].shape != () or arrays["done"].dtype != np.int64:
            raise FoolingError(f"{source} is no state of this work", found="no number of steps", remedy=REMEDY)
        require_range("done", arrays["done"], least=0, most=self.steps, source=source)
        self.steps_done = int(arrays["done"])
        self._found = {name: arrays[name].copy() for name in self._found}

    def _store(self, rows: slice, images: Array, real: Array, *, part: str = "") -> NDArray[np.float64]:
        """Store changed ``images`` (B, C, H, W), 0 to 1, with their scores; return the norms (B, 3) of the change."""
        stored = np.rint(images * LEVELS).clip(0, LEVELS).astype(np.uint8)
        logits = self._classifier.logits(torch.from_numpy(stored))
        labels = logits.argmax(dim=1, keepdim=True)
        norms = norms_of(images - real)
        values = {
            "images": stored,
            "confidences": confidences_of(logits).gather(1, labels).squeeze(1).cpu().numpy(),
            "log_odds": log_odds_of(logits).gather(1, labels).squeeze(1).cpu().numpy(),
            "labels": labels.squeeze(1).cpu().numpy(),
            "unrounded_labels": self._network.final_labels(images),
            "norms": norms,
            "stored_norms": norms_of(stored / LEVELS - real),
        }
        for name, value in values.items():
            self._found[f"{part}{name}"][rows] = value
        return norms


class Adversarial(OnRealImages):
    """Adversarial examples with their settings."""

    settings_class: ClassVar[type[Settings]] = AdversarialSettings
    title: ClassVar[str] = "adversarial"
    run_class: ClassVar[Callable[..., AttackRun]] = AdversarialRun

    def __init__(
        self, *, settings: AdversarialSettings, classifier: Classifier, identity: Mapping[str, Any], dataset: Dataset
    ) -> None:
        """Prepare the attack on test images of ``dataset``.

        Raises :class:`FoolingError` for methods that need gradients on a network without, and images that do not fit.
        """
        needing = [method for method in settings.methods if method not in WITHOUT_GRADIENTS]
        if needing and not has_gradients(classifier):
            raise FoolingError(
                f"the network {classifier.name} has no gradients, which these methods need",
                found=f"methods: {', '.join(needing)}",
                expected=f"methods that need labels alone: {', '.join(WITHOUT_GRADIENTS)}",
                remedy=f"set methods: [{', '.join(WITHOUT_GRADIENTS)}]",
            )
        super().__init__(settings=settings, classifier=classifier, identity=identity, dataset=dataset)
        self._identity["versions"] = {**identity["versions"], **_versions(settings)}

    save = staticmethod(save_adversarial)


def drawn_images(classifier: Classifier, dataset: Dataset, *, count: int, seed: int) -> NDArray[np.int64]:
    """Return the indices (N,) of test images that ``classifier`` gets right, evenly over the classes, class by class.

    Of each class as many are drawn by ``seed``, in an order that is the same for every classifier; a class with too few
    gives all that it has. Raises :class:`FoolingError` if there are none at all.
    """
    classes = evenly_spaced(len(dataset.class_names), min(count, len(dataset.class_names)))
    found: list[int] = []
    for place, index in enumerate(classes):
        quota = count // len(classes) + (place < count % len(classes))
        candidates = np.flatnonzero(dataset.test_labels == index)
        candidates = numpy_generator(seed, "adversarial images", index).permutation(candidates)
        right: list[int] = []
        for start in range(0, len(candidates), classifier.chunk_size):
            part = candidates[start : start + classifier.chunk_size]
            labels = classifier.logits(torch.from_numpy(dataset.test_images[part])).argmax(dim=1).cpu().numpy()
            right += part[labels == index].tolist()
            if len(right) >= quota:
                break
        found += right[:quota]
    if not found:
        raise FoolingError(
            f"there are no images to change: {classifier.name} gets none of the drawn classes right",
            found=f"0 of the test images of {dataset.name} in {len(classes)} classes",
            expected="at least one test image that the classifier gets right",
            remedy="train the classifier longer, or check its preprocessing",
        )
    return np.array(found, dtype=np.int64)


def _versions(settings: AdversarialSettings) -> dict[str, str]:
    """Return the versions of the packages that compute the methods; the toolbox is imported if it computes some."""
    versions = {"scipy": scipy.__version__}
    if set(settings.methods) != {"l-bfgs"}:
        from fooling.attacks.adversarial import toolbox

        versions["adversarial-robustness-toolbox"] = toolbox.VERSION
    return versions


def _shape(form: str, count: int, image: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of an array of a declared ``form`` for so many changed images (C, H, W)."""
    lengths = {"B": count, **dict(zip("CHW", image, strict=True))}
    return tuple(lengths.get(letter) or int(letter) for letter in form.split()[1:])
