from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import neat.nn
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from fooling.encodings.colour import rgb_levels
from fooling.encodings.cppn import rendering
from fooling.encodings.cppn.encoding import CppnEncoding, input_values
from fooling.encodings.cppn.genome import INPUTS, CppnGenomes, initial_genomes
from fooling.encodings.settings import RELEASED, CppnSettings
from fooling.errors import FoolingError

Values = NDArray[np.float64]

FUNCTIONS: tuple[Callable[[Any], Any], ...] = (
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
            values[node] = FUNCTIONS[int(genomes.functions[row, node])](total)
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
                (node, FUNCTIONS[int(grey_population.functions[row, node])], sum, 0.0, 1.0, incoming[node])
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
