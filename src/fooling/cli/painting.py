"""What the paint commands share: a data set of random images that no network has selected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from fooling.datasets.dataset import load_dataset, save_dataset
from fooling.encodings.encoding import EncodingMaker
from fooling.progress import say
from fooling.retraining.images import random_dataset
from fooling.retraining.settings import PaintSettings
from fooling.retraining.unselected import unselected_images
from fooling.seeding import derived_seed
from fooling.settings import Settings, read_settings

S = TypeVar("S", bound=Settings)
CPU = torch.device("cpu")  # so few images are no work for a GPU


def paint_command(*, encoding_class: EncodingMaker[S], settings_class: type[S]) -> Callable[..., None]:
    """The command that paints random images in one encoding."""

    def paint(*, dataset: Path, settings: str, output: Path) -> None:
        """Paint random images.

        Args:
            output: Data set file to write.
            settings: Encoding, seed and number: JSON or a YAML file.
        """
        checked = read_settings(PaintSettings[settings_class], settings)  # type: ignore[valid-type]
        torch.set_num_threads(1)
        shown = load_dataset(dataset)
        encoding = encoding_class(settings=checked.encoding, image_shape=shown.image_shape, device=CPU)
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

    return paint
