"""Transfer: what one network says of the images that were evolved on another one (paper, sections 3.5 and S1).

An image has two labels that another network may share: the class it was evolved for, and the class that its own network
gives it, which is another one where its confidence stayed low.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from fooling.evolution.record import RunRecord
from fooling.findings.columns import CLASS, EXPERIMENT, SEED
from fooling.findings.intervals import DrawingSettings, IntervalSettings, estimated_share
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
    doc="One row for each champion of evolution and each classifier of its data set; `class_index` is the class that "
    "it was evolved for. In `<chain>.shown.parquet` one row for each champion of the measured runs and each network of "
    "the chain; there `experiment` is the chain.",
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
            doc="`all` champions, or those in which their source has a confidence of at least `findings.sure` (99 %).",
        ),
        Column(
            "label",
            one_of(*LABELS),
            doc="`class`: the class that an image was evolved for; `source-label`: the class that its source predicts.",
        ),
        Column("count", COUNT, unit="images", doc="Number of these images."),
        Column("runs", COUNT, unit="runs", doc="Number of runs on the source that have such images."),
        *or_nothing(
            Column(
                "alike",
                SHARE,
                doc="Share of the images that the target assigns to that label; the pair is fixed and its runs are the "
                "units of the interval.",
            ),
            doc="empty where there are no such images.",
        ),
        *bounds(SHARE),
        *or_nothing(
            Column("chance", SHARE, doc="Expected `alike` if the target's labels were exchanged among the images."),
            Column("chance_high", SHARE, doc="Value that `alike` seldom exceeds if these labels are exchanged."),
            doc="empty where there are no such images.",
        ),
        Column("count_alike", COUNT, unit="images", doc="Number of images that both label alike."),
        *or_nothing(
            Column(
                "higher_on_source",
                SHARE,
                doc="Share of the images labelled alike in which the source is more confident.",
            ),
            Column(
                "surest_on_both",
                SHARE,
                doc="Confidence that one of the images has on both classifiers at once: the highest, over the images, "
                "of the lesser of the two.",
            ),
            Column(
                "exchanged",
                SHARE,
                doc="Of the images evolved on the target and labelled alike, the share in which the source is more "
                "confident.",
            ),
            doc="empty where there are no such images.",
        ),
    ),
    key=("experiment", "source", "target", "images", "label"),
    doc="One row for each pair of classifiers, set of images and kind of label.",
)


class TransferSettings(IntervalSettings, DrawingSettings):
    """Which images count as sure, and how chance is told."""

    sure: float = Field(default=0.99, gt=0, lt=1)
    """Confidence of its own network from which an image also counts among the sure ones."""
    permutations: int = Field(default=999, ge=99, le=100_000)
    """Random exchanges of the other network's labels among the images: what agreement comes by chance."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network that is shown images."""

    name: str
    architecture: str
    confidences: Callable[[NDArray[np.uint8]], NDArray[np.float32]]  # (B, C, H, W) uint8 to (B, L)


def shown_table(records: Sequence[RunRecord], networks: Sequence[Network], *, experiment: str) -> pd.DataFrame:
    """One row for each champion of the runs and each of the networks: what that one says of it.

    Every source of the runs must be among the ``networks``: its own confidences are those it gives here. Sources and
    targets stand in the order of the networks.
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
    told = {network.name: network.confidences(images) for network in networks}
    rows = np.arange(len(images))
    target_class = keys["class_index"].to_numpy()
    own_label, own = np.zeros(len(images), dtype=np.int64), np.zeros((2, len(images)), dtype=np.float32)
    for source, index in keys.groupby("source").indices.items():
        said = told[str(source)][index]
        own_label[index] = said.argmax(axis=1)
        own[0, index] = said[np.arange(len(index)), target_class[index]]
        own[1, index] = said.max(axis=1)
    tables = [
        keys.assign(
            target=network.name,
            source_confidence=own[0],
            source_label=own_label,
            source_label_confidence=own[1],
            target_confidence=told[network.name][rows, target_class],
            target_label=told[network.name].argmax(axis=1),
            target_label_confidence=_of_label(told[network.name], own_label),
        )
        for network in networks
    ]
    table = pd.concat(tables, ignore_index=True)
    return table[SHOWN.names]


def transfer_table(shown: pd.DataFrame, architectures: Mapping[str, str], settings: TransferSettings) -> pd.DataFrame:
    """One row for each pair of networks, kind of label, and set of images (all, and those their network is sure of).

    ``alike`` is the share of the images whose most probable class on the target is the label; ``chance`` what this
    share would be if the target's labels had nothing to do with the images. Of the images labelled alike,
    ``higher_on_source`` is the share that their own network is surer of; ``exchanged`` is the share that the same
    network (the source) is surer of among those evolved on the target: selection alone favours an image's own network,
    so only a share that stays high there speaks of the network. ``surest_on_both`` is the confidence that some image
    has on both at once: the highest, over the images, of the lesser of the two (Fig. S1).
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
            exchanged = _exchanged(_subset(back, subset, settings), label)
            rows.append({**words, **measured, **exchanged})
    return pd.DataFrame(rows)


