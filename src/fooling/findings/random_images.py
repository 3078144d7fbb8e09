"""Random images without any evolution: single ones of an encoding, and the best of several families.

Random CPPNs reach high confidences without evolution. Other smooth random images show whether that is a property of
CPPNs: for every class of a classifier, the best of as many images of each family. None is evolved.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import UnidentifiedImageError
from pydantic import Field

from fooling.ablation.probe_images import FAMILIES, Family
from fooling.encodings.settings import EncodingSettings
from fooling.findings.ablation import Scorer
from fooling.findings.registry import CLASS, CLASSIFIER, CONFIDENCE, EXPERIMENT, LOG_ODDS, PNG
from fooling.findings.runs import at_threshold
from fooling.images import pixels_of_png, png_bytes
from fooling.messages import FoolingError
from fooling.reproducibility import evenly_spaced
from fooling.settings import Seed, Settings
from fooling.table import COUNT, SHARE, Column, Table, one_of

if TYPE_CHECKING:
    import torch


START = Table(
    name="start",
    path="findings/start/{classifier}/{experiment}.parquet",
    commands=("sample",),
    columns=(
        *(CLASSIFIER, EXPERIMENT),
        Column("image", COUNT, doc="Number of the image, counted from 0."),
        Column("top_class", COUNT, doc="Index of the most probable class."),
        Column("top_confidence", SHARE, doc="Confidence of the classifier in that class."),
    ),
    key=("classifier", "experiment", "image"),
    doc="One row for each single random image, without any evolution.",
)
BATCH = 200  # random images drawn at once, as many as a start has in the paper
FAMILY = Column(
    "family",
    one_of(*FAMILIES),
    doc="Family of the random images: `cppn` (random genomes of the CPPN encoding), `one-over-f` (amplitudes fall with "
    "the frequency), `blobs` (sums of Gaussians), `dct` (random low frequencies) or `uniform` (uniform noise).",
)
FAMILIES_TABLE = Table(
    name="families",
    path="findings/families/{classifier}.parquet",
    commands=("sample-families",),
    columns=(
        *(CLASSIFIER, FAMILY, *CLASS, CONFIDENCE, LOG_ODDS),
        Column("image", COUNT, doc="Number of the image within its family, from 0; the first of equally good ones."),
        Column("evaluations", COUNT, unit="images", doc="Number of random images of the family that were scored."),
    ),
    key=("classifier", "family", "class_index"),
    doc="One row for each family and class: the random image with the highest confidence in the class. Contrast is "
    "stretched to the full range in all families but `cppn` and `uniform`; in colour, each RGB channel of these "
    "families is a random image of its own, and a CPPN paints hue, saturation and value. A class that is not reached "
    "here may be reached with more images, or by a search: not fooled by stored images is not the same as not "
    "foolable.",
)
FAMILY_IMAGES = Table(
    name="family_images",
    path="findings/family_images/{classifier}.parquet",
    commands=("sample-families",),
    columns=(
        *(CLASSIFIER, FAMILY, *CLASS, CONFIDENCE),
        PNG,
    ),
    key=("classifier", "family", "class_index"),
    doc="The images of at most ten classes, evenly spaced over all classes: of each family, the one with the highest "
    "confidence in the class.",
)
SHOWN = 10  # classes whose images are kept

#: Return a number of new random images, uint8 (B, C, H, W).
Draw = Callable[[int], NDArray[np.uint8]]


class SampleSettings(Settings):
    """Single random images."""

    sample_images: int = Field(default=10_000, ge=1, le=10_000_000)
    """Number of single random images scored by each classifier, per encoding."""
    sample_seed: Seed = 1
    """Seed of these images."""


class EncodedSampleSettings(SampleSettings):
    """Random images of one encoding, preprocessed as in the experiment."""

    encoding: EncodingSettings
    """Encoding that maps genomes to images."""
    scoring_input: Literal["as-trained", "mean-subtracted"] = "as-trained"
    """Preprocess images as in training, or subtract the mean training image, as the released code does."""


def start_table(
    draw: Callable[[int], torch.Tensor],
    confidences: Callable[[torch.Tensor], torch.Tensor],
    *,
    images: int,
    classifier: str,
    experiment: str,
) -> pd.DataFrame:
    """Return the top class and top confidence of single random images, one row each.

    Args:
        draw: Return a given number of uint8 images (B, C, H, W).
        confidences: Map images to their confidences (B, K).
        images: Number of images.
        classifier: Name of the classifier.
        experiment: Name of the experiment.
    """
    tops = [confidences(draw(count)).max(dim=1) for count in _batches(images)]
    return pd.DataFrame(
        {
            "classifier": classifier,
            "experiment": experiment,
            "image": range(images),
            "top_class": [index for top in tops for index in top.indices.tolist()],
            "top_confidence": pd.array([value for top in tops for value in top.values.tolist()], dtype="float32"),
        }
    )


def _batches(images: int) -> Iterator[int]:
    for first in range(0, images, BATCH):
        yield min(BATCH, images - first)


@dataclass(frozen=True, kw_only=True)
class Best:
    """The best image of each of K classes."""

    number: NDArray[np.int64]  # (K,) of the image, from 0
    confidence: NDArray[np.float32]  # (K,)
    log_odds: NDArray[np.float64]  # (K,)
    shown: NDArray[np.uint8]  # (S, C, H, W) the images of the shown classes


def families_tables(
    draws: Mapping[Family, Draw], scored: Scorer, *, images: int, classifier: str, class_names: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tables ``families`` and ``family_images`` of one classifier.

    Args:
        draws: Return random images of each family.
        scored: Map images to their confidences and log-odds.
        images: Number of images of each family.
        classifier: Name of the classifier.
        class_names: Names of the K classes; further columns of the scores, such as a fooling class, have no images.
    """
    shown = evenly_spaced(len(class_names), SHOWN)
    index = np.arange(len(class_names))
    tables, pictures = [], []
    for family, draw in draws.items():
        best = best_of(draw, scored, images=images, classes=len(class_names), shown=shown)
        table = pd.DataFrame(
            {
                "classifier": classifier,
                "family": family,
                "class_index": index,
                "class_name": list(class_names),
                "confidence": best.confidence,
                "log_odds": best.log_odds,
                "image": best.number,
                "evaluations": images,
            }
        )
        tables.append(table)
        pngs = [base64.b64encode(png_bytes(image)).decode() for image in best.shown]
        pictures.append(table.iloc[shown].assign(png=pngs)[FAMILY_IMAGES.names])
    return pd.concat(tables, ignore_index=True), pd.concat(pictures, ignore_index=True)


