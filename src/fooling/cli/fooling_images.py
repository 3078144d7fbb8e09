"""Data sets of fooling images, for retraining."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fooling.attacks.evolution.record import load_runs
from fooling.datasets.dataset import load_dataset, save_dataset
from fooling.encodings.settings import encoding_for
from fooling.errors import FoolingError
from fooling.progress import say
from fooling.retraining.fooling_class import champions_dataset, random_dataset, unselected_images
from fooling.retraining.settings import PaintSettings, SupplySettings
from fooling.seeding import derived_seed
from fooling.settings import read_settings

PANEL = "Data"


def collect_champions(runs: list[Path], *, settings: str = "{}", output: Path) -> None:
    """Write the champions of several runs as a data set of fooling images.

    The first ``runs`` supply training images, the next ones test images. Champions of the random start are included.

    Args:
        runs: Files of runs against one network, from `attack evolution --runs`.
        settings: How many runs are for training and for testing: JSON or a YAML file.
        output: Data set file to write.
    """
    checked = read_settings(SupplySettings, settings)
    records = [record for path in runs for record in load_runs(path)]
    if len(records) < checked.runs:
        raise FoolingError(
            "there are too few runs to supply these fooling images",
            found=f"{len(records)} runs",
            expected=f"{checked.training_runs} for training and {checked.test_runs} for testing",
        )
    images = champions_dataset(records[: checked.training_runs], records[checked.training_runs : checked.runs])
    save_dataset(output, images)
    say(f"{images.name}: {images.summary}; written to {output}")


CPU = torch.device("cpu")  # so few images are no work for a GPU


def paint(*, dataset: Path, settings: str, output: Path) -> None:
    """Write random images of an encoding as a data set of fooling images.

    They are a control: no classifier has selected them.

    Args:
        settings: Encoding, seed and number of images: JSON or a YAML file.
        output: Data set file to write.
    """
    checked = read_settings(PaintSettings, settings)
    torch.set_num_threads(1)
    shown = load_dataset(dataset)
    encoding = encoding_for(checked.encoding, image_shape=shown.image_shape, device=CPU)
    generator = torch.Generator().manual_seed(derived_seed(checked.seed, "random fooling images"))

    def draw(count: int) -> NDArray[np.uint8]:
        drawn = unselected_images(encoding, count, generations=checked.generations, generator=generator)
        images: NDArray[Any] = drawn.numpy()
        return images

    champions = 2 * len(shown.class_names)  # that a run would supply
    images = random_dataset(
        draw, training=checked.training_runs * champions, test=checked.test_runs * champions, seed=checked.seed
    )
    save_dataset(output, images)
    say(f"{images.name}: {images.summary}; written to {output}")
