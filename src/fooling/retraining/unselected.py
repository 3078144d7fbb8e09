"""Images that no network selected: of random genomes, and of genomes that varied for some generations."""

from __future__ import annotations

from typing import TypeVar

import torch

from fooling.encodings.encoding import Encoding, Genomes

G = TypeVar("G", bound=Genomes)


def unselected_images(
    encoding: Encoding[G], count: int, *, generations: int, generator: torch.Generator
) -> torch.Tensor:
    """Render ``count`` images (B, C, H, W), an even number: of random genomes and, in turn with them, of drifted ones.

    As champions do, one half comes from the start and one from the end of a run of so many ``generations``, here
    without any selection: every genome has one child a generation, with a mate drawn anew where the encoding
    recombines. Without any generation all are of random genomes.
    """
    if generations == 0:
        return encoding.render(encoding.random(count, generator))
    half = count // 2
    start = encoding.render(encoding.random(half, generator))
    drifting = encoding.random(half + half % 2, generator)  # mates are adjacent, so their number is even
    for generation in range(1, generations + 1):
        order = torch.randperm(len(drifting), generator=generator)
        drifting = encoding.vary(drifting.take(order), generation, generator)
    end = encoding.render(drifting.take(torch.arange(half)))
    return torch.stack((start, end), dim=1).flatten(end_dim=1)
