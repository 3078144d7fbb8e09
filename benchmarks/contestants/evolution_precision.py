"""Whole generations with the CPPN encoding on LeNet, scored in one precision, as a study makes them."""

from __future__ import annotations

from benchmarks.interleaving import Contestant
from benchmarks.material import OFFSPRING, UNLIMITED, Material
from benchmarks.unavailable import require_bfloat16
from fooling.attacks.evolution.run import Evolution
from fooling.attacks.settings import EvolutionSettings, Precision, SearchSettings
from fooling.datasets.digits import DigitsSettings, make_digits
from fooling.encodings.settings import CppnSettings


def contestant(material: Material, *, precision: Precision) -> Contestant:
    """A run past so many generations as the others."""
    require_bfloat16()
    settings = EvolutionSettings(
        encoding=CppnSettings(),
        search=SearchSettings(start=OFFSPRING, offspring=OFFSPRING, generations=UNLIMITED),
        precision=precision,
    )
    real = make_digits(DigitsSettings(), name="digits").test_images if precision == "screened" else None
    identity = {"classifier": {"name": "lenet", "sha256": ""}, "versions": {}}
    run = Evolution(settings=settings, classifier=material.classifier, identity=identity, real=real).run(1)
    for _ in range(material.generations + 1):
        run.advance()
    return Contestant(
        what=f"evolution with the CPPN encoding, {precision}", work=run.advance, images=OFFSPRING, calls=5
    )
