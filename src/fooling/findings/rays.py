"""Rays that leave the data: the confidence in a x for a growing factor a.

Hein, Andriushchenko and Bitterwolf: Why ReLU Networks Yield High-Confidence Predictions Far Away from the Training Data
(2019). A network of ReLU, maximum and linear layers is linear on each of finitely many pieces. So a ray stays in one
piece in the end. There the logits are linear in a, and the log-odds of the class with the steepest logit grow at the
rate at which this logit outgrows the second steepest. A network of bounded units such as tanh saturates instead.
Clipped to the range of images, a ray through noise ends in black and white pixels. Rays are directions without a
search: they do not show what an attack would find.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fooling.findings.calibration import log_odds_in
from fooling.findings.far import LEVELS, FarNetwork, FarSettings, described
from fooling.findings.intervals import probability_of
from fooling.findings.registry import BUILT_AS, CLASS_INDEX, CLASSIFIER, CLIPPED, WEIGHT_DECAY
from fooling.reproducibility import numpy_generator
from fooling.table import COUNT, NOT_NEGATIVE, NUMBER, SHARE, Column, Table, Values, one_of

FACTOR = Values(kind="number", least=1)
DIRECTION = Column(
    "direction",
    one_of("image", "noise"),
    doc="What the factor multiplies: a real test image (0 to 1), or a random direction from N(0, I).",
)
RAYS = Table(
    name="rays",
    path="findings/far/rays.csv",
    commands=("probe-far",),
    columns=(
        *(CLASSIFIER, BUILT_AS, WEIGHT_DECAY, DIRECTION, CLIPPED),
        Column("factor", FACTOR, doc="The factor a of the input a x; 1 is the image itself, or an input from N(0, I)."),
        Column("rays", COUNT, unit="rays", doc="Number of rays."),
        Column(
            "median_log_odds",
            NUMBER,
            unit="log-odds",
            doc="Median over the rays of the log-odds of the most probable class, from the softmax.",
        ),
        Column("low_log_odds", NUMBER, unit="log-odds", doc="Lower quartile over the rays of the same."),
        Column("high_log_odds", NUMBER, unit="log-odds", doc="Upper quartile over the rays of the same."),
        Column("sure", SHARE, doc="Share of the rays on which the confidence is at least `findings.threshold`."),
    ),
    key=("classifier", "direction", "clipped", "factor"),
    doc="One row for each network, direction and factor: the confidence along rays. An attack may find more.",
)
RAY_SLOPES = Table(
    name="ray_slopes",
    path="findings/far/ray_slopes.parquet",
    commands=("probe-far",),
    columns=(
        *(CLASSIFIER, BUILT_AS, WEIGHT_DECAY, DIRECTION),
        Column("ray", COUNT, doc="Number of the ray, counted from 0."),
        CLASS_INDEX,
        Column("factor", FACTOR, doc="The largest factor; the rays are not clipped."),
        Column(
            "log_odds", NUMBER, unit="log-odds", doc="Log-odds of the class at this factor, where it is most probable."
        ),
        Column("sure", SHARE, doc="Whether the confidence in it is at least `findings.threshold`: 1, otherwise 0."),
        Column(
            "last_change",
            NUMBER,
            unit="log-odds",
            doc="Change of the log-odds of this class from half the largest factor to the largest.",
        ),
        Column(
            "measured_slope", NUMBER, unit="log-odds", doc="The same change, divided by the difference of the factors."
        ),
        Column(
            "gradient_slope",
            NUMBER,
            unit="log-odds",
            doc="Slope by the theorem: gradient of the log-odds at the largest factor, along the ray.",
        ),
        Column(
            "slope_difference",
            NOT_NEGATIVE,
            doc="Difference of the two slopes, divided by the larger one; 0 if both are 0. Near 0: the ray is linear.",
        ),
    ),
    key=("classifier", "direction", "ray"),
    may_be_empty=True,
    doc="One row for each network and ray: the measured slope of the log-odds far from the data, and that of the "
    "theorem. A fitted model has none: it has no gradients.",
)


def directions(test_images: NDArray[np.uint8], settings: FarSettings) -> dict[str, NDArray[np.float64]]:
    """Return the directions x (R, C, H, W) of the rays by kind: real test images in 0 to 1, and N(0, I)."""
    generator = numpy_generator(settings.seed, "rays")
    count = min(settings.rays, len(test_images))
    chosen = np.sort(generator.choice(len(test_images), count, replace=False))
    noise = generator.standard_normal((settings.rays, *test_images.shape[1:]))
    return {"image": test_images[chosen].astype(np.float64) / LEVELS, "noise": noise}


def rays_tables(
    networks: Sequence[FarNetwork],
    along: Mapping[str, NDArray[np.float64]],
    *,
    doublings: int,
    threshold: float,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tables ``rays`` and ``ray_slopes``.

    Args:
        networks: The networks; retrained ones are left out.
        along: Directions x (R, C, H, W) by kind, in the unit in which pixels are 0 to 1.
        doublings: How often the factor doubles, from 1 on.
        threshold: Confidence from which a network counts as sure.
    """
    factors = [float(2**power) for power in range(doublings + 1)]
    cases = [(one, kind, x) for one in networks if one.number == 1 for kind, x in along.items()]
    rays = [row for case in cases for row in _confidences_along(*case, factors, threshold)]
    slopes = [row for case in cases for row in _slopes_along(*case, factors, threshold)]
    return pd.DataFrame(rays, columns=RAYS.names), pd.DataFrame(slopes, columns=RAY_SLOPES.names)


def _confidences_along(
    network: FarNetwork, kind: str, x: NDArray[np.float64], factors: Sequence[float], threshold: float
) -> Iterator[dict[str, Any]]:
    for clipped in (False, True):
        for factor in factors:
            inputs = (factor * x).clip(0, 1) if clipped else factor * x
            logits = network.logits((LEVELS * inputs).astype(np.float32))
            log_odds = log_odds_in(logits, logits.argmax(axis=1))
            low, median, high = np.quantile(log_odds, [0.25, 0.5, 0.75])
            yield {
                **described(network),
                "direction": kind,
                "clipped": clipped,
                "factor": factor,
                "rays": len(x),
                "median_log_odds": float(median),
                "low_log_odds": float(low),
                "high_log_odds": float(high),
                "sure": float((probability_of(log_odds) >= threshold).mean()),
            }


def _slopes_along(
    network: FarNetwork, kind: str, x: NDArray[np.float64], factors: Sequence[float], threshold: float
) -> Iterator[dict[str, Any]]:
    """Yield one row for each ray; none for a model without gradients."""
    if network.gradients is None:
        return
    before, last = factors[-2:]
    far = LEVELS * last * x
    logits = network.logits(far.astype(np.float32))
    tops = logits.argmax(axis=1)
    log_odds = log_odds_in(logits, tops)
    changes = log_odds - log_odds_in(network.logits((LEVELS * before * x).astype(np.float32)), tops)
    by_input = LEVELS * network.gradients(far, tops)
    for ray, top in enumerate(tops):
        measured = float(changes[ray] / (last - before))
        gradient = float((by_input[ray] * x[ray]).sum())
        larger = max(abs(measured), abs(gradient))
        yield {
            **described(network),
            "direction": kind,
            "ray": ray,
            "class_index": int(top),
            "factor": last,
            "log_odds": float(log_odds[ray]),
            "sure": float(probability_of(log_odds[ray]) >= threshold),
            "last_change": float(changes[ray]),
            "measured_slope": measured,
            "gradient_slope": gradient,
            "slope_difference": abs(measured - gradient) / larger if larger else 0.0,
        }
