"""Wrap any trained network, or any function that scores images, as a classifier; no data set is needed.

A function answers in one of three ways for each image: the score of each class, the scores of its most likely classes
by label, or one label alone.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from fooling.classifiers.assembly import offset_and_scale, training_mean_of
from fooling.classifiers.classifier import Classifier, fed_shape
from fooling.classifiers.header import Outputs
from fooling.classifiers.network_code import network_code, tried_logits
from fooling.classifiers.probe import require_usable
from fooling.classifiers.settings import InputSettings
from fooling.images import noise_images
from fooling.messages import FoolingError

CHUNK_SIZE = 32  # images scored at once, unless something else is asked for
SUM = 1e-3  # probabilities whose sum differs by less from 1 are those of all classes

NOT_NAMED = "not named"  # holds the probability that top-k answers leave to the classes that they do not name

#: A function from uint8 images (B, C, H, W) to an array of scores (B, K), or to a list with a mapping of labels to
#: probabilities, or a label, for each image. A label is the name or the index of a class.
Scorer = Callable[[NDArray[np.uint8]], Any]

#: What is known about an image: how sure the network is of all classes, of its most likely ones, or its label alone.
Scores = Literal["logits", "probabilities", "top-k", "label"]


class ScoringFunction(nn.Module):
    """A function that scores images, as a network whose input are levels ``(B, C, H, W)``; it has no gradients."""

    def __init__(self, function: Scorer, class_names: Sequence[str] | None = None) -> None:
        super().__init__()
        self._function, self._class_names = function, class_names
        self.kind: Literal["scores", "top-k", "label"] | None = None
        """How the function answers; None before its first answer."""

    @torch.no_grad()
    def forward(self, levels: torch.Tensor) -> torch.Tensor:
        """Return the scores ``(B, K)``, float32; of top-k answers ``(B, K + 1)``, with what they leave over last."""
        images = levels.round().clamp(0, 255).to(torch.uint8).cpu().numpy()
        answers = self._function(np.ascontiguousarray(images))
        kind, scores = scores_in(answers, images=len(images), class_names=self._class_names)
        if self.kind not in (None, kind):
            raise FoolingError("the function changes how it answers", found=kind, expected=f"{self.kind}, as before")
        self.kind = kind
        return torch.from_numpy(scores).to(levels.device)


class ZeroShotNetwork(nn.Module):
    """A network of images and texts as a classifier: a class is the mean of the texts of its prompts."""

    def __init__(self, network: Any, tokenizer: Any, class_names: tuple[str, ...], prompts: tuple[str, ...]) -> None:
        super().__init__()
        if wrong := [prompt for prompt in prompts if prompt.count("{}") != 1]:
            raise FoolingError("a prompt is invalid", found=wrong[0], expected="a text with one {} for the name")
        self.network = network.eval()
        with network_code("the prompts cannot be encoded"), torch.no_grad():
            texts = [self._encoded(tokenizer, [each.replace("{}", name) for each in prompts]) for name in class_names]
        self.register_buffer("_classes", torch.stack(texts), persistent=False)

    def _encoded(self, tokenizer: Any, texts: list[str]) -> torch.Tensor:
        features = self.network.encode_text(tokenizer(texts), normalize=True)
        return nn.functional.normalize(features.mean(dim=0), dim=0)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits ``(B, K)``: scaled cosines of images and classes."""
        features = self.network.encode_image(images, normalize=True)
        logits: torch.Tensor = self.network.logit_scale.exp() * features @ self._classes.T
        bias = getattr(self.network, "logit_bias", None)
        return logits if bias is None else logits + bias


