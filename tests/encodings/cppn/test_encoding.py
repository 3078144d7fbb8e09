from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import neat.nn
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from fooling.encodings.cppn import encoding as operators
from fooling.encodings.cppn import rendering
from fooling.encodings.cppn.encoding import CppnEncoding, input_values
from fooling.encodings.cppn.genome import FUNCTIONS, INPUTS, CppnGenomes, initial_genomes
from fooling.encodings.encoding import rgb_levels
from fooling.encodings.settings import RELEASED, CppnSettings
from fooling.messages import FoolingError

Values = NDArray[np.float64]

REFERENCE: tuple[Callable[[Any], Any], ...] = (
    np.sin,
    lambda x: 2 / (1 + np.exp(-x)) - 1,
    lambda x: np.exp(-x * x),
    lambda x: np.clip(x, -3, 3) / 3,
)


def encoding(shape: tuple[int, int, int] = (1, 8, 8), **changes: object) -> CppnEncoding:
    return CppnEncoding(settings=CppnSettings.model_validate(changes), image_shape=shape)


def links_into(genomes: CppnGenomes, row: int) -> dict[int, list[tuple[int, float]]]:
    """For each node of one genome its incoming links as (source, weight)."""
    incoming: dict[int, list[tuple[int, float]]] = {node: [] for node in range(int(genomes.node_counts[row]))}
    for link in range(int(genomes.link_counts[row])):
        weight = (2 * float(genomes.weights[row, link]) - 1) * 10
        incoming[int(genomes.targets[row, link])].append((int(genomes.sources[row, link]), weight))
    return incoming


def reference_values(genomes: CppnGenomes, row: int, inputs: Values, outputs: int) -> Values:
    """The output values (outputs, P) of one genome, node by node in float64."""
    incoming = links_into(genomes, row)
    values: dict[int, Values] = {outputs + index: inputs[index] for index in range(INPUTS)}

    def value(node: int) -> Values:
        if node not in values:
            total = np.zeros(inputs.shape[1])
            for source, weight in incoming[node]:
                total += weight * value(source)
            values[node] = REFERENCE[int(genomes.functions[row, node])](total)
        return values[node]

    return np.stack([value(node) for node in range(outputs)])


def assert_levels_agree(image: torch.Tensor, values: Values) -> None:
    """Grey levels of a float32 rendering against exact values: nearly all equal, none more than a level off."""
    exact = torch.from_numpy(np.abs(values) * 255)
    error = image.flatten().double() - exact.flatten()
    assert float(error.max()) <= 0.1
    assert float(error.min()) > -1.1


@pytest.mark.parametrize("coordinates", ["unit", "pixels"])
def test_grey_images_agree_with_genomes_computed_one_by_one(coordinates: str, grey_population: CppnGenomes) -> None:
    grey = encoding((1, 7, 9), coordinates=coordinates)
    images = grey.render(grey_population)
    assert images.dtype is torch.uint8
    assert images.shape == (len(grey_population), 1, 7, 9)
    inputs = input_values((1, 7, 9), coordinates).double().numpy()
    for row in range(len(grey_population)):
        assert_levels_agree(images[row], reference_values(grey_population, row, inputs, 1))


def test_grey_images_agree_with_neat_python(grey_population: CppnGenomes) -> None:
    inputs = input_values((1, 8, 8), "unit")
    images = encoding().render(grey_population)
    for row in range(0, len(grey_population), 10):
        incoming = links_into(grey_population, row)
        ready, order = set(range(1, 1 + INPUTS)), []
        while len(order) < len(incoming) - INPUTS:
            order += [
                node
                for node in incoming
                if node not in ready and node not in order and all(source in ready for source, _ in incoming[node])
            ]
            ready.update(order)
        network = neat.nn.FeedForwardNetwork(
            list(range(1, 1 + INPUTS)),
            [0],
            [
                (node, REFERENCE[int(grey_population.functions[row, node])], sum, 0.0, 1.0, incoming[node])
                for node in order
            ],
        )
        values = np.array([network.activate(pixel) for pixel in inputs.T.tolist()])
        assert_levels_agree(images[row], values)


@pytest.mark.parametrize("colour", ["hsv", "hls"])
def test_colour_images_take_three_outputs_through_the_colour_components(
    colour: str, colour_population: CppnGenomes
) -> None:
    rgb = encoding((3, 6, 5), colour=colour)
    images = rgb.render(colour_population)
    inputs = input_values((3, 6, 5), "unit").double().numpy()
    exact = np.stack([reference_values(colour_population, row, inputs, 3) for row in range(len(colour_population))])
    expected = rgb_levels(torch.from_numpy(np.abs(exact) * 255).float(), colour).view_as(images)  # type: ignore[arg-type]
    differing = (images.int() - expected.int()).abs() > 1
    assert images.shape == (len(colour_population), 3, 6, 5)
    assert float(differing.float().mean()) < 0.005


