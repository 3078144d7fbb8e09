"""How often a retrained network sees the real images."""

from __future__ import annotations

from fooling.training.settings import ClassifierSettings


def at_equal_passes(settings: ClassifierSettings, *, real: int, fooling: int) -> ClassifierSettings:
    """Return ``settings`` with more iterations, so that a pass more is not lost to ``fooling`` images.

    With ``real + fooling`` training images a network makes as many passes over each as one makes over ``real`` ones.
    """
    iterations = round(settings.training.iterations * (real + fooling) / real)
    training = settings.training.model_copy(update={"iterations": iterations})
    return settings.model_copy(update={"training": training})