def best_of(draw: Draw, scored: Scorer, *, images: int, classes: int, shown: Sequence[int]) -> Best:
    """Return the best of ``images`` random images for each class, by log-odds; keep those of the ``shown`` classes."""
    number = np.zeros(classes, dtype=np.int64)
    confidence, log_odds = np.zeros(classes, dtype=np.float32), np.full(classes, -np.inf)
    kept: dict[int, NDArray[np.uint8]] = {}
    for first in range(0, images, BATCH):
        batch = draw(min(BATCH, images - first))
        confidences, odds = scored(batch)
        place = odds[:, :classes].argmax(axis=0)
        found = odds[place, np.arange(classes)]
        better = (found > log_odds) | (first == 0)
        number[better] = first + place[better]
        confidence[better] = confidences[place, np.arange(classes)][better]
        log_odds[better] = found[better]
        kept |= {index: batch[place[index]] for index in shown if better[index]}
    return Best(
        number=number,
        confidence=confidence,
        log_odds=log_odds,
        shown=np.stack([kept[index] for index in shown]),
    )


def family_summary(table: pd.DataFrame, *, threshold: float) -> pd.DataFrame:
    """Return one row for each classifier and family of the table ``families``, in their order.

    ``log_odds`` is the median over the classes, ``share`` the share of the classes at or above the ``threshold``.
    """
    reached = table.assign(share=at_threshold(table["confidence"].to_numpy(), threshold))
    grouped = reached.groupby(["classifier", "family"], sort=False)
    return grouped.agg(log_odds=("log_odds", "median"), share=("share", "mean")).reset_index()


def pictures_in(table: pd.DataFrame) -> dict[tuple[str, int], NDArray[np.uint8]]:
    """Return the images (C, H, W) of the table ``family_images`` of one classifier, by family and index of the class.

    Raises :class:`FoolingError` for a text that is no picture, and for pictures of different shapes.
    """
    found: dict[tuple[str, int], NDArray[np.uint8]] = {}
    for family, class_index, png in zip(table["family"], table["class_index"], table["png"], strict=True):
        found[family, int(class_index)] = picture_in(png, source=f"{family}, class {class_index}")
    if len(shapes := {image.shape for image in found.values()}) > 1:
        raise _no_pictures(f"shapes {', '.join(map(str, sorted(shapes)))}")
    return found


def picture_in(png: str, *, source: str) -> NDArray[np.uint8]:
    """Return the image (C, H, W) of a PNG file in base64; raise :class:`FoolingError`, naming the ``source``."""
    try:
        return pixels_of_png(base64.b64decode(png, validate=True))
    except (binascii.Error, UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise _no_pictures(f"{source}: {error}") from None


def _no_pictures(found: str) -> FoolingError:
    return FoolingError(
        "a table of images holds other texts than pictures of one shape",
        found=found,
        expected="PNG files in base64",
        remedy="make the table again",
    )
