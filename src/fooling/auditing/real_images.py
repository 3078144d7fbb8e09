"""Test images of an audit: error, calibration, fooling images that survive refusal, and usual preprocessings.

With test images an audit compares the fooling images with real ones; without them it says nothing about real images.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import scipy  # its parts load when they are called
import torch
from numpy.typing import NDArray
from pydantic import Field

from fooling.auditing.doors import IMAGENET
from fooling.classifiers.assembly import offset_and_scale
from fooling.classifiers.classifier import Classifier, confidences_of, log_odds_of
from fooling.classifiers.settings import InputSettings
from fooling.classifiers.wrapped import ScoringFunction
from fooling.datasets.dataset import load_dataset
from fooling.datasets.folder import decoded, pictures_of_classes
from fooling.findings.calibration import CalibrationSettings, expected_calibration_error
from fooling.messages import FoolingError, Progress, progress, say
from fooling.reproducibility import evenly_spaced, numpy_generator
from fooling.retraining.fooling_class import fitted_refusal
from fooling.schemas import Header

if TYPE_CHECKING:
    from fooling.auditing.audit import SearchResult

#: Test images that are used at most: an error of so many has a standard error of half a percent or less.
MOST_IMAGES = 10_000
#: Shares of the correctly classified test images that the network is made to refuse.
REFUSED = (0.01, 0.05)
#: Test images on which the best of the usual preprocessings is chosen, and others on which it is then tested.
CHOOSING, TESTING = 100, 400
#: A preprocessing with a p value above this is not clearly better.
LARGEST_P = 0.01


@dataclass(frozen=True, kw_only=True, eq=False)
class RealImages:
    """Test images of a network, uint8 (N, C, H, W), with the index (N,) of the class of each."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    source: str
    """Where they come from, for the page."""


class Refused(Header):
    """What is left of the fooling images if the network refuses all images below a confidence."""

    rate: float = Field(ge=0, le=1)
    """Share of the correctly classified test images that is refused."""
    confidence: float | None = Field(ge=0, le=1)
    """Confidence below which an image is refused; null: too few test images for this share."""
    fooled: dict[str, int] | None
    """By search: classes whose image is accepted and labelled as this class; null as above."""


class OtherPreprocessing(Header):
    """A usual preprocessing with which the network classifies the test images clearly better."""

    name: str
    """The preprocessing as a formula."""
    options: str
    """Options that choose it."""
    images: int
    """Test images on which the two were compared. It was chosen among the usual ones on other images."""
    error: float = Field(ge=0, le=1)
    """Error on these images with this preprocessing."""
    error_as_given: float = Field(ge=0, le=1)
    """Error on the same images with the preprocessing of the audit."""
    p_value: float = Field(ge=0, le=1)
    """Two-sided p value of the exact McNemar test."""


class RealResult(Header):
    """What the network does with test images."""

    source: str
    """Where the test images come from."""
    images: int
    """Number of test images."""
    error: float = Field(ge=0, le=1)
    """Test error: share of the images whose most probable class is not theirs."""
    calibration_error: float = Field(ge=0, le=1)
    """Expected calibration error, with 15 bins of equal width."""
    right: int
    """Correctly classified test images."""
    right_at_threshold: float | None = Field(ge=0, le=1)
    """Share of these whose confidence reaches the threshold; null: there are none."""
    wrong: int
    """Misclassified test images."""
    wrong_at_threshold: float | None = Field(ge=0, le=1)
    """Share of these whose confidence reaches the threshold; null: there are none."""
    refused: tuple[Refused, ...]
    """What is left of the fooling images if the network refuses uncertain images."""


