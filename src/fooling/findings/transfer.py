"""Transfer: images evolved on one classifier, labelled by another one (paper, sections 3.5 and S1).

An image has two labels that another classifier may agree with: the class for which it was evolved, and the label that
its own classifier gives it. The two differ if its confidence stayed low.

Many classifiers with many images do not fit into one job. So the work is split into parts, each of which needs the
images of one run at a time::

    labelled_table   each source labels its own champions               a part: some sources
    shown_table      each target labels the champions of some sources   a part: some targets, or some sources of one
    joined_pairs     the pairs of all parts, each beside its mirror image
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from fooling.attacks.evolution.record import RunRecord
from fooling.findings.calibration import Network, in_groups
from fooling.findings.intervals import DrawingSettings, IntervalSettings, estimated_share
from fooling.findings.registry import CLASS, EXPERIMENT, OWN, SEED, SOURCE
from fooling.messages import FoolingError, share_percent
from fooling.reproducibility import numpy_generator
from fooling.table import COUNT, SHARE, TEXT, Column, Table, bounds, names_of, one_of, or_nothing

LABELS = {"class": "class_index", "source-label": "source_label"}
_PAIR = (
    EXPERIMENT,
    SOURCE,
    Column("target", TEXT, doc="Classifier that the image is shown to."),
)
SHOWN = Table(
    name="shown",
    path="findings/transfer/{experiment}.shown.parquet",
    commands=("join-transfer", "transfer"),
    columns=(
        *(*_PAIR, SEED, *CLASS, *OWN),
        Column("target_confidence", SHARE, doc="Confidence of the target in the class."),
        Column("target_label", COUNT, doc="Index of the class that the target predicts."),
        Column("target_label_confidence", SHARE, doc="Confidence of the target in the class that the source predicts."),
    ),
    key=("experiment", "source", "target", "seed", "class_index"),
    doc="One row for each champion of evolution and each classifier of its data set; `class_index` is the class for "
    "which it was evolved. In `<chain>.shown.parquet`, one row for each champion of the measured runs and each network "
    "of the chain; there `experiment` is the chain. The parts of the table are in `findings/shown`.",
)
_MEASURED = (
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
        Column("chance", SHARE, doc="Expected `transfer_rate` if the target's labels are permuted among the images."),
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
        doc="empty if there are no such images.",
    ),
)
_PAIR_KEY = ("experiment", "source", "target", "images", "label")
PAIR_PARTS = Table(
    name="pair_parts",
    path="findings/shown/{experiment}/{part}.pairs.parquet",
    commands=("show-champions",),
    columns=(
        *_MEASURED,
        *or_nothing(
            Column(
                "higher_on_target",
                SHARE,
                doc="Share of the images with the same label on both whose confidence is higher on the target.",
            ),
            doc="empty if there are no such images.",
        ),
    ),
    key=_PAIR_KEY,
    doc="Some of the rows of `transfer`. An intermediate table.",
)
TRANSFER = Table(
    name="transfer",
    path="findings/transfer/{experiment}.pairs.csv",
    commands=("join-transfer", "transfer"),
    columns=(
        *_MEASURED,
        *or_nothing(
            Column(
                "reverse_higher_on_source",
                SHARE,
                doc="The same as `higher_on_source` for images evolved on the target: the share, of those with the "
                "same label on both, whose confidence is higher on the source.",
            ),
            doc="empty if there are no such images.",
        ),
    ),
    key=_PAIR_KEY,
    doc="One row for each pair of classifiers, set of images and kind of label.",
)


class TransferSettings(IntervalSettings, DrawingSettings):
    """Subset of confident images, and the chance level of transfer."""

    sure: float = Field(default=0.99, gt=0, lt=1)
    """Confidence at or above which a classifier counts as sure of an image, for comparing classifiers and transfer."""
    permutations: int = Field(default=999, ge=99, le=100_000)
    """Number of random permutations of the other classifier's labels, to estimate the chance level of transfer."""


def shown_table(
    records: Iterable[RunRecord], labelled: pd.DataFrame, networks: Sequence[Network], *, experiment: str
) -> pd.DataFrame:
    """Return one row for each champion of the runs and each of the ``networks``, with the confidences of both.

    Takes one run at a time. The rows are in the order of the networks, and for each network in the order of the runs.

    Args:
        records: Runs of evolution.
        labelled: Their champions with the labels of their own networks, from :func:`labelled_table`.
        networks: The networks that are shown the champions.
        experiment: Name of the experiment, or of the chain.

    Raises:
        FoolingError: The table ``labelled`` lacks a run.
    """
    of_runs = {(str(source), seed): rows for (source, seed), rows in labelled.groupby(["source", "seed"])}
    tables: dict[str, list[pd.DataFrame]] = {network.name: [] for network in networks}
    for together in in_groups(records):
        own = pd.concat([_labels_of(record, of_runs) for record in together], ignore_index=True)
        images = np.concatenate([record.images for record in together])
        for network in networks:
            confidences = network.confidences(images)
            shown = own.assign(
                experiment=experiment,
                target=network.name,
                target_confidence=confidences[np.arange(len(own)), own["class_index"].to_numpy()],
                target_label=confidences.argmax(axis=1),
                target_label_confidence=_of_label(confidences, own["source_label"].to_numpy()),
            )
            tables[network.name].append(shown[SHOWN.names])
    return pd.concat([table for network in networks for table in tables[network.name]], ignore_index=True)


