"""Services that score images: the same champions as in process, and what happens when they fail or talk nonsense."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fooling.auditing.doors import opened
from fooling.auditing.running import audited
from fooling.auditing.saving import files_of
from fooling.auditing.services import Service
from fooling.auditing.settings import AuditSettings, Opening, ServiceOptions
from fooling.images import noise_images
from fooling.messages import FoolingError
from onnx_files import onnx_file
from scoring_server import ScoringServer, serving

CPU = torch.device("cpu")
SHAPE = (3, 6, 5)
NAMES = ("cat", "dog", "owl", "fox")
SETTINGS = AuditSettings(budget=600, threshold=0.6, single_images=50)


def onnx_scores(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Return what onnxruntime gives for images, one at a time, without this project."""
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def scores(images: np.ndarray) -> np.ndarray:
        return np.concatenate(
            [session.run(["scores"], {"images": image[None].astype(np.float32)})[0] for image in images]
        )

    return scores


@pytest.fixture
def network(tmp_path: Path) -> Path:
    torch.manual_seed(6)
    original = torch.nn.Linear(90, 4)
    original.weight.data /= 50
    return onnx_file(tmp_path / "net.onnx", original, channels_last=False, batch=1)


@pytest.fixture
def server(network: Path) -> Iterator[ScoringServer]:
    scores = onnx_scores(network)
    with serving(lambda images: {"scores": [[float(each) for each in row] for row in scores(images)]}) as started:
        yield started


def options(tmp_path: Path, **given: Any) -> ServiceOptions:
    return ServiceOptions(answers=tmp_path / "answers", **given)


def opening(tmp_path: Path, **given: Any) -> Opening:
    return Opening(input_shape=SHAPE, classes=NAMES, service=options(tmp_path, **given))


def test_a_service_is_audited_as_its_network_in_process_byte_by_byte(network, server, tmp_path) -> None:
    inside = opened(str(network), Opening(classes=NAMES, divisor=1.0), device=CPU)
    expected = audited(inside, SETTINGS)
    found = audited(opened(server.address, opening(tmp_path), device=CPU), SETTINGS)
    assert [each.name for each in found.searches] == [each.name for each in expected.searches]
    for one, other in zip(found.searches, expected.searches, strict=True):
        for part in ("classes", "images", "confidences", "log_odds", "evaluations", "history"):
            assert getattr(one, part).tobytes() == getattr(other, part).tobytes()
    assert found.single == expected.single
    assert found.scores == expected.scores == "probabilities"
    assert found.search("evolution-cppn").fooled(0.6) > 0


def test_a_second_audit_sends_nothing(server, tmp_path) -> None:
    first = files_of(audited(opened(server.address, opening(tmp_path), device=CPU), SETTINGS))
    sent = len(server.images)
    assert (
        sent == len(set(server.images)) + 8
    )  # the noise images are sent twice, to see that their answers are the same
    second = files_of(audited(opened(server.address, opening(tmp_path), device=CPU), SETTINGS))
    assert len(server.images) == sent
    assert second == first


def test_another_address_is_another_service(server, tmp_path) -> None:
    images = noise_images(SHAPE, 3)
    Service(server.address, options(tmp_path))(images)
    Service(server.address, options(tmp_path))(images)
    assert len(server.images) == 3
    Service(f"{server.address}?model=2", options(tmp_path))(images)
    assert len(server.images) == 6
    assert server.requests[-1][0] == "/score?model=2"


def test_equal_images_are_sent_once(server, tmp_path) -> None:
    images = noise_images(SHAPE, 2)[[0, 1, 0, 0]]
    given = Service(server.address, options(tmp_path))(images)
    assert len(server.images) == 2
    assert given[0] == given[2] == given[3] != given[1]


def label_of(scores: np.ndarray) -> list[str]:
    return [NAMES[index] for index in scores.argmax(axis=1)]


def test_a_label_alone_counts_as_certain(network, tmp_path) -> None:
    scores = onnx_scores(network)
    with serving(lambda images: {"labels": label_of(scores(images))}) as server:
        classifier = opened(server.address, opening(tmp_path), device=CPU)
        images = noise_images(SHAPE, 20)
        confidences = classifier.confidences(torch.from_numpy(images)).numpy()
        np.testing.assert_allclose(confidences, np.eye(4)[scores(images).argmax(axis=1)], atol=1e-37)
        result = audited(classifier, SETTINGS)
    assert result.scores == "label"
    sentence = next(each for each in result.sentences() if each.startswith("Evolution (CPPN"))
    assert f"{result.search('evolution-cppn').fooled(0.5)} of 4 classes given as a label" in sentence
    files = files_of(result)
    assert b"Evolution knows only yes and no" in files["index.html"]
    described = json.loads(files["audit.json"])
    assert (described["scores"], described["log_odds_limited"]) == ("label", True)


