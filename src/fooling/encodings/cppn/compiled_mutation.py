"""Compiled code that changes the nodes and links of CPPN genomes, one genome after the other.

It makes the same changes as the operators of :mod:`fooling.encodings.cppn.encoding`, from the same random numbers, with
the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from fooling.encodings.cppn.functions import inlined
from fooling.encodings.cppn.genome import FUNCTIONS, INPUTS

F = np.float32


@inlined
def _picked(draw: Any, count: int) -> int:
    """Return one of ``count`` numbers from 0 on, all equally likely."""
    return int(draw * F(count))


@inlined
def _target(
    sources: Any, targets: Any, links: int, nodes: int, source: int, draw: Any, outputs: int, marked: Any
) -> int:
    """Return a random node that may be the target of a link from ``source``: no input and no ancestor of it."""
    for node in range(nodes):
        marked[node] = node == source or outputs <= node < outputs + INPUTS
    changes = True
    while changes:
        changes = False
        for link in range(links):
            if marked[targets[link]] and not marked[sources[link]] and not outputs <= targets[link] < outputs + INPUTS:
                marked[sources[link]] = changes = True
    allowed = 0
    for node in range(nodes):
        allowed += not marked[node]
    left = _picked(draw, allowed)
    node = 0
    while marked[node] or left > 0:
        left -= not marked[node]
        node += 1
    return node


@inlined
def _without_node(sources: Any, targets: Any, weights: Any, links: int, node: int, last: int) -> int:
    """Drop the links of ``node``, let those of ``last`` name its slot, and return how many links are left."""
    left = 0
    for link in range(links):
        source, target = sources[link], targets[link]
        if source != node and target != node:
            sources[left] = node if source == last else source
            targets[left] = node if target == last else target
            weights[left] = weights[link]
            left += 1
    return left


_ints, _numbers = types.int64[:, ::1], types.float32[:, ::1]

#: How :func:`change` is compiled.
OPTIONS = {"error_model": "numpy", "nogil": True}
#: Types of the arguments and of the result of :func:`change`.
SIGNATURE = types.void(
    *(_ints, _ints, _ints, _ints, _numbers, _ints),
    *(types.float32[:, :, ::1], _numbers, types.float32[::1], types.int64),
)


def change(
    functions: Any,
    node_counts: Any,
    sources: Any,
    targets: Any,
    weights: Any,
    link_counts: Any,
    function_draws: Any,
    draws: Any,
    rates: Any,
    outputs: int,
) -> None:
    """Change B genomes in place, which have room for one more node and two more links.

    ``function_draws`` (2, B, N) and ``draws`` (11, B) are uniform numbers in [0, 1), in the order in which the
    operators use them; ``rates`` (5,) are the probabilities of a new function, an added and a deleted link and node.
    """
    marked = np.empty(functions.shape[1], np.bool_)
    visible = outputs + INPUTS
    for row in range(len(functions)):
        nodes, links = node_counts[row, 0], link_counts[row, 0]
        starts, ends, genes, names = sources[row], targets[row], weights[row], functions[row]
        for node in range(nodes):
            if function_draws[0, row, node] < rates[0]:
                names[node] = int(function_draws[1, row, node] * F(FUNCTIONS))
        if draws[0, row] < rates[1]:
            starts[links] = _picked(draws[1, row], nodes - outputs) + outputs
            ends[links] = _target(starts, ends, links, nodes, starts[links], draws[2, row], outputs, marked)
            genes[links] = draws[3, row]
            links += 1
        if draws[4, row] < rates[2] and links > 0:
            link = _picked(draws[5, row], links)
            links -= 1
            starts[link], ends[link], genes[link] = starts[links], ends[links], genes[links]
        if draws[6, row] < rates[3] and links > 0:
            link = _picked(draws[7, row], links)
            names[nodes] = int(draws[8, row] * F(FUNCTIONS))
            starts[links], ends[links], genes[links] = nodes, ends[link], genes[link]
            ends[link] = nodes
            nodes += 1
            links += 1
        if draws[9, row] < rates[4] and nodes > visible:
            node = _picked(draws[10, row], nodes - visible) + visible
            nodes -= 1
            names[node] = names[nodes]
            links = _without_node(starts, ends, genes, links, node, nodes)
        node_counts[row, 0], link_counts[row, 0] = nodes, links


ENTRY = change
