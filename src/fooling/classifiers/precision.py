"""Compute a classifier's scores in bfloat16, which processors with matrix units for it do several times as fast.

A bfloat16 number has the range of a float32 number and 8 significant bits instead of 24. Products of a layer are summed
in float32 and rounded once, so that errors come from rounded weights and rounded values between layers.
"""

from __future__ import annotations

import copy
import dataclasses

import torch
from torch import nn

from fooling.classifiers.classifier import Classifier

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
