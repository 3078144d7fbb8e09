"""What a network makes of an image just before it decides: the input of its last layer with weights."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from fooling.classifiers.classifier import Classifier
from fooling.errors import FoolingError

#: Layers that can be the last one; whatever runs after it (pooling, softmax) only rearranges what it says.
DECIDING = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)

#: torch's operations that multiply by weights, wherever these are kept: after the last layer there must be none.
PRODUCTS = re.compile(
    r"(add)?(mm|bmm|mv)|baddbmm|matmul|dot|inner|tensordot|einsum|(bi)?linear|conv[123]d|convolution|"
    r"lstm|gru|rnn_\w+|mkldnn_rnn_layer|scaled_dot_product_attention"
)


def logits_and_features(
    classifier: Classifier, images: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The logits (B, K) and features (B, D) of uint8 ``images`` (B, C, H, W).

    Features are what the linear or convolutional layer that runs last is given: the 500 units of LeNet, say. Maps, as
    before the last convolution of SqueezeNet, and sequences are averaged over their places. Of ten views the features
    are those of the first, the centre. Raises :class:`FoolingError` for a network without such a layer.
    """
    deciding = _deciding_layer(classifier)
    noted: list[NDArray[np.float32]] = []

    def note(layer: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        noted.append(_averaged(given[0] if given else named["input"]).float().cpu().numpy().copy())

    told, features = [], []
    with deciding.register_forward_pre_hook(note, with_kwargs=True):
        # Chunk by chunk, as every chunk is filled up to the same size: only the rows of images are kept.
        for start in range(0, len(images), classifier.chunk_size):
            chunk = torch.from_numpy(images[start : start + classifier.chunk_size])
            told.append(classifier.logits(chunk).cpu().numpy())
            features.append(noted[0][: len(chunk)])
            noted.clear()
    return np.concatenate(told), np.concatenate(features)


def _deciding_layer(classifier: Classifier) -> nn.Module:
    """The layer of :data:`DECIDING` that runs last; the order in which a network names its layers says nothing."""
    ran: list[nn.Module] = []
    products = _Products()

    def note(layer: nn.Module, given: tuple[Any, ...], returned: Any) -> None:
        ran.append(layer)
        products.since_layer.clear()

    layers = [layer for layer in classifier.network.modules() if isinstance(layer, DECIDING)]
    hooks = [layer.register_forward_hook(note) for layer in layers]
    with products:
        classifier.logits(torch.zeros(1, *classifier.input_shape, dtype=torch.uint8))
    for hook in hooks:
        hook.remove()
    found = None
    if not ran:
        found = "no linear or convolutional layer that runs"
    elif products.since_layer:
        found = f"a product without a layer of its own after the last one: {', '.join(products.since_layer)}"
    elif ran.count(ran[-1]) > len(classifier.seen):
        found = "a last layer that runs more than once"
    if found is not None:
        raise FoolingError(
            f"the network {classifier.name} has no features: no layer decides at its end",
            found=found,
            expected="a torch.nn.Linear or a convolution as the last layer with weights",
            remedy="make the last step of the network such a layer",
        )
    return ran[-1]


class _Products(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the operations of :data:`PRODUCTS` that ran since the last layer."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.since_layer: list[str] = []

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if PRODUCTS.fullmatch(name := operation.overloadpacket.__name__):
            self.since_layer.append(name)
        return operation(*args, **(kwargs or {}))


def _averaged(given: Tensor) -> Tensor:
    """Features (B, D) of maps (B, D, ...), whatever their places; a sequence (B, T, D) as a linear layer takes it."""
    if given.dim() == 3:
        return given.mean(dim=1)
    return given.flatten(2).mean(dim=2) if given.dim() > 3 else given
