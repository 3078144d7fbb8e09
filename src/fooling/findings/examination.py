"""Proxies of recognisability: champions scored by an independent classifier and compared with training images."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from fooling.attacks.evolution.record import RunRecord
from fooling.datasets.dataset import Dataset
from fooling.findings.calibration import calibrated
from fooling.findings.distances import nearest_images
from fooling.findings.registry import CALIBRATED_CONFIDENCE, CLASS, CLASSIFIER, CONFIDENCE, EXPERIMENT, PNG, SEARCHES
from fooling.images import png_bytes
from fooling.messages import FoolingError
from fooling.reproducibility import numpy_generator
from fooling.settings import Seed, Settings
from fooling.table import COUNT, NOT_NEGATIVE, NUMBER, SHARE, TEXT, Column, Table, Values, one_of, or_nothing

REAL_IMAGES = "real-images"  # in place of a search
EXAMINED = Table(
    name="examined",
    path="findings/examined/{classifier}/{experiment}.parquet",
    commands=("examine",),
    columns=(
        *(CLASSIFIER, EXPERIMENT),
        Column("search", one_of(*SEARCHES, REAL_IMAGES), doc="Search of the run, or `real-images`."),
        Column("seed", COUNT, doc="Seed of the run; for a real image, its index among the test images."),
        *(*CLASS, CONFIDENCE, CALIBRATED_CONFIDENCE),
        *or_nothing(
            Column("independent", TEXT, doc="Name of another, independently trained classifier."),
            Column("independent_confidence", SHARE, doc="Confidence of that classifier in the same class."),
            Column("independent_label", COUNT, doc="Index of the class that it predicts."),
            doc="empty if the study names no independent classifier.",
        ),
        *or_nothing(
            Column(
                "nearest_distance",
                NOT_NEGATIVE,
                unit="levels 0 to 1",
                doc="Distance to the nearest training image: root mean square over the pixels.",
            ),
            Column("nearest_index", COUNT, doc="Index of that training image."),
            Column("nearest_label", COUNT, doc="Index of the class of that training image."),
            doc="empty if the data set has no training images.",
        ),
        *or_nothing(
            Column(
                "similar_class",
                COUNT,
                doc="Class of the most similar champion of another seed, same search and classifier.",
            ),
            Column("similar_correlation", NUMBER, doc="Pearson correlation between the pixels of the two champions."),
            doc="empty for real images, and if there is only one seed.",
        ),
    ),
    key=("classifier", "experiment", "search", "seed", "class_index"),
    doc="One row for each champion at the end of each run, and for comparison one row for each of some real test "
    "images that the classifier labels correctly; their `class_index` is their label.",
)
#: Ways to fool a network, in the order of the figure, with their names for readers.
KINDS = {
    "direct-champion": "champion, direct encoding",
    "cppn-champion": "champion, CPPN encoding",
    "gradient-ascent": "gradient ascent",
    "label-only-champion": "champion, labels alone",
    "adversarial-example": "adversarial example",
    "universal-perturbation": "universal perturbation",
    "smooth-random-image": "best smooth random image",
}
KINDS_TABLE = Table(
    name="kinds",
    path="findings/kinds.parquet",
    commands=("compare-kinds",),
    columns=(
        CLASSIFIER,
        Column("kind", one_of(*KINDS), doc="How the image was made."),
        Column("source", TEXT, doc="Name of the experiment or attack, or of the family of random images."),
        *(*CLASS, CONFIDENCE),
        *or_nothing(
            Column("true_class", TEXT, doc="Class of the real image that was changed."),
            doc="empty if the image was not made from a real one.",
        ),
        Column(
            "evaluations",
            COUNT,
            unit="images",
            doc="Evaluations of the classifier until the image was found: of a search for all classes at once those of "
            "the whole search until then, else those for this image; 1 for a forward pass, 2 for a backward pass.",
        ),
        *or_nothing(
            Column("other", TEXT, doc="Name of another classifier of the data set."),
            Column("other_label", TEXT, doc="Name of the class that it gives to the image."),
            Column("other_confidence", SHARE, doc="Its confidence in the class of the first classifier."),
            Column(
                "transfers", Values(kind="whole", least=0, most=1), doc="Whether both classes are the same: 1, or 0."
            ),
            doc="empty if there is no other classifier.",
        ),
        PNG,
    ),
    key=("classifier", "kind"),
    doc="One image for each way to fool one network that the study has: the one with the median confidence of its "
    "kind. An illustration, without statistics.",
)
Images = NDArray[np.uint8]
PIXELS_AT_ONCE = 4096


class ExaminationSettings(Settings):
    """Real images with which champions are compared."""

    real_images: int = Field(default=200, ge=0, le=1_000_000)
    """Number of real test images that are examined like the champions, for comparison."""
    real_images_seed: Seed = 1
    """Seed of the choice of these images."""


@dataclass(frozen=True, kw_only=True)
class IndependentClassifier:
    """A classifier that took no part in the evolution."""

    name: str
    confidences: Callable[[Images], NDArray[np.float32]]  # (B, C, H, W) uint8 to (B, K)


@dataclass(frozen=True, kw_only=True)
class FoolingImages:
    """Images of one kind that fool a classifier."""

    kind: str  # of KINDS
    source: str
    images: Images  # (B, C, H, W)
    classes: NDArray[np.int64]  # (B,) that the classifier takes them for
    confidences: NDArray[np.float32]  # (B,)
    log_odds: NDArray[np.float64]  # (B,)
    evaluations: NDArray[np.int64]  # (B,)
    true_classes: NDArray[np.int64] | None = None  # (B,) of the real images that were changed


def kinds_table(
    found: Sequence[FoolingImages],
    *,
    classifier: str,
    class_names: Sequence[str],
    other: IndependentClassifier | None,
) -> pd.DataFrame:
    """Return one row for each kind of images ``found``: the one with the median confidence, the lower one of two.

    Args:
        found: Images of each kind; of a kind without images there is no row.
        classifier: Name of the classifier that they fool.
        class_names: Names of its classes.
        other: Another classifier with the same classes, which is shown the images; None: there is none.

    Raises:
        FoolingError: An image is of a class that the classifier does not have.
    """
    rows = []
    for each in (each for each in found if len(each.images)):
        place = int(np.argsort(each.log_odds, kind="stable")[(len(each.log_odds) - 1) // 2])
        image, index = each.images[place], int(each.classes[place])
        true = None if each.true_classes is None else int(each.true_classes[place])
        if max(index, true or 0) >= len(class_names):
            found_class = f"class {max(index, true or 0)} in {each.source}"
            expected = f"classes 0 to {len(class_names) - 1}, those of {classifier}"
            raise FoolingError("an image is of a class that the network lacks", found=found_class, expected=expected)
        row: dict[str, Any] = {
            **{"classifier": classifier, "kind": each.kind, "source": each.source},
            **{"class_index": index, "class_name": class_names[index], "confidence": each.confidences[place]},
            "true_class": None if true is None else class_names[true],
            "evaluations": int(each.evaluations[place]),
            **{"other": None, "other_label": None, "other_confidence": np.nan, "transfers": pd.NA},
            "png": base64.b64encode(png_bytes(image)).decode(),
        }
        if other is not None:
            shares = other.confidences(image[None])[0]
            label = int(shares.argmax())
            row |= {"other": other.name, "other_label": class_names[label], "other_confidence": shares[index]}
            row["transfers"] = int(label == index)
        rows.append(row)
    table = pd.DataFrame(rows, columns=KINDS_TABLE.names)
    order = {kind: place for place, kind in enumerate(KINDS)}
    types = {"true_class": "string", "other": "string", "other_label": "string", "transfers": "Int64"}
    return table.sort_values("kind", key=lambda kinds: kinds.map(order), ignore_index=True).astype(types)


def examined_table(
    records: Sequence[RunRecord],
    *,
    experiment: str,
    temperature: float,
    real: pd.DataFrame,
    dataset: Dataset,
    independent: IndependentClassifier | None,
    settings: ExaminationSettings,
) -> pd.DataFrame:
    """Return one row for each champion of one classifier's runs, and for some correctly labelled test images.

    Args:
        records: Runs on the classifier.
        experiment: Name of the experiment.
        temperature: Temperature of its calibration; NaN if there is none.
        real: The table ``real`` of the classifier.
        dataset: Data set on which the classifier was trained; without training images the columns about them are empty.
        independent: Another classifier, or None; without it the columns about it are empty.
        settings: Number of test images, and seed.

    Raises:
        FoolingError: The runs are of several classifiers.
    """
    if len(names := {record.classifier["name"] for record in records}) > 1:
        raise FoolingError("the runs are of several classifiers", found=", ".join(sorted(names)), expected="one")
    ordered = sorted(records, key=lambda record: (record.search, record.seed))
    champions = [_champions_of(record, temperature) for record in ordered]
    chosen = _real_images(real, dataset, settings)
    table = pd.concat([*champions, chosen], ignore_index=True)
    table.insert(0, "classifier", records[0].classifier["name"])
    table.insert(1, "experiment", experiment)
    table.insert(5, "class_name", [dataset.class_names[index] for index in table["class_index"]])
    images = np.concatenate([*(record.images for record in ordered), dataset.test_images[chosen["seed"]]])
    return table.assign(
        **_independent_columns(images, table["class_index"].to_numpy(), independent),
        **_nearest_training_images(images, dataset),
        **_most_similar(images, table),
    )


def correlations(images: Images) -> NDArray[np.float64]:
    """Return Pearson's correlation (B, B) between the pixels of ``images`` (B, C, H, W); 0 for a uniform image.

    All sums are exact, as in :mod:`fooling.findings.distances`, so the order of summation does not matter. Pixels are
    processed in blocks, because thousands of large images do not fit in memory as float64.
    """
    levels = images.reshape(len(images), -1)
    sums = levels.sum(axis=1, dtype=np.float64)
    products = np.zeros((len(images), len(images)))
    for start in range(0, levels.shape[1], PIXELS_AT_ONCE):
        part = levels[:, start : start + PIXELS_AT_ONCE].astype(np.float64)
        products += part @ part.T
    covariances = levels.shape[1] * products - np.outer(sums, sums)
    spreads = np.sqrt(np.outer(covariances.diagonal(), covariances.diagonal()))
    return np.divide(covariances, spreads, out=np.zeros_like(covariances), where=spreads > 0)


def _champions_of(record: RunRecord, temperature: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "search": record.search,
            "seed": record.seed,
            "class_index": np.arange(len(record.class_names)),
            "confidence": record.confidences,
            "calibrated_confidence": calibrated(record.logits, temperature).diagonal(),
        }
    )


def _real_images(real: pd.DataFrame, dataset: Dataset, settings: ExaminationSettings) -> pd.DataFrame:
    """Return some correctly labelled images of the evaluation half, in the columns of a champion."""
    right = real[(real["split"] == "evaluation") & (real["predicted"] == real["label"])]
    generator = numpy_generator(settings.real_images_seed, "real images", dataset.name)
    drawn = generator.permutation(len(right))[: settings.real_images]
    chosen = right.iloc[np.sort(drawn)]
    return pd.DataFrame(
        {
            "search": REAL_IMAGES,
            "seed": chosen["image"].to_numpy(),
            "class_index": chosen["label"].to_numpy(),
            "confidence": chosen["confidence"].to_numpy(dtype=np.float32),
            "calibrated_confidence": chosen["calibrated_confidence"].to_numpy(),
        }
    )


def _independent_columns(
    images: Images, classes: NDArray[np.int64], independent: IndependentClassifier | None
) -> dict[str, Any]:
    if independent is None:
        nothing = np.full(len(images), np.nan, dtype=np.float32)
        return {
            "independent": pd.array([None] * len(images), dtype="string"),
            "independent_confidence": nothing,
            "independent_label": pd.array([None] * len(images), dtype="Int64"),
        }
    confidences = independent.confidences(images)
    return {
        "independent": pd.array([independent.name] * len(images), dtype="string"),
        "independent_confidence": confidences[np.arange(len(images)), classes],
        "independent_label": pd.array(confidences.argmax(axis=1), dtype="Int64"),
    }


def _nearest_training_images(images: Images, dataset: Dataset) -> dict[str, Any]:
    if not dataset.has_training_images:
        nothing = pd.array([None] * len(images), dtype="Int64")
        return {
            "nearest_distance": np.full(len(images), np.nan),
            "nearest_index": nothing,
            "nearest_label": nothing,
        }
    index, distance = nearest_images(images, dataset.train_images)
    return {
        "nearest_distance": distance,
        "nearest_index": pd.array(index, dtype="Int64"),
        "nearest_label": pd.array(dataset.train_labels[index], dtype="Int64"),
    }


def _most_similar(images: Images, table: pd.DataFrame) -> dict[str, Any]:
    """Return class and correlation of the most similar champion of another seed of the same search."""
    classes, seeds = table["class_index"].to_numpy(), table["seed"].to_numpy()
    similar = pd.Series(pd.NA, index=table.index, dtype="Int64")
    strength = np.full(len(images), np.nan)
    for search in sorted(set(table["search"]) - {REAL_IMAGES}):
        rows = np.flatnonzero(table["search"] == search)
        if len(set(seeds[rows])) > 1:
            related = correlations(images[rows])
            related[seeds[rows][:, None] == seeds[rows]] = -np.inf
            similar.iloc[rows] = classes[rows[related.argmax(axis=1)]]
            strength[rows] = related.max(axis=1)
    return {"similar_class": similar, "similar_correlation": strength}
