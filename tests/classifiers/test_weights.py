"""Weights of others are found, verified before they are read, and refused with the setting to change."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from fooling.classifiers.architectures import build_network
from fooling.classifiers.checkpoint import network_with_weights
from fooling.classifiers.settings import ImportSettings
from fooling.classifiers.weights import found_weights, read_weights, torchvision_weights, verified_file
from fooling.errors import FoolingError
from fooling.torchvision_import import torchvision


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder into which torch would download, empty."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch" / "hub" / "checkpoints"


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    (tmp_path / "mirror" / "torchvision").mkdir(parents=True)
    return tmp_path / "mirror"


def published(folder: Path, content: Any, *, stem: str = "made") -> Path:
    """A file of torch's under a name with the beginning of its SHA-256, as torchvision names its own."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(content, folder / "unnamed")
    checksum = hashlib.sha256((folder / "unnamed").read_bytes()).hexdigest()
    return (folder / "unnamed").rename(folder / f"{stem}-{checksum[:8]}.pth")


def torchvision_publishes(monkeypatch: pytest.MonkeyPatch, file: Path, *, network: str = "squeezenet1_1") -> None:
    """Let the weights of ``network`` be those in ``file``, at an address that nobody answers."""
    chosen = torchvision.models.get_model_weights(network)["DEFAULT"]
    monkeypatch.setattr(type(chosen), "url", f"file:///nowhere/{file.name}")


def small_state() -> dict[str, torch.Tensor]:
    return {"layer.weight": torch.arange(6.0).reshape(2, 3)}