def test_classes_that_are_not_named_have_the_score_0(network, tmp_path) -> None:
    scores = onnx_scores(network)

    def top(images: np.ndarray) -> dict[str, Any]:
        order = np.argsort(-scores(images), axis=1)[:, :2]
        rows = zip(scores(images), order, strict=True)
        return {"top": [[{"label": NAMES[k], "score": float(row[k])} for k in best] for row, best in rows]}

    with serving(top) as server:
        classifier = opened(server.address, opening(tmp_path), device=CPU)
        images = noise_images(SHAPE, 20)
        found = classifier.confidences(torch.from_numpy(images)).numpy()
        result = audited(classifier, SETTINGS)
    expected = scores(images).copy()
    np.put_along_axis(expected, np.argsort(expected, axis=1)[:, :2], 0, axis=1)
    np.testing.assert_allclose(found[:, :4], expected, atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    assert classifier.targets == result.class_names == NAMES
    assert len(result.search("evolution-cppn").images) == 4
    assert "gets the score 0" in files_of(result)["index.html"].decode()


def test_failures_are_tried_again_after_longer_and_longer_waits(server, tmp_path, capsys) -> None:
    waits: list[float] = []
    service = Service(server.address, options(tmp_path), sleep=waits.append)
    images = noise_images(SHAPE, 6)
    server.failures = [(503, {}), None]
    first = service(images[:2])
    assert waits == [0.5, 1.0]
    server.failures = [(500, {}), (502, {}), (504, {}), (429, {"Retry-After": "7"}), None, None]
    second = service(images[2:4])
    assert waits[2:] == [0.5, 1.0, 2.0, 7.0, 8.0, 16.0]
    expected = Service(server.address, options(tmp_path / "other"))(images)
    assert first + second == expected[:4]
    assert "503 Service Unavailable; trying again in 0.5 s" in capsys.readouterr().err


def test_an_idle_connection_that_was_closed_is_opened_again_at_once(server, tmp_path) -> None:
    waits: list[float] = []
    service = Service(server.address, options(tmp_path), sleep=waits.append)
    images = noise_images(SHAPE, 2)
    service(images[:1])
    server.failures = [None]
    service(images[1:])
    assert not waits


def test_a_service_that_stays_away_is_named(tmp_path) -> None:
    with serving(lambda images: {}) as server:
        address = server.address
    with pytest.raises(FoolingError, match=r"127.0.0.1:\d+ does not answer\n  found: no connection .*refused"):
        Service(address, options(tmp_path), sleep=lambda _: None)(noise_images(SHAPE, 1))


def test_an_interrupted_audit_asks_only_for_what_is_missing(server, tmp_path) -> None:
    sleep = lambda _: None  # noqa: E731
    service = Service(server.address, options(tmp_path), sleep=sleep)
    images = noise_images(SHAPE, 4)
    service(images[:3])
    server.failures = [(503, {})] * 7
    with pytest.raises(FoolingError, match="the answers so far are kept"):
        service(images)
    assert len(server.images) == 3
    service(images)
    assert len(server.images) == 4


def test_no_more_images_are_sent_than_the_budget_allows(server, tmp_path) -> None:
    service = Service(server.address, options(tmp_path, queries=5))
    images = noise_images(SHAPE, 6)
    service(images[:3])
    service(images[:3])  # known
    service(images[3:5])
    with pytest.raises(FoolingError, match=r"5 images were sent(.|\n)*at most 5(.|\n)*--queries"):
        service(images)
    assert len(server.images) == 5
    again = Service(server.address, options(tmp_path, queries=5))
    assert len(again(images)) == 6


def test_requests_keep_their_distance(server, tmp_path) -> None:
    waits: list[float] = []
    service = Service(server.address, options(tmp_path, rate=2.0), sleep=waits.append)
    images = noise_images(SHAPE, 3)
    for index in range(3):
        service(images[index : index + 1])
    assert waits[0] == 0
    assert all(0.3 < wait <= 0.5 for wait in waits[1:])


def test_a_redirect_is_not_followed(server, tmp_path) -> None:
    with serving(lambda images: {"labels": ["cat"] * len(images)}) as elsewhere:
        server.failures = [(307, {"Location": elsewhere.address})]
        with pytest.raises(FoolingError, match=rf"has moved\n  found: 307, to {elsewhere.address}"):
            Service(server.address, options(tmp_path))(noise_images(SHAPE, 1))
        assert not elsewhere.requests


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("http://example.org/score", "http:// to another machine"),
        ("http://127.0.0.1.example.org/score", "http:// to another machine"),
        ("ftp://example.org/score", "ftp://"),
        ("https://me:secret@example.org/score", "a name or password in the address"),
        ("https:///score", "no host"),
        ("https://example.org:abc/score", "a port that is not a number"),
    ],
)
def test_an_address_to_which_nothing_may_be_sent_is_refused(address, found) -> None:
    with pytest.raises(FoolingError, match=r"is not the address of a service") as refused:
        Service(address)
    assert f"found: {found}" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_key_reaches_the_service_and_no_file(server, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("FOOLING_AUTHORIZATION", "Bearer s3cret")
    address = f"{server.address}?key=k3y"
    result = audited(opened(address, opening(tmp_path), device=CPU), SETTINGS)
    assert server.requests[0][1]["Authorization"] == "Bearer s3cret"
    for content in (*files_of(result).values(), *(path.read_bytes() for path in (tmp_path / "answers").iterdir())):
        assert b"s3cret" not in content
        assert b"k3y" not in content
    assert result.provenance["target"] == server.address


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>welcome</html>",
        {"scores": [[0.5, 0.5]]},
        {"scores": "high"},
        {"scores": [["a", "b"], [1, 2]]},
        {"labels": [None, None]},
        {"top": [{"cat": 0.5}, {"dog": 0.5}]},
        {"top": [[{"label": "cat"}], [{"label": "cat"}]]},
        {"classes": ["cat", "dog"]},
        b'{"scores": [[NaN], [NaN]]}',
        [1, 2],
    ],
)
def test_nonsense_is_shown_beside_what_was_expected(tmp_path, answer) -> None:
    message = r"is not understood\n  found: for 2 images: (.|\n)*one entry for each"
    with serving(lambda images: answer) as server, pytest.raises(FoolingError, match=message):
        Service(server.address, options(tmp_path))(noise_images(SHAPE, 2))


