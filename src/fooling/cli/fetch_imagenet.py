"""Check pictures of ImageNet against their manifest and write them, or a sample of them, as a data set file."""

from __future__ import annotations

from pathlib import Path

from fooling.artifacts import read_table
from fooling.cli.imagenet import read_imagenet
from fooling.datasets.dataset import save_dataset
from fooling.datasets.imagenet import imagenet_source, kept_pictures, make_imagenet
from fooling.datasets.manifest import MANIFEST
from fooling.progress import progress, say


def fetch_imagenet(
    *, settings: str, manifest: Path, output: Path, name: str, mirror: Path | None = None, threads: int = 1
) -> None:
    """Draw what is kept, check each picture against the ``manifest``, scale them, and write them to ``output``.

    Args:
        manifest: Manifest that `list-imagenet` wrote.
    """
    checked, classes = read_imagenet(settings, mirror=mirror)
    pictures = read_table(manifest, MANIFEST)
    kept = kept_pictures(checked, pictures, classes)
    with progress(total=kept.count, description="reading pictures", unit="pictures") as counter:
        dataset = make_imagenet(
            checked,
            imagenet_source(checked),
            name=name,
            manifest=pictures,
            kept=kept,
            threads=threads,
            after_picture=counter.advance,
        )
    save_dataset(output, dataset)
    say(f"{output}: {dataset.summary}")
