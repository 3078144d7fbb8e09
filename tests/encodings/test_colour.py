from __future__ import annotations

import colorsys

import pytest
import torch

from fooling.encodings.colour import levels_of, rgb_levels


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
