"""Transfer: images evolved on one classifier, labelled by another one (paper, sections 3.5 and S1).

An image has two labels that another classifier may agree with: the class for which it was evolved, and the label that
its own classifier gives it. The two differ if its confidence stayed low.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from fooling.attacks.evolution.record import RunRecord
from fooling.findings.intervals import DrawingSettings, IntervalSettings, estimated_share
from fooling.findings.registry import CLASS, EXPERIMENT, SEED
from fooling.seeding import numpy_generator
from fooling.table import COUNT, SHARE, TEXT, Column, Table, bounds, names_of, one_of, or_nothing

LABELS = {"class": "class_index", "source-label": "source_label"}
_PAIR = (
    EXPERIMENT,
    Column("source", TEXT, doc="Classifier that the image was evolved on."),
    Column("target", TEXT, doc="Classifier that the image is shown to."),
)
SHOWN = Table(
    name="shown",
    path="findings/transfer/{experiment}.shown.parquet",
    commands=("transfer",),
    columns=(
        *(*_PAIR, SEED, *CLASS),
        Column("source_confidence", SHARE, doc="Confidence of the source in the class."),
        Column("source_label", COUNT, doc="Index of the class that the source predicts."),
        Column("source_label_confidence", SHARE, doc="Confidence of the source in the class that it predicts."),
        Column("target_confidence", SHARE, doc="Confidence of the target in the class."),
        Column("target_label", COUNT, doc="Index of the class that the target predicts."),
        Column("target_label_confidence", SHARE, doc="Confidence of the target in the class that the source predicts."),
    ),
    key=("experiment", "source", "target", "seed", "class_index"),
    doc="One row for each champion of evolution and each classifier of its data set; `class_index` is the class for "
    "which it was evolved. In `<chain>.shown.parquet`, one row for each champion of the measured runs and each network "
    "of the chain; there `experiment` is the chain.",
)
TRANSFER = Table(
    name="transfer",
    path="findings/transfer/{experiment}.pairs.csv",
    commands=("transfer",),
    columns=(
        *_PAIR,
        Column(
            "relation",
            one_of("itself", "same architecture", "other architecture"),
            doc="How the target is related to the source.",
        ),
        Column(
            "images",
            one_of("all", "sure"),
            doc="`all` champions, or those with a confidence of at least `findings.sure` (99 %) on their source.",
        ),
        Column(
            "label",
            one_of(*LABELS),
            doc="`class`: the class for which an image evolved; `source-label`: the class that its source predicts.",
        ),
        Column("count", COUNT, unit="images", doc="Number of these images."),
        Column("runs", COUNT, unit="runs", doc="Number of runs on the source that have such images."),
        *or_nothing(
            Column(
                "transfer_rate",
                SHARE,
                doc="Share of the images to which the target gives the same label; the units of the interval are the "
                "runs on this source.",
            ),
            doc="empty if there are no such images.",
        ),
        *bounds(SHARE),
        *or_nothing(
            Column(
                "chance", SHARE, doc="Expected `transfer_rate` if the target's labels are permuted among the images."
            ),
            Column("chance_high", SHARE, doc="The 97.5 % quantile of `transfer_rate` with permuted labels."),
            doc="empty if there are no such images.",
        ),
        Column("count_transferred", COUNT, unit="images", doc="Number of images to which both give the same label."),
        *or_nothing(
            Column(
                "higher_on_source",
                SHARE,
                doc="Share of the images with the same label on both whose confidence is higher on the source.",
            ),
            Column(
                "highest_joint_confidence",
                SHARE,
                doc="Highest confidence of an image on both classifiers at once: the maximum, over the images, of the "
                "lower of its two confidences.",
            ),
            Column(
                "reverse_higher_on_source",
                SHARE,
                doc="The same as `higher_on_source` for images evolved on the target: the share, of those with the "
                "same label on both, whose confidence is higher on the source.",
            ),
            doc="empty if there are no such images.",
        ),
    ),
    key=("experiment", "source", "target", "images", "label"),
    doc="One row for each pair of classifiers, set of images and kind of label.",
)


class TransferSettings(IntervalSettings, DrawingSettings):
    """Subset of confident images, and the chance level of transfer."""

    sure: float = Field(default=0.99, gt=0, lt=1)
    """Confidence at or above which a classifier counts as sure of an image, for comparing classifiers and transfer."""
    permutations: int = Field(default=999, ge=99, le=100_000)
    """Number of random permutations of the other classifier's labels, to estimate the chance level of transfer."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network that is shown images."""

    name: str
    architecture: str
    confidences: Callable[[NDArray[np.uint8]], NDArray[np.float32]]  # (B, C, H, W) uint8 to (B, L)


def shown_table(records: Sequence[RunRecord], networks: Sequence[Network], *, experiment: str) -> pd.DataFrame:
    """Return one row for each champion of the runs and each of the ``networks``, with the confidences of both.

    Every source of the runs must be among the ``networks``: its own confidences are computed again. Sources and targets
    are in the order of the networks.
    """
    order = [network.name for network in networks]
    ordered = sorted(records, key=lambda record: (order.index(record.classifier["name"]), record.seed))
    images = np.concatenate([record.images for record in ordered])
    keys = pd.DataFrame(
        {
            "experiment": experiment,
            "source": [record.classifier["name"] for record in ordered for _ in record.class_names],
            "seed": [record.seed for record in ordered for _ in record.class_names],
            "class_index": [index for record in ordered for index in range(len(record.class_names))],
            "class_name": [name for record in ordered for name in record.class_names],
        }
    )
    scored = {network.name: network.confidences(images) for network in networks}
    rows = np.arange(len(images))
    target_class = keys["class_index"].to_numpy()
    own_label, own = np.zeros(len(images), dtype=np.int64), np.zeros((2, len(images)), dtype=np.float32)
    for source, index in keys.groupby("source").indices.items():
        confidences = scored[str(source)][index]
        own_label[index] = confidences.argmax(axis=1)
        own[0, index] = confidences[np.arange(len(index)), target_class[index]]
        own[1, index] = confidences.max(axis=1)
    tables = [
        keys.assign(
            target=network.name,
            source_confidence=own[0],
            source_label=own_label,
            source_label_confidence=own[1],
            target_confidence=scored[network.name][rows, target_class],
            target_label=scored[network.name].argmax(axis=1),
            target_label_confidence=_of_label(scored[network.name], own_label),
        )
        for network in networks
    ]
    table = pd.concat(tables, ignore_index=True)
    return table[SHOWN.names]


