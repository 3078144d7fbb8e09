"""Detectors of fooling images, and what remains of each under an attack that knows it.

Champions of the network without a detector were selected by its softmax, not by the detector, so the share of them that
a detector rejects flatters every detector but the softmax itself. A row therefore holds both numbers, and detectors
are ranked by the second one alone: how sure the guarded network can be made of each class by an attack on the network
and its detector together, as a rejected image has confidence 0.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fooling.attacks.evolution.record import RunRecord
from fooling.attacks.record import TargetedRecord
from fooling.findings.intervals import Estimate, IntervalSettings, estimated_mean
from fooling.findings.registry import CLASS, CLASSIFIER, NOTE, UNITS
from fooling.findings.runs import ThresholdSettings
from fooling.images import noise_images, png_bytes
from fooling.messages import FoolingError
from fooling.reproducibility import evenly_spaced
from fooling.table import COUNT, NUMBER, SHARE, TEXT, Column, Table, or_nothing, with_bounds

NONE = "none"  # the network without a detector
NOISE = 200  # images
SHOWN = 10  # classes whose images are kept

GUARDS = Column("guards", TEXT, doc="Name of the entry of `detectors` in the study's configuration.")
DETECTOR = Column("detector", TEXT, doc="Kind of the detector; `none`: the network without one.")
RANK = Column(
    "rank",
    COUNT,
    doc="Rank by `adaptive_sure`, then by `adaptive_median`, the lowest first, from 1; 0 without a detector. Static "
    "numbers play no part.",
)
_BEST = "the share of the classes at the threshold of the study (99.99 %) or more"
ADAPTIVE_SURE = Column(
    "adaptive_sure",
    SHARE,
    doc=f"Adaptive: {_BEST}, of the best accepted image of each class by any of the attacks that know the detector: "
    "both evolutions and gradient ascent.",
)
STATIC_SURE = Column(
    "static_sure",
    SHARE,
    doc=f"Static: {_BEST}, of the best accepted image of each class among those found without the detector, by "
    "evolution and gradient ascent. It flatters the detector.",
)
_ADAPTIVE = ("evolution", "smooth", "ascent")
_FOUND_BY = {
    "evolution": "evolution on the hard version",
    "smooth": "evolution on the smooth version",
    "random": "random search on the hard version, with as many images",
    "ascent": "gradient ascent on the smooth version",
}


#: Columns about real images, by their keys in the provenance of a guarded classifier.
_FITTED = {name: name for name in ("threshold", "fitted_images", "threshold_images", "measured_images")} | {
    **{"test_error": "error_without", "rejected_at_threshold": "rejected_at_threshold"},
    **{"rejected_real": "rejected", "accepted_error": "error_of_accepted"},
}


def _measured(way: str) -> tuple[Column, Column]:
    """Return the two columns of one attack."""
    median = Column(
        f"{way}_median", SHARE, doc=f"Median over the classes of the confidence if accepted, else 0: {_FOUND_BY[way]}."
    )
    return median, Column(f"{way}_sure", SHARE, doc=f"The share of the classes at the threshold: {_FOUND_BY[way]}.")


DETECTORS = Table(
    name="detectors",
    path="findings/detectors.csv",
    commands=("measure-detectors",),
    columns=(
        *(GUARDS, CLASSIFIER, DETECTOR, RANK),
        Column("classes", COUNT, doc="Number of classes that all attacks aim at; all medians and shares are of them."),
        Column("evaluations", COUNT, unit="images", doc="Images scored by each evolution, and by random search."),
        Column(
            "ascent_evaluations", COUNT, unit="images", doc="Evaluations of gradient ascent for each image, per start."
        ),
        *or_nothing(
            Column("threshold", NUMBER, doc="Score below which an image is rejected."),
            Column("fitted_images", COUNT, doc="Real images that the detector was fitted on."),
            Column("threshold_images", COUNT, doc="Other real images, which set its threshold."),
            Column("measured_images", COUNT, doc="Further real test images, which the next four columns are about."),
            Column("test_error", SHARE, doc="Share of them that the network without the detector misclassifies."),
            Column("rejected_at_threshold", SHARE, doc="Share of the images of the threshold that are rejected."),
            Column("rejected_real", SHARE, doc="Share of the measured real images that are rejected."),
            doc="empty without a detector.",
        ),
        *or_nothing(
            Column("accepted_error", SHARE, doc="Share of the accepted real images that are misclassified."),
            doc="empty without a detector, and if none is accepted.",
        ),
        Column("champions_accepted", SHARE, doc="Static: share of the champions without the detector it accepts."),
        Column("ascents_accepted", SHARE, doc="Static: the same of gradient ascents without the detector."),
        Column("noise_accepted", SHARE, doc=f"Static: the same of {NOISE} images of uniform noise."),
        Column("static_median", SHARE, doc="Static: median over the classes; compare with `adaptive_median`."),
        STATIC_SURE,
        *_measured("random"),
        *_measured("evolution"),
        *or_nothing(*_measured("smooth"), doc="empty without a detector."),
        *_measured("ascent"),
        Column(
            "adaptive_median",
            SHARE,
            doc="Adaptive: median over the classes of the confidence in the best accepted image by any of these "
            "attacks but random search.",
        ),
        ADAPTIVE_SURE,
    ),
    key=("guards", "classifier", "detector"),
    doc="One row for each network and detector, static and adaptive numbers in one row. A detector that was not "
    "attacked has none.",
)
DETECTOR_MEANS = Table(
    name="detector_means",
    path="findings/detector_means.csv",
    commands=("measure-detectors",),
    columns=(
        *(GUARDS, DETECTOR, RANK),
        *or_nothing(
            Column("rejected_real", SHARE, doc="Mean share of the measured real images that are rejected."),
            doc="empty without a detector.",
        ),
        *with_bounds(STATIC_SURE),
        Column("random_sure", SHARE, doc="Mean share of the classes at the threshold by random search."),
        *with_bounds(ADAPTIVE_SURE),
        Column("adaptive_median", SHARE, doc="Mean over the networks of their `adaptive_median`."),
        *(UNITS, NOTE),
    ),
    key=("guards", "detector"),
    doc="One row for each detector: means over the networks of an entry, which are the independent units.",
)
DETECTOR_IMAGES = Table(
    name="detector_images",
    path="findings/detector_images.parquet",
    commands=("measure-detectors",),
    columns=(
        *(GUARDS, CLASSIFIER, DETECTOR, *CLASS),
        Column("found_by", TEXT, doc="Attack that found the image: `evolution`, `smooth` (evolution) or `ascent`."),
        Column("confidence", SHARE, doc="Confidence in the class if the image is accepted, else 0."),
        Column("static_confidence", SHARE, doc="The same of the best image found without the detector."),
        *or_nothing(
            Column("score", NUMBER, doc="Score of the detector, to compare with its threshold."),
            doc="empty without a detector.",
        ),
        *or_nothing(
            Column("png", TEXT, doc="The image, as a PNG file in base64."),
            doc="empty but for at most ten classes of the first network of an entry.",
        ),
    ),
    key=("guards", "classifier", "detector", "class_index"),
    doc="One row for each network, detector and class: the best accepted image of the attacks that know the detector.",
)

Answers = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


class DetectorTableSettings(IntervalSettings, ThresholdSettings):
    """Confidence from which a network counts as sure, and confidence intervals."""


@dataclass(frozen=True, kw_only=True)
class Attacked:
    """A network with one detector, or with none, and the attacks on both together."""

    guards: str
    classifier: str
    detector: str
    guard: Mapping[str, Any] | None
    """How the detector was fitted, from the provenance of the guarded classifier; None without a detector."""
    measured_images: int | None
    confidences: Answers
    """Map images (N, C, H, W) to the confidences (N, K) of the hard version in the classes: 0 if it rejects."""
    scores: Answers | None
    evolution: RunRecord
    random_search: RunRecord
    smooth: RunRecord | None
    ascent: TargetedRecord


@dataclass(frozen=True)
class _Found:
    """Images with the class that each was made for."""

    images: NDArray[np.uint8]
    classes: NDArray[np.int64]


def detector_tables(
    attacked: Sequence[Attacked], settings: DetectorTableSettings
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the tables ``detectors``, ``detector_means`` and ``detector_images``.

    Raises :class:`FoolingError` unless each network was also attacked without a detector, with the same settings.
    """
    rows, pictures = [], []
    firsts: dict[str, str] = {}
    for one in attacked:
        plain = _plain(attacked, one)
        firsts.setdefault(one.guards, one.classifier)
        row, images = _row_of(one, plain, settings, keeps=firsts[one.guards] == one.classifier)
        rows.append(row)
        pictures.append(images)
    table = pd.DataFrame(rows)
    table["rank"] = _ranks(table, ["guards", "classifier"])
    table = table[DETECTORS.names]
    return table, _means(table, settings), pd.concat(pictures, ignore_index=True)[DETECTOR_IMAGES.names]


