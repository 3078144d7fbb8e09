"""The fooling class: the images that fill it, which images it recognises, and refusal at a given rate."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from fooling.classifiers.classifier import Classifier, Refusal
from fooling.datasets.dataset import Dataset
from fooling.encodings.encoding import Encoding, Genomes
from fooling.messages import FoolingError
from fooling.reproducibility import numpy_generator
from fooling.retraining.settings import MatchSettings

if TYPE_CHECKING:
    from fooling.attacks.evolution.record import RunRecord
    from fooling.training.images import Pictures

FOOLING = "fooling"  # the name of the class
RANDOM = "random image"  # what random images are images of
BATCH = 200  # random images drawn at once
REFUSING = "refusing"  # added to the name of a network


def champions_dataset(training: Sequence[RunRecord], test: Sequence[RunRecord]) -> Dataset:
    """Return the champions of the runs: for every class the one after the start and the one at the end.

    The labels are the classes that they were evolved for. Raises :class:`FoolingError` for runs of different networks,
    and where a run stands in both parts: no image is used twice.
    """
    records = [*training, *test]
    networks = sorted({record.classifier["sha256"] for record in records})
    if len(networks) > 1:
        raise FoolingError("these runs are of several classifiers", found=", ".join(networks), expected="one")
    seeds = [record.seed for record in records]
    if len(set(seeds)) < len(seeds):
        raise FoolingError("a run is given twice", found=f"{len(seeds)} runs of {len(set(seeds))} seeds")
    name = records[0].classifier["name"]
    return Dataset(
        name=f"fooling images of {name}",
        class_names=records[0].class_names,
        provenance={
            "classifier": dict(records[0].classifier),
            "training_seeds": [record.seed for record in training],
            "test_seeds": [record.seed for record in test],
        },
        **_part("train", training),
        **_part("test", test),
    )


def random_dataset(draw: Callable[[int], NDArray[np.uint8]], *, training: int, test: int, seed: int) -> Dataset:
    """Return a data set of images that ``draw`` makes, (B, C, H, W) for B; no network has selected them."""
    images = np.concatenate([draw(count) for count in _batches(training + test)])
    labels = np.zeros(len(images), dtype=np.int64)
    return Dataset(
        name="random images",
        class_names=(RANDOM,),
        provenance={"seed": seed},
        train_images=images[:training],
        train_labels=labels[:training],
        test_images=images[training:],
        test_labels=labels[training:],
    )


def with_fooling_class(dataset: Dataset, sets: Sequence[Dataset]) -> Dataset:
    """Return ``dataset`` with one more class: the training images of all ``sets``. Tests use real images alone.

    Raises :class:`FoolingError` for fooling images of another shape, if a class is called fooling already, and where
    there are no real training images.
    """
    dataset.require_training_images("a network with a fooling class")
    if FOOLING in dataset.class_names:
        raise FoolingError(f"{dataset.name} has a class called {FOOLING!r} already", remedy="rename that class")
    for images in sets:
        if images.image_shape != dataset.image_shape:
            raise FoolingError(
                f"the {images.name} do not fit {dataset.name}", found=images.image_shape, expected=dataset.image_shape
            )
    count = sum(len(images.train_images) for images in sets)
    labels = np.full(count, len(dataset.class_names), dtype=np.int64)
    return Dataset(
        name=dataset.name,
        class_names=(*dataset.class_names, FOOLING),
        train_images=np.concatenate([dataset.train_images, *(images.train_images for images in sets)]),
        train_labels=np.concatenate([dataset.train_labels, labels]),
        test_images=dataset.test_images,
        test_labels=dataset.test_labels,
        provenance=dataset.provenance,
    )


class PicturesWithFoolingClass:
    """Pictures read on demand, followed by the training images of all ``sets`` as one more class."""

    def __init__(self, pictures: Pictures, sets: Sequence[Dataset], *, classes: int) -> None:
        """Join ``pictures`` of this number of ``classes`` with the fooling images."""
        self._pictures, self._fooling = pictures, np.concatenate([images.train_images for images in sets])
        self._labels = np.concatenate([pictures.labels, np.full(len(self._fooling), classes, dtype=np.int64)])

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class index (N,) of each picture and image."""
        return self._labels

    def image(self, index: int) -> NDArray[np.uint8]:
        """Return the picture or fooling image ``index``, (C, H, W); raise what the pictures raise."""
        fooling = index - len(self._pictures.labels)
        image: NDArray[np.uint8] = self._pictures.image(index) if fooling < 0 else self._fooling[fooling]
        return image


def _part(name: str, records: Sequence[RunRecord]) -> dict[str, Any]:
    """Return the images and labels of one part of a data set."""
    classes = np.arange(len(records[0].class_names))
    images = np.concatenate([part for record in records for part in (record.start_images, record.images)])
    return {f"{name}_images": images, f"{name}_labels": np.tile(classes, 2 * len(records))}


