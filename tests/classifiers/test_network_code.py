"""Anyone's code leaves torch's modes alone, and its failures name a cause and a fitting remedy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from fooling.classifiers.architectures import build_network
from fooling.classifiers.assembly import Member
from fooling.classifiers.classifier import Classifier, views_of
from fooling.classifiers.network_code import channels_last_zeros, lay_out, restored_modes, tried_logits
from fooling.messages import FoolingError

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
        with restored_modes():
            torch.set_default_device("cpu")
        assert torch.zeros(1).device.type == "meta"
    assert torch.zeros(1).device.type == "cpu"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (returning(f"{LINEAR}.half()"), r"cannot process these images\n  found: RuntimeError(.|\n)*remove \.half\(\)"),
        (returning(f"{LINEAR}.double()"), r"remove \.half\(\), \.double\(\)"),
        (network_with("x = x.to('no-device')"), r"line 8\)(.|\n)*remove \.cuda\(\)"),
        (network_with("raise AssertionError('Torch not compiled with CUDA enabled')"), r"remove \.cuda\(\)"),
        (
            network_with("x = x[..., :7]"),
            r"change the size of the images: --input-shape of an audit, else the data set's, or `input.crop`",
        ),
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


CPU = torch.device("cpu")


class Convolving(nn.Module):
    """A convolution and a linear layer, with flattening that works in every layout."""

    def __init__(self, channels: int = 1, side: int = 20) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 3, 3)
        self.decide = nn.Linear(3 * (side - 2) ** 2, 4)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.decide(self.conv(values).relu().flatten(1))


class Viewing(Convolving):
    """The same, with a view that the channels-last layout does not allow."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        maps = self.conv(values).relu()
        return self.decide(maps.view(maps.size(0), -1))


class Lazy(nn.Module):
    """Takes the shape of its weights from the first images."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.decide = nn.LazyConv2d(3, 3), nn.LazyLinear(4)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.decide(self.conv(values).relu().flatten(1))


class Solid(nn.Module):
    """Has weights of five dimensions, which have no channels-last layout for images."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv3d(1, 3, (1, 3, 3))
        self.decide = nn.Linear(3 * 18 * 18, 4)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.decide(self.conv(values[:, None]).flatten(1))


def classifier_of(network: nn.Module, channels: int = 1) -> Classifier:
    with torch.no_grad():
        tried_logits(network, (2, channels, 20, 20))
    return Classifier(
        name="net",
        architecture="made here",
        network=network,
        input_shape=(channels, 20, 20),
        class_names=tuple("abcd"),
        offset=torch.full((channels, 1, 1), 100.0),
        scale=torch.full((channels, 1, 1), 1 / 100),
        training_mean=torch.full((channels, 20, 20), 90.0),
        chunk_size=8,
        device=CPU,
    )


def random_images(count: int, channels: int = 1) -> torch.Tensor:
    return torch.randint(0, 256, (count, channels, 20, 20), dtype=torch.uint8)


def is_channels_last(network: nn.Module) -> bool:
    """Whether the maps that its convolution gives for such an input lie channels-last."""
    channels = network.conv.weight.shape[1]
    return network.conv(channels_last_zeros((2, channels, 20, 20))).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_network_with_a_view_runs_and_gives_the_same_as_without(channels: int) -> None:
    torch.manual_seed(0)
    viewing, convolving = Viewing(channels), Convolving(channels)
    convolving.load_state_dict(viewing.state_dict())
    images = random_images(19, channels)
    plain = classifier_of(viewing, channels)
    torch.testing.assert_close(plain.logits(images), classifier_of(convolving, channels).logits(images))
    assert torch.equal(plain.to(torch.device("cpu", 0)).logits(images), plain.logits(images))


@pytest.mark.parametrize("made", [Convolving, Lazy])
def test_a_network_that_can_runs_channels_last(made: Callable[[], nn.Module]) -> None:
    network = made()
    assert network.eval() is classifier_of(network).network
    assert is_channels_last(network)
    assert not network._forward_pre_hooks


def test_a_trial_leaves_the_weights_as_they_lie() -> None:
    for network in (Viewing(3), Convolving(3)):
        before = {key: (value.clone(), value.stride()) for key, value in network.state_dict().items()}
        with torch.no_grad():
            tried_logits(network, (2, 3, 20, 20))
        for key, value in network.state_dict().items():
            assert torch.equal(value, before[key][0])
            assert value.stride() == before[key][1]


def test_weights_without_a_channels_last_layout_stay_plain() -> None:
    classifier = classifier_of(Solid())
    images = random_images(3)
    with torch.no_grad():
        expected = classifier.network(classifier.inputs(images))
    torch.testing.assert_close(classifier.logits(images), expected)


def test_only_the_part_that_needs_it_is_laid_out_plain() -> None:
    views = views_of((1, 20, 20), crop=None, views="centre")
    parts = [Viewing(), Convolving()]
    members = nn.ModuleList(Member(network, fed=(1, 20, 20), views=views) for network in parts)
    with torch.no_grad():
        for network in parts:
            tried_logits(network, (2, 1, 20, 20))
    lay_out(members, CPU)
    levels = channels_last_zeros((2, 1, 20, 20))
    assert [member(levels).shape for member in members] == [(2, 4), (2, 4)]
    assert is_channels_last(parts[1])


def test_what_fails_in_both_layouts_fails_as_in_the_plain_one() -> None:
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        tried_logits(Viewing(side=21), (2, 1, 20, 20))
