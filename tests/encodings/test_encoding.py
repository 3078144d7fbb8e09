from __future__ import annotations

import colorsys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fooling.encodings import encoding as variation
from fooling.encodings.encoding import (
    chosen_positions,
    crossed,
    levels_of,
    polynomial_mutation_,
    polynomial_steps,
    rgb_levels,
)


def components(generator: torch.Generator) -> torch.Tensor:
    """All corners and edges of the colour cube and many inner points, (B, 3, 1)."""
    ends = torch.tensor([0.0, 42.5, 85.0, 127.5, 170.0, 254.0, 255.0])
    corners = torch.cartesian_prod(ends, ends, ends)
    return torch.cat((corners, torch.rand(3000, 3, generator=generator) * 255)).unsqueeze(2)


def test_hsv_agrees_with_the_standard_library(generator: torch.Generator) -> None:
    given = components(generator)
    rgb = rgb_levels(given, "hsv")
    expected = torch.tensor([colorsys.hsv_to_rgb(*colour) for colour in (given[..., 0].double() / 255).tolist()])
    assert rgb.dtype is torch.uint8
    assert float((rgb[..., 0].double() - expected * 255).abs().max()) < 0.501


def test_hls_reads_eight_bit_components_with_hue_steps_of_two_degrees(generator: torch.Generator) -> None:
    given = components(generator)
    rgb = rgb_levels(given, "hls")
    expected = torch.tensor(
        [
            colorsys.hls_to_rgb(2 * hue % 360 / 360, lightness / 255, saturation / 255)
            for hue, lightness, saturation in given[..., 0].floor().int().tolist()
        ]
    )
    assert float((rgb[..., 0].double() - expected * 255).abs().max()) < 0.501


@pytest.mark.parametrize(("hue", "same"), [(180.0, 0.0), (255.0, 75.0)])
def test_the_released_hue_turns_more_than_once(hue: float, same: float) -> None:
    first, second = (rgb_levels(torch.tensor([[[value], [100.0], [200.0]]]), "hls") for value in (hue, same))
    assert torch.equal(first, second)


def test_many_images_are_converted_like_single_ones(generator: torch.Generator) -> None:
    levels = torch.randint(0, 256, (40, 3, 70, 80), generator=generator, dtype=torch.uint8)
    singly = torch.cat([rgb_levels(image.unsqueeze(0).float(), "hsv") for image in levels])
    assert torch.equal(rgb_levels(levels, "hsv"), singly)
    assert rgb_levels(levels[:0], "hsv").shape == (0, 3, 70, 80)


def test_levels_are_cut_not_rounded() -> None:
    assert levels_of(torch.tensor([0.0, 0.99, 1.0, 254.99, 255.0])).tolist() == [0, 0, 1, 254, 255]


def reference_steps(count: int, eta: float) -> np.ndarray:
    """The polynomial mutation gene by gene, as its authors write it."""
    steps = []
    for r in np.random.default_rng(5).random(count):
        steps.append((2 * r) ** (1 / (eta + 1)) - 1 if r < 0.5 else 1 - (2 * (1 - r)) ** (1 / (eta + 1)))
    return np.array(steps)


def reference_children(first: float, second: float, eta: float, count: int) -> np.ndarray:
    """The first child's gene of bounded SBX on [0, 1], gene by gene, as its authors write it."""
    random = np.random.default_rng(6)
    low, high = min(first, second), max(first, second)
    children = []
    for r, coin in random.random((count, 2)):
        values = []
        for sign, beta in ((-1, 1 + 2 * low / (high - low)), (1, 1 + 2 * (1 - high) / (high - low))):
            alpha = 2 - beta ** -(eta + 1)
            factor = (r * alpha) ** (1 / (eta + 1)) if r <= 1 / alpha else (1 / (2 - r * alpha)) ** (1 / (eta + 1))
            values.append(min(max(0.5 * (low + high + sign * factor * (high - low)), 0), 1))
        children.append(values[0] if coin < 0.5 else values[1])
    return np.array(children)


@settings(deadline=None)
@given(count=st.integers(0, 3000), rate=st.floats(0, 1), seed=st.integers(0, 2**40))
def test_chosen_positions_are_distinct_ascending_and_inside(count: int, rate: float, seed: int) -> None:
    chosen = chosen_positions(count, rate=rate, generator=torch.Generator().manual_seed(seed))
    assert torch.equal(chosen, chosen.unique())
    assert len(chosen) == 0 or (chosen[0] >= 0 and chosen[-1] < count)


def test_chosen_positions_at_the_ends_of_the_rate(generator: torch.Generator) -> None:
    assert len(chosen_positions(1000, rate=0.0, generator=generator)) == 0
    assert torch.equal(chosen_positions(1000, rate=1.0, generator=generator), torch.arange(1000))


