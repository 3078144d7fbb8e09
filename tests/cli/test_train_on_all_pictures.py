"""``fooling train`` on pictures that the data set file does not keep."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from fooling.classifiers.classifier_file import load_classifier
from fooling.cli.data_sets import fetch_folder, list_folder
from fooling.cli.training import _listed_pictures, retrain, train
from fooling.datasets.dataset import load_dataset, save_dataset
from fooling.messages import FoolingError
from fooling.retraining.fooling_class import random_dataset
from streamed_pictures import SIZE, Streamed, streamed

NETWORK = """
from torch import nn

def build(*, input_shape, classes):
    return nn.Sequential(nn.Conv2d(3, 4, 5, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(256, classes))
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Streamed:
    return streamed(tmp_path_factory.mktemp("streamed"), train_pictures=1)


def trained(files: Streamed, folder: Path, trained_on: str, **options: Any) -> Path:
    network, output = folder / "own.py", folder / f"{trained_on}.safetensors"
    network.write_text(NETWORK)
    training = {"iterations": 40, "batch_size": 9, "pictures": trained_on}
    settings = {"architecture": f"{network}:build", "input": {"crop": 20}, "training": training}
    train(
        **{"dataset": files.dataset, "pictures": files.settings, "manifest": files.manifest, **options},
        settings=json.dumps(settings),
        name="net",
        output=output,
        checkpoints=folder / "checkpoints",
        device="cpu",
    )
    return output


def test_a_network_sees_more_than_the_file_keeps(files: Streamed, tmp_path: Path) -> None:
    provenances = {}
    for pictures in ("kept", "all"):
        provenances[pictures] = load_classifier(
            trained(files, tmp_path, pictures), torch.device("cpu"), [f"{tmp_path}/own.py:build"]
        ).provenance
    assert provenances["all"]["settings"]["training"]["pictures"] == "all"
    # 3 images kept, 36 in the folder: passes of less than one batch, and of four.
    assert [len(provenances[pictures]["history"]) for pictures in ("kept", "all")] == [40, 10]
    assert provenances["all"]["test_error"] < 0.2


def retrained(files: Streamed, folder: Path, *, fooling: list[Path], workers: int = 0) -> Path:
    network, output = folder / "own.py", folder / f"retrained-{len(fooling)}-{workers}.safetensors"
    network.write_text(NETWORK)
    training = {"iterations": 40, "batch_size": 9, "pictures": "all"}
    settings = {"architecture": f"{network}:build", "input": {"crop": 20}, "training": training}
    place = {"first": "net", "filled_with": "random" if fooling else "nothing", "number": 2}
    retrain(
        dataset=files.dataset,
        fooling=fooling,
        settings=json.dumps({"network": settings, **place}),
        name="net/dnn2",
        output=output,
        pictures=files.settings,
        manifest=files.manifest,
        workers=workers,
        checkpoints=folder / "checkpoints",
        device="cpu",
    )
    return output


def test_fooling_images_are_learned_beside_all_pictures(files: Streamed, tmp_path: Path) -> None:
    """Noise is told from pictures of one colour; the 36 pictures and 18 images of noise make passes of six batches."""
    noise = np.random.default_rng(1)
    images = random_dataset(
        lambda count: noise.integers(0, 256, (count, 3, SIZE, SIZE)).astype(np.uint8), training=18, test=20, seed=1
    )
    save_dataset(tmp_path / "noise.safetensors", images)
    made = [retrained(files, tmp_path, fooling=[tmp_path / "noise.safetensors"], workers=number) for number in (0, 2)]
    network = load_classifier(made[0], torch.device("cpu"), [f"{tmp_path}/own.py:build"])
    assert network.class_names == ("class 0", "class 1", "class 2", "fooling")
    assert len(network.targets) == 3
    assert len(network.provenance["history"]) == 7
    assert network.provenance["test_error"] < 0.3
    assert network.provenance["retraining"]["recognised"][-1]["share"] > 0.7
    assert made[0].read_bytes() == made[1].read_bytes()


def test_a_control_without_fooling_images_sees_all_pictures(files: Streamed, tmp_path: Path) -> None:
    made = retrained(files, tmp_path, fooling=[])
    network = load_classifier(made, torch.device("cpu"), [f"{tmp_path}/own.py:build"])
    assert len(network.class_names) == 3
    assert len(network.provenance["history"]) == 10


def test_without_the_pictures_it_says_what_to_name(files: Streamed, tmp_path: Path) -> None:
    with pytest.raises(FoolingError, match="--pictures, --manifest"):
        trained(files, tmp_path, "all", manifest=None)


def test_a_tar_file_is_refused(files: Streamed, tmp_path: Path) -> None:
    path = tmp_path / "pictures.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(files.pictures, arcname=".")
    packed = json.loads(files.settings)
    packed["dataset"]["path"] = str(path)
    with pytest.raises(FoolingError, match=r"pictures\.tar is a tar file(.|\n)*unpack it"):
        trained(files, tmp_path, "all", pictures=json.dumps(packed))


@pytest.mark.parametrize("changes", [{"size": 20}, {"seed": 2}])
def test_other_settings_than_those_of_the_file_are_refused(
    files: Streamed, tmp_path: Path, changes: dict[str, Any]
) -> None:
    other = json.loads(files.settings)
    other["dataset"] |= changes
    with pytest.raises(FoolingError, match="was not made from the pictures of"):
        trained(files, tmp_path, "all", pictures=json.dumps(other))


def test_another_manifest_than_that_of_the_file_is_refused(files: Streamed, tmp_path: Path) -> None:
    lines = files.manifest.read_text().splitlines()
    other = tmp_path / "manifest.csv"
    other.write_text("\n".join([*lines[:1], *lines[2:], ""]))
    with pytest.raises(FoolingError, match=rf"was not made from the pictures of {other}"):
        trained(files, tmp_path, "all", manifest=other)


def test_other_classes_than_those_of_the_file_are_refused(files: Streamed, tmp_path: Path) -> None:
    other, renamed = tmp_path / "classes.csv", json.loads(files.settings)
    other.write_text(Path(renamed["dataset"]["class_list"]).read_text().replace("class 1", "another"))
    renamed["dataset"]["class_list"] = str(other)
    with pytest.raises(FoolingError, match=r"the classes of the data set .* differ from those of its pictures"):
        trained(files, tmp_path, "all", pictures=json.dumps(renamed))


@pytest.mark.parametrize("colour", ["rgb", "grey"])
def test_a_folder_of_anyones_pictures_is_read_alike(tmp_path: Path, colour: str) -> None:
    generator = np.random.default_rng(0)
    for number in range(20):
        path = tmp_path / "pictures" / f"class{number % 2}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (30, 26, 3)).astype(np.uint8)).save(path)
    values = {"kind": "folder", "path": str(tmp_path / "pictures"), "size": SIZE, "colour": colour}
    made, manifest = tmp_path / "set.safetensors", tmp_path / "manifest.csv"
    list_folder(settings=json.dumps(values), output=manifest)
    fetch_folder(settings=json.dumps(values), manifest=manifest, output=made, name="set")
    dataset = load_dataset(made)
    listed = _listed_pictures(json.dumps({"dataset": values}), manifest, dataset=dataset, mirror=None)
    np.testing.assert_array_equal([listed.image(index) for index in range(16)], dataset.train_images)
    np.testing.assert_array_equal(listed.labels, dataset.train_labels)
