from __future__ import annotations

import pytest
import torch

from fooling.encodings.cppn import rendering
from fooling.encodings.cppn.encoding import CppnEncoding, input_values
from fooling.encodings.cppn.genome import INPUTS, CppnGenomes
from fooling.encodings.cppn.rendering import PlannedRenderer, argument_scales, plan_for
from fooling.encodings.settings import CppnSettings
from fooling.messages import FoolingError


def planned(genomes: CppnGenomes, shape: tuple[int, int, int], settings: CppnSettings) -> torch.Tensor:
    """The images of the renderer for GPUs, on the CPU."""
    channels, height, width = shape
    images = torch.empty(len(genomes), channels, height * width, dtype=torch.uint8)
    PlannedRenderer(settings, input_values(shape, settings.coordinates)).render(genomes, images)
    return images.view(-1, *shape)


def compiled(genomes: CppnGenomes, shape: tuple[int, int, int], settings: CppnSettings) -> torch.Tensor:
    return CppnEncoding(settings=settings, image_shape=shape).render(genomes)


@pytest.mark.parametrize("coordinates", ["unit", "pixels"])
@pytest.mark.parametrize("size", [(28, 28), (27, 30)])
def test_grey_images_are_those_of_the_compiled_renderer(
    coordinates: str, size: tuple[int, int], grey_population: CppnGenomes
) -> None:
    settings = CppnSettings.model_validate({"coordinates": coordinates})
    renderings = [render(grey_population, (1, *size), settings).int() for render in (planned, compiled)]
    difference = (renderings[0] - renderings[1]).abs()
    assert int(difference.max()) <= 1
    assert float((difference > 0).float().mean()) < 0.005


@pytest.mark.parametrize("colour", ["hsv", "hls"])
def test_colour_images_are_those_of_the_compiled_renderer(colour: str, colour_population: CppnGenomes) -> None:
    settings = CppnSettings.model_validate({"colour": colour})
    renderings = [render(colour_population, (3, 20, 30), settings).int() for render in (planned, compiled)]
    difference = (renderings[0] - renderings[1]).abs()
    # hls takes whole components: where one differs by a level, so does the hue, by up to 6 levels of a channel.
    assert int(difference.max()) <= (1 if colour == "hsv" else 12)
    assert float((difference > 1).float().mean()) < 0.001


def test_large_images_are_painted_block_by_block(
    colour_population: CppnGenomes, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = planned(colour_population, (3, 20, 30), CppnSettings()).int()
    monkeypatch.setattr(rendering, "BUFFER_SIZE", 100_000)
    blocks = planned(colour_population, (3, 20, 30), CppnSettings()).int()
    assert float(((whole - blocks).abs() > 1).float().mean()) < 0.001


def test_a_cycle_of_nodes_is_refused() -> None:
    outputs, first = 1, 1 + INPUTS
    genomes = CppnGenomes(
        functions=torch.zeros(1, first + 2, dtype=torch.int64),
        node_counts=torch.tensor([[first + 2]]),
        sources=torch.tensor([[first, first + 1, first]]),
        targets=torch.tensor([[0, first, first + 1]]),
        weights=torch.ones(1, 3),
        link_counts=torch.tensor([[3]]),
    )
    with pytest.raises(FoolingError, match="has a cycle"):
        plan_for(genomes, outputs=outputs, scales=argument_scales(1.0))