def test_a_genome_alone_and_in_a_population_gives_the_same_bytes(
    grey_population: CppnGenomes, colour_population: CppnGenomes
) -> None:
    for shape, population in (((1, 28, 28), grey_population), ((3, 9, 12), colour_population)):
        together = encoding(shape).render(population)
        for row in range(len(population)):
            alone = CppnGenomes.from_arrays(population.take(torch.tensor([row])).arrays())
            assert torch.equal(encoding(shape).render(alone)[0], together[row])


@pytest.mark.parametrize("size", [(20, 30), (21, 31), (7, 3), (1, 5), (5, 1), (2, 2), (1, 1)])
@pytest.mark.parametrize("coordinates", ["unit", "pixels"])
def test_bands_of_any_height_give_the_same_bytes(
    size: tuple[int, int], coordinates: str, colour_population: CppnGenomes, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = encoding((3, *size), coordinates=coordinates).render(colour_population)
    for rows in (1, 3, 4):
        monkeypatch.setattr(rendering, "BAND_PIXELS", rows * size[1])
        assert torch.equal(encoding((3, *size), coordinates=coordinates).render(colour_population), whole)


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 2), (5, 16), (16, 17), (33, 31)])
@pytest.mark.parametrize("coordinates", ["unit", "pixels"])
def test_images_of_any_size_agree_with_genomes_computed_one_by_one(
    size: tuple[int, int], coordinates: str, grey_population: CppnGenomes
) -> None:
    images = encoding((1, *size), coordinates=coordinates).render(grey_population)
    inputs = input_values((1, *size), coordinates).double().numpy()
    for row in range(len(grey_population)):
        assert_levels_agree(images[row], reference_values(grey_population, row, inputs, 1))


def test_distance_is_symmetric_to_the_bit() -> None:
    for shape in ((1, 28, 28), (1, 27, 31), (1, 227, 100)):
        distance = input_values(shape, "unit")[2].view(shape[1:])
        assert torch.equal(distance, distance.flip(0))
        assert torch.equal(distance, distance.flip(1))


def test_large_weights_give_levels(grey_population: CppnGenomes) -> None:
    images = encoding((1, 9, 9), weight_bound=1e38, coordinates="pixels").render(grey_population)
    assert torch.equal(images, encoding((1, 9, 9), weight_bound=1e38, coordinates="pixels").render(grey_population))


