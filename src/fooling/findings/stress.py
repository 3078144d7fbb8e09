"""Stress of champions: what survives print and shuffled patches, and logits beyond those of every real image.

A champion counts if its classifier gives it the class for which it was evolved; the control are real test images that
the classifier classifies correctly. Both are changed in the same ways, at the same strengths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from fooling.ablation.probe_images import CHANGES, UNITS, Change, changed
from fooling.attacks.evolution.record import RunRecord
from fooling.datasets.dataset import Dataset
from fooling.findings.intervals import Estimate, estimated_ratio, probability_of, run_grid
from fooling.findings.registry import CLASS, CONFIDENCE, LOG_ODDS, RUN
from fooling.findings.runs import ThresholdSettings, at_threshold, of_run
from fooling.messages import FoolingError
from fooling.reproducibility import numpy_generator
from fooling.settings import Seed, Settings
from fooling.table import COUNT, FLAG, NUMBER, Column, Table, Values, names_of, one_of, or_nothing

_UNITS = ", ".join(f"{unit} for `{change}`" for change, unit in UNITS.items())
_COUNTED = {
    "images": "{} with the class as label before the change",
    "kept": "of these, those that still have it",
    "sure": "{} with the class at `findings.threshold` (99.99 %) or more before the change",
    "still_sure": "of these, those that still have it at the threshold or more",
}
_WORDS = {"": "Champions", "real_": "Real test images"}


def _counts(of: str) -> tuple[Column, ...]:
    return tuple(
        Column(f"{of}{name}", COUNT, unit="images", doc=f"Number: {words.format(_WORDS[of].lower())}.")
        for name, words in _COUNTED.items()
    )


def _odds(of: str) -> tuple[Column, ...]:
    whose = f"Mean log-odds of the class over the images counted in `{of}images`"
    return or_nothing(
        Column(f"{of}log_odds_before", NUMBER, unit="log-odds", doc=f"{whose}, before the change."),
        Column(f"{of}log_odds", NUMBER, unit="log-odds", doc=f"{whose}, after the change."),
        doc="empty if there are none.",
    )


ROBUSTNESS = Table(
    name="robustness",
    path="findings/robustness/{classifier}.csv",
    commands=("stress",),
    columns=(
        *RUN,
        Column("change", one_of(*CHANGES), doc="How the images are changed; `patches`: patches in random order."),
        Column("strength", Values(kind="number", least=0), doc=f"Strength of the change: {_UNITS}."),
        *(*_counts(""), *_odds(""), *_counts("real_"), *_odds("real_")),
    ),
    key=(*names_of(RUN), "change", "strength"),
    doc="One row for each run of evolution, change and strength: how many of its champions survive, beside correctly "
    "classified real test images of the same classifier. The columns of real images are the same for all runs with the "
    "same preprocessing. Champions were evolved for the unchanged image: one that does not survive a change is no "
    "evidence that images that survive it cannot be found.",
)
SUPERNORMAL = Table(
    name="supernormal",
    path="findings/supernormal/{classifier}.parquet",
    commands=("stress",),
    columns=(
        *(*RUN, *CLASS, CONFIDENCE, LOG_ODDS),
        Column("real_log_odds", NUMBER, unit="log-odds", doc="Highest log-odds of the class in any real test image."),
        Column("beyond_log_odds", FLAG, doc="Whether the champion's log-odds exceed those of every real test image."),
        *or_nothing(
            Column("logit", NUMBER, doc="The network's output for the class, before the softmax."),
            Column("real_logit", NUMBER, doc="Highest such output for the class in any real test image."),
            Column(
                "beyond_logit",
                Values(kind="whole", least=0, most=1),
                doc="Whether the champion's logit exceeds that of every real test image: 1, or 0 if not.",
            ),
            doc="empty for a network that gives only probabilities, an ensemble, a fitted model, or a mean over crops.",
        ),
    ),
    key=(*names_of(RUN), "class_index"),
    doc="One row for each champion of evolution: is it a supernormal stimulus, which a network scores higher for the "
    "class than every real image? A softmax ignores what is added to all logits of an image, so logits and log-odds "
    "can disagree.",
)

BATCH = 100  # images changed at once: in between they are float64

#: Map uint8 images (B, C, H, W) to float32 logits (B, L) and float64 log-odds (B, L).
Scorer = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], NDArray[np.float64]]]

Strengths = tuple[Annotated[float, Field(gt=0)], ...]
_Pixels = tuple[Annotated[int, Field(ge=1, le=1024)], ...]


class ChangeSettings(Settings):
    """Changes of champions and real images."""

    shift_pixels: _Pixels = (1, 2, 4)
    """Shifts, in pixels to a random side."""
    rotation_degrees: Strengths = (5.0, 15.0, 45.0)
    """Rotations, in degrees to a random side."""
    blur_pixels: Strengths = (0.5, 1.0, 2.0)
    """Blurs, as standard deviations of the Gaussian in pixels."""
    jpeg_losses: tuple[Annotated[int, Field(ge=1, le=99)], ...] = (25, 50, 75)
    """JPEG compressions, as 100 minus the quality."""
    noise_levels: Strengths = (16.0, 32.0, 64.0)
    """Gaussian noise, as standard deviations in levels (0 to 255)."""
    patch_pixels: _Pixels = (7,)
    """Sides in pixels of the square patches that are put in random order."""
    changed_real_images: int = Field(default=200, ge=1, le=1_000_000)
    """Number of correctly classified real test images that are changed like the champions, as a control."""
    change_seed: Seed = 1
    """Seed of the choice of real images, and of directions, noise and the order of patches."""

    def strengths(self) -> Iterator[tuple[Change, float]]:
        """Yield every change with each of its strengths, in the order of the tables."""
        values: Sequence[Sequence[float]] = (
            *(self.shift_pixels, self.rotation_degrees, self.blur_pixels, self.jpeg_losses, self.noise_levels),
            self.patch_pixels,
        )
        for change, chosen in zip(CHANGES, values, strict=True):
            yield from ((change, float(strength)) for strength in dict.fromkeys(chosen))


class StressSettings(ChangeSettings, ThresholdSettings):
    """Changes of champions and real images, and the threshold that they may survive."""


@dataclass(frozen=True, kw_only=True)
class RealImages:
    """What a classifier gives real test images: the control of its champions."""

    survivals: pd.DataFrame  # of the correctly classified ones, as :func:`survivals` returns it
    logits: NDArray[np.float64]  # (L,) the highest of each class in any test image
    log_odds: NDArray[np.float64]  # (L,)


def survivals(
    images: NDArray[np.uint8],
    classes: NDArray[np.int64],
    *,
    scored: Scorer,
    settings: StressSettings,
    purpose: tuple[str | int, ...],
) -> pd.DataFrame:
    """Return how many images survive each change and strength, one row each.

    Args:
        images: Images (B, C, H, W).
        classes: Class (B,) of each image.
        scored: Classifier.
        settings: Changes and threshold.
        purpose: What the images are, for the random numbers.

    Returns:
        ``change``, ``strength``, and the columns that the table ``robustness`` has for champions, without prefix.
    """
    before = _of_class(scored, images, classes)
    rows = []
    for change, strength in settings.strengths():
        generator = numpy_generator(settings.change_seed, "stress", change, repr(strength), *purpose)
        firsts = range(0, max(len(images), 1), BATCH)
        parts = [changed(images[first : first + BATCH], change, strength, generator) for first in firsts]
        after = _of_class(scored, np.concatenate(parts), classes)
        counted = before["is_label"]
        sure = at_threshold(before["confidence"], settings.threshold)
        rows.append(
            {
                **{"change": change, "strength": strength, "images": int(counted.sum())},
                "kept": int((counted & after["is_label"]).sum()),
                "sure": int(sure.sum()),
                "still_sure": int((sure & at_threshold(after["confidence"], settings.threshold)).sum()),
                "log_odds_before": _mean(before["log_odds"][counted]),
                "log_odds": _mean(after["log_odds"][counted]),
            }
        )
    return pd.DataFrame(rows)


def real_images(dataset: Dataset, *, scored: Scorer, settings: StressSettings) -> RealImages:
    """Return the control: correctly classified test images drawn by seed, and the highest scores of all test images."""
    logits, log_odds = scored(dataset.test_images)
    right = np.flatnonzero(log_odds.argmax(axis=1) == dataset.test_labels)
    generator = numpy_generator(settings.change_seed, "stress", "real images", dataset.name)
    chosen = np.sort(generator.permutation(right)[: settings.changed_real_images])
    found = survivals(
        dataset.test_images[chosen],
        dataset.test_labels[chosen],
        scored=scored,
        settings=settings,
        purpose=("real", dataset.name),
    )
    return RealImages(survivals=found, logits=logits.max(axis=0).astype(np.float64), log_odds=log_odds.max(axis=0))


def robustness_table(
    records: Sequence[RunRecord], *, experiment: str, scored: Scorer, real: RealImages, settings: StressSettings
) -> pd.DataFrame:
    """Return the rows of the table ``robustness`` of the runs of one experiment on one classifier."""
    control = real.survivals.drop(columns=["change", "strength"]).add_prefix("real_")
    tables = []
    for record in sorted(records, key=_seed):
        purpose = ("champions", experiment, record.seed)
        classes = np.arange(len(record.class_names))
        own = survivals(record.images, classes, scored=scored, settings=settings, purpose=purpose)
        columns = pd.concat([own, control], axis=1)
        tables.append(of_run(record, experiment, {str(name): columns[name].to_numpy() for name in columns}))
    return pd.concat(tables, ignore_index=True)[ROBUSTNESS.names]


def supernormal_table(
    records: Sequence[RunRecord], *, experiment: str, scored: Scorer, real: RealImages, has_logits: bool
) -> pd.DataFrame:
    """Return the rows of the table ``supernormal`` of the runs of one experiment on one classifier.

    ``has_logits``: whether the scorer's logits are those of a network, and not logarithms of probabilities.
    """
    tables = []
    for record in sorted(records, key=_seed):
        logits, log_odds = (scores[_diagonal(record)].astype(np.float64) for scores in scored(record.images))
        classes = np.arange(len(record.class_names))
        beyond = pd.Series(logits > real.logits[classes], dtype="Int64")
        columns: Mapping[str, Any] = {
            "class_index": classes,
            "class_name": list(record.class_names),
            "confidence": probability_of(log_odds).astype(np.float32),
            "log_odds": log_odds,
            "real_log_odds": real.log_odds[classes],
            "beyond_log_odds": log_odds > real.log_odds[classes],
            "logit": logits if has_logits else np.nan,
            "real_logit": real.logits[classes] if has_logits else np.nan,
            "beyond_logit": beyond if has_logits else pd.Series(pd.NA, index=classes, dtype="Int64"),
        }
        tables.append(of_run(record, experiment, columns))
    return pd.concat(tables, ignore_index=True)[SUPERNORMAL.names]


def require_images_of(records: Sequence[RunRecord], dataset: Dataset) -> None:
    """Raise :class:`FoolingError` unless the runs have images of the shape of the data set."""
    shape = dataset.image_shape
    if wrong := [record.images.shape[1:] for record in records if record.images.shape[1:] != shape]:
        raise FoolingError(
            f"the runs have other images than the data set {dataset.name}", found=wrong[0], expected=shape
        )


def survival_over_real(table: pd.DataFrame, *, change: str, strength: float, level: float) -> Estimate:
    """Estimate the share of champions that keep their class, minus that of real images, over classifiers and seeds.

    ``table`` holds runs of one experiment. Runs without champions of their class, and classifiers that classify no real
    image correctly, have no value.
    """
    rows = table[(table["change"] == change) & (table["strength"] == strength)]
    real = rows["real_kept"] / rows["real_images"].where(rows["real_images"] > 0)
    counts = rows["images"].where(real.notna(), 0).astype(float)
    sums = ((rows["kept"] - counts * real).where(counts > 0, 0)).fillna(0)
    filled = rows.assign(_sums=sums, _counts=counts)
    grids = (run_grid(filled, column) for column in ("_sums", "_counts"))
    return estimated_ratio(*grids, level=level, within=(-1, 1))


def _of_class(scored: Scorer, images: NDArray[np.uint8], classes: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Return for each image whether its class is the label, and confidence (float32) and log-odds of the class."""
    if len(images) == 0:
        return {"is_label": np.zeros(0, bool), "confidence": np.zeros(0, np.float32), "log_odds": np.zeros(0)}
    _, log_odds = scored(images)
    own = log_odds[np.arange(len(images)), classes]
    is_label = log_odds.argmax(axis=1) == classes
    return {"is_label": is_label, "confidence": probability_of(own).astype(np.float32), "log_odds": own}


def _diagonal(record: RunRecord) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    classes = np.arange(len(record.class_names))
    return classes, classes


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else np.nan


def _seed(record: RunRecord) -> int:
    return record.seed
