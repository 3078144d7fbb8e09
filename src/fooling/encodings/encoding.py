"""The interface of encodings: batches of genomes, and the four operations that a search needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, Self, TypeVar

import torch
from numpy.typing import NDArray

from fooling.settings import Settings

#: Image shape without the batch: channels (1 = grey, 3 = RGB), height, width.
ImageShape = tuple[int, int, int]


class Genomes(Protocol):
    """A batch of genomes as a struct of tensors, one row per genome. No method changes the batch itself."""

    def __len__(self) -> int:
        """Return the number of genomes in the batch."""
        ...

    def take(self, index: torch.Tensor) -> Self:
        """Return the genomes of these rows (int64, repeats allowed), in this order."""
        ...

    def with_rows(self, at: torch.Tensor, source: Self, rows: torch.Tensor) -> Self:
        """Return the batch with its rows ``at`` (no repeats) replaced by the rows ``rows`` of ``source``."""
        ...

    def arrays(self) -> dict[str, torch.Tensor]:
        """Return the batch as named tensors; equal genomes give equal tensors, whatever their history."""
        ...

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, torch.Tensor]) -> Self:
        """Return the batch in named tensors of :meth:`arrays`; it behaves exactly like the original."""
        ...

    def to(self, device: torch.device | str) -> Self:
        """Return the same batch on another device."""
        ...


G = TypeVar("G", bound=Genomes)


class Encoding(Protocol[G]):
    """How genomes start, vary and become images. Randomness comes only from the given generator."""

    @property
    def image_shape(self) -> ImageShape:
        """(C, H, W) of the rendered images."""
        ...

    @property
    def recombines(self) -> bool:
        """Whether a child may have genes of both parents of its pair (rows 2i and 2i + 1)."""
        ...

    @property
    def versions(self) -> Mapping[str, str]:
        """What decides the bits of images besides genomes and settings, by name, for the headers of records."""
        ...

    @property
    def schema(self) -> Mapping[str, str]:
        """Type and shape of every array of B genomes, for :func:`fooling.schemas.require_schema`."""
        ...

    def require_sound(self, arrays: Mapping[str, NDArray[Any]], *, source: object) -> None:
        """Raise :class:`FoolingError`, naming the ``source``, if ``arrays`` of this schema are not valid genomes."""
        ...

    def random(self, count: int, generator: torch.Generator) -> G:
        """Return ``count`` initial genomes."""
        ...

    def vary(self, parents: G, generation: int, generator: torch.Generator) -> G:
        """Return the children of ``parents`` in this ``generation``, row for row; pairs are adjacent rows."""
        ...

    def render(self, genomes: G) -> torch.Tensor:
        """Return the images of ``genomes``: uint8 ``(B, C, H, W)``, read-only."""
        ...

    def genomes_from(self, arrays: Mapping[str, torch.Tensor]) -> G:
        """Return the genomes in named tensors of ``arrays()``, on the device of this encoding."""
        ...


S_contra = TypeVar("S_contra", bound=Settings, contravariant=True)


class EncodingMaker(Protocol[S_contra]):
    """The class of an encoding, as a function that makes encodings for images of one shape."""

    def __call__(self, *, settings: S_contra, image_shape: ImageShape, device: torch.device) -> Encoding[Any]:
        """Return the encoding."""
        ...


@contextmanager
def one_thread() -> Iterator[None]:
    """Run code on one CPU thread, so that its results do not depend on the number of threads.

    The last bits of some functions, such as the sigmoid, depend on how a tensor is divided between threads.
    """
    before = torch.get_num_threads()
    if before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