def test_the_number_of_threads_changes_nothing() -> None:
    def run(threads: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            generator = torch.Generator().manual_seed(9)
            grey = encoding((1, 40, 40))
            genomes = grey.random(300, generator)
            for generation in range(1, 8):
                genomes = grey.vary(genomes, generation, generator)
            return grey.render(genomes), genomes.arrays()
        finally:
            torch.set_num_threads(before)

    (one, genomes_one), (two, genomes_two) = run(1), run(2)
    assert torch.equal(one, two)
    assert all(torch.equal(genomes_one[name], genomes_two[name]) for name in genomes_one)


def test_the_same_seed_gives_the_same_bits_and_another_seed_other_ones() -> None:
    def images(seed: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(seed)
        grey = encoding()
        genomes = grey.random(30, generator)
        for generation in range(1, 10):
            genomes = grey.vary(genomes, generation, generator)
        return grey.render(genomes)

    assert torch.equal(images(1), images(1))
    assert not torch.equal(images(1), images(2))


def test_images_stay_as_they_are_when_the_next_ones_are_rendered(grey_population: CppnGenomes) -> None:
    grey = encoding()
    first = grey.render(grey_population)
    kept = first.clone()
    grey.render(grey_population.take(torch.arange(119, -1, -1)))
    assert torch.equal(first, kept)


@pytest.mark.parametrize(("function", "level"), [(0, 0), (1, 0), (2, 255), (3, 0)])
def test_an_output_without_links_has_its_functions_value_at_zero(
    function: int, level: int, generator: torch.Generator
) -> None:
    genomes = initial_genomes(1, outputs=1, generator=generator)
    genomes.functions[0, 0] = function
    genomes.link_counts.zero_()
    assert encoding().render(genomes).unique().tolist() == [level]


def test_no_genomes_give_no_images(grey_population: CppnGenomes) -> None:
    assert encoding().render(grey_population.take(torch.arange(0))).shape == (0, 1, 8, 8)


def test_unit_coordinates_run_from_minus_one_to_one_and_pixels_count() -> None:
    x, y, distance, bias = input_values((1, 3, 5), "unit").view(4, 3, 5)
    assert x[0].tolist() == [-1, -0.5, 0, 0.5, 1]
    assert y[:, 0].tolist() == [-1, 0, 1]
    assert float(distance[0, 0]) == pytest.approx(math.sqrt(2))
    assert float(distance[1, 2]) == 0
    assert bias.unique().tolist() == [1]
    raw = input_values((1, 3, 5), "pixels").view(4, 3, 5)
    assert raw[0, 0].tolist() == [0, 1, 2, 3, 4]
    assert raw[1, :, 0].tolist() == [0, 1, 2]
    assert torch.equal(raw[2], distance)
    assert input_values((1, 1, 1), "unit").flatten().tolist() == [0, 0, 0, 1]


def test_the_released_preset_changes_coordinates_and_colour_alone() -> None:
    assert CppnSettings.model_validate(RELEASED["cppn"]) == CppnSettings(coordinates="pixels", colour="hls")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_paints_the_same_images(grey_population: CppnGenomes) -> None:
    on_gpu = CppnEncoding(settings=CppnSettings(), image_shape=(1, 8, 8), device="cuda")
    images = on_gpu.render(on_gpu.genomes_from(grey_population.arrays())).cpu().int()
    assert int((images - encoding().render(grey_population).int()).abs().max()) <= 1
    generator = torch.Generator(device="cuda").manual_seed(1)
    assert len(on_gpu.vary(on_gpu.random(50, generator), 1, generator)) == 50


def genome_with_a_cycle() -> CppnGenomes:
    first = 1 + INPUTS
    return CppnGenomes(
        functions=torch.zeros(1, first + 2, dtype=torch.int64),
        node_counts=torch.tensor([[first + 2]]),
        sources=torch.tensor([[first, first + 1, first]]),
        targets=torch.tensor([[0, first, first + 1]]),
        weights=torch.ones(1, 3),
        link_counts=torch.tensor([[3]]),
    )


def test_a_cycle_of_nodes_is_refused() -> None:
    with pytest.raises(FoolingError, match="has a cycle"):
        encoding().render(genome_with_a_cycle())
    itself = genome_with_a_cycle()
    itself.sources[0, 1] = 1 + INPUTS
    with pytest.raises(FoolingError, match="has a cycle"):
        encoding().render(itself)


Link = tuple[int, int, float]
Mutation = Callable[[CppnGenomes], None]


def links_of(genomes: CppnGenomes, row: int) -> list[Link]:
    count = int(genomes.link_counts[row])
    ends = (genomes.sources[row, :count], genomes.targets[row, :count], genomes.weights[row, :count])
    return list(zip(*(end.tolist() for end in ends), strict=True))


def functions_of(genomes: CppnGenomes, row: int) -> list[int]:
    return list(map(int, genomes.functions[row, : genomes.node_counts[row]].tolist()))


def ancestors(links: list[Link], node: int) -> set[int]:
    """Every node from which ``node`` is reached, itself included, found by walking back."""
    found, waiting = {node}, [node]
    while waiting:
        target = waiting.pop()
        sources = {source for source, end, _ in links if end == target} - found
        found |= sources
        waiting += sources
    return found


def has_cycle(links: list[Link]) -> bool:
    remaining = list(links)
    while remaining:
        targets = {target for _, target, _ in remaining}
        inner = [link for link in remaining if link[0] in targets]
        if len(inner) == len(remaining):
            return True
        remaining = inner
    return False


def mutate_once(genomes: CppnGenomes, change: Mutation) -> CppnGenomes:
    children = genomes.with_room(nodes=1, links=2)
    change(children)
    return children


def many_of(genomes: CppnGenomes, row: int, count: int) -> CppnGenomes:
    return genomes.take(torch.full((count,), row))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**40), outputs=st.sampled_from([1, 3]), growth=st.sampled_from([0.3, 0.5, 0.9]))
