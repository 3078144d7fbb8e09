"""Test images of an audit: counted by hand, and a preprocessing that was confused with another usual one."""

from __future__ import annotations

from math import comb
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from fooling.auditing.audit import SearchResult
from fooling.auditing.real_images import (
    Refused,
    better_preprocessing,
    measured,
    read_real_images,
    real_images,
)
from fooling.auditing.running import audit
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.settings import InputSettings
from fooling.classifiers.wrapped import wrapped
from fooling.datasets.dataset import Dataset, save_dataset
from fooling.messages import FoolingError

SHAPE = (3, 6, 6)
NAMES = ("great white shark", "b/c", "d")
LITE = InputSettings(divisor=1, mean=[127.0] * 3, std=[128.0] * 3)
IMAGENET = InputSettings(divisor=255, mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])


def network() -> nn.Module:
    """Looks at the mean of each channel: another offset or order of the channels gives other classes."""
    linear = nn.Linear(108, 3)
    with torch.no_grad():
        linear.weight.copy_(2 * torch.eye(3).repeat_interleave(36, dim=1) / 36)
        linear.weight[0] += 0.5 / 108
        linear.bias.copy_(torch.tensor([0.1, -0.1, 0.0]))
    return nn.Sequential(nn.Flatten(), linear)


def classifier(settings: InputSettings = LITE, model: nn.Module | None = None) -> Classifier:
    return wrapped(
        model or network(), name="mine", input_shape=SHAPE, class_names=NAMES, input_settings=settings, chunk_size=64
    )


def images(count: int, seed: int = 0) -> np.ndarray:
    """Images of one colour with a little noise."""
    generator = np.random.default_rng(seed)
    colours = generator.integers(20, 236, (count, 3, 1, 1))
    return np.clip(colours + generator.normal(0, 5, (count, *SHAPE)), 0, 255).astype(np.uint8)


def probabilities(shown: np.ndarray, *, mean: float = 127.0, std: float = 128.0) -> np.ndarray:
    """Softmax of the network in float64 NumPy."""
    linear = network()[1]
    inputs = ((shown.astype(float) - mean) / std).reshape(len(shown), -1)
    logits = inputs @ linear.weight.detach().double().numpy().T + linear.bias.detach().double().numpy()
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def search(shown: np.ndarray, classes: list[int]) -> SearchResult:
    sure = probabilities(shown)[np.arange(len(shown)), classes]
    return SearchResult(
        name="made-up",
        title="Made up",
        control="",
        classes=np.array(classes),
        images=shown,
        confidences=sure.astype(np.float32),
        log_odds=np.log(sure / (1 - sure)),
        evaluations=np.array([1]),
        history=sure.astype(np.float32)[None],
    )


@pytest.fixture(scope="module")
def labelled() -> tuple[np.ndarray, np.ndarray]:
    """400 images; every tenth has a wrong label."""
    shown = images(400)
    labels = probabilities(shown).argmax(axis=1)
    labels[::10] = (labels[::10] + 1) % 3
    return shown, labels


def test_every_number_is_counted_by_hand(labelled) -> None:
    shown, labels = labelled
    champions = search(images(3, seed=7), [0, 1, 2])
    threshold = 0.6
    found = measured(
        classifier(), real_images(shown, labels, classifier(), source="x"), [champions], threshold=threshold
    )
    shares = probabilities(shown)
    right, top = shares.argmax(axis=1) == labels, shares.max(axis=1)
    assert (found.images, found.right, found.wrong) == (400, right.sum(), (~right).sum())
    assert found.error == (~right).mean()
    assert found.right_at_threshold == (top[right] >= threshold).mean()
    assert found.wrong_at_threshold == (top[~right] >= threshold).mean()
    gaps = [
        abs((right[inside] - top[inside]).sum())
        for low in range(15)
        if (inside := (top > low / 15) & (top <= (low + 1) / 15)).any()
    ]
    assert found.calibration_error == pytest.approx(sum(gaps) / 400, abs=1e-6)
    for refused, rate in zip(found.refused, (0.01, 0.05), strict=True):
        assert refused.rate == rate
        assert refused.confidence is not None
        assert (top[right] < refused.confidence).sum() == round(rate * right.sum())
        shares_of_champions = probabilities(champions.images)
        accepted = [
            index
            for index in range(3)
            if shares_of_champions[index].argmax() == index and shares_of_champions[index, index] >= refused.confidence
        ]
        assert refused.fooled == {"made-up": len(accepted)}


