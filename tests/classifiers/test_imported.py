"""Networks trained by others: weights that fit are taken in, anything else is named."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from fooling.artifacts import read_header
from fooling.classifiers.architectures import build_network
from fooling.classifiers.assembly import ensemble_of
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.classifier_file import load_classifier, network_with_weights, save_classifier
from fooling.classifiers.header import KIND, VERSION
from fooling.classifiers.imported import (
    TrainedWeights,
    found_weights,
    imported_classifier,
    read_weights,
    torchvision_weights,
    verified_file,
)
from fooling.classifiers.settings import ImportSettings
from fooling.datasets.dataset import Dataset
from fooling.messages import FoolingError
from fooling.torchvision_import import import_torchvision

torchvision = import_torchvision()


@pytest.fixture
def weights(lenet: Classifier) -> dict[str, torch.Tensor]:
    return {key: value.contiguous() for key, value in lenet.network.state_dict().items()}


def imported(bars: Dataset, weights: dict[str, torch.Tensor], **more: Any) -> Classifier:
    file = Path("mine.safetensors")
    settings = ImportSettings.model_validate({"architecture": "lenet", "weights": file, **more})
    found = TrainedWeights(state=weights, file=file, sha256="")
    return imported_classifier(name="mine", dataset=bars, settings=settings, weights=found, device=torch.device("cpu"))


def test_an_imported_network_judges_as_the_original(
    bars: Dataset, lenet: Classifier, weights: dict[str, torch.Tensor]
) -> None:
    classifier = imported(bars, weights)
    logits = lenet.logits(torch.from_numpy(bars.test_images))
    assert torch.equal(classifier.logits(torch.from_numpy(bars.test_images)), logits)
    assert classifier.provenance["test_error"] == (logits.argmax(dim=1).numpy() != bars.test_labels).mean()
    assert classifier.provenance["settings"]["weights"] == "mine.safetensors"


def test_weights_in_half_precision_are_computed_with_in_float32(
    bars: Dataset, weights: dict[str, torch.Tensor]
) -> None:
    halved = imported(bars, {key: value.bfloat16() for key, value in weights.items()})
    assert {value.dtype for value in halved.network.state_dict().values()} == {torch.float32}


def test_wrong_keys_are_named(bars: Dataset, weights: dict[str, torch.Tensor]) -> None:
    weights["module.conv1.weight"] = weights.pop("conv1.weight")
    with pytest.raises(FoolingError, match=r"unknown: module.conv1.weight; missing: conv1.weight"):
        imported(bars, weights)


def test_weights_for_other_classes_are_named(bars: Dataset, weights: dict[str, torch.Tensor]) -> None:
    weights["fc2.weight"], weights["fc2.bias"] = torch.zeros(10, 500), torch.zeros(10)
    with pytest.raises(FoolingError, match=r"fc2.weight \(10, 500\)(.|\n)*fc2.weight \(4, 500\)(.|\n)*classes"):
        imported(bars, weights)


def test_what_is_published_stands_beside_what_is_measured(bars: Dataset, weights: dict[str, torch.Tensor]) -> None:
    assert imported(bars, weights).provenance["published"] is None
    published = {"top1": 99.1, "top5": None, "source": "a page"}
    told = imported(bars, weights, published=published).provenance
    assert told["published"] == {"test_error": 0.009, "top5_error": None, "source": "a page"}
    assert told["top5_error"] is None  # of four classes every one is among the first five


@pytest.fixture
def tiles() -> Dataset:
    """Colour images of 72 pixels and seven classes, without training images."""
    images = np.random.default_rng(0).integers(0, 256, (9, 3, 72, 72)).astype(np.uint8)
    return Dataset(
        name="tiles",
        class_names=("tench, Tinca tinca", *"bcdefg"),
        train_images=images[:0],
        train_labels=np.zeros(0, dtype=np.int64),
        test_images=images,
        test_labels=np.arange(9) % 7,
        provenance={},
    )


def torchvisions(classes: int, **more: Any) -> TrainedWeights:
    """Made-up weights of SqueezeNet as if torchvision had published them."""
    torch.manual_seed(0)
    network = torchvision.models.squeezenet1_1(num_classes=classes)
    known = ("Tench", *"bcdefghij"[: classes - 1])
    wanted = {"divisor": 255.0, "mean": [0.4, 0.5, 0.6], "std": [0.2, 0.2, 0.3], "crop": 64}
    return TrainedWeights(
        state=network.state_dict(), file=Path("made-up.pth"), sha256="", class_names=known, input=wanted, **more
    )


def imported_tiles(tiles: Dataset, weights: TrainedWeights, **settings: Any) -> Classifier:
    values = {"architecture": "torchvision:squeezenet1_1", "weights": "torchvision", **settings}
    made = ImportSettings.model_validate(values)
    return imported_classifier(name="net", dataset=tiles, settings=made, weights=weights, device=torch.device("cpu"))


def test_a_network_is_fed_as_its_weights_want_it_where_nothing_is_said(tiles: Dataset) -> None:
    weights = torchvisions(7, published={"test_error": 0.4, "top5_error": 0.2, "source": "torchvision"})
    classifier = imported_tiles(tiles, weights)
    assert (classifier.crop, classifier.views) == (64, "centre")
    np.testing.assert_allclose(classifier.offset.flatten(), [0.4 * 255, 0.5 * 255, 0.6 * 255], rtol=1e-6)
    np.testing.assert_allclose(classifier.scale.flatten() * 255, [5, 5, 1 / 0.3], rtol=1e-6)
    assert classifier.provenance["class_names_alike"] == 7
    assert classifier.provenance["published"]["test_error"] == 0.4
    ranks = (-classifier.logits(torch.from_numpy(tiles.test_images)).numpy()).argsort(axis=1)
    among = [label in rank[:5] for label, rank in zip(tiles.test_labels, ranks, strict=True)]
    assert classifier.provenance["top5_error"] == 1 - np.mean(among)


def test_what_the_settings_say_of_the_input_counts(tiles: Dataset) -> None:
    said = {"divisor": 256, "std": [], "crop": 70, "views": "ten"}
    classifier = imported_tiles(tiles, torchvisions(7), input=said)
    assert (classifier.crop, classifier.views) == (70, "ten")
    np.testing.assert_allclose(classifier.offset.flatten(), [0.4 * 256, 0.5 * 256, 0.6 * 256], rtol=1e-6)
    np.testing.assert_allclose(classifier.scale.flatten() * 256, [1, 1, 1], rtol=1e-6)


def test_another_number_of_classes_is_told_with_the_setting(tiles: Dataset) -> None:
    with pytest.raises(
        FoolingError, match=r"other classes than the data set tiles\n  found: 7(.|\n)*10(.|\n)*`dataset`"
    ):
        imported_tiles(tiles, torchvisions(10))


def test_the_chunk_size_may_be_chosen(tiles: Dataset) -> None:
    assert imported_tiles(tiles, torchvisions(7)).chunk_size == 16
    assert imported_tiles(tiles, torchvisions(7), chunk_size=5).chunk_size == 5


def test_the_mean_of_no_training_images_cannot_be_subtracted(tiles: Dataset) -> None:
    with pytest.raises(
        FoolingError, match=r"input.subtract_mean needs training images, and the data set tiles has none"
    ):
        imported_tiles(tiles, torchvisions(7), input={"subtract_mean": True})


def test_probabilities_are_taken_for_what_they_are(bars: Dataset, tmp_path: Path) -> None:
    """From the settings into the file and back, alone and as a member of an ensemble."""
    source = tmp_path / "soft.py"
    source.write_text(
        "from torch import nn\n\ndef build(*, input_shape, classes, end=True):\n"
        "    layers = nn.Flatten(), nn.Linear(400, classes)\n"
        "    return nn.Sequential(*layers, *([nn.Softmax(1)] if end else []))\n"
    )
    torch.manual_seed(0)
    weights = {"1.weight": torch.randn(4, 400) / 20, "1.bias": torch.randn(4)}
    images = torch.from_numpy(bars.test_images)
    architecture = f"{source}:build"
    logits = imported(bars, weights, architecture=architecture, options={"end": False})
    with pytest.raises(FoolingError, match="probabilities instead of logits"):
        imported(bars, weights, architecture=architecture)
    soft = imported(bars, weights, architecture=architecture, outputs="probabilities")
    for classifier, name in ((soft, "soft"), (ensemble_of([soft, soft], name="twice"), "twice")):
        save_classifier(tmp_path / name, classifier)
        loaded = load_classifier(tmp_path / name, torch.device("cpu"), [architecture])
        assert torch.equal(loaded.logits(images), classifier.logits(images))
        torch.testing.assert_close(loaded.confidences(images), logits.confidences(images))
    save_classifier(tmp_path / "logits", logits)
    assert "outputs" not in read_header(tmp_path / "logits", kind=KIND, version=VERSION)


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


def test_weights_are_read_from_both_kinds_of_files(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    with pytest.raises(FoolingError, match="nothing there"):
        read_weights(path)
    torch.save(small_state(), path)
    assert torch.equal(read_weights(path)["layer.weight"], small_state()["layer.weight"])
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(
        FoolingError, match=r"cannot be read as weights(.|\n)*torch.save\(network.state_dict\(\), path\)"
    ):
        read_weights(path)
    safetensors.torch.save_file(small_state(), path)
    assert torch.equal(read_weights(path)["layer.weight"], small_state()["layer.weight"])
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(FoolingError, match="truncated"):
        read_weights(path)


def test_a_file_of_weights_is_also_found_below_the_mirror_folder(mirror: Path) -> None:
    settings = ImportSettings(architecture="squeezenet", weights=Path("models/some.safetensors"))
    with pytest.raises(FoolingError, match=r"models/some.safetensors does not exist(.|\n)*--mirror"):
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
        FoolingError, match=rf"truncated or does not match(.|\n)*begins with {file.stem[-8:]}(.|\n)*delete"
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
    with pytest.raises(FoolingError, match=r"is not a state dict|cannot be read as weights"):
        torchvision_weights("torchvision:squeezenet1_1", "DEFAULT", mirror=mirror)
    assert not Path("harm").exists()
    pickle.loads(pickle.dumps(Harmful()))
    assert Path("harm").exists()  # so it would have done


def test_unknown_networks_and_sets_are_told_with_the_known_ones(mirror: Path) -> None:
    with pytest.raises(
        FoolingError, match=r"no weights 'V9' for alexnet\n  expected: IMAGENET1K_V1(.|\n)*weights: torch"
    ):
        torchvision_weights("torchvision:alexnet", "V9", mirror=mirror)
    with pytest.raises(FoolingError, match=r"IMAGENET1K_FEATURES are not for a classifier(.|\n)*another `weights`"):
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
