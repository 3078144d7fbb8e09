"""What makes the steps of gradient ascent: the released code's rule, Adam, or L-BFGS.

A step of the first two computes one gradient of every image. L-BFGS computes as many as its line search asks for. Its
images stay beside the others at equal cost: here a step is one evaluation of the objective and its gradient, and an
image is shown as it stood after the last iteration that so many evaluations pay for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import logsigmoid

from fooling.ascent.settings import AscentSettings
from fooling.ascent.step import rates, regularised
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.gradients import log_odds_gradients

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
        """Log-odds (B,) of all ``images``, and their gradients (B, C, H, W) by level."""
        return log_odds_gradients(self.classifier, images + self.mean, self.classes)

    def gradient_of_one(self, row: int, image: Tensor) -> tuple[Tensor, Tensor]:
        """The same of the image (C, H, W) in this row alone: one number, and (C, H, W)."""
        log_odds, gradients = log_odds_gradients(
            self.classifier, (image + self.mean)[None], self.classes[row : row + 1]
        )
        return log_odds[0], gradients[0]

    def within_range(self, images: Tensor) -> Tensor:
        """Differences from the mean image such that every level lies within 0..255."""
        return images.clamp(min=-self.mean, max=LEVELS - self.mean)


class Method(Protocol):
    """One way to make steps, with a state of its own."""

    layout: Mapping[str, str]  # of the arrays of its state; B images of C x H x W, N numbers each

    def moved(self, images: Tensor, *, step: int) -> Tensor:
        """The images (B, C, H, W) after the ``step``, counted from 1."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Arrays from which :meth:`restore` resumes to the same bits."""

    def restore(self, arrays: Arrays) -> None:
        """Take over a state whose layout has been checked."""


class StepRule:
    """The released code's rule, which aims at a rise of the confidence; it has no memory."""

    layout: Mapping[str, str] = {}

    def __init__(self, goal: Goal, settings: AscentSettings) -> None:
        self._goal, self._settings = goal, settings

    def moved(self, images: Tensor, *, step: int) -> Tensor:
        """The images after one step along their gradients, made regular."""
        log_odds, gradients = self._goal.gradients(images)
        squared_norms = gradients.flatten(1).square().sum(dim=1)
        moved = images + rates(log_odds, squared_norms, self._settings)[:, None, None, None] * gradients
        return self._goal.within_range(regularised(moved, gradients, step=step, settings=self._settings))

    def state(self) -> dict[str, NDArray[Any]]:
        """Nothing."""
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
        """The images after one step, made regular."""
        log_odds, gradients = self._goal.gradients(images)
        self._images.data = images
        self._images.grad = torch.sigmoid(-log_odds)[:, None, None, None] * gradients
        self._optimiser.step()
        moved = self._images.detach().clone()
        return self._goal.within_range(regularised(moved, gradients, step=step, settings=self._settings))

    def state(self) -> dict[str, NDArray[Any]]:
        """The moving averages of the gradient and of its square."""
        return {f"adam/{name}": values.cpu().numpy() for name, values in self._memory.items()}

    def restore(self, arrays: Arrays) -> None:
        """Take over the moving averages."""
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
        self._climbs = [_LbfgsOfOne(goal, row, image) for row, image in enumerate(images)]

    def moved(self, images: Tensor, *, step: int) -> Tensor:
        """The images that ``step`` evaluations pay for."""
        shown = images.clone()
        for row, climb in enumerate(self._climbs):
            if climb.spent < step:
                climb.iterate()
            if climb.spent == step:
                shown[row] = climb.image()
        return shown

    def state(self) -> dict[str, NDArray[Any]]:
        """What torch remembers of every image, and what each has spent."""
        parts = [climb.state() for climb in self._climbs]
        return {name: np.stack([part[name] for part in parts]) for name in self.layout}

    def restore(self, arrays: Arrays) -> None:
        """Take over the memory of every image."""
        for row, climb in enumerate(self._climbs):
            climb.restore({name: arrays[name][row] for name in self.layout})


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
        """The image (C, H, W) as a difference from the mean image, within the range of levels."""
        return self._goal.within_range(LEVELS * self._variable.detach())

    def iterate(self) -> None:
        """Make one iteration: the gradient where the image stands, and a line search."""
        self._optimiser.step(self._objective)  # type: ignore[no-untyped-call]

    def _objective(self) -> Tensor:
        """-log p, to be minimised, and its gradient, which torch reads from the variable."""
        self.spent += 1
        image = LEVELS * self._variable.detach()
        clipped = self._goal.within_range(image)
        log_odds, gradient = self._goal.gradient_of_one(self._row, clipped)
        self._variable.grad = -LEVELS * torch.sigmoid(-log_odds) * gradient * (image == clipped)
        return -logsigmoid(log_odds)

    def state(self) -> dict[str, NDArray[Any]]:
        """The arrays of one row of the layout."""
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
        """Take over one row of the layout."""
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
    """What makes the steps under these ``settings``, for images (B, C, H, W) at their start."""
    if settings.method == "adam":
        return Adam(goal, settings, images)
    return Lbfgs(goal, images) if settings.method == "l-bfgs" else StepRule(goal, settings)


def _padded(rows: list[Tensor], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """The ``rows``, and zeros below them up to this shape."""
    padded = np.zeros(shape)
    for index, row in enumerate(rows):
        padded[index] = row.cpu().numpy()
    return padded
