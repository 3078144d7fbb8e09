"""A first look: known images reach the network as they were, and what it calls them is counted by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from fooling.artifacts import write_bytes
from fooling.attacks.attack import finish
from fooling.attacks.evolution.record import save_run
from fooling.attacks.evolution.run import Evolution
from fooling.attacks.settings import EvolutionSettings
from fooling.auditing.known_images import ProbeFile, known_images, probed, sized, without_enlargement
from fooling.auditing.running import audit
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.wrapped import wrapped
from fooling.images import png_bytes
from fooling.messages import FoolingError
from fooling.schemas import checked_header

SHAPE = (1, 8, 8)
NAMES = ("a", "b/c", "d")


def network() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.Tanh(), nn.Linear(4, 3))


def classifier(shape: tuple[int, int, int] = SHAPE) -> Classifier:
    model = network() if shape == SHAPE else nn.Sequential(nn.AdaptiveAvgPool2d(8), network())
    return wrapped(model, name="mine", input_shape=shape, class_names=NAMES)


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audits") / "audit"
    result = audit(network(), input_shape=SHAPE, classes=NAMES, budget=600, threshold=0.6, name="mine")
    result.save(folder)
    return result, folder


def test_the_images_of_an_audit_get_the_same_confidences_again(audited) -> None:
    result, folder = audited
    probe = probed(classifier(), known_images(folder), source="audit", threshold=0.6).file
    assert [group.name for group in probe.groups] == [search.title for search in result.searches]
    for group, search in zip(probe.groups, result.searches, strict=True):
        for image, own, index in zip(group.images, search.confidences, search.classes, strict=True):
            assert image.made_for == NAMES[index]
            if image.class_index == index:
                assert image.confidence == pytest.approx(float(own), abs=1e-7)
            else:
                assert image.confidence > own
            assert image.same_class == (image.class_index == index)
        assert group.fooling == sum(image.confidence >= 0.6 for image in group.images)
        assert group.same_class == sum(image.confidence >= 0.6 and bool(image.same_class) for image in group.images)
    fooling, images = sum(group.fooling for group in probe.groups), sum(len(group.images) for group in probe.groups)
    assert f"mine gives {fooling} of {images} known images a confidence of 60 % or more" in probe.summary[0]
    assert probe.remarks == ()


def test_images_of_another_size_are_resized_and_it_says_so(audited) -> None:
    _, folder = audited
    probe = probed(classifier((1, 12, 12)), known_images(folder), source="audit", threshold=0.6)
    assert probe.images[0].shape == (3, 1, 12, 12)
    assert "14 images were resized from 8 x 8 to 12 x 12 pixels" in probe.file.remarks[0]


def test_grey_images_are_shown_in_colour(audited) -> None:
    (first, *_) = known_images(audited[1])
    image = sized(first.images[0], (3, 8, 8))
    np.testing.assert_array_equal(image, np.repeat(first.images[0], 3, axis=0))


def test_a_folder_of_pictures(tmp_path) -> None:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (4, *SHAPE), dtype=np.uint8)
    for place, image in zip(["a", "D", "other", "."], images, strict=True):
        write_bytes(tmp_path / "pictures" / place / "one.png", png_bytes(image, zoom=5))
    known = known_images(tmp_path / "pictures")
    probe = probed(classifier(), known, source="pictures", threshold=0.01)
    with torch.no_grad():
        scores = network()(torch.from_numpy(images.astype(np.float32) / 255)).softmax(dim=1).numpy()
    by_name = {image.made_for: image for image in probe.file.groups[0].images}
    for name, own in zip(["a", "D", "other", None], scores, strict=True):
        assert by_name[name].class_index == own.argmax()
        assert by_name[name].confidence == pytest.approx(own.max(), abs=1e-6)
    assert by_name["a"].same_class == (scores[0].argmax() == 0)
    assert by_name["D"].same_class == (scores[1].argmax() == 2)
    assert by_name["other"].same_class is False
    assert by_name[None].same_class is None
    assert probe.file.groups[0].comparable == 3


def test_of_many_images_some_of_each_origin_are_shown(audited, monkeypatch) -> None:
    monkeypatch.setattr("fooling.auditing.known_images.MOST_IMAGES", 10)
    probe = probed(classifier(), known_images(audited[1]), source="audit", threshold=0.6).file
    assert [[image.made_for for image in group.images] for group in probe.groups] == [["a", "b/c"]] * 5
    assert probe.remarks == ("10 of 14 images are shown, evenly spaced, to keep this look short.",)


def test_pictures_without_subfolders_are_not_compared_by_class(tmp_path) -> None:
    Image.new("RGB", (20, 30), "red").save(tmp_path / "red.png")
    probe = probed(classifier(), known_images(tmp_path), source="pictures", threshold=0.01)
    assert "The images name no classes" in probe.file.summary[1]


def test_a_run_file(tmp_path) -> None:
    identity = {"name": "mine", "classifier": {"name": "mine", "sha256": ""}, "versions": {}}
    run = Evolution(
        settings=EvolutionSettings.model_validate({"search": {"generations": 2}}),
        classifier=classifier(),
        identity=identity,
    ).run(4)
    finish(run, store=None, name="mine", unit="generations")
    save_run(tmp_path / "run.safetensors", run.record())
    probe = probed(classifier(), known_images(tmp_path / "run.safetensors"), source="run", threshold=0.01)
    assert [group.name for group in probe.file.groups] == ["map-elites-cppn on mine, seed 4"]
    np.testing.assert_array_equal(probe.images[0], run.record().images)
    assert len(probe.file.summary) == 2  # no line for the only group


def test_the_files_are_read_back(audited, tmp_path) -> None:
    probe = probed(classifier(), known_images(audited[1]), source="audit", threshold=0.6)
    probe.save(tmp_path / "probe")
    content = json.loads((tmp_path / "probe/probe.json").read_text())
    assert checked_header(ProbeFile, content, source="probe.json") == probe.file
    page = (tmp_path / "probe/index.html").read_text()
    assert probe.file.summary[0].replace(" %", "\N{NO-BREAK SPACE}%") in page
    assert "https:" not in page
    assert "http:" not in page


def test_other_folders_are_not_replaced(audited) -> None:
    probe = probed(classifier(), known_images(audited[1]), source="audit", threshold=0.6)
    with pytest.raises(FoolingError, match="would be lost"):
        probe.save(audited[1])
    assert (audited[1] / "audit.json").is_file()


@pytest.mark.parametrize("kind", ["empty", "text", "broken audit", "path out"])
def test_what_holds_no_images_is_refused(audited, tmp_path, kind) -> None:
    place = tmp_path / "here"
    if kind == "empty":
        place.mkdir()
    elif kind == "text":
        place.write_text("no images")
    else:
        place.mkdir()
        content = json.loads((audited[1] / "audit.json").read_text())
        if kind == "broken audit":
            del content["searches"][0]["images"][0]["file"]
        else:
            content["searches"][0]["images"][0]["file"] = "../secret.png"
            write_bytes(tmp_path / "secret.png", png_bytes(np.zeros(SHAPE, np.uint8)))
        (place / "audit.json").write_text(json.dumps(content))
    message = {"empty": "no pictures", "text": "safetensors", "broken audit": "file", "path out": "leads out"}[kind]
    with pytest.raises(FoolingError, match=message):
        known_images(place)


def test_only_true_enlargements_are_taken_back() -> None:
    image = np.random.default_rng(0).integers(0, 256, (3, 4, 5), dtype=np.uint8)
    large = image.repeat(3, axis=1).repeat(3, axis=2)
    np.testing.assert_array_equal(without_enlargement(large, 4, 5), image)
    assert without_enlargement(large, 5, 4) is large
    large[0, 0, 1] ^= 1
    assert without_enlargement(large, 4, 5) is large
    assert sized(large, (1, 4, 5)).shape == (1, 4, 5)
