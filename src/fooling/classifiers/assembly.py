"""A network and a data set make a classifier: preprocessing from the training images, classes, and the test error."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from fooling.classifiers.architectures import find_architecture
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.settings import ClassifierSettings, ImportSettings, InputSettings
from fooling.datasets.dataset import Dataset
from fooling.errors import FoolingError

MID_GREY = 127.5


def assembled(
    network: nn.Module,
    *,
    name: str,
    settings: ClassifierSettings | ImportSettings,
    dataset: Dataset,
    device: torch.device,
) -> Classifier:
    """``network`` as a classifier of the images and classes of ``dataset``, fed as ``settings.input`` says."""
    if settings.input.subtract_mean:
        dataset.require_training_images("input.subtract_mean")
    mean = training_mean_of(dataset.train_images)
    offset, scale = offset_and_scale(settings.input, mean)
    return Classifier(
        name=name,
        architecture=settings.architecture,
        options=settings.options,
        network=network,
        input_shape=dataset.image_shape,
        class_names=dataset.class_names,
        offset=offset,
        scale=scale,
        training_mean=mean,
        chunk_size=find_architecture(settings.architecture).chunk_size,
        device=device,
    )


def training_mean_of(images: NDArray[np.uint8]) -> torch.Tensor:
    """The mean of uint8 images ``(N, C, H, W)``, float32 ``(C, H, W)``, in levels 0..255; mid grey of no images."""
    if len(images) == 0:
        return torch.full(images.shape[1:], MID_GREY)
    return torch.from_numpy(images.mean(axis=0, dtype=np.float64).astype(np.float32))


def offset_and_scale(settings: InputSettings, training_mean: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The offset and the scale of the settings, float32, such that a network is fed ``(levels - offset) * scale``.

    Both broadcast to ``(C, H, W)``. Raises :class:`FoolingError` unless mean and std have one number per channel.
    """
    channels = training_mean.shape[0]
    mean = _per_channel("mean", settings.mean or [0.0] * channels, channels)
    std = _per_channel("std", settings.std or [1.0] * channels, channels)
    offset = training_mean if settings.subtract_mean else torch.from_numpy(mean * settings.divisor).float()
    return offset, torch.from_numpy(1 / (settings.divisor * std)).float()


def error_rate(classifier: Classifier, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> float:
    """The share of ``images`` (N, C, H, W) whose most probable class is not their label (N,)."""
    predicted = classifier.logits(torch.from_numpy(images)).argmax(dim=1).cpu().numpy()
    return float((predicted != labels).mean())


def _per_channel(key: str, numbers: list[float], channels: int) -> NDArray[Any]:
    if len(numbers) != channels:
        raise FoolingError(f"input.{key} needs one number per channel", found=len(numbers), expected=channels)
    return np.array(numbers, dtype=np.float64).reshape(channels, 1, 1)
