"""Parameters of estimands, which a claim sets: the runs, classifiers and images that it is about."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fooling.ablation.probe_images import Change, Family
from fooling.attacks.adversarial.record import Method
from fooling.attacks.record import Norm
from fooling.retraining.settings import Filling
from fooling.settings import Settings

Detector = Literal["maximum-softmax", "temperature", "energy", "mahalanobis", "neighbours", "openmax", "disagreement"]
#: How the sentence of a claim names the value of each parameter.
PHRASES = {
    "architecture": "architecture {}",
    "built_as": "networks {}",
    "weight_decay": "weight decay {}",
    "way": "trained with {}",
    "experiment": "experiment {}",
    "ascent": "gradient ascent {}",
    "adversarial": "adversarial examples {}",
    "universal": "universal perturbations {}",
    "norm": "norm {}",
    "round": "fine-tuned {} times",
    "label_only": "attack with labels alone {}",
    "guards": "detectors {}",
    "detector": "detector {}",
    "method": "method {}",
    "size": "size {}",
    "fill": "filled with {}",
    "removed": "{} removed",
    "random_images": "random images {}",
    "change": "change {}",
    "strength": "strength {}",
    "real_images": "above the {} of real images",
    "search": "{}",
    "control": "control {}",
    "relation": "shown to the {}",
    "training_images": "with {} training images",
    "shown_to": "shown to {}",
    "retraining": "retraining {}",
    "filled_with": "fooling class of {}",
    "control_filling": "control {}",
    "network": "network {}",
    "asked": "people asked {}",
    "level": "at {}",
    "count": "{} champions",
    "classes": "classes {}",
    "generation": "up to generation {}",
}
#: Whether a bound is compared with a two-sided interval, or with a one-sided bound of the same confidence.
Sided = Literal["one", "two"]
#: Every estimand can be restricted to an architecture.
COMMON = frozenset({"architecture"})


class Filter(Settings):
    """The parameters of all estimands: runs, classifiers, and generation on which one is evaluated."""

    architecture: str | None = None
    """Architecture of the classifiers."""
    built_as: str | None = None
    """Architecture of the classifiers with its options and loss, as in the table `rubbish`."""
    weight_decay: float | None = Field(default=None, ge=0)
    """Weight decay with which the classifiers were trained; null: any."""
    way: str | None = None
    """How the classifiers were trained, as in the table `hardened`."""
    experiment: str | None = None
    """Name of the experiment whose runs are evaluated."""
    ascent: str | None = None
    """Name of the gradient ascent that is evaluated."""
    adversarial: str | None = None
    """Name of the attack whose adversarial examples are evaluated."""
    universal: str | None = None
    """Name of the attack whose universal perturbations are evaluated."""
    norm: Norm | None = None
    """Norm of the universal perturbation."""
    round: int = Field(default=0, ge=0)
    """Rounds of fine-tuning of the attacked classifiers; 0: the classifiers as they are."""
    label_only: str | None = None
    """Name of the attack with labels alone that is evaluated."""
    guards: str | None = None
    """Name of the entry of `detectors` that is evaluated."""
    detector: Detector | None = None
    """Kind of the detector that is evaluated."""
    method: Method | None = None
    """Method that made the adversarial examples."""
    size: float | None = Field(default=None, gt=0, le=1)
    """Size of the change that it was given, or of the universal perturbation, on the 0..1 scale; null: it looks for the
    smallest change."""
    fill: Literal["mean", "background", "noise"] | None = None
    """What replaces the removed pixels of champions."""
    removed: int | None = Field(default=None, ge=1)
    """Number of copies that are removed from champions; the control loses as many pixels elsewhere."""
    random_images: Family | None = None
    """Family of the random images that are compared with random CPPNs."""
    change: Change | None = None
    """How champions and real images are changed."""
    strength: float | None = Field(default=None, gt=0)
    """Strength of the change."""
    search: Literal["map-elites", "random-search", "drift"] = "map-elites"
    """The search that is evaluated."""
    real_images: Literal["median", "95th percentile"] = "median"
    """What of the confidences of real images champions are compared with."""
    control: Literal["random-search", "drift"] | None = None
    """The search with which it is compared, run by run."""
    relation: Literal["same architecture", "other architecture"] = "same architecture"
    """Architecture of the classifiers to which images are shown, relative to their own classifier's."""
    training_images: Literal["same", "disjoint"] | None = None
    """How the training images of these classifiers are related to those of their own classifier; null: anyhow."""
    shown_to: str | None = None
    """Architecture of the classifiers to which images are shown."""
    retraining: str | None = None
    """Name of the retraining whose classifiers are evaluated."""
    filled_with: Filling = "champions"
    """Content of the fooling class of these classifiers."""
    control_filling: Filling | None = None
    """The filling with which it is compared, chain by chain."""
    network: int | None = Field(default=None, ge=1)
    """Number of the evaluated classifiers in their chains."""
    asked: Literal["two-way-random", "two-way-confused", "all-way"] | None = None
    """Question that people are asked about the images of the experiment."""
    level: float | None = Field(default=None, gt=0, lt=1)
    """Confidence level that replaces the study's threshold."""
    count: int | None = Field(default=None, ge=1)
    """Number of the most confident champions that are evaluated."""
    classes: tuple[tuple[int, int], ...] | None = Field(default=None, min_length=1)
    """Classes that are evaluated, as ranges with the first and the last index; null: all classes."""
    generation: int | None = Field(default=None, ge=0)
    """Generation at which the runs are evaluated; later events do not count."""
