"""Training pictures that stay in their folder: each is read, checked and decoded whenever it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from fooling.datasets.decoding import Colour, fitted
from fooling.datasets.manifest import require_unchanged
from fooling.datasets.sources import PictureFolder

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Labelled(NamedTuple):
    """Pictures by their paths, the class index (N,) of each, and what the classes are called."""

    paths: list[str]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]


class ListedPictures:
    """The pictures ``labelled`` below a folder, as images of one size.

    A million of them are handed to every process that decodes: their lines are arrays, which such processes share.
    """

    def __init__(
        self, folder: Path, labelled: Labelled, manifest: pd.DataFrame, *, size: int, colour: Colour = "rgb"
    ) -> None:
        """The ``manifest`` has a line for every one of them."""
        lines = manifest.set_index("path").loc[labelled.paths]
        self._labels = labelled.labels
        self._folder, self._size, self._colour = PictureFolder(folder, ()), size, colour
        self._paths = np.array([path.encode() for path in labelled.paths])
        self._bytes, self._sha256 = lines["bytes"].to_numpy(), lines["sha256"].to_numpy().astype("S")

    @property
    def labels(self) -> NDArray[np.int64]:
        """The class index (N,) of each."""
        return self._labels

    def image(self, index: int) -> NDArray[np.uint8]:
        """The picture ``index`` as an image (C, size, size).

        Raises :class:`FoolingError` for a picture that is missing, changed since it was listed, or broken.
        """
        path = self._paths[index].decode()
        content, source = self._folder.content(path), self._folder.path / path
        require_unchanged(content, size=int(self._bytes[index]), sha256=self._sha256[index].decode(), source=source)
        return fitted(content, size=self._size, colour=self._colour, source=source)
