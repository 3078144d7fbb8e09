"""State dicts as others write them: what is unambiguous is adapted with a line, and the rest is refused with a hint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from fooling.classifiers.architectures import build_network
from fooling.classifiers.assembly import assembled
from fooling.classifiers.checkpoint import load_classifier, network_with_weights, save_classifier
from fooling.classifiers.settings import NetworkSettings
from fooling.classifiers.state_dicts import adapted, complete_part
from fooling.datasets.dataset import Dataset
from fooling.errors import FoolingError

PAGE = Path(__file__).parents[2] / "docs" / "your-own-network.md"


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 3))


def renamed(prefix: str) -> dict[str, torch.Tensor]:
    return {prefix + key: value for key, value in network().state_dict().items()}


def same(one: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod.", "model.", "state_dict.net."])
def test_a_prefix_of_all_names_is_left_out(prefix: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert same(adapted(renamed(prefix), network().state_dict()), network().state_dict())
    assert capsys.readouterr().err == f"weights: the prefix {prefix!r} of all names is left out\n"


def test_weights_that_fit_stay_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    state = network().state_dict()
    assert same(adapted(state, network().state_dict()), state)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("prefix", ["", "module."])
def test_missing_counters_are_set_to_zero(prefix: str, capsys: pytest.CaptureFixture[str]) -> None:
    old = {key: value for key, value in renamed(prefix).items() if not key.endswith("num_batches_tracked")}
    assert same(adapted(old, network().state_dict()), network().state_dict())
    assert "1 missing counters (num_batches_tracked) are set to 0" in capsys.readouterr().err


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_another_precision_is_said(dtype: torch.dtype, capsys: pytest.CaptureFixture[str]) -> None:
    state = {key: value.to(dtype) if value.is_floating_point() else value for key, value in renamed("module.").items()}
    assert adapted(state, network().state_dict()).keys() == network().state_dict().keys()
    assert f"numbers of type {str(dtype)[6:]} are converted to float32" in capsys.readouterr().err


def test_a_prefix_of_some_names_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    state = {**renamed("module."), "epoch": torch.tensor(3)}
    assert adapted(state, network().state_dict()) == state
    assert capsys.readouterr().err == ""
    assert complete_part(state, network().state_dict()) == "module."
    del state["module.3.bias"]
    assert complete_part(state, network().state_dict()) is None


def test_weights_beside_other_things_are_refused_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from torch import nn\n"
        "def build(*, input_shape, classes):\n"
        "    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, classes))\n"
    )
    state = {**renamed("state_dict."), "optimizer.step": torch.tensor(3)}
    with pytest.raises(FoolingError, match=r"write a file of those alone whose names begin with 'state_dict\.'"):
        network_with_weights(
            f"{tmp_path}/own.py:build",
            input_shape=(1, 3, 3),
            classes=3,
            options={},
            weights=state,
            source=tmp_path / "weights.safetensors",
            adapt=adapted,
        )


@pytest.mark.parametrize("key", ["state_dict", "model", ""])
def test_the_recipe_converts_what_others_save(key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    saved = network().to(memory_format=torch.channels_last).state_dict()  # type: ignore[call-overload]
    saved["again"] = saved["3.weight"]  # memory that two names share
    torch.save({key: saved, "epoch": 3} if key else saved, "weights.pt")
    (recipe,) = [block.split("```")[0] for block in PAGE.read_text().split("```python\n") if "torch.load" in block]
    exec(recipe, {})
    found = safetensors.torch.load_file("weights.safetensors")
    assert same(found, dict(saved))


IN_BFLOAT16 = """
from torch import nn

class InBfloat16(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(400, 4).bfloat16()

    def forward(self, values):
        return self.layer(values.flatten(1).bfloat16()).float()

def build(*, input_shape, classes):
    return InBfloat16()
"""


def test_a_network_in_bfloat16_is_kept_to_the_bit(bars: Dataset, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(IN_BFLOAT16)
    name = f"{tmp_path}/own.py:build"
    network = build_network(name, input_shape=(1, 20, 20), classes=4, options={})
    settings = NetworkSettings(architecture=name)
    made = assembled(network, name="half", settings=settings, dataset=bars, device=torch.device("cpu"))
    save_classifier(tmp_path / "net.safetensors", made)
    loaded = load_classifier(tmp_path / "net.safetensors", torch.device("cpu"), [name])
    images = torch.from_numpy(bars.test_images)
    assert torch.equal(loaded.logits(images), made.logits(images))
    save_classifier(tmp_path / "again.safetensors", loaded)
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "net.safetensors").read_bytes()
