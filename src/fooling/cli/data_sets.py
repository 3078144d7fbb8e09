"""Data sets that are built in or downloaded whole: digits, shapes and MNIST."""

from __future__ import annotations

from pathlib import Path

from fooling.datasets.dataset import save_dataset
from fooling.datasets.digits import DigitsSettings, make_digits
from fooling.datasets.fetching import mirror_folder
from fooling.datasets.mnist import MnistSettings, make_mnist
from fooling.datasets.shapes import ShapesSettings, make_shapes
from fooling.progress import say
from fooling.settings import read_settings


def fetch_digits(*, output: Path, name: str = "digits", settings: str = "{}") -> None:
    """Write the handwritten digits of scikit-learn as a data set file.

    The digits are verified, enlarged and split.
    """
    dataset = make_digits(read_settings(DigitsSettings, settings), name=name)
    save_dataset(output, dataset)
    say(f"{output}: {dataset.summary}")


def fetch_shapes(*, output: Path, name: str = "shapes", settings: str = "{}") -> None:
    """Draw coloured shapes and textures from a seed as a data set file."""
    dataset = make_shapes(read_settings(ShapesSettings, settings), name=name)
    save_dataset(output, dataset)
    say(f"{output}: {dataset.summary}")


def fetch_mnist(*, output: Path, name: str = "mnist", settings: str = "{}", mirror: Path | None = None) -> None:
    """Find or download MNIST, verify it, and write it as a data set file."""
    dataset = make_mnist(read_settings(MnistSettings, settings), name=name, mirror=mirror_folder(mirror))
    save_dataset(output, dataset)
    say(f"{output}: {dataset.summary}")
