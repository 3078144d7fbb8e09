"""``fooling list-pictures``: the manifest of an image folder, against which its pictures are checked later."""

from __future__ import annotations

from pathlib import Path

from fooling.artifacts import write_table
from fooling.datasets import folder
from fooling.progress import say
from fooling.settings import read_settings


def list_pictures(*, settings: str, output: Path) -> None:
    """Write path, bytes and SHA-256 of every picture to ``output``."""
    manifest = folder.list_pictures(read_settings(folder.FolderSettings, settings))
    write_table(output, manifest)
    say(f"{output}: {len(manifest)} pictures, {manifest['bytes'].sum() / 2**20:.1f} MB")
