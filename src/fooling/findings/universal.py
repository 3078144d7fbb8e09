"""Universal perturbations as tables: shares of fooled images, transfer between networks, and dominant labels.

An image is fooled if the network gives the stored perturbed image another label than the image without perturbation,
right or wrong. Beside each share stands that of random perturbations of the same norm and size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fooling.attacks.universal.record import Perturbation, UniversalRecord, perturbed, random_change
from fooling.findings.intervals import Estimate, IntervalSettings, estimated_mean, estimated_over_pairs, estimated_share
from fooling.findings.registry import ATTACK, CLASS, CLASSIFIER, NOTE, RELATION, UNITS
from fooling.messages import FoolingError
from fooling.table import (
    COUNT,
    NOT_NEGATIVE,
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

MOST_LABELS = 5  # dominant labels of a perturbation
_POSITIVE = Values(kind="whole", least=1, most=10**6)
_DIFFERENCE = Values(kind="number", least=-1, most=1)
_NORM = (
    Column("norm", one_of("linf", "l2"), doc="Norm of the perturbation."),
    Column(
        "size",
        SHARE,
        unit="0..1",
        doc="Its size: the largest change of a pixel for linf, the root mean square over all pixels for l2.",
    ),
)
_FOUND = (
    *_NORM,
    Column("images", _POSITIVE, unit="images", doc="Number of images on which it was found."),
    Column("round", COUNT, doc="Rounds of fine-tuning of the attacked network; 0: the network as it is."),
)
_SEEN = Column("seen", SHARE, doc="Share of the images on which it was found that it fools.")
_UNSEEN = Column("unseen", SHARE, doc="Share of other test images that it fools.")
_RANDOM = Column("random", SHARE, doc="Share of these that random perturbations of the same norm and size fool: mean.")
_FORMER = Column("former", SHARE, doc="Share of these that the perturbation of the round before fools.")
_ERROR = Column("error", SHARE, doc="Share of these that the network gets wrong without a perturbation.")

UNIVERSAL = Table(
    name="universal",
    path="findings/universal.csv",
    commands=("tabulate-universal",),
    columns=(
        *(CLASSIFIER, ATTACK, *_FOUND, _SEEN, _UNSEEN, _RANDOM),
        Column("random_most", SHARE, doc="The share of the random perturbation that fools most."),
        *or_nothing(_FORMER, doc="empty for round 0."),
        _ERROR,
        Column("rms", NOT_NEGATIVE, unit="0..1", doc="Root mean square of the perturbation over all pixels."),
        Column("linf", NOT_NEGATIVE, unit="0..1", doc="Its largest absolute value."),
        Column("random_changes", COUNT, doc="Number of random perturbations."),
        Column("unseen_images", COUNT, unit="images", doc="Number of these other test images."),
    ),
    key=("classifier", "attack", "norm", "size", "images", "round"),
    doc="One row for each perturbation: a network, norm and size, number of images, and round of fine-tuning.",
)
UNIVERSAL_MEANS = Table(
    name="universal_means",
    path="findings/universal_means.csv",
    commands=("tabulate-universal",),
    columns=(
        *(ATTACK, *_FOUND, *with_bounds(_SEEN), *with_bounds(_UNSEEN), *with_bounds(_RANDOM)),
        Column("excess", _DIFFERENCE, doc="`unseen` minus `random`."),
        *bounds(_DIFFERENCE, of="excess"),
        *or_nothing(_FORMER, doc="empty for round 0."),
        *bounds(SHARE, of="former"),
        *with_bounds(_ERROR),
        *(UNITS, NOTE),
    ),
    key=("attack", "norm", "size", "images", "round"),
    doc="One row for each attack, norm and size, number of images and round: means over the classifiers.",
)
UNIVERSAL_LABELS = Table(
    name="universal_labels",
    path="findings/universal_labels.csv",
    commands=("tabulate-universal",),
    columns=(
        *(CLASSIFIER, ATTACK, *_NORM),
        Column("rank", _POSITIVE, doc="Rank of the label; 1: most fooled images get it."),
        *CLASS,
        Column("share", SHARE, doc="Share of the fooled unseen images that get this label."),
        Column("before", SHARE, doc="Share of all unseen images that have it without a perturbation."),
        Column("fooled", _POSITIVE, unit="images", doc="Number of fooled unseen images."),
    ),
    key=("classifier", "attack", "norm", "size", "rank"),
    may_be_empty=True,
    doc=f"The labels, at most {MOST_LABELS}, that the images get which a perturbation fools. Only perturbations of the "
    "networks as they are, found on all images.",
)
UNIVERSAL_TRANSFER = Table(
    name="universal_transfer",
    path="findings/universal_transfer.csv",
    commands=("tabulate-universal",),
    columns=(
        ATTACK,
        *or_nothing(
            Column("source", TEXT, doc="Classifier on which the perturbation was found."),
            Column("target", TEXT, doc="Classifier to which unseen images are shown with it."),
            doc="empty in the row with the mean over the pairs.",
        ),
        RELATION,
        *_NORM,
        Column("own", SHARE, doc="Share of the unseen images that the perturbation fools on its source."),
        Column("fooled", SHARE, doc="Share of the same images that it fools on the target."),
        *bounds(SHARE, of="fooled"),
        _RANDOM,
        Column("excess", _DIFFERENCE, doc="`fooled` minus `random`."),
        *bounds(_DIFFERENCE, of="excess"),
        *(UNITS, NOTE),
    ),
    key=("attack", "source", "target", "relation", "norm", "size"),
    may_be_empty=True,
    doc="One row for each pair of classifiers of one data set, norm and size, and one for the mean over all pairs of a "
    "relation, whose interval is over classifiers. Perturbations are those found on all images. Not fooled by them is "
    "not the same as not foolable: perturbations that are found on the target itself stand in `universal`.",
)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A classifier that is shown images with perturbations found on others."""

    name: str
    architecture: str
    dataset: str
    sees: NDArray[np.bool_]  # (C, H, W) which pixels it sees
    labels: Callable[[NDArray[np.uint8]], NDArray[np.int64]]  # (B, C, H, W) uint8 to (B,)