def real_images(images: object, labels: object, classifier: Classifier, *, source: str) -> RealImages:
    """Return test images after checking that they fit ``classifier``; of too many, evenly spaced ones.

    Args:
        images: uint8 (N, C, H, W), NumPy or torch.
        labels: Index (N,) of the class of each image in the network's order.
        classifier: The classifier.
        source: Where they come from, for messages and the page.

    Raises:
        FoolingError: Type or shape is another one, a label is no class of the network, or there are no images.
    """
    pictures, classes, last = np.asarray(images), np.asarray(labels), len(classifier.targets) - 1
    if pictures.dtype != np.uint8 or pictures.shape[1:] != classifier.input_shape or len(pictures) == 0:
        raise FoolingError(
            f"{source}: the test images do not fit the network",
            found=f"{pictures.dtype} {pictures.shape}",
            expected=f"uint8 (N, {', '.join(map(str, classifier.input_shape))}), N at least 1",
        )
    is_whole = classes.shape == pictures.shape[:1] and classes.dtype.kind in "iu"
    if not is_whole or classes.min() < 0 or classes.max() > last:
        raise FoolingError(
            f"{source}: the labels do not fit the network and the test images",
            found=f"{classes.dtype} {classes.shape}"
            + (f" from {classes.min()} to {classes.max()}" if is_whole else ""),
            expected=f"{len(pictures)} whole numbers from 0 to {last}: classes in the network's own order",
        )
    kept = _kept(len(pictures), source)
    return RealImages(images=pictures[kept], labels=classes[kept].astype(np.int64), source=source)


def read_real_images(path: Path, classifier: Classifier) -> RealImages:
    """Return the test images in a data set file of this project, or in a folder with a subfolder for each class.

    Raises :class:`FoolingError` if classes or images do not fit the network, or something cannot be read.
    """
    return _of_folder(path, classifier) if path.is_dir() else _of_dataset(path, classifier)


def measured(
    classifier: Classifier, real: RealImages, champions: Sequence[SearchResult], *, threshold: float
) -> RealResult:
    """Measure what ``classifier`` does with test images, and which champions it does not refuse.

    Args:
        classifier: The classifier.
        real: The test images.
        champions: The best images of each search.
        threshold: Confidence from which an image counts as fooling the network.
    """
    with progress(total=len(real.labels), description="test images", unit="images") as counter:
        logits = _logits(classifier, real.images, counter)
    predicted = logits.argmax(dim=1).numpy()
    own = torch.from_numpy(predicted)[:, None]
    confidences = confidences_of(logits).gather(1, own)[:, 0].double().numpy()
    log_odds = log_odds_of(logits).gather(1, own)[:, 0].numpy()
    right = predicted == real.labels
    reached = confidences >= threshold
    labelled = {search.name: _log_odds_if_labelled(classifier, search) for search in champions}
    return RealResult(
        source=real.source,
        images=len(right),
        error=float((~right).mean()),
        calibration_error=expected_calibration_error(confidences, right, bins=CalibrationSettings().calibration_bins),
        right=int(right.sum()),
        right_at_threshold=float(reached[right].mean()) if right.any() else None,
        wrong=int((~right).sum()),
        wrong_at_threshold=float(reached[~right].mean()) if not right.all() else None,
        refused=tuple(_refused(rate, log_odds[right], labelled) for rate in REFUSED),
    )


def _refused(rate: float, right: NDArray[np.float64], champions: Mapping[str, NDArray[np.float64]]) -> Refused:
    """Return what is left if ``rate`` of images with the log-odds ``right`` (N,) is refused, at least one of them."""
    if rate * len(right) < 0.5:
        return Refused(rate=rate, confidence=None, fooled=None)
    # The network refuses by one score, as one without a fooling class does by its largest logit.
    least = fitted_refusal(right[:, None].astype(np.float32), rate, appended=True).shift
    return Refused(
        rate=rate,
        confidence=float(scipy.special.expit(least)),
        fooled={name: int((log_odds >= least).sum()) for name, log_odds in champions.items()},
    )


