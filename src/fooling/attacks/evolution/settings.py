"""Settings of one search: how many images it scores, and how they are presented to the classifier."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from fooling.encodings.settings import CppnSettings, EncodingSettings
from fooling.settings import Settings

Even = Annotated[int, Field(ge=2, le=100_000, multiple_of=2)]
_STEPS = [factor * 10**power for power in range(6) for factor in (1, 2, 5)]  # between generations kept in the history


class SearchSettings(Settings):
    """The budget of a search and the form in which images are scored (paper: section 2.2; released MNIST set-up)."""

    start: Even = 200
    """Random genomes scored before the first generation."""
    offspring: Even = 200
    """Children scored in every generation."""
    generations: Annotated[int, Field(ge=1, le=10_000_000)] = 200
    """Generations after the start."""
    extra_batch: bool = False
    """Score one more batch of offspring in generation 0, as the released code does."""
    scoring_input: Literal["as-trained", "mean-subtracted"] = "as-trained"
    """Feed images as in training, or with the mean training image subtracted, as the released code does."""
    ties: Literal["keep", "log-odds"] = Field(default="keep", exclude_if=lambda ties: ties == "keep")
    """An image with the confidence of a champion does not replace it: `keep`, as in the paper; or it does if its
    `log-odds` are higher, which are compared in float64 where confidences are 1, or 0, in float32."""

    @property
    def evaluations(self) -> int:
        """Images scored in the whole search."""
        return self.start + self.offspring * (self.generations + self.extra_batch)


#: How images are scored while searching: in float32; in bfloat16, with every champion of the record scored again in
#: float32; or in bfloat16 with float32 for the images that could beat a champion, which finds the same as float32.
Precision = Literal["float32", "bfloat16", "screened"]

#: What the released code does otherwise (paper-facts: the loop; scoring input of the MNIST set-up).
RELEASED = {"extra_batch": True, "scoring_input": "mean-subtracted"}


class EvolutionSettings(Settings):
    """Everything that decides a run besides its seed and its classifier."""

    encoding: EncodingSettings = CppnSettings()
    """How a genome becomes an image, and how genomes vary."""
    search: SearchSettings = SearchSettings()
    """Budget and scoring."""
    precision: Precision = Field(default="float32", exclude_if=lambda precision: precision == "float32")
    """Number format in which images are scored while searching; recorded confidences are always those of float32."""

    @model_validator(mode="after")
    def _exact_ties(self) -> Self:
        if self.search.ties == "log-odds" and self.precision != "float32":
            raise ValueError("search.ties: log-odds only with precision: float32")
        return self


def is_kept(generation: int) -> bool:
    """Return whether the history records a generation: all up to 200, then in steps of at most 1 %, and the last.

    The steps are 1, 2, 5, 10, 20, 50 and so on: 20,000 generations leave about 900 rows.
    """
    step = max((step for step in _STEPS if step * 100 <= generation), default=1)
    return generation % step == 0
