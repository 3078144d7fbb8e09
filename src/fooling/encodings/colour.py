"""Convert hue, saturation and value (or hue, lightness and saturation) to the RGB levels of an image."""

from __future__ import annotations

import torch

from fooling.encodings.settings import Colour

#: Components converted at a time, by kind of device: on a CPU few enough to stay in its cache.
_CHUNK_SIZES = {"cpu": 2**18, "cuda": 2**28}

# For each channel the centre of its loss of saturation on the circle of six hue sectors, and whether it is least there.
_CHANNELS = ((3.0, False), (2.0, True), (4.0, True))


def levels_of(values: torch.Tensor) -> torch.Tensor:
    """Truncate non-negative floats below 256 to uint8; via int32, which is faster than directly."""
    return values.to(torch.int32).to(torch.uint8)


def rgb_levels(components: torch.Tensor, colour: Colour) -> torch.Tensor:
    """Convert colour components ``(B, 3, ...)`` from 0 to 255, uint8 or float32, to RGB images uint8 ``(B, 3, ...)``.

    The letters of ``colour`` give the order of the components. Each level is the nearest to the exact value.
    """
    images = torch.empty(components.shape, dtype=torch.uint8, device=components.device)
    step = max(_CHUNK_SIZES[components.device.type] // max(components.shape[1:].numel(), 1), 1)
    for first in range(0, len(components), step):
        images[first : first + step] = _rgb_levels(components[first : first + step].float(), colour)
    return images


def _rgb_levels(components: torch.Tensor, colour: Colour) -> torch.Tensor:
    hue, top, chroma = _from_hsv(components) if colour == "hsv" else _from_hls(components)
    rgb = torch.empty_like(components)
    for channel, (centre, least) in enumerate(_CHANNELS):
        loss = _saturation_loss(hue, centre=centre, least=least)
        torch.addcmul(top, chroma, loss, value=-1, out=rgb[:, channel])
    return levels_of(rgb.add_(0.5))


def _from_hsv(components: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return hue in sectors (0 to 6), the highest channel's level and the range of the levels."""
    hue, saturation, value = components.unbind(1)
    return hue * (6 / 255), value, value * saturation / 255


def _from_hls(components: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the same as for HSV; OpenCV's 8-bit hue counts steps of 2 degrees, so that 255 is 1.42 turns."""
    hue, lightness, saturation = components.floor().unbind(1)
    sectors = hue / 30
    sectors -= 6 * (sectors >= 6)
    chroma = (255 - (2 * lightness - 255).abs_()) * saturation / 255
    return sectors, lightness + chroma / 2, chroma


def _saturation_loss(hue: torch.Tensor, *, centre: float, least: bool) -> torch.Tensor:
    """Return the share (0 to 1) of the chroma that a channel lacks: a trapezium over the hue, without modulo."""
    distance = (hue - centre).abs_()
    return (distance.sub_(1) if least else distance.neg_().add_(2)).clamp_(0, 1)
