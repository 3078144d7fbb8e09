"""Draw shapes and textures in colour from a seed as a data set file."""

from __future__ import annotations

from pathlib import Path

from fooling.datasets.dataset import save_dataset
from fooling.datasets.shapes import ShapesSettings, make_shapes
from fooling.progress import say
from fooling.settings import read_settings


def fetch_shapes(*, output: Path, name: str = "shapes", settings: str = "{}") -> None:
    """Draw the pictures and write them to ``output``."""
    dataset = make_shapes(read_settings(ShapesSettings, settings), name=name)
    save_dataset(output, dataset)
    say(f"{output}: {dataset.summary}")
