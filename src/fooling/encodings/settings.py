"""What the settings of both encodings share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

#: ``hsv``: the paper's components, the hue one turn. ``hls``: 8-bit HLS as OpenCV reads it, used by the released code.
Colour = Literal["hsv", "hls"]

Probability = Annotated[float, Field(ge=0, le=1)]
