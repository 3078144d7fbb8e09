"""Settings of the figures: the number of runs in a gallery, and the paper's numbers that are drawn as lines."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from fooling.settings import Settings


class FigureSettings(Settings):
    """What the figures show. A figure receives only the keys that its entry in the catalogue names."""

    runs_shown: int = Field(default=5, ge=1, le=12)
    """Runs in a gallery: the first seeds on the experiment's first classifier (the paper shows 5)."""
    reference: float | None = Field(default=0.9999, gt=0.0, lt=1.0)
    """The paper's median confidence, drawn as a line; null draws none."""
    reference_error: float | None = Field(default=None, gt=0.0, lt=1.0)
    """Test error of the paper's network (0 to 1), drawn as a line among the training curves; null draws none."""
    formats: tuple[Literal["png", "pdf"], ...] = ("png",)
    """File formats: `png`, which the report shows, and `pdf` in addition, for print."""

    @field_validator("formats")
    @classmethod
    def _shown_in_the_report(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        if "png" not in formats or len(set(formats)) < len(formats):
            raise ValueError("png, or png and pdf, because the report shows PNG files")
        return formats
