import base64
import dataclasses
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fooling.datasets.dataset import Dataset
from fooling.images import png_bytes
from fooling.report.pictures import (
    RealImages,
    course,
    figure_uri,
    first_of_encodings,
    one_label,
    picture,
    questions,
    sheet_of,
    size_of,
    start_and_end,
    webp_uri,
)


def pixels(uri: str) -> np.ndarray:
    head, _, content = uri.partition(",")
    assert head == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))).convert("RGB"))


@pytest.mark.parametrize("channels", [1, 3])
def test_images_keep_every_pixel(channels):
    image = np.random.default_rng(0).integers(0, 256, (channels, 9, 7)).astype(np.uint8)
    expected = np.moveaxis(np.broadcast_to(image, (3, 9, 7)), 0, -1)
    assert np.array_equal(pixels(webp_uri(image)), expected)


def test_figures_keep_every_pixel_and_become_smaller():
    image = np.zeros((3, 200, 300), np.uint8) + np.arange(300, dtype=np.uint8)
    png = png_bytes(image)
    assert np.array_equal(pixels(figure_uri(png)), np.moveaxis(image, 0, -1))
    assert size_of(png) == (300, 200)


def test_a_sheet_holds_the_images_side_by_side():
    images = [np.full((1, 4, 4), level, np.uint8) for level in (0, 128, 255)]
    assert pixels(sheet_of(images)).shape == (4, 12, 3)
    assert pixels(sheet_of(images))[0, ::4, 0].tolist() == [0, 128, 255]


def test_a_confidence_is_never_rounded_up():
    assert picture(np.zeros((1, 8, 8), np.uint8), "one", 0.98999).confidence == "98.99 %"


NAMES = ("zero", "one", "<two>")


@pytest.fixture
def real() -> RealImages:
    """Nine test images of three classes, of which the first one is misclassified."""
    images = np.arange(9, dtype=np.uint8)[:, None, None, None] * np.ones((1, 1, 8, 8), np.uint8)
    labels = np.arange(9, dtype=np.int64) % 3
    parts = {"train_images": images, "train_labels": labels, "test_images": images, "test_labels": labels}
    table = pd.DataFrame({"image": range(9), "label": labels, "predicted": labels, "confidence": 0.75})
    table.loc[0, "predicted"] = 1
    table = pd.concat([table.assign(classifier="lenet-a"), table.assign(classifier="lenet-b", predicted=2)])
    return RealImages(Dataset(name="made", class_names=NAMES, provenance={}, **parts), table, classifier="lenet-a")


def test_real_images_are_the_first_ones_of_the_class_that_the_network_classifies_correctly(real):
    first, second = real.first(0), real.first(0, after=1)
    assert first is not None
    assert second is not None
    assert (first[0][0, 0, 0], second[0][0, 0, 0]) == (3, 6)
    assert first[1] == 0.75
    assert real.first(0, after=2) is None


def test_the_first_run_of_each_encoding_is_on_its_first_classifier(make_run):
    other = make_run(1, classifier="lenet-b")
    runs = {"cppn": [make_run(1, encoding="cppn")], "direct": [make_run(1), make_run(2), other], "more": [make_run(9)]}
    assert {name: run.seed for name, run in first_of_encodings(runs).items()} == {"direct": 1, "cppn": 1}
    assert {name: run.seed for name, run in first_of_encodings(runs, seed=1).items()} == {"direct": 2, "cppn": 1}
    assert first_of_encodings(runs, seed=5)["direct"].classifier["name"] == "lenet-a"


def test_one_label_is_that_with_the_highest_minimum_confidence(make_run, real):
    direct, cppn = make_run(1), make_run(2, encoding="cppn")
    cppn = dataclasses.replace(cppn, log_odds=np.array([1.0, 9.0, 9.0]))
    shown = one_label({"direct": direct, "cppn": cppn}, real)
    assert [(one.class_name, one.kind) for one in shown] == [
        ("one", "real test image"),
        ("one", "evolved, direct encoding"),
        ("one", "evolved, CPPN encoding"),
    ]
    assert shown[1].source == webp_uri(direct.images[1])
    assert len(one_label({"direct": direct}, None)) == 1
    assert one_label({}, real) == []


def test_six_images_are_to_be_guessed_with_the_classes_as_choices(make_run, real):
    asked = questions({"direct": make_run(1), "cppn": make_run(2, encoding="cppn")}, real)
    assert [one.picture.kind.split(",")[-1].strip() for one in asked] == [
        *("CPPN encoding", "direct encoding", "real test image"),
        *("CPPN encoding", "direct encoding", "real test image"),
    ]
    assert all(one.choices == NAMES and one.picture.class_name in NAMES for one in asked)
    assert [one.picture.class_name for one in asked[:2]] == ["zero", "one"]  # the most confident ones that are left
    assert {one.picture.class_name for one in asked[:3]} == set(NAMES)


def test_without_real_images_all_are_evolved(make_run):
    asked = questions({"direct": make_run(1)}, None)
    assert len(asked) == 6
    assert {one.picture.kind for one in asked} == {"evolved, direct encoding"}


def test_without_a_replay_a_course_has_the_start_and_the_end(make_run):
    run = make_run(1)
    history = dataclasses.replace(
        run.history,
        generations=np.array([0, 1, 2]),
        evaluations=np.array([4, 6, 8]),
        confidences=np.array([[0.1] * 3, [0.5] * 3, [1.0, 0.99996, 0.4]], np.float32),
    )
    found = start_and_end(dataclasses.replace(run, history=history))
    assert [(step.generation, step.evaluations) for step in found.steps] == [(0, 4), (2, 8)]
    assert [step.confidences[1] for step in found.steps] == ["10.00 %", "≥ 99.99 %"]
    assert found.steps[0].sheet != found.steps[1].sheet


def test_a_course_has_a_sheet_for_each_generation(make_run):
    run, images = make_run(1), np.zeros((2, 3, 1, 8, 8), np.uint8)
    numbers = {"generations": np.array([0, 7]), "evaluations": np.array([4, 11])}
    found = course(run, **numbers, confidences=np.full((2, 3), 0.5, np.float32), images=images)
    assert [step.generation for step in found.steps] == [0, 7]
    assert (found.encoding, found.classifier, found.seed) == ("direct encoding", "lenet-a", 1)
    assert found.is_coarse
