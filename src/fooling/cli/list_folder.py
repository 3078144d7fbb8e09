"""List the pictures of an image folder with their checksums, to be checked whenever they are used."""

from __future__ import annotations

from pathlib import Path

from fooling.cli.pictures import write_manifest
from fooling.datasets.fetching import mirror_folder
from fooling.datasets.folder import FolderSettings, folder_source, with_path_found
from fooling.datasets.manifest import manifest_of
from fooling.progress import progress
from fooling.settings import read_settings


def list_folder(*, settings: str, output: Path, mirror: Path | None = None, threads: int = 1) -> None:
    """Write path, bytes and SHA-256 of every picture to ``output``.

    Args:
        output: Manifest to write: a CSV table of path, bytes and SHA-256.
    """
    source = folder_source(with_path_found(read_settings(FolderSettings, settings), mirror_folder(mirror)))
    with progress(total=source.count, description="listing pictures", unit="pictures") as counter:
        manifest = manifest_of(source, threads=threads, after_picture=counter.advance)
    write_manifest(output, manifest, source.passed_over())
