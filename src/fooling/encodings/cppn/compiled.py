"""Compiled code that renders CPPNs on a CPU: one genome after the other, each node once for all pixels.

It does little work for each image, in four ways:

- Only nodes that reach an output are computed, each after its sources (depth first).
- A node is computed on the smallest grid that determines it. One that depends on x alone takes one row; one that does
  not depend on y is the same in mirrored rows and takes half of them; so do columns without x. A node of the distance
  alone takes a quarter of the image, a constant node one pixel.
- Large images are rendered in bands, pairs of mirrored groups of rows, so that all values stay in the cache.
- All arithmetic is on vectors of LANES numbers (:mod:`fooling.encodings.cppn.functions`).

The bits of an image depend on its genome and the settings alone, not on the processor: sums are chains of fused
multiply-adds in the order of the links, constant sources first, and each function has one definition
(:mod:`fooling.encodings.cppn.functions`).
:mod:`fooling.encodings.cppn.compilation` compiles this module and keeps its machine code.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from fooling.encodings.cppn.functions import LANES, apply, copy, fma, inlined, load, paint, reverse, splat, store
from fooling.encodings.cppn.genome import INPUTS

F = np.float32


@inlined
def _order_nodes(
    outputs: int, first: Any, source: Any, visited: Any, tall: Any, wide: Any, order: Any, stack: Any
) -> int:
    """List the nodes that the outputs need in ``order``, each after its sources, and return their number; -1: a cycle.

    The sources of node n are ``source[first[n]:first[n + 1]]``. ``visited`` holds the links followed so far of each
    node, -1 before the first. ``tall`` and ``wide`` become the size of its grid: 0 (one row or column), 1 (half of
    them) or 2 (all).
    """
    live = 0
    for output in range(outputs):
        depth = -1
        if visited[output] < 0:
            depth, stack[0], visited[output] = 0, output, 0
        while depth >= 0:
            node = stack[depth]
            link = first[node] + visited[node]
            if link == first[node + 1]:
                order[live] = node
                live += 1
                depth -= 1
                visited[node] += 1  # done
                continue
            into = source[link]
            if visited[into] < 0:
                depth += 1
                stack[depth], visited[into] = into, 0
            elif visited[into] <= first[into + 1] - first[into]:
                return -1
            else:
                visited[node] += 1
                tall[node], wide[node] = max(tall[node], tall[into]), max(wide[node], wide[into])
    return live


@inlined
def _expand(values: Any, start: int, rows: int, columns: int, to: int, height: int, width: int) -> None:
    """Repeat or mirror the grid at ``start`` to ``height`` x ``width`` at ``to``; stores may end up to LANES later."""
    for y in range(height):
        row = start + (0 if rows == 1 else y if y < rows else height - 1 - y) * columns
        out = to + y * width
        if columns == 1:
            for x in range(0, width, LANES):
                store(values, out + x, splat(values[row]))
        else:
            for x in range(0, columns, LANES):
                store(values, out + x, load(values, row + x))
            for x in range(columns, width, LANES):
                store(values, out + x, reverse(load(values, row + width - x - LANES)))


@inlined
def _sum(values: Any, start: int, end: int, constant: Any, places: Any, weights: Any, count: int) -> None:
    """Write the ``constant`` plus the weighted sum of ``count`` grids at ``places``."""
    sums = splat(constant)
    if count == 0:
        for at in range(start, end, LANES):
            store(values, at, sums)
    else:
        shift, weight = places[0] - start, splat(weights[0])
        for at in range(start, end, LANES):
            store(values, at, fma(weight, load(values, at + shift), sums))
    for index in range(1, count):
        shift, weight = places[index] - start, splat(weights[index])
        for at in range(start, end, LANES):
            store(values, at, fma(weight, load(values, at + shift), load(values, at)))


@inlined
def _list_links(
    genome: int,
    sources: Any,
    targets: Any,
    genes: Any,
    links: int,
    bound: Any,
    nodes: int,
    first: Any,
    into: Any,
    weight: Any,
) -> None:
    """Sort the links of a genome by their targets, in order: those into node n are ``first[n]`` to ``first[n + 1]``.

    ``first`` has room for two numbers more than nodes, of which the last one is free.
    """
    for node in range(nodes + 2):
        first[node] = 0
    for link in range(links):
        first[targets[genome, link] + 2] += 1
    for node in range(2, nodes + 2):
        first[node] += first[node - 1]
    for link in range(links):
        node = targets[genome, link] + 1
        place = first[node]
        first[node] += 1
        into[place] = sources[genome, link]
        weight[place] = (genes[genome, link] - F(0.5)) * (F(2) * bound)


@inlined
def _place_inputs(values: Any, at: int, x: Any, y: Any, distance: Any, band: int) -> Any:
    """Write x, y, the distance and the bias from ``at`` on, those of each band together, and return their places."""
    height, width = len(y), len(x)
    at_y = at + width + LANES
    at_distance = at_y + height + LANES
    at_bias = at_distance + distance.size + LANES
    for column in range(width):
        values[at + column] = x[column]
    for row in range(height):
        top = min(row, height - 1 - row) // band * band
        both = min(2 * band, height - 2 * top)
        values[at_y + (top + row if row < top + band else 3 * top + both - height + row)] = y[row]
    for row in range(len(distance)):
        for column in range(distance.shape[1]):
            values[at_distance + row * distance.shape[1] + column] = distance[row, column]
    values[at_bias] = 1
    return at, at_y, at_distance, at_bias


@inlined
def _compute(
    node: int,
    function: int,
    first: Any,
    source: Any,
    weight: Any,
    tall: Any,
    wide: Any,
    heights: Any,
    widths: Any,
    values: Any,
    start: Any,
    scratch: int,
    slot: int,
    places: Any,
    weights: Any,
) -> None:
    """Compute the values of a ``node`` on its grid, from ``start[node]`` on, from those of its sources."""
    height, width = heights[tall[node]], widths[wide[node]]
    constant, count = F(0), 0
    for link in range(first[node], first[node + 1]):
        into = source[link]
        place = start[into]
        if tall[into] + wide[into] == 0:
            constant += weight[link] * values[place]
            continue
        if tall[into] != tall[node] or wide[into] != wide[node]:
            _expand(values, place, heights[tall[into]], widths[wide[into]], scratch, height, width)
            place = scratch
            scratch += slot
        places[count], weights[count] = place, weight[link]
        count += 1
    end = start[node] + height * width
    _sum(values, start[node], end, constant, places, weights, count)
    apply(function, values, start[node], end)


_ints, _floats = types.int64[:, ::1], types.float32[:, ::1]

#: How :func:`render` is compiled.
OPTIONS = {"error_model": "numpy", "nogil": True}
#: Types of the arguments and of the result of :func:`render`.
SIGNATURE = types.int64(
    *(_ints, _ints, _ints, _ints, _floats, _ints),
    *(types.float32[::1], types.float32[::1], _floats),
    *(types.float32, types.int64, types.int64),
    types.uint8[:, :, ::1],
)


def render(
    functions: Any,
    node_counts: Any,
    sources: Any,
    targets: Any,
    genes: Any,
    link_counts: Any,
    x: Any,
    y: Any,
    distance: Any,
    bound: float,
    colour: int,
    band: int,
    images: Any,
) -> int:
    """Render B genomes into ``images``, uint8 (B, C, H * W), and return -1, or the first genome that has a cycle.

    The arrays of genes are those of CppnGenomes. ``x`` (W,), ``y`` (H,) and ``distance`` (ceil(H / 2), ceil(W / 2)) are
    the inputs, ``bound`` is that of the weights; a ``band`` has at most this number of rows in each half of the image.
    """
    outputs, width, height = images.shape[1], len(x), len(y)
    nodes, links, half = functions.shape[1], sources.shape[1], len(distance)
    band = min(band, half)
    slot = (2 * band * width // LANES + 2) * LANES
    inputs = LANES + nodes * slot
    scratch = inputs + width + height + distance.size + 6 * LANES
    values = np.zeros(scratch + (links + outputs) * slot, np.float32)
    levels, flat = np.empty(outputs * slot, np.uint8), images.ravel()
    heights, widths = np.array([1, 0, 0]), np.array([1, distance.shape[1], width])
    first, source, weight = np.empty(nodes + 2, np.int64), np.empty(links, np.int64), np.empty(links, np.float32)
    tall, wide, order = np.empty(nodes, np.int64), np.empty(nodes, np.int64), np.empty(nodes, np.int64)
    visited, stack = np.empty(nodes, np.int64), np.empty(nodes, np.int64)
    places, weights = np.empty(links + outputs, np.int64), np.empty(links, np.float32)
    start = LANES + slot * np.arange(nodes)
    at_x, at_y, at_distance, at_bias = _place_inputs(values, inputs, x, y, distance, band)
    start[outputs], start[outputs + 3] = at_x, at_bias
    for genome in range(len(images)):
        count = node_counts[genome, 0]
        _list_links(genome, sources, targets, genes, link_counts[genome, 0], bound, count, first, source, weight)
        for node in range(count):
            visited[node] = links + 1 if outputs <= node < outputs + INPUTS else -1
            tall[node] = wide[node] = 0
        wide[outputs], tall[outputs + 1], tall[outputs + 2], wide[outputs + 2] = 2, 2, 1, 1
        live = _order_nodes(outputs, first, source, visited, tall, wide, order, stack)
        if live < 0:
            return genome
        for top in range(0, half, band):
            rows = min(band, half - top)
            both = min(2 * rows, height - 2 * top)
            heights[1], heights[2] = rows, both
            start[outputs + 1], start[outputs + 2] = at_y + 2 * top, at_distance + top * widths[1]
            for index in range(live):
                node = order[index]
                if top == 0 or tall[node] > 0:
                    _compute(
                        node,
                        functions[genome, node],
                        first,
                        source,
                        weight,
                        tall,
                        wide,
                        heights,
                        widths,
                        values,
                        start,
                        scratch,
                        slot,
                        places,
                        weights,
                    )
            for output in range(outputs):
                places[output] = start[output]
                if tall[output] < 2 or wide[output] < 2:
                    places[output] = scratch + output * slot
                    tile = heights[tall[output]], widths[wide[output]]
                    _expand(values, start[output], tile[0], tile[1], places[output], both, width)
            paint(values, places, both * width, colour, levels)
            for output in range(outputs):
                level, upper, lower = output * (both * width + LANES), rows * width, (both - rows) * width
                image = (genome * outputs + output) * height * width
                copy(levels, level, flat, image + top * width, upper)
                copy(levels, level + upper, flat, image + (height - top) * width - lower, lower)
    return -1


ENTRY = render
