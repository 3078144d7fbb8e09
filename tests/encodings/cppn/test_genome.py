from __future__ import annotations

import math

import torch

from fooling.encodings.cppn.encoding import CppnEncoding
from fooling.encodings.cppn.genome import INPUTS, CppnGenomes, initial_genomes
from fooling.encodings.settings import CppnSettings

Genome = tuple[list[int], list[tuple[int, int, float]]]


def genome_at(genomes: CppnGenomes, row: int) -> Genome:
    """One genome as plain lists: functions, and links as (source, target, weight gene)."""
    nodes, links = int(genomes.node_counts[row]), int(genomes.link_counts[row])
    ends = (genomes.sources[row, :links], genomes.targets[row, :links], genomes.weights[row, :links])
    return genomes.functions[row, :nodes].tolist(), list(zip(*(end.tolist() for end in ends), strict=True))


def test_a_start_genome_links_every_input_to_every_output(generator: torch.Generator) -> None:
    genomes = initial_genomes(500, outputs=3, generator=generator)
    functions, links = genome_at(genomes, 0)
    assert len(functions) == 3 + INPUTS
    assert sorted((source, target) for source, target, _ in links) == [(s, t) for s in range(3, 7) for t in range(3)]
    shares = torch.bincount(genomes.functions[:, :3].flatten(), minlength=4) / 1500
    assert float((shares - 0.25).abs().max()) < 0.05
    assert abs(float(genomes.weights.mean()) - 0.5) < 0.02


def test_rows_are_taken_in_the_order_asked_for(grey_population: CppnGenomes) -> None:
    taken = grey_population.take(torch.tensor([7, 3, 7]))
    assert [genome_at(taken, row) for row in range(3)] == [genome_at(grey_population, row) for row in (7, 3, 7)]


def test_replaced_rows_bring_the_room_they_need(grey_population: CppnGenomes, generator: torch.Generator) -> None:
    small = initial_genomes(5, outputs=1, generator=generator)
    for into, source in ((small, grey_population), (grey_population, small)):
        before = [genome_at(into, row) for row in range(len(into))]
        changed = into.with_rows(torch.tensor([4, 1]), source, torch.tensor([2, 0]))
        expected = list(before)
        expected[4], expected[1] = genome_at(source, 2), genome_at(source, 0)
        assert [genome_at(changed, row) for row in range(len(changed))] == expected
        assert [genome_at(into, row) for row in range(len(into))] == before


def test_equal_genomes_have_equal_arrays_whatever_their_room(grey_population: CppnGenomes) -> None:
    rows = torch.arange(0, 120, 17)
    narrow = CppnGenomes.from_arrays(grey_population.take(rows).arrays()).arrays()
    wide = grey_population.take(rows).with_room(nodes=9, links=5).arrays()
    assert narrow.keys() == wide.keys()
    assert all(torch.equal(narrow[name], wide[name]) for name in narrow)
    assert narrow["functions"].shape[1] == int(narrow["node_counts"].max())
    assert narrow["weights"].shape[1] == int(narrow["link_counts"].max())


def test_stored_genomes_evolve_on_to_the_same_bits(grey_population: CppnGenomes) -> None:
    encoding = CppnEncoding(settings=CppnSettings(), image_shape=(1, 8, 8))
    kept = grey_population.take(torch.arange(0, 120, 3)).with_room(nodes=30, links=30)
    results = []
    for genomes in (kept, encoding.genomes_from(kept.arrays())):
        generator = torch.Generator().manual_seed(4)
        for generation in range(1, 6):
            genomes = encoding.vary(genomes, generation, generator)
        results.append((genomes.arrays(), encoding.render(genomes)))
    assert all(torch.equal(results[0][0][name], results[1][0][name]) for name in results[0][0])
    assert torch.equal(results[0][1], results[1][1])


def test_what_lies_in_free_slots_is_never_read(grey_population: CppnGenomes) -> None:
    encoding = CppnEncoding(settings=CppnSettings(), image_shape=(1, 8, 8))
    clean, spoiled = (grey_population.with_room(nodes=3, links=4) for _ in range(2))
    free = ~spoiled.link_exists()
    for ends in (spoiled.sources, spoiled.targets):
        ends.masked_fill_(free, 10**6)
    spoiled.weights.masked_fill_(free, math.nan)
    spoiled.functions.masked_fill_(torch.arange(spoiled.functions.shape[1]) >= spoiled.node_counts, 10**6)
    results = []
    for genomes in (clean, spoiled):
        children = encoding.vary(genomes, 1, torch.Generator().manual_seed(4))
        results.append((encoding.render(genomes), encoding.render(children), children.arrays()))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])
    assert all(torch.equal(results[0][2][name], results[1][2][name]) for name in results[0][2])
