"""Check the pictures of an image folder against their manifest and write them as a data set file."""

from __future__ import annotations

from pathlib import Path

from fooling.artifacts import read_table
from fooling.datasets.dataset import save_dataset
from fooling.datasets.fetching import mirror_folder
from fooling.datasets.folder import FolderSettings, make_folder, with_path_found
from fooling.datasets.manifest import MANIFEST
from fooling.progress import progress, say
from fooling.settings import read_settings


def fetch_folder(
    *, settings: str, manifest: Path, output: Path, name: str, mirror: Path | None = None, threads: int = 1
) -> None:
    """Check every picture against the ``manifest``, scale them, and write them to ``output``.

    Args:
        manifest: Manifest that `list-folder` wrote.
    """
    checked = with_path_found(read_settings(FolderSettings, settings), mirror_folder(mirror))
    pictures = read_table(manifest, MANIFEST)
    with progress(total=len(pictures), description="reading pictures", unit="pictures") as counter:
        dataset = make_folder(checked, name=name, manifest=pictures, threads=threads, after_picture=counter.advance)
    save_dataset(output, dataset)
    say(f"{output}: {dataset.summary}")
