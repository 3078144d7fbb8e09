"""The attack with labels alone: noise against the normal distribution, budgets, resumption, and what is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import integrate
from scipy.stats import norm

from fooling.artifacts import read_arrays, write_arrays
from fooling.attacks.label_only.record import KIND, VERSION, LabelOnlyRecord, load_label_only, save_label_only
from fooling.attacks.label_only.run import LabelOnly, LabelOnlyRun, LabelScoring
from fooling.attacks.settings import LabelOnlySettings
from fooling.classifiers.classifier import Classifier, confidences_of
from fooling.classifiers.wrapped import wrapped
from fooling.messages import FoolingError
from fooling.settings import checked_settings
from linear_classifier import SHAPE, made_classifier

IDENTITY = {"name": "labels", "classifier": {"name": "linear", "sha256": "0"}, "versions": {}}
FEW = {"queries": 700, "copies": 4, "noise": [20, 80], "start": 10, "offspring": 6, "seeds": {"count": 2}}
PIXELS = int(np.prod(SHAPE))


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    weights = np.random.default_rng(2).normal(0, 0.3, (3, PIXELS))
    return made_classifier(weights, np.array([0.1, -0.2, 0.0]))


def separate(classes: int) -> Classifier:
    """A network whose logit of class k is the level of pixel k of the first channel, up to a factor."""
    weights = np.zeros((classes, PIXELS))
    weights[np.arange(classes), np.arange(classes)] = 256
    return made_classifier(weights, np.zeros(classes), chunk_size=1000)


def grey_image(margin: int) -> torch.Tensor:
    """A grey image whose first pixel is brighter than all others by ``margin`` levels."""
    image = torch.full((1, *SHAPE), 120, dtype=torch.uint8)
    image[0, 0, 0, 0] += margin
    return image


def measured(classifier: Classifier, images: torch.Tensor, champions: torch.Tensor | None = None, **values: Any) -> Any:
    """The scoring, and the ranks (B, K) that it gives to images."""
    settings = LabelOnlySettings.model_validate({**FEW, "queries": 10**6, **values})
    scoring = LabelScoring(classifier, settings=settings, seed=1)
    confidences = confidences_of(scoring.logits(images, champions))[:, : len(classifier.targets)]
    return scoring, scoring.ranks(confidences.flatten()).view(confidences.shape)


def finished(run: LabelOnlyRun) -> LabelOnlyRun:
    while run.steps_done < run.steps:
        run.advance()
    return run


def run_of(classifier: Classifier, **values: Any) -> LabelOnlyRun:
    settings = LabelOnlySettings.model_validate({**FEW, **values})
    return LabelOnly(settings=settings, classifier=classifier, identity=IDENTITY).run(None)


def bytes_of(run: LabelOnlyRun, folder: Path) -> bytes:
    save_label_only(folder / "found.safetensors", run.record())
    return (folder / "found.safetensors").read_bytes()


@pytest.fixture(scope="module")
def record(classifier: Classifier) -> LabelOnlyRecord:
    return finished(run_of(classifier)).record()


@pytest.mark.parametrize("most", [0.6, 0.75, 0.9])
def test_two_classes_lose_the_label_at_the_noise_that_the_normal_distribution_gives(most: float) -> None:
    # The label is kept if a difference of two independent normal numbers stays below the margin.
    margin = 20
    largest = margin / (np.sqrt(2) * norm.ppf(most))
    noise = [0.4 * largest, 0.9 * largest, 1.12 * largest]
    scoring, ranks = measured(separate(2), grey_image(margin), copies=4000, noise=noise, most=most)
    level, kept = scoring.level_and_kept(ranks[0, :1])
    assert level.item() == 2
    chance = norm.cdf(margin / (np.sqrt(2) * noise[2]))
    assert kept.item() == pytest.approx(4000 * chance, abs=5 * np.sqrt(4000 * chance * (1 - chance)))
    assert (ranks[0, 1].item(), scoring.spent) == (0, 1 + 3 * 4000)


def test_most_copies_of_several_classes_follow_the_integral_of_the_normal_distribution() -> None:
    margin, classes = 20, 6

    def chance(deviation: float) -> float:
        def kept(z: float) -> float:
            return float(norm.pdf(z) * norm.cdf(z + margin / deviation) ** (classes - 1))

        return float(integrate.quad(kept, -8, 8)[0])

    noise = [8.0, 14.0, 26.0, 28.0]
    scoring, ranks = measured(separate(classes), grey_image(margin), copies=4000, noise=noise)
    level, kept = scoring.level_and_kept(ranks[0, :1])
    expected = next(place for place, deviation in enumerate(noise) if chance(deviation) <= 0.5)
    assert 0 < level.item() == expected
    share = chance(noise[expected])
    assert kept.item() == pytest.approx(4000 * share, abs=5 * np.sqrt(4000 * share * (1 - share)))


def test_an_image_competes_only_with_the_champion_of_its_label_at_the_level_of_that_one() -> None:
    images = torch.cat([grey_image(4), grey_image(40)])
    scoring, ranks = measured(separate(3), images, noise=[10, 30, 50], copies=100)
    (weak, _, _), (strong, *others) = ranks.tolist()
    assert 0 < weak < strong
    assert others == [0, 0]
    champions = torch.tensor([strong, 0, 0]).double() / scoring._ranks
    again, ranks = measured(separate(3), images, champions.float(), noise=[10, 30, 50], copies=100)
    assert ranks[:, 0].tolist() == [0, strong]  # equal to the champion, which a tie keeps
    level = scoring.level_and_kept(torch.tensor([strong]))[0].item()
    assert 1 <= level < 3
    assert again.spent == 2 + 100 + 200


def test_ranks_pass_through_float32_unchanged(classifier: Classifier) -> None:
    settings = LabelOnlySettings(copies=10_000, queries=10**9, noise=tuple(np.linspace(1, 255, 12)))
    scoring = LabelScoring(classifier, settings=settings, seed=1)
    ranks = torch.arange(1, scoring._ranks)
    assert torch.equal(scoring.ranks((ranks.double() / scoring._ranks).float()), ranks)
    level, kept = scoring.level_and_kept(ranks)
    assert torch.equal(level * 10_001 + kept + 1, ranks)
    assert (int(level.max()), int(kept.max())) == (12, 10_000)


class Counting(torch.nn.Module):
    """A network that counts the images that it is given, apart from padding."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network, self.images = network, 0

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.images += len(inputs)
        found: torch.Tensor = self.network(inputs)
        return found


