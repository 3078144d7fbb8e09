"""Painting CPPN pictures of 256x256 pixels, conversion from HSV to RGB included."""

from __future__ import annotations

from benchmarks.interleaving import Contestant
from benchmarks.material import CPU, Material
from benchmarks.pictures import painter


def contestant(material: Material) -> Contestant:
    """``CppnEncoding.render``."""
    encoding = painter(CPU)
    genomes = material.colour_genomes
    return Contestant(
        what="CPPN renderer, 256x256 in colour", work=lambda: encoding.render(genomes), images=len(genomes), calls=1
    )
