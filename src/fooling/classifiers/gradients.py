"""Gradients of log-odds and of losses with respect to an image, and a network of images on the 0..1 scale."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from fooling.classifiers import header, model_settings
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.devices import enough_memory
from fooling.classifiers.network_code import network_code
from fooling.images import noise_images
from fooling.messages import FoolingError

NOT_DIFFERENTIABLE = "scores that torch cannot differentiate, as of an ONNX file, a service or code in no_grad"
REMEDY = (
    "remove no_grad, detach and the like from its code, or remove it from the `classifiers` of each attack with "
    "`kind: ascent`: all other steps work without gradients"
)

#: Layers that can be the last one with weights; operations after it (pooling, softmax) only rearrange its output.
LAST_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)

#: Operations of torch that multiply by weights, wherever these are stored: none may follow the last layer.
PRODUCTS = re.compile(
    r"(add)?(mm|bmm|mv)|baddbmm|matmul|dot|inner|tensordot|einsum|(bi)?linear|conv[123]d|convolution|"
    r"lstm|gru|rnn_\w+|mkldnn_rnn_layer|scaled_dot_product_attention"
)


def log_odds_gradients(classifier: Classifier, levels: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the log-odds (B,) of ``classes`` (B,) and their gradients by the levels of each image.

    The images have unrounded ``levels`` (B, C, H, W). Both results are float64; the network computes in float32, in
    chunks of its chunk size. Raises :class:`FoolingError` for a network without gradients, and for numbers that are
    not finite.
    """
    chunks = [slice(start, start + classifier.chunk_size) for start in range(0, len(levels), classifier.chunk_size)]
    parts = [_gradients_of_chunk(classifier, levels[chunk], classes[chunk]) for chunk in chunks]
    log_odds, gradients = (torch.cat(part) for part in zip(*parts, strict=True))
    if not math.isfinite(log_odds.sum().item() + gradients.sum().item()):
        raise FoolingError(
            f"the network {classifier.name} gives gradients that are not finite numbers",
            remedy="check its weights and preprocessing, or train it again with a lower learning rate",
        )
    return log_odds, gradients


def has_gradients(classifier: Classifier) -> bool:
    """Return whether the scores of ``classifier`` have gradients that are not all zero, at eight noise images."""
    levels = torch.from_numpy(noise_images(classifier.input_shape)).to(classifier.device).double()
    classes = torch.zeros(len(levels), dtype=torch.int64, device=classifier.device)
    try:
        _, gradients = log_odds_gradients(classifier, levels, classes)
    except FoolingError:
        return False
    return bool((gradients != 0).any())