def test_thousands_of_mutations_keep_every_genome_a_feed_forward_network(
    seed: int, outputs: int, growth: float
) -> None:
    generator = torch.Generator().manual_seed(seed)
    rates = CppnSettings(add_link_probability=growth, delete_node_probability=1 - growth)
    genomes = initial_genomes(40, outputs=outputs, generator=generator)
    for _ in range(60):
        genomes = operators.mutated(genomes, rates, outputs=outputs, generator=generator)
    inputs = set(range(outputs, outputs + INPUTS))
    for row in range(len(genomes)):
        links, nodes = links_of(genomes, row), int(genomes.node_counts[row])
        assert not has_cycle(links)
        assert all(outputs <= source < nodes for source, _, _ in links)
        assert all(0 <= target < nodes and target not in inputs for _, target, _ in links)
        assert all(0 <= weight <= 1 for _, _, weight in links)
        assert all(0 <= function < FUNCTIONS for function in functions_of(genomes, row))


def test_a_link_is_added_from_any_node_but_the_outputs_to_any_but_inputs_and_ancestors(
    colour_population: CppnGenomes, generator: torch.Generator
) -> None:
    row, copies = 5, 6000
    before = links_of(colour_population, row)
    children = mutate_once(
        many_of(colour_population, row, copies),
        lambda genomes: operators.add_link_(genomes, probability=1.0, outputs=3, generator=generator),
    )
    added = [links_of(children, copy)[-1] for copy in range(copies)]
    assert all(links_of(children, copy)[:-1] == before for copy in range(0, copies, 100))
    nodes = int(colour_population.node_counts[row])
    sources = Counter(source for source, _, _ in added)
    assert set(sources) == set(range(3, nodes))
    assert stats.chisquare(list(sources.values())).pvalue > 1e-3
    for source in (3, nodes - 1, max(range(7, nodes), key=lambda node: len(ancestors(before, node)))):
        allowed = set(range(nodes)) - set(range(3, 7)) - ancestors(before, source)
        targets = Counter(target for start, target, _ in added if start == source)
        assert set(targets) <= allowed
        assert stats.chisquare([targets[target] for target in allowed]).pvalue > 1e-3
    assert stats.kstest([weight for _, _, weight in added], "uniform").pvalue > 1e-3


def test_any_one_link_is_deleted(grey_population: CppnGenomes, generator: torch.Generator) -> None:
    row, copies = 3, 4000
    before = Counter(links_of(grey_population, row))
    children = mutate_once(
        many_of(grey_population, row, copies),
        lambda genomes: operators.delete_link_(genomes, probability=1.0, generator=generator),
    )
    deleted = Counter[Link]()
    for copy in range(copies):
        after = Counter(links_of(children, copy))
        assert after <= before
        assert after.total() == before.total() - 1
        deleted += before - after
    assert set(deleted) == set(before)
    assert stats.chisquare([deleted[link] / before[link] for link in before]).pvalue > 1e-3


def test_a_node_splits_any_link_and_both_halves_keep_its_weight(
    grey_population: CppnGenomes, generator: torch.Generator
) -> None:
    row, copies = 3, 4000
    before, nodes = Counter(links_of(grey_population, row)), int(grey_population.node_counts[row])
    children = mutate_once(
        many_of(grey_population, row, copies),
        lambda genomes: operators.add_node_(genomes, probability=1.0, generator=generator),
    )
    split, functions = Counter[Link](), Counter[int]()
    for copy in range(copies):
        after = Counter(links_of(children, copy))
        ((source, target, weight),) = before - after
        assert after - before == Counter([(source, nodes, weight), (nodes, target, weight)])
        split[source, target, weight] += 1
        functions[functions_of(children, copy)[nodes]] += 1
        assert functions_of(children, copy)[:nodes] == functions_of(grey_population, row)
    assert stats.chisquare([split[link] for link in before]).pvalue > 1e-3
    assert stats.chisquare([functions[function] for function in range(FUNCTIONS)]).pvalue > 1e-3


def test_any_hidden_node_is_deleted_with_its_links(colour_population: CppnGenomes, generator: torch.Generator) -> None:
    row, copies = 5, 3000
    before, nodes = links_of(colour_population, row), int(colour_population.node_counts[row])
    functions = functions_of(colour_population, row)
    children = mutate_once(
        many_of(colour_population, row, copies),
        lambda genomes: operators.delete_node_(genomes, probability=1.0, outputs=3, generator=generator),
    )

    def without(node: int) -> tuple[list[int], Counter[Link]]:
        def renamed(name: int) -> int:
            return node if name == nodes - 1 else name

        kept = [link for link in before if node not in link[:2]]
        names = list(functions)
        names[node] = names[-1]
        return names[:-1], Counter((renamed(source), renamed(target), weight) for source, target, weight in kept)

    possible = {node: without(node) for node in range(7, nodes)}
    deleted = Counter[int]()
    for copy in range(copies):
        after = functions_of(children, copy), Counter(links_of(children, copy))
        deleted[next(node for node, expected in possible.items() if expected == after)] += 1
    assert stats.chisquare([deleted[node] for node in possible]).pvalue > 1e-3


