"""Choose the parts of an image that a network sees: the whole, the square in its centre, or the paper's ten squares.

::

    ┌─────┬───┬─────┐      ten: the centre and the four corners, each also mirrored left to right;
    │  1  │   │  2  │      the centre comes first
    ├───┬─┴───┴─┬───┤
    │   │   0   │   │
    ├───┴─┬───┬─┴───┤
    │  3  │   │  4  │
    └─────┴───┴─────┘
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from fooling.errors import FoolingError


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
