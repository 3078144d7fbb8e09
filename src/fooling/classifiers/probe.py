"""Probe a classifier as it will be used: refuse unusable ones, and warn about suspicious ones.

Both use the same few real images and noise images. A classifier is refused if its scores depend on more than the image,
or if it gives probabilities where logits are expected. Without gradients it is usable for all but gradient attacks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fooling.classifiers.classifier import Classifier, confidences_of
from fooling.classifiers.gradients import log_odds_gradients
from fooling.datasets.dataset import Dataset
from fooling.images import noise_images
from fooling.messages import FoolingError, share_percent
from fooling.reproducibility import evenly_spaced

REAL = 8
#: Differences between scores up to this share of the largest score count as rounding.
ROUNDING = 1e-4
#: Factor on the network's input, to test whether its outputs stay between 0 and 1.
STRETCH = 100.0
SURE = 0.9999

CHECK_INPUT = "check `input` (divisor, mean, std), the weights and the order of the classes"


def require_usable(classifier: Classifier, images: Tensor) -> None:
    """Raise :class:`FoolingError` unless the outputs are those declared and a function of the image alone.

    Random generators are restored.

    Args:
        classifier: The classifier.
        images: Images to score: uint8 ``(B, C, H, W)``, such as those of :func:`sample_of`.
    """
    centre = classifier.with_centre_view()
    devices = [classifier.device] if classifier.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        _require_outputs(centre, images)
        _require_function_of_image(centre, images)


def remarks_on(classifier: Classifier, images: Tensor, *, test_labels: NDArray[np.int64] | None = None) -> list[str]:
    """Return one line for each suspicious property of a classifier.

    These are: no gradients, an error no better than guessing, and scores or gradients that are the same for all images.

    Args:
        classifier: The classifier; with ``test_labels`` its provenance must contain the test error.
        images: Images to score: uint8 ``(B, C, H, W)``.
        test_labels: Labels ``(N,)`` of the images on which the test error was measured.
    """
    logits = classifier.with_centre_view().logits(images)
    remarks = [
        *(() if test_labels is None else _remarks_on_error(float(classifier.provenance["test_error"]), test_labels)),
        *_remarks_on_scores(logits),
        *_remarks_on_gradients(classifier, images),
    ]
    return [f"{classifier.name}: {remark}" for remark in remarks]


def sample_of(dataset: Dataset) -> Tensor:
    """Return up to eight evenly spaced test images and eight of uniform noise: uint8 ``(B, C, H, W)``."""
    real = dataset.test_images[evenly_spaced(len(dataset.test_images), REAL)]
    return torch.cat([torch.from_numpy(real), torch.from_numpy(noise_images(dataset.image_shape))])


def _require_function_of_image(classifier: Classifier, images: Tensor) -> None:
    """Score ``images`` again, in another order, and with fewer and with other images in their chunk."""
    first = classifier.logits(images)
    limit = ROUNDING * first.abs().max()
    full = images[torch.arange(max(len(images), classifier.chunk_size)) % len(images)]
    scored_again = {
        "when the same images are scored again": classifier.logits(images),
        "in another order": classifier.logits(images.flip(0)).flip(0),
        "among other images": classifier.logits(full)[: len(images)],
        "alone": torch.cat([classifier.logits(images[:1]), first[1:]]),
    }
    for how, again in scored_again.items():
        difference = (again - first).abs().max()
        if difference > limit:
            layer = _first_difference(classifier, images)
            raise FoolingError(
                f"the scores of the network {classifier.name} depend on more than the image",
                found=f"logits that differ by up to {difference:.2g} {how}; first {layer}",
                expected="the same logits for an image each time, whichever images are scored with it",
                remedy="switch off random or batch-dependent operations outside training, as with "
                "F.dropout(x, p, self.training) or BatchNorm with running statistics",
            )


def _first_difference(classifier: Classifier, images: Tensor) -> str:
    """Return where the values of an image first differ: between two passes, else beside other images."""
    batch = classifier.inputs(images[: classifier.chunk_size])
    other = batch.flip(0).clone()
    other[0] = batch[0]
    one, two, three = (list(_trace(classifier.network, values)) for values in (batch, batch, other))
    for first, second in ((one, two), (one, three)):
        for (name, given, result), (_, given_then, result_then) in zip(first, second, strict=False):
            if not _alike(given, given_then):
                return f"before {name}, in code outside any layer"
            if not _alike(result, result_then):
                return f"in {name}"
    return "after the last layer"


@torch.no_grad()
def _trace(network: nn.Module, batch: Tensor) -> Iterator[tuple[str, Tensor | None, Tensor | None]]:
    """Return name, input and output of each innermost layer, for the first image of a ``batch``, in running order."""
    ran: list[tuple[str, Tensor | None, Tensor | None]] = []
    with ExitStack() as hooks:
        for name, layer in network.named_modules():
            if not any(layer.children()):
                described = f"the layer {name or 'at its root'} ({type(layer).__name__})"
                given: list[Tensor | None] = []

                def before(_: nn.Module, inputs: tuple[object, ...], given: list[Tensor | None] = given) -> None:
                    given.append(_row(inputs[0] if inputs else None))

                def after(
                    _: nn.Module,
                    inputs: object,
                    result: object,
                    described: str = described,
                    given: list[Tensor | None] = given,
                ) -> None:
                    ran.append((described, given.pop(), _row(result)))

                hooks.enter_context(layer.register_forward_pre_hook(before))
                hooks.enter_context(layer.register_forward_hook(after))
        network(batch.clone())
    return iter(ran)


def _row(values: object) -> Tensor | None:
    """Return a float64 copy of the values of the first image in a batch; None if they cannot be identified."""
    is_batch = isinstance(values, Tensor) and values.dim() > 0 and len(values) > 0
    return values[0].double().clone() if is_batch else None  # type: ignore[index]


def _alike(one: Tensor | None, other: Tensor | None) -> bool:
    if one is None or other is None or one.shape != other.shape:
        return True
    return bool(((one - other).abs() <= ROUNDING * one.abs().max()).all())


@torch.no_grad()
def _require_outputs(classifier: Classifier, images: Tensor) -> None:
    """Compare the outputs of the network for ``images``, also strongly scaled, with the declared ``outputs``."""
    inputs = classifier.inputs(classifier.seen[0].of(images[-classifier.chunk_size :]))
    given = torch.cat([classifier.network(values.clone()).float() for values in (inputs, inputs * STRETCH)])
    within = bool(((given >= 0) & (given <= 1)).all())
    sum_to_one = bool(((given.sum(dim=1) - 1).abs() < 1e-3).all())
    if classifier.outputs == "probabilities" and not within:
        raise FoolingError(
            f"the network {classifier.name} does not give probabilities",
            found=f"scores from {given.min():.4g} to {given.max():.4g}",
            expected="numbers from 0 to 1, as set by `outputs: probabilities`",
            remedy="set `outputs: logits`",
        )
    varies = bool((given != given[0]).any())  # not for a last layer that starts at 0
    if classifier.outputs == "logits" and within and (sum_to_one or varies):
        raise FoolingError(
            f"the network {classifier.name} gives probabilities instead of logits",
            found=f"scores from 0 to 1{', which sum to 1' if sum_to_one else ''}, for all of {len(given)} inputs",
            expected="logits, from which the softmax is computed here",
            remedy="remove the softmax or sigmoid at its end, or import it with `outputs: probabilities`",
        )


def _remarks_on_error(error: float, labels: NDArray[np.int64]) -> Iterator[str]:
    shares = np.bincount(labels) / len(labels)
    guessed = float(shares.max())
    # Two standard errors above the share of the most frequent class.
    if guessed < 1 and 1 - error <= guessed + 2 * (guessed * (1 - guessed) / len(labels)) ** 0.5:
        found, chance = share_percent(error), share_percent(1 - guessed)
        yield f"the test error of {found} is no better than guessing ({chance}): {CHECK_INPUT}"


def _remarks_on_scores(logits: Tensor) -> Iterator[str]:
    count = len(logits)
    if bool(((logits - logits[0]).abs() <= 1e-6 * logits.abs().max()).all()):
        yield f"the scores are the same for all {count} images, including noise: {CHECK_INPUT}"
    elif bool((confidences_of(logits).amax(dim=1) >= SURE).all()):
        yield f"a confidence of {share_percent(SURE)} or more for all {count} images, including noise: {CHECK_INPUT}"


def _remarks_on_gradients(classifier: Classifier, images: Tensor) -> Iterator[str]:
    """Compute the gradients of one image in all its views, and of all images in the centre view."""
    levels = images.to(classifier.device).double()
    classes = torch.zeros(len(levels), dtype=torch.int64, device=classifier.device)
    try:
        log_odds_gradients(classifier, levels[:1], classes[:1])
        _, gradients = log_odds_gradients(classifier.with_centre_view(), levels, classes)
    except FoolingError as error:
        problem, *details = map(str.strip, str(error).splitlines())
        reason = next((line.removeprefix("found: ") for line in details if line.startswith("found: ")), problem)
        yield f"no gradients: gradient attacks are skipped ({reason})"
        return
    if bool((gradients == 0).all()):
        yield f"the gradient is 0 at all {len(images)} images, so that gradient attacks cannot work: {CHECK_INPUT}"
    elif bool((gradients == gradients[0]).all()):
        yield f"the gradient is the same at all {len(images)} images: unless the network is linear, {CHECK_INPUT}"
