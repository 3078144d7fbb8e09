"""Models that are plain arrays: two discriminative ones, and generative ones, whose scores are log p(x, y).

Images are rows (N, D) of levels / 256, classes numbers from 0 to K - 1. A function ``fit_…`` returns arrays; a function
``…_scores`` turns them into a function from float32 images (B, D) to scores (B, K). Softmax of the scores gives the
posterior p(y | x); for a generative model, their logarithm of the sum of exponentials gives log p(x), and p(y) is the
share of the class in the images.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import one_hot, relu, softplus

from fooling.classifiers.model_settings import (
    DensitySettings,
    GaussianSettings,
    RbfNetworkSettings,
    SparseSettings,
    VaeSettings,
)
from fooling.classifiers.scikit_models import ITERATIONS, LARGEST_SEED, Images, Labels, Scores
from fooling.reproducibility import numpy_generator

Arrays = dict[str, NDArray[Any]]

CALIBRATED_ON = 2000  # images at most, besides the atoms, to which the temperature of sparse representation is fitted
RIDGE = 1e-9  # added to the squared norm of each atom: two equal images would leave their coefficients open
LOG_2_PI = math.log(2 * math.pi)
BANDWIDTHS = np.geomspace(0.02, 1.0, 60)
COMPARED = 1000  # images of each class at most whose likelihood chooses the bandwidth
LEAST_NOISE = 0.02  # smallest standard deviation of a pixel in an autoencoder
LEAST_SPREAD = 1e-4  # smallest standard deviation of a latent variable given the image


def fit_sparse(images: Images, labels: Labels, settings: SparseSettings, seed: int) -> Arrays:
    """Draw the training images that represent others, and fit the temperature of the residuals to images besides."""
    from scipy.optimize import minimize_scalar

    generator = numpy_generator(seed, "atoms")
    order = generator.permutation(len(images))
    places = [order[labels[order] == each] for each in np.unique(labels)]
    chosen = np.sort(np.concatenate([mine[: settings.atoms] for mine in places]))
    rest = np.setdiff1d(order, chosen)
    rest = generator.permutation(rest)[:CALIBRATED_ON]
    atoms, classes = images[chosen], labels[chosen]
    temperature = 1.0
    if len(rest):
        coded = _residuals(torch.from_numpy(atoms), torch.from_numpy(classes), settings, len(places))
        parts = torch.split(torch.from_numpy(images[rest]), 100)
        residuals, truth = torch.cat([coded(part) for part in parts]), torch.from_numpy(labels[rest])

        def loss(logarithm: float) -> float:
            return float(torch.nn.functional.cross_entropy(-residuals / np.exp(logarithm), truth))

        temperature = float(np.exp(minimize_scalar(loss, bounds=(-9, 3), method="bounded").x))
    return {"atoms": atoms, "atom_classes": classes, "temperature": np.array(temperature)}


def sparse_scores(arrays: Mapping[str, NDArray[Any]], settings: SparseSettings, classes: int) -> Scores:
    """Return minus the residual of each class, divided by the temperature.

    As in sparse representation classification (Wright et al. 2009; Sturm 2012 fools one for music), an image x of norm
    1 is written as a weighted sum of few training images of norm 1, by orthogonal matching pursuit: again and again the
    training image with the largest absolute product with the remainder is added, and all weights are fitted anew by
    least squares. The residual of a class is |x - the part of the sum with its images|^2, from 0 to about 1.

    The temperature, which is ours, makes probabilities of residuals: it is the most likely one on training images that
    represent no others. The black image has no direction: all its residuals are 0.
    """
    atoms, labels = torch.from_numpy(arrays["atoms"]), torch.from_numpy(arrays["atom_classes"])
    residuals, temperature = _residuals(atoms, labels, settings, classes), float(arrays["temperature"])
    return lambda images: -residuals(images) / temperature


def _residuals(atoms: Tensor, labels: Tensor, settings: SparseSettings, classes: int) -> Scores:
    """Return the function from images (B, D) to the residual (B, K) of each class, float64."""
    directions = _unit(atoms)
    products = directions @ directions.T
    products.diagonal().add_(RIDGE)
    steps = min(settings.nonzeros, len(atoms))

    def residuals(images: Tensor) -> Tensor:
        shown = _unit(images)
        initial = shown @ directions.T
        remaining, rows = initial.clone(), torch.arange(len(images))[:, None]
        chosen = torch.empty(len(images), 0, dtype=torch.int64)
        for _ in range(steps):
            best = remaining.abs().scatter(1, chosen, -1.0).argmax(dim=1, keepdim=True)
            chosen = torch.cat((chosen, best), dim=1)
            among = products[chosen[:, :, None], chosen[:, None, :]]
            own = initial.gather(1, chosen)
            weights = torch.linalg.solve(among, own)
            remaining = initial - torch.bmm(weights[:, None], products[chosen]).squeeze(1)
        parts = weights[:, None] * one_hot(labels[chosen], classes).transpose(1, 2)
        norms = shown.square().sum(dim=1, keepdim=True)
        explained = 2 * parts @ initial[rows, chosen][:, :, None] - (parts @ among * parts).sum(dim=2, keepdim=True)
        found: Tensor = norms - explained.squeeze(2)
        return found

    return residuals


def _unit(images: Tensor) -> Tensor:
    """Return float64 rows of norm 1; a row of zeros stays."""
    exact = images.double()
    lengths = exact.square().sum(dim=1, keepdim=True).sqrt()
    return exact / lengths.clamp(min=1e-12)


def fit_rbf(images: Images, labels: Labels, settings: RbfNetworkSettings, seed: int) -> Arrays:
    """Fit cluster centres (k-means), one width for all units, and softmax regression on the units."""
    from sklearn.cluster import KMeans  # type: ignore[import-untyped]
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

    units = min(settings.units, max(2, len(images) // 5))
    clusters = KMeans(units, n_init=1, max_iter=50, random_state=seed % LARGEST_SEED).fit(images)
    centres = clusters.cluster_centers_.astype(np.float64)
    width = settings.width * max(float(np.sqrt(clusters.inertia_ / len(images))), 1e-3)
    shown = _units(torch.from_numpy(images), torch.from_numpy(centres), width).numpy()
    last = LogisticRegression(C=settings.inverse_penalty, max_iter=ITERATIONS).fit(shown, labels)
    weights, biases = last.coef_, last.intercept_
    if len(weights) == 1:  # of two classes
        weights, biases = np.concatenate((0 * weights, weights)), np.concatenate((0 * biases, biases))
    return {"centres": centres, "width": np.array(width), "weights": weights, "biases": biases}


def rbf_scores(arrays: Mapping[str, NDArray[Any]], settings: RbfNetworkSettings, classes: int) -> Scores:
    """Return the logits; far from all centres every unit is 0, and they are the biases."""
    centres, weights, biases = (torch.from_numpy(arrays[key]) for key in ("centres", "weights", "biases"))
    width = float(arrays["width"])
    return lambda images: _units(images, centres, width) @ weights.T + biases


def _units(images: Tensor, centres: Tensor, width: float) -> Tensor:
    """Return exp(-|x - c|^2 / (2 width^2)) (B, U) of images (B, D)."""
    return torch.exp(-squared_distances(images, centres) / (2 * width**2))


def squared_distances(images: Tensor, others: Tensor) -> Tensor:
    """Return the float64 squared distances (B, N) of images (B, D) to ``others`` (N, D).

    They are exact for levels / 256: all products and sums are multiples of 2^-16 below 2^37.
    """
    left, right = images.double(), others.double()
    squares = left.square().sum(dim=1, keepdim=True) + right.square().sum(dim=1)
    return torch.addmm(squares, left, right.T, alpha=-2).clamp(min=0)


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
    """Return the estimate of log p(x, y) with S samples: log of the mean of p(x, z | y) / q(z | x, y), plus log p(y).

    The importance-weighted bound of Burda et al. (2016), which is below log p(x, y) on average over the samples. The
    noise of the samples is the same for all images and classes, so that a score depends on its image alone. Schott et
    al. (2018) classify by an autoencoder for each class as well, but search for the best z by gradient descent.
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