def adaptive_minus_static(table: pd.DataFrame, *, level: float) -> Estimate:
    """Estimate by how much an attack that knows the detector raises the share of sure classes, over the networks."""
    excess = (table["adaptive_sure"] - table["static_sure"]).to_numpy(dtype=np.float64)
    return estimated_mean(excess[:, None], level=level, nested=True, within=(-1, 1))


def _row_of(
    one: Attacked, plain: Attacked, settings: DetectorTableSettings, *, keeps: bool
) -> tuple[dict[str, Any], pd.DataFrame]:
    wanted = np.unique(one.ascent.classes)
    static = {"champions": _made(plain.evolution), "ascents": _made(plain.ascent)}
    ways = {"evolution": _made(one.evolution), "ascent": _made(one.ascent)}
    if one.smooth is not None:
        ways["smooth"] = _made(one.smooth)
    best = {way: _best(found, wanted, one.confidences) for way, found in ways.items()}
    random = _best(_made(one.random_search), wanted, one.confidences)[0]
    adaptive = [way for way in _ADAPTIVE if way in best]
    every = np.stack([best[way][0] for way in adaptive])
    chosen, columns = every.argmax(axis=0), np.arange(len(wanted))
    without = np.max([_best(found, wanted, one.confidences)[0] for found in static.values()], axis=0)
    numbers: dict[str, Any] = {
        "guards": one.guards,
        "classifier": one.classifier,
        "detector": one.detector,
        "classes": len(wanted),
        "evaluations": int(one.evolution.history.evaluations[-1]),
        "ascent_evaluations": int(one.ascent.trajectory.evaluations[-1]),
        **_fitted(one),
        "champions_accepted": _accepted(one, static["champions"].images),
        "ascents_accepted": _accepted(one, static["ascents"].images),
        "noise_accepted": _accepted(one, noise_images(one.evolution.images.shape[1:], NOISE)),
    }
    reached = {"static": without, "random": random, "adaptive": every.max(axis=0)}
    reached |= {way: best[way][0] if way in best else None for way in ("evolution", "smooth", "ascent")}
    for name, confidences in reached.items():
        numbers[f"{name}_median"] = np.nan if confidences is None else float(np.median(confidences))
        numbers[f"{name}_sure"] = np.nan if confidences is None else float((confidences >= settings.threshold).mean())
    images = np.stack([best[adaptive[way]][1][place] for place, way in enumerate(chosen)])
    kept = evenly_spaced(len(wanted), SHOWN) if keeps else []
    pictures = pd.DataFrame(
        {
            "guards": one.guards,
            "classifier": one.classifier,
            "detector": one.detector,
            "class_index": wanted,
            "class_name": [one.evolution.class_names[index] for index in wanted],
            "found_by": [adaptive[way] for way in chosen],
            "confidence": every[chosen, columns],
            "static_confidence": without,
            "score": np.nan if one.scores is None else one.scores(images).astype(np.float64),
            "png": [
                base64.b64encode(png_bytes(image)).decode() if place in kept else None
                for place, image in enumerate(images)
            ],
        }
    )
    return numbers, pictures