def transfer_table(shown: pd.DataFrame, architectures: Mapping[str, str], settings: TransferSettings) -> pd.DataFrame:
    """Return one row for each pair of classifiers, set of images (all, or confident ones) and kind of label.

    - ``transfer_rate``: share of the images whose most probable class on the target is the label.
    - ``chance``: the same share if the target's labels were independent of the images.
    - ``higher_on_source``: share, of the images with the same label on both, whose confidence is higher on the source.
    - ``reverse_higher_on_source``: the same for images evolved on the target. Selection favours the classifier on which
      an image evolved, so only a share that is high here as well shows that the source is more confident in general.
    - ``highest_joint_confidence``: maximum over the images of the lower of the two confidences (Fig. S1).
    """
    return joined_pairs(pairs_table(shown, architectures, settings))


def pairs_table(shown: pd.DataFrame, architectures: Mapping[str, str], settings: TransferSettings) -> pd.DataFrame:
    """Return these rows without what needs the images of the target: the reverse share is ``higher_on_target`` there.

    ``shown`` has all images of each of its pairs.
    """
    rows = []
    for pair, images in shown.groupby(names_of(_PAIR), sort=False):
        experiment, source, target = map(str, pair)
        for subset, label in ((subset, label) for subset in ("all", "sure") for label in LABELS):
            words: dict[str, str] = {
                "experiment": experiment,
                "source": source,
                "target": target,
                "relation": _relation(source, target, architectures),
                "images": subset,
                "label": label,
            }
            chosen = _subset(images, subset, settings)
            measured = _measured(chosen, label, settings, purpose=tuple(words.values()))
            rows.append({**words, **measured, "higher_on_target": _higher_on_target(chosen, label)})
    return pd.DataFrame(rows)


def joined_pairs(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the table ``transfer`` from the ``pairs`` of all parts: each gets the reverse share from its mirror."""
    mirrored = ["experiment", "target", "source", "images", "label"]
    higher = dict(
        zip(pairs[list(_PAIR_KEY)].itertuples(index=False, name=None), pairs["higher_on_target"], strict=True)
    )
    reverse = [higher.get(key, np.nan) for key in pairs[mirrored].itertuples(index=False, name=None)]
    return pairs.drop(columns="higher_on_target").assign(reverse_higher_on_source=reverse)


def format_rate(pairs: pd.DataFrame) -> str:
    """Return a text with the mean transfer rate of all champions to other networks."""
    others = pairs[(pairs["relation"] != "itself") & (pairs["images"] == "all") & (pairs["label"] == "class")]
    return f"mean transfer rate {share_percent(others['transfer_rate'].mean())}" if len(others) else "no other network"


def _labels_of(record: RunRecord, of_runs: Mapping[tuple[str, Hashable], pd.DataFrame]) -> pd.DataFrame:
    """Return the labels of the champions of a run, in the order of the classes."""
    source, seed = str(record.classifier["name"]), record.seed
    rows = of_runs.get((source, seed))
    if rows is None or rows["class_index"].tolist() != list(range(len(record.class_names))):
        raise FoolingError(
            f"the labels of the champions on {source}, seed {seed}, are not known",
            found="no labels" if rows is None else f"labels of {len(rows)} champions",
            expected=f"labels of {len(record.class_names)} champions",
            remedy="give the table that `label-champions` wrote for this run",
        )
    return rows


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


def _higher_on_target(images: pd.DataFrame, label: str) -> float:
    """Return the share of the images with one label on both classifiers that are more confident on the target."""
    same = images[LABELS[label]].to_numpy() == images["target_label"].to_numpy()
    return _mean(_other_confidence(images, label)[same] > _own_confidence(images, label)[same])


def _chance(
    wanted: NDArray[np.int64], given: NDArray[np.int64], generator: np.random.Generator, settings: TransferSettings
) -> tuple[float, float]:
    """Return the expected transfer rate with permuted labels, and its upper quantile at the interval's level."""
    if len(wanted) == 0:
        return np.nan, np.nan
    labels, places = np.unique(np.concatenate([wanted, given]), return_inverse=True)
    counts = [np.bincount(part, minlength=len(labels)) for part in np.split(places, 2)]
    expected = counts[0] @ counts[1] / len(wanted) ** 2
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