def test_weights_are_read_from_safetensors_alone(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    with pytest.raises(FoolingError, match="nothing there"):
        read_weights(path)
    torch.save(small_state(), path)
    with pytest.raises(FoolingError, match=r"save_file\(network.state_dict\(\), path\)"):
        read_weights(path)
    safetensors.torch.save_file(small_state(), path)
    assert torch.equal(read_weights(path)["layer.weight"], small_state()["layer.weight"])
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(FoolingError, match="truncated"):
        read_weights(path)


def test_a_file_of_weights_is_also_found_below_the_mirror_folder(mirror: Path) -> None:
    settings = ImportSettings(architecture="squeezenet", weights=Path("models/some.safetensors"))
    with pytest.raises(FoolingError, match=r"models/some.safetensors is not there(.|\n)*--mirror"):
        found_weights(settings, mirror=mirror)
    (mirror / "models").mkdir()
    safetensors.torch.save_file(small_state(), mirror / "models" / "some.safetensors")
    found = found_weights(settings, mirror=mirror)
    assert found.file == mirror / "models" / "some.safetensors"
    assert found.sha256 == hashlib.sha256(found.file.read_bytes()).hexdigest()
    assert (found.input, found.options, found.class_names, found.published) == ({}, {}, None, None)


def test_torchvisions_own_weights_come_from_the_mirror_with_all_that_is_known_of_them(
    mirror: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = published(mirror / "torchvision", small_state())
    torchvision_publishes(monkeypatch, file)
    for name in ("torchvision", "torchvision:IMAGENET1K_V1"):
        settings = ImportSettings(architecture="torchvision:squeezenet1_1", weights=Path(name))
        found = found_weights(settings, mirror=mirror)
        assert torch.equal(found.state["layer.weight"], small_state()["layer.weight"])
        assert (found.file, found.sha256[:8]) == (file, file.stem[-8:])
        mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
        assert found.input == {"divisor": 255.0, "mean": mean, "std": std, "crop": 224}
        assert found.class_names is not None
        assert (len(found.class_names), found.class_names[0]) == (1000, "tench")
        assert found.published is not None
        assert found.published["test_error"] == pytest.approx(0.41822)
        assert found.published["top5_error"] == pytest.approx(0.19376)
        assert "SqueezeNet1_1_Weights.IMAGENET1K_V1" in found.published["source"]
    assert not cache.exists()


def test_without_a_mirror_they_come_from_torchs_cache(cache: Path) -> None:
    file = published(cache, small_state())
    assert verified_file(f"https://nowhere.invalid/{file.name}", mirror=None) == file


def test_else_they_are_downloaded_and_verified(tmp_path: Path, mirror: Path, cache: Path) -> None:
    elsewhere = published(tmp_path / "elsewhere", small_state())
    found = verified_file(elsewhere.as_uri(), mirror=mirror)
    assert found == cache / elsewhere.name
    assert found.read_bytes() == elsewhere.read_bytes()
    other = elsewhere.rename(elsewhere.with_name("made-00000000.pth"))
    with pytest.raises(
        FoolingError, match=r"made-00000000.pth are missing(.|\n)*invalid hash value(.|\n)*machine.mirror"
    ):
        verified_file(other.as_uri(), mirror=mirror)
    assert sorted(path.name for path in cache.iterdir()) == [elsewhere.name]


def test_without_a_network_it_is_said_where_to_put_them(mirror: Path, cache: Path) -> None:
    with pytest.raises(FoolingError, match=r"torchvision/a-12345678.pth: nothing(.|\n)*as torchvision/a-12345678.pth"):
        verified_file("file:///nowhere/a-12345678.pth", mirror=mirror)


@pytest.mark.parametrize("place", ["mirror", "cache"])
@pytest.mark.parametrize("damage", ["truncated", "other", "empty"])
def test_a_file_that_is_not_what_its_name_says_is_refused(mirror: Path, cache: Path, place: str, damage: str) -> None:
    file = published(mirror / "torchvision" if place == "mirror" else cache, small_state())
    content = file.read_bytes()
    file.write_bytes({"truncated": content[:-20], "other": content[:-1] + b"x", "empty": b""}[damage])
    with pytest.raises(
        FoolingError, match=rf"truncated or another file(.|\n)*begins with {file.stem[-8:]}(.|\n)*delete"
    ):
        verified_file(f"https://nowhere.invalid/{file.name}", mirror=mirror)


def test_an_address_without_a_checksum_is_refused(mirror: Path) -> None:
    with pytest.raises(FoolingError, match="cannot be verified"):
        verified_file("https://nowhere.invalid/weights.pth", mirror=mirror)


class Harmful:
    """What a pickle may do: run anything as it is read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("harm"),))


@pytest.mark.parametrize("content", [{"layer": Harmful()}, [1, 2], {"layer": "text"}])
def test_nothing_but_numbers_is_read(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    torchvision_publishes(monkeypatch, published(mirror / "torchvision", content))
    with pytest.raises(FoolingError, match="holds no state dict"):
        torchvision_weights("torchvision:squeezenet1_1", "DEFAULT", mirror=mirror)
    assert not Path("harm").exists()
    pickle.loads(pickle.dumps(Harmful()))
    assert Path("harm").exists()  # so it would have done


def test_unknown_networks_and_sets_are_told_with_the_known_ones(mirror: Path) -> None:
    with pytest.raises(
        FoolingError, match=r"no weights 'V9' of alexnet\n  expected: IMAGENET1K_V1(.|\n)*weights: torch"
    ):
        torchvision_weights("torchvision:alexnet", "V9", mirror=mirror)
    with pytest.raises(FoolingError, match=r"IMAGENET1K_FEATURES are no classifier's(.|\n)*another `weights`"):
        torchvision_weights("torchvision:vgg16", "IMAGENET1K_FEATURES", mirror=mirror)
    with pytest.raises(FoolingError, match=r"no network 'alexnett'\n  expected: alexnet"):
        torchvision_weights("torchvision:alexnett", "DEFAULT", mirror=mirror)


@pytest.mark.parametrize("name", ["googlenet", "inception_v3", "densenet121"])
def test_weights_of_other_keys_fit_the_network_as_it_is_built(
    mirror: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """As they are published: with the side exits of training, and the keys that DenseNet once had."""
    torch.manual_seed(0)
    options = {} if name == "densenet121" else {"aux_logits": True, "init_weights": False, "transform_input": True}
    original = torchvision.models.get_model(name, weights=None, num_classes=6, **options).eval()
    state = {
        key.replace("norm1.", "norm.1.").replace("conv2.", "conv.2."): v for key, v in original.state_dict().items()
    }
    state = state if name == "densenet121" else original.state_dict()
    file = published(mirror / "torchvision", state)
    torchvision_publishes(monkeypatch, file, network=name)
    found = torchvision_weights(f"torchvision:{name}", "DEFAULT", mirror=mirror)
    network = network_with_weights(
        f"torchvision:{name}",
        input_shape=(3, 80, 80),
        classes=6,
        options=found.options,
        weights=found.state,
        source=file,
    ).eval()
    images = torch.randn(2, 3, 80, 80)
    with torch.inference_mode():
        assert torch.equal(network(images), original(images))


def test_googlenet_decides_at_its_end_alone_in_training_too() -> None:
    network = build_network("torchvision:googlenet", input_shape=(3, 32, 32), classes=6, options={}).train()
    assert network(torch.randn(2, 3, 32, 32)).shape == (2, 6)