@pytest.mark.parametrize("rate", [0.001, 0.1, 0.9])
def test_every_gene_is_chosen_independently_with_the_rate(rate: float, generator: torch.Generator) -> None:
    trials, genes = 400, 2000
    chosen = torch.zeros(trials, genes)
    for row in chosen:
        row[chosen_positions(genes, rate=rate, generator=generator)] = 1
    spread = (rate * (1 - rate)) ** 0.5
    assert float(chosen.mean()) == pytest.approx(rate, abs=4 * spread / (trials * genes) ** 0.5)
    assert float(chosen.sum(1).std()) == pytest.approx(spread * genes**0.5, rel=0.15)
    neighbours = np.corrcoef(chosen[:, 1:].flatten(), chosen[:, :-1].flatten())[0, 1]
    assert abs(neighbours) < 4 / (trials * genes) ** 0.5
    for column in (0, 1, genes - 1):
        assert stats.binomtest(int(chosen[:, column].sum()), trials, rate).pvalue > 1e-4


def test_too_few_gaps_at_first_change_nothing(generator: torch.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variation, "_SPARE_DEVIATIONS", -2.0)
    chosen = [chosen_positions(10_000, rate=0.1, generator=generator) for _ in range(100)]
    assert all(torch.equal(positions, positions.unique()) for positions in chosen)
    assert all(positions[-1] < 10_000 for positions in chosen)
    counts = torch.stack([torch.bincount(positions // 1000, minlength=10) for positions in chosen]).sum(0)
    assert stats.chisquare(counts).pvalue > 1e-3
    assert float(counts.sum()) == pytest.approx(100_000, abs=4 * 300)


@pytest.mark.parametrize("eta", [1.0, 15.0])
def test_steps_follow_the_distribution_of_the_polynomial_mutation(eta: float, generator: torch.Generator) -> None:
    steps = polynomial_steps(20_000, eta=eta, generator=generator).numpy()
    assert stats.ks_2samp(steps, reference_steps(20_000, eta)).pvalue > 1e-3
    assert np.abs(steps).mean() == pytest.approx(1 / (eta + 2), rel=0.03)


def test_mutation_changes_the_given_share_and_stays_in_range(generator: torch.Generator) -> None:
    genes = torch.rand(50, 2000, generator=generator)
    mutated = polynomial_mutation_(genes.clone(), rate=0.1, eta=15.0, generator=generator)
    assert float((mutated != genes).float().mean()) == pytest.approx(0.1, abs=0.004)
    assert float(mutated.min()) >= 0
    assert float(mutated.max()) <= 1


def test_mutated_levels_move_by_whole_levels_without_drift(generator: torch.Generator) -> None:
    levels = torch.full((100_000,), 128, dtype=torch.uint8)
    mutated = polynomial_mutation_(levels.clone(), rate=1.0, eta=15.0, generator=generator).double() - 128
    expected = np.clip(reference_steps(100_000, 15.0) * 255, -128, 127)
    assert float(mutated.mean()) == pytest.approx(0, abs=0.3)
    assert float(mutated.abs().mean()) == pytest.approx(np.abs(expected).mean(), rel=0.02)


@pytest.mark.parametrize(("first", "second"), [(0.3, 0.5), (0.9, 0.05), (0.0, 1.0), (0.999, 1.0)])
def test_crossover_follows_the_distribution_of_bounded_sbx(
    first: float, second: float, generator: torch.Generator
) -> None:
    parents = torch.tensor([[first], [second]]).repeat(1, 20_000)
    children = crossed(parents, rate=1.0, eta=10.0, copies_equal_genes=True, generator=generator).numpy()
    expected = reference_children(first, second, 10.0, 20_000)
    for child in children:
        assert stats.ks_2samp(child, expected).pvalue > 1e-3
    assert (parents.numpy() == np.array([[first], [second]], dtype=np.float32)).all()


def test_equal_genes_are_copied_or_in_the_released_fault_left_at_half(generator: torch.Generator) -> None:
    floats = torch.tensor([[0.2, 0.7], [0.2, 0.9]])
    levels = torch.tensor([[20, 70], [20, 90]], dtype=torch.uint8)
    for parents, unset in ((floats, 0.5), (levels, 127)):
        correct = crossed(parents, rate=1.0, eta=10.0, copies_equal_genes=True, generator=generator)
        faulty = crossed(parents, rate=1.0, eta=10.0, copies_equal_genes=False, generator=generator)
        assert torch.equal(correct[:, 0], parents[:, 0])
        assert faulty[:, 0].tolist() == [unset, unset]
        assert (correct[:, 1] != unset).all()


def test_only_whole_pairs_are_crossed_and_with_their_probability(generator: torch.Generator) -> None:
    parents = torch.rand(4001, 3, generator=generator)
    children = crossed(parents, rate=0.5, eta=10.0, copies_equal_genes=True, generator=generator)
    changed = (children != parents).any(1)
    assert torch.equal(changed[:-1:2], changed[1::2])
    assert not changed[-1]
    assert float(changed[:-1].float().mean()) == pytest.approx(0.5, abs=0.04)
    assert torch.equal(crossed(parents, rate=0.0, eta=10.0, copies_equal_genes=False, generator=generator), parents)
