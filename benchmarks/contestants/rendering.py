"""The product's renderer on a CPU, from genomes to stored images."""

from __future__ import annotations

from benchmarks.interleaving import Contestant
from benchmarks.material import Material


def contestant(material: Material) -> Contestant:
    """``CppnEncoding.render``, planning included."""
    encoding, genomes = material.cppn_encoding(), material.cppn_genomes
    return Contestant(
        what="CPPN renderer",
        work=lambda: encoding.render(genomes),
        images=len(genomes),
        calls=10,
    )
