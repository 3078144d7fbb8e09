"""Where champions lie: their distance to the nearest decision boundary, beside starts and real test images.

DeepFool looks for the smallest change of an image that changes its label. Its length is an upper bound on the distance
to the nearest boundary. The authors' page draws fooling images deep inside the region of their class; adversarial
examples lie just behind its edge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from fooling.attacks.evolution.record import RunRecord
from fooling.datasets.dataset import Dataset
from fooling.findings.intervals import Estimate, estimated_mean, probability_of
from fooling.findings.registry import CLASS, CLASSIFIER, CONFIDENCE, EXPERIMENT, LOG_ODDS, SEED
from fooling.messages import FoolingError
from fooling.reproducibility import numpy_generator
from fooling.settings import Seed, Settings
from fooling.table import COUNT, NOT_NEGATIVE, Column, Table, one_of, or_nothing

CHAMPION, START, REAL_IMAGE = "champion", "start", "real"
KINDS = (CHAMPION, START, REAL_IMAGE)

BOUNDARY = Table(
    name="boundary",
    path="findings/boundary.parquet",
    commands=("probe-boundary",),
    columns=(
        CLASSIFIER,
        Column(
            "kind",
            one_of(*KINDS),
            doc="`champion` of evolution; `start`: the best image of the same class in the random start of a run; "
            "`real` test image. All have their class as label.",
        ),
        *or_nothing(
            EXPERIMENT,
            Column("encoding", one_of("direct", "cppn"), doc="Encoding of the genomes."),
            SEED,
            doc="empty for real images.",
        ),
        Column("image", COUNT, doc="Index of a real image among the test images, and the class of another one."),
        *(*CLASS, CONFIDENCE, LOG_ODDS),
        *or_nothing(
            Column(
                "distance",
                NOT_NEGATIVE,
                unit="0..1",
                doc="Root mean square over all pixels of the smallest change found that changes the label, before "
                "rounding, on the 0..1 scale of levels.",
            ),
            Column("other_class", COUNT, doc="Index of the label behind the boundary."),
            doc="empty if none was found.",
        ),
        Column(
            "evaluations",
            COUNT,
            unit="images",
            doc="Evaluations by DeepFool for this image: 1 for a forward pass, 2 for a backward pass.",
        ),
    ),
    key=("classifier", "kind", "experiment", "seed", "image"),
    may_be_empty=True,
    doc="One row for each champion, start and real test image that was measured. DeepFool finds a small change, not "
    "provably the smallest: the distance to the nearest boundary is at most as large.",
)

#: Map uint8 images (B, C, H, W) to float64 log-odds (B, K).
Scorer = Callable[[NDArray[np.uint8]], NDArray[np.float64]]
#: Map uint8 images (B, C, H, W) to distances (B,), the labels behind the boundary (B,), and evaluations (B,). The
#: distance is NaN where no other label was found.
Measure = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]]


class BoundarySettings(Settings):
    """Distances to the nearest decision boundary."""

    images: Annotated[int, Field(ge=1, le=100_000)] = 50
    """Number of champions of each experiment, of starts, and of real test images measured on each network."""
    overshoot: Annotated[float, Field(ge=0, le=1)] = 0.02
    """Share by which DeepFool goes beyond the boundary that it finds."""
    seed: Seed = 1
    """Seed that draws the images."""


def boundary_table(
    runs: Mapping[str, Sequence[RunRecord]],
    dataset: Dataset,
    *,
    classifier: str,
    scored: Scorer,
    measure: Measure,
    settings: BoundarySettings,
) -> pd.DataFrame:
    """Return the rows of one classifier: real test images, and champions and starts of each experiment.

    Args:
        runs: The runs of evolution on the classifier, by experiment.
        dataset: Its data set.
        classifier: Its name.
        scored: Its log-odds.
        measure: The distance of images to its nearest boundary.
        settings: Number of images, and seed.

    Raises:
        FoolingError: Runs are of another classifier or have images of another shape than the data set.
    """
    _require_fitting(runs, dataset, classifier)
    parts = []
    for identity, names, images, classes, numbers in _candidates(runs, dataset):
        log_odds = scored(images)
        own = np.flatnonzero(log_odds.argmax(axis=1) == classes)
        generator = numpy_generator(settings.seed, "boundary", classifier, *map(str, names))
        drawn = np.sort(generator.permutation(own)[: settings.images])
        if not len(drawn):
            continue
        distances, others, evaluations = measure(images[drawn])
        odds = log_odds[drawn, classes[drawn]]
        part = identity.iloc[drawn].assign(
            classifier=classifier,
            image=numbers[drawn],
            class_index=classes[drawn],
            class_name=[dataset.class_names[index] for index in classes[drawn]],
            confidence=probability_of(odds).astype(np.float32),
            log_odds=odds,
            distance=distances,
            other_class=pd.array(np.where(np.isnan(distances), np.nan, others), dtype="Int64"),
            evaluations=evaluations,
        )
        parts.append(part[BOUNDARY.names])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=BOUNDARY.names)


def distance_ratio(rows: pd.DataFrame, *, experiment: str, kind: str, level: float) -> Estimate | None:
    """Estimate the median distance of champions over that of another ``kind``, of real images or starts.

    The value is the geometric mean over the classifiers that have both; None if there are none.
    """
    champions = rows[(rows["kind"] == CHAMPION) & (rows["experiment"] == experiment)]
    others = rows[(rows["kind"] == kind) & ((rows["experiment"] == experiment) | (kind == REAL_IMAGE))]
    medians = [part.groupby("classifier")["distance"].median() for part in (champions, others)]
    ratios = (medians[0] / medians[1]).replace([0.0, np.inf], np.nan).dropna().to_numpy(dtype=np.float64)
    if not len(ratios):
        return None
    return estimated_mean(np.log(ratios)[:, None], level=level, nested=True, back=np.exp)


def _candidates(
    runs: Mapping[str, Sequence[RunRecord]], dataset: Dataset
) -> Iterator[tuple[pd.DataFrame, tuple[str, ...], NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]]:
    """Yield, for each kind of images, what identifies them, names for the draw, and images with classes and numbers."""
    labels = dataset.test_labels
    yield (
        _identity(REAL_IMAGE, len(labels), experiment=None, encoding=None, seed=None),
        (REAL_IMAGE, dataset.name),
        dataset.test_images,
        labels,
        np.arange(len(labels)),
    )
    for experiment, records in runs.items():
        ordered = sorted(records, key=lambda record: record.seed)
        classes = np.concatenate([np.arange(len(record.class_names)) for record in ordered])
        for kind in (CHAMPION, START):
            shown = [record.images if kind == CHAMPION else record.start_images for record in ordered]
            identity = _identity(
                kind,
                len(classes),
                experiment=experiment,
                encoding=ordered[0].encoding,
                seed=np.repeat([record.seed for record in ordered], [len(images) for images in shown]),
            )
            yield identity, (kind, experiment), np.concatenate(shown), classes, classes


def _identity(kind: str, count: int, **columns: Any) -> pd.DataFrame:
    types = {"experiment": "string", "encoding": "string", "seed": "Int64"}
    return pd.DataFrame({"kind": kind, **columns}, index=range(count)).astype(types)


def _require_fitting(runs: Mapping[str, Sequence[RunRecord]], dataset: Dataset, classifier: str) -> None:
    records = [record for those in runs.values() for record in those]
    if other := sorted({str(record.classifier["name"]) for record in records} - {classifier}):
        raise FoolingError("the runs are of another classifier", found=", ".join(other), expected=classifier)
    if wrong := [record.images.shape[1:] for record in records if record.images.shape[1:] != dataset.image_shape]:
        raise FoolingError(
            f"the runs have other images than the data set {dataset.name}", found=wrong[0], expected=dataset.image_shape
        )
    if searched := sorted({record.search for record in records} - {"map-elites"}):
        remedy = "give the runs of evolution alone"
        raise FoolingError("some runs are controls", found=", ".join(searched), expected="map-elites", remedy=remedy)
