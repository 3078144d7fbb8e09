"""A classifier: a network with its preprocessing, its class names and where it comes from."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.checkpoint import checkpoint

from fooling.classifiers.devices import enough_memory
from fooling.classifiers.header import Outputs
from fooling.classifiers.network_code import channels_last_zeros, lay_out, network_code
from fooling.images import require_images
from fooling.messages import FoolingError


@dataclass(frozen=True, kw_only=True)
class View:
    """A rectangle of an image, which may be mirrored left to right."""

    rows: slice
    columns: slice
    mirrored: bool = False

    def of(self, images: torch.Tensor) -> torch.Tensor:
        """Return the part of ``images`` (..., H, W) in this view."""
        seen = images[..., self.rows, self.columns]
        return seen.flip(-1) if self.mirrored else seen

    def add_to(self, images: torch.Tensor, seen: torch.Tensor) -> None:
        """Add ``seen`` to this view of ``images`` (..., H, W) in place: the transpose of :meth:`of`."""
        images[..., self.rows, self.columns] += seen.flip(-1) if self.mirrored else seen


def fed_shape(shape: tuple[int, int, int], crop: int | None) -> tuple[int, int, int]:
    """Return the shape (C, H, W) of the network's input; raise :class:`FoolingError` if the crop exceeds the image."""
    channels, height, width = shape
    if crop is None:
        return shape
    if crop > min(height, width):
        raise FoolingError(
            "input.crop is larger than the images",
            found=f"{crop} for {height}x{width}",
            expected=f"at most {min(height, width)}",
            remedy="lower input.crop, or enlarge the data set's images",
        )
    return channels, crop, crop


