"""Why a contestant cannot take part on this machine."""

from __future__ import annotations

import torch


class UnavailableError(Exception):
    """What a contestant needs is not here; the message says what."""


def require_gpu() -> torch.device:
    """The GPU, or :class:`UnavailableError`."""
    if not torch.cuda.is_available():
        raise UnavailableError("there is no GPU here")
    return torch.device("cuda")