def _log_odds_if_labelled(classifier: Classifier, search: SearchResult) -> NDArray[np.float64]:
    """Return the log-odds (B,) of the images of a search in their class; -inf where another class is more probable."""
    predicted = classifier.logits(torch.from_numpy(search.images)).argmax(dim=1).cpu().numpy()
    return np.where(predicted == search.classes, search.log_odds, -np.inf)


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """A way in which levels from 0 to 255 become the input of a network."""

    name: str
    offset: torch.Tensor  # broadcastable to (C, H, W), as in a classifier
    scale: torch.Tensor
    options: str
    is_reversed: bool = False
    """Whether the channels are in the order BGR."""

    def right(self, classifier: Classifier, real: RealImages, counter: Progress) -> NDArray[np.bool_]:
        """Return which test images (N,) ``classifier`` would classify correctly with this preprocessing."""
        images = real.images[:, ::-1].copy() if self.is_reversed else real.images
        changed = dataclasses.replace(classifier, offset=self.offset, scale=self.scale)
        try:
            right: NDArray[np.bool_] = _logits(changed, images, counter).argmax(dim=1).numpy() == real.labels
        except FoolingError:  # its logits are not finite
            return np.zeros(len(images), dtype=bool)
        return right


def usual_preprocessings(classifier: Classifier) -> list[Preprocessing]:
    """Return the usual preprocessings for this number of channels, but that of ``classifier``."""
    channels = classifier.input_shape[0]
    found = [_preprocessing(*usual, channels=channels) for usual in (*FOR_ALL, *FOR_CHANNELS[channels])]
    if channels == 3:
        own = {"offset": classifier.offset.cpu(), "scale": classifier.scale.cpu()}
        found.append(Preprocessing(name="the present one in the order BGR", options=BGR, is_reversed=True, **own))
    return [each for each in found if each.is_reversed or not _is_of(each, classifier)]