def universal_table(records: Sequence[UniversalRecord]) -> pd.DataFrame:
    """Return one row for each perturbation."""
    rows = [
        (record.classifier["name"], record.name, *column, *_shares(record, place))
        for record in in_order(records)
        for place, column in enumerate(record.columns)
    ]
    return pd.DataFrame(rows, columns=UNIVERSAL.names)


def means_table(table: pd.DataFrame, *, settings: IntervalSettings) -> pd.DataFrame:
    """Return the means over the classifiers of the rows of ``table``, for each perturbation of an attack."""
    level, rows = settings.confidence_level, []
    for names, found in table.groupby(names_of((ATTACK, *_FOUND)), sort=False):
        row = dict(zip(names_of((ATTACK, *_FOUND)), names, strict=True))
        excess = excess_over_random(found, level=level)
        estimates = {"excess": excess} | {
            name: share_of_images(found, name, level=level)
            for name in ("seen", "unseen", "random", "former", "error")
            if found[name].notna().all()
        }
        for name, estimate in estimates.items():
            row |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
        rows.append(row | {"units": excess.units, "note": excess.note})
    return pd.DataFrame(rows, columns=UNIVERSAL_MEANS.names)


def share_of_images(rows: pd.DataFrame, column: str, *, level: float) -> Estimate:
    """Estimate the mean over the classifiers of a share of images; ``rows`` are of the table ``universal``.

    The interval is that of Student's t, or of Clopper and Pearson if the share is 0 or 1 on all of them.
    """
    shares = _by_classifier(rows[column])
    if shares.mean() in (0, 1):
        return estimated_share(shares, level=level, nested=True)
    return estimated_mean(shares, level=level, nested=True, within=(0, 1))


def excess_over_random(rows: pd.DataFrame, *, level: float) -> Estimate:
    """Estimate the mean over the classifiers of the unseen images fooled minus those that random ones fool.

    ``rows`` are rows of the table ``universal``, one for each classifier.
    """
    return estimated_mean(_by_classifier(rows["unseen"] - rows["random"]), level=level, nested=True, within=(-1, 1))


def labels_table(records: Sequence[UniversalRecord]) -> pd.DataFrame:
    """Return the labels that fooled unseen images get most, of the perturbations found on all images."""
    rows = []
    for record in in_order(records):
        for place, column in found_on_all(record):
            before, after = record.unseen_labels[place], record.unseen_changed[place]
            fooled = after[after != before]
            counts = np.bincount(fooled, minlength=len(record.class_names))
            ranked = np.argsort(-counts, kind="stable")[:MOST_LABELS]
            rows += [
                (
                    *(record.classifier["name"], record.name, column.norm, column.size, rank),
                    *(int(index), record.class_names[index], counts[index] / len(fooled)),
                    *(float((before == index).mean()), len(fooled)),
                )
                for rank, index in enumerate(ranked[counts[ranked] > 0], start=1)
            ]
    return pd.DataFrame(rows, columns=UNIVERSAL_LABELS.names)


def transfer_table(
    records: Sequence[UniversalRecord],
    targets: Sequence[Shown],
    images: Mapping[str, NDArray[np.uint8]],
    *,
    settings: IntervalSettings,
) -> pd.DataFrame:
    """Return one row for each pair of a source and a target, norm and size, and one for the mean over the pairs.

    ``images`` are the test images (M, C, H, W) of each data set by the SHA-256 of its file. Raises
    :class:`FoolingError` for a record whose data set is missing.
    """
    architectures = {target.name: target.architecture for target in targets}
    rows: list[dict[str, object]] = []
    for record in in_order(records):
        source, unseen = record.classifier["name"], unseen_images(record, images)
        for target in targets:
            if target.name != source and target.dataset == record.dataset["name"]:
                same = architectures.get(source) == target.architecture
                relation = "same architecture" if same else "other architecture"
                words = {"attack": record.name, "source": source, "target": target.name, "relation": relation}
                rows += [{**words, **found} for found in _shown_to(record, target, unseen)]
    pairs = pd.DataFrame(rows, columns=UNIVERSAL_TRANSFER.names).astype({"units": float})
    if pairs.empty:
        return pairs
    groups = pairs.groupby(["attack", "relation", *names_of(_NORM)], sort=False)
    means = [_mean_over(names, found, settings) for names, found in groups]
    return pd.concat([pd.DataFrame(means, columns=pairs.columns), pairs], ignore_index=True)