def scores_in(
    answers: Any, *, images: int, class_names: Sequence[str] | None
) -> tuple[Literal["scores", "top-k", "label"], NDArray[np.float32]]:
    """Return how a function answers, and its answers as scores.

    Args:
        answers: What a :data:`Scorer` returned.
        images: Number of images B that it was given.
        class_names: Names of the K classes; only scores of all classes can do without.

    Returns:
        For scores, the array (B, K). For a label alone, 1 for its class and 0 for all others. For top-k answers
        (B, K + 1): 0 for classes that are not named, and last the probability that the answer leaves over.

    Raises:
        FoolingError: The answers have none of these forms, name an unknown class, or are not probabilities.
    """
    rows = answers if isinstance(answers, list | tuple) else []
    values = np.asarray(answers) if not rows or not isinstance(rows[0], Mapping) else None
    if values is None:
        top = [_top(row, class_names) for row in rows]
        if len(top) == images:
            return "top-k", np.stack(top)
    elif values.ndim == 1 and values.dtype.kind in "iuU" and len(values) == images:
        scores = np.zeros((images, len(_named(class_names))), np.float32)
        scores[np.arange(images), [_index(label, class_names) for label in values.tolist()]] = 1
        return "label", scores
    elif values.ndim == 2 and values.dtype.kind in "iuf" and len(values) == images:
        return "scores", values.astype(np.float32)
    raise FoolingError(
        "the function does not give one score for each class, or a label, for each image",
        found=f"{len(rows)} answers for {images} images"
        if values is None
        else f"an array of shape {values.shape}, {values.dtype}, for {images} images",
        expected=f"({images}, K) scores of K classes, or a list of {images} mappings of labels to probabilities, or "
        f"of {images} labels",
    )


def _top(answer: Any, class_names: Sequence[str] | None) -> NDArray[np.float32]:
    """Return the scores (K + 1,) of one top-k answer, the last one being what it leaves over."""
    scores = np.zeros(len(_named(class_names)) + 1, np.float64)
    for label, score in (answer if isinstance(answer, Mapping) else {}).items():
        scores[_index(label, class_names)] = score
    left = 1 - scores.sum()
    if not isinstance(answer, Mapping) or not (scores >= 0).all() or left < -SUM:
        raise FoolingError(
            "the scores of the most likely classes are not probabilities",
            found=answer,
            expected="a mapping of labels to numbers from 0 to 1, with a sum of at most 1",
            remedy="give probabilities, or the label alone",
        )
    scores[-1] = max(left, 0.0)
    return scores.astype(np.float32)


def _named(class_names: Sequence[str] | None) -> Sequence[str]:
    if class_names is None:
        raise FoolingError(
            "the names of the classes are needed, because the function answers with labels",
            remedy="give --classes (in Python: classes=[...]) with all classes, in any order",
        )
    return class_names


def _index(label: object, class_names: Sequence[str] | None) -> int:
    """Return the index of a class from its name, or from the index itself."""
    names = _named(class_names)
    if isinstance(label, str) and label in names:
        return list(names).index(label)
    if isinstance(label, int) and 0 <= label < len(names):
        return label
    shown = ", ".join(names[:5]) + (f", … ({len(names)} in all)" if len(names) > 5 else "")
    raise FoolingError(
        "the function names an unknown class",
        found=repr(label),
        expected=f"one of {shown}",
        remedy="give all classes that it can name, spelled so, with --classes (in Python: classes=[...])",
    )


