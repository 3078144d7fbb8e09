"""The interface of encodings, and what they share: variation of real-valued genes, and colours.

An encoding has batches of genomes, and the four operations that a search needs. Real-valued genes vary by Deb's
operators, polynomial mutation and simulated binary crossover (SBX); such a gene is a float in [0, 1], or a uint8 level
that stands for level / 255.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, Self, TypeVar

import torch
from numpy.typing import NDArray

from fooling.encodings.settings import Colour
from fooling.settings import Settings

#: Image shape without the batch: channels (1 = grey, 3 = RGB), height, width.
ImageShape = tuple[int, int, int]
S_contra = TypeVar("S_contra", bound=Settings, contravariant=True)

#: Components converted at a time, by kind of device: on a CPU few enough to stay in its cache.
_CHUNK_SIZES = {"cpu": 2**18, "cuda": 2**28}
# For each channel the centre of its loss of saturation on the circle of six hue sectors, and whether it is least there.
_CHANNELS = ((3.0, False), (2.0, True), (4.0, True))

LEVELS = 255

#: A smaller rate would practically never choose a gene; the gaps at this rate still fit into int64.
_NEVER = 1e-15

#: Number of standard deviations of spare gaps per draw, so that one draw nearly always suffices.
_SPARE_DEVIATIONS = 6.0

#: The value that the faulty crossover of the released code leaves in a gene that both parents share.
UNSET_GENE = 0.5


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


def levels_of(values: torch.Tensor) -> torch.Tensor:
    """Truncate non-negative floats below 256 to uint8; via int32, which is faster than directly."""
    return values.to(torch.int32).to(torch.uint8)


def rgb_levels(components: torch.Tensor, colour: Colour) -> torch.Tensor:
    """Convert colour components ``(B, 3, ...)`` from 0 to 255, uint8 or float32, to RGB images uint8 ``(B, 3, ...)``.

    The letters of ``colour`` give the order of the components. Each level is the nearest to the exact value.
    """
    images = torch.empty(components.shape, dtype=torch.uint8, device=components.device)
    step = max(_CHUNK_SIZES[components.device.type] // max(components.shape[1:].numel(), 1), 1)
    for first in range(0, len(components), step):
        images[first : first + step] = _rgb_levels(components[first : first + step].float(), colour)
    return images


def _rgb_levels(components: torch.Tensor, colour: Colour) -> torch.Tensor:
    hue, top, chroma = _from_hsv(components) if colour == "hsv" else _from_hls(components)
    rgb = torch.empty_like(components)
    for channel, (centre, least) in enumerate(_CHANNELS):
        loss = _saturation_loss(hue, centre=centre, least=least)
        torch.addcmul(top, chroma, loss, value=-1, out=rgb[:, channel])
    return levels_of(rgb.add_(0.5))


def _from_hsv(components: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return hue in sectors (0 to 6), the highest channel's level and the range of the levels."""
    hue, saturation, value = components.unbind(1)
    return hue * (6 / 255), value, value * saturation / 255


