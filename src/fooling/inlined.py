"""What a page holds within itself instead of in files beside it."""

from __future__ import annotations

import base64


def data_uri(png: bytes) -> str:
    """A PNG file as the address of an image that needs no other file."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
