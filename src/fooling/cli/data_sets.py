"""Data sets: those that are built in or downloaded whole, and your own pictures with manifests of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pandas as pd

from fooling.artifacts import read_table, write_table
from fooling.datasets.dataset import Dataset, save_dataset
from fooling.datasets.digits import DigitsSettings, MnistSettings, make_digits, make_mnist
from fooling.datasets.fetching import mirror_folder
from fooling.datasets.folder import FolderSettings, folder_source, make_folder, with_path_found
from fooling.datasets.imagenet import (
    ImagenetSettings,
    imagenet_manifest,
    imagenet_source,
    kept_pictures,
    make_imagenet,
    with_places_found,
)
from fooling.datasets.pictures import MANIFEST, manifest_of
from fooling.datasets.shapes import ShapesSettings, make_shapes
from fooling.datasets.sources import format_counts
from fooling.messages import progress, say
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


def list_folder(*, settings: str, output: Path, mirror: Path | None = None, threads: int = 1) -> None:
    """List the pictures of an image folder with their sizes and checksums.

    Commands that read the pictures check them against this manifest.

    Args:
        output: Manifest to write: a CSV table of path, bytes and SHA-256.
    """
    source = folder_source(with_path_found(read_settings(FolderSettings, settings), mirror_folder(mirror)))
    with progress(total=source.count, description="listing pictures", unit="pictures") as counter:
        manifest = manifest_of(source, threads=threads, after_picture=counter.advance)
    _write_manifest(output, manifest, source.skipped_files())


def list_imagenet(*, settings: str, output: Path, mirror: Path | None = None, threads: int = 1) -> None:
    """Check the structure of ImageNet, and list its pictures with their checksums.

    ImageNet is a folder or a tar file. Commands that read the pictures check them against this manifest.

    Args:
        output: Manifest to write: a CSV table of path, bytes and SHA-256.
    """
    checked, classes = with_places_found(read_settings(ImagenetSettings, settings), mirror_folder(mirror))
    source = imagenet_source(checked)
    with progress(total=source.count, description="listing pictures", unit="pictures") as counter:
        manifest = imagenet_manifest(checked, source, classes=classes, threads=threads, after_picture=counter.advance)
    _write_manifest(output, manifest, source.skipped_files())


def fetch_folder(
    *, settings: str, manifest: Path, output: Path, name: str, mirror: Path | None = None, threads: int = 1
) -> None:
    """Check an image folder against its manifest, and write it as a data set file.

    Args:
        manifest: Manifest that `list-folder` wrote.
    """
    checked = with_path_found(read_settings(FolderSettings, settings), mirror_folder(mirror))
    pictures = read_table(manifest, MANIFEST)
    with progress(total=len(pictures), description="reading pictures", unit="pictures") as counter:
        dataset = make_folder(checked, name=name, manifest=pictures, threads=threads, after_picture=counter.advance)
    save_dataset(output, dataset)
    say(f"{output}: {dataset.summary}")


def fetch_imagenet(
    *, settings: str, manifest: Path, output: Path, name: str, mirror: Path | None = None, threads: int = 1
) -> None:
    """Check pictures of ImageNet against their manifest, and write a data set file.

    The settings decide whether it holds all pictures or a random sample.

    Args:
        manifest: Manifest that `list-imagenet` wrote.
    """
    checked, classes = with_places_found(read_settings(ImagenetSettings, settings), mirror_folder(mirror))
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


def _write_manifest(output: Path, manifest: pd.DataFrame, passed_over: Counter[str]) -> None:
    """Write the ``manifest``, and report its size and how many files are not pictures."""
    write_table(output, manifest, MANIFEST)
    classes = manifest["path"].str.split("/").str[-2].nunique()
    megabytes = manifest["bytes"].sum() / 2**20
    say(f"{output}: {len(manifest):,} pictures of {classes:,} classes, {megabytes:,.1f} MB")
    if passed_over:
        counts = format_counts(passed_over)
        say(f"{passed_over.total():,} files ignored, because their endings are not those of pictures: {counts}")
