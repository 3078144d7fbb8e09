"""Scoring alone on a GPU: AlexNet judges one or ten crops of 400 pictures that lie there."""

from __future__ import annotations

import torch

from benchmarks.contestants.gpu_evolution import OFFSPRING
from benchmarks.interleaving import Contestant
from benchmarks.material import Material
from benchmarks.pictures import alexnet, noise
from benchmarks.unavailable import require_gpu


def contestant(material: Material, *, views: str) -> Contestant:
    """``Classifier.logits`` in ``float32``."""
    gpu = require_gpu()
    classifier, images = alexnet(gpu, views=views, chunk_size=OFFSPRING), noise(OFFSPRING, gpu)
    return Contestant(
        what=f"AlexNet alone on a GPU, {views}",
        work=lambda: classifier.logits(images),
        images=OFFSPRING,
        calls=2,
        wait=torch.cuda.synchronize,
    )
