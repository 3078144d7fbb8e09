"""Render a batch of CPPN genomes on a CPU, by the machine code of :mod:`fooling.encodings.cppn.compiled`."""

from __future__ import annotations

import numpy as np
import torch

from fooling.encodings.cppn import compiled
from fooling.encodings.cppn.compilation import machine_code
from fooling.encodings.cppn.functions import GREY, HLS, HSV
from fooling.encodings.cppn.genome import CppnGenomes
from fooling.encodings.settings import CppnSettings
from fooling.errors import FoolingError

#: Pixels of each half of a band, so that the values of all nodes of a usual genome fit into the second-level cache.
BAND_PIXELS = 2048

_COLOURS = {"hsv": HSV, "hls": HLS}


class CompiledRenderer:
    """Render genomes one after the other, on the calling thread."""

    def __init__(self, settings: CppnSettings, inputs: torch.Tensor) -> None:
        """Prepare images at the pixels of ``inputs`` (INPUTS, H, W), whose distance is symmetric."""
        self._render = machine_code(compiled)
        self._colour = _COLOURS[settings.colour]
        x, y, distance, _ = inputs.numpy()
        height, width = x.shape
        quarter = distance[: (height + 1) // 2, : (width + 1) // 2]
        self._grid = x[0].copy(), y[:, 0].copy(), quarter.copy()
        self._bound = np.float32(settings.weight_bound)
        self._band = max(BAND_PIXELS // width, 1)

    def render(self, genomes: CppnGenomes, images: torch.Tensor) -> None:
        """Fill ``images``, uint8 (B, C, H * W); raise :class:`FoolingError` for a genome with a cycle."""
        colour = GREY if images.shape[1] == 1 else self._colour
        if self._render(*genomes.in_numpy(), *self._grid, self._bound, colour, self._band, images.numpy()) >= 0:
            raise FoolingError("a CPPN has a cycle", found="a node that is its own source")