@pytest.mark.parametrize("probability", [0.2, 0.5])
def test_each_mutation_happens_with_its_probability(
    probability: float, colour_population: CppnGenomes, generator: torch.Generator
) -> None:
    copies = 8000
    parents = many_of(colour_population, 2, copies)
    nodes, links = parents.node_counts, parents.link_counts
    changes: dict[str, Mutation] = {
        "add_link": lambda genomes: operators.add_link_(
            genomes, probability=probability, outputs=3, generator=generator
        ),
        "delete_link": lambda genomes: operators.delete_link_(genomes, probability=probability, generator=generator),
        "add_node": lambda genomes: operators.add_node_(genomes, probability=probability, generator=generator),
        "delete_node": lambda genomes: operators.delete_node_(
            genomes, probability=probability, outputs=3, generator=generator
        ),
    }
    for change in changes.values():
        children = mutate_once(parents, change)
        changed = int(((children.node_counts != nodes) | (children.link_counts != links)).sum())
        assert stats.binomtest(changed, copies, probability).pvalue > 1e-3


def test_weights_and_functions_change_with_their_rates(
    colour_population: CppnGenomes, generator: torch.Generator
) -> None:
    nothing = {f"{change}_probability": 0.0 for change in ("add_link", "delete_link", "add_node", "delete_node")}
    parents = many_of(colour_population, 2, 2000)
    rates = CppnSettings(weight_mutation_rate=0.1, function_mutation_rate=0.3, **nothing)
    children = operators.mutated(parents, rates, outputs=3, generator=generator)
    nodes, links = int(parents.node_counts[0]), int(parents.link_counts[0])
    weights = children.weights[:, :links] != parents.weights[:, :links]
    assert float(weights.float().mean()) == pytest.approx(0.1, abs=0.005)
    functions = children.functions[:, :nodes] != parents.functions[:, :nodes]
    assert float(functions[:, [0, 1, 2, *range(7, nodes)]].float().mean()) == pytest.approx(0.3 * 3 / 4, abs=0.01)
    assert torch.equal(children.sources[:, :links], parents.sources[:, :links])
    assert torch.equal(children.targets[:, :links], parents.targets[:, :links])


def test_a_genome_without_links_or_hidden_nodes_is_left_as_it_is(generator: torch.Generator) -> None:
    bare = initial_genomes(50, outputs=1, generator=generator)
    for _ in range(INPUTS):
        bare = mutate_once(bare, lambda genomes: operators.delete_link_(genomes, probability=1.0, generator=generator))
    assert int(bare.link_counts.max()) == 0
    for change in (
        lambda genomes: operators.delete_link_(genomes, probability=1.0, generator=generator),
        lambda genomes: operators.add_node_(genomes, probability=1.0, generator=generator),
        lambda genomes: operators.delete_node_(genomes, probability=1.0, outputs=1, generator=generator),
    ):
        unchanged = mutate_once(bare, change)
        assert torch.equal(unchanged.node_counts, bare.node_counts)
        assert torch.equal(unchanged.link_counts, bare.link_counts)


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"add_link_probability": 1.0, "add_node_probability": 1.0},
        {"delete_link_probability": 1.0, "delete_node_probability": 1.0, "add_node_probability": 0.2},
        {"weight_mutation_rate": 0.0, "function_mutation_rate": 1.0},
    ],
)
def test_compiled_code_makes_the_same_changes_from_the_same_random_numbers(
    outputs: int, changes: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = CppnSettings.model_validate(changes)

    def evolved() -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        generator = torch.Generator().manual_seed(3)
        genomes = initial_genomes(60, outputs=outputs, generator=generator)
        for _ in range(40):
            genomes = operators.mutated(genomes, rates, outputs=outputs, generator=generator)
        return genomes.arrays(), generator.get_state()

    compiled, state = evolved()
    monkeypatch.setattr(operators, "_change_compiled_", operators.change_)
    with_torch, other_state = evolved()
    assert torch.equal(state, other_state)
    assert all(torch.equal(compiled[name], with_torch[name]) for name in with_torch)


def test_parents_are_left_alone(grey_population: CppnGenomes, generator: torch.Generator) -> None:
    before = {name: tensor.clone() for name, tensor in grey_population.arrays().items()}
    operators.mutated(grey_population, CppnSettings(), outputs=1, generator=generator)
    after = grey_population.arrays()
    assert all(torch.equal(before[name], after[name]) for name in before)
