"""Check the layout of ImageNet, a folder or a tar file, and list its pictures with their checksums."""

from __future__ import annotations

from pathlib import Path

from fooling.cli.imagenet import read_imagenet
from fooling.cli.pictures import write_manifest
from fooling.datasets.imagenet import imagenet_manifest, imagenet_source
from fooling.progress import progress


def list_imagenet(*, settings: str, output: Path, mirror: Path | None = None, threads: int = 1) -> None:
    """Check the layout, and write path, bytes and SHA-256 of every picture to ``output``.

    Args:
        output: Manifest to write: a CSV table of path, bytes and SHA-256.
    """
    checked, classes = read_imagenet(settings, mirror=mirror)
    source = imagenet_source(checked)
    with progress(total=source.count, description="listing pictures", unit="pictures") as counter:
        manifest = imagenet_manifest(checked, source, classes=classes, threads=threads, after_picture=counter.advance)
    write_manifest(output, manifest, source.passed_over())