def excess_over_pairs(pairs: pd.DataFrame, *, level: float) -> Estimate:
    """Estimate the mean over ``pairs`` of the share that transfers minus that of random perturbations."""
    return estimated_over_pairs(pairs[pairs["source"].notna()].assign(runs=1), "excess", level=level, within=(-1, 1))


def unseen_images(record: UniversalRecord, images: Mapping[str, NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return the unseen images (N, C, H, W) of a record; raise :class:`FoolingError` if its data set is missing."""
    if (of_dataset := images.get(record.dataset["sha256"])) is None:
        raise FoolingError(
            f"the data set of {record.name} on {record.classifier['name']} is missing",
            found=f"{len(images)} other data sets",
            expected=f"{record.dataset['name']} with SHA-256 {record.dataset['sha256']}",
            remedy="name its file with --datasets",
        )
    if record.unseen_indices.max() >= len(of_dataset) or of_dataset.shape[1:] != record.real.shape[1:]:
        raise FoolingError(f"{record.name} on {record.classifier['name']} is not of the images of its data set")
    return of_dataset[record.unseen_indices]


def in_order(records: Sequence[UniversalRecord]) -> list[UniversalRecord]:
    """Return the records sorted by name and classifier, so that their order on the command line does not matter."""
    return sorted(records, key=lambda record: (record.name, record.classifier["name"]))


def _by_classifier(values: pd.Series) -> NDArray[np.float64]:
    return values.to_numpy(dtype=float)[:, None]


def found_on_all(record: UniversalRecord) -> Iterator[tuple[int, Perturbation]]:
    """Yield the perturbations of the network as it is that were found on all images."""
    most = max(column.images for column in record.columns)
    yield from (
        (place, column) for place, column in enumerate(record.columns) if column.round == 0 and column.images == most
    )


def _shares(record: UniversalRecord, place: int) -> tuple[float, ...]:
    """Return the values of the table ``universal`` for one perturbation, after those that name it."""
    column, labels = record.columns[place], record.unseen_labels[place]
    seen = record.seen_changed[place] != record.seen_labels[place]
    by_random = (record.control_changed[place] != labels).mean(axis=1)
    former = float((record.unseen_former[place] != labels).mean()) if column.round else np.nan
    change = record.perturbations[place].astype(float)
    return (
        float(seen[: column.images].mean()),
        float((record.unseen_changed[place] != labels).mean()),
        float(by_random.mean()),
        float(by_random.max()),
        former,
        float((labels != record.unseen_classes).mean()),
        float(np.sqrt(np.square(change).mean())),
        float(np.abs(change).max()),
        len(by_random),
        len(labels),
    )


def _shown_to(record: UniversalRecord, target: Shown, unseen: NDArray[np.uint8]) -> Iterator[dict[str, object]]:
    """Yield, for each perturbation found on all images, the share of the unseen images that it fools on the target."""
    before = target.labels(unseen)
    for place, column in found_on_all(record):

        def fooled(change: NDArray[np.floating]) -> float:
            return float((target.labels(perturbed(unseen, change)) != before).mean())

        share = fooled(record.perturbations[place])
        seed, count = record.seed, len(record.control_changed[place])
        by_random = np.mean(
            [fooled(random_change(target.sees, column, seed=seed, number=number)) for number in range(count)]
        )
        yield {
            **{"norm": column.norm, "size": column.size, "fooled": share, "random": by_random},
            "own": float((record.unseen_changed[place] != record.unseen_labels[place]).mean()),
            **{"excess": share - by_random, "units": 1, "note": "one pair"},
        }


def _mean_over(names: Sequence[object], pairs: pd.DataFrame, settings: IntervalSettings) -> dict[str, object]:
    """Return the row with the mean over ``pairs``, whose attack, relation, norm and size are ``names``."""
    level = settings.confidence_level
    fooled = estimated_over_pairs(pairs.assign(runs=1), "fooled", level=level, within=(0, 1))
    excess = excess_over_pairs(pairs, level=level)
    return {
        **dict(zip(("attack", "relation", "norm", "size"), names, strict=True)),
        **{"own": pairs["own"].mean(), "random": pairs["random"].mean()},
        **{"fooled": fooled.value, "fooled_low": fooled.low, "fooled_high": fooled.high},
        **{"excess": excess.value, "excess_low": excess.low, "excess_high": excess.high},
        **{"units": excess.units, "note": excess.note},
    }
