"""All contestants in one interleaved run, and the figures that come of it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks import default_study, machine
from benchmarks.figures import FIGURES
from benchmarks.interleaving import Contestant, interleaved
from benchmarks.material import Material, prepared
from benchmarks.unavailable import UnavailableError
from fooling.messages import progress, say

#: Modules of ``benchmarks.contestants``, in the order of their turns; those compared stand close together. Some are
#: asked for a kind of their work, and are then known as module and kind.
CONTESTANTS: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("evolution_cppn", {}),
    ("scoring_plain", {}),
    ("scoring", {}),
    ("evolution_direct", {}),
    ("evolution_pyribs", {}),
    ("evolution_qdax", {}),
    ("rendering_neat_python", {}),
    ("rendering", {}),
    ("rendering_numpy", {}),
    ("pictures_rendering", {}),
    ("pictures_scoring", {}),
    *(
        ("network", {"network": network, "precision": precision})
        for network in ("lenet", "alexnet", "squeezenet")
        for precision in ("float32", "bfloat16")
    ),
    ("evolution_precision", {"precision": "float32"}),
    ("evolution_precision", {"precision": "screened"}),
    ("gpu_evolution", {"views": "centre"}),
    ("gpu_scoring", {"views": "centre"}),
    ("gpu_evolution", {"views": "ten"}),
    ("gpu_scoring", {"views": "ten"}),
)


@dataclass(frozen=True, kw_only=True)
class Length:
    """How long a benchmark takes."""

    iterations: int
    """Of the network's training."""
    generations: int
    """Evolved before the clock starts."""
    genomes: int
    """Rendered at a time."""
    rounds: int
    warm_up: int


#: 400 genomes are a generation of the paper's ImageNet runs.
FULL = Length(iterations=500, generations=50, genomes=400, rounds=30, warm_up=2)
QUICK = Length(iterations=20, generations=2, genomes=20, rounds=2, warm_up=0)


def measured(length: Length) -> dict[str, Any]:
    """Every figure by its key, the ``machine``, and the length of the run, as JSON values."""
    described = machine.described()
    say("training the network and evolving the runs that are timed")
    material = prepared(iterations=length.iterations, generations=length.generations, genomes=length.genomes)
    contestants, absent = entered(material)
    with progress(total=length.warm_up + length.rounds, description="benchmark", unit="rounds") as counter:
        seconds = interleaved(
            contestants, rounds=length.rounds, warm_up=length.warm_up, after_round=lambda: counter.advance()
        )
    figures = {}
    for figure in FIGURES:
        missing = [absent[key] for key in figure.contestants if key in absent]
        figures[figure.key] = figure.not_measured(missing[0]) if missing else figure.measured(contestants, seconds)
    return {"machine": described, **figures, default_study.KEY: default_study.measured()}


def entered(material: Material) -> tuple[dict[str, Contestant], dict[str, str]]:
    """The contestants that can take part, and why the others cannot."""
    contestants, absent = {}, {}
    for module, kind in CONTESTANTS:
        key = "_".join([module, *kind.values()])
        try:
            contestants[key] = importlib.import_module(f"benchmarks.contestants.{module}").contestant(material, **kind)
        except UnavailableError as error:
            absent[key] = str(error)
        except ModuleNotFoundError as error:
            absent[key] = f"{error.name} is not installed: pip install -c constraints.txt -e .[bench]"
    return contestants, absent
