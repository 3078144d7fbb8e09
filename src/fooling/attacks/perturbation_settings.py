"""Settings of the attacks that change real images, one class each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from fooling.settings import Seed, Settings

Method = Literal["l-bfgs", "fgsm", "pgd-l2", "pgd-linf", "deepfool", "hop-skip-jump"]
Norm = Literal["l2", "linf"]
#: A size on the 0..1 scale of levels: no change within the range of images is larger than 1.
Size = Annotated[float, Field(gt=0, le=1)]

#: The norm in which each method looks for a small change.
NORM_OF: dict[Method, Norm] = {
    "l-bfgs": "l2",
    "fgsm": "linf",
    "pgd-l2": "l2",
    "pgd-linf": "linf",
    "deepfool": "l2",
    "hop-skip-jump": "l2",
}
#: Methods that are given a size; the others look for the smallest change.
SIZED: tuple[Method, ...] = ("fgsm", "pgd-l2", "pgd-linf")
#: Methods that need labels alone.
WITHOUT_GRADIENTS: tuple[Method, ...] = ("hop-skip-jump",)


class Change(NamedTuple):
    """One perturbation of every image: a method, and the size that it was given."""

    method: Method
    size: float | None
    """On the 0..1 scale: the root mean square of the change for l2, the largest change for linf; None: smallest."""

    @property
    def norm(self) -> Norm:
        """The norm of the method."""
        return NORM_OF[self.method]


class AdversarialSettings(Settings):
    """Small changes of real test images that the classifier then gets wrong, beside random changes of the same norm."""

    seed: Seed = 1
    """Seed that draws the images, the random perturbations and the random numbers of the methods."""
    images: Annotated[int, Field(ge=1, le=100_000)] = 20
    """Number of test images, evenly over the classes, of those that the classifier gets right."""
    methods: tuple[Method, ...] = tuple(NORM_OF)
    """Methods: `l-bfgs`, `deepfool` and `hop-skip-jump` look for the smallest change, `fgsm`, `pgd-l2` and `pgd-linf`
    make changes of given sizes. `hop-skip-jump` needs labels alone, the others gradients."""
    sizes_l2: tuple[Size, ...] = (0.02, 0.05, 0.1, 0.15, 0.2)
    """Sizes for `pgd-l2`: the root mean square of the change over all pixels, on the 0..1 scale of levels."""
    sizes_linf: tuple[Size, ...] = (0.02, 0.05, 0.1, 0.2, 0.3)
    """Sizes for `fgsm` and `pgd-linf`: the largest change of a pixel, on the 0..1 scale of levels."""
    pgd_steps: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Steps of `pgd-l2` and `pgd-linf`, each of 2.5 times the size over this number."""
    target: Literal["most-probable", "random"] = "most-probable"
    """Class that `l-bfgs` aims at: the `most-probable` wrong class of the real image, or a `random` wrong class."""
    penalty_searches: Annotated[int, Field(ge=1, le=100)] = 12
    """Bisections of the weight of the norm in `l-bfgs`, after the range of weights is found."""
    iterations: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Most iterations of `l-bfgs` for each weight."""
    overshoot: Annotated[float, Field(ge=0, le=1)] = 0.02
    """Share by which `deepfool` goes beyond the boundary that it finds."""
    boundary_steps: Annotated[int, Field(ge=1, le=1000)] = 4
    """Steps of `hop-skip-jump`."""
    boundary_queries: Annotated[int, Field(ge=2, le=100_000)] = 50
    """Queries from which `hop-skip-jump` estimates the first direction; later steps use more, as their square root."""
    chunk: Annotated[int, Field(ge=1, le=10_000)] = 10
    """Images of a step of the run, after which it can be interrupted."""

    @model_validator(mode="after")
    def _some_and_unique(self) -> Self:
        for key in ("methods", "sizes_l2", "sizes_linf"):
            values = getattr(self, key)
            if not values or len(set(values)) < len(values):
                raise ValueError(f"at least one value in {key}, and unique values")
        return self

    def sizes_of(self, method: Method) -> Sequence[float | None]:
        """Return the sizes of a method; a single None if it looks for the smallest change."""
        if method not in SIZED:
            return (None,)
        return self.sizes_l2 if NORM_OF[method] == "l2" else self.sizes_linf

    def columns(self) -> list[Change]:
        """Return the perturbations of every image, in the order of the record."""
        return [Change(method, size) for method in self.methods for size in self.sizes_of(method)]


Number = Annotated[int, Field(ge=1, le=1_000_000)]


class Perturbation(NamedTuple):
    """One perturbation of a record: its norm and size, the images it was found on, and the network's round."""

    norm: Norm
    size: float
    """On the 0..1 scale: the largest change of a pixel for linf, the root mean square over all pixels for l2."""
    images: int
    """Images on which it was found."""
    round: int
    """Rounds of fine-tuning of the network that is attacked; 0: the network as it is."""