@pytest.mark.parametrize(
    ("status", "remedy"), [(401, "FOOLING_AUTHORIZATION"), (404, "check the path"), (413, "--chunk-size")]
)
def test_a_refusal_is_not_repeated(server, tmp_path, status, remedy) -> None:
    server.failures = [(status, {})]
    with pytest.raises(FoolingError, match=rf"found: {status} .*: busy(.|\n)*{remedy}"):
        Service(server.address, options(tmp_path))(noise_images(SHAPE, 1))
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"labels": ["cow"] * 8}, r"unknown class\n  found: 'cow'\n  expected: one of cat, dog, owl, fox"),
        ({"labels": [4] * 8}, r"unknown class\n  found: 4"),
        ({"scores": [[0.2, 0.8]] * 8}, r"do not fit its scores(.|\n)*each of its 2 scores"),
        ({"top": [[{"label": "cat", "score": 3.5}]] * 8}, r"not probabilities(.|\n)*at most 1"),
    ],
)
def test_answers_that_do_not_fit_the_classes_are_refused(tmp_path, answers, message) -> None:
    def answer(images: np.ndarray) -> dict[str, Any]:
        return {key: value[:1] * len(images) for key, value in answers.items()}

    with serving(answer) as server, pytest.raises(FoolingError, match=message):
        opened(server.address, opening(tmp_path), device=CPU)


def test_labels_without_names_of_the_classes_are_refused(tmp_path) -> None:
    given = Opening(input_shape=SHAPE, service=options(tmp_path))
    message = r"names of the classes are needed(.|\n)*--classes"
    with (
        serving(lambda images: {"labels": ["cat"] * len(images)}) as server,
        pytest.raises(FoolingError, match=message),
    ):
        opened(server.address, given, device=CPU)


@pytest.mark.parametrize("key", ["scores", "labels"])
def test_a_service_that_guesses_is_refused(tmp_path, key) -> None:
    random = np.random.default_rng(1)

    def guess(images: np.ndarray) -> dict[str, Any]:
        scores = random.dirichlet(np.ones(4), len(images))
        return {"scores": scores.tolist()} if key == "scores" else {"labels": label_of(scores)}

    with serving(guess) as server, pytest.raises(FoolingError, match="answers differently for the same image"):
        opened(server.address, opening(tmp_path), device=CPU)


def test_what_a_service_needs_is_asked_for(tmp_path) -> None:
    with pytest.raises(FoolingError, match=r"size of the images of https://example.org/score is unknown"):
        opened("https://example.org/score", Opening(), device=CPU)
    with pytest.raises(FoolingError, match=r"given the images themselves(.|\n)*leave them out"):
        opened("https://example.org/score", Opening(input_shape=SHAPE, mean=(0.5,)), device=CPU)


def test_a_broken_cache_is_named(server, tmp_path) -> None:
    service = Service(server.address, options(tmp_path))
    service(noise_images(SHAPE, 1))
    (path,) = (tmp_path / "answers").iterdir()
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(FoolingError, match=rf"{path.name} cannot hold the answers(.|\n)*delete it"):
        service(noise_images(SHAPE, 1))
