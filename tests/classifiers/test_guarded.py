"""Guarded classifiers: each detector against an independent reference, the threshold, both versions, and the file."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fooling.classifiers.assembly import ensemble_of
from fooling.classifiers.classifier import Classifier, log_odds_of
from fooling.classifiers.classifier_file import load_classifier, save_classifier
from fooling.classifiers.gradients import log_odds_gradients, logits_and_features
from fooling.classifiers.guarded import NEVER, REJECTED, Guarded, with_rejection
from fooling.classifiers.guarding import (
    fitted_temperature,
    guarded,
    real_images_of,
    scores_of,
    threshold_of,
)
from fooling.classifiers.settings import GuardSettings, RealImagesSettings
from fooling.datasets.dataset import Dataset
from fooling.messages import FoolingError
from fooling.settings import checked_settings
from fooling.torchvision_import import ensure_operators

ensure_operators()
from pytorch_ood import detector as reference  # noqa: E402

KINDS = ("maximum-softmax", "temperature", "energy", "mahalanobis", "neighbours", "openmax", "disagreement")
FEW = {"neighbours": {"neighbours": 7}, "openmax": {"tail": 10, "revised": 3}}
CPU = torch.device("cpu")


def settings_of(kind: str, **values: Any) -> GuardSettings:
    return checked_settings(GuardSettings, {"detector": {"kind": kind, **FEW.get(kind, {})}, **values}, source="a test")


@pytest.fixture(scope="module")
def many(bars: Dataset) -> Dataset:
    """The bars with more images."""
    generator = np.random.default_rng(5)

    def more(part: str) -> dict[str, np.ndarray]:
        images, labels = np.tile(getattr(bars, f"{part}_images"), (5, 1, 1, 1)), getattr(bars, f"{part}_labels")
        noisy = (images.astype(int) + generator.integers(-20, 20, images.shape)).clip(0, 255).astype(np.uint8)
        return {f"{part}_images": noisy, f"{part}_labels": np.tile(labels, 5)}

    return dataclasses.replace(bars, **more("train"), **more("test"))


def trained(network: Classifier, data: Dataset, *, seed: int) -> Classifier:
    """A LeNet after some steps of Adam, different for each seed."""
    torch.manual_seed(seed)
    module = network.network.train()
    optimiser = torch.optim.Adam(module.parameters(), lr=1e-3)
    images, labels = torch.from_numpy(data.train_images), torch.from_numpy(data.train_labels)
    for _ in range(12):
        rows = torch.randint(0, len(labels), (64,))
        loss = torch.nn.functional.cross_entropy(module(network.inputs(images[rows])), labels[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    module.eval()
    return dataclasses.replace(network, name=f"lenet-{seed}")


@pytest.fixture(scope="module")
def networks(many: Dataset) -> list[Classifier]:
    from fooling.classifiers.architectures import build_network
    from fooling.classifiers.assembly import assembled
    from fooling.training.settings import ClassifierSettings

    found = []
    for seed in (1, 2, 3):
        torch.manual_seed(seed)
        network = build_network("lenet", input_shape=(1, 20, 20), classes=4, options={})
        fresh = assembled(network, name="lenet", settings=ClassifierSettings(), dataset=many, device=CPU)
        found.append(trained(fresh, many, seed=seed))
    return found


@pytest.fixture(scope="module")
def guards(networks: list[Classifier], many: Dataset) -> dict[str, tuple[Classifier, Classifier]]:
    """The hard and the smooth version with every detector."""
    return {
        kind: guarded(networks[0], networks[1:] if kind == "disagreement" else [], many, settings_of(kind), name=kind)
        for kind in KINDS
    }


def strange(count: int = 40) -> np.ndarray:
    """Images unlike the bars: noise of different strength."""
    generator = np.random.default_rng(9)
    return (generator.random((count, 1, 20, 20)) * np.linspace(20, 255, count)[:, None, None, None]).astype(np.uint8)


def test_scores_are_those_of_pytorch_ood(
    networks: list[Classifier], many: Dataset, guards: dict[str, tuple[Classifier, Classifier]]
) -> None:
    images = real_images_of(many, RealImagesSettings())
    shown = np.concatenate([images.measured, strange()])
    logits, features = (torch.from_numpy(part) for part in logits_and_features(networks[0], shown))
    fitted_features = torch.from_numpy(logits_and_features(networks[0], images.fitted)[1]).double()
    labels = torch.from_numpy(images.fitted_labels)
    temperature = float(guards["temperature"][0].network.detector.temperature)
    log_odds = log_odds_of(logits).amax(dim=1)
    assert torch.allclose(
        log_odds.sigmoid(), -reference.MaxSoftmax(None).predict_logits(logits.double()), atol=1e-6
    )  # the score is a monotone function of the probability
    expected = {
        "maximum-softmax": log_odds,
        "temperature": torch.logit(-reference.MaxSoftmax(None, t=temperature).predict_logits(logits.double())),
        "energy": -reference.EnergyBased(None).predict_logits(logits.double()),
        "neighbours": -0.5
        * reference.KNN(None, k=7).fit_features(fitted_features, labels).predict_features(features.double()).square(),
    }
    for kind, scores in expected.items():
        assert np.allclose(scores_of(guards[kind][0], shown), scores.numpy(), rtol=1e-4, atol=1e-4), kind


def test_mahalanobis_scores_are_those_of_pytorch_ood(
    networks: list[Classifier], many: Dataset, guards: dict[str, tuple[Classifier, Classifier]]
) -> None:
    images = real_images_of(many, RealImagesSettings())
    _, fitted = logits_and_features(networks[0], images.fitted)
    shown = np.concatenate([images.measured, strange()])
    _, features = logits_and_features(networks[0], shown)
    torch.set_default_dtype(torch.float64)
    try:
        expected = reference.Mahalanobis(None).fit_features(
            torch.from_numpy(fitted).double(), torch.from_numpy(images.fitted_labels)
        )
        scores = -expected.predict_features(torch.from_numpy(features).double()).numpy()
    finally:
        torch.set_default_dtype(torch.float32)
    assert np.allclose(scores_of(guards["mahalanobis"][0], shown), scores, rtol=1e-3)


def test_openmax_scores_are_those_of_pytorch_ood(
    networks: list[Classifier], many: Dataset, guards: dict[str, tuple[Classifier, Classifier]]
) -> None:
    """In a batch in which every class is predicted: pytorch-ood takes the distance to other classes for 0."""
    images = real_images_of(many, RealImagesSettings())
    fitted = networks[0].logits(torch.from_numpy(images.fitted)).numpy()
    correct = fitted.argmax(axis=1) == images.fitted_labels
    expected = reference.OpenMax(None, tailsize=10, alpha=3).fit_logits(
        torch.from_numpy(fitted[correct]).double(), torch.from_numpy(images.fitted_labels[correct])
    )
    shown = np.concatenate([images.measured, strange()])
    logits = networks[0].logits(torch.from_numpy(shown))
    assert len(logits.argmax(dim=1).unique()) == 4
    unknown = expected.predict_logits(logits.double()).numpy()
    known = 1 / (1 + np.exp(scores_of(guards["openmax"][0], shown).astype(float)))
    assert np.allclose(known, unknown, atol=1e-4)
    assert unknown.max() - unknown.min() > 0.1


def test_disagreement_is_the_mutual_information(
    networks: list[Classifier], guards: dict[str, tuple[Classifier, Classifier]]
) -> None:
    shown = strange()
    each = np.stack([one.confidences(torch.from_numpy(shown)).double().numpy() for one in networks])

    def entropy(shares: np.ndarray) -> np.ndarray:
        return -(shares * np.log(np.maximum(shares, 1e-300))).sum(axis=-1)

    information = entropy(each.mean(axis=0)) - entropy(each).mean(axis=0)
    assert np.allclose(scores_of(guards["disagreement"][0], shown), -information, atol=1e-5)
    assert (information > -1e-9).all() and information.max() > 0.01


def test_the_temperature_is_the_best_one(networks: list[Classifier], many: Dataset) -> None:
    logits = 3 * networks[0].logits(torch.from_numpy(many.test_images)).numpy()
    labels = many.test_labels.copy()
    labels[::7] = (labels[::7] + 1) % 4  # some errors: without any the best temperature is 0
    found = fitted_temperature(logits, labels)
    rows = np.arange(len(labels))

    def loss(temperature: float) -> float:
        return -float(torch.log_softmax(torch.from_numpy(logits).double() / temperature, 1)[rows, labels].mean())

    assert loss(found) <= min(loss(value) for value in np.geomspace(0.05, 50, 300)) + 1e-6
    assert found > 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_threshold_rejects_its_share(
    kind: str, many: Dataset, guards: dict[str, tuple[Classifier, Classifier]]
) -> None:
    hard, smooth = guards[kind]
    images = real_images_of(many, RealImagesSettings())
    rejected = hard.logits(torch.from_numpy(images.threshold)).argmax(dim=1) == 4
    assert float(rejected.double().mean()) == pytest.approx(0.05, abs=0.5 / len(images.threshold))
    # The smooth version accepts with a half at the threshold, and the median image almost surely.
    accepted = 1 - smooth.confidences(torch.from_numpy(images.threshold))[:, -1]
    assert torch.equal(accepted < 0.5, rejected)
    assert float(accepted.median()) == pytest.approx(0.99995, abs=2e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_an_accepted_image_keeps_its_confidence_and_a_rejected_one_has_none(
    kind: str, networks: list[Classifier], many: Dataset, guards: dict[str, tuple[Classifier, Classifier]]
) -> None:
    hard = guards[kind][0]
    shown = torch.from_numpy(np.concatenate([many.test_images, strange()]))
    before, after = networks[0].confidences(shown), hard.confidences(shown)
    rejected = after.argmax(dim=1) == 4
    assert 0 < int(rejected.sum()) < len(shown)
    assert torch.allclose(after[~rejected, :4], before[~rejected], atol=1e-6)
    assert (after[~rejected, 4] == 0).all()
    assert (after[rejected, :4] == 0).all()
    assert (after[rejected, 4] == 1).all()
    assert hard.targets == many.class_names
    assert hard.class_names[-1] == REJECTED


@pytest.mark.parametrize("kind", KINDS)
def test_the_smooth_version_has_gradients(
    kind: str, guards: dict[str, tuple[Classifier, Classifier]], many: Dataset
) -> None:
    smooth = guards[kind][1]
    levels = torch.from_numpy(np.concatenate([many.test_images[:3], strange(3)])).double()
    classes = torch.arange(6) % 4
    _, gradients = log_odds_gradients(smooth, levels, classes)
    assert (gradients.flatten(1).abs().sum(dim=1) > 0).all()
    # Against the change along a direction, where the network's own float32 allows it.
    step = 0.5 * gradients / gradients.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    ahead = log_odds_gradients(smooth, levels + step, classes)[0]
    behind = log_odds_gradients(smooth, levels - step, classes)[0]
    expected = (gradients * 2 * step).flatten(1).sum(dim=1)
    agrees = np.isclose((ahead - behind).numpy(), expected.numpy(), rtol=0.2, atol=1e-3)
    assert agrees.mean() >= 0.5, kind  # kinks, where another neighbour or class mean becomes the nearest


def test_both_versions_of_the_acceptance() -> None:
    margins = torch.tensor([-1e6, -10.0, -1e-3, 0.0, 1e-3, 10.0, 1e6], requires_grad=True)
    logarithms = torch.log(torch.tensor([[0.7, 0.3]])).expand(7, 2)
    smooth = with_rejection(logarithms, margins, smooth=True)
    shares = smooth.exp()
    assert torch.allclose(shares.sum(dim=1), torch.ones(7))
    accepted = 1 - shares[:, 2].detach()
    assert (accepted.diff() >= 0).all()
    assert accepted[3] == 0.5
    assert 0 < float(shares[0, 0].detach()) < 1e-6  # far below the threshold a search still finds a direction
    (gradient,) = torch.autograd.grad(smooth[:, 0].sum(), margins)
    assert gradient.isfinite().all() and (gradient[:-1] > 0).all()
    assert float(gradient[2]) == pytest.approx(float(gradient[4]), rel=5e-3)
    hard = with_rejection(logarithms, margins, smooth=False)
    assert (hard[:3, :2] == NEVER).all() and (hard[3:, 2] == NEVER).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_gives_the_same_bits(
    kind: str, guards: dict[str, tuple[Classifier, Classifier]], tmp_path: Path
) -> None:
    shown = torch.from_numpy(strange())
    for one in guards[kind]:
        save_classifier(tmp_path / "guarded.safetensors", one)
        loaded = load_classifier(tmp_path / "guarded.safetensors", CPU)
        assert torch.equal(loaded.logits(shown), one.logits(shown))
        assert loaded.provenance == one.provenance
        save_classifier(tmp_path / "again.safetensors", loaded)
        assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "guarded.safetensors").read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_a_score_depends_on_its_image_alone(kind: str, guards: dict[str, tuple[Classifier, Classifier]]) -> None:
    shown = strange()
    assert np.array_equal(scores_of(guards[kind][0], shown)[7:9], scores_of(guards[kind][0], shown[7:9]))


def test_real_images_are_disjoint_and_the_network_has_not_seen_two_of_the_sets(many: Dataset) -> None:
    for dataset in (many, without_training(many)):
        images = real_images_of(dataset, RealImagesSettings())
        parts = [{image.tobytes() for image in part} for part in (images.fitted, images.threshold, images.measured)]
        assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]
        assert len(images.measured) == len(many.test_images) // 2
        assert images.are_training_images == dataset.has_training_images


def without_training(dataset: Dataset) -> Dataset:
    return dataclasses.replace(dataset, train_images=dataset.train_images[:0], train_labels=dataset.train_labels[:0])


def test_a_threshold_lies_between_two_scores() -> None:
    scores = np.arange(100, dtype=np.float32)
    threshold, width = threshold_of(scores, 0.05)
    assert threshold == 4.5
    assert width == pytest.approx((49.5 - 4.5) / 10)
    assert threshold_of(np.zeros(10, dtype=np.float32), 0.5)[1] > 0


def test_what_cannot_be_guarded_is_refused(networks: list[Classifier], many: Dataset) -> None:
    first, second, _ = networks

    def refuses(classifier: Classifier, kind: str, *others: Classifier, match: str, **values: Any) -> None:
        with pytest.raises(FoolingError, match=match):
            guarded(classifier, others, many, settings_of(kind, **values), name="guard")

    black_box = dataclasses.replace(first, outputs="probabilities")
    both = ensemble_of([first, second], name="both")
    for kind in ("temperature", "energy", "mahalanobis", "neighbours", "openmax"):
        refuses(black_box, kind, match="gives only probabilities")
        refuses(both, kind, match="gives only probabilities")
    refuses(dataclasses.replace(first, fooling_class=True), "energy", match="has a fooling class")
    refuses(first, "disagreement", match="at least one other classifier")
    refuses(first, "energy", second, match="no other classifiers")
    refuses(first, "energy", match="too few real images", rejects=0.001)
    refuses(first, "neighbours", match="too few real images", fitted_images=10, detector=neighbours(50))
    with pytest.raises(FoolingError, match="too few real images to fit"):
        guarded(first, [], few(many), settings_of("mahalanobis"), name="guard")
    with pytest.raises(FoolingError, match="too few real images to fit"):
        guarded(first, [], few(many), settings_of("openmax"), name="guard")
    other = dataclasses.replace(many, class_names=tuple("abcd"))
    with pytest.raises(FoolingError, match="the data set of the classifier"):
        guarded(first, [], other, settings_of("energy"), name="guard")
    for rejects in (0, 1, -0.1, 2):
        with pytest.raises(FoolingError, match="rejects"):
            settings_of("energy", rejects=rejects)


def neighbours(count: int) -> dict[str, Any]:
    return {"kind": "neighbours", "neighbours": count}


def few(dataset: Dataset) -> Dataset:
    """One training image of a class."""
    rows = np.concatenate([np.flatnonzero(dataset.train_labels != 2), np.flatnonzero(dataset.train_labels == 2)[:1]])
    return dataclasses.replace(
        dataset, train_images=dataset.train_images[rows], train_labels=dataset.train_labels[rows]
    )


def test_an_unknown_detector_in_a_file_is_refused(
    guards: dict[str, tuple[Classifier, Classifier]], tmp_path: Path
) -> None:
    hard = guards["energy"][0]
    forged = dataclasses.replace(hard, options={**hard.options, "detector": {"kind": "magic"}})
    save_classifier(tmp_path / "forged.safetensors", forged)
    with pytest.raises(FoolingError, match="unknown detector"):
        load_classifier(tmp_path / "forged.safetensors", CPU)
    assert isinstance(hard.network, Guarded)