def _measured(
    images: pd.DataFrame, label: str, settings: TransferSettings, *, purpose: tuple[str, ...]
) -> dict[str, float]:
    """Agreement of one pair of networks with its interval and chance; ``count`` 0 where there is no such image.

    The pair is fixed and the runs on the source are the units: the interval covers other runs of this pair.
    """
    wanted, given = (images[name].to_numpy() for name in (LABELS[label], "target_label"))
    alike = wanted == given
    generator = numpy_generator(settings.interval_seed, "transfer", *purpose)
    runs = images["seed"].nunique()
    of_runs = np.full((runs, 1), _mean(alike))  # a run without such images is no unit
    found = estimated_share(of_runs, level=settings.confidence_level, nested=True, unit="run") if runs else None
    chance, chance_high = _chance(wanted, given, generator, settings)
    own, other = _own_confidence(images, label), _other_confidence(images, label)
    return {
        **{"count": len(images), "runs": runs},
        **{"alike": _mean(alike), "low": found.low if found else np.nan, "high": found.high if found else np.nan},
        **{"chance": chance, "chance_high": chance_high},
        **{"count_alike": int(alike.sum()), "higher_on_source": _mean(own[alike] > other[alike])},
        "surest_on_both": float(np.minimum(own, other).max()) if len(images) else np.nan,
    }


def _exchanged(back: pd.DataFrame, label: str) -> dict[str, float]:
    """Of the target's own images that both label alike: the share that the source is surer of."""
    alike = back[LABELS[label]].to_numpy() == back["target_label"].to_numpy()
    return {"exchanged": _mean(_other_confidence(back, label)[alike] > _own_confidence(back, label)[alike])}


def _chance(
    wanted: NDArray[np.int64], given: NDArray[np.int64], generator: np.random.Generator, settings: TransferSettings
) -> tuple[float, float]:
    """The agreement of exchanged labels: what is expected of it, and what it seldom exceeds (the interval's bound)."""
    if len(wanted) == 0:
        return np.nan, np.nan
    labels = max(wanted.max(), given.max()) + 1
    expected = np.bincount(wanted, minlength=labels) @ np.bincount(given, minlength=labels) / len(wanted) ** 2
    exchanged = [float((wanted == generator.permutation(given)).mean()) for _ in range(settings.permutations)]
    return float(expected), float(np.quantile(exchanged, (1 + settings.confidence_level) / 2, method="inverted_cdf"))


def _subset(images: pd.DataFrame, subset: str, settings: TransferSettings) -> pd.DataFrame:
    sure = images["source_confidence"].astype(np.float64) >= settings.sure
    return images[sure] if subset == "sure" else images


def _own_confidence(images: pd.DataFrame, label: str) -> NDArray[np.float64]:
    return images["source_confidence" if label == "class" else "source_label_confidence"].to_numpy(dtype=np.float64)


def _other_confidence(images: pd.DataFrame, label: str) -> NDArray[np.float64]:
    return images["target_confidence" if label == "class" else "target_label_confidence"].to_numpy(dtype=np.float64)


def _of_label(confidences: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """Of each image the confidence in a label; 0 where the network has no such class."""
    known = labels < confidences.shape[1]
    values = confidences[np.arange(len(labels)), np.where(known, labels, 0)]
    return np.where(known, values, np.float32(0))


def _relation(source: str, target: str, architectures: Mapping[str, str]) -> str:
    if source == target:
        return "itself"
    return "same architecture" if architectures[source] == architectures[target] else "other architecture"


def _mean(values: NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else np.nan
