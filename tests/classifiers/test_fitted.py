"""Fitted models score as scikit-learn does, come back from their files, and are refused if these hold anything else."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fooling.artifacts import read_arrays, write_arrays
from fooling.classifiers import array_models, scikit_models
from fooling.classifiers.architectures import FITTED_MODELS, build_network
from fooling.classifiers.assembly import ensemble_of
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.classifier_file import load_classifier, save_classifier
from fooling.classifiers.fitted import MODELS, PACKED, fitted_classifier, model_settings
from fooling.classifiers.gradients import built_as, has_gradients, log_odds_gradients
from fooling.classifiers.header import KIND, VERSION
from fooling.classifiers.scikit_models import packed, unpacked
from fooling.classifiers.settings import NetworkSettings
from fooling.datasets.dataset import Dataset
from fooling.messages import FoolingError

CPU = torch.device("cpu")
SMALL: dict[str, dict[str, Any]] = {
    "adaboost": {"trees": 5, "depth": 2},
    "random-forest": {"trees": 5},
    "nearest-neighbours": {"neighbours": 3},
    "sparse-representation": {"atoms": 5, "nonzeros": 3},
    "rbf-network": {"units": 8},
    "gaussian": {"directions": 4},
    "vae": {"latent": 2, "hidden": 8, "iterations": 30, "batch_size": 8, "samples": 3},
}


def fit(kind: str, dataset: Dataset, **options: Any) -> Classifier:
    settings = model_settings({"kind": kind, **SMALL.get(kind, {}), **options})
    return fitted_classifier(dataset, settings, name=kind, seed=1)


def inputs_of(images: np.ndarray) -> np.ndarray:
    return (images.reshape(len(images), -1) / 256).astype(np.float32)


@pytest.fixture(scope="module", params=FITTED_MODELS)
def fitted(request: pytest.FixtureRequest, bars: Dataset) -> Classifier:
    return fit(request.param, bars)


@pytest.fixture(scope="module")
def noisy(bars: Dataset) -> Dataset:
    """Test images with noise, so that few models are sure of them."""
    noise = np.random.default_rng(1).integers(0, 120, bars.test_images.shape)
    return dataclasses.replace(bars, test_images=np.clip(bars.test_images + noise, 0, 255).astype(np.uint8))


def test_every_kind_has_an_architecture() -> None:
    assert set(MODELS) == set(FITTED_MODELS)


def test_it_learns_digits(fitted: Classifier) -> None:
    from sklearn.datasets import load_digits

    found = load_digits()
    images = (found.images * 15).astype(np.uint8)[:, None]
    digits = Dataset(
        name="digits",
        class_names=tuple(map(str, range(10))),
        train_images=images[:700],
        train_labels=found.target[:700].astype(np.int64),
        test_images=images[700:1000],
        test_labels=found.target[700:1000].astype(np.int64),
        provenance={},
    )
    options = {"atoms": 20, "nonzeros": 8} if fitted.architecture == "sparse-representation" else {}
    options |= {"iterations": 400} if fitted.architecture == "vae" else {}
    settings = model_settings({"kind": fitted.architecture, **options})
    classifier = fitted_classifier(digits, settings, name="digits", seed=1)
    assert classifier.provenance["test_error"] < 0.2
    assert classifier.provenance["test_images"] == 300


def test_its_file_gives_the_same_scores_and_bytes(fitted: Classifier, bars: Dataset, tmp_path: Path) -> None:
    one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    save_classifier(one, fitted)
    loaded = load_classifier(one, CPU)
    images = torch.from_numpy(bars.test_images)
    assert torch.equal(loaded.logits(images), fitted.logits(images))
    save_classifier(two, loaded)
    assert one.read_bytes() == two.read_bytes()


def test_a_second_fit_gives_the_same_bytes(fitted: Classifier, bars: Dataset, tmp_path: Path) -> None:
    again = fit(fitted.architecture, bars)
    for name, classifier in (("one", fitted), ("two", again)):
        save_classifier(tmp_path / name, classifier)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_score_depends_on_its_image_alone(fitted: Classifier, noisy: Dataset) -> None:
    images = torch.from_numpy(noisy.test_images[:30])
    scores = fitted.logits(images)
    assert torch.equal(scores.flip(0), fitted.logits(images.flip(0)))
    assert torch.equal(scores[7:8], fitted.logits(images[7:8]))


def test_it_has_no_gradients(fitted: Classifier, bars: Dataset) -> None:
    levels = torch.from_numpy(bars.test_images[:2]).double()
    assert not has_gradients(fitted)
    with pytest.raises(FoolingError, match=f"the network {fitted.name} has no gradients"):
        log_odds_gradients(fitted, levels, torch.zeros(2, dtype=torch.int64))


def test_it_can_be_a_member_of_an_ensemble(fitted: Classifier, bars: Dataset) -> None:
    images = torch.from_numpy(bars.test_images[:5])
    both = ensemble_of([fitted, dataclasses.replace(fitted, name="other")], name="both")
    assert torch.allclose(both.confidences(images), fitted.confidences(images), atol=1e-5)


def test_the_settings_that_differ_describe_it(bars: Dataset) -> None:
    assert built_as(fit("nearest-neighbours", bars)) == "nearest-neighbours, neighbours 3"
    assert built_as(fit("gaussian", bars, directions=30, rejects=0.1)) == "gaussian, rejects 0.1"


@pytest.mark.parametrize("kind", ["logistic-regression", "svm", "adaboost"])
@pytest.mark.parametrize("classes", [2, 4])
def test_probabilities_are_those_of_scikit_learn(kind: str, classes: int, noisy: Dataset) -> None:
    kept = {part: getattr(noisy, f"{part}_labels") < classes for part in ("train", "test")}
    images, labels = inputs_of(noisy.train_images[kept["train"]]), noisy.train_labels[kept["train"]]
    settings = model_settings({"kind": kind, **SMALL.get(kind, {})})
    model = MODELS[kind].fit(images, labels, settings, 1)
    shown = inputs_of(noisy.test_images[kept["test"]]).astype(float)
    found = torch.softmax(MODELS[kind].scores(model, settings, classes)(torch.from_numpy(shown).float()), dim=1)
    np.testing.assert_allclose(found.numpy(), model.predict_proba(shown), atol=1e-9)


def test_votes_of_neighbours_are_laplaces(noisy: Dataset) -> None:
    images, shown = inputs_of(noisy.train_images), inputs_of(noisy.test_images)
    settings = model_settings({"kind": "nearest-neighbours", "neighbours": 7})
    model = scikit_models.fit_neighbours(images, noisy.train_labels, settings, 1)  # type: ignore[arg-type]
    found = scikit_models.neighbours_scores(model, settings, 4)(torch.from_numpy(shown))  # type: ignore[arg-type]
    expected = (7 * model.predict_proba(shown) + 1) / (7 + 4)
    np.testing.assert_allclose(found.exp().numpy(), expected, atol=1e-12)


def test_a_forest_counts_the_images_of_each_leaf(noisy: Dataset) -> None:
    images, shown = inputs_of(noisy.train_images), inputs_of(noisy.test_images[:20])
    settings = model_settings({"kind": "random-forest", "trees": 3})
    model = scikit_models.fit_forest(images, noisy.train_labels, settings, 1)  # type: ignore[arg-type]
    found = scikit_models.forest_scores(model, settings, 4)(torch.from_numpy(shown))  # type: ignore[arg-type]
    expected = np.zeros((len(shown), 4))
    for tree in model.estimators_:
        drawn = np.random.RandomState(tree.random_state).randint(0, len(images), len(images))
        leaves, own = tree.apply(images[drawn]), tree.apply(shown)
        for row, leaf in enumerate(own):
            counts = np.bincount(noisy.train_labels[drawn][leaves == leaf], minlength=4)
            expected[row] += (counts + 1) / (counts.sum() + 4) / 3
    np.testing.assert_allclose(found.exp().numpy(), expected, atol=1e-12)


def test_the_atoms_of_sparse_representation_are_those_of_scikit_learn(noisy: Dataset) -> None:
    from sklearn.linear_model import orthogonal_mp

    images, labels = inputs_of(noisy.train_images)[:30], noisy.train_labels[:30]
    settings = model_settings({"kind": "sparse-representation", "nonzeros": 5})
    residuals = array_models._residuals(
        torch.from_numpy(images),
        torch.from_numpy(labels),
        settings,
        4,  # type: ignore[arg-type]
    )
    shown = inputs_of(noisy.test_images[:10]).astype(float)
    atoms = images.astype(float) / np.linalg.norm(images, axis=1, keepdims=True)
    unit = shown / np.linalg.norm(shown, axis=1, keepdims=True)
    weights = orthogonal_mp(atoms.T, unit.T, n_nonzero_coefs=5).T
    expected = [
        [np.square(x - (w * (labels == each)) @ atoms).sum() for each in range(4)]
        for x, w in zip(unit, weights, strict=True)
    ]
    np.testing.assert_allclose(residuals(torch.from_numpy(shown).float()).numpy(), expected, atol=1e-5)


def test_a_black_image_has_no_class_in_sparse_representation(bars: Dataset) -> None:
    black = torch.zeros(1, *bars.image_shape, dtype=torch.uint8)
    assert torch.equal(fit("sparse-representation", bars).confidences(black), torch.full((1, 4), 0.25))


def test_a_gaussian_with_all_directions_has_the_density_of_scipy(noisy: Dataset) -> None:
    from scipy.stats import multivariate_normal

    generator = np.random.default_rng(1)
    images = generator.random((60, 5), dtype=np.float32)
    labels = np.arange(60) % 2
    settings = model_settings({"kind": "gaussian", "directions": 4, "least_noise": 1e-6})
    scores = MODELS["gaussian"].scores(MODELS["gaussian"].fit(images, labels, settings, 1), settings, 2)
    shown = generator.random((7, 5), dtype=np.float32)
    for each in range(2):
        mine = images[labels == each].astype(float)
        expected = multivariate_normal(mine.mean(axis=0), np.cov(mine.T, bias=True)).logpdf(shown) + np.log(0.5)
        np.testing.assert_allclose(scores(torch.from_numpy(shown))[:, each], expected, rtol=1e-4)


def test_a_kernel_density_is_that_of_scikit_learn(bars: Dataset) -> None:
    from sklearn.neighbors import KernelDensity

    images, shown = inputs_of(bars.train_images), inputs_of(bars.test_images[:9])
    settings = model_settings({"kind": "kernel-density", "bandwidth": 0.3})
    scores = MODELS["kernel-density"].scores(
        MODELS["kernel-density"].fit(images, bars.train_labels, settings, 1), settings, 4
    )
    for each in range(4):
        mine = images[bars.train_labels == each]
        expected = KernelDensity(bandwidth=0.3).fit(mine).score_samples(shown)
        expected = expected + np.log(len(mine) / len(images))
        np.testing.assert_allclose(scores(torch.from_numpy(shown))[:, each], expected, rtol=1e-6)


def test_the_bound_of_an_autoencoder_averages_its_samples(bars: Dataset) -> None:
    images, labels = inputs_of(bars.train_images), bars.train_labels
    settings = model_settings({"kind": "vae", **SMALL["vae"]})
    arrays = MODELS["vae"].fit(images, labels, settings, 1)
    shown = torch.from_numpy(inputs_of(bars.test_images[:4]))
    each = [
        MODELS["vae"].scores({**arrays, "samples": arrays["samples"][row : row + 1]}, settings, 4)(shown)
        for row in range(3)
    ]
    expected = torch.logsumexp(torch.stack(each), 0) - np.log(3)
    found = MODELS["vae"].scores(arrays, settings, 4)(shown)
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-5)


def test_the_score_of_an_autoencoder_is_the_density_with_many_samples(bars: Dataset) -> None:
    """With one latent variable, the density of an image is an integral over it."""
    images, labels = inputs_of(bars.train_images), bars.train_labels
    settings = model_settings({"kind": "vae", **SMALL["vae"], "latent": 1, "samples": 10_000})
    arrays = MODELS["vae"].fit(images, labels, settings, 1)
    network = array_models.Autoencoders(4, 400, hidden=8, latent=1).requires_grad_(False)
    network.load_state_dict({key: torch.from_numpy(arrays[key]) for key in network.state_dict()})
    shown = torch.from_numpy(inputs_of(bars.test_images[:20]))
    grid = torch.linspace(-6, 6, 4001)
    hidden = torch.relu(array_models._through(network.from_latent, grid[None, :, None].expand(4, -1, -1)))
    painted = torch.sigmoid(array_models._through(network.last, hidden))
    deviation = torch.nn.functional.softplus(network.noise) + array_models.LEAST_NOISE
    squares = torch.cdist(shown.expand(4, -1, -1), painted).square() / deviation.square()[:, None, None]
    of_image = -0.5 * (squares + 400 * (np.log(2 * np.pi) + 2 * deviation.log()[:, None, None]))
    prior = -0.5 * (grid.square() + np.log(2 * np.pi)) + np.log(12 / 4000)
    density = (of_image + prior).logsumexp(dim=2).T + torch.from_numpy(arrays["log_priors"])
    found = MODELS["vae"].scores(arrays, settings, 4)(shown)
    difference = (found - density).numpy()
    assert abs(np.median(difference)) < 0.1
    assert difference.max() < 0.5 and difference.min() > -3  # the encoder of another class looks in a wrong place


def test_a_bound_on_the_density_rejects_noise_and_few_real_images(bars: Dataset) -> None:
    for kind in ("gaussian", "kernel-density", "vae"):
        longer = {"iterations": 400} if kind == "vae" else {}
        classifier = fit(kind, bars, rejects=0.05, **longer)
        assert classifier.targets == bars.class_names and classifier.class_names[-1] == "rejected"
        noise = torch.randint(0, 256, (50, *bars.image_shape), dtype=torch.uint8)
        assert (classifier.confidences(noise)[:, -1] > 0.999).all(), kind
        found = classifier.provenance["refusal"]
        assert found["rate"] == 0.05 and found["refused"] < 0.3, kind


def test_the_bound_is_no_logit_of_the_network(bars: Dataset, tmp_path: Path) -> None:
    classifier = fit("gaussian", bars, rejects=0.05)
    save_classifier(tmp_path / "one.safetensors", classifier)
    loaded = load_classifier(tmp_path / "one.safetensors", CPU)
    images = torch.from_numpy(bars.test_images)
    logits = loaded.logits(images)
    assert torch.equal(logits, classifier.logits(images)) and logits.shape[1] == 5
    assert classifier.refusal is not None
    posterior = torch.softmax(logits.double(), dim=1)[:, -1]
    density, bound = logits[:, :4].double().logsumexp(dim=1), classifier.refusal.shift
    assert torch.allclose(posterior, 1 / (1 + (density - bound).exp()))


def forged(model: Any, bars: Dataset, path: Path, *, kind: str = "nearest-neighbours") -> None:
    """A file of this kind whose bytes hold another object."""
    save_classifier(path, fit(kind, bars))
    arrays, header = read_arrays(path, kind=KIND, version=VERSION)
    data = model if isinstance(model, np.ndarray) else packed(model)
    header["options"]["stored"] = {PACKED: f"uint8 {len(data)}"}
    write_arrays(path, {**arrays, f"network.{PACKED}": data}, kind=KIND, version=VERSION, header=header)


class Dangerous:
    """Runs something when it is made again."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return exec, ("raise SystemExit('run')",)


