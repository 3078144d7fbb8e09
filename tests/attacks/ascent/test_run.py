"""Whole runs of gradient ascent: against numpy, reproducible to the bit, images independent, within their range."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fooling.artifacts import read_arrays, write_arrays
from fooling.attacks.ascent.methods import Goal
from fooling.attacks.ascent.run import AscentRun, kept_steps
from fooling.attacks.record import KIND, VERSION, load_attack, save_attack
from fooling.attacks.settings import ASCENT_PRESETS, AscentSettings
from fooling.classifiers.classifier import Classifier, log_odds_of
from fooling.messages import FoolingError
from fooling.settings import checked_settings
from linear_classifier import CLASSES, SHAPE, HandMade

IDENTITY = {"name": "plain", "settings": {}, "classifier": {"name": "linear", "sha256": "0"}, "versions": {}}
STRICT = {"decay": 0.01, "blur_radius": 0.4, "small_norm_percentile": 10.0, "small_absolute_benefit_percentile": 10.0}


def run_of(classifier: Classifier, *, starts: int = 2, first: int = 1, **settings: Any) -> AscentRun:
    values = {"seeds": {"first": first, "count": starts}, "steps": 30, **settings}
    return AscentRun(classifier=classifier, settings=AscentSettings.model_validate(values), identity=IDENTITY)


def finished(run: AscentRun) -> AscentRun:
    while run.steps_done < run.steps:
        run.advance()
    return run


def bytes_of(run: AscentRun, folder: Path) -> bytes:
    save_attack(folder / "ascent.safetensors", run.record())
    return (folder / "ascent.safetensors").read_bytes()


def test_the_whole_run_is_that_of_numpy(classifier: Classifier, by_hand: HandMade) -> None:
    run = run_of(classifier, starts=1, steps=12, late_progress=0.05, decay=0.02)
    mean = classifier.training_mean.double().numpy()
    expected = run._images.numpy().copy()
    for _ in range(12):
        for k in range(CLASSES):
            p, gradient = by_hand.confidence_and_gradient(mean + expected[k], k)
            rate = min(1e7, min(0.02, 0.05 * (1 - p)) / (gradient**2).sum())
            expected[k] = np.clip(0.98 * (expected[k] + rate * gradient), -mean, 255 - mean)
    record = finished(run).record()
    np.testing.assert_allclose(run._images.numpy(), expected, rtol=1e-4, atol=1e-3)
    np.testing.assert_array_equal(record.images, np.round(mean + run._images.numpy()).astype(np.uint8))


def test_confidences_are_those_of_the_stored_images(classifier: Classifier) -> None:
    record = finished(run_of(classifier)).record()
    images = torch.from_numpy(record.images)
    rows = np.arange(len(record.images))
    assert record.images.shape == (2 * CLASSES, *SHAPE)
    assert np.array_equal(classifier.confidences(images).numpy()[rows, record.classes], record.confidences)
    assert np.array_equal(log_odds_of(classifier.logits(images)).numpy()[rows, record.classes], record.log_odds)
    assert np.array_equal(record.trajectory.log_odds[-1], record.log_odds)
    assert record.classes.tolist() == [0, 1, 2, 0, 1, 2]
    assert record.seeds.tolist() == [1, 1, 1, 2, 2, 2]


def test_every_class_comes_to_be_seen_from_noise_around_the_mean(classifier: Classifier) -> None:
    run = run_of(classifier, starts=5, steps=200)
    start = run._images.numpy()
    assert abs(start.mean()) < 0.15
    assert start.std() == pytest.approx(1, abs=0.1)
    record = finished(run).record()
    assert (record.confidences > 0.9).all()
    assert (record.trajectory.confidences[0] < 0.9).any()


def test_some_classes_alone_are_attacked(classifier: Classifier) -> None:
    record = finished(run_of(classifier, classes=2)).record()
    assert record.classes.tolist() == [0, 1, 0, 1]
    assert record.seeds.tolist() == [1, 1, 2, 2]
    assert record.class_names == classifier.targets
    own = classifier.confidences(torch.from_numpy(record.images)).numpy()[np.arange(4), record.classes]
    assert np.array_equal(own, record.confidences)


def test_a_step_costs_three_evaluations_and_the_score_one(classifier: Classifier) -> None:
    trajectory = finished(run_of(classifier, steps=4)).record().trajectory
    assert trajectory.steps.tolist() == [0, 1, 2, 3, 4]
    assert trajectory.evaluations.tolist() == [1, 4, 7, 10, 13]
    assert trajectory.confidences.shape == (5, 2 * CLASSES)


@pytest.mark.parametrize("steps", [1, 2, 5, 199, 200, 201, 1500, 100_000])
def test_long_runs_are_thinned_but_keep_both_ends(steps: int) -> None:
    kept = kept_steps(steps)
    assert (kept[0], kept[-1]) == (0, steps)
    assert len(kept) <= 201
    assert (np.diff(kept) > 0).all()
    assert kept.tolist()[:10] == list(range(min(10, steps + 1)))
    assert (kept[1:] / np.maximum(kept[:-1], 20)).max() < 1.15


def test_an_image_does_not_depend_on_its_company(classifier: Classifier) -> None:
    together = finished(run_of(classifier, starts=3, **STRICT)).record()
    alone = finished(run_of(classifier, starts=1, first=3, **STRICT)).record()
    np.testing.assert_allclose(together.log_odds[-CLASSES:], alone.log_odds, atol=1e-3)
    assert abs(together.images[-CLASSES:].astype(int) - alone.images).max() <= 1


@pytest.mark.parametrize("stop", [0, 1, 13, 30])
def test_interrupted_ends_in_the_same_bytes(classifier: Classifier, tmp_path: Path, stop: int) -> None:
    whole = bytes_of(finished(run_of(classifier, **STRICT)), tmp_path)
    half, resumed = run_of(classifier, **STRICT), run_of(classifier, **STRICT)
    while half.steps_done < stop:
        half.advance()
    resumed.restore(*half.state(), source="the checkpoint")
    assert bytes_of(finished(resumed), tmp_path) == whole


def test_one_and_two_threads_give_the_same_bytes(classifier: Classifier, tmp_path: Path) -> None:
    before, results = torch.get_num_threads(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        results.append(bytes_of(finished(run_of(classifier, **STRICT)), tmp_path))
    torch.set_num_threads(before)
    assert results[0] == results[1]


def test_another_seed_is_another_start_and_the_same_one_the_same_in_every_setting(classifier: Classifier) -> None:
    first, other, strict = run_of(classifier), run_of(classifier, first=7), run_of(classifier, **STRICT)
    assert torch.equal(first._images, strict._images)
    assert not torch.equal(first._images, other._images)


def test_levels_stay_within_their_range(classifier: Classifier) -> None:
    dark = dataclasses.replace(classifier, training_mean=torch.zeros(SHAPE))
    run = finished(run_of(dark, early_progress=1.0, late_progress=1.0, steps=60))
    assert run._images.min() >= 0
    assert run._images.max() <= 255


def test_a_state_of_another_step_is_refused(classifier: Classifier) -> None:
    run = run_of(classifier)
    run.advance()
    state = run.state()[0] | {"done": np.array(9)}
    with pytest.raises(FoolingError, match="the checkpoint is no state of this work"):
        run_of(classifier).restore(state, {}, source="the checkpoint")
    with pytest.raises(FoolingError, match="numbers out of range"):
        run_of(classifier).restore(run.state()[0] | {"done": np.array(31)}, {}, source="the checkpoint")


def test_a_record_survives_the_disk_and_its_damage_is_named(classifier: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "ascent.safetensors"
    record = finished(run_of(classifier)).record()
    save_attack(path, record)
    loaded = load_attack(path)
    assert np.array_equal(loaded.trajectory.log_odds, record.trajectory.log_odds)
    assert (loaded.name, loaded.class_names) == ("plain", ("a", "b", "c"))
    arrays, header = read_arrays(path, kind=KIND, version=VERSION)
    write_arrays(path, arrays | {"classes": arrays["classes"] + 3}, kind=KIND, version=VERSION, header=header)
    with pytest.raises(FoolingError, match=r"ascent\.safetensors has numbers out of range"):
        load_attack(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("steps", 0),
        ("decay", -0.1),
        ("decay", 1.0),
        ("early_progress", 0.0),
        ("late_progress", 2.0),
        ("largest_rate", 0.0),
        ("blur_radius", -1.0),
        ("blur_every", 0),
        ("small_norm_percentile", 100.0),
        ("small_absolute_benefit_percentile", -1.0),
        ("small_norms", 1.0),
    ],
)
def test_settings_that_make_no_sense_are_refused(key: str, value: float) -> None:
    with pytest.raises(FoolingError, match=key):
        checked_settings(AscentSettings, {key: value}, source="--settings")


def test_the_presets_are_the_papers() -> None:
    made = {name: AscentSettings.model_validate(values) for name, values in ASCENT_PRESETS.items()}
    assert {name: (one.decay, one.steps, one.early_progress, one.late_progress) for name, one in made.items()} == {
        "plain": (0, 500, 0.02, 0.1),
        "s-169": (0.01, 1500, 0.03, 0.02),
        "s-188": (0.001, 1000, 0.03, 0.05),
        "s-360": (0.001, 1500, 0.03, 0.05),
    }
    assert {name: (one.blur_radius, one.blur_every) for name, one in made.items() if one.blur_radius} == {
        "s-188": (0.4, 2),
        "s-360": (0.3, 1),
    }
    set_back = {(one.small_norm_percentile, one.small_absolute_benefit_percentile) for one in made.values()}
    assert set_back == {(0, 0), (20, 20)}
    assert {one.largest_rate for one in made.values()} == {1e7}


@pytest.mark.parametrize(
    "damage", [{"confidences": np.float32(2)}, {"log_odds": np.inf}, {"classes": CLASSES}, {"seeds": -1}], ids=str
)
def test_a_record_that_could_not_be_read_is_not_written(
    classifier: Classifier, tmp_path: Path, damage: dict[str, float]
) -> None:
    record = finished(run_of(classifier, steps=3)).record()
    ((name, value),) = damage.items()
    bad = dataclasses.replace(record, **{name: np.full_like(getattr(record, name), value)})  # type: ignore[arg-type]
    with pytest.raises(FoolingError, match="the record of plain"):
        save_attack(tmp_path / "ascent.safetensors", bad)
    assert not list(tmp_path.iterdir())


ADAM = {"method": "adam", "learning_rate": 5.0}
LBFGS = {"method": "l-bfgs"}


@pytest.mark.parametrize("method", [ADAM, {**ADAM, "decay": 0.02, "blur_radius": 0.4}, LBFGS])
@pytest.mark.parametrize("stop", [1, 2, 13, 30])
def test_every_method_resumes_to_the_same_bytes(
    classifier: Classifier, tmp_path: Path, method: dict[str, Any], stop: int
) -> None:
    whole = bytes_of(finished(run_of(classifier, **method)), tmp_path)
    half, resumed = run_of(classifier, **method), run_of(classifier, **method)
    while half.steps_done < stop:
        half.advance()
    write_arrays(tmp_path / "state.safetensors", half.state()[0], kind="checkpoint", version=1, header={})
    arrays, _ = read_arrays(tmp_path / "state.safetensors", kind="checkpoint", version=1)
    resumed.restore(arrays, {}, source="the checkpoint")
    assert bytes_of(finished(resumed), tmp_path) == whole


def test_a_state_of_another_method_is_refused(classifier: Classifier) -> None:
    with pytest.raises(FoolingError, match="no array 'adam/step'"):
        run_of(classifier, **ADAM).restore(*run_of(classifier, **LBFGS).state(), source="the checkpoint")


@pytest.mark.parametrize("method", [ADAM, LBFGS])
def test_every_method_reaches_the_classes(classifier: Classifier, method: dict[str, Any]) -> None:
    record = finished(run_of(classifier, **method, starts=5, steps=60)).record()
    assert (record.trajectory.confidences[0] < 0.9).any()
    assert (record.confidences > 0.99).all()


def test_the_first_step_of_adam_is_its_formula(classifier: Classifier, by_hand: HandMade) -> None:
    run = run_of(classifier, **ADAM)
    start, classes = run._images.numpy().copy(), run._classes.tolist()
    run.advance()
    mean = classifier.training_mean.double().numpy()
    for row, own in enumerate(classes):
        p, gradient = by_hand.confidence_and_gradient(start[row] + mean, own)
        of_log = gradient / p
        expected = start[row] + 5 * of_log / (abs(of_log) + 1e-8)  # Adam's first step
        np.testing.assert_allclose(run._images[row].numpy(), np.clip(expected, -mean, 255 - mean), atol=1e-3)


def test_an_image_of_l_bfgs_does_not_depend_on_its_company(classifier: Classifier) -> None:
    together = finished(run_of(classifier, starts=3, **LBFGS)).record()
    alone = finished(run_of(classifier, starts=1, first=3, **LBFGS)).record()
    assert np.array_equal(together.images[-CLASSES:], alone.images)
    assert np.array_equal(together.trajectory.log_odds[:, -CLASSES:], alone.trajectory.log_odds)


@pytest.mark.parametrize("steps", [7, 40])
def test_no_step_of_l_bfgs_shows_what_more_evaluations_than_steps_have_made(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    counted = dict.fromkeys(range(2 * CLASSES), 0)
    evaluate = Goal.gradient_of_one

    def counting(goal: Goal, row: int, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        counted[row] += 1
        return evaluate(goal, row, image)

    monkeypatch.setattr(Goal, "gradient_of_one", counting)
    run = run_of(classifier, steps=steps, **LBFGS)
    while run.steps_done < run.steps:
        before, spent = run._images.clone(), dict(counted)
        run.advance()
        changed = (run._images != before).flatten(1).any(dim=1)
        for row in changed.nonzero().flatten().tolist():
            assert counted[row] == run.steps_done  # shown exactly when its evaluations are paid for
        assert all(counted[row] == spent[row] for row in spent if spent[row] >= run.steps_done)
    evaluations = run.record().trajectory.evaluations
    assert evaluations[-1] == 3 * steps + 1


def test_a_file_of_todays_settings_keeps_its_header() -> None:
    assert set(AscentSettings().model_dump()) == {
        *("seeds", "classes", "steps", "early_progress", "late_progress", "largest_rate", "decay"),
        *("blur_radius", "blur_every", "small_norm_percentile", "small_benefit_percentile"),
        "small_absolute_benefit_percentile",
    }
    for values in (ADAM, LBFGS, {"first_blur": 1}, {"benefit_of": "removing"}):
        made = AscentSettings.model_validate(values)
        assert AscentSettings.model_validate(made.model_dump(mode="json")) == made


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"method": "adam"}, "learning_rate"),
        ({"learning_rate": 3.0}, "learning_rate"),
        ({**ADAM, "early_progress": 0.3}, "early_progress: 0.02 with method adam"),
        ({**LBFGS, "decay": 0.01}, "decay: 0.0 with method l-bfgs"),
        ({**LBFGS, "benefit_of": "removing"}, "benefit_of: keeping with method l-bfgs"),
    ],
)
def test_keys_of_another_method_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(FoolingError, match=message):
        checked_settings(AscentSettings, values, source="--settings")