def test_no_more_images_are_asked_for_than_the_budget_and_confidences_come_last(classifier: Classifier) -> None:
    counting = Counting(classifier.network)
    run = run_of(dataclasses.replace(classifier, network=counting, chunk_size=1))
    spent = 0
    while run.steps_done < run.steps:
        assert np.isnan(run.median_confidence())
        run.advance()
        spent = counting.images
    record = run.record()
    assert spent == sum(record.spent)
    assert counting.images == spent + len(record.entries.images)
    for each in record.spent:
        assert 700 - (1 + 4) < each <= 700
    images = torch.from_numpy(record.entries.images)
    scores = classifier.confidences(images).numpy()
    given = scores[np.arange(len(images)), record.entries.class_index]
    np.testing.assert_allclose(given, record.entries.confidences, rtol=1e-6)
    assert np.array_equal(scores.argmax(axis=1), record.entries.class_index)


def test_champions_get_better_and_their_noise_can_be_measured_again(
    record: LabelOnlyRecord, classifier: Classifier
) -> None:
    entries = record.entries
    ranks = entries.level * 5 + entries.kept
    for run, (_, seed) in enumerate(record.runs):
        for cell in range(3):
            mine = (entries.run == run) & (entries.class_index == cell)
            assert (np.diff(ranks[mine]) > 0).all()
            assert (np.diff(entries.queries[mine]) >= 0).all()
        rows = record.champions(run)
        rows = rows[rows >= 0]
        images = torch.from_numpy(entries.images[rows])
        settings = LabelOnlySettings.model_validate(record.settings)
        again = LabelScoring(classifier, settings=settings, seed=seed)
        confidences = confidences_of(again.logits(images, None))[torch.arange(len(rows)), entries.class_index[rows]]
        assert again.ranks(confidences).tolist() == (ranks[rows] + 1).tolist()


def test_the_searches_start_alike_and_random_search_has_no_parents(record: LabelOnlyRecord) -> None:
    entries = record.entries
    starts = [(entries.run == run) & (entries.generation == 0) for run in range(4)]
    for evolved, random in ((0, 2), (1, 3)):
        assert np.array_equal(entries.images[starts[evolved]], entries.images[starts[random]])
    assert not np.array_equal(entries.images[starts[0]], entries.images[starts[1]])
    assert record.runs == [("map-elites", 1), ("map-elites", 2), ("random-search", 1), ("random-search", 2)]
    chosen = np.concatenate([record.champions(0), record.champions(1)])
    assert np.array_equal(record.images, entries.images[chosen[chosen >= 0]])


@pytest.mark.parametrize("stop", [0, 1, 500, 900, 1900, 2799])
def test_interrupted_ends_in_the_same_bytes(
    record: LabelOnlyRecord, classifier: Classifier, tmp_path: Path, stop: int
) -> None:
    save_label_only(tmp_path / "whole.safetensors", record)
    whole = (tmp_path / "whole.safetensors").read_bytes()
    half, resumed = run_of(classifier), run_of(classifier)
    while half.steps_done < stop:
        half.advance()
    arrays, header = half.state()
    write_arrays(tmp_path / "state.safetensors", arrays, kind="checkpoint", version=1, header=header)
    torch.manual_seed(stop)
    resumed.restore(*read_arrays(tmp_path / "state.safetensors", kind="checkpoint", version=1), source="the state")
    assert resumed.steps_done == half.steps_done
    assert bytes_of(finished(resumed), tmp_path) == whole


