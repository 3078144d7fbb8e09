"""Vary real-valued genes with Deb's operators: polynomial mutation and simulated binary crossover (SBX).

A gene is a float in [0, 1], or a uint8 level that stands for level / 255.
"""

from __future__ import annotations

import math

import torch

LEVELS = 255

#: A smaller rate would practically never choose a gene; the gaps at this rate still fit into int64.
_NEVER = 1e-15

#: Number of standard deviations of spare gaps per draw, so that one draw nearly always suffices.
_SPARE_DEVIATIONS = 6.0

#: The value that the faulty crossover of the released code leaves in a gene that both parents share.
UNSET_GENE = 0.5


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