def test_bytes_with_other_types_are_refused_before_any_object_is_made(bars: Dataset, tmp_path: Path) -> None:
    from sklearn.base import BaseEstimator
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.preprocessing import FunctionTransformer

    model = KNeighborsClassifier(3)
    for metric in (Dangerous(), BaseEstimator(), FunctionTransformer(np.exp), print):
        model.metric = metric
        forged(model, bars, tmp_path / "forged.safetensors")
        with pytest.raises(FoolingError, match="objects of other types, which are not made"):
            load_classifier(tmp_path / "forged.safetensors", CPU)


@pytest.mark.parametrize("kind", [kind for kind, model in MODELS.items() if model.estimator is not None])
def test_bytes_of_another_model_are_refused(kind: str, bars: Dataset, tmp_path: Path) -> None:
    from sklearn.dummy import DummyClassifier

    forged(DummyClassifier(), bars, tmp_path / "forged.safetensors", kind=kind)
    with pytest.raises(FoolingError, match=r"objects of other types(.|\n)*DummyClassifier"):
        load_classifier(tmp_path / "forged.safetensors", CPU)


def test_a_part_of_the_model_alone_is_refused(bars: Dataset, tmp_path: Path) -> None:
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier().fit(inputs_of(bars.train_images), bars.train_labels)
    forged(tree, bars, tmp_path / "forged.safetensors", kind="random-forest")
    with pytest.raises(FoolingError, match="has another type"):
        load_classifier(tmp_path / "forged.safetensors", CPU)


