"""A classifier: a network with its preprocessing, its class names and where it comes from.

::

    uint8 (B, C, H, W) ──► views ──► (levels - offset) * scale ──► network ──► logits (B, K) ──► confidences
"""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from fooling.classifiers.devices import enough_memory
from fooling.classifiers.header import Outputs
from fooling.classifiers.layout import channels_last_zeros, lay_out
from fooling.classifiers.network_code import network_code
from fooling.classifiers.refusal import Refusal
from fooling.classifiers.views import View, fed_shape, log_mean_probabilities, views_of
from fooling.errors import FoolingError
from fooling.images import require_images


@dataclass(frozen=True, kw_only=True, eq=False)
class Classifier:
    """A network together with everything needed to judge stored images by it.

    Images are scored in chunks of one fixed size, the last one padded: a network given batches of varying size
    changes the last bits of its logits, so only fixed chunks make a logit a function of its image alone.
    The network is moved to ``device`` and into evaluation mode, its weights into the layout in which it runs:
    channels-last wherever it can.

    Of every image the network sees the whole, or one or ten squares of side ``crop``: with ``views`` "ten" the
    confidence is the mean of ten softmax probabilities. Raises :class:`FoolingError` for a crop that does not fit.
    """

    name: str
    architecture: str
    architecture_sha256: str | None = None
    """Of the Python file of an architecture that is no part of this package."""
    options: dict[str, Any] = field(default_factory=dict)
    network: nn.Module
    input_shape: tuple[int, int, int]
    """Shape (C, H, W) of the images, of which the network may be fed crops."""
    crop: int | None = None
    views: str = "centre"
    class_names: tuple[str, ...]
    offset: torch.Tensor
    """float32, broadcastable to (C, H, W), in levels 0..255; of an image its centre is subtracted from every crop."""
    scale: torch.Tensor
    """float32, broadcastable to (C, H, W), network input per level."""
    training_mean: torch.Tensor
    """float32 (C, H, W): the mean training image, in levels 0..255."""
    chunk_size: int
    device: torch.device
    outputs: Outputs = "logits"
    """What the network gives for an image: logits, or probabilities, whose logarithms then stand for logits."""
    fooling_class: bool = False
    """Whether the last class stands for fooling images: it is no class to evolve images for."""
    refusal: Refusal | None = None
    """The constant that is added to the logit of the fooling class, where one is."""
    provenance: dict[str, Any] = field(default_factory=dict)
    """How the network came about: seed, settings, test error, training history, versions; any JSON values."""
    seen: tuple[View, ...] = field(init=False, repr=False)
    """The views of an image, the centre first."""
    _offset: torch.Tensor = field(init=False, repr=False)
    _chunk: torch.Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        lay_out(self.network.eval(), self.device)
        for name in ("offset", "scale", "training_mean"):
            object.__setattr__(self, name, getattr(self, name).to(self.device, torch.float32))
        seen = views_of(self.input_shape, crop=self.crop, views=self.views)
        is_image = self.offset.shape[-2:] == self.input_shape[-2:]
        chunk = channels_last_zeros((self.chunk_size, *fed_shape(self.input_shape, self.crop)), self.device)
        object.__setattr__(self, "seen", seen)
        object.__setattr__(self, "_offset", seen[0].of(self.offset) if is_image else self.offset)
        object.__setattr__(self, "_chunk", chunk)

    @property
    def subtracted(self) -> torch.Tensor:
        """What is subtracted from the levels of every view: the offset, or of an image as offset its centre."""
        return self._offset

    @property
    def targets(self) -> tuple[str, ...]:
        """The classes that images are evolved for: all but a fooling class."""
        return self.class_names[:-1] if self.fooling_class else self.class_names

    def inputs(self, seen: torch.Tensor) -> torch.Tensor:
        """What the network is fed for the levels (B, C, S, S) of one view: float32 of the same shape, a copy."""
        levels = torch.empty_like(seen, device=self.device, dtype=torch.float32, memory_format=torch.channels_last)
        return levels.copy_(seen).sub_(self._offset).mul_(self.scale)

    def judged(self, inputs: Iterable[torch.Tensor]) -> torch.Tensor:
        """The logits (B, K), as in :meth:`logits`, of what the network is fed for each view; can be differentiated.

        Whatever is computed of one view is forgotten before the next: a gradient computes it again.
        Raises :class:`FoolingError` where the GPU's memory ends, and for whatever the network raises.
        """
        work = f"scoring by the network {self.name}"
        with network_code(f"{work} fails"), enough_memory(work, setting="chunk_size", value=self.chunk_size):
            logits = self._judged_views(inputs)
        return logits if self.refusal is None else self.refusal.shifted(logits)

    @torch.no_grad()  # and not inference_mode: what a network keeps of a forward pass must also serve a gradient
    def logits(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, float32 ``(B, K)``, for uint8 images ``(B, C, H, W)``: those of the network if it has one view.

        For ten views the logarithm of the mean of the ten softmax probabilities: its softmax is that mean, so that
        confidences, log-odds and calibration need not know of views. A row depends on its image alone. Raises
        :class:`FoolingError` for images of another type or shape, and for logits that are not finite numbers.
        """
        require_images(images, shape=self.input_shape)
        logits = torch.empty(len(images), len(self.class_names), device=self.device)
        for start in range(0, len(images), self.chunk_size):
            levels = images[start : start + self.chunk_size].to(self.device)
            logits[start : start + self.chunk_size] = self.judged(self._fed(levels))[: len(levels)]
        # A sum is finite only if every term is, and costs one pass.
        if not math.isfinite(logits.sum().item()):
            raise FoolingError(
                f"the network {self.name} gives logits that are not finite numbers",
                found=f"{int((~logits.isfinite()).any(dim=1).sum())} of {len(images)} images so judged",
                remedy="check its weights and its preprocessing, or train it again with a lower learning rate",
            )
        return logits

    def confidences(self, images: torch.Tensor) -> torch.Tensor:
        """Softmax probabilities, float32 ``(B, K)``, for uint8 images ``(B, C, H, W)``."""
        return confidences_of(self.logits(images))

    def with_mean_subtracted(self) -> Classifier:
        """The same network fed ``(levels - training_mean) * scale``, whatever it was trained on.

        The evolution of the paper's released code scores its images so.
        """
        return dataclasses.replace(self, offset=self.training_mean)

    def with_centre_alone(self) -> Classifier:
        """The same network shown the centre of an image alone, as it is when test errors are published."""
        return self if self.views == "centre" else dataclasses.replace(self, views="centre")

    def to(self, device: torch.device) -> Classifier:
        """A classifier like this one on ``device``; the one at hand stays where it is."""
        if device == self.device:
            return self
        return dataclasses.replace(self, network=copy.deepcopy(self.network), device=device)

    def _judged_views(self, inputs: Iterable[torch.Tensor]) -> torch.Tensor:
        """The logits of the network for what it is fed for each view."""
        if len(self.seen) == 1:
            (only,) = inputs
            return self._judged_view(only)
        if torch.is_grad_enabled():
            return log_mean_probabilities(checkpoint(self._judged_view, view, use_reentrant=False) for view in inputs)
        return log_mean_probabilities(self._judged_view(view) for view in inputs)

    def _judged_view(self, fed: torch.Tensor) -> torch.Tensor:
        """The logits (B, K) of what the network is fed for one view."""
        # A network may change its input in place: not what a gradient is asked for, nor what is used again.
        given: torch.Tensor = self.network(fed.clone() if fed.requires_grad else fed)
        return given if self.outputs == "logits" else logarithms_of(given)

    def _fed(self, levels: torch.Tensor) -> Iterator[torch.Tensor]:
        """View after view of at most a chunk of ``levels`` in the same memory, filled up to a whole chunk."""
        rows = self._chunk[: len(levels)]
        for view in self.seen:
            rows.copy_(view.of(levels)).sub_(self._offset).mul_(self.scale)
            yield self._chunk


def confidences_of(logits: torch.Tensor) -> torch.Tensor:
    """Softmax of logits ``(B, K)``, in float32."""
    return torch.softmax(logits.float(), dim=1)


def logarithms_of(probabilities: torch.Tensor) -> torch.Tensor:
    """Natural logarithms, float32, of ``probabilities``; one below 1.2e-38, the least normal number, counts as that.

    Numbers below 0 are no probabilities: their logarithms are NaN.
    """
    values, least = probabilities.float(), torch.finfo(torch.float32).tiny
    return torch.where((values >= 0) & (values < least), least, values).log()


def log_odds_of(logits: torch.Tensor) -> torch.Tensor:
    """Log-odds ``log(p / (1 - p))`` of every class, float64 ``(B, K)``, from logits ``(B, K)``, K at least 2.

    With logits z it is ``z_k - log(sum of exp(z_j) over j != k)``: still exact where a float32 confidence is 1.
    """
    exact = logits.double()
    shares = exact - torch.logsumexp(exact, dim=1, keepdim=True)
    odds = shares - torch.log1p(-shares.exp())  # exact wherever p is at most a half: everywhere but at the maximum
    best = exact.argmax(dim=1, keepdim=True)
    others = torch.logsumexp(exact.scatter(1, best, -math.inf), dim=1, keepdim=True)
    return odds.scatter(1, best, exact.gather(1, best) - others)
