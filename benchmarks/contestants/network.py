"""Scoring alone with one network in one number format."""

from __future__ import annotations

from typing import Literal

import torch

from benchmarks.interleaving import Contestant
from benchmarks.material import CPU, OFFSPRING, Material
from benchmarks.pictures import alexnet, noise, squeezenet
from benchmarks.unavailable import require_bfloat16
from fooling.attacks.evolution.screening import in_bfloat16
from fooling.classifiers.vision import CHUNK_SIZE_OF_ALEXNET


def contestant(
    material: Material, *, network: Literal["lenet", "alexnet", "squeezenet"], precision: Literal["float32", "bfloat16"]
) -> Contestant:
    """``Classifier.logits`` of noise: digits for LeNet, one crop of pictures for the others."""
    require_bfloat16()
    if network == "lenet":
        classifier, calls = material.classifier, 5
        generator = torch.Generator().manual_seed(1)
        images = torch.randint(0, 256, (OFFSPRING, *classifier.input_shape), generator=generator, dtype=torch.uint8)
    else:
        classifier = squeezenet(CPU) if network == "squeezenet" else alexnet(CPU, chunk_size=CHUNK_SIZE_OF_ALEXNET)
        images, calls = noise(material.pictures, CPU), 1
    scoring = in_bfloat16(classifier) if precision == "bfloat16" else classifier
    return Contestant(
        what=f"{network} in {precision}", work=lambda: scoring.logits(images), images=len(images), calls=calls
    )
