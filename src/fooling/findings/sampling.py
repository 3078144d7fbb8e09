"""What a classifier says of single random images: the paper's "none of these" at generation 0."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

import pandas as pd
from pydantic import Field

from fooling.findings.columns import CLASSIFIER, EXPERIMENT
from fooling.settings import Seed, Settings
from fooling.table import COUNT, SHARE, Column, Table

if TYPE_CHECKING:
    import torch

START = Table(
    name="start",
    path="findings/start/{classifier}/{experiment}.parquet",
    commands=("sample-direct", "sample-cppn"),
    columns=(
        *(CLASSIFIER, EXPERIMENT),
        Column("image", COUNT, doc="Number of the image, counted from 0."),
        Column("top_class", COUNT, doc="Index of the most probable class."),
        Column("top_confidence", SHARE, doc="Confidence of the classifier in that class."),
    ),
    key=("classifier", "experiment", "image"),
    doc="One row for each of many single random images, without any evolution.",
)
BATCH = 200  # random images drawn at once, as many as a start has in the paper

EncodingSettings = TypeVar("EncodingSettings", bound=Settings)


class SampleSettings(Settings):
    """How many random images are shown."""

    sample_images: int = Field(default=10_000, ge=1, le=10_000_000)
    """Single random images shown to each network, per encoding."""
    sample_seed: Seed = 1
    """Seed of these images."""


class EncodedSampleSettings(SampleSettings, Generic[EncodingSettings]):
    """Random images of one encoding, scored in the form in which the experiment scores its own."""

    encoding: EncodingSettings
    """How a genome becomes an image."""
    scoring_input: Literal["as-trained", "mean-subtracted"] = "as-trained"
    """Feed images as in training, or with the mean training image subtracted, as the released code does."""


def start_table(
    draw: Callable[[int], torch.Tensor],
    confidences: Callable[[torch.Tensor], torch.Tensor],
    *,
    images: int,
    classifier: str,
    experiment: str,
) -> pd.DataFrame:
    """Top class and top confidence of single random images, one row each.

    ``draw`` makes that many images uint8 (B, C, H, W), ``confidences`` gives theirs as (B, K).
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
