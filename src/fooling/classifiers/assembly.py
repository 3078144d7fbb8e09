"""A network and a data set make a classifier: preprocessing from the training images, classes, and the test error."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from fooling.classifiers.architectures import find_architecture
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.settings import InputSettings, NetworkSettings
from fooling.datasets.dataset import Dataset
from fooling.errors import FoolingError

MID_GREY = 127.5


def assembled(
    network: nn.Module,
    *,
    name: str,
    settings: NetworkSettings,
    dataset: Dataset,
    device: torch.device,
) -> Classifier:
    """``network`` as a classifier of the images and classes of ``dataset``, fed as ``settings.input`` says."""
    if settings.input.subtract_mean:
        dataset.require_training_images("input.subtract_mean")
    mean = training_mean_of(dataset.train_images)
    offset, scale = offset_and_scale(settings.input, mean)
    architecture = find_architecture(settings.architecture)
    return Classifier(
        name=name,
        architecture=settings.architecture,
        architecture_sha256=architecture.sha256,
        options=settings.options,
        network=network,
        input_shape=dataset.image_shape,
        crop=settings.input.crop,
        views=settings.input.views,
        class_names=dataset.class_names,
        offset=offset,
        scale=scale,
        training_mean=mean,
        chunk_size=settings.chunk_size or architecture.chunk_size,
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
    with np.errstate(divide="ignore", over="ignore"):
        scale = torch.from_numpy(1 / (settings.divisor * std)).float()
    if not (offset.isfinite().all() and scale.isfinite().all()):
        raise FoolingError(
            "input gives numbers beyond those of float32",
            found=f"divisor {settings.divisor}, mean {settings.mean}, std {settings.std}",
            expected="finite values of (level / divisor - mean) / std for levels from 0 to 255",
        )
    return offset, scale


def measured_errors(
    classifier: Classifier, images: NDArray[np.uint8], labels: NDArray[np.int64]
) -> dict[str, float | None]:
    """The shares of ``images`` (N, C, H, W) whose label (N,) is not the most probable class, or not among five.

    Errors are published of one crop, the centre of the image, and so is ours: ten views would err less and take ten
    times as long. With five classes or fewer the second error is None.
    """
    logits = classifier.with_centre_alone().logits(torch.from_numpy(images)).cpu().numpy()
    top5 = None
    if logits.shape[1] > 5:
        best = torch.from_numpy(logits).topk(5).indices.numpy()
        top5 = float((best != labels[:, None]).all(axis=1).mean())
    return {"test_error": float((logits.argmax(axis=1) != labels).mean()), "top5_error": top5}


def _per_channel(key: str, numbers: list[float], channels: int) -> NDArray[Any]:
    if len(numbers) != channels:
        raise FoolingError(f"input.{key} needs one number per channel", found=len(numbers), expected=channels)
    return np.array(numbers, dtype=np.float64).reshape(channels, 1, 1)