def test_a_state_of_other_work_is_refused(classifier: Classifier) -> None:
    run = run_of(classifier)
    run.advance()
    arrays, header = run.state()
    with pytest.raises(FoolingError, match="the checkpoint is the state of another run"):
        run_of(classifier, copies=5).restore(arrays, header, source="the checkpoint")
    with pytest.raises(FoolingError, match="the checkpoint is no state of this work"):
        run_of(classifier).restore(arrays, {}, source="the checkpoint")
    with pytest.raises(FoolingError, match="numbers out of range"):
        wrong = arrays | {"current/scoring/spent": np.array([701])}
        run_of(classifier).restore(wrong, header, source="the checkpoint")


def test_a_classifier_that_gives_labels_alone_is_fooled_alike(record: LabelOnlyRecord, classifier: Classifier) -> None:
    def labels(images: np.ndarray) -> list[str]:
        found = classifier.logits(torch.from_numpy(images)).argmax(dim=1)
        return [classifier.class_names[index] for index in found]

    service = wrapped(labels, name="service", input_shape=SHAPE, class_names=classifier.class_names)
    run = finished(run_of(service))
    found = run.record()
    assert not found.revealed
    assert np.isnan(found.entries.confidences).all()
    for name in ("run", "class_index", "queries", "level", "kept", "images"):
        assert np.array_equal(getattr(found.entries, name), getattr(record.entries, name)), name
    assert "median confidence unknown" in run.summary()


def test_a_class_without_a_cell_gets_no_image(classifier: Classifier) -> None:
    refusing = dataclasses.replace(classifier, fooling_class=True)
    found = finished(run_of(refusing)).record()
    assert found.class_names == ("a", "b")
    assert found.entries.class_index.max() <= 1


def test_a_classifier_with_one_label_has_one_champion(classifier: Classifier) -> None:
    constant = made_classifier(np.zeros((3, PIXELS)), np.array([0.0, 1.0, 0.0]))
    found = finished(run_of(constant)).record()
    assert found.champions(0)[[0, 2]].tolist() == [-1, -1]
    assert (found.entries.class_index == 1).all()
    assert (found.entries.level == 2).all()


def test_seeds_belong_to_the_settings(classifier: Classifier) -> None:
    attack = LabelOnly(settings=LabelOnlySettings(), classifier=classifier, identity=IDENTITY)
    with pytest.raises(FoolingError, match="leave out --seed"):
        attack.run(1)
    with pytest.raises(FoolingError, match="leave out --runs"):
        LabelOnly.save_many(Path("nowhere"), [])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"queries": 0}, "queries"),
        ({"queries": 839}, "at least 840 queries: the start and one generation"),
        ({"copies": 0}, "copies"),
        ({"noise": []}, "noise"),
        ({"noise": [0, 10]}, "greater than 0"),
        ({"noise": [10, 300]}, "less than or equal to 255"),
        ({"noise": [20, 10]}, "ascending order"),
        ({"most": 1}, "less than 1"),
        ({"searches": ["random-search"] * 2}, "each search only once"),
        ({"start": 3}, "multiple of 2"),
    ],
)
def test_settings_that_make_no_sense_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(FoolingError, match=message):
        checked_settings(LabelOnlySettings, values, source="--settings")


def test_a_record_survives_the_disk_and_its_damage_is_named(record: LabelOnlyRecord, tmp_path: Path) -> None:
    path = tmp_path / "found.safetensors"
    save_label_only(path, record)
    loaded = load_label_only(path)
    assert np.array_equal(loaded.entries.images, record.entries.images)
    assert np.array_equal(loaded.images, record.images)
    assert (loaded.runs, loaded.spent) == (record.runs, record.spent)
    arrays, header = read_arrays(path, kind=KIND, version=VERSION)
    last = arrays["run"].max()
    for damage, message in (
        ({"class_index": arrays["class_index"] + 3}, "has numbers out of range"),
        ({"confidences": arrays["confidences"] + 1}, "has numbers out of range"),
        ({"level": arrays["level"][:2]}, "has an array of another type or shape"),
        ({"run": arrays["run"][::-1].copy()}, "does not fit together"),
        ({"run": np.minimum(arrays["run"], last - 1)}, "does not fit together"),
    ):
        write_arrays(path, arrays | damage, kind=KIND, version=VERSION, header=header)
        with pytest.raises(FoolingError, match=rf"found\.safetensors {message}"):
            load_label_only(path)


def test_a_record_that_could_not_be_read_is_not_written(record: LabelOnlyRecord, tmp_path: Path) -> None:
    wrong = dataclasses.replace(record.entries, level=record.entries.level + 9)
    with pytest.raises(FoolingError, match="the record of labels"):
        save_label_only(tmp_path / "found.safetensors", dataclasses.replace(record, entries=wrong))
    assert not list(tmp_path.iterdir())
