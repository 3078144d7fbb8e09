"""Settings of the figures: how many runs a gallery shows and which number of the paper is drawn as a line."""

from __future__ import annotations

from pydantic import Field

from fooling.settings import Settings


class FigureSettings(Settings):
    """What the figures show. A figure is given only the keys that its entry in the catalogue names."""

    runs_shown: int = Field(default=5, ge=1, le=12)
    """Runs in a gallery: the first seeds of the experiment's first classifier (the paper shows 5)."""
    reference: float | None = Field(default=0.9999, gt=0.0, lt=1.0)
    """Confidence that the paper reports as the median, drawn as a line; null draws none."""
    reference_error: float | None = Field(default=None, gt=0.0, lt=1.0)
    """Test error of the paper's network, drawn as a line beside the training curves; null draws none."""