def transfer_table(shown: pd.DataFrame, architectures: Mapping[str, str], settings: TransferSettings) -> pd.DataFrame:
    """Return one row for each pair of classifiers, set of images (all, or confident ones) and kind of label.

    - ``transfer_rate``: share of the images whose most probable class on the target is the label.
    - ``chance``: the same share if the target's labels were independent of the images.
    - ``higher_on_source``: share, of the images with the same label on both, whose confidence is higher on the source.
    - ``reverse_higher_on_source``: the same for images evolved on the target. Selection favours the classifier on which
      an image evolved, so only a share that is high here as well shows that the source is more confident in general.
    - ``highest_joint_confidence``: maximum over the images of the lower of the two confidences (Fig. S1).
    """
    rows = []
    for pair, images in shown.groupby(names_of(_PAIR), sort=False):
        experiment, source, target = map(str, pair)
        back = shown[(shown["source"] == target) & (shown["target"] == source)]
        for subset, label in ((subset, label) for subset in ("all", "sure") for label in LABELS):
            words: dict[str, str] = {
                "experiment": experiment,
                "source": source,
                "target": target,
                "relation": _relation(source, target, architectures),
                "images": subset,
                "label": label,
            }
            measured = _measured(_subset(images, subset, settings), label, settings, purpose=tuple(words.values()))
            reverse = _reverse(_subset(back, subset, settings), label)
            rows.append({**words, **measured, **reverse})
    return pd.DataFrame(rows)


def _measured(
    images: pd.DataFrame, label: str, settings: TransferSettings, *, purpose: tuple[str, ...]
) -> dict[str, float]:
    """Return the transfer rate of one pair with its interval and chance level; ``count`` is 0 without images.

    The units are the runs on this source: the interval covers other runs of this pair.
    """
    wanted, given = (images[name].to_numpy() for name in (LABELS[label], "target_label"))
    same = wanted == given
    generator = numpy_generator(settings.interval_seed, "transfer", *purpose)
    runs = images["seed"].nunique()
    of_runs = np.full((runs, 1), _mean(same))  # a run without such images is no unit
    found = estimated_share(of_runs, level=settings.confidence_level, nested=True, unit="run") if runs else None
    chance, chance_high = _chance(wanted, given, generator, settings)
    own, other = _own_confidence(images, label), _other_confidence(images, label)
    return {
        **{"count": len(images), "runs": runs},
        **{
            "transfer_rate": _mean(same),
            "low": found.low if found else np.nan,
            "high": found.high if found else np.nan,
        },
        **{"chance": chance, "chance_high": chance_high},
        **{"count_transferred": int(same.sum()), "higher_on_source": _mean(own[same] > other[same])},
        "highest_joint_confidence": float(np.minimum(own, other).max()) if len(images) else np.nan,
    }


def _reverse(back: pd.DataFrame, label: str) -> dict[str, float]:
    """Return the share of the target's own images, with one label on both, that are more confident on the source."""
    same = back[LABELS[label]].to_numpy() == back["target_label"].to_numpy()
    higher = _other_confidence(back, label)[same] > _own_confidence(back, label)[same]
    return {"reverse_higher_on_source": _mean(higher)}


def _chance(
    wanted: NDArray[np.int64], given: NDArray[np.int64], generator: np.random.Generator, settings: TransferSettings
) -> tuple[float, float]:
    """Return the expected transfer rate with permuted labels, and its upper quantile at the interval's level."""
    if len(wanted) == 0:
        return np.nan, np.nan
    labels = max(wanted.max(), given.max()) + 1
    expected = np.bincount(wanted, minlength=labels) @ np.bincount(given, minlength=labels) / len(wanted) ** 2
    permuted = [float((wanted == generator.permutation(given)).mean()) for _ in range(settings.permutations)]
    return float(expected), float(np.quantile(permuted, (1 + settings.confidence_level) / 2, method="inverted_cdf"))


def _subset(images: pd.DataFrame, subset: str, settings: TransferSettings) -> pd.DataFrame:
    sure = images["source_confidence"].astype(np.float64) >= settings.sure
    return images[sure] if subset == "sure" else images


def _own_confidence(images: pd.DataFrame, label: str) -> NDArray[np.float64]:
    return images["source_confidence" if label == "class" else "source_label_confidence"].to_numpy(dtype=np.float64)


def _other_confidence(images: pd.DataFrame, label: str) -> NDArray[np.float64]:
    return images["target_confidence" if label == "class" else "target_label_confidence"].to_numpy(dtype=np.float64)


def _of_label(confidences: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the confidence in each image's label (B,); 0 if the classifier has no such class."""
    known = labels < confidences.shape[1]
    values = confidences[np.arange(len(labels)), np.where(known, labels, 0)]
    return np.where(known, values, np.float32(0))


def _relation(source: str, target: str, architectures: Mapping[str, str]) -> str:
    if source == target:
        return "itself"
    return "same architecture" if architectures[source] == architectures[target] else "other architecture"


def _mean(values: NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else np.nan
