"""Whole generations of a run with the CPPN encoding: vary, render, score, archive."""

from __future__ import annotations

from benchmarks.interleaving import Contestant
from benchmarks.material import OFFSPRING, Material


def contestant(material: Material) -> Contestant:
    """A run as the study makes it, at the default settings."""
    run = material.evolved(material.cppn_encoding())
    return Contestant(what="evolution, CPPN encoding", work=run.advance, images=OFFSPRING, calls=5)
