"""Adversarial examples as tables: how large the changes are, how many images they change, and whether they transfer.

Methods are compared within one norm only. Beside each changed image stands noise of the same norm. A share of images
that stay classified right says what these methods reach, not that nothing could change them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fooling.attacks.adversarial.record import NORM_OF, NORMS, AdversarialRecord, Perturbed
from fooling.findings.intervals import Estimate, IntervalSettings, estimated_mean, estimated_over_pairs, estimated_share
from fooling.findings.registry import ATTACK, CLASS, CLASSIFIER, NOTE, RELATION, UNITS
from fooling.table import (
    COUNT,
    FLAG,
    NOT_NEGATIVE,
    NUMBER,
    SHARE,
    TEXT,
    Column,
    Table,
    Values,
    bounds,
    names_of,
    one_of,
    or_nothing,
    with_bounds,
)
from fooling.training.settings import TRAINING_IMAGES, training_images

METHOD, NOISE = "method", "noise"
_COLUMN = (
    Column("method", one_of(*NORM_OF), doc="Method that changed the image."),
    Column("norm", one_of("l2", "linf"), doc="Norm of the method; methods of different norms cannot be compared."),
    Column(
        "size",
        NUMBER.or_nothing,
        unit="0..1",
        doc="Size that the method was given: the root mean square of the change for l2, its largest absolute value for "
        "linf; empty if the method looks for the smallest change.",
    ),
)
_CHANGE = Column(
    "change", one_of(METHOD, NOISE), doc="`method`: the image that the method made; `noise`: noise of the same norm."
)
_DIFFERENCE = Values(kind="number", least=-1, most=1)
_NORM_DOCS = {"l2": "Euclidean norm", "linf": "Largest absolute value", "rms": "Root mean square over all pixels"}

ADVERSARIAL = Table(
    name="adversarial",
    path="findings/adversarial.parquet",
    commands=("tabulate-adversarial",),
    columns=(
        *(CLASSIFIER, ATTACK, *_COLUMN, _CHANGE),
        Column("image", COUNT, doc="Index of the image among the test images, from 0."),
        *CLASS,
        Column("label", COUNT, doc="Index of the class that the classifier gives to the stored image."),
        Column("misclassified", FLAG, doc="Whether that is not the true class."),
        Column("unrounded_misclassified", FLAG, doc="The same before rounding to whole levels."),
        Column("confidence", SHARE, doc="Confidence of the classifier in the label of the stored image."),
        *(
            Column(name, NOT_NEGATIVE, unit="0..1", doc=f"{words} of the change before rounding.")
            for name, words in _NORM_DOCS.items()
        ),
        *(
            Column(f"stored_{name}", NOT_NEGATIVE, unit="0..1", doc=f"{words} of the change of the stored image.")
            for name, words in _NORM_DOCS.items()
        ),
        Column(
            "evaluations",
            COUNT.or_nothing,
            unit="images",
            doc="Evaluations of the classifier by the method for this image: 1 for a forward pass, 2 for a backward "
            "pass; empty for noise.",
        ),
    ),
    key=("classifier", "attack", "method", "size", "change", "image"),
    doc="One row for each test image, method and size, and one for noise of the same norm. The class is the true one, "
    "which the classifier gives to the real image.",
)
ADVERSARIAL_MEANS = Table(
    name="adversarial_means",
    path="findings/adversarial_means.csv",
    commands=("tabulate-adversarial",),
    columns=(
        *(ATTACK, *_COLUMN, _CHANGE),
        *with_bounds(Column("misclassified", SHARE, doc="Share of the stored images that are misclassified.")),
        *with_bounds(
            Column("unrounded_misclassified", SHARE, doc="Share of the images that are misclassified before rounding.")
        ),
        *or_nothing(
            Column(
                "rms",
                NOT_NEGATIVE,
                unit="0..1",
                doc="Mean, over the images that are misclassified before rounding, of the root mean square of the "
                "change: the distortion of Szegedy et al. 2013.",
            ),
            doc="empty if a classifier has none.",
        ),
        *bounds(NOT_NEGATIVE, of="rms", unit="0..1"),
        *or_nothing(
            Column("evaluations", NOT_NEGATIVE, unit="images", doc="Mean evaluations for one image."),
            doc="empty for noise.",
        ),
        Column("images", COUNT, unit="images", doc="Number of images, over all classifiers."),
        *(UNITS, NOTE),
    ),
    key=("attack", "method", "size", "change"),
    doc="One row for each attack, method and size, and one for noise: means over the classifiers of each classifier's "
    "mean over its images.",
)
ADVERSARIAL_TRANSFER = Table(
    name="adversarial_transfer",
    path="findings/adversarial_transfer.csv",
    commands=("tabulate-adversarial",),
    columns=(
        ATTACK,
        *or_nothing(
            Column("source", TEXT, doc="Classifier on which the images were made."),
            Column("target", TEXT, doc="Classifier to which they are shown."),
            doc="empty in the row with the mean over the pairs.",
        ),
        RELATION,
        Column(
            "training_images",
            one_of(*TRAINING_IMAGES),
            doc="Training images of the two: the `same`; `disjoint` parts of a data set (`training.part`); parts that "
            "may be `overlapping`, or a part and the whole; `unknown` for networks that the study did not train.",
        ),
        *_COLUMN,
        Column(
            "images",
            COUNT,
            unit="images",
            doc="Number of stored images that are misclassified by the source, of which the target gets the real image "
            "right.",
        ),
        *or_nothing(
            Column("transferred", SHARE, doc="Share of them that the target misclassifies as well."),
            doc="empty if there are no such images.",
        ),
        *bounds(SHARE, of="transferred"),
        *or_nothing(
            Column("noise", SHARE, doc="Share of the same images that it misclassifies with noise of the same norm."),
            Column("excess", _DIFFERENCE, doc="`transferred` minus `noise`."),
            doc="empty if there are no such images.",
        ),
        *bounds(_DIFFERENCE, of="excess"),
        *(UNITS, NOTE),
    ),
    key=("attack", "source", "target", "relation", "training_images", "method", "size"),
    may_be_empty=True,
    doc="One row for each pair of classifiers of one data set, method and size, and one for the mean over all pairs of "
    "a relation with such training images, whose interval is over classifiers. Not fooled by these stored images is "
    "not the same as not foolable: methods that are given the target itself stand in `adversarial_means`.",
)


#: Columns with one value in all pairs of a mean.
_OF_MEAN = ["attack", "relation", "training_images", "method", "norm", "size"]


@dataclass(frozen=True, kw_only=True)
class Target:
    """A classifier that is shown images made on others."""

    name: str
    architecture: str
    dataset: str
    labels: Callable[[NDArray[np.uint8]], NDArray[np.int64]]  # (B, C, H, W) uint8 to (B,)
    training: Mapping[str, Any] | None = None  # settings of its training; None: the study did not train it


def adversarial_table(records: Sequence[AdversarialRecord]) -> pd.DataFrame:
    """Return one row for each image that a method made, and for its noise."""
    parts = [
        _rows_of(record, part, change)
        for record in _in_order(records)
        for change, part in ((METHOD, record.found), (NOISE, record.noise))
    ]
    return pd.concat(parts, ignore_index=True)[ADVERSARIAL.names]


def means_table(table: pd.DataFrame, *, settings: IntervalSettings) -> pd.DataFrame:
    """Return the means over the classifiers for each attack, method, size and kind of change in ``table``."""
    level, rows = settings.confidence_level, []
    for names, images in table.groupby([*names_of((ATTACK, *_COLUMN)), "change"], sort=False, dropna=False):
        by_classifier = images.groupby("classifier")
        stored, unrounded = (
            estimated_share(by_classifier[name].mean().to_numpy(dtype=float)[:, None], level=level, nested=True)
            for name in ("misclassified", "unrounded_misclassified")
        )
        rms = distortion(images, level=level)
        evaluations = by_classifier["evaluations"].mean().astype(float).mean()
        rows.append(
            (
                *names,
                *(stored.value, stored.low, stored.high),
                *(unrounded.value, unrounded.low, unrounded.high),
                *((np.nan,) * 3 if rms is None else (rms.value, rms.low, rms.high)),
                *(evaluations, len(images), stored.units, stored.note),
            )
        )
    return pd.DataFrame(rows, columns=ADVERSARIAL_MEANS.names)


def distortion(images: pd.DataFrame, *, level: float) -> Estimate | None:
    """Estimate the mean over the classifiers of the mean root mean square of the change, of misclassified images.

    These are images that are misclassified before rounding; None if a classifier has none.
    """
    wrong = images[images["unrounded_misclassified"]]
    means = wrong.groupby("classifier")["rms"].mean().to_numpy(dtype=float)
    if len(means) < images["classifier"].nunique() or images.empty:
        return None
    return estimated_mean(means[:, None], level=level, nested=True, within=(0, 1))


def fooled_over_noise(images: pd.DataFrame, *, level: float) -> Estimate | None:
    """Estimate the mean over the classifiers of the share misclassified before rounding, minus that of noise.

    None if the images of a method, or those with noise, are missing for a classifier.
    """
    shares = images.groupby(["classifier", "change"])["unrounded_misclassified"].mean().unstack()
    of_method, of_noise = shares.reindex(columns=[METHOD, NOISE]).to_numpy(dtype=float).T
    differences = of_method - of_noise
    if np.isnan(differences).any():
        return None
    return estimated_mean(differences[:, None], level=level, nested=True, within=(-1, 1))


def transfer_table(
    records: Sequence[AdversarialRecord], targets: Sequence[Target], *, settings: IntervalSettings
) -> pd.DataFrame:
    """Return one row for each pair of a source and a target, method and size, and one for the mean over the pairs."""
    known = {target.name: target for target in targets}
    rows: list[dict[str, object]] = []
    for record in _in_order(records):
        source = record.classifier["name"]
        for target in targets:
            if target.name != source and target.dataset == record.dataset["name"]:
                own = known.get(source)
                same = own is not None and own.architecture == target.architecture
                relation = "same architecture" if same else "other architecture"
                words = {"attack": record.name, "source": source, "target": target.name, "relation": relation}
                words["training_images"] = training_images(None if own is None else own.training, target.training)
                rows += [{**words, **found} for found in _shown_to(record, target)]
    pairs = pd.DataFrame(rows, columns=ADVERSARIAL_TRANSFER.names).astype({"units": float})
    if pairs.empty:
        return pairs
    groups = pairs.groupby(_OF_MEAN, sort=False, dropna=False)
    means = [_mean_over(pairs, settings) for _, pairs in groups]
    return pd.concat([pd.DataFrame(means, columns=pairs.columns), pairs], ignore_index=True)


def excess_over_pairs(pairs: pd.DataFrame, *, level: float) -> Estimate:
    """Estimate the mean over ``pairs`` of the share that transfers minus that of noise."""
    known = pairs[pairs["excess"].notna() & pairs["source"].notna()].assign(runs=1)
    return estimated_over_pairs(known, "excess", level=level, within=(-1, 1))


def _rows_of(record: AdversarialRecord, part: Perturbed, change: str) -> pd.DataFrame:
    columns, real = list(record.columns()), record.real
    repeated = [column for column, _ in columns for _ in real.indices]
    classes = np.tile(real.classes, len(columns))
    norms = {f"{kind}{name}": values[:, place] for kind, values in _norms(part) for place, name in enumerate(NORMS)}
    return pd.DataFrame(
        {
            "classifier": record.classifier["name"],
            "attack": record.name,
            "method": [column.method for column in repeated],
            "norm": [column.norm for column in repeated],
            "size": np.array([column.size for column in repeated], dtype=float),
            "change": change,
            "image": np.tile(real.indices, len(columns)),
            "class_index": classes,
            "class_name": [record.class_names[index] for index in classes],
            "label": part.labels,
            "misclassified": part.labels != classes,
            "unrounded_misclassified": part.unrounded_labels != classes,
            "confidence": part.confidences,
            **norms,
            "evaluations": record.evaluations.astype(float) if change == METHOD else np.nan,
        }
    )


def _norms(part: Perturbed) -> Iterator[tuple[str, NDArray[np.float64]]]:
    yield "", part.norms
    yield "stored_", part.stored_norms


def _shown_to(record: AdversarialRecord, target: Target) -> Iterator[dict[str, object]]:
    """Yield, for each column of a record, the shares of its images that the target misclassifies."""
    classes = record.real.classes
    right = target.labels(record.real.images) == classes
    wrong, wrong_by_noise = (
        target.labels(part.images) != np.tile(classes, len(record.methods)) for part in (record.found, record.noise)
    )
    for column, rows in record.columns():
        counted = right & (record.labels[rows] != classes)
        shares = [float(found[rows][counted].mean()) if counted.any() else np.nan for found in (wrong, wrong_by_noise)]
        yield {
            **{"method": column.method, "norm": column.norm, "size": np.nan if column.size is None else column.size},
            **{"images": int(counted.sum()), "transferred": shares[0], "noise": shares[1]},
            **{"excess": shares[0] - shares[1], "units": 1, "note": "one pair"},
        }


def _mean_over(pairs: pd.DataFrame, settings: IntervalSettings) -> dict[str, object]:
    """Return the row with the mean over the ``pairs`` that have images."""
    first, known = pairs.iloc[0], pairs[pairs["transferred"].notna()].assign(runs=1)
    row: dict[str, object] = {name: first[name] for name in _OF_MEAN}
    row |= {"images": int(pairs["images"].sum())}
    if known.empty:
        return row | {"units": 0, "note": "no images that the source misclassifies"}
    level = settings.confidence_level
    transferred = estimated_over_pairs(known, "transferred", level=level, within=(0, 1))
    excess = excess_over_pairs(known, level=level)
    row |= {"transferred": transferred.value, "transferred_low": transferred.low, "transferred_high": transferred.high}
    row |= {
        "noise": known["noise"].mean(),
        "excess": excess.value,
        "excess_low": excess.low,
        "excess_high": excess.high,
    }
    return row | {"units": transferred.units, "note": transferred.note}


def _in_order(records: Sequence[AdversarialRecord]) -> list[AdversarialRecord]:
    """Return the records sorted by name and classifier, so that their order on the command line does not matter."""
    return sorted(records, key=lambda record: (record.name, record.classifier["name"]))
