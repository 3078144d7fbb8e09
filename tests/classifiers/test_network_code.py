"""Anyone's code leaves torch's modes alone, and its failures name a cause and a fitting remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from fooling.classifiers.architectures import build_network
from fooling.classifiers.network_code import modes_kept
from fooling.errors import FoolingError

HEAD = "import torch\nfrom torch import nn\n"
LINEAR = "nn.Sequential(nn.Flatten(), nn.Linear(64, 5))"


def built(folder: Path, code: str) -> torch.nn.Module:
    """The network of a file with this ``code``, for grey 8x8 images and five classes."""
    path = folder / "mine.py"
    path.write_text(HEAD + code)
    return build_network(f"{path}:build", input_shape=(1, 8, 8), classes=5, options={})


def network_with(forward: str) -> str:
    """Code of a network whose ``forward`` runs these statements first."""
    return (
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        f"        self.decide = {LINEAR}\n    def forward(self, x):\n        {forward}\n"
        "        return self.decide(x)\ndef build(*, input_shape, classes):\n    return Net()\n"
    )


def returning(network: str) -> str:
    return f"def build(*, input_shape, classes):\n    return {network}\n"


@pytest.mark.parametrize(
    "change",
    [
        "torch.set_default_dtype(torch.float64)",
        "torch.set_grad_enabled(False)",
        "torch.set_num_threads(torch.get_num_threads() + 1)",
        "torch.set_float32_matmul_precision('medium')",
        "torch.use_deterministic_algorithms(True)",
        "torch.backends.cudnn.benchmark = True",
        "torch.set_default_device('meta')",
    ],
)
@pytest.mark.parametrize("where", ["file", "build", "forward"])
def test_modes_that_a_network_changes_are_put_back(tmp_path: Path, change: str, where: str) -> None:
    def modes() -> list[object]:
        return [
            torch.get_default_dtype(),
            torch.is_grad_enabled(),
            torch.get_num_threads(),
            torch.get_float32_matmul_precision(),
            torch.are_deterministic_algorithms_enabled(),
            torch.backends.cudnn.benchmark,
            torch.get_default_device(),
        ]

    before = modes()
    code = {
        "file": f"{change}\n{returning(LINEAR)}",
        "build": f"def build(*, input_shape, classes):\n    network = {LINEAR}\n    {change}\n    return network\n",
        "forward": network_with(change),
    }
    network = built(tmp_path, code[where])
    assert modes() == before
    assert {value.dtype for value in network.parameters()} == {torch.float32}


def test_a_device_that_was_set_for_a_while_ends_with_it() -> None:
    with torch.device("meta"):
        with modes_kept():
            torch.set_default_device("cpu")
        assert torch.zeros(1).device.type == "meta"
    assert torch.zeros(1).device.type == "cpu"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (returning(f"{LINEAR}.half()"), r"cannot take these images\n  found: RuntimeError(.|\n)*remove \.half\(\)"),
        (returning(f"{LINEAR}.double()"), r"remove \.half\(\), \.double\(\)"),
        (network_with("x = x.to('no-device')"), r"line 8\)(.|\n)*remove \.cuda\(\)"),
        (network_with("raise AssertionError('Torch not compiled with CUDA enabled')"), r"remove \.cuda\(\)"),
        (network_with("x = x[..., :7]"), r"change the size of the data set's images, or `input.crop`"),
        (returning("nn.Conv2d(3, 5, 8)"), r"to have 3 channels(.|\n)*`input_shape\[0\]` channels"),
        (
            network_with("assert x.shape[-1] == 32, 'I want 32 pixels'"),
            r"I want 32 pixels \(.*mine.py, line 8\)(.|\n)*correct the network's code in .*, or meet the condition",
        ),
        (network_with("x = x.transpose(2, 3).view(len(x), -1)"), r"replace \.view"),
        (network_with("raise MemoryError('out of memory')"), "lower `chunk_size`"),
        (network_with("raise SystemExit(0)"), r"SystemExit: 0 "),
        (f"import no_such_module_here\n{returning(LINEAR)}", r"cannot be imported(.|\n)*install this module"),
        ("def build(*, input_shape, classes):\n    raise KeyError('width')\n", r"cannot be built(.|\n)*line 4"),
    ],
)
def test_a_failure_is_told_with_a_remedy_for_its_cause(tmp_path: Path, code: str, message: str) -> None:
    with pytest.raises(FoolingError, match=message) as refused:
        built(tmp_path, code)
    if "size of the data set" not in message:
        assert "size of the data set's images" not in str(refused.value)