def test_an_image_of_another_class_is_not_fooling_however_low_the_refusal(labelled) -> None:
    """With three classes a confidence of .34 may be accepted, but another class may be more probable."""
    shown, labels = labelled
    real = real_images(shown, labels, classifier(), source="x")
    same = shown[probabilities(shown).argmax(axis=1) == 2][:3]
    found = measured(classifier(), real, [search(same, [0, 1, 2])], threshold=0.9)
    assert all(refused.fooled is not None and refused.fooled["made-up"] <= 1 for refused in found.refused)


def test_too_few_images_give_no_refusal() -> None:
    shown = images(20)
    real = real_images(shown, probabilities(shown).argmax(axis=1), classifier(), source="x")
    found = measured(classifier(), real, [search(images(3), [0, 1, 2])], threshold=0.9)
    assert found.refused[0] == Refused(rate=0.01, confidence=None, fooled=None)
    assert found.refused[1].confidence is not None
    assert found.wrong_at_threshold is None


def binomial(gained: int, lost: int) -> float:
    """Two-sided exact McNemar test: twice the smaller tail, by counting."""
    count = gained + lost
    return min(1.0, 2 * sum(comb(count, each) for each in range(min(gained, lost) + 1)) / 2**count)


def test_a_clearly_better_preprocessing_is_found() -> None:
    shown = images(500)
    labels = probabilities(shown).argmax(axis=1)
    given = classifier(IMAGENET)
    found = better_preprocessing(given, real_images(shown, labels, given, source="x"), seed=1)
    assert found is not None
    assert found.name == "(x - 127) / 128"
    assert found.options == "--divisor 1 --mean 127 --std 128"
    assert (found.images, found.error) == (400, 0)
    wrong = round(found.error_as_given * 400)
    assert wrong > 20
    assert found.p_value == pytest.approx(binomial(wrong, 0))


def test_colours_in_the_wrong_order_are_found() -> None:
    shown = images(500)
    labels = probabilities(shown[:, ::-1]).argmax(axis=1)
    found = better_preprocessing(classifier(), real_images(shown, labels, classifier(), source="x"), seed=1)
    assert found is not None
    assert found.name == "the present one in the order BGR"
    assert "--colour bgr" in found.options


@pytest.mark.parametrize("wrong", [0.0, 0.3])
def test_the_right_preprocessing_is_not_doubted(wrong: float) -> None:
    generator = np.random.default_rng(3)
    shown = images(500)
    labels = probabilities(shown).argmax(axis=1)
    mistaken = generator.random(500) < wrong
    labels[mistaken] = generator.integers(0, 3, mistaken.sum())
    for seed in range(5):
        assert (
            better_preprocessing(classifier(), real_images(shown, labels, classifier(), source="x"), seed=seed) is None
        )


def test_few_images_prove_nothing() -> None:
    shown = images(6)
    given = classifier(IMAGENET)
    real = real_images(shown, probabilities(shown).argmax(axis=1), given, source="x")
    assert better_preprocessing(given, real, seed=1) is None


