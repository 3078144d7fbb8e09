"""The CPPN encoding: genomes are small networks that compute every pixel from its position (paper, section 2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

import torch
from numpy.typing import NDArray

from fooling.encodings.cppn.genome import FUNCTIONS, INPUTS, SCHEMA, CppnGenomes, initial_genomes
from fooling.encodings.cppn.mutation import mutated
from fooling.encodings.cppn.rendering import CompiledRenderer, PlannedRenderer
from fooling.encodings.encoding import ImageShape
from fooling.encodings.settings import CppnSettings
from fooling.schemas import require_range


class CppnEncoding:
    """Create, vary and render CPPN genomes for images of one shape on one device."""

    recombines = False
    versions: ClassVar[Mapping[str, str]] = {"cppn renderer": "2"}  # 1, without an entry: torch's functions on CPUs too
    schema = SCHEMA

    def __init__(self, *, settings: CppnSettings, image_shape: ImageShape, device: torch.device | str = "cpu") -> None:
        self.settings = settings
        self.image_shape = image_shape
        self.device = torch.device(device)

    @cached_property
    def _renderer(self) -> CompiledRenderer | PlannedRenderer:
        """The renderer of this device, prepared when it is needed."""
        inputs = input_values(self.image_shape, self.settings.coordinates)
        if self.device.type == "cpu":
            return CompiledRenderer(self.settings, inputs.view(INPUTS, *self.image_shape[1:]))
        return PlannedRenderer(self.settings, inputs.to(self.device))

    def random(self, count: int, generator: torch.Generator) -> CppnGenomes:
        """Return ``count`` genomes without hidden nodes."""
        return initial_genomes(count, outputs=self.image_shape[0], generator=generator)

    @torch.inference_mode()
    def vary(self, parents: CppnGenomes, generation: int, generator: torch.Generator) -> CppnGenomes:
        """Return the mutated copies of ``parents``, row for row; the same in every ``generation``."""
        return mutated(parents, self.settings, outputs=self.image_shape[0], generator=generator)

    @torch.inference_mode()
    def render(self, genomes: CppnGenomes) -> torch.Tensor:
        """Return the images uint8 ``(B, C, H, W)``: a grey level is the absolute output times 255, truncated."""
        channels, height, width = self.image_shape
        images = torch.empty(len(genomes), channels, height * width, dtype=torch.uint8, device=self.device)
        if len(genomes):
            self._renderer.render(genomes, images)
        return images.view(-1, channels, height, width)

    def require_sound(self, arrays: Mapping[str, NDArray[Any]], *, source: object) -> None:
        """Raise :class:`FoolingError`, naming the ``source``, for a node or a link that does not exist."""
        (nodes, links), fewest = (arrays[name].shape[1] for name in ("functions", "sources")), self.image_shape[0]
        ends = (0, nodes - 1)
        bounds = {
            "functions": (0, FUNCTIONS - 1),
            "node_counts": (fewest + INPUTS, nodes),
            "sources": ends,
            "targets": ends,
            "weights": (0, 1),
            "link_counts": (0, links),
        }
        for name, (least, most) in bounds.items():
            require_range(name, arrays[name], least=least, most=most, source=source)

    def genomes_from(self, arrays: Mapping[str, torch.Tensor]) -> CppnGenomes:
        """Return the genomes in named tensors of ``arrays()``, on the device of this encoding."""
        return CppnGenomes.from_arrays(arrays).to(self.device)


def input_values(image_shape: ImageShape, coordinates: str) -> torch.Tensor:
    """Return the four inputs at every pixel, float32 (INPUTS, H * W): x, y, distance from the centre, bias 1.

    x and y run over [-1, 1] or count pixels; the distance is always that on the [-1, 1] grid, as in the released code.
    """
    _, height, width = image_shape
    unit_y, unit_x = torch.meshgrid(_unit_axis(height), _unit_axis(width), indexing="ij")
    distance = (unit_x.double().square() + unit_y.double().square()).sqrt().float()  # equal on all processors
    x, y = unit_x, unit_y
    if coordinates == "pixels":
        y, x = torch.meshgrid(torch.arange(height).float(), torch.arange(width).float(), indexing="ij")
    return torch.stack((x, y, distance, torch.ones_like(distance))).flatten(1)


def _unit_axis(length: int) -> torch.Tensor:
    """Return ``length`` evenly spaced points from -1 to 1; a single one is 0."""
    return (2 * torch.arange(length) - (length - 1)) / max(length - 1, 1)
