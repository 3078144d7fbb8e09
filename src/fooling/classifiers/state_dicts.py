"""State dicts as others write them, under the names and with the numbers that the network expects.

What is unambiguous is adapted, and a line says so: a prefix of all names, counters of batch normalisation that old
files lack, and numbers of another precision. Everything else is left as it is, to be refused.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from fooling.progress import say

COUNTER = "num_batches_tracked"  # of batch normalisation; it decides nothing once a network is trained


def adapted(weights: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return ``weights`` under the names of the network's state dict ``expected``, as far as that is unambiguous."""
    state = dict(weights)
    if prefix := _common_prefix(state, expected):
        say(f"weights: the prefix {prefix!r} of all names is left out")
        state = {key.removeprefix(prefix): value for key, value in state.items()}
    if counters := _lacking_counters(state, expected):
        say(f"weights: {len(counters)} missing counters ({COUNTER}) are set to 0")
        state |= {key: torch.zeros((), dtype=torch.int64) for key in counters}
    types = {value.dtype: expected[key].dtype for key, value in state.items() if _other_precision(value, expected, key)}
    for found, wanted in types.items():
        say(f"weights: numbers of type {_name(found)} are converted to {_name(wanted)}")
    return state


def complete_part(weights: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]) -> str | None:
    """Return the prefix under which ``weights`` hold the whole state dict ``expected`` beside other things, if any."""
    first = min(expected, default="")
    prefixes = sorted(key.removesuffix(first) for key in weights if key.endswith(f".{first}"))
    return next((prefix for prefix in prefixes if all(prefix + key in weights for key in expected)), None)


def _common_prefix(state: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]) -> str:
    """What stands before every name, and makes the names those of the network, counters aside; else nothing."""
    needed = {key for key in expected if not key.endswith(COUNTER)}
    prefix = complete_part(state, dict.fromkeys(needed, torch.empty(0))) or ""
    return prefix if all(key.startswith(prefix) and key.removeprefix(prefix) in expected for key in state) else ""


def _lacking_counters(state: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]) -> list[str]:
    missing = [key for key in expected if key not in state]
    return missing if all(key.endswith(COUNTER) for key in missing) else []


def _other_precision(value: torch.Tensor, expected: Mapping[str, torch.Tensor], key: str) -> bool:
    if key not in expected or not value.is_floating_point() or not expected[key].is_floating_point():
        return False
    return value.dtype != expected[key].dtype


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