def _batches(images: int) -> Iterator[int]:
    for first in range(0, images, BATCH):
        yield min(BATCH, images - first)


G = TypeVar("G", bound=Genomes)


def unselected_images(
    encoding: Encoding[G], count: int, *, generations: int, generator: torch.Generator
) -> torch.Tensor:
    """Render ``count`` images (B, C, H, W), an even number: of random genomes and, in turn with them, of drifted ones.

    As champions do, one half comes from the start and one from the end of a run of so many ``generations``, here
    without any selection: every genome has one child a generation, with a mate drawn anew where the encoding
    recombines. Without any generation all are of random genomes.
    """
    if generations == 0:
        return encoding.render(encoding.random(count, generator))
    half = count // 2
    start = encoding.render(encoding.random(half, generator))
    drifting = encoding.random(half + half % 2, generator)  # mates are adjacent, so their number is even
    for generation in range(1, generations + 1):
        order = torch.randperm(len(drifting), generator=generator)
        drifting = encoding.vary(drifting.take(order), generation, generator)
    end = encoding.render(drifting.take(torch.arange(half)))
    return torch.stack((start, end), dim=1).flatten(end_dim=1)


def halves(images: int, *, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices of two halves of so many test images, drawn by ``seed``, each in ascending order."""
    order = numpy_generator(seed, "halves of the test images").permutation(images)
    return np.sort(order[: images // 2]), np.sort(order[images // 2 :])


def margins_of(logits: NDArray[np.float32], *, appended: bool) -> NDArray[np.float64]:
    """Return by how much (B,) the largest logit of a real class exceeds that of the fooling class.

    ``logits`` are (B, L); with ``appended`` there is no fooling class among them, and its logit counts as 0.
    """
    exact = logits.astype(np.float64)
    return np.asarray(exact.max(axis=1) if appended else exact[:, :-1].max(axis=1) - exact[:, -1])


def refused(logits: NDArray[np.float32], refusal: Refusal) -> NDArray[np.bool_]:
    """Return for which images (B,), by the network's ``logits`` (B, L), the fooling class is the most probable one."""
    shifted = refusal.shifted(torch.from_numpy(logits))
    return (shifted.argmax(dim=1) == shifted.shape[1] - 1).numpy()


def fitted_refusal(logits: NDArray[np.float32], rate: float, *, appended: bool) -> Refusal:
    """Return the constant with which ``rate`` of the images with these ``logits`` (B, L) are refused, at least one.

    It lies midway between the margins of the last image refused and the first one accepted. Raises
    :class:`FoolingError` where the rate is less than half an image.
    """
    if rate * len(logits) < 0.5:
        raise FoolingError(
            "there are too few test images for this refusal rate",
            found=f"{rate:g} of {len(logits)} images",
            expected=f"at least {round(0.5 / rate)} images in each half",
            remedy="set higher refusal.rates and refusal.evolved_rate, or take a data set with more test images",
        )
    ordered = np.sort(margins_of(logits, appended=appended))
    first = max(round(rate * len(ordered)), 1)
    return Refusal(shift=float(ordered[first - 1] + ordered[first]) / 2, appended=appended)


def refusing(classifier: Classifier, dataset: Dataset, settings: MatchSettings) -> Classifier:
    """Return ``classifier`` with the constant on its fooling class, which it gains if it has none.

    The constant is fitted on half of the test images of ``dataset``; the provenance holds the share of each half that
    is refused.
    """
    appended = not classifier.fooling_class
    logits = classifier.logits(torch.from_numpy(dataset.test_images)).cpu().numpy()
    fitted, kept_back = halves(len(logits), seed=settings.seed)
    refusal = fitted_refusal(logits[fitted], settings.rate, appended=appended)
    found = {
        "rate": settings.rate,
        "refused_fitted": float(refused(logits[fitted], refusal).mean()),
        "refused": float(refused(logits[kept_back], refusal).mean()),
    }
    return dataclasses.replace(
        classifier,
        name=f"{classifier.name}/{REFUSING}",
        class_names=(*classifier.class_names, FOOLING) if appended else classifier.class_names,
        fooling_class=True,
        refusal=refusal,
        provenance={**classifier.provenance, "refusal": found},
    )


def recognised(classifier: Classifier, real: Dataset, sets: Sequence[Dataset]) -> list[dict[str, Any]]:
    """Return the share of test images of each source whose most probable class is the fooling class.

    ``supplied_by`` is 0 for real images, else the number of the network that was fooled by them; ``images`` is how many
    there are, ``share`` the part of them that is recognised: 0 in a network without a fooling class.
    """
    found = []
    for supplied_by, images in enumerate([real, *sets]):
        classes = classifier.logits(torch.from_numpy(images.test_images)).argmax(dim=1)
        called = classifier.fooling_class & (classes == len(classifier.class_names) - 1)
        found.append({"supplied_by": supplied_by, "images": len(classes), "share": float(called.double().mean())})
    return found
