"""Whole generations of the paper's ImageNet run on a GPU: CPPNs, 400 offspring, AlexNet, a thousand classes."""

from __future__ import annotations

import torch

from benchmarks.interleaving import Contestant
from benchmarks.material import UNLIMITED, Material
from benchmarks.pictures import alexnet, painter
from benchmarks.unavailable import require_gpu
from fooling.attacks.evolution.run import Run
from fooling.attacks.evolution.searches import MapElites
from fooling.attacks.settings import SearchSettings

OFFSPRING = 400


def contestant(material: Material, *, views: str) -> Contestant:
    """A run as the study makes it, past so many generations as the others."""
    gpu = require_gpu()
    search = MapElites(encoding=painter(gpu), generator=torch.Generator().manual_seed(1))
    settings = SearchSettings(start=OFFSPRING, offspring=OFFSPRING, generations=UNLIMITED)
    network = alexnet(gpu, views=views, chunk_size=OFFSPRING)
    run = Run(search=search, classifier=network, settings=settings, identity={})
    for _ in range(material.generations + 1):
        run.advance()
    return Contestant(
        what=f"evolution on a GPU, {views}", work=run.advance, images=OFFSPRING, calls=2, wait=torch.cuda.synchronize
    )
