"""Fetch MNIST from a mirror folder or by download, verify it, and write a data set file."""

from __future__ import annotations

from pathlib import Path

from fooling.datasets.dataset import save_dataset
from fooling.datasets.fetching import mirror_folder
from fooling.datasets.mnist import MnistSettings, make_mnist
from fooling.progress import say
from fooling.settings import read_settings


def fetch_mnist(*, output: Path, name: str = "mnist", settings: str = "{}", mirror: Path | None = None) -> None:
    """Find or download the four files, verify them, and write the data set to ``output``."""
    dataset = make_mnist(read_settings(MnistSettings, settings), name=name, mirror=mirror_folder(mirror))
    save_dataset(output, dataset)
    say(f"{output}: {dataset.summary}")
