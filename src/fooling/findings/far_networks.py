"""Classifiers as they are measured far from the data: functions from levels of any size to logits and gradients."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from fooling.classifiers.architectures import FITTED_MODELS
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.gradients import built_as, log_odds_gradients, logits_of_levels, loss_of, weight_decay_of
from fooling.errors import FoolingError
from fooling.findings.far import FarNetwork, Loss


def far_network(classifier: Classifier) -> FarNetwork:
    """Return a classifier as it is measured far from the data."""
    place = classifier.provenance.get("retraining") or {}

    def logits(levels: NDArray[np.float32]) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = logits_of_levels(classifier, torch.from_numpy(levels)).cpu().numpy()
        return scores

    def gradients(levels: NDArray[np.float64], classes: NDArray[np.int64]) -> NDArray[np.float64]:
        given = torch.from_numpy(levels).to(classifier.device), torch.from_numpy(classes).to(classifier.device)
        try:
            by_level: NDArray[np.float64] = log_odds_gradients(classifier, *given)[1].cpu().numpy()
        except FoolingError as error:
            raise FoolingError(
                f"the rays of {classifier.name} cannot be measured",
                found=str(error).partition("\n")[0],
                remedy="leave the network out of far.classifiers",
            ) from None
        return by_level

    return FarNetwork(
        name=classifier.name,
        built_as=built_as(classifier),
        loss=cast("Loss", loss_of(classifier)),
        weight_decay=weight_decay_of(classifier),
        retraining=classifier.name.partition("/")[0] if place else None,
        first=place.get("first"),
        number=int(place.get("number", 1)),
        filled_with=place.get("filled_with"),
        input_shape=classifier.input_shape,
        classes=len(classifier.targets),
        logits=logits,
        gradients=None if classifier.architecture in FITTED_MODELS else gradients,
    )