def better_preprocessing(classifier: Classifier, real: RealImages, *, seed: int) -> OtherPreprocessing | None:
    """Return a usual preprocessing with which ``classifier`` is clearly better; None: there is none.

    The best one on some test images is compared with the present one on others, by the exact McNemar test: of the
    images that only one of them classifies correctly, half are expected for each. A function, which is given the levels
    themselves, has no preprocessing to compare.

    Args:
        classifier: The classifier.
        real: Its test images.
        seed: Seed that divides them.
    """
    if isinstance(classifier.network, ScoringFunction):
        return None
    centre, others = classifier.with_centre_view(), usual_preprocessings(classifier)
    order = numpy_generator(seed, "preprocessing").permutation(len(real.labels))[: CHOOSING + TESTING]
    rows = order[: len(order) * CHOOSING // (CHOOSING + TESTING)]
    choosing, testing = (
        dataclasses.replace(real, images=real.images[part], labels=real.labels[part])
        for part in (rows, order[len(rows) :])
    )
    scored = len(others) * len(choosing.labels) + 2 * len(testing.labels)
    with progress(total=scored, description="usual preprocessings", unit="images") as counter:
        chosen = max(others, key=lambda each: each.right(centre, choosing, counter).sum())
        other = chosen.right(centre, testing, counter)
        now = _logits(centre, testing.images, counter).argmax(dim=1).numpy() == testing.labels
    gained, lost = int((other & ~now).sum()), int((now & ~other).sum())
    p_value = scipy.stats.binomtest(gained, gained + lost).pvalue if gained > lost else 1.0
    if p_value > LARGEST_P:
        return None
    return OtherPreprocessing(
        name=chosen.name,
        options=chosen.options,
        images=len(now),
        error=float((~other).mean()),
        error_as_given=float((~now).mean()),
        p_value=float(p_value),
    )


#: How to give a network colours in another order.
BGR = "--colour bgr for an ONNX network; in your own code, reverse the channels first"
#: Name, divisor, mean, std (one number for all channels or one for each), and whether the channels are in order BGR.
Usual = tuple[str, float, list[float], list[float], bool]
FOR_ALL: tuple[Usual, ...] = (
    ("x", 1.0, [], [], False),
    ("x / 255", 255.0, [], [], False),
    ("x / 127.5 - 1, from -1 to 1", 127.5, [1.0], [1.0], False),
    ("(x - 127) / 128", 1.0, [127.0], [128.0], False),
)
FOR_CHANNELS: dict[int, tuple[Usual, ...]] = {
    1: (("x / 255 with MNIST's mean and std", 255.0, [0.1307], [0.3081], False),),
    3: (
        ("x / 255 with ImageNet's mean and std", 255.0, IMAGENET["mean"], IMAGENET["std"], False),
        ("BGR minus Caffe's means", 1.0, [103.939, 116.779, 123.68], [], True),
    ),
}


def _preprocessing(
    name: str, divisor: float, mean: list[float], std: list[float], is_reversed: bool, *, channels: int
) -> Preprocessing:
    given = {"--divisor": [divisor], "--mean": mean, "--std": std}
    options = [f"{option} {','.join(f'{each:g}' for each in values)}" for option, values in given.items() if values]
    mean, std = (numbers * channels if len(numbers) == 1 else numbers for numbers in (mean, std))
    settings = InputSettings(divisor=divisor, mean=mean, std=std)
    offset, scale = offset_and_scale(settings, torch.zeros(channels, 1, 1))
    return Preprocessing(
        name=name,
        offset=offset,
        scale=scale,
        options=f"{' '.join(options)}{f', and {BGR}' if is_reversed else ''}",
        is_reversed=is_reversed,
    )


def _is_of(preprocessing: Preprocessing, classifier: Classifier) -> bool:
    ends = torch.tensor([0.0, 255.0]).reshape(2, 1, 1, 1)
    one = (ends - preprocessing.offset) * preprocessing.scale
    other = (ends - classifier.offset.cpu()) * classifier.scale.cpu()
    return bool(torch.isclose(one, other, rtol=1e-3, atol=1e-3).all())


def _logits(classifier: Classifier, images: NDArray[np.uint8], counter: Progress) -> torch.Tensor:
    """Return the logits (N, K) of ``images`` (N, C, H, W) on the CPU, and count the images."""
    parts, size = [], 8 * classifier.chunk_size
    for start in range(0, len(images), size):
        parts.append(classifier.logits(torch.from_numpy(images[start : start + size])).cpu())
        counter.advance(len(parts[-1]))
    return torch.cat(parts) if parts else torch.empty(0, len(classifier.class_names))


def _of_dataset(path: Path, classifier: Classifier) -> RealImages:
    """Return the test images of a data set; classes of the same names are matched by name, others by their order."""
    dataset, targets = load_dataset(path), classifier.targets
    if set(dataset.class_names) == set(targets):
        places = np.array([targets.index(name) for name in dataset.class_names])
        return real_images(dataset.test_images, places[dataset.test_labels], classifier, source=path.name)
    if len(dataset.class_names) != len(targets):
        raise FoolingError(
            f"{path} has other classes than the network",
            found=f"{len(dataset.class_names)} classes: {', '.join(dataset.class_names[:3])}, …",
            expected=f"{len(targets)} classes: {', '.join(targets[:3])}, …",
        )
    say(f"{path}: its class names are not those of the network; its classes are taken to be in the network's order")
    return real_images(dataset.test_images, dataset.test_labels, classifier, source=path.name)


def _kept(count: int, source: str) -> list[int]:
    """Return the places of the images that are used, and print if some are not."""
    if count > MOST_IMAGES:
        say(f"{source}: {MOST_IMAGES:,} of {count:,} test images are used, evenly spaced")
    return evenly_spaced(count, MOST_IMAGES)


def _of_folder(folder: Path, classifier: Classifier) -> RealImages:
    paths, labels = pictures_of_classes(folder, classifier.targets)
    kept = _kept(len(paths), str(folder))
    with progress(total=len(kept), description=f"reading {folder}", unit="pictures") as counter:
        shown = decoded(folder, [paths[place] for place in kept], classifier.input_shape, after_picture=counter.advance)
        return real_images(np.stack(list(shown)), labels[kept], classifier, source=folder.resolve().name)
