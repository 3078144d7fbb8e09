"""Networks and functions as classifiers without a data set: scores, outputs, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from fooling.classifiers.settings import InputSettings
from fooling.classifiers.wrapped import kind_of_scores, wrapped
from fooling.images import noise_images
from fooling.messages import FoolingError

SHAPE = (1, 8, 8)


def network(classes: int = 3) -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, classes))


def by_hand(images: np.ndarray, built: nn.Module, *, divisor: float, mean: float, std: float) -> np.ndarray:
    """Logits from the formula of the preprocessing, in float64, without this project."""
    layer = built[1]
    inputs = ((images.astype(np.float64) / divisor - mean) / std).reshape(len(images), -1)
    return inputs @ layer.weight.detach().double().numpy().T + layer.bias.detach().double().numpy()


def test_a_network_scores_as_its_formula_says() -> None:
    built = network()
    settings = InputSettings(divisor=255.0, mean=[0.3], std=[0.5])
    classifier = wrapped(built, name="mine", input_shape=SHAPE, input_settings=settings)
    images = noise_images(SHAPE, 40)
    expected = by_hand(images, built, divisor=255.0, mean=0.3, std=0.5)
    np.testing.assert_allclose(classifier.logits(torch.from_numpy(images)).numpy(), expected, atol=1e-4)
    assert classifier.class_names == ("0", "1", "2")
    assert classifier.outputs == "logits"


def test_a_function_sees_the_stored_images_and_gives_the_confidences() -> None:
    built = network()
    seen: list[np.ndarray] = []

    def scores(images: np.ndarray) -> np.ndarray:
        seen.append(images)
        logits = by_hand(images, built, divisor=255.0, mean=0.0, std=1.0)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)

    classifier = wrapped(scores, name="service", input_shape=SHAPE)
    images = noise_images(SHAPE, 5)
    confidences = classifier.confidences(torch.from_numpy(images)).numpy()
    assert classifier.outputs == "probabilities"
    np.testing.assert_allclose(confidences, scores(images), rtol=1e-5)
    assert all(each.dtype == np.uint8 and each.shape[1:] == SHAPE for each in seen)
    same = wrapped(built, name="mine", input_shape=SHAPE).confidences(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(confidences, same, rtol=1e-4)


class Softmax(nn.Module):
    """A network that ends in a softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.scores = network()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.scores(images).softmax(dim=1)


def test_probabilities_are_recognised_and_can_be_declared() -> None:
    images = torch.from_numpy(noise_images(SHAPE))
    found = wrapped(Softmax(), name="mine", input_shape=SHAPE)
    plain = wrapped(network(), name="mine", input_shape=SHAPE)
    assert found.outputs == "probabilities"
    torch.testing.assert_close(found.confidences(images), plain.confidences(images))
    assert wrapped(Softmax(), name="mine", input_shape=SHAPE, outputs="probabilities").outputs == "probabilities"


@pytest.mark.parametrize("names", [("a", "b"), ("a", "b", "b")])
def test_names_that_do_not_fit_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(FoolingError, match=r"the classes of mine do not fit(.|\n)*each of its 3 scores"):
        wrapped(network(), name="mine", input_shape=SHAPE, class_names=names)


def test_one_score_is_too_few() -> None:
    with pytest.raises(FoolingError, match="at least two"):
        wrapped(network(1), name="mine", input_shape=SHAPE)


def test_images_of_another_size_are_refused_with_the_cause() -> None:
    with pytest.raises(FoolingError, match=r"mine cannot process these images(.|\n)*shapes cannot be multiplied"):
        wrapped(network(), name="mine", input_shape=(1, 9, 9))


def test_scores_that_depend_on_other_images_are_refused() -> None:
    def ranks(images: np.ndarray) -> np.ndarray:
        means = images.mean(axis=(1, 2, 3))
        return np.stack([means - means.mean(), means * 0 + 1], axis=1)

    with pytest.raises(FoolingError, match="depend on more than the image"):
        wrapped(ranks, name="service", input_shape=SHAPE)


@pytest.mark.parametrize(
    "given",
    [
        lambda images: np.zeros(len(images)),
        lambda images: np.zeros((1, 3)),
        lambda images: [],
        lambda images: [{"a": 1.0}],
        lambda images: ["a"],
        lambda images: None,
    ],
)
def test_a_function_that_gives_something_else_is_refused(given) -> None:
    with pytest.raises(FoolingError, match="one score for each class, or a label, for each image"):
        wrapped(given, name="service", input_shape=SHAPE, class_names=("a", "b", "c"))


def probabilities(images: np.ndarray) -> np.ndarray:
    """Probabilities (B, 3) by numpy."""
    logits = 3 * by_hand(images, network(), divisor=255.0, mean=0.0, std=1.0)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("form", ["names", "indices", "array"])
def test_a_label_alone_has_the_confidence_1(form) -> None:
    names = ("a", "b", "c")

    def labels(images: np.ndarray):
        best = probabilities(images).argmax(axis=1)
        return {"names": [names[k] for k in best], "indices": best.tolist(), "array": np.array(names)[best]}[form]

    classifier = wrapped(labels, name="service", input_shape=SHAPE, class_names=names)
    images = noise_images(SHAPE, 40)
    found = classifier.confidences(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(found, np.eye(3)[probabilities(images).argmax(axis=1)], atol=1e-37)
    assert kind_of_scores(classifier) == "label"
    assert classifier.targets == classifier.class_names == names


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_most_likely_classes_keep_their_probabilities_and_the_others_have_0(k) -> None:
    names = ("a", "b", "c")

    def top(images: np.ndarray):
        order = np.argsort(-probabilities(images), axis=1)[:, :k]
        rows = zip(probabilities(images), order, strict=True)
        return [{names[index]: row[index] for index in best} for row, best in rows]

    classifier = wrapped(top, name="service", input_shape=SHAPE, class_names=names)
    images = noise_images(SHAPE, 40)
    expected = probabilities(images)
    np.put_along_axis(expected, np.argsort(-expected, axis=1)[:, k:], 0, axis=1)
    found = classifier.confidences(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(found[:, :3], expected, atol=1e-6)
    assert kind_of_scores(classifier) == "top-k"
    assert classifier.targets == names


def test_a_function_may_not_change_how_it_answers() -> None:
    calls: list[int] = []

    def answers(images: np.ndarray):
        calls.append(1)
        scores = probabilities(images)
        return scores if len(calls) < 2 else scores.argmax(axis=1)

    with pytest.raises(FoolingError, match=r"changes how it answers\n  found: label\n  expected: scores"):
        wrapped(answers, name="service", input_shape=SHAPE, class_names=("a", "b", "c"))


@pytest.mark.parametrize(
    ("answer", "names", "message"),
    [
        ("d", ("a", "b", "c"), r"unknown class\n  found: 'd'\n  expected: one of a, b, c"),
        (3, ("a", "b", "c"), r"unknown class\n  found: 3"),
        ("a", None, "the names of the classes are needed"),
        ({"a": 0.7, "b": 0.7}, ("a", "b", "c"), "not probabilities"),
        ({"a": -0.1}, ("a", "b", "c"), "not probabilities"),
        ({"a": float("nan")}, ("a", "b", "c"), "not probabilities"),
    ],
)
def test_answers_that_do_not_fit_the_classes_are_refused(answer, names, message) -> None:
    with pytest.raises(FoolingError, match=message):
        wrapped(lambda images: [answer] * len(images), name="service", input_shape=SHAPE, class_names=names)
