from __future__ import annotations

from typing import Literal

import pytest
import torch

from fooling.encodings.direct import DirectEncoding, DirectGenomes
from fooling.encodings.settings import RELEASED, DirectSettings

GREY, RGB = (1, 28, 28), (3, 6, 5)


def encoding(shape: tuple[int, int, int] = GREY, **changes: object) -> DirectEncoding:
    return DirectEncoding(settings=DirectSettings.model_validate(changes), image_shape=shape)


@pytest.mark.parametrize("genes", ["levels", "floats"])
def test_a_start_is_uniform_noise(genes: str, generator: torch.Generator) -> None:
    images = encoding(genes=genes).render(encoding(genes=genes).random(100, generator))
    assert images.dtype is torch.uint8
    assert images.shape == (100, *GREY)
    shares = torch.bincount(images.flatten().long() // 16, minlength=16) / images.numel()
    assert float((shares - 1 / 16).abs().max()) < 0.006


def test_grey_levels_are_the_image_itself() -> None:
    levels = torch.arange(2 * 784).remainder(256).to(torch.uint8).view(2, *GREY)
    assert torch.equal(encoding().render(DirectGenomes(levels)), levels)


def test_floats_are_cut_to_levels_only_when_rendered() -> None:
    genes = torch.tensor([0.0, 0.5, 0.9999, 1.0]).view(1, 1, 2, 2)
    assert encoding((1, 2, 2), genes="floats").render(DirectGenomes(genes)).flatten().tolist() == [0, 127, 254, 255]


@pytest.mark.parametrize(("colour", "red"), [("hsv", (0, 255, 255)), ("hls", (180, 127, 255))])
@pytest.mark.parametrize("genes", ["levels", "floats"])
def test_colours_go_through_the_chosen_components(genes: str, colour: str, red: tuple[int, int, int]) -> None:
    levels = torch.tensor(red, dtype=torch.uint8).view(1, 3, 1, 1)
    given = levels if genes == "levels" else (levels + 0.01) / 255
    image = encoding((3, 1, 1), genes=genes, colour=colour).render(DirectGenomes(given)).flatten().tolist()
    assert image == pytest.approx([255, 0, 0], abs=1)


@pytest.mark.parametrize(
    ("generation", "rate"), [(1, 0.1), (999, 0.1), (1000, 0.05), (2500, 0.025), (20_000, 0.1 / 2**20)]
)
def test_the_paper_halves_the_rate_and_the_code_does_not(generation: int, rate: float) -> None:
    assert encoding().mutation_rate(generation) == pytest.approx(rate)
    assert encoding(rate_halving_generations=None).mutation_rate(generation) == 0.1


@pytest.mark.parametrize(("generation", "share"), [(1, 0.1), (3000, 0.0125)])
def test_children_differ_from_their_parents_in_the_share_of_the_rate(
    generation: int, share: float, generator: torch.Generator
) -> None:
    direct = encoding(genes="floats")
    parents = direct.random(200, generator)
    before = parents.genes.clone()
    children = direct.vary(parents, generation, generator)
    assert torch.equal(parents.genes, before)
    assert float((children.genes != before).float().mean()) == pytest.approx(share, rel=0.05)


@pytest.mark.parametrize("crossover", ["correct", "faulty"])
def test_crossed_children_hold_genes_of_both_parents(
    crossover: Literal["correct", "faulty"], generator: torch.Generator
) -> None:
    direct = encoding(crossover=crossover, mutation_rate=0.0, crossover_rate=1.0)
    assert direct.recombines
    black, white = torch.full((1, *GREY), 0.0), torch.full((1, *GREY), 255.0)
    parents = DirectGenomes(torch.cat((black, white)).to(torch.uint8))
    children = direct.vary(parents, 1, generator).genes.float()
    assert float((children[0] < 128).float().mean()) == pytest.approx(0.5, abs=0.1)
    twins = DirectGenomes(torch.full((2, *GREY), 30, dtype=torch.uint8))
    expected = 30 if crossover == "correct" else 127
    assert (direct.vary(twins, 1, generator).genes == expected).all()


def test_the_default_does_not_recombine_and_the_released_preset_does() -> None:
    assert not encoding().recombines
    assert encoding(**RELEASED["direct"]).recombines
    assert DirectSettings.model_validate(RELEASED["direct"]) == DirectSettings(
        rate_halving_generations=None, crossover="faulty", genes="floats", colour="hls"
    )


@pytest.mark.parametrize("changes", [{}, dict(RELEASED["direct"])])
def test_the_same_seed_gives_the_same_bits_and_another_seed_other_ones(changes: dict[str, object]) -> None:
    def images(seed: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(seed)
        direct = encoding(RGB, **changes)
        genomes = direct.random(20, generator)
        for generation in range(1, 5):
            genomes = direct.vary(genomes, generation, generator)
        return direct.render(genomes)

    assert torch.equal(images(1), images(1))
    assert not torch.equal(images(1), images(2))


@pytest.mark.parametrize("changes", [{}, dict(RELEASED["direct"])])
def test_the_number_of_threads_changes_nothing(changes: dict[str, object]) -> None:
    def run(threads: int) -> tuple[torch.Tensor, torch.Tensor]:
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            generator = torch.Generator().manual_seed(9)
            direct = encoding((3, 64, 64), **changes)
            children = direct.vary(direct.random(40, generator), 1, generator)
            return children.genes, direct.render(children)
        finally:
            torch.set_num_threads(before)

    assert all(torch.equal(one, two) for one, two in zip(run(1), run(2), strict=True))


def test_rows_are_taken_and_replaced(generator: torch.Generator) -> None:
    archive, offspring = encoding().random(4, generator), encoding().random(6, generator)
    changed = archive.with_rows(torch.tensor([3, 0]), offspring, torch.tensor([5, 5]))
    assert len(changed) == 4
    assert torch.equal(changed.genes[[0, 3]], offspring.genes[[5, 5]])
    assert torch.equal(changed.genes[[1, 2]], archive.genes[[1, 2]])
    assert torch.equal(offspring.take(torch.tensor([2, 2, 1])).genes, offspring.genes[[2, 2, 1]])


def test_genomes_survive_being_stored(generator: torch.Generator) -> None:
    genomes = encoding().random(3, generator)
    assert torch.equal(encoding().genomes_from(genomes.arrays()).genes, genomes.genes)
