"""Write the handwritten digits that come with scikit-learn as a data set file."""

from __future__ import annotations

from pathlib import Path

from fooling.datasets.dataset import save_dataset
from fooling.datasets.digits import DigitsSettings, make_digits
from fooling.progress import say
from fooling.settings import read_settings


def fetch_digits(*, output: Path, name: str = "digits", settings: str = "{}") -> None:
    """Verify, enlarge and split the digits, and write them to ``output``."""
    dataset = make_digits(read_settings(DigitsSettings, settings), name=name)
    save_dataset(output, dataset)
    say(f"{output}: {dataset.summary}")
