"""Find the images that could beat a champion in float32, from their scores in bfloat16.

The log-odds of an image in a class differ between bfloat16 and float32 by at most a bound, a multiple of the spread of
the image's logits. The multiple is measured on real, random and evolved images before a run. An image whose log-odds
stay below those of every champion, even with the bound added, cannot enter the archive: its float32 scores are not
needed.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fooling.attacks.evolution.searches import MapElites
from fooling.classifiers.classifier import Classifier, log_odds_of
from fooling.encodings.encoding import Encoding
from fooling.messages import FoolingError
from fooling.reproducibility import derived_seed, evenly_spaced

#: Names in :func:`torch.cpu.get_capabilities` of instructions that multiply bfloat16 matrices.
INSTRUCTIONS = {"avx512_bf16": "AVX512-BF16", "amx_bf16": "AMX"}

#: Layers whose weights are converted.
CONVERTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def lacking_bfloat16(device: torch.device) -> str | None:
    """Return why ``device`` computes in bfloat16 no faster than in float32; None if it is faster."""
    if device.type == "cuda":
        return None if torch.cuda.is_bf16_supported(including_emulation=False) else "this GPU has no bfloat16 units"
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return "this installation of torch lacks oneDNN"
    capabilities = torch.cpu.get_capabilities()
    if any(capabilities.get(name) for name in INSTRUCTIONS):
        return None
    return f"this processor has neither {' nor '.join(INSTRUCTIONS.values())}"


def in_bfloat16(classifier: Classifier) -> Classifier:
    """Return a copy of ``classifier`` whose network computes in bfloat16; it gives float32 logits, and no gradients.

    The last linear layers, those with one output for each class, stay in float32: they are cheap, and in bfloat16 they
    would round each logit to 8 bits. Chunks have the same fixed size. A network whose code requires float32 somewhere
    gets it converted by :class:`torch.autocast`.
    """
    network = copy.deepcopy(classifier.network)
    outputs = len(classifier.class_names) - (classifier.refusal is not None and classifier.refusal.appended)
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            setattr(parent, name, _converted(layer, outputs))
    return dataclasses.replace(classifier, network=_InBfloat16(_converted(network, outputs)))


class _InBfloat16(nn.Module):
    """A network that computes in bfloat16, and gives float32."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the outputs (B, K) of the network for float32 ``inputs`` (B, C, H, W)."""
        with torch.autocast(inputs.device.type, dtype=torch.bfloat16):
            given: torch.Tensor = self.network(inputs)
        return given.float()


class _Float32Linear(nn.Linear):
    """A linear layer that computes in float32 although those around it compute in bfloat16."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return float32 values (..., K) for ``values`` (..., D)."""
        with torch.autocast(values.device.type, enabled=False):
            return super().forward(values.float())


def _converted(layer: nn.Module, outputs: int) -> nn.Module:
    """Return a layer with weights in bfloat16, or in float32 if it is linear with so many ``outputs``."""
    if type(layer) is nn.Linear and layer.out_features == outputs:
        kept = _Float32Linear(layer.in_features, outputs, bias=layer.bias is not None, device="meta")
        kept.weight, kept.bias = layer.weight, layer.bias
        return kept.eval()
    if isinstance(layer, CONVERTED):
        # Converted once: autocast would convert the weights of every layer in every chunk.
        layer.to(torch.bfloat16)
    return layer


#: Images of each kind on which the error is measured, and generations of the evolved ones: a short run in float32.
IMAGES, GENERATIONS = 64, 10
#: The bound is so many times the largest error measured: of normally distributed errors, the largest of millions is
#: about twice the largest of some hundreds.
SAFETY = 3.0
#: Added to the range of an image's logits: errors do not vanish with it.
LEAST_SPREAD = 8.0
#: Least bound, as a share of the spread: it covers the rounding of float32 itself.
LEAST_BOUND = 2.0**-20
#: Relative error of a float32 softmax over K classes: half a unit in the last place for each term, and for exponential,
#: sum and quotient.
_HALF_UNIT = 2.0**-24
_OPERATIONS = 32


