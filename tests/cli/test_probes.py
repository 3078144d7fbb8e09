"""The command that measures inputs far from the data: its tables, its bytes, and what it refuses."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from degenerate_study import made_images, save_network
from fooling.artifacts import read_table
from fooling.classifiers.classifier_file import save_classifier
from fooling.classifiers.fitted import fitted_classifier, model_settings
from fooling.cli.probes import _far_network, probe_far
from fooling.datasets.dataset import Dataset, save_dataset
from fooling.findings.far import RUBBISH, RUBBISH_SUMMARY
from fooling.findings.rays import RAY_SLOPES, RAYS
from fooling.messages import FoolingError
from linear_classifier import SHAPE, made_classifier

SETTINGS = {"inputs": 30, "rays": 3, "doublings": 3}
TABLES = {"rubbish": RUBBISH, "summary": RUBBISH_SUMMARY, "rays": RAYS, "slopes": RAY_SLOPES}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set, two networks, and one that was retrained with a fooling class."""
    folder = tmp_path_factory.mktemp("far")
    images = made_images((0, 1, 2))
    save_dataset(folder / "dataset.safetensors", images)
    for seed, name in enumerate(("lenet-a", "lenet-b")):
        save_network(folder / f"{name}.safetensors", images, kind="fresh", seed=seed)
    place = {"first": "lenet-a", "filled_with": "noise", "number": 2, "fooling_images": 4, "recognised": []}
    save_network(folder / "dnn2.safetensors", images, kind="fresh", seed=3, retraining=place)
    return folder


def probed(files: Path, out: Path, *names: str, dataset: str = "dataset", **settings) -> dict[str, Path]:
    made = {name: out / f"{name}.{'parquet' if name == 'slopes' else 'csv'}" for name in TABLES}
    probe_far(
        [files / f"{name}.safetensors" for name in names],
        dataset=files / f"{dataset}.safetensors",
        settings=json.dumps({**SETTINGS, **settings}),
        device="cpu",
        **made,
    )
    return made


def test_it_measures_networks_and_those_of_their_chains(files, tmp_path):
    made = probed(files, tmp_path, "lenet-a", "lenet-b", "dnn2")
    tables = {name: read_table(path, TABLES[name]) for name, path in made.items()}
    assert tables["rubbish"]["classifier"].tolist() == [name for name in ("lenet-a", "lenet-b", "dnn2") for _ in "ab"]
    assert tables["rubbish"].groupby("classifier")["recognised"].count()["dnn2"] == 2
    summary = tables["summary"]
    assert summary["networks"].tolist() == [2, 2, 1, 1]
    assert summary["filled_with"].isna().tolist() == [True, True, False, False]
    assert set(tables["rays"]["classifier"]) == set(tables["slopes"]["classifier"]) == {"lenet-a", "lenet-b"}


def test_the_same_seed_gives_the_same_bytes(files, tmp_path):
    first, again = (probed(files, tmp_path / name, "lenet-a") for name in ("first", "again"))
    other = probed(files, tmp_path / "other", "lenet-a", seed=2)
    for name, path in first.items():
        assert path.read_bytes() == again[name].read_bytes()
        assert path.read_bytes() != other[name].read_bytes()


def test_networks_of_one_name_and_retrained_networks_alone_are_refused(files, tmp_path):
    with pytest.raises(FoolingError, match="two classifiers have one name\n  found: lenet-a"):
        probed(files, tmp_path, "lenet-a", "lenet-a")
    with pytest.raises(FoolingError, match="found: only retrained networks"):
        probed(files, tmp_path, "dnn2")
    assert not list(tmp_path.iterdir())


def test_a_data_set_of_other_images_is_refused(files, tmp_path):
    images = made_images((0, 1, 2))
    cropped = {part: getattr(images, part)[..., :8].copy() for part in ("train_images", "test_images")}
    labels = {part: getattr(images, part) for part in ("train_labels", "test_labels")}
    other = Dataset(name="other", class_names=images.class_names, provenance={}, **cropped, **labels)
    save_dataset(files / "other.safetensors", other)
    with pytest.raises(FoolingError, match="does not take the images of the data set\n  found: 1x16x8"):
        probed(files, tmp_path, "lenet-a", dataset="other")


def test_a_network_without_gradients_has_no_rays():
    classifier = made_classifier(np.zeros((3, int(np.prod(SHAPE)))), np.zeros(3))

    class Detached(torch.nn.Module):
        def forward(self, values):
            return values.detach().flatten(1)[:, :3]

    network = _far_network(dataclasses.replace(classifier, name="frozen", network=Detached()))
    with pytest.raises(FoolingError, match="the rays of frozen cannot be measured\n  found: the network frozen has no"):
        network.gradients(np.zeros((2, *SHAPE)), np.zeros(2, dtype=np.int64))


def test_a_fitted_model_has_rays_without_slopes(files, tmp_path):
    settings = model_settings({"kind": "nearest-neighbours", "neighbours": 1})
    images = made_images((0, 1, 2))
    model = fitted_classifier(images, settings, name="neighbours", seed=1)
    provenance = model.provenance | {"dataset": {"name": images.name}}
    save_classifier(files / "neighbours.safetensors", dataclasses.replace(model, provenance=provenance))
    found = probed(files, tmp_path, "neighbours")
    assert set(read_table(found["rays"], RAYS)["built_as"]) == {"nearest-neighbours, neighbours 1"}
    assert read_table(found["slopes"], RAY_SLOPES).empty


@pytest.mark.parametrize(("key", "value"), [("inputs", 0), ("doublings", 21), ("rays", -1), ("seed", -1)])
def test_a_setting_out_of_range_is_named(files, tmp_path, key, value):
    with pytest.raises(FoolingError, match=key):
        probed(files, tmp_path, "lenet-a", **{key: value})