def test_a_preprocessing_that_overflows_is_not_chosen() -> None:
    class Half(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return network()(x).mul(400).half().float()  # beyond the range of float16 for levels up to 255

    given = classifier(IMAGENET, Half())
    shown = images(500)
    found = better_preprocessing(
        given, real_images(shown, probabilities(shown).argmax(axis=1), given, source="x"), seed=1
    )
    assert found is not None
    assert found.name in ("(x - 127) / 128", "x / 127.5 - 1, from -1 to 1")  # nearly the same


def test_a_function_has_no_preprocessing() -> None:
    given = wrapped(lambda shown: probabilities(shown), name="mine", input_shape=SHAPE, outputs="probabilities")
    shown = images(500)
    real = real_images(shown, (probabilities(shown).argmax(axis=1) + 1) % 3, given, source="x")
    assert better_preprocessing(given, real, seed=1) is None


def test_an_audit_with_test_images_warns_and_one_without_leaves_them_blank() -> None:
    shown = images(500)
    labels = probabilities(shown).argmax(axis=1)
    arguments = {"input_shape": SHAPE, "divisor": 255, "mean": IMAGENET.mean, "std": IMAGENET.std, "budget": 400}
    result = audit(network(), test_images=(torch.from_numpy(shown), labels), **arguments)
    assert result.real is not None
    assert result.real.images == 500
    assert any("(x - 127) / 128" in remark and "McNemar" in remark for remark in result.remarks)
    without = audit(network(), **arguments)
    assert without.real is None
    assert without.other_preprocessing is None
    assert [search.confidences.tolist() for search in without.searches] == [
        search.confidences.tolist() for search in result.searches
    ]


def test_guessing_is_remarked() -> None:
    generator = np.random.default_rng(5)
    result = audit(network(), input_shape=SHAPE, budget=400, test_images=(images(300), generator.integers(0, 3, 300)))
    assert any("no better than guessing" in remark for remark in result.remarks)


@pytest.mark.parametrize(
    ("shown", "labels", "message"),
    [
        (images(4)[:, :1], [0, 1, 2, 0], r"do not fit(.|\n)*\(4, 1, 6, 6\)(.|\n)*uint8 \(N, 3, 6, 6\)"),
        (images(4) / 255, [0, 1, 2, 0], "float64"),
        (images(0), [], r"N at least 1"),
        (images(4), [0, 1, 2], r"int64 \(3,\)"),
        (images(4), [0, 1, 2, 3], "from 0 to 3(.|\n)*from 0 to 2"),
        (images(4), [0.0, 1.0, 2.0, 0.0], "float64"),
    ],
)
def test_images_that_do_not_fit_are_refused(shown, labels, message) -> None:
    with pytest.raises(FoolingError, match=message):
        real_images(shown, labels, classifier(), source="x")


def put(folder: Path, shown: np.ndarray, names: list[str]) -> None:
    for number, (image, name) in enumerate(zip(shown, names, strict=True)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.moveaxis(image, 0, -1)).save(folder / name / f"{number}.png")


@pytest.mark.parametrize(
    "names", [["great white shark", "d", "d"], ["0", "2", "2"], ["0000-great-white", "0002-d", "002"]]
)
def test_pictures_are_sorted_by_the_networks_own_order(tmp_path, names) -> None:
    put(tmp_path, images(3), names)
    real = read_real_images(tmp_path, classifier())
    assert sorted(real.labels.tolist()) == [0, 2, 2]
    first = real.images[real.labels.tolist().index(0)]
    np.testing.assert_array_equal(first, images(3)[0])


def test_pictures_of_another_size_are_scaled_to_cover_the_input(tmp_path) -> None:
    wide = np.zeros((1, 3, 12, 36), np.uint8)
    wide[..., 12:24] = 200
    put(tmp_path, wide, ["d"])
    (image,) = read_real_images(tmp_path, classifier()).images
    assert image.shape == SHAPE
    assert (image[:, :, 2:4] == 200).all()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["d", "e"], r"1 subfolders that name no class(.|\n)*e(.|\n)*great white shark"),
        (["", "d"], "outside subfolders"),
    ],
)
def test_folders_that_name_no_class_are_refused(tmp_path, names, message) -> None:
    put(tmp_path, images(2), names)
    with pytest.raises(FoolingError, match=message):
        read_real_images(tmp_path, classifier())


def saved(path: Path, class_names: tuple[str, ...], labels: list[int]) -> Path:
    dataset = Dataset(
        name="made-up",
        class_names=class_names,
        train_images=images(0),
        train_labels=np.zeros(0, np.int64),
        test_images=images(3),
        test_labels=np.array(labels),
        provenance={},
    )
    save_dataset(path, dataset)
    return path


def test_a_data_set_is_matched_by_the_names_of_its_classes(tmp_path) -> None:
    path = saved(tmp_path / "set.safetensors", (NAMES[2], NAMES[0], NAMES[1]), [0, 1, 2])
    assert read_real_images(path, classifier()).labels.tolist() == [2, 0, 1]


def test_a_data_set_with_other_names_is_taken_in_its_order(tmp_path, capsys) -> None:
    path = saved(tmp_path / "set.safetensors", ("x", "y", "z"), [2, 1, 0])
    assert read_real_images(path, classifier()).labels.tolist() == [2, 1, 0]
    assert "network's order" in capsys.readouterr().err


def test_a_data_set_with_another_number_of_classes_is_refused(tmp_path) -> None:
    path = saved(tmp_path / "set.safetensors", ("x", "y"), [1, 1, 0])
    with pytest.raises(FoolingError, match=r"other classes than the network(.|\n)*2 classes: x, y(.|\n)*3 classes"):
        read_real_images(path, classifier())


def test_wordnet_ids_for_all_classes_are_taken_in_ascending_order(tmp_path) -> None:
    put(tmp_path, images(3), ["n03000000", "n01000000", "n02000000"])
    real = read_real_images(tmp_path, classifier())
    np.testing.assert_array_equal(real.images[real.labels.tolist().index(2)], images(3)[0])
    put(tmp_path, images(1), ["n04000000"])
    with pytest.raises(FoolingError, match="4 subfolders that name no class"):
        read_real_images(tmp_path, classifier())
