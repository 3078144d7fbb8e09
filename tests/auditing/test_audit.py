"""An audit: the same searches as by hand, the same result again, and counts that follow from the images."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from fooling.attacks.evolution.run import Evolution
from fooling.attacks.settings import EvolutionSettings
from fooling.auditing.running import audit, audited
from fooling.auditing.saving import VERSION, files_of
from fooling.auditing.settings import AuditSettings
from fooling.classifiers.wrapped import wrapped
from fooling.encodings.settings import CppnSettings
from fooling.messages import FoolingError
from fooling.reproducibility import CheckpointStore

SHAPE = (1, 8, 8)
BUDGET = 1000


def network() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.Tanh(), nn.Linear(4, 3))


@pytest.fixture(scope="module")
def result():
    return audit(network(), input_shape=SHAPE, classes=["a", "b/c", "d"], budget=BUDGET, threshold=0.6, name="mine")


def test_every_search_is_there_beside_its_control(result) -> None:
    names = [search.name for search in result.searches]
    assert names == ["random-search-cppn", "evolution-cppn", "random-search-direct", "evolution-direct", "ascent"]
    for search in result.searches:
        if search.control:
            assert search.evaluations[-1] == result.search(search.control).evaluations[-1] == BUDGET


def test_confidences_are_those_of_the_stored_images(result) -> None:
    built = network()
    for search in result.searches:
        inputs = torch.from_numpy(search.images.astype(np.float32) / 255)
        with torch.no_grad():
            confidences = built(inputs).softmax(dim=1).numpy()
        own = confidences[np.arange(len(search.classes)), search.classes]
        np.testing.assert_allclose(search.confidences, own, atol=1e-6)
        np.testing.assert_allclose(search.history[-1], search.confidences, atol=1e-6)


def test_evolution_is_the_run_of_the_study(result) -> None:
    classifier = wrapped(network(), name="mine", input_shape=SHAPE)
    settings = EvolutionSettings.model_validate(
        {"encoding": CppnSettings(), "search": {"generations": BUDGET // 200 - 1}}
    )
    identity = {"name": "mine", "classifier": {"name": "mine", "sha256": ""}, "versions": {}}
    run = Evolution(settings=settings, classifier=classifier, identity=identity).run(1)
    while run.steps_done < run.steps:
        run.advance()
    np.testing.assert_array_equal(result.search("evolution-cppn").images, run.record().images)


def test_counts_follow_from_the_confidences(result) -> None:
    found = result.search("evolution-cppn")
    sure = found.confidences.astype(float)
    assert found.fooled(0.6) == sum(value >= 0.6 for value in sure)
    assert found.fooled(2.0) == 0
    assert found.first(2.0) is None
    for threshold in (0.4, 0.5, 0.6):
        first = found.first(threshold)
        reached = [
            evaluations
            for evaluations, row in zip(found.evaluations, found.history.astype(float), strict=True)
            if row.max() >= threshold
        ]
        assert first == (reached[0] if reached else None)


def test_an_interrupted_audit_ends_with_the_same_files(result, tmp_path) -> None:
    classifier = wrapped(network(), name="mine", input_shape=SHAPE, class_names=["a", "b/c", "d"])
    settings = AuditSettings(budget=BUDGET, threshold=0.6)

    class StoppedError(Exception):
        pass

    class Stopping(CheckpointStore):
        """Saves after every generation and stops in the middle of the second search."""

        def is_due(self) -> bool:
            return True

        def save(self, name, arrays, header) -> None:
            super().save(name, arrays, header)
            if name == "evolution-cppn" and self.saves == 2:
                raise StoppedError
            self.saves += name == "evolution-cppn"

        saves = 0

    with pytest.raises(StoppedError), Stopping(tmp_path, {"work": "audit"}, code="x") as store:
        audited(classifier, settings, store=store)
    with CheckpointStore(tmp_path, {"work": "audit"}, code="x") as store:
        again = audited(classifier, settings, store=store)
    assert files_of(again) == files_of(result)


def test_a_network_without_gradients_is_audited_without_ascent() -> None:
    built = network()

    def scores(images: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return built(torch.from_numpy(images.astype(np.float32) / 255)).numpy()

    found = audit(scores, input_shape=SHAPE, budget=400)
    assert [search.name for search in found.searches][-1] == "evolution-direct"
    assert any("no gradients" in remark for remark in found.remarks)


def test_the_network_of_the_user_stays_as_it_is() -> None:
    built = network().train()
    audit(built, input_shape=SHAPE, budget=400)
    assert built.training


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(FoolingError, match=r"(?s)arguments of audit.*budget"):
        audit(network(), input_shape=SHAPE, budget=10)
    with pytest.raises(FoolingError, match=r"(?s)arguments of audit.*divisor"):
        audit(network(), input_shape=SHAPE, divisor=-1)


def test_the_files_hold_every_image_and_every_number(result) -> None:
    files = files_of(result)
    described = json.loads(files["audit.json"])
    assert described["version"] == VERSION
    assert described["classes"] == ["a", "b/c", "d"]
    listed = {image["file"] for search in described["searches"] for image in search["images"]}
    assert listed == files.keys() - {"audit.json", "index.html"}
    for search in described["searches"]:
        found = result.search(search["name"])
        assert search["fooled"] == found.fooled(0.6)
        for index, image in enumerate(search["images"]):
            assert image["confidence"] == pytest.approx(float(found.confidences[index]))
            pixels = np.asarray(Image.open(io.BytesIO(files[image["file"]])))
            assert pixels.shape == (112, 112)
            np.testing.assert_array_equal(pixels[::14, ::14], found.images[index][0])
            assert (pixels.reshape(8, 14, 8, 14) == pixels[::14, None, ::14, None]).all()


def test_sentences_tell_the_count_and_its_control(result) -> None:
    sentence = next(each for each in result.sentences() if each.startswith("Evolution (CPPN"))
    fooled, control = (result.search(f"{name}-cppn").fooled(0.6) for name in ("evolution", "random-search"))
    assert f": {fooled} of 3 classes at 60 % or more" in sentence
    assert sentence.endswith(f"random search with the same budget: {control} of 3.")


def test_arguments_are_checked_before_anything_is_run() -> None:
    model = network()
    for arguments, message in (
        ({"input_shape": (8, 8)}, "channels first, 1 or 3"),
        ({"input_shape": SHAPE, "mean": [0.1, 0.2]}, "one number for each channel"),
    ):
        with pytest.raises(FoolingError, match=message):
            audit(model, **arguments)
    with pytest.raises(FoolingError, match=r"a state dict(.|\n)*load_state_dict"):
        audit(model.state_dict(), input_shape=SHAPE)


def test_a_result_shows_its_sentences(result) -> None:
    assert repr(result) == "\n".join([*result.remarks, *result.sentences()])
    assert "evolution" in repr(result).lower()