def views_of(shape: tuple[int, int, int], *, crop: int | None, views: str) -> tuple[View, ...]:
    """Return the ``views``, ``centre`` or ``ten``, of images of ``shape`` (C, H, W); the centre comes first.

    An odd margin leaves the smaller half above and on the left, as in Caffe. Raises :class:`FoolingError` for a crop
    larger than the images, and for ten views without a crop.
    """
    _, height, width = shape
    _, side, breadth = fed_shape(shape, crop)
    bottom, right = height - side, width - breadth
    corners = [(bottom // 2, right // 2)]
    if views == "ten":
        if crop is None:
            raise FoolingError("ten views need a crop", found="input.crop: null", remedy="set input.crop, such as 227")
        corners += [(0, 0), (0, right), (bottom, 0), (bottom, right)]
    return tuple(
        View(rows=slice(top, top + side), columns=slice(left, left + breadth), mirrored=mirrored)
        for mirrored in ((False, True) if views == "ten" else (False,))
        for top, left in corners
    )


def log_mean_probabilities(logits: Iterable[torch.Tensor]) -> torch.Tensor:
    """Return the float32 logarithm (B, K) of the softmax probability averaged over views with these ``logits``.

    The ``logits`` (B, K) of the views are processed one after the other, so that only one is in memory at a time.
    """
    logarithms = [torch.log_softmax(each.float(), dim=1) for each in logits]
    most = torch.stack(logarithms).amax(dim=0).detach()
    # Added one by one: torch's own sum over views rounds differently at different places of a batch.
    shares = sum((each - most).exp() for each in logarithms)
    return most + torch.log(torch.as_tensor(shares) / len(logarithms))


def drawn_places(count: int, shape: tuple[int, int, int], crop: int, generator: torch.Generator) -> NDArray[np.int64]:
    """Draw a random square of side ``crop`` in each of ``count`` images of ``shape`` (C, H, W), half of them mirrored.

    Returns int64 ``(count, 3)``: its top, its left, and 1 if it is mirrored (with probability a half). ``generator`` is
    on the CPU, so that the squares are the same on every device.
    """
    _, height, width = shape
    limits = (height - crop + 1, width - crop + 1, 2)
    return np.hstack([torch.randint(limit, (count, 1), generator=generator).numpy() for limit in limits])


def cropped(images: torch.Tensor, crop: int, places: NDArray[np.int64]) -> torch.Tensor:
    """Return the squares (B, C, crop, crop) of ``images`` (B, C, H, W) at ``places`` (B, 3).

    The places are those of :func:`drawn_places`.
    """
    top, left, mirrored = torch.from_numpy(places)[:, :, None].unbind(1)
    along = torch.arange(crop)
    rows = (top + along).to(images.device)
    columns = (left + torch.where(mirrored.bool(), crop - 1 - along, along)).to(images.device)
    which = torch.arange(len(images), device=images.device)[:, None, None]
    # Positions before channels: torch puts the dimension between the three index tensors last.
    return images[which, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """The constant that decides how many images a classifier refuses, by the logit of its fooling class.

    A network without a fooling class refuses by its largest logit: it refuses images for which that is below ``shift``.
    """

    shift: float
    """Added to the logit of the fooling class; for a network without such a logit it is that logit."""
    appended: bool
    """Whether the network gives no logit for the fooling class."""

    def shifted(self, logits: torch.Tensor) -> torch.Tensor:
        """Return logits (B, K) with the shifted fooling class last, from logits of the network; differentiable."""
        if self.appended:
            return torch.cat((logits, torch.full_like(logits[:, :1], self.shift)), dim=1)
        return torch.cat((logits[:, :-1], logits[:, -1:] + self.shift), dim=1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Classifier:
    """A network together with everything needed to score stored images.

    Images are scored in chunks of one fixed size, the last one padded: batches of varying size would change the last
    bits of logits, and only fixed chunks make a logit a function of its image alone. The network is moved to
    ``device``, into evaluation mode and into the memory layout in which it runs, channels-last if it can.

    The network sees the whole image, or one or ten square crops of side ``crop``. With ``views`` "ten" the confidence
    is the mean of ten softmax probabilities. Raises :class:`FoolingError` if the crop does not fit.
    """

    name: str
    architecture: str
    architecture_sha256: str | None = None
    """SHA-256 of the user's Python file that builds the network; None for an architecture of this package."""
    options: dict[str, Any] = field(default_factory=dict)
    network: nn.Module
    input_shape: tuple[int, int, int]
    """Shape (C, H, W) of the images; the network may see crops of them."""
    crop: int | None = None
    views: str = "centre"
    class_names: tuple[str, ...]
    offset: torch.Tensor
    """float32, broadcastable to (C, H, W), levels 0 to 255; the centre of an image is subtracted from every crop."""
    scale: torch.Tensor
    """float32, broadcastable to (C, H, W): network input per level."""
    training_mean: torch.Tensor
    """float32 (C, H, W): the mean training image, levels 0 to 255."""
    chunk_size: int
    device: torch.device
    outputs: Outputs = "logits"
    """The outputs of the network: logits, or probabilities, whose logarithms then serve as logits."""
    fooling_class: bool = False
    """Whether the last class stands for fooling images; no images are evolved for it."""
    refusal: Refusal | None = None
    """The constant added to the logit of the fooling class, if any."""
    provenance: dict[str, Any] = field(default_factory=dict)
    """Where the network comes from: seed, settings, test error, training history, versions; any JSON values."""
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
        """The values subtracted from the levels of each view: the offset, or its centre if it is an image."""
        return self._offset

    @property
    def targets(self) -> tuple[str, ...]:
        """The classes that images are evolved for: all but a fooling class."""
        return self.class_names[:-1] if self.fooling_class else self.class_names

    @property
    def seen_pixels(self) -> NDArray[np.bool_]:
        """Which pixels (C, H, W) of an image at least one view shows."""
        times = torch.zeros(self.input_shape)
        for view in self.seen:
            view.add_to(times, torch.ones_like(view.of(times)))
        pixels: NDArray[np.bool_] = (times > 0).numpy()
        return pixels

    def inputs(self, seen: torch.Tensor) -> torch.Tensor:
        """Return the network input for the levels (B, C, S, S) of one view: a float32 copy of the same shape."""
        levels = torch.empty_like(seen, device=self.device, dtype=torch.float32, memory_format=torch.channels_last)
        return levels.copy_(seen).sub_(self._offset).mul_(self.scale)

    def logits_of_inputs(self, inputs: Iterable[torch.Tensor]) -> torch.Tensor:
        """Return the logits (B, K), as in :meth:`logits`, from the network input of each view; differentiable.

        Intermediate values of a view are freed before the next one, and a gradient recomputes them. Raises
        :class:`FoolingError` if the GPU runs out of memory, and for each exception of the network.
        """
        work = f"scoring by the network {self.name}"
        with network_code(f"{work} fails"), enough_memory(work, setting="chunk_size", value=self.chunk_size):
            logits = self._logits_of_views(inputs)
        return logits if self.refusal is None else self.refusal.shifted(logits)

    @torch.no_grad()  # not inference_mode: a network may keep values of a forward pass for a later gradient
    def logits(self, images: torch.Tensor) -> torch.Tensor:
        """Return float32 logits ``(B, K)`` for uint8 images ``(B, C, H, W)``.

        For ten views these are logarithms of the mean softmax probability: their softmax is that mean, so that
        confidences, log-odds and calibration are computed as for one view. A row depends on its image alone. Raises
        :class:`FoolingError` for images of another type or shape, and for logits that are not finite.
        """
        require_images(images, shape=self.input_shape)
        logits = torch.empty(len(images), len(self.class_names), device=self.device)
        for start in range(0, len(images), self.chunk_size):
            levels = images[start : start + self.chunk_size].to(self.device)
            logits[start : start + self.chunk_size] = self.logits_of_inputs(self._fed(levels))[: len(levels)]
        # A sum is finite only if every term is, and costs one pass.
        if not math.isfinite(logits.sum().item()):
            raise FoolingError(
                f"the network {self.name} gives logits that are not finite numbers",
                found=f"{int((~logits.isfinite()).any(dim=1).sum())} of {len(images)} images",
                remedy="check its weights and preprocessing, or train it again with a lower learning rate",
            )
        return logits

    def confidences(self, images: torch.Tensor) -> torch.Tensor:
        """Return float32 softmax probabilities ``(B, K)`` for uint8 images ``(B, C, H, W)``."""
        return confidences_of(self.logits(images))

    def with_mean_subtracted(self) -> Classifier:
        """Return a classifier whose network input is ``(levels - training_mean) * scale``, however it was trained.

        The released code of the paper scores images in this way during evolution.
        """
        return dataclasses.replace(self, offset=self.training_mean)

    def with_centre_view(self) -> Classifier:
        """Return a classifier that sees only the centre of an image, as is usual for published test errors."""
        return self if self.views == "centre" else dataclasses.replace(self, views="centre")

    def to(self, device: torch.device) -> Classifier:
        """Return a copy of this classifier on ``device``, or the classifier itself if it is there."""
        if device == self.device:
            return self
        return dataclasses.replace(self, network=copy.deepcopy(self.network), device=device)

    def _logits_of_views(self, inputs: Iterable[torch.Tensor]) -> torch.Tensor:
        """Return the logits for the network input of each view."""
        if len(self.seen) == 1:
            (only,) = inputs
            return self._logits_of_view(only)
        if torch.is_grad_enabled():
            return log_mean_probabilities(
                checkpoint(self._logits_of_view, view, use_reentrant=False) for view in inputs
            )
        return log_mean_probabilities(self._logits_of_view(view) for view in inputs)

    def _logits_of_view(self, fed: torch.Tensor) -> torch.Tensor:
        """Return the logits (B, K) for the network input of one view."""
        # A network may change its input in place, but not a tensor that a gradient is taken of, or that is used again.
        given: torch.Tensor = self.network(fed.clone() if fed.requires_grad else fed)
        return given if self.outputs == "logits" else logarithms_of(given)

    def _fed(self, levels: torch.Tensor) -> Iterator[torch.Tensor]:
        """Yield the network input of each view of at most a chunk of ``levels``, padded, in the same memory."""
        rows = self._chunk[: len(levels)]
        for view in self.seen:
            rows.copy_(view.of(levels)).sub_(self._offset).mul_(self.scale)
            yield self._chunk


def confidences_of(logits: torch.Tensor) -> torch.Tensor:
    """Return the float32 softmax of logits ``(B, K)``."""
    return torch.softmax(logits.float(), dim=1)


def logarithms_of(probabilities: torch.Tensor) -> torch.Tensor:
    """Return the float32 natural logarithms of ``probabilities``.

    Values below 1.2e-38, the least normal number, count as that; negative numbers give NaN.
    """
    values, least = probabilities.float(), torch.finfo(torch.float32).tiny
    return torch.where((values >= 0) & (values < least), least, values).log()


def log_odds_of(logits: torch.Tensor) -> torch.Tensor:
    """Return float64 log-odds ``log(p / (1 - p))`` of every class ``(B, K)`` from logits ``(B, K)``, K at least 2.

    With logits z this is ``z_k - log(sum of exp(z_j) over j != k)``, which stays exact where a float32 confidence is 1.
    """
    exact = logits.double()
    shares = exact - torch.logsumexp(exact, dim=1, keepdim=True)
    odds = shares - torch.log1p(-shares.exp())  # exact where p is at most a half: everywhere but at the maximum
    best = exact.argmax(dim=1, keepdim=True)
    others = torch.logsumexp(exact.scatter(1, best, -math.inf), dim=1, keepdim=True)
    return odds.scatter(1, best, exact.gather(1, best) - others)