def test_damaged_bytes_are_refused(bars: Dataset, tmp_path: Path) -> None:
    good = packed(
        scikit_models.fit_neighbours(
            inputs_of(bars.train_images), bars.train_labels, model_settings({"kind": "nearest-neighbours"}), 1
        )
    )  # type: ignore[arg-type]
    for data in (good[:-30], good[:0], np.frombuffer(b"no archive", np.uint8)):
        forged(np.array(data), bars, tmp_path / "forged.safetensors")
        with pytest.raises(FoolingError, match="cannot be read"):
            load_classifier(tmp_path / "forged.safetensors", CPU)
    schema = io.BytesIO()
    with zipfile.ZipFile(schema, "w") as archive:
        archive.writestr(
            "schema.json", json.dumps({"__class__": "dict", "__module__": "builtins", "__loader__": "DictNode"})
        )
    forged(np.frombuffer(schema.getvalue(), np.uint8).copy(), bars, tmp_path / "forged.safetensors")
    with pytest.raises(FoolingError, match="cannot be read"):
        load_classifier(tmp_path / "forged.safetensors", CPU)


def test_arrays_of_other_lengths_are_refused(bars: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "forged.safetensors"
    save_classifier(path, fit("gaussian", bars))
    arrays, header = read_arrays(path, kind=KIND, version=VERSION)
    write_arrays(
        path, {**arrays, "network.means": arrays["network.means"][:2]}, kind=KIND, version=VERSION, header=header
    )
    with pytest.raises(FoolingError, match="other shapes"):
        load_classifier(path, CPU)
    header["options"]["stored"]["means"] = "float64 2 400"
    write_arrays(
        path, {**arrays, "network.means": arrays["network.means"][:2]}, kind=KIND, version=VERSION, header=header
    )
    with pytest.raises(FoolingError):
        load_classifier(path, CPU)


def test_the_same_model_gives_the_same_bytes_and_comes_back(bars: Dataset) -> None:
    images, labels = inputs_of(bars.train_images), bars.train_labels
    settings = model_settings({"kind": "random-forest", "trees": 3})
    one, two = (packed(scikit_models.fit_forest(images, labels, settings, 1)) for _ in range(2))  # type: ignore[arg-type]
    assert np.array_equal(one, two)
    forest = MODELS["random-forest"]
    assert forest.estimator is not None
    again = unpacked(one.tobytes(), "random-forest", estimator=forest.estimator, types=forest.types)
    assert np.array_equal(packed(again), one)


def test_a_class_with_too_few_images_is_refused(bars: Dataset) -> None:
    rows = np.flatnonzero(bars.train_labels < 3)
    few = dataclasses.replace(bars, train_images=bars.train_images[rows], train_labels=bars.train_labels[rows])
    with pytest.raises(FoolingError, match="too few training images"):
        fit("gaussian", few)


def test_a_network_of_layers_cannot_have_the_architecture_of_a_model() -> None:
    with pytest.raises(ValueError, match="kind: fitted"):
        NetworkSettings(architecture="svm")
    with pytest.raises(FoolingError, match="stored"):
        build_network("svm", input_shape=(1, 20, 20), classes=4, options={})
