"""The steps of gradient ascent: the released code's rule, Adam, or L-BFGS; and the regularisation of the images.

With the log-odds l of the class, p = sigmoid(l), the gradient of the confidence is g = p (1 - p) dl/dx. Its norm
underflows where p is near 0 or 1, that of dl/dx never does: p and 1 - p enter as logarithms in float64.

A step of the rule and of Adam computes one gradient of every image. L-BFGS computes as many as its line search needs.
To compare all methods at equal cost, a step of L-BFGS is one evaluation of the objective and its gradient, and an image
is shown as it stood after the last iteration that so many evaluations pay for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import logsigmoid

from fooling.attacks.settings import AscentSettings
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.gradients import log_odds_gradients

KERNEL_REACH = 4.0  # standard deviations to which the Gaussian of the blur goes on


def rates(log_odds: Tensor, squared_norms: Tensor, settings: AscentSettings) -> Tensor:
    """Return the factors (B,), float64, by which the gradients of the log-odds are added to the images.

    The learning rate on the gradient g of the confidence p is min(largest, min(early, late (1 - p)) / |g|^2); the
    factor is that times p (1 - p), for g is so many times the gradient of the log-odds, whose ``squared_norms`` are
    given.
    """
    missing = logsigmoid(-log_odds)  # log(1 - p)
    slope = logsigmoid(log_odds) + missing
    early, late = math.log(settings.early_progress), math.log(settings.late_progress)
    progress = (missing + late).clamp(max=early)
    rate = (progress - 2 * slope - squared_norms.log()).clamp(max=math.log(settings.largest_rate))
    return (rate + slope).exp()


def regularised(moved: Tensor, gradients: Tensor, *, step: int, settings: AscentSettings) -> Tensor:
    """Return images ``moved`` by a ``step`` (from 1), as differences from the mean image, after regularisation.

    Decay first, then the blur, then the pixels of small norm and of small benefit; the benefit of keeping a pixel is
    the sum over its channels of difference times gradient: by this its difference raises the log-odds, to first order.
    """
    images = moved * (1 - settings.decay)
    first_blur = settings.first_blur or settings.blur_every
    if settings.blur_radius > 0 and step >= first_blur and (step - first_blur) % settings.blur_every == 0:
        images = blurred(images, settings.blur_radius)
    images = _without_smallest(images, images.square().sum(dim=1), settings.small_norm_percentile)
    benefit = (images * gradients).sum(dim=1) * (1 if settings.benefit_of == "keeping" else -1)
    images = _without_smallest(images, benefit, settings.small_benefit_percentile)
    absolute = (images * gradients).sum(dim=1).abs()
    return _without_smallest(images, absolute, settings.small_absolute_benefit_percentile)


def blurred(images: Tensor, radius: float) -> Tensor:
    """Blur images (B, C, H, W) with a Gaussian of standard deviation ``radius``, mirrored at the edges."""
    down, across = (_blur_matrix(side, radius).to(images) for side in images.shape[-2:])
    return down @ images @ across.T


def _without_smallest(images: Tensor, values: Tensor, percentile: float) -> Tensor:
    """Reset the pixels of ``images`` (B, C, H, W) whose ``values`` (B, H, W) are below their percentile."""
    if percentile == 0:
        return images
    bounds = values.flatten(1).quantile(percentile / 100, dim=1)
    return images.masked_fill((values < bounds[:, None, None])[:, None], 0.0)


def _blur_matrix(side: int, radius: float) -> Tensor:
    """Return the matrix (side, side) that blurs a line of pixels."""
    reach = int(KERNEL_REACH * radius + 0.5)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / radius) ** 2)
    sources = np.pad(np.arange(side), reach, mode="symmetric")
    matrix = np.zeros((side, side))
    for offset, weight in enumerate(weights / weights.sum()):
        matrix[np.arange(side), sources[offset : offset + side]] += weight
    return torch.from_numpy(matrix)


Arrays = Mapping[str, NDArray[Any]]
LEVELS = 255.0  # the unit of L-BFGS, whose first step has a length of 1
PAIRS = 10  # of changes of image and gradient, from which L-BFGS estimates the curvature
LINE_SEARCH = 25  # evaluations of one line search at most


@dataclass(frozen=True, kw_only=True)
class Goal:
    """The classes (B,) of the images, which are differences from the mean training image."""

    classifier: Classifier
    classes: Tensor
    mean: Tensor

    def gradients(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the log-odds (B,) of all ``images`` and their gradients (B, C, H, W) per level."""
        return log_odds_gradients(self.classifier, images + self.mean, self.classes)

    def gradient_of_one(self, row: int, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return the log-odds and the gradient (C, H, W) of the image in this row alone."""
        log_odds, gradients = log_odds_gradients(
            self.classifier, (image + self.mean)[None], self.classes[row : row + 1]
        )
        return log_odds[0], gradients[0]

    def within_range(self, images: Tensor) -> Tensor:
        """Clip differences from the mean image so that every level is between 0 and 255."""
        return images.clamp(min=-self.mean, max=LEVELS - self.mean)


class Method(Protocol):
    """One way to make steps, with a state of its own."""

    layout: Mapping[str, str]  # of the arrays of its state; B images of C x H x W, N numbers each

    def moved(self, images: Tensor, *, step: int) -> Tensor:
        """Return the images (B, C, H, W) after the ``step``, counted from 1."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the arrays from which :meth:`restore` resumes to the same bits."""

    def restore(self, arrays: Arrays) -> None:
        """Resume from a state whose arrays have been checked."""


class StepRule:
    """The released code's rule, which aims at a given rise of the confidence; it has no state."""

    layout: Mapping[str, str] = {}

    def __init__(self, goal: Goal, settings: AscentSettings) -> None:
        self._goal, self._settings = goal, settings

    def moved(self, images: Tensor, *, step: int) -> Tensor:
        """Return the images after one step along their gradients, regularised."""
        log_odds, gradients = self._goal.gradients(images)
        squared_norms = gradients.flatten(1).square().sum(dim=1)
        moved = images + rates(log_odds, squared_norms, self._settings)[:, None, None, None] * gradients
        return self._goal.within_range(regularised(moved, gradients, step=step, settings=self._settings))

    def state(self) -> dict[str, NDArray[Any]]:
        """Return no arrays."""
        return {}

    def restore(self, arrays: Arrays) -> None:
        """Do nothing."""


class Adam:
    """torch's Adam on log p. It treats every pixel by itself, so that images in one tensor stay independent."""

    layout: Mapping[str, str] = {
        "adam/step": "float32",
        "adam/exp_avg": "float64 B C H W",
        "adam/exp_avg_sq": "float64 B C H W",
    }

    def __init__(self, goal: Goal, settings: AscentSettings, images: Tensor) -> None:
        self._goal, self._settings = goal, settings
        self._images = torch.nn.Parameter(images.clone())
        assert settings.learning_rate is not None  # the settings see to it
        self._optimiser = torch.optim.Adam([self._images], lr=settings.learning_rate, maximize=True, foreach=False)
        zeros = torch.zeros_like(images)
        self._memory = {"step": torch.tensor(0.0), "exp_avg": zeros, "exp_avg_sq": zeros.clone()}
        self._optimiser.state[self._images] = self._memory

    def moved(self, images: Tensor, *, step: int) -> Tensor:
        """Return the images after one step, regularised."""
        log_odds, gradients = self._goal.gradients(images)
        self._images.data = images
        self._images.grad = torch.sigmoid(-log_odds)[:, None, None, None] * gradients
        self._optimiser.step()
        moved = self._images.detach().clone()
        return self._goal.within_range(regularised(moved, gradients, step=step, settings=self._settings))

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the moving averages of the gradient and of its square."""
        return {f"adam/{name}": values.cpu().numpy() for name, values in self._memory.items()}

    def restore(self, arrays: Arrays) -> None:
        """Restore the moving averages."""
        for name, values in self._memory.items():
            values.copy_(torch.from_numpy(arrays[f"adam/{name}"]))


class Lbfgs:
    """torch's L-BFGS with strong Wolfe line searches on log p, one optimiser for each image.

    One optimiser for a batch would choose one step length and one curvature for all. Its variable is the image in units
    of 255 levels, clipped to the range of levels wherever it is evaluated.
    """

    layout: Mapping[str, str] = {
        "l-bfgs/images": "float64 B C H W",
        **{f"l-bfgs/{name}": "int64 B" for name in ("spent", "iterations", "pairs")},
        **{f"l-bfgs/{name}": "float64 B" for name in ("t", "H_diag")},
        **{f"l-bfgs/{name}": "float64 B N" for name in ("d", "prev_flat_grad")},
        **{f"l-bfgs/{name}": f"float64 B {PAIRS} N" for name in ("old_dirs", "old_stps")},
        "l-bfgs/ro": f"float64 B {PAIRS}",
    }

    def __init__(self, goal: Goal, images: Tensor) -> None:
        self._images = [_LbfgsOfOne(goal, row, image) for row, image in enumerate(images)]

    def moved(self, images: Tensor, *, step: int) -> Tensor:
        """Return the images after ``step`` evaluations."""
        shown = images.clone()
        for row, one in enumerate(self._images):
            if one.spent < step:
                one.iterate()
            if one.spent == step:
                shown[row] = one.image()
        return shown

    def state(self) -> dict[str, NDArray[Any]]:
        """Return torch's state of every image, and its evaluations so far."""
        parts = [one.state() for one in self._images]
        return {name: np.stack([part[name] for part in parts]) for name in self.layout}

    def restore(self, arrays: Arrays) -> None:
        """Restore the state of every image."""
        for row, one in enumerate(self._images):
            one.restore({name: arrays[name][row] for name in self.layout})


class _LbfgsOfOne:
    """L-BFGS of one image."""

    def __init__(self, goal: Goal, row: int, image: Tensor) -> None:
        self._goal, self._row = goal, row
        self.spent = 0
        self._variable = torch.nn.Parameter(image / LEVELS)
        self._optimiser = torch.optim.LBFGS(
            [self._variable],
            max_iter=1,
            max_eval=1 + LINE_SEARCH,
            history_size=PAIRS,
            tolerance_grad=0.0,
            line_search_fn="strong_wolfe",
        )

    def image(self) -> Tensor:
        """Return the image (C, H, W) as a difference from the mean image, within the range of levels."""
        return self._goal.within_range(LEVELS * self._variable.detach())

    def iterate(self) -> None:
        """Make one iteration: the gradient of the current image, and a line search."""
        self._optimiser.step(self._objective)  # type: ignore[no-untyped-call]

    def _objective(self) -> Tensor:
        """Return -log p, which is minimised; its gradient is stored in the variable, where torch reads it."""
        self.spent += 1
        image = LEVELS * self._variable.detach()
        clipped = self._goal.within_range(image)
        log_odds, gradient = self._goal.gradient_of_one(self._row, clipped)
        self._variable.grad = -LEVELS * torch.sigmoid(-log_odds) * gradient * (image == clipped)
        return -logsigmoid(log_odds)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of one image."""
        memory = self._optimiser.state[self._variable]
        number, empty = self._variable.numel(), not memory.get("n_iter", 0)
        stacked = {name: [] if empty else list(memory[name]) for name in ("old_dirs", "old_stps", "ro")}
        lines = {name: np.zeros(number) if empty else memory[name].cpu().numpy() for name in ("d", "prev_flat_grad")}
        numbers = {name: 0.0 if empty else float(memory[name]) for name in ("t", "H_diag")}
        arrays = {
            "images": self._variable.detach().cpu().numpy(),
            "spent": np.array(self.spent, dtype=np.int64),
            "iterations": np.array(memory.get("n_iter", 0), dtype=np.int64),
            "pairs": np.array(len(stacked["ro"]), dtype=np.int64),
            **lines,
            **{name: np.array(value) for name, value in numbers.items()},
            **{name: _padded(stacked[name], (PAIRS, number)) for name in ("old_dirs", "old_stps")},
            "ro": _padded(stacked["ro"], (PAIRS,)),
        }
        return {f"l-bfgs/{name}": array for name, array in arrays.items()}

    def restore(self, arrays: Arrays) -> None:
        """Restore the state of one image."""
        like = self._variable.detach()
        made: Callable[[str], Tensor] = lambda name: torch.tensor(arrays[f"l-bfgs/{name}"]).to(like)  # noqa: E731
        self.spent = int(arrays["l-bfgs/spent"])
        self._variable.data = made("images")
        memory = self._optimiser.state[self._variable]
        memory.clear()
        if iterations := int(arrays["l-bfgs/iterations"]):
            pairs = int(arrays["l-bfgs/pairs"])
            memory |= {"func_evals": self.spent, "n_iter": iterations, "prev_loss": 0.0}  # read by no later iteration
            memory |= {name: float(arrays[f"l-bfgs/{name}"]) for name in ("t", "H_diag")}
            memory |= {name: made(name) for name in ("d", "prev_flat_grad")}
            memory |= {name: list(made(name)[:pairs]) for name in ("old_dirs", "old_stps", "ro")}


def method_of(settings: AscentSettings, goal: Goal, images: Tensor) -> Method:
    """Return the method of these ``settings`` for images (B, C, H, W) at their start."""
    if settings.method == "adam":
        return Adam(goal, settings, images)
    return Lbfgs(goal, images) if settings.method == "l-bfgs" else StepRule(goal, settings)


def _padded(rows: list[Tensor], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the ``rows``, padded with zeros to this shape."""
    padded = np.zeros(shape)
    for index, row in enumerate(rows):
        padded[index] = row.cpu().numpy()
    return padded
