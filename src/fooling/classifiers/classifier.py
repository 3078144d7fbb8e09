"""A classifier: a network with its preprocessing, its class names and where it comes from.

::

    uint8 (B, C, H, W) ──► (levels - offset) * scale ──► network ──► logits (B, K) ──► confidences
"""

from __future__ import annotations

import copy
import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from fooling.errors import FoolingError
from fooling.images import require_images


@dataclass(frozen=True, kw_only=True, eq=False)
class Classifier:
    """A network together with everything needed to judge stored images by it.

    Images are scored in chunks of one fixed size, the last one padded: a network given batches of varying size
    changes the last bits of its logits, so only fixed chunks make a logit a function of its image alone.
    The network is moved to ``device`` and into evaluation mode, its weights into the channels-last layout.
    """

    name: str
    architecture: str
    options: dict[str, Any] = field(default_factory=dict)
    network: nn.Module
    input_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    offset: torch.Tensor
    """float32, broadcastable to (C, H, W), in levels 0..255."""
    scale: torch.Tensor
    """float32, broadcastable to (C, H, W), network input per level."""
    training_mean: torch.Tensor
    """float32 (C, H, W): the mean training image, in levels 0..255."""
    chunk_size: int
    device: torch.device
    fooling_class: bool = False
    """Whether the last class stands for fooling images: it is no class to evolve images for."""
    provenance: dict[str, Any] = field(default_factory=dict)
    """How the network came about: seed, settings, test error, training history, versions; any JSON values."""
    _chunk: torch.Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.network.to(self.device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        for name in ("offset", "scale", "training_mean"):
            object.__setattr__(self, name, getattr(self, name).to(self.device, torch.float32))
        object.__setattr__(self, "_chunk", _channels_last_zeros((self.chunk_size, *self.input_shape), self.device))

    @property
    def targets(self) -> tuple[str, ...]:
        """The classes that images are evolved for: all but a fooling class."""
        return self.class_names[:-1] if self.fooling_class else self.class_names

    def inputs(self, images: torch.Tensor) -> torch.Tensor:
        """What the network is fed for uint8 images ``(B, C, H, W)``: float32 of the same shape."""
        levels = images.to(self.device, torch.float32, memory_format=torch.channels_last)
        return levels.sub_(self.offset).mul_(self.scale)

    @torch.inference_mode()
    def logits(self, images: torch.Tensor) -> torch.Tensor:
        """The network's logits, float32 ``(B, K)``, for uint8 images ``(B, C, H, W)``.

        A row depends on its image alone. Raises :class:`FoolingError` for images of another type or shape, and for
        logits that are not finite numbers.
        """
        require_images(images, shape=self.input_shape)
        logits = torch.empty(len(images), len(self.class_names), device=self.device)
        for start in range(0, len(images), self.chunk_size):
            levels = images[start : start + self.chunk_size]
            self._chunk[: len(levels)].copy_(levels)
            self._chunk[: len(levels)].sub_(self.offset).mul_(self.scale)
            logits[start : start + self.chunk_size] = self.network(self._chunk)[: len(levels)]
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

    def to(self, device: torch.device) -> Classifier:
        """A classifier like this one on ``device``; the one at hand stays where it is."""
        if device == self.device:
            return self
        return dataclasses.replace(self, network=copy.deepcopy(self.network), device=device)


def confidences_of(logits: torch.Tensor) -> torch.Tensor:
    """Softmax of logits ``(B, K)``, in float32."""
    return torch.softmax(logits.float(), dim=1)


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


def _channels_last_zeros(shape: tuple[int, int, int, int], device: torch.device) -> torch.Tensor:
    """Zeros ``(B, C, H, W)`` with the strides of the channels-last layout, also where C = 1 leaves them open."""
    batch, channels, height, width = shape
    return torch.zeros(batch, height, width, channels, device=device).permute(0, 3, 1, 2)
