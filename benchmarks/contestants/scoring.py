"""Scoring alone: the classifier judges the images of one generation."""

from __future__ import annotations

import torch

from benchmarks.interleaving import Contestant
from benchmarks.material import OFFSPRING, Material


def contestant(material: Material) -> Contestant:
    """``Classifier.logits`` on uint8 images."""
    shape = (OFFSPRING, *material.classifier.input_shape)
    images = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    return Contestant(what="scoring alone", work=lambda: material.classifier.logits(images), images=OFFSPRING, calls=5)
