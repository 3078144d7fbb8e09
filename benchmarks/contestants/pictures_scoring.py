"""Scoring alone, of pictures: AlexNet judges one centre crop of each."""

from __future__ import annotations

from benchmarks.interleaving import Contestant
from benchmarks.material import CPU, Material
from benchmarks.pictures import alexnet, noise


def contestant(material: Material) -> Contestant:
    """``Classifier.logits`` in ``float32``."""
    classifier, images = alexnet(CPU), noise(material.pictures, CPU)
    return Contestant(
        what="AlexNet alone, one crop", work=lambda: classifier.logits(images), images=len(images), calls=1
    )
