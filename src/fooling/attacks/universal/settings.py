"""Settings of universal perturbations: the norms and sizes, the images used, and the fine-tuning."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from fooling.settings import Seed, Settings

Norm = Literal["linf", "l2"]
#: A size on the 0..1 scale of levels: no change within the range of images is larger than 1.
Size = Annotated[float, Field(gt=0, le=1)]
Number = Annotated[int, Field(ge=1, le=1_000_000)]


class Column(NamedTuple):
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

    def columns(self) -> list[Column]:
        """Return the perturbations, in the order of the record: those of fine-tuned networks are last."""
        compared: tuple[Norm, float] = ("linf", self.compared_size)
        swept: list[tuple[Norm, float]] = [("linf", size) for size in self.sizes_linf]
        swept += [("l2", size) for size in self.sizes_l2]
        return [
            *(Column(*compared, images, 0) for images in sorted(self.fewer_images)),
            *(Column(norm, size, self.images, 0) for norm, size in swept),
            *(Column(*compared, self.images, number) for number in range(1, self.rounds + 1)),
        ]
