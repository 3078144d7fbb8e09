"""What the search needs of an encoding: batches of genomes, and the four things that can be done with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Self, TypeVar

import torch
from numpy.typing import NDArray

from fooling.settings import Settings

#: Image shape without the batch: channels (1 = grey, 3 = RGB), height, width.
ImageShape = tuple[int, int, int]


class Genomes(Protocol):
    """A batch of genomes as a struct of tensors, one row a genome. No method changes the batch it is called on."""

    def __len__(self) -> int:
        """How many genomes the batch holds."""
        ...

    def take(self, index: torch.Tensor) -> Self:
        """The genomes of these rows (int64, repeats allowed), in this order."""
        ...

    def with_rows(self, at: torch.Tensor, source: Self, rows: torch.Tensor) -> Self:
        """The batch with its rows ``at`` (no repeats) replaced by the rows ``rows`` of ``source``."""
        ...

    def arrays(self) -> dict[str, torch.Tensor]:
        """The batch as named tensors; equal genomes give equal tensors, however they came about."""
        ...

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, torch.Tensor]) -> Self:
        """The batch that :meth:`arrays` described; it behaves in every way like the original."""
        ...

    def to(self, device: torch.device | str) -> Self:
        """The same batch on another device."""
        ...


G = TypeVar("G", bound=Genomes)


class Encoding(Protocol[G]):
    """How genomes start, vary and become images. Randomness comes from the given generator alone."""

    @property
    def image_shape(self) -> ImageShape:
        """(C, H, W) of the rendered images."""
        ...

    @property
    def recombines(self) -> bool:
        """Whether a child may hold genes of both parents of its pair (rows 2i and 2i + 1)."""
        ...

    @property
    def layout(self) -> Mapping[str, str]:
        """Type and shape of every array of B genomes, for :func:`fooling.contents.require_layout`."""
        ...

    def require_sound(self, arrays: Mapping[str, NDArray[Any]], *, source: object) -> None:
        """Raise :class:`FoolingError`, naming the ``source``, if ``arrays`` of this layout describe no genomes."""
        ...

    def random(self, count: int, generator: torch.Generator) -> G:
        """``count`` start genomes."""
        ...

    def vary(self, parents: G, generation: int, generator: torch.Generator) -> G:
        """The children of ``parents`` in this ``generation``, row for row; pairs are adjacent rows."""
        ...

    def render(self, genomes: G) -> torch.Tensor:
        """The images of ``genomes``: uint8 ``(B, C, H, W)``, not to be written to."""
        ...

    def genomes_from(self, arrays: Mapping[str, torch.Tensor]) -> G:
        """The genomes that ``arrays()`` described, on the device of this encoding."""
        ...


S_contra = TypeVar("S_contra", bound=Settings, contravariant=True)


class EncodingMaker(Protocol[S_contra]):
    """An encoding's class, as a maker of encodings for images of one shape."""

    def __call__(self, *, settings: S_contra, image_shape: ImageShape, device: torch.device) -> Encoding[Any]:
        """The encoding."""
        ...
