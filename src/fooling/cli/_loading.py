"""What commands on classifiers share: opening them to compute, and naming those that are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from fooling.classifiers.classifier import Classifier
from fooling.classifiers.classifier_file import load_classifier
from fooling.classifiers.devices import chosen_device


def open_classifier(path: Path, *, device: str, architecture: Sequence[str] | None) -> Classifier:
    """Return the classifier in a file; it computes with one thread, because many such commands run at once."""
    torch.set_num_threads(1)
    return load_classifier(path, chosen_device(device), architecture or ())


def named_output(name: str, output: Path | None, *, otherwise: str) -> tuple[str, Path]:
    """Return the name and the file of a classifier; each is taken from the other one if it is not given."""
    chosen = name or (otherwise if output is None else output.stem)
    return chosen, Path(f"{chosen}.safetensors") if output is None else output


def scorer(classifier: Classifier) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    """Return a function that computes the confidences (B, K) of images (B, C, H, W), both as arrays."""

    def confidences(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = classifier.confidences(torch.from_numpy(images)).cpu().numpy()
        return scores

    return confidences
