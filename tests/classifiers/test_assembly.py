"""Ensembles: the mean of the members' confidences, each with its own preprocessing, and the same from a file."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from fooling.classifiers.architectures import build_network
from fooling.classifiers.assembly import ensemble_of
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.classifier_file import load_classifier, save_classifier
from fooling.messages import FoolingError

IMAGES = torch.randint(0, 256, (7, 3, 40, 40), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


def member(seed: int, *, crop: int | None, views: str = "centre", scale: float = 1 / 255) -> Classifier:
    """A SqueezeNet of four classes with fresh weights."""
    side = crop or 40
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_network("squeezenet", input_shape=(3, side, side), classes=4, options={"version": "1.1"})
    return Classifier(
        name=f"member-{seed}",
        architecture="squeezenet",
        options={"version": "1.1"},
        network=network,
        input_shape=(3, 40, 40),
        crop=crop,
        views=views,
        class_names=tuple("abcd"),
        offset=torch.full((3, 1, 1), 10.0 * seed),
        scale=torch.full((3, 1, 1), scale),
        training_mean=torch.full((3, 40, 40), 80.0),
        chunk_size=4,
        device=torch.device("cpu"),
    )


@pytest.fixture(scope="module")
def members() -> list[Classifier]:
    """Three that see different parts of an image, in different units."""
    third = member(3, crop=33)
    image = torch.linspace(0, 200, 40).expand(3, 40, 40).clone()
    return [
        member(1, crop=None),
        member(2, crop=32, views="ten", scale=1 / 100),
        dataclasses.replace(third, offset=image),
    ]


def test_confidences_are_the_mean_of_the_members(members: list[Classifier]) -> None:
    mean = torch.stack([one.confidences(IMAGES) for one in members]).mean(dim=0)
    found = ensemble_of(members, name="three").confidences(IMAGES)
    assert torch.allclose(found, mean, atol=1e-6)
    assert not torch.allclose(members[0].confidences(IMAGES), mean, atol=1e-3)


def test_the_members_stay_as_they_are(members: list[Classifier]) -> None:
    before = members[0].logits(IMAGES)
    ensemble = ensemble_of(members, name="three")
    with torch.no_grad():
        for parameter in ensemble.network.parameters():
            parameter.zero_()
    assert torch.equal(members[0].logits(IMAGES), before)


def test_a_file_gives_the_same_bits_back(members: list[Classifier], tmp_path: Path) -> None:
    ensemble = ensemble_of(members, name="three")
    save_classifier(tmp_path / "three.safetensors", ensemble)
    loaded = load_classifier(tmp_path / "three.safetensors", device=torch.device("cpu"))
    assert torch.equal(loaded.logits(IMAGES), ensemble.logits(IMAGES))


def test_a_row_depends_on_its_image_alone(members: list[Classifier]) -> None:
    ensemble = ensemble_of(members, name="three")
    assert torch.equal(ensemble.logits(IMAGES)[5:6], ensemble.logits(IMAGES[5:6]))


@pytest.mark.parametrize("change", [{"class_names": tuple("abce")}, {"fooling_class": True}])
def test_members_that_do_not_fit_are_refused(members: list[Classifier], change: dict[str, object]) -> None:
    other = dataclasses.replace(members[0], **change)  # type: ignore[arg-type]
    with pytest.raises(FoolingError, match=r"cannot be members of one ensemble(.|\n)*correct `members`"):
        ensemble_of([members[0], other], name="two")
