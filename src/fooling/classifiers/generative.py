"""Generative models: a density of the images of each class, whose scores are log p(x, y).

Images are rows (N, D) of levels / 256, classes numbers from 0 to K - 1. Softmax of the scores gives the posterior
p(y | x), their logarithm of the sum of exponentials gives log p(x). p(y) is the share of the class in the images.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import relu, softplus

from fooling.classifiers.discriminative import squared_distances
from fooling.classifiers.settings import DensitySettings, GaussianSettings, VaeSettings

Images = NDArray[np.float32]
Labels = NDArray[np.int64]
Arrays = dict[str, NDArray[Any]]
Scores = Callable[[torch.Tensor], torch.Tensor]

LOG_2_PI = math.log(2 * math.pi)
BANDWIDTHS = np.geomspace(0.02, 1.0, 60)
COMPARED = 1000  # images of each class at most whose likelihood chooses the bandwidth
LEAST_NOISE = 0.02  # smallest standard deviation of a pixel in an autoencoder
LEAST_SPREAD = 1e-4  # smallest standard deviation of a latent variable given the image


def fit_gaussian(images: Images, labels: Labels, settings: GaussianSettings, seed: int) -> Arrays:
    """Fit the mean and the covariance of each class by maximum likelihood, with few directions of their own.

    Probabilistic principal components (Tipping and Bishop 1999): the variance is free in the ``directions`` of largest
    variance, and in all others their mean, but at least ``least_noise`` squared.
    """
    pixels, found = images.shape[1], []
    classes = int(labels.max()) + 1
    for each in range(classes):
        mine = images[labels == each].astype(np.float64)
        count = min(settings.directions, len(mine) - 1, pixels - 1)
        mean = mine.mean(axis=0)
        _, lengths, directions = np.linalg.svd(mine - mean, full_matrices=False)
        variances = np.square(lengths) / len(mine)
        noise = max(variances[count:].sum() / (pixels - count), settings.least_noise**2)
        padding = settings.directions - count
        own = np.concatenate([np.maximum(variances[:count], noise), np.full(padding, noise)])
        found.append((mean, np.concatenate([directions[:count], np.zeros((padding, pixels))]), own, noise))
    means, directions, variances, noises = (np.array(values) for values in zip(*found, strict=True))
    return {
        "means": means,
        "directions": directions.astype(np.float32),
        "variances": variances,
        "noises": noises,
        "log_priors": _log_priors(labels, classes),
    }


def gaussian_scores(arrays: Mapping[str, NDArray[Any]], settings: GaussianSettings, classes: int) -> Scores:
    """Return log p(x, y)."""
    means, directions, variances, noises, priors = (
        torch.from_numpy(arrays[key]).double() for key in ("means", "directions", "variances", "noises", "log_priors")
    )
    pixels, count = means.shape[1], variances.shape[1]
    constants = priors - 0.5 * (pixels * LOG_2_PI + variances.log().sum(dim=1) + (pixels - count) * noises.log())

    def scores(images: Tensor) -> Tensor:
        exact, columns = images.double(), []
        for mean, own, variance, noise, constant in zip(means, directions, variances, noises, constants, strict=True):
            centred = exact - mean
            along = (centred @ own.T).square()
            rest = centred.square().sum(dim=1) - along.sum(dim=1)
            columns.append(constant - 0.5 * ((along / variance).sum(dim=1) + rest / noise))
        return torch.stack(columns, dim=1)

    return scores


def fit_density(images: Images, labels: Labels, settings: DensitySettings, seed: int) -> Arrays:
    """Store the images, and choose the bandwidth: the most likely one for each image given the others of its class."""
    classes = int(labels.max()) + 1
    width = settings.bandwidth
    if width is None:
        likelihoods = np.zeros(len(BANDWIDTHS))
        for each in range(classes):
            mine = torch.from_numpy(images[labels == each])
            squares = squared_distances(mine[:COMPARED], mine)
            squares.fill_diagonal_(math.inf)
            for index, tried in enumerate(BANDWIDTHS):
                logarithms = torch.logsumexp(-squares / (2 * tried**2), dim=1) - math.log(len(mine) - 1)
                likelihoods[index] += float((logarithms - images.shape[1] * math.log(tried)).sum())
        width = float(BANDWIDTHS[likelihoods.argmax()])
    order = np.argsort(labels, kind="stable")
    levels = np.round(images[order] * 256).astype(np.uint8)
    return {"images": levels, "counts": np.bincount(labels, minlength=classes), "bandwidth": np.array(width)}


def density_scores(arrays: Mapping[str, NDArray[Any]], settings: DensitySettings, classes: int) -> Scores:
    """Return log p(x, y) = log of the mean over the images of class y of a Gaussian around each, plus log p(y)."""
    stored = torch.from_numpy(arrays["images"]).double() / 256
    counts, width = arrays["counts"].tolist(), float(arrays["bandwidth"])
    constant = -math.log(sum(counts)) - stored.shape[1] / 2 * (LOG_2_PI + 2 * math.log(width))

    def scores(images: Tensor) -> Tensor:
        exponents = squared_distances(images, stored) / (-2 * width**2)
        return torch.stack([part.logsumexp(dim=1) for part in torch.split(exponents, counts, dim=1)], dim=1) + constant

    return scores


class Autoencoders(nn.Module):
    """A variational autoencoder for each of K classes, each half with one hidden layer."""

    def __init__(self, classes: int, pixels: int, *, hidden: int, latent: int) -> None:
        super().__init__()

        def layer(inputs: int, outputs: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(classes, inputs + 1, outputs) / math.sqrt(inputs))

        self.first, self.to_latent = layer(pixels, hidden), layer(hidden, 2 * latent)
        self.from_latent, self.last = layer(latent, hidden), layer(hidden, pixels)
        self.noise = nn.Parameter(torch.full((classes,), -1.0))  # of the pixels, before softplus

    def bounds(self, images: Tensor, noise: Tensor) -> Tensor:
        """Return log p(x, z | y) - log q(z | x, y) (K, B, S) for images (K, B, D) and noise (K or 1, B or 1, S, L)."""
        given = relu(_through(self.first, images))
        mean, spread = (part.unsqueeze(2) for part in _through(self.to_latent, given).chunk(2, dim=2))
        spread = softplus(spread) + LEAST_SPREAD
        latent = mean + spread * noise
        painted = torch.sigmoid(_through(self.last, relu(_through(self.from_latent, latent.flatten(1, 2)))))
        squares = (images.unsqueeze(2) - painted.view(*latent.shape[:3], -1)).square().sum(dim=3)
        deviation = (softplus(self.noise) + LEAST_NOISE)[:, None, None]
        of_image = -0.5 * (squares / deviation.square() + images.shape[2] * (LOG_2_PI + 2 * deviation.log()))
        return of_image - 0.5 * latent.square().sum(dim=3) + 0.5 * noise.square().sum(dim=3) + spread.log().sum(dim=3)


def _through(layer: Tensor, values: Tensor) -> Tensor:
    """Return the outputs (K, B, O) of ``values`` (K, B, I); the last row of ``layer`` (K, I + 1, O) is the bias."""
    return torch.baddbmm(layer[:, -1:], values, layer[:, :-1])


def fit_vae(images: Images, labels: Labels, settings: VaeSettings, seed: int) -> Arrays:
    """Train the autoencoders with Adam on the evidence lower bound with one sample; the rate falls as half a cosine.

    Each sees the images of its own class alone.
    """
    classes, shown = int(labels.max()) + 1, torch.from_numpy(images)
    torch.manual_seed(seed)
    network = Autoencoders(classes, images.shape[1], hidden=settings.hidden, latent=settings.latent)
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, settings.iterations)
    places = [torch.from_numpy(np.flatnonzero(labels == each)) for each in range(classes)]
    for _ in range(settings.iterations):
        rows = torch.stack([mine[torch.randint(len(mine), (settings.batch_size,))] for mine in places])
        noise = torch.randn(classes, settings.batch_size, 1, settings.latent)
        loss = -network.bounds(shown[rows], noise).mean(dim=1).sum()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    samples = torch.randn(settings.samples, settings.latent).numpy()
    weights = {key: value.detach().numpy().copy() for key, value in network.state_dict().items()}
    return {**weights, "samples": samples, "log_priors": _log_priors(labels, classes)}


def vae_scores(arrays: Mapping[str, NDArray[Any]], settings: VaeSettings, classes: int) -> Scores:
    """Return a lower bound on log p(x, y) with S samples: log of the mean of p(x, z | y) / q(z | x, y), plus log p(y).

    The importance-weighted bound of Burda et al. (2016). The noise of the samples is the same for all images and
    classes, so that a score depends on its image alone. Schott et al. (2018) classify by an autoencoder for each class
    as well, but search for the best z by gradient descent.
    """
    samples, priors = (torch.from_numpy(arrays[key]) for key in ("samples", "log_priors"))
    pixels = arrays["last"].shape[2]
    network = Autoencoders(classes, pixels, hidden=settings.hidden, latent=settings.latent).requires_grad_(False)
    network.load_state_dict({key: torch.from_numpy(arrays[key]) for key in network.state_dict()})

    def scores(images: Tensor) -> Tensor:
        bounds = network.bounds(images.expand(classes, -1, -1), samples[None, None])
        return (bounds.double().logsumexp(dim=2).T - math.log(len(samples))) + priors

    return scores


def _log_priors(labels: Labels, classes: int) -> NDArray[np.float64]:
    return np.asarray(np.log(np.bincount(labels, minlength=classes) / len(labels)))
