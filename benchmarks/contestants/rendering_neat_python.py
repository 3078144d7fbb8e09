"""neat-python: every genome becomes its FeedForwardNetwork, activated pixel by pixel."""

from __future__ import annotations

# mypy: disable-error-code="import-untyped, import-not-found"
import math
from collections.abc import Callable, Sequence

import numpy as np
from neat.nn import FeedForwardNetwork
from numpy.typing import NDArray

from benchmarks.graphs import Graph, graphs_of, require_same_images
from benchmarks.interleaving import Contestant
from benchmarks.material import Material
from fooling.encodings.cppn.encoding import input_values

#: In the order of the genomes' functions: sine, sigmoid, Gaussian, linear.
FUNCTIONS: tuple[Callable[[float], float], ...] = (
    math.sin,
    lambda x: math.tanh(x / 2),
    lambda x: math.exp(-x * x),
    lambda x: max(-3.0, min(3.0, x)) / 3,
)


def painted(graph: Graph, pixels: Sequence[Sequence[float]]) -> NDArray[np.uint8]:
    """The levels (C, P) at P ``pixels``, each of which has four inputs."""
    evaluations = [
        (node, FUNCTIONS[graph.functions[node]], sum, 0.0, 1.0, graph.incoming[node]) for node in graph.in_order()
    ]
    network = FeedForwardNetwork(list(graph.inputs), list(range(graph.outputs)), evaluations)
    values = np.array([network.activate(pixel) for pixel in pixels], dtype=np.float64)
    levels: NDArray[np.uint8] = (np.abs(values.T) * 255).astype(np.uint8)
    return levels


def contestant(material: Material) -> Contestant:
    """The images of the same genomes, one by one."""
    encoding = material.cppn_encoding()
    graphs = graphs_of(material.cppn_genomes, encoding)
    pixels = input_values(encoding.image_shape, encoding.settings.coordinates).numpy().T.tolist()

    def work() -> list[NDArray[np.uint8]]:
        return [painted(graph, pixels) for graph in graphs]

    require_same_images(work(), encoding.render(material.cppn_genomes))
    return Contestant(what="neat-python, pixel by pixel", work=work, images=len(graphs), calls=1)
