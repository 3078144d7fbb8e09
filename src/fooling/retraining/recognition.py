"""Which images a retrained network takes for fooling ones: real ones, and those of the networks before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from fooling.classifiers.classifier import Classifier
from fooling.datasets.dataset import Dataset


def recognised(classifier: Classifier, real: Dataset, sets: Sequence[Dataset]) -> list[dict[str, Any]]:
    """What the fooling class is the most probable class of, for the test images of every source.

    ``supplied_by`` is 0 for real images, else the number of the network that was fooled by them; ``images`` is how many
    there are, ``share`` the part of them that is recognised: 0 in a network without a fooling class.
    """
    found = []
    for supplied_by, images in enumerate([real, *sets]):
        classes = classifier.logits(torch.from_numpy(images.test_images)).argmax(dim=1)
        called = classifier.fooling_class & (classes == len(classifier.class_names) - 1)
        found.append({"supplied_by": supplied_by, "images": len(classes), "share": float(called.double().mean())})
    return found