def _gradients_of_chunk(classifier: Classifier, levels: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    inputs = [classifier.inputs(view.of(levels)).requires_grad_() for view in classifier.seen]
    problem = f"the network {classifier.name} has no gradients"
    work = f"the gradient of the network {classifier.name}"
    with network_code(problem, remedy=REMEDY), torch.enable_grad():
        logits = classifier.logits_of_inputs(inputs).double()
        own = logits.gather(1, classes[:, None]).squeeze(1)
        log_odds = own - logits.scatter(1, classes[:, None], -math.inf).logsumexp(dim=1)
        if not log_odds.requires_grad:
            raise FoolingError(problem, found=NOT_DIFFERENTIABLE, remedy=REMEDY)
        with enough_memory(work, setting="chunk_size", value=classifier.chunk_size):
            by_input = torch.autograd.grad(log_odds.sum(), inputs, allow_unused=True)
    gradients = torch.zeros_like(levels)
    for view, gradient in zip(classifier.seen, by_input, strict=True):
        if gradient is None:
            raise FoolingError(
                problem, found="a part without gradients before it, such as layers in no_grad", remedy=REMEDY
            )
        view.add_to(gradients, gradient.double() * classifier.scale)
    return log_odds.detach(), gradients


def logits_and_features(
    classifier: Classifier, images: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Compute the logits (B, K) and features (B, D) of uint8 ``images`` (B, C, H, W).

    Features are the input of the linear or convolutional layer that runs last, such as the 500 units of LeNet. Maps, as
    before the last convolution of SqueezeNet, and sequences are averaged over their positions. With ten views the
    features are those of the centre. Raises :class:`FoolingError` for a network without such a layer.
    """
    layer = last_layer(classifier)
    noted: list[NDArray[np.float32]] = []

    def note(layer: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        noted.append(averaged(given[0] if given else named["input"]).float().cpu().numpy().copy())

    logits, features = [], []
    with layer.register_forward_pre_hook(note, with_kwargs=True):
        # Chunk by chunk, because each chunk is padded to the same size: only the rows of images are kept.
        for start in range(0, len(images), classifier.chunk_size):
            chunk = torch.from_numpy(images[start : start + classifier.chunk_size])
            logits.append(classifier.logits(chunk).cpu().numpy())
            features.append(noted[0][: len(chunk)])
            noted.clear()
    return np.concatenate(logits), np.concatenate(features)


def last_layer(classifier: Classifier) -> nn.Module:
    """Return the layer of :data:`LAST_LAYERS` that runs last, which the order of a network's layers does not show."""
    ran: list[nn.Module] = []
    products = _Products()

    def note(layer: nn.Module, given: tuple[Any, ...], returned: Any) -> None:
        ran.append(layer)
        products.since_layer.clear()

    layers = [layer for layer in classifier.network.modules() if isinstance(layer, LAST_LAYERS)]
    hooks = [layer.register_forward_hook(note) for layer in layers]
    with products:
        classifier.logits(torch.zeros(1, *classifier.input_shape, dtype=torch.uint8))
    for hook in hooks:
        hook.remove()
    found = None
    if not ran:
        found = "no linear or convolutional layer that runs"
    elif products.since_layer:
        found = f"a product without a layer of its own after the last one: {', '.join(products.since_layer)}"
    elif ran.count(ran[-1]) > len(classifier.seen):
        found = "a last layer that runs more than once"
    if found is not None:
        raise FoolingError(
            f"the network {classifier.name} has no features: it does not end in a layer with weights",
            found=found,
            expected="a torch.nn.Linear or a convolution as the last layer with weights",
            remedy="make the last step of the network such a layer",
        )
    return ran[-1]


class _Products(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Record the operations of :data:`PRODUCTS` that ran since the last layer."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.since_layer: list[str] = []

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if PRODUCTS.fullmatch(name := operation.overloadpacket.__name__):
            self.since_layer.append(name)
        return operation(*args, **(kwargs or {}))


def averaged(given: Tensor) -> Tensor:
    """Return features (B, D) of maps (B, D, ...) or of a sequence (B, T, D), averaged over positions."""
    if given.dim() == 3:
        return given.mean(dim=1)
    return given.flatten(2).mean(dim=2) if given.dim() > 3 else given


@torch.no_grad()
def logits_of_levels(classifier: Classifier, levels: torch.Tensor) -> torch.Tensor:
    """Return float32 logits (B, K) for float ``levels`` (B, C, H, W), which may lie outside 0 to 255.

    The levels are preprocessed as those of an image, and scored in chunks of the classifier's size. Raises
    :class:`FoolingError` for another shape, and for logits that are not finite.
    """
    if tuple(levels.shape[1:]) != classifier.input_shape:
        raise FoolingError(
            f"the network {classifier.name} takes other images",
            found="x".join(map(str, levels.shape[1:])),
            expected="x".join(map(str, classifier.input_shape)),
            remedy="name a data set with images of this shape",
        )
    logits = torch.cat([classifier.logits_of_inputs(fed)[:count] for fed, count in _chunks(classifier, levels)])
    if not math.isfinite(logits.sum().item()):
        raise FoolingError(
            f"the network {classifier.name} gives logits that are not finite numbers for inputs far from the data",
            found=f"{int((~logits.isfinite()).any(dim=1).sum())} of {len(levels)} inputs",
            remedy="set far.doublings lower, or leave the network out of far.classifiers",
        )
    return logits


def loss_of(classifier: Classifier) -> str:
    """Return the loss with which the study trained a classifier; ``softmax`` if another program trained it."""
    return str(header.training_of(classifier.provenance).get("loss", "softmax"))


def weight_decay_of(classifier: Classifier) -> float | None:
    """Return the weight decay with which the study trained a classifier; None if another program trained it."""
    decay = header.training_of(classifier.provenance).get("optimiser", {}).get("weight_decay")
    return None if decay is None else float(decay)


def built_as(classifier: Classifier) -> str:
    """Return the architecture of a classifier with its options, and its loss unless that is the usual one.

    For example ``mlp, activation tanh, hidden 200-200`` or ``softmax-regression, sigmoids``.
    """
    described = {name: getattr(classifier, name) for name in ("architecture", "options", "provenance")}
    return model_settings.built_as(described)


def _chunks(classifier: Classifier, levels: torch.Tensor) -> Iterator[tuple[Iterator[torch.Tensor], int]]:
    """Yield the network input of each view of each chunk, padded to the chunk size, and its number of inputs."""
    size = classifier.chunk_size
    for start in range(0, len(levels), size):
        part = levels[start : start + size].to(classifier.device, torch.float32)
        padded = torch.cat([part, part.new_zeros(size - len(part), *part.shape[1:])])
        yield (classifier.inputs(view.of(padded)) for view in classifier.seen), len(part)


Array = NDArray[np.floating]

LEVELS = 255.0
BACKWARD = 2  # evaluations: the work of a backward pass in forward passes


class Network:
    """A classifier as methods see it. ``evaluations`` counts a forward pass as one and a gradient as three."""

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = classifier
        self.evaluations = 0

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.classifier.class_names)

    def logits(self, images: Array) -> NDArray[np.float32]:
        """Return the logits (B, K) of ``images`` (B, C, H, W), unrounded, 0 to 1."""
        self.evaluations += len(images)
        return self._logits(images)

    def labels(self, images: Array) -> NDArray[np.int64]:
        """Return the most probable class (B,) of ``images`` (B, C, H, W), unrounded, 0 to 1."""
        labels: NDArray[np.int64] = self.logits(images).argmax(axis=1)
        return labels

    def gradients(self, images: Array, classes: NDArray[np.int64]) -> tuple[Array, Array]:
        """Return the log-odds (B,) of ``classes`` (B,) and their gradients (B, C, H, W) by ``images``, float64."""
        self.evaluations += (1 + BACKWARD) * len(images)
        wanted = torch.from_numpy(classes).to(self.classifier.device)
        log_odds, gradients = log_odds_gradients(self.classifier, self._levels(images), wanted)
        return log_odds.cpu().numpy(), LEVELS * gradients.cpu().numpy()

    def logit_gradients(self, images: Array, classes: list[int]) -> Array:
        """Return the gradients (B, len(classes), C, H, W) of the logits of ``classes`` by ``images``, float32.

        Counts one forward pass, and a backward pass for each class.
        """
        self.evaluations += self.evaluations_of_gradients(len(classes)) * len(images)
        levels, classifier = self._levels(images), self.classifier
        inputs = [classifier.inputs(view.of(levels)).requires_grad_() for view in classifier.seen]
        found = []
        with network_code(f"the network {classifier.name} has no gradients"), torch.enable_grad():
            logits = classifier.logits_of_inputs(inputs)
            for index in classes:
                by_input = torch.autograd.grad(logits[:, index].sum(), inputs, retain_graph=True)
                gradients = torch.zeros_like(levels)
                for view, gradient in zip(classifier.seen, by_input, strict=True):
                    view.add_to(gradients, gradient.double() * classifier.scale)
                found.append(gradients)
        stacked: Array = (LEVELS * torch.stack(found, dim=1)).float().cpu().numpy()
        return stacked

    @staticmethod
    def evaluations_of_gradients(classes: int) -> int:
        """Return what :meth:`logit_gradients` of so many classes counts for one image."""
        return 1 + BACKWARD * classes

    def final_labels(self, images: Array) -> NDArray[np.int64]:
        """Return the most probable class (B,) of ``images``, in padded chunks: a label is a function of its image.

        These evaluations are not counted.
        """
        size, found = self.classifier.chunk_size, []
        for start in range(0, len(images), size):
            chunk = images[start : start + size]
            padded = np.zeros((size, *images.shape[1:]))
            padded[: len(chunk)] = chunk
            found.append(self._logits(padded)[: len(chunk)].argmax(axis=1))
        return np.concatenate(found)

    @torch.no_grad()
    def _logits(self, images: Array) -> NDArray[np.float32]:
        size = self.classifier.chunk_size
        parts = []
        for start in range(0, len(images), size):
            levels = self._levels(images[start : start + size])
            fed = (self.classifier.inputs(view.of(levels)) for view in self.classifier.seen)
            parts.append(self.classifier.logits_of_inputs(fed).float().cpu().numpy())
        return np.concatenate(parts)

    def _levels(self, images: Array) -> torch.Tensor:
        """Return ``images`` as float64 levels, 0 to 255, on the device of the classifier."""
        return LEVELS * torch.from_numpy(np.asarray(images, dtype=np.float64)).to(self.classifier.device)
