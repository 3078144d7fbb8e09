"""CPPN genomes one at a time, as plain Python: what a renderer that knows no batches works on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from fooling.encodings.cppn.encoding import CppnEncoding
from fooling.encodings.cppn.genome import INPUTS, CppnGenomes


@dataclass(frozen=True, kw_only=True)
class Graph:
    """One genome; its nodes are numbers, the outputs first, then the inputs, then hidden ones."""

    outputs: int
    functions: Sequence[int]
    """Of every node: 0 sine, 1 sigmoid, 2 Gaussian, 3 linear; that of an input means nothing."""
    incoming: Sequence[Sequence[tuple[int, float]]]
    """Of every node: the node each of its links comes from, and the link's weight."""

    @property
    def inputs(self) -> range:
        """The input nodes x, y, distance, bias."""
        return range(self.outputs, self.outputs + INPUTS)

    def in_order(self) -> list[int]:
        """The nodes that reach an output, but for the inputs, each after all it depends on."""
        order: list[int] = []
        seen = set(self.inputs)

        def visit(node: int) -> None:
            seen.add(node)
            for source, _ in self.incoming[node]:
                if source not in seen:
                    visit(source)
            order.append(node)

        for output in range(self.outputs):
            if output not in seen:
                visit(output)
        return order


def graphs_of(genomes: CppnGenomes, encoding: CppnEncoding) -> list[Graph]:
    """The genomes of a batch of ``encoding``, one by one."""
    columns = [genomes.node_counts, genomes.link_counts, genomes.functions, genomes.sources, genomes.targets]
    bound = encoding.settings.weight_bound
    weights = genomes.weights.mul(2).sub(1).mul(bound)
    graphs = []
    for (nodes,), (links,), functions, sources, targets, factors in zip(
        *(column.tolist() for column in (*columns, weights)), strict=True
    ):
        incoming: list[list[tuple[int, float]]] = [[] for _ in range(nodes)]
        for source, target, weight in zip(sources[:links], targets[:links], factors[:links], strict=True):
            incoming[target].append((source, weight))
        graphs.append(Graph(outputs=encoding.image_shape[0], functions=functions[:nodes], incoming=incoming))
    return graphs


def require_same_images(found: Sequence[NDArray[np.uint8]], expected: torch.Tensor) -> None:
    """Raise AssertionError unless both are the same images (B, C, H, W), flattened in ``found``.

    A steep network turns a rounding error into another level now and then: one pixel in a thousand may be off by more
    than one.
    """
    differences = np.abs(np.stack(found).astype(int) - expected.flatten(2).numpy())
    assert np.mean(differences > 1) < 1e-3, "these renderers do not paint the same images"
