"""Data sets that are built in or downloaded whole: digits, shapes and MNIST."""

from __future__ import annotations

from pathlib import Path

from fooling.datasets.dataset import Dataset, save_dataset
from fooling.datasets.digits import DigitsSettings, make_digits
from fooling.datasets.fetching import mirror_folder
from fooling.datasets.mnist import MnistSettings, make_mnist
from fooling.datasets.shapes import ShapesSettings, make_shapes
from fooling.progress import say
from fooling.settings import read_settings

PANEL = "Data"


def fetch_digits(*, output: Path | None = None, name: str = "digits", settings: str = "{}") -> None:
    """Write the handwritten digits of scikit-learn as a data set file.

    The digits are verified, enlarged and split.

    Args:
        output: File to write. Default: named after the data set, in this folder.
    """
    dataset = make_digits(read_settings(DigitsSettings, settings), name=name)
    _write(dataset, output)


def fetch_shapes(*, output: Path | None = None, name: str = "shapes", settings: str = "{}") -> None:
    """Draw coloured shapes and textures from a seed as a data set file.

    Args:
        output: File to write. Default: named after the data set, in this folder.
    """
    dataset = make_shapes(read_settings(ShapesSettings, settings), name=name)
    _write(dataset, output)


def fetch_mnist(
    *, output: Path | None = None, name: str = "mnist", settings: str = "{}", mirror: Path | None = None
) -> None:
    """Find or download MNIST, verify it, and write it as a data set file.

    Args:
        output: File to write. Default: named after the data set, in this folder.
    """
    dataset = make_mnist(read_settings(MnistSettings, settings), name=name, mirror=mirror_folder(mirror))
    _write(dataset, output)


def _write(dataset: Dataset, output: Path | None) -> None:
    """Write a data set to this file, or to one in this folder that has its name."""
    file = Path(f"{dataset.name}.safetensors") if output is None else output
    save_dataset(file, dataset)
    say(f"{file}: {dataset.summary}")
