"""The fooling class: which images it recognises, and refusal of a given share of real images."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fooling.classifiers.classifier import Classifier, Refusal
from fooling.datasets.dataset import Dataset
from fooling.errors import FoolingError
from fooling.retraining.images import FOOLING
from fooling.retraining.settings import MatchSettings
from fooling.seeding import numpy_generator

REFUSING = "refusing"  # added to the name of a network


def halves(images: int, *, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices of two halves of so many test images, drawn by ``seed``, each in ascending order."""
    order = numpy_generator(seed, "halves of the test images").permutation(images)
    return np.sort(order[: images // 2]), np.sort(order[images // 2 :])


def margins_of(logits: NDArray[np.float32], *, appended: bool) -> NDArray[np.float64]:
    """Return by how much (B,) the largest logit of a real class exceeds that of the fooling class.

    ``logits`` are (B, L); with ``appended`` there is no fooling class among them, and its logit counts as 0.
    """
    exact = logits.astype(np.float64)
    return np.asarray(exact.max(axis=1) if appended else exact[:, :-1].max(axis=1) - exact[:, -1])


def refused(logits: NDArray[np.float32], refusal: Refusal) -> NDArray[np.bool_]:
    """Return for which images (B,), by the network's ``logits`` (B, L), the fooling class is the most probable one."""
    shifted = refusal.shifted(torch.from_numpy(logits))
    return (shifted.argmax(dim=1) == shifted.shape[1] - 1).numpy()


def fitted_refusal(logits: NDArray[np.float32], rate: float, *, appended: bool) -> Refusal:
    """Return the constant with which ``rate`` of the images with these ``logits`` (B, L) are refused, at least one.

    It lies midway between the margins of the last image refused and the first one accepted. Raises
    :class:`FoolingError` where the rate is less than half an image.
    """
    if rate * len(logits) < 0.5:
        raise FoolingError(
            "there are too few test images for this refusal rate",
            found=f"{rate:g} of {len(logits)} images",
            expected=f"at least {round(0.5 / rate)} images in each half",
            remedy="set higher refusal.rates and refusal.evolved_rate, or take a data set with more test images",
        )
    ordered = np.sort(margins_of(logits, appended=appended))
    first = max(round(rate * len(ordered)), 1)
    return Refusal(shift=float(ordered[first - 1] + ordered[first]) / 2, appended=appended)


def refusing(classifier: Classifier, dataset: Dataset, settings: MatchSettings) -> Classifier:
    """Return ``classifier`` with the constant on its fooling class, which it gains if it has none.

    The constant is fitted on half of the test images of ``dataset``; the provenance holds the share of each half that
    is refused.
    """
    appended = not classifier.fooling_class
    logits = classifier.logits(torch.from_numpy(dataset.test_images)).cpu().numpy()
    fitted, kept_back = halves(len(logits), seed=settings.seed)
    refusal = fitted_refusal(logits[fitted], settings.rate, appended=appended)
    found = {
        "rate": settings.rate,
        "refused_fitted": float(refused(logits[fitted], refusal).mean()),
        "refused": float(refused(logits[kept_back], refusal).mean()),
    }
    return dataclasses.replace(
        classifier,
        name=f"{classifier.name}/{REFUSING}",
        class_names=(*classifier.class_names, FOOLING) if appended else classifier.class_names,
        fooling_class=True,
        refusal=refusal,
        provenance={**classifier.provenance, "refusal": found},
    )


def recognised(classifier: Classifier, real: Dataset, sets: Sequence[Dataset]) -> list[dict[str, Any]]:
    """Return the share of test images of each source whose most probable class is the fooling class.

    ``supplied_by`` is 0 for real images, else the number of the network that was fooled by them; ``images`` is how many
    there are, ``share`` the part of them that is recognised: 0 in a network without a fooling class.
    """
    found = []
    for supplied_by, images in enumerate([real, *sets]):
        classes = classifier.logits(torch.from_numpy(images.test_images)).argmax(dim=1)
        called = classifier.fooling_class & (classes == len(classifier.class_names) - 1)
        found.append({"supplied_by": supplied_by, "images": len(classes), "share": float(called.double().mean())})
    return found
