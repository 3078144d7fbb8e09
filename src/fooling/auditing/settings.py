"""Settings of an audit: what it spends and counts, and what is known about the network and its images."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from fooling.attacks.evolution.settings import Precision
from fooling.auditing.services import ServiceOptions
from fooling.classifiers.header import Outputs
from fooling.settings import Seed, Settings

OFFSPRING = 200  # images of a generation, as in the paper
#: Fewest images with which a search can be compared: the start and one generation.
LEAST_BUDGET = 2 * OFFSPRING
#: An audit has five searches, and single images for half the budget of one.
SHARES, SINGLE_SHARE, LEAST_SINGLE = 5.5, 4, 100


class AuditSettings(Settings):
    """What an audit spends and counts."""

    budget: Annotated[int, Field(ge=LEAST_BUDGET, le=10**9)] = 40_200
    """Images that every search scores: 200 at the start, and 200 in each generation (40,200: 200 generations)."""
    seed: Seed = 1
    """Seed of all searches."""
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.9999
    """Confidence from which an image counts as fooling the network."""
    precision: Precision = "float32"
    """Number format of the search; reported confidences are those of the stored images in float32."""
    single_images: Annotated[int, Field(ge=1, le=10**6)] = 1000
    """Single noise images and random CPPN images that are scored before any search."""

    @classmethod
    def within(cls, seconds: float, *, per_image: float, seed: int, threshold: float) -> AuditSettings:
        """Return the settings of an audit that takes about so many ``seconds``, with the largest equal budgets.

        Args:
            seconds: Time for the whole audit.
            per_image: Seconds that a search takes for one image.
            seed: Seed of all searches.
            threshold: Confidence from which an image counts as fooling the network.
        """
        shared = int(seconds / per_image / SHARES)
        return cls(
            budget=max(LEAST_BUDGET, shared // OFFSPRING * OFFSPRING),
            seed=seed,
            threshold=threshold,
            single_images=max(LEAST_SINGLE, min(cls.model_fields["single_images"].default, shared // SINGLE_SHARE)),
        )

    @property
    def generations(self) -> int:
        """Generations of a search after its start."""
        return self.budget // OFFSPRING - 1


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What a user says about a network besides its name; whatever is None is found out, or has a default."""

    weights: Path | None = None
    """File of weights: safetensors, or written by ``torch.save``."""
    input_shape: tuple[int, int, int] | None = None
    """Shape (C, H, W) of the images."""
    class_names: tuple[str, ...] | None = None
    """Names of the classes, in the network's order."""
    divisor: float | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    outputs: Outputs | None = None
    colour: Literal["rgb", "bgr"] = "rgb"
    """Order of the channels that an ONNX network expects."""
    chunk_size: int | None = None
    mirror: Path | None = None
    """Folder in which torchvision's weights are looked for before they are downloaded."""
    prompts: tuple[str, ...] = ("a photo of a {}.",)
    """Sentences for each class of a zero-shot classifier; ``{}`` stands for its name."""
    black_box: bool = False
    """Use the probabilities of the network alone, without logits and gradients; a service gives no more."""
    service: ServiceOptions = field(default_factory=ServiceOptions)

    def deciding(self) -> list[str]:
        """Return what decides the result: everything but where files are and how a service is asked."""
        names = [each.name for each in fields(self) if each.name not in ("mirror", "service")]
        return [f"{name}: {getattr(self, name)}" for name in names]
