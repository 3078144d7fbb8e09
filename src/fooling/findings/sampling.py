"""Single random images: the confidence of a classifier without any evolution."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

import pandas as pd
from pydantic import Field

from fooling.encodings.settings import EncodingSettings
from fooling.findings.columns import CLASSIFIER, EXPERIMENT
from fooling.settings import Seed, Settings
from fooling.table import COUNT, SHARE, Column, Table

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