class UniversalSettings(Settings):
    """One perturbation for all images, found on some of them, beside random perturbations of the same norm."""

    seed: Seed = 1
    """Seed that draws the images, the batches and the random perturbations."""
    sizes_linf: tuple[Size, ...] = (0.04, 0.1, 0.2, 0.3)
    """Sizes for linf: the largest change of a pixel, on the 0..1 scale of levels."""
    sizes_l2: tuple[Size, ...] = (0.04, 0.1, 0.2, 0.3)
    """Sizes for l2: the root mean square of the change over all pixels, on the 0..1 scale of levels. The same size for
    linf has the same root mean square, or a smaller one."""
    compared_size: Size = 0.1
    """The size, one of `sizes_linf`, at which numbers of images and fine-tuned networks are compared."""
    images: Number = 1000
    """Images on which each perturbation is found: training images, or test images if there are none for training."""
    fewer_images: tuple[Number, ...] = (10, 100)
    """Smaller numbers of images, on which further perturbations of `compared_size` are found."""
    unseen: Number = 1000
    """Test images, none of them used, on which the perturbations are tried."""
    steps: Annotated[int, Field(ge=1, le=100_000)] = 100
    """Steps of each perturbation, each against the gradient of one batch."""
    batch: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Images of a batch; with fewer images, a batch has all of them."""
    controls: Annotated[int, Field(ge=1, le=1000)] = 5
    """Random perturbations beside each one, of the same norm and size."""
    rounds: Annotated[int, Field(ge=0, le=100)] = 0
    """Times that a copy of the network is fine-tuned on perturbed training images and attacked again; 0: never."""
    tuning_steps: Annotated[int, Field(ge=1, le=1_000_000)] = 200
    """Steps of each fine-tuning. Each image of a batch is perturbed with probability 1/2."""
    tuning_batch: Annotated[int, Field(ge=1, le=10_000)] = 64
    """Training images of a batch of the fine-tuning."""
    tuning_rate: Annotated[float, Field(gt=0, le=10)] = 0.01
    """Learning rate of the fine-tuning: gradient descent with a momentum of .9, without weight decay."""
    examples: Annotated[int, Field(ge=1, le=1000)] = 5
    """Perturbed unseen images that are stored of each perturbation."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for key in ("sizes_linf", "sizes_l2", "fewer_images"):
            values = getattr(self, key)
            if len(set(values)) < len(values):
                raise ValueError(f"unique values in {key}")
        if self.compared_size not in self.sizes_linf:
            raise ValueError(f"a compared_size that is one of sizes_linf, {', '.join(map(str, self.sizes_linf))}")
        if any(number >= self.images for number in self.fewer_images):
            raise ValueError(f"in fewer_images numbers below images, which is {self.images}")
        if self.examples > self.unseen:
            raise ValueError(f"at most as many examples as unseen images, which are {self.unseen}")
        return self

    def columns(self) -> list[Perturbation]:
        """Return the perturbations, in the order of the record: those of fine-tuned networks are last."""
        compared: tuple[Norm, float] = ("linf", self.compared_size)
        swept: list[tuple[Norm, float]] = [("linf", size) for size in self.sizes_linf]
        swept += [("l2", size) for size in self.sizes_l2]
        return [
            *(Perturbation(*compared, images, 0) for images in sorted(self.fewer_images)),
            *(Perturbation(norm, size, self.images, 0) for norm, size in swept),
            *(Perturbation(*compared, self.images, number) for number in range(1, self.rounds + 1)),
        ]
