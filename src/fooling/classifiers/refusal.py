"""Refusal: a constant on the logit of the fooling class decides how many images a classifier refuses."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """The constant, and whether the network gives a logit for the fooling class at all.

    A network without that class refuses by its largest logit: its images are refused where that is below ``shift``.
    """

    shift: float
    """Added to the logit of the fooling class; 0 stands for the logit that a network does not give."""
    appended: bool
    """Whether the network gives no logit for the fooling class."""

    def shifted(self, logits: torch.Tensor) -> torch.Tensor:
        """Logits (B, L) of the network as logits with the fooling class last and shifted; can be differentiated."""
        if self.appended:
            return torch.cat((logits, torch.full_like(logits[:, :1], self.shift)), dim=1)
        return torch.cat((logits[:, :-1], logits[:, -1:] + self.shift), dim=1)
