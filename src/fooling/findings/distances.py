"""How far images lie from all training images, and how confident the network is of them: why networks are fooled.

The paper's answer: a network divides the whole space of images among its classes, also where it has never seen an
image, so that it is sure of images far from all data. Distances are measured to the nearest training image, between
pixels and between features (what the network makes of an image just before it decides), for real test images, evolved
champions, the champions of the random start, and noise. A distance is given as a multiple of the median real image's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from fooling.datasets.dataset import Dataset
from fooling.errors import FoolingError
from fooling.evolution.record import RunRecord
from fooling.findings.calibration import calibrated, log_odds_in
from fooling.findings.columns import CALIBRATED_CONFIDENCE, CLASSIFIER, CONFIDENCE, ENCODING, EXPERIMENT, LOG_ODDS, SEED
from fooling.findings.neighbours import Images, nearest_features, nearest_images
from fooling.seeding import numpy_generator
from fooling.settings import Seed, Settings
from fooling.table import COUNT, FLAG, NOT_NEGATIVE, Column, Table, one_of, or_nothing

DISTANCES = Table(
    name="distances",
    path="findings/distances/{classifier}.parquet",
    commands=("measure-distances",),
    columns=(
        CLASSIFIER,
        Column(
            "kind",
            one_of("real", "noise", "start", "champion"),
            doc="`real`: test images of the half that evaluates the calibration; `noise`: uniform noise; `start`: "
            "champions after the random start of a run, before any evolution; `champion`: champions at its end.",
        ),
        *or_nothing(EXPERIMENT, ENCODING, SEED, doc="empty for `real` and `noise`."),
        Column(
            "image", COUNT, doc="Index among the test images, number of the noise image, or the class of a champion."
        ),
        Column("class_index", COUNT, doc="Class of the champion; of other images the most probable class."),
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
            doc="The pixel distance divided by the median of the real images; empty where that is 0.",
        ),
        Column("pixel_beyond", FLAG, doc="Whether the pixel distance exceeds that of 99 % of the real images."),
        Column(
            "feature_distance",
            NOT_NEGATIVE,
            doc="Distance to the nearest training image in the features of the network, which are the input of its "
            "last layer (maps averaged over their places): root mean square over the features.",
        ),
        Column(
            "feature_ratio",
            NOT_NEGATIVE.or_nothing,
            doc="The feature distance divided by the median of the real images; empty where that is 0.",
        ),
        Column("feature_beyond", FLAG, doc="Whether the feature distance exceeds that of 99 % of the real images."),
    ),
    key=("classifier", "kind", "experiment", "seed", "image"),
    doc="One row for each image: its distance from all training images. All images are fed as in training, also those "
    "that were evolved on another input.",
)
#: An image lies beyond the real ones if it is farther from the training images than this share of them.
BEYOND = 0.99


class DistanceSettings(Settings):
    """Which images are measured beside the champions."""

    distance_images: int = Field(default=1000, ge=1, le=1_000_000)
    """Real test images, and as many images of noise, whose distance to the training images is measured."""
    distance_seed: Seed = 1
    """Seed of the noise, and of the choice of real images."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Images (B, C, H, W) to be measured, and a row for each that says what it is."""

    rows: pd.DataFrame  # kind, experiment, encoding, seed, image, class_index (empty: the one it gets most for)
    images: Images


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a network makes of B images."""

    logits: NDArray[np.float32]  # (B, K)
    features: NDArray[np.float32]  # (B, D)


def shown_images(
    runs: Mapping[str, Sequence[RunRecord]], *, real: pd.DataFrame, dataset: Dataset, settings: DistanceSettings
) -> Shown:
    """Real images of the half that judges the calibration, noise, and the champions of one network's ``runs``.

    ``runs`` has those of every experiment, ``real`` says of every test image in which half it is. Raises
    :class:`FoolingError` for runs on several networks or images of another shape, and where nothing was trained on.
    """
    dataset.require_training_images("a distance to the nearest of them")
    records = [(experiment, run) for experiment, those in runs.items() for run in sorted(those, key=_seed)]
    if len(names := {str(run.classifier["name"]) for _, run in records}) > 1:
        raise FoolingError("these runs are of several classifiers", found=", ".join(sorted(names)), expected="one")
    shape = dataset.test_images.shape[1:]
    if wrong := [run.images.shape[1:] for _, run in records if run.images.shape[1:] != shape]:
        raise FoolingError(f"these runs are not on images like those of {dataset.name}", found=wrong[0], expected=shape)
    judging = real.loc[real["split"] == "evaluation", "image"].to_numpy()
    generator = numpy_generator(settings.distance_seed, "distances", dataset.name)
    chosen = np.sort(generator.permutation(judging)[: settings.distance_images])
    noise = generator.integers(0, 256, (settings.distance_images, *shape), dtype=np.uint8)
    parts = [_part("real", chosen, dataset.test_images[chosen]), _part("noise", np.arange(len(noise)), noise)]
    for experiment, run in records:
        classes = np.arange(len(run.class_names))
        of_run = {"experiment": experiment, "encoding": run.encoding, "seed": run.seed, "class_index": classes}
        parts += [_part("start", classes, run.start_images, **of_run), _part("champion", classes, run.images, **of_run)]
    rows = pd.concat([part.rows for part in parts], ignore_index=True)
    return Shown(rows=rows, images=np.concatenate([part.images for part in parts]))


def distances_table(
    shown: Shown, seen: Seen, trained: Seen, *, classifier: str, temperature: float, dataset: Dataset
) -> pd.DataFrame:
    """One row for each image: its confidence and its distances to the nearest training image.

    ``seen`` is what the network makes of the images, ``trained`` what it makes of the training images. The
    confidence is that in the image's class; in the class that it gets most for where it has none.
    """
    places = np.arange(len(seen.logits))
    told = shown.rows["class_index"].to_numpy(dtype=np.float64, na_value=np.nan)
    classes = np.where(np.isnan(told), seen.logits.argmax(axis=1), told).astype(np.int64)
    table = shown.rows.assign(
        class_index=classes,
        confidence=calibrated(seen.logits, 1.0)[places, classes].astype(np.float32),
        calibrated_confidence=calibrated(seen.logits, temperature)[places, classes],
        log_odds=log_odds_in(seen.logits, classes),
    )
    table.insert(0, "classifier", classifier)
    is_real = (table["kind"] == "real").to_numpy()
    found = {
        "pixel": nearest_images(shown.images, dataset.train_images)[1],
        "feature": nearest_features(seen.features, trained.features)[1],
    }
    for space, distance in found.items():
        middle, last = np.quantile(distance[is_real], [0.5, BEYOND])
        ratio = np.divide(distance, middle, out=np.full(len(distance), np.nan), where=middle > 0)
        columns = {"distance": distance, "ratio": ratio, "beyond": distance > last}
        table = table.assign(**{f"{space}_{name}": values for name, values in columns.items()})
    return table


def _part(kind: str, image: NDArray[np.int64], images: Images, **columns: object) -> Shown:
    described = {"kind": kind, "experiment": None, "encoding": None, "seed": None, "image": image, "class_index": None}
    rows = pd.DataFrame(described | columns)
    return Shown(
        rows=rows.astype({"experiment": "string", "encoding": "string", "seed": "Int64", "class_index": "Int64"}),
        images=images,
    )


def _seed(run: RunRecord) -> int:
    return run.seed
