"""Smallest changes of real test images in an audit, beside noise of the same norm.

A network with gradients is attacked by DeepFool, another one by HopSkipJump, which asks for labels alone. The number of
images follows the budget of the searches, so that this takes about a hundredth of the audit.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from fooling.attacks.adversarial.methods import Batch, Changed, beyond_boundary, changed, noisy, norms_of
from fooling.attacks.perturbation_settings import AdversarialSettings, Change
from fooling.auditing.real_images import RealImages
from fooling.classifiers.classifier import Classifier, confidences_of
from fooling.classifiers.gradients import LEVELS, Network
from fooling.schemas import Header
from fooling.seeding import numpy_generator

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]

Method = Literal["deepfool", "hop-skip-jump"]
Kind = Literal["original", "changed", "noise"]

#: Budget of a search from which one more image is changed: DeepFool takes about 60 evaluations, HopSkipJump 370.
BUDGET_OF_IMAGE = {"deepfool": 1000, "hop-skip-jump": 4000}
MOST_IMAGES = {"deepfool": 20, "hop-skip-jump": 5}
TITLES = {"deepfool": "DeepFool", "hop-skip-jump": "HopSkipJump, which asks for labels alone"}
SCORED = 200  # real images among which correctly classified ones are looked for

NEEDS_IMAGES = "needs real images: give --test-images, or test_images from Python"
NEEDS_RIGHT = "needs a real image that the network classifies correctly"
NEEDS_TOOLBOX = "needs the Adversarial Robustness Toolbox for a network without gradients: pip install 'fooling[study]'"


class ExampleImage(Header):
    """A real image, the same image changed, or with noise."""

    kind: Kind
    """The real image as it is, with the smallest change, or with noise of the same norm."""
    class_index: Count
    """Index of the label of the stored image."""
    confidence: Share
    """Confidence in this label."""
    file: str
    """Path of the image below the folder of the audit; small images are enlarged."""


class SmallChanges(Header):
    """How small a change of a real image makes the network wrong."""

    method: Method
    """`deepfool` for a network with gradients, else `hop-skip-jump`, which asks for labels alone."""
    images: Count
    """Correctly classified test images that were changed."""
    misclassified: Count
    """Of these, images that are misclassified after the change, before rounding to whole levels."""
    median_rms: Share | None
    """Median over the misclassified ones of the root mean square of the change, on the 0..1 scale; null: none."""
    misclassified_with_noise: Count
    """Images that are misclassified with Gaussian noise of the norm of their own change."""
    evaluations: Count
    """Mean evaluations of the network for one image: 1 for a forward pass, 2 for a backward pass."""
    example: tuple[ExampleImage, ...]
    """The image with the median change, as it is, changed, and with noise."""

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        found = f"{self.misclassified:,} of {self.images:,} correctly classified test images become misclassified"
        size = (
            "" if self.median_rms is None else f", by a median change of {self.median_rms:.3f} (root mean square, 0..1)"
        )
        return (
            f"Smallest changes ({TITLES[self.method]}): {found}{size}; with noise of the same norm: "
            f"{self.misclassified_with_noise:,} of {self.images:,}."
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class SmallChangesResult:
    """The numbers, and the pictures of the example."""

    file: SmallChanges
    pictures: tuple[NDArray[np.uint8], ...]  # (C, H, W), in the order of ``file.example``


def small_changes(
    classifier: Classifier, real: RealImages | None, *, has_gradients: bool, budget: int, seed: int
) -> SmallChangesResult | str:
    """Measure the smallest changes of a few test images, or return why they cannot be measured.

    Args:
        classifier: The classifier.
        real: Its test images, of which correctly classified ones are drawn by ``seed``; None: there are none.
        has_gradients: Whether the classifier has gradients.
        budget: Images that each search of the audit scores.
        seed: Seed of the draw, of HopSkipJump and of the noise.
    """
    method: Method = "deepfool" if has_gradients else "hop-skip-jump"
    if real is None:
        return NEEDS_IMAGES
    if not has_gradients and importlib.util.find_spec("art") is None:
        return NEEDS_TOOLBOX
    if (count := min(MOST_IMAGES[method], budget // BUDGET_OF_IMAGE[method] or int(has_gradients))) == 0:
        return f"needs a budget of at least {BUDGET_OF_IMAGE[method]:,} images"
    generator = numpy_generator(seed, "audit", "small changes")
    shown = generator.permutation(len(real.labels))[:SCORED]
    right = shown[_labels_and_confidences(classifier, real.images[shown])[0] == real.labels[shown]][:count]
    if not len(right):
        return NEEDS_RIGHT
    network = Network(classifier)
    batch = Batch(
        images=real.images[right] / LEVELS,
        labels=real.labels[right],
        indices=right,
        others=real.images[shown] / LEVELS,
    )
    found = _found(network, batch, method, seed)
    noise = np.stack(
        [
            noisy(image, norm="l2", size=float(size), generator=generator)
            for image, size in zip(batch.images, norms_of(found.images - batch.images)[:, 0], strict=True)
        ]
    )
    return _result(network, batch, found, noise, method)


def _found(network: Network, batch: Batch, method: Method, seed: int) -> Changed:
    settings = AdversarialSettings(seed=seed)
    if method == "deepfool":
        return beyond_boundary(network, batch.images, overshoot=settings.overshoot)
    return changed(network, batch, Change(method, None), settings)


def _result(
    network: Network, batch: Batch, found: Changed, noise: NDArray[np.float64], method: Method
) -> SmallChangesResult:
    wrong, wrong_with_noise = (network.final_labels(images) != batch.labels for images in (found.images, noise))
    sizes = norms_of(found.images - batch.images)[:, 2]
    # The example is a changed image if there is any: of an even number, the smaller of the two in the middle.
    order = np.argsort(np.where(wrong, sizes, np.inf), kind="stable")
    place = int(order[(max(int(wrong.sum()), 1) - 1) // 2])
    kinds: tuple[Kind, ...] = ("original", "changed", "noise")
    stored = [np.rint(LEVELS * images[place]).astype(np.uint8) for images in (batch.images, found.images, noise)]
    labels, confidences = _labels_and_confidences(network.classifier, np.stack(stored))
    return SmallChangesResult(
        file=SmallChanges(
            method=method,
            images=len(wrong),
            misclassified=int(wrong.sum()),
            median_rms=float(np.median(sizes[wrong])) if wrong.any() else None,
            misclassified_with_noise=int(wrong_with_noise.sum()),
            evaluations=round(float(found.evaluations.mean())),
            example=tuple(
                ExampleImage(
                    kind=kind, class_index=int(label), confidence=float(share), file=f"images/small-changes/{kind}.png"
                )
                for kind, label, share in zip(kinds, labels, confidences, strict=True)
            ),
        ),
        pictures=tuple(stored),
    )


def _labels_and_confidences(
    classifier: Classifier, images: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the most probable class (B,) of stored ``images`` (B, C, H, W), and the confidence in it."""
    best = confidences_of(classifier.logits(torch.from_numpy(images))).max(dim=1)
    return best.indices.cpu().numpy(), best.values.cpu().numpy()
