"""Make the champions of several runs a data set of fooling images, those of their start among them."""

from __future__ import annotations

from pathlib import Path

from fooling.datasets.dataset import save_dataset
from fooling.errors import FoolingError
from fooling.evolution.batch import load_runs
from fooling.progress import say
from fooling.retraining.images import champions_dataset
from fooling.retraining.settings import SupplySettings
from fooling.settings import read_settings


def collect_champions(runs: list[Path], *, settings: str, output: Path) -> None:
    """Write the champions of the first ``runs`` as training images, those of the next ones as test images.

    Args:
        runs: Files of runs against one network, from `evolve-many-direct` or `evolve-many-cppn`.
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
