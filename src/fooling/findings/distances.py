"""Distances from the training images, and the classifier's confidence.

The paper's explanation of fooling: a classifier divides the whole image space among its classes, including regions
without any training image, so it is confident in images far from all data. Distances to the nearest training image are
measured between pixels and between features (the input of the last layer), for test images, champions, champions of
the random start, and noise. They are given as multiples of the median distance of test images.

All sums of products are over whole numbers that float64 holds exactly. They do not depend on the order of summation or
the number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from fooling.attacks.evolution.record import RunRecord
from fooling.datasets.dataset import Dataset
from fooling.findings.calibration import calibrated, log_odds_in
from fooling.findings.registry import (
    CALIBRATED_CONFIDENCE,
    CLASSIFIER,
    CONFIDENCE,
    ENCODING,
    EXPERIMENT,
    LOG_ODDS,
    SEED,
)
from fooling.messages import FoolingError
from fooling.reproducibility import numpy_generator
from fooling.settings import Seed, Settings
from fooling.table import COUNT, FLAG, NOT_NEGATIVE, Column, Table, one_of, or_nothing

BLOCK_BYTES = 64 * 2**20  # of others, and of their distances to the queries, at once
EXACT_BITS = 53  # up to 2**53 float64 holds every whole number

Images = NDArray[np.uint8]
Whole = NDArray[np.integer[Any]] | NDArray[np.float64]


DISTANCES = Table(
    name="distances",
    path="findings/distances/{classifier}.parquet",
    commands=("measure-distances",),
    columns=(
        CLASSIFIER,
        Column(
            "kind",
            one_of("real", "noise", "start", "champion"),
            doc="`real`: test images of the half on which calibration is evaluated; `noise`: uniform noise; `start`: "
            "champions of the random start of a run; `champion`: champions at the end of a run.",
        ),
        *or_nothing(EXPERIMENT, ENCODING, SEED, doc="empty for `real` and `noise`."),
        Column(
            "image", COUNT, doc="Index among the test images, number of the noise image, or the class of a champion."
        ),
        Column("class_index", COUNT, doc="Class of the champion; for other images, the most probable class."),
        *(CONFIDENCE, CALIBRATED_CONFIDENCE, LOG_ODDS),
        Column(
            "pixel_distance",
            NOT_NEGATIVE,
            unit="levels 0 to 1",
            doc="Distance to the nearest training image: root mean square over the pixels.",
        ),
        Column(
            "pixel_ratio",
            NOT_NEGATIVE.or_nothing,
            doc="The pixel distance divided by the median of the real images; empty if that is 0.",
        ),
        Column("pixel_beyond", FLAG, doc="Whether the pixel distance exceeds that of 99 % of the real images."),
        Column(
            "feature_distance",
            NOT_NEGATIVE,
            doc="Distance to the nearest training image between features, the input of the last layer (feature maps "
            "are averaged over positions): root mean square over the features.",
        ),
        Column(
            "feature_ratio",
            NOT_NEGATIVE.or_nothing,
            doc="The feature distance divided by the median of the real images; empty if that is 0.",
        ),
        Column("feature_beyond", FLAG, doc="Whether the feature distance exceeds that of 99 % of the real images."),
    ),
    key=("classifier", "kind", "experiment", "seed", "image"),
    doc="One row for each image: its distance from the nearest training image. All images are preprocessed as in "
    "training, including those that were evolved with other preprocessing.",
)
#: An image is beyond the real images if it is farther from the training images than this share of them.
BEYOND = 0.99


def nearest_images(images: Images, others: Images) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the index (B,) of and distance (B,) to the nearest of ``others`` for each of ``images``.

    ``images`` is (B, C, H, W) and ``others`` (N, C, H, W), both uint8. The distance is the root mean square difference
    over all pixels and channels, with levels scaled to 0..1. Ties go to the lowest index.
    """
    index, squares = nearest_rows(images.reshape(len(images), -1), others.reshape(len(others), -1))
    return index, np.sqrt(squares / math.prod(images.shape[1:])) / 255