def _fitted(one: Attacked) -> dict[str, Any]:
    """Return the columns about real images."""
    guard = {"measured_images": one.measured_images, **(one.guard or {})}
    return {column: np.nan if guard.get(key) is None else guard[key] for column, key in _FITTED.items()}


def _accepted(one: Attacked, images: NDArray[np.uint8]) -> float:
    """Return the share of ``images`` that the hard version accepts: their confidences sum to 1, else to 0."""
    return float((one.confidences(images).sum(axis=1) > 0.5).mean())


def _best(
    found: _Found, wanted: NDArray[np.int64], confidences: Answers
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Return the highest confidence (W,) in each wanted class of the images made for it, and its image."""
    shown = np.flatnonzero(np.isin(found.classes, wanted))
    own = confidences(found.images[shown])[np.arange(len(shown)), found.classes[shown]].astype(np.float64)
    rows = [max(np.flatnonzero(found.classes[shown] == index), key=lambda row: own[row]) for index in wanted]
    return own[rows], found.images[shown][rows]


def _made(record: RunRecord | TargetedRecord) -> _Found:
    own = record.classes if isinstance(record, TargetedRecord) else np.arange(len(record.images))
    return _Found(record.images, own)


def _plain(attacked: Sequence[Attacked], one: Attacked) -> Attacked:
    """Return the attacks on the same network without a detector."""
    for other in attacked:
        if other.detector == NONE and (other.guards, other.classifier) == (one.guards, one.classifier):
            same = one.evolution.settings == other.evolution.settings and one.ascent.settings == other.ascent.settings
            if same and one.random_search.settings == other.evolution.settings:
                return other
            raise FoolingError(
                f"the attacks on {one.classifier} with the detector {one.detector} cannot be compared",
                found="other settings than without a detector",
                expected="the same encoding, budget and gradient ascent",
            )
    raise FoolingError(
        f"the attacks on {one.classifier} without a detector are missing",
        found=f"no detector {NONE!r} in {one.guards}",
        remedy="give the runs against the network itself as well",
    )


def _ranks(table: pd.DataFrame, groups: list[str]) -> list[int]:
    """Return the rank of each row among the detectors of its group, from 1; 0 without a detector."""
    keys = [tuple(row) for row in table[groups].itertuples(index=False)]
    numbers = [tuple(row) for row in table[["adaptive_sure", "adaptive_median"]].itertuples(index=False)]
    guarded = [detector != NONE for detector in table["detector"]]
    lower = [
        sum(keys[other] == keys[row] and guarded[other] and numbers[other] < numbers[row] for other in range(len(keys)))
        for row in range(len(keys))
    ]
    return [count + 1 if is_guarded else 0 for count, is_guarded in zip(lower, guarded, strict=True)]


def _means(table: pd.DataFrame, settings: DetectorTableSettings) -> pd.DataFrame:
    rows = []
    for (guards, detector), networks in table.groupby(["guards", "detector"], sort=False):
        row: dict[str, Any] = {"guards": guards, "detector": detector}
        for name in ("static_sure", "adaptive_sure"):
            runs = networks[name].to_numpy(dtype=np.float64)[:, None]
            found = estimated_mean(runs, level=settings.confidence_level, nested=True, within=(0, 1))
            row |= {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
            row |= {"units": found.units, "note": found.note}
        row |= {name: networks[name].mean() for name in ("rejected_real", "random_sure", "adaptive_median")}
        rows.append(row)
    means = pd.DataFrame(rows)
    means["rank"] = _ranks(means, ["guards"])
    return means[DETECTOR_MEANS.names]
