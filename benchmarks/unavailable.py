"""Why a contestant cannot take part on this machine."""

from __future__ import annotations

import torch

from fooling.attacks.evolution.screening import lacking_bfloat16


class UnavailableError(Exception):
    """What a contestant needs is not here; the message says what."""


def require_gpu() -> torch.device:
    """The GPU, or :class:`UnavailableError`."""
    if not torch.cuda.is_available():
        raise UnavailableError("there is no GPU here")
    return torch.device("cuda")


def require_bfloat16() -> None:
    """Raise :class:`UnavailableError` if this processor computes in bfloat16 no faster than in float32."""
    if (lacking := lacking_bfloat16(torch.device("cpu"))) is not None:
        raise UnavailableError(lacking)
