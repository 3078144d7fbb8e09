"""One genome at a time in numpy: every node computes all pixels at once.

Like the product's renderer it leaves out nodes that reach no output, and finds the order of the others itself. It
works in place where it can, and takes the fastest of the forms of each function that numpy offers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.graphs import Graph, graphs_of, require_same_images
from benchmarks.interleaving import Contestant
from benchmarks.material import Material
from fooling.encodings.cppn.encoding import input_values

Values = NDArray[np.float32]


def painted(graph: Graph, inputs: Values) -> NDArray[np.uint8]:
    """The levels (C, P) at the P pixels of ``inputs`` (4, P)."""
    values: list[Values] = [inputs[0]] * len(graph.functions)
    for node, value in zip(graph.inputs, inputs, strict=True):
        values[node] = value
    product = np.empty_like(inputs[0])
    for node in graph.in_order():
        total = np.zeros_like(product)
        for source, weight in graph.incoming[node]:
            np.multiply(values[source], weight, out=product)
            total += product
        values[node] = FUNCTIONS[graph.functions[node]](total)
    return (np.abs(values[: graph.outputs]) * 255).astype(np.uint8)


def sine(values: Values) -> Values:
    """The sine."""
    return np.sin(values, out=values)


def sigmoid(values: Values) -> Values:
    """The sigmoid from -1 to 1, which is tanh of the half."""
    values *= 0.5
    return np.tanh(values, out=values)


def gaussian(values: Values) -> Values:
    """The Gaussian of height 1."""
    values *= values
    return np.exp(np.negative(values, out=values), out=values)


def linear(values: Values) -> Values:
    """Linear between -3 and 3."""
    np.maximum(values, -3, out=values)
    np.minimum(values, 3, out=values)
    values /= 3
    return values


FUNCTIONS: tuple[Callable[[Values], Values], ...] = (sine, sigmoid, gaussian, linear)


def contestant(material: Material) -> Contestant:
    """The images of the same genomes, one by one."""
    encoding = material.cppn_encoding()
    graphs = graphs_of(material.cppn_genomes, encoding)
    inputs = input_values(encoding.image_shape, encoding.settings.coordinates).numpy()

    def work() -> list[NDArray[np.uint8]]:
        return [painted(graph, inputs) for graph in graphs]

    require_same_images(work(), encoding.render(material.cppn_genomes))
    return Contestant(what="numpy, one genome at a time", work=work, images=len(graphs), calls=1)