def could_beat(logits: Tensor, champions: Tensor, *, bound: float) -> Tensor:
    """Return by how much images could surpass the nearest champion: float64 (B,), negative if they cannot.

    Args:
        logits: bfloat16 logits (B, L) of the images, as float32.
        champions: Confidences (K,) of the champions in the first K of the L classes, computed in float32.
        bound: Bound on the error of log-odds, as a share of the spread.

    Returns:
        The largest difference over classes between the upper bound of an image's log-odds and those of the champion.
        Champions at confidence 1 are left out, because nothing surpasses them.
    """
    rounding = (logits.shape[1] + _OPERATIONS) * _HALF_UNIT
    least = champions.double() * (1 - rounding)  # a softmax in float32 can round up by so much
    needed = torch.where(champions < 1, least.log() - torch.log1p(-least), torch.inf)
    highest = log_odds_of(logits)[:, : len(champions)] + bound * spread_of(logits)[:, None]
    return (highest - needed).amax(dim=1)


def spread_of(logits: Tensor) -> Tensor:
    """Return the float64 range of logits (B, L), plus a constant: (B,)."""
    exact = logits.double()
    return exact.amax(dim=1) - exact.amin(dim=1) + LEAST_SPREAD


def errors_of(logits: Tensor, exact: Tensor) -> Tensor:
    """Return the largest error of log-odds over classes, as a share of the spread: float64 (B,).

    Args:
        logits: bfloat16 logits (B, L), as float32.
        exact: float32 logits (B, L) of the same images.
    """
    return (log_odds_of(logits) - log_odds_of(exact)).abs().amax(dim=1) / spread_of(logits)


def measured_bound(exact: Classifier, reduced: Classifier, images: Tensor) -> float:
    """Return the bound for ``could_beat``: :data:`SAFETY` times the largest error on ``images`` (B, C, H, W).

    Raises :class:`FoolingError` if float32 scores change with the place of an image among others: scores of some images
    would then differ from those of all.
    """
    logits = exact.logits(images)
    for start in (1, len(images) // 2 + 1):
        moved = exact.logits(images.roll(-start, dims=0)).roll(start, dims=0)
        if not torch.equal(moved, logits):
            raise FoolingError(
                f"images cannot be screened on the network {exact.name}",
                found=f"scores that differ by {float((moved - logits).abs().max()):.2g} among other images",
                expected="the same bits for an image, whichever images are scored with it",
                remedy="set precision: float32, or bfloat16",
            )
    return max(SAFETY * float(errors_of(reduced.logits(images), logits).max()), LEAST_BOUND)


@torch.inference_mode()
def images_to_measure(classifier: Classifier, encoding: Encoding[Any], real: NDArray[np.uint8]) -> Tensor:
    """Return the images on which the error is measured: uint8 (B, C, H, W) on the classifier's device.

    They are some of the ``real`` images (N, C, H, W), random ones of the encoding, and the last offspring and the
    champions of a short run. They depend on nothing else: not on the seed of the run that follows.
    """
    shown = torch.from_numpy(real[evenly_spaced(len(real), IMAGES)])
    if shown.shape[1:] != classifier.input_shape:
        raise FoolingError(
            f"the real images are not of the kind that the network {classifier.name} sees",
            found=f"images of shape {tuple(shown.shape[1:])}",
            expected=f"images of shape {classifier.input_shape}",
            remedy="give --dataset the data set of this network",
        )
    return torch.cat([shown.to(classifier.device), *_evolved(classifier, encoding)])


def _evolved(classifier: Classifier, encoding: Encoding[Any]) -> Iterator[Tensor]:
    """Yield random images, the last offspring and the champions of a short run of evolution."""
    generator = torch.Generator(classifier.device).manual_seed(derived_seed(0, "screening"))
    search = MapElites(encoding=encoding, generator=generator, classes=len(classifier.targets))
    for generation in range(GENERATIONS + 1):
        genomes = search.ask(IMAGES, generation=generation)
        images = encoding.render(genomes)
        search.tell(genomes, images, classifier.logits(images), generation=generation)
        if generation in (0, GENERATIONS):
            yield images
    assert search.archive is not None
    yield search.archive.images[evenly_spaced(search.archive.classes, IMAGES)]