def _from_hls(components: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the same as for HSV; OpenCV's 8-bit hue counts steps of 2 degrees, so that 255 is 1.42 turns."""
    hue, lightness, saturation = components.floor().unbind(1)
    sectors = hue / 30
    sectors -= 6 * (sectors >= 6)
    chroma = (255 - (2 * lightness - 255).abs_()) * saturation / 255
    return sectors, lightness + chroma / 2, chroma


def _saturation_loss(hue: torch.Tensor, *, centre: float, least: bool) -> torch.Tensor:
    """Return the share (0 to 1) of the chroma that a channel lacks: a trapezium over the hue, without modulo."""
    distance = (hue - centre).abs_()
    return (distance.sub_(1) if least else distance.neg_().add_(2)).clamp_(0, 1)


def chosen_positions(count: int, *, rate: float, generator: torch.Generator) -> torch.Tensor:
    """Choose each of ``count`` genes with probability ``rate``; return their positions, ascending, int64.

    The geometrically distributed gaps between chosen genes are drawn, so that the cost depends only on the chosen
    genes.
    """
    device = generator.device
    if rate < _NEVER:
        return torch.empty(0, dtype=torch.int64, device=device)
    log_kept = math.log1p(-rate) if rate < 1 else -math.inf
    parts, reached = [], -1
    while True:
        expected = (count - reached) * rate
        draws = math.ceil(expected + _SPARE_DEVIATIONS * math.sqrt(expected)) + 8
        uniform = torch.rand(draws, generator=generator, device=device)
        gaps = uniform.neg_().log1p_().div_(log_kept).long().add_(1)
        positions = gaps.cumsum(0).add_(reached)
        inside = int(torch.searchsorted(positions, count))
        parts.append(positions[:inside])
        if inside < draws:
            return parts[0] if len(parts) == 1 else torch.cat(parts)
        reached = int(positions[-1])


def polynomial_steps(count: int, *, eta: float, generator: torch.Generator) -> torch.Tensor:
    """Draw ``count`` independent steps of the polynomial mutation, float32 in [-1, 1] (Deb and Goyal 1996).

    With r uniform in [0, 1): (2r)^(1/(eta+1)) - 1 below r = .5, else 1 - (2(1-r))^(1/(eta+1)). A large ``eta`` gives
    small steps: their mean size is 1 / (eta + 2).
    """
    signed = torch.empty(count, device=generator.device).uniform_(-1, 1, generator=generator)
    sizes = signed.abs().log_().div_(eta + 1).expm1_()
    return sizes.copysign_(signed)


def polynomial_mutation_(genes: torch.Tensor, *, rate: float, eta: float, generator: torch.Generator) -> torch.Tensor:
    """Change each of the ``genes`` (any shape, contiguous) in place with probability ``rate``, and return them.

    Values are clipped to the range; levels are rounded to the nearest one.
    """
    flat = genes.view(-1)
    chosen = chosen_positions(flat.numel(), rate=rate, generator=generator)
    steps = polynomial_steps(chosen.numel(), eta=eta, generator=generator)
    values = _as_floats(flat.index_select(0, chosen)).add_(steps).clamp_(0, 1)
    flat.scatter_(0, chosen, _as_genes(values, genes.dtype))
    return genes


def crossed(
    parents: torch.Tensor, *, rate: float, eta: float, copies_equal_genes: bool, generator: torch.Generator
) -> torch.Tensor:
    """Return two children for each pair of adjacent ``parents`` (B, ...), by bounded SBX (Deb and Agrawal 1995).

    A pair is crossed with probability ``rate``, else copied; a last row without a partner is copied. Each gene that
    differs between the parents is crossed, and a fair coin decides which child gets which value. Genes equal in both
    parents are copied, or set to .5 if ``copies_equal_genes`` is false, the fault of the released code.
    """
    children = parents.clone()
    pairs = children[: len(parents) // 2 * 2].view(-1, 2, parents[0].numel())
    rows = (torch.rand(len(pairs), generator=generator, device=generator.device) < rate).nonzero().squeeze(1)
    first, second = _as_floats(pairs.index_select(0, rows)).unbind(1)
    low, high = torch.minimum(first, second), torch.maximum(first, second)
    spread = high - low
    differs = spread > torch.finfo(spread.dtype).eps
    uniform, coin = torch.rand(2, *low.shape, generator=generator, device=generator.device)
    width = spread.clamp_min(torch.finfo(spread.dtype).eps)
    middle = (low + high) / 2
    lower = middle - _spread_factor(uniform, low / width, eta) * spread / 2
    upper = middle + _spread_factor(uniform, (1 - high) / width, eta) * spread / 2
    swapped = coin < 0.5
    offspring = torch.stack((torch.where(swapped, upper, lower), torch.where(swapped, lower, upper)), dim=1)
    offspring.clamp_(0, 1)
    untouched = pairs.index_select(0, rows) if copies_equal_genes else pairs.new_full((), _unset(parents.dtype))
    pairs[rows] = torch.where(differs.unsqueeze(1), _as_genes(offspring, parents.dtype), untouched)
    return children


def _spread_factor(uniform: torch.Tensor, room: torch.Tensor, eta: float) -> torch.Tensor:
    """Return the distance of a child from the middle, in half spreads; ``room`` to the bound is in spreads."""
    # Powers through logarithms: pow's last bits on a CPU depend on how many threads share the work.
    alpha = 2 - (2 * room).log1p_().mul_(-(eta + 1)).exp_()
    scaled = uniform * alpha
    return torch.where(scaled <= 1, scaled, 1 / (2 - scaled)).log_().div_(eta + 1).exp_()


def _as_floats(genes: torch.Tensor) -> torch.Tensor:
    return genes.float().div_(LEVELS) if genes.dtype is torch.uint8 else genes


def _as_genes(values: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Convert floats in [0, 1] to genes: unchanged, or the nearest level (the lower one of two equally near)."""
    return values.mul(LEVELS).sub_(0.5).ceil_().to(dtype) if dtype is torch.uint8 else values


def _unset(dtype: torch.dtype) -> float:
    return int(UNSET_GENE * LEVELS) if dtype is torch.uint8 else UNSET_GENE
