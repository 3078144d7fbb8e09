"""``fooling fetch-folder``: anyone's pictures, checked against their manifest, as a data set file."""

from __future__ import annotations

from pathlib import Path

from fooling.artifacts import read_table
from fooling.datasets.dataset import save_dataset
from fooling.datasets.folder import FolderSettings, make_folder
from fooling.datasets.manifest import FORM
from fooling.progress import progress, say
from fooling.settings import read_settings


def fetch_folder(*, settings: str, manifest: Path, output: Path, name: str) -> None:
    """Check every picture against the ``manifest``, scale them, and write them to ``output``."""
    pictures = read_table(manifest, FORM)
    with progress(total=len(pictures), description="reading pictures", unit="pictures") as counter:
        dataset = make_folder(
            read_settings(FolderSettings, settings), name=name, manifest=pictures, after_picture=counter.advance
        )
    save_dataset(output, dataset)
    say(f"{output}: {dataset.summary}")