def wrapped(
    model: nn.Module | Scorer,
    *,
    name: str,
    input_shape: tuple[int, int, int],
    class_names: Sequence[str] | None = None,
    input_settings: InputSettings | None = None,
    outputs: Outputs | None = None,
    chunk_size: int | None = None,
    device: torch.device | None = None,
) -> Classifier:
    """Return ``model`` as a classifier, after checking that its scores depend on each image alone.

    Args:
        model: A network, which is set up for scoring, or a :data:`Scorer`.
        name: Name of the classifier.
        input_shape: Shape (C, H, W) of the images.
        class_names: Names of the classes in the network's order; None: their numbers.
        input_settings: How levels become the input of a network: by default divided by 255. A function is always given
            the images themselves.
        outputs: Whether the scores are logits or probabilities; None: probabilities if those of noise images are
            between 0 and 1 and sum to 1.
        chunk_size: How many images are scored at once.
        device: Where a network computes: by default on the CPU.

    Raises:
        FoolingError: The model cannot score such images, has another number of classes or fewer than two, or its scores
            depend on more than the image.
    """
    is_network = isinstance(model, nn.Module)
    network: nn.Module = model if isinstance(model, nn.Module) else ScoringFunction(model, class_names)
    used = (input_settings or InputSettings(divisor=255.0)) if is_network else InputSettings(divisor=1.0)
    mean = training_mean_of(np.zeros((0, *input_shape), np.uint8))
    offset, scale = offset_and_scale(used, mean)
    count = _count_of_scores(network, fed_shape(input_shape, used.crop), name=name)
    kind = network.kind if isinstance(network, ScoringFunction) else None
    count -= kind == "top-k"
    names = tuple(map(str, range(count))) if class_names is None else tuple(class_names)
    repeated = [repr(each) for each, times in Counter(names).items() if times > 1]
    if count < 2 or len(names) != count or repeated:
        raise FoolingError(
            f"the classes of {name} do not fit its scores",
            found=f"{len(names)} class names" + f", more than once {', '.join(repeated[:3])}" * bool(repeated),
            expected=f"a different name for each of its {count} scores, which must be at least two",
            remedy="give the names in the network's own order, or none (--classes, in Python classes=[...])",
        )
    classifier = Classifier(
        name=name,
        architecture=type(network).__name__,
        network=network,
        input_shape=input_shape,
        crop=used.crop,
        views=used.views,
        class_names=(*names, NOT_NAMED) if kind == "top-k" else names,
        fooling_class=kind == "top-k",
        offset=offset,
        scale=scale,
        training_mean=mean,
        chunk_size=chunk_size or CHUNK_SIZE,
        device=device or torch.device("cpu"),
        outputs="probabilities" if kind in ("top-k", "label") else outputs or "logits",
        provenance={"input": used.model_dump(mode="json", include={"divisor", "mean", "std"})} if is_network else {},
    )
    noise = torch.from_numpy(noise_images(input_shape))
    if outputs is None and _are_probabilities(classifier.logits(noise)):
        classifier = dataclasses.replace(classifier, outputs="probabilities")
    require_usable(classifier, noise)
    return classifier


def as_black_box(classifier: Classifier) -> Classifier:
    """Return ``classifier`` as somebody sees it who is given its probabilities alone: without logits and gradients."""

    def probabilities(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        given: NDArray[np.float32] = classifier.confidences(torch.from_numpy(images)).cpu().numpy()
        return given

    seen = wrapped(
        probabilities,
        name=classifier.name,
        input_shape=classifier.input_shape,
        class_names=classifier.class_names,
        chunk_size=classifier.chunk_size,
    )
    return dataclasses.replace(seen, fooling_class=classifier.fooling_class, provenance=classifier.provenance)


class LabelsAlone:
    """A classifier as somebody sees it who is given its labels alone; it counts the queries."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self.queries = 0
        """Images that were labelled so far."""

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return the most probable class (B,), int64, of uint8 images (B, C, H, W)."""
        self.queries += len(images)
        return self._classifier.logits(images).argmax(dim=1)


def kind_of_scores(classifier: Classifier) -> Scores:
    """Return what ``classifier`` gives for an image."""
    kind = classifier.network.kind if isinstance(classifier.network, ScoringFunction) else None
    return kind if kind == "top-k" or kind == "label" else classifier.outputs


def _count_of_scores(network: nn.Module, shape: tuple[int, int, int], *, name: str) -> int:
    """Return the number of scores that ``network`` gives for an image of ``shape``, in the layout in which it runs."""
    expected = f"scores (B, K) for images (B, {', '.join(map(str, shape))})"
    with network_code(f"{name} cannot process these images", expected=expected), torch.no_grad():
        scores = tried_logits(network.eval(), (2, *shape))
    found = tuple(scores.shape) if isinstance(scores, torch.Tensor) else type(scores).__name__
    if not isinstance(found, tuple) or len(found) != 2 or found[0] != 2:
        raise FoolingError(
            f"{name} does not give one score for each class", found=f"{found} for 2 images", expected=expected
        )
    return int(found[1])


def _are_probabilities(scores: torch.Tensor) -> bool:
    return bool((scores >= 0).all() and ((scores.sum(dim=1) - 1).abs() < SUM).all())
