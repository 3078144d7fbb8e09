"""Where a generation's time goes, by search: ``python -m benchmarks.shares``.

The searches take turns, generation by generation, in one process on one thread. Each part is timed in CPU time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from benchmarks.__main__ import ONE_THREAD
from benchmarks.material import OFFSPRING, Material, prepared
from fooling.attacks.evolution.searches import Drift, MapElites, RandomSearch, Search

PARTS = ("variation", "rendering", "network", "archive")
SEARCHES: tuple[type[Search[Any]], ...] = (MapElites, RandomSearch, Drift)


def shares(material: Material, *, rounds: int, warm_up: int) -> dict[str, dict[str, float]]:
    """Return the median CPU microseconds an image of each part, by search, at the default settings of CPPNs."""
    searches = [
        kind(encoding=material.cppn_encoding(), generator=torch.Generator().manual_seed(1)) for kind in SEARCHES
    ]
    seconds = np.array(
        [[_generation(each, material, generation) for each in searches] for generation in range(warm_up + rounds)]
    )
    medians = np.median(seconds[warm_up:], axis=0) / OFFSPRING * 1e6
    return {
        each.name: dict(zip(PARTS, map(float, parts), strict=True))
        for each, parts in zip(searches, medians, strict=True)
    }


@torch.inference_mode()
def _generation(search: Search[Any], material: Material, generation: int) -> list[float]:
    """Return the CPU seconds of each part of one generation."""
    times = [time.process_time()]
    genomes = search.ask(OFFSPRING, generation=generation)
    times.append(time.process_time())
    images = search.encoding.render(genomes)
    times.append(time.process_time())
    logits = material.classifier.logits(images)
    times.append(time.process_time())
    search.tell(genomes, images, logits, generation=generation)
    times.append(time.process_time())
    return [after - before for before, after in pairwise(times)]


def as_markdown(found: Mapping[str, Mapping[str, float]]) -> str:
    """Return the microseconds, with their shares of the generation, as a table."""
    lines = ["| search | " + " | ".join(PARTS) + " | sum |", "|---" * (len(PARTS) + 2) + "|"]
    for name, parts in found.items():
        whole = sum(parts.values())
        cells = [f"{each:.1f} ({each / whole:.1%})" for each in parts.values()]
        lines.append(f"| {name} | {' | '.join(cells)} | {whole:.1f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    os.environ.update(ONE_THREAD)
    torch.set_num_threads(1)
    print(as_markdown(shares(prepared(iterations=500, generations=0, genomes=OFFSPRING), rounds=200, warm_up=50)))
