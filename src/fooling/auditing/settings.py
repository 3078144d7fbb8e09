"""Settings of an audit: its budget, its seed and the confidence that counts as fooled."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fooling.attacks.evolution.settings import Precision
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
            per_image: Seconds in which the network scores one image.
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
