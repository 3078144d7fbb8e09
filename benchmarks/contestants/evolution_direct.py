"""Whole generations of a run with the direct encoding: vary, render, score, archive."""

from __future__ import annotations

from benchmarks.interleaving import Contestant
from benchmarks.material import CPU, OFFSPRING, Material
from fooling.encodings.direct import DirectEncoding
from fooling.encodings.settings import DirectSettings


def contestant(material: Material) -> Contestant:
    """A run as the study makes it, at the default settings."""
    shape = material.classifier.input_shape
    run = material.evolved(DirectEncoding(settings=DirectSettings(), image_shape=shape, device=CPU))
    return Contestant(what="evolution, direct encoding", work=run.advance, images=OFFSPRING, calls=5)