def nearest_features(
    features: NDArray[np.float32], others: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the index (B,) of and distance (B,) to the nearest of ``others`` (N, D) for each of ``features`` (B, D).

    The distance is the root mean square difference over the D features. They are rounded to a grid on which all sums
    are exact; for 500 features its step is one two-millionth of the largest feature.
    """
    count = features.shape[1]
    largest = max(float(abs(features).max()), float(abs(others).max()))
    # The grid is a power of two below the largest number, which makes every step of the rounding exact as well.
    bits = int((EXACT_BITS - math.log2(3 * count)) // 2)
    step = 2.0 ** (math.frexp(largest)[1] - bits)
    index, squares = nearest_rows(
        *(np.rint(part.astype(np.float64) / step).astype(np.int32) for part in (features, others))
    )
    return index, np.sqrt(squares / count) * step


def nearest_rows(queries: Whole, others: Whole) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the index (B,) of and squared distance (B,) to the nearest of ``others`` (N, D) for each of ``queries``.

    ``queries`` is (B, D). All values are whole numbers, small enough for exact sums of squares. Ties go to the lowest
    index.
    """
    queries = queries.astype(np.float64)
    best = np.full(len(queries), np.inf)
    index = np.zeros(len(queries), dtype=np.int64)
    rows = max(1, BLOCK_BYTES // (8 * max(queries.shape)))
    for start in range(0, len(others), rows):
        block = others[start : start + rows].astype(np.float64)
        squares = (block**2).sum(axis=1) - 2 * (queries @ block.T)  # less the query's own square: the same for all
        nearest = squares.argmin(axis=1)
        least = squares[np.arange(len(queries)), nearest]
        closer = least < best
        best[closer], index[closer] = least[closer], nearest[closer] + start
    return index, best + (queries**2).sum(axis=1)


class DistanceSettings(Settings):
    """Images whose distance is measured in addition to champions."""

    distance_images: int = Field(default=1000, ge=1, le=1_000_000)
    """Number of test images, and of noise images, whose distance to the training images is measured."""
    distance_seed: Seed = 1
    """Seed of the noise and of the choice of test images."""


@dataclass(frozen=True, kw_only=True)
class MeasuredImages:
    """Images (B, C, H, W) to measure, and a row of the table for each."""

    rows: pd.DataFrame  # kind, experiment, encoding, seed, image, class_index (missing: the most probable class)
    images: Images


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """Logits and features of B images."""

    logits: NDArray[np.float32]  # (B, K)
    features: NDArray[np.float32]  # (B, D)


def images_to_measure(
    runs: Mapping[str, Sequence[RunRecord]], *, real: pd.DataFrame, dataset: Dataset, settings: DistanceSettings
) -> MeasuredImages:
    """Return test images, noise, and the champions of one classifier's ``runs``.

    Args:
        runs: The runs of each experiment.
        real: The table ``real``; the test images are drawn from its evaluation half.
        dataset: Data set of the classifier.
        settings: Number of images, and seed.

    Raises:
        FoolingError: The runs are of several classifiers or have images of another shape, or the data set has no
            training images.
    """
    dataset.require_training_images("a distance to the nearest of them")
    records = [(experiment, run) for experiment, those in runs.items() for run in sorted(those, key=_seed)]
    if len(names := {str(run.classifier["name"]) for _, run in records}) > 1:
        raise FoolingError("the runs are of several classifiers", found=", ".join(sorted(names)), expected="one")
    shape = dataset.test_images.shape[1:]
    if wrong := [run.images.shape[1:] for _, run in records if run.images.shape[1:] != shape]:
        raise FoolingError(
            f"the runs have other images than the data set {dataset.name}", found=wrong[0], expected=shape
        )
    evaluation = real.loc[real["split"] == "evaluation", "image"].to_numpy()
    generator = numpy_generator(settings.distance_seed, "distances", dataset.name)
    chosen = np.sort(generator.permutation(evaluation)[: settings.distance_images])
    noise = generator.integers(0, 256, (settings.distance_images, *shape), dtype=np.uint8)
    parts = [_part("real", chosen, dataset.test_images[chosen]), _part("noise", np.arange(len(noise)), noise)]
    for experiment, run in records:
        classes = np.arange(len(run.class_names))
        of_run = {"experiment": experiment, "encoding": run.encoding, "seed": run.seed, "class_index": classes}
        parts += [_part("start", classes, run.start_images, **of_run), _part("champion", classes, run.images, **of_run)]
    rows = pd.concat([part.rows for part in parts], ignore_index=True)
    return MeasuredImages(rows=rows, images=np.concatenate([part.images for part in parts]))


def distances_table(
    measured: MeasuredImages,
    outputs: Outputs,
    training: Outputs,
    *,
    classifier: str,
    temperature: float,
    dataset: Dataset,
) -> pd.DataFrame:
    """Return one row for each image: its confidence and its distances to the nearest training image.

    Args:
        measured: The images.
        outputs: Logits and features of these images.
        training: Logits and features of the training images.
        classifier: Name of the classifier.
        temperature: Temperature of its calibration; NaN if there is none.
        dataset: Data set of the classifier.

    Returns:
        The table ``distances``. The confidence is that in the image's class, or in the most probable class if the image
        has none.
    """
    places = np.arange(len(outputs.logits))
    given = measured.rows["class_index"].to_numpy(dtype=np.float64, na_value=np.nan)
    classes = np.where(np.isnan(given), outputs.logits.argmax(axis=1), given).astype(np.int64)
    table = measured.rows.assign(
        class_index=classes,
        confidence=calibrated(outputs.logits, 1.0)[places, classes].astype(np.float32),
        calibrated_confidence=calibrated(outputs.logits, temperature)[places, classes],
        log_odds=log_odds_in(outputs.logits, classes),
    )
    table.insert(0, "classifier", classifier)
    is_real = (table["kind"] == "real").to_numpy()
    found = {
        "pixel": nearest_images(measured.images, dataset.train_images)[1],
        "feature": nearest_features(outputs.features, training.features)[1],
    }
    for space, distance in found.items():
        middle, last = np.quantile(distance[is_real], [0.5, BEYOND])
        ratio = np.divide(distance, middle, out=np.full(len(distance), np.nan), where=middle > 0)
        columns = {"distance": distance, "ratio": ratio, "beyond": distance > last}
        table = table.assign(**{f"{space}_{name}": values for name, values in columns.items()})
    return table


def _part(kind: str, image: NDArray[np.int64], images: Images, **columns: object) -> MeasuredImages:
    described = {"kind": kind, "experiment": None, "encoding": None, "seed": None, "image": image, "class_index": None}
    rows = pd.DataFrame(described | columns)
    return MeasuredImages(
        rows=rows.astype({"experiment": "string", "encoding": "string", "seed": "Int64", "class_index": "Int64"}),
        images=images,
    )


def _seed(run: RunRecord) -> int:
    return run.seed
