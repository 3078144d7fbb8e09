"""Memory layout of networks: channels-last, in which convolutions are fast, or plain for code that needs it.

Code such as ``x.view(len(x), -1)`` after a convolution works in the plain layout alone.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

_PLAIN = "runs_in_plain_layout"


def tried_logits(network: nn.Module, shape: tuple[int, int, int, int]) -> Any:
    """What ``network`` gives for black images of ``shape`` (B, C, H, W), in the layout in which it is to run.

    That is channels-last; a network that can only run in the plain layout runs in it from now on, whatever the layout
    of its input. Raises what the network raises in the plain layout. Its weights are left as they lie.
    """
    try:
        return _tried_channels_last(network, shape)
    except Exception:
        given = network(torch.zeros(shape))
    try:  # once more: layers that take their shape from the first images they see could not be laid out before
        return _tried_channels_last(network, shape)
    except Exception:
        setattr(network, _PLAIN, True)
        network.register_forward_pre_hook(_with_plain_input)
        return given


def lay_out(network: nn.Module, device: torch.device) -> None:
    """Move ``network`` to ``device``, its weights into the layout in which it runs."""
    if getattr(network, _PLAIN, False):
        network.to(device)
        _make_plain(network)
    elif any(getattr(part, _PLAIN, False) for part in network.modules()):
        network.to(device)
        for child in network.children():
            lay_out(child, device)
    else:
        network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def channels_last_zeros(shape: tuple[int, int, int, int], device: torch.device | None = None) -> torch.Tensor:
    """Zeros ``(B, C, H, W)`` with the strides of the channels-last layout, also where C = 1 leaves them open."""
    batch, channels, height, width = shape
    return torch.zeros(batch, height, width, channels, device=device).permute(0, 3, 1, 2)


def _tried_channels_last(network: nn.Module, shape: tuple[int, int, int, int]) -> Any:
    try:
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return network(channels_last_zeros(shape))
    finally:
        _make_plain(network)


def _make_plain(network: nn.Module) -> None:
    """Lay the weights of convolutions out row by row, copied: strides along a length of 1 say anything otherwise."""
    for values in (*network.parameters(), *network.buffers()):
        if not is_lazy(values) and values.dim() == 4:
            values.data = values.data.clone(memory_format=torch.contiguous_format)


def _with_plain_input(network: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(
        value.clone(memory_format=torch.contiguous_format) if isinstance(value, torch.Tensor) else value
        for value in given
    )
