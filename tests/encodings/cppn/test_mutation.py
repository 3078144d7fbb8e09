from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fooling.encodings.cppn import mutation
from fooling.encodings.cppn.genome import FUNCTIONS, INPUTS, CppnGenomes, initial_genomes
from fooling.encodings.settings import CppnSettings

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
        genomes = mutation.mutated(genomes, rates, outputs=outputs, generator=generator)
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
        lambda genomes: mutation.add_link_(genomes, probability=1.0, outputs=3, generator=generator),
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
        lambda genomes: mutation.delete_link_(genomes, probability=1.0, generator=generator),
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
        lambda genomes: mutation.add_node_(genomes, probability=1.0, generator=generator),
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
        lambda genomes: mutation.delete_node_(genomes, probability=1.0, outputs=3, generator=generator),
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
        "add_link": lambda genomes: mutation.add_link_(
            genomes, probability=probability, outputs=3, generator=generator
        ),
        "delete_link": lambda genomes: mutation.delete_link_(genomes, probability=probability, generator=generator),
        "add_node": lambda genomes: mutation.add_node_(genomes, probability=probability, generator=generator),
        "delete_node": lambda genomes: mutation.delete_node_(
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
    children = mutation.mutated(parents, rates, outputs=3, generator=generator)
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
        bare = mutate_once(bare, lambda genomes: mutation.delete_link_(genomes, probability=1.0, generator=generator))
    assert int(bare.link_counts.max()) == 0
    for change in (
        lambda genomes: mutation.delete_link_(genomes, probability=1.0, generator=generator),
        lambda genomes: mutation.add_node_(genomes, probability=1.0, generator=generator),
        lambda genomes: mutation.delete_node_(genomes, probability=1.0, outputs=1, generator=generator),
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
            genomes = mutation.mutated(genomes, rates, outputs=outputs, generator=generator)
        return genomes.arrays(), generator.get_state()

    compiled, state = evolved()
    monkeypatch.setattr(mutation, "_change_compiled_", mutation.change_)
    with_torch, other_state = evolved()
    assert torch.equal(state, other_state)
    assert all(torch.equal(compiled[name], with_torch[name]) for name in with_torch)


def test_parents_are_left_alone(grey_population: CppnGenomes, generator: torch.Generator) -> None:
    before = {name: tensor.clone() for name, tensor in grey_population.arrays().items()}
    mutation.mutated(grey_population, CppnSettings(), outputs=1, generator=generator)
    after = grey_population.arrays()
    assert all(torch.equal(before[name], after[name]) for name in before)
