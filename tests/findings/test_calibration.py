"""Temperature scaling against networks whose true temperature is known, and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics
from scipy.special import logit, softmax

from fooling.findings.calibration import (
    CalibrationSettings,
    calibrate_on,
    calibrated,
    expected_calibration_error,
    fitted_temperature,
    negative_log_likelihood,
)


def too_sure(temperature: float, images: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose confidences would be right if divided by ``temperature``, and labels drawn accordingly."""
    generator = np.random.default_rng(0)
    honest = generator.normal(scale=2, size=(images, 10))
    labels = np.array([generator.choice(10, p=row) for row in softmax(honest, axis=1)])
    return (honest * temperature).astype(np.float32), labels


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_true_temperature_is_found(temperature):
    logits, labels = too_sure(temperature)
    assert fitted_temperature(logits, labels) == pytest.approx(temperature, rel=0.05)


def test_no_temperature_is_best_for_a_network_that_gives_all_classes_the_same():
    labels = np.arange(6) % 3
    assert np.isnan(fitted_temperature(np.full((6, 3), 2.5, np.float32), labels))
    assert np.isfinite(fitted_temperature(np.eye(3, dtype=np.float32)[labels[::-1]], labels))


def test_the_likelihood_is_scikit_learns():
    logits, labels = too_sure(2.0, images=500)
    expected = sklearn.metrics.log_loss(labels, calibrated(logits, 1.7), labels=range(10))
    assert negative_log_likelihood(logits, labels, temperature=1.7) == pytest.approx(expected)


def test_calibration_error_by_hand():
    confidences = np.array([0.95, 0.85, 0.85, 0.55])  # two bins of ten: .8-.9 twice right once, others alone
    right = np.array([True, True, False, False])
    expected = (1 * abs(1 - 0.95) + 2 * abs(0.5 - 0.85) + 1 * abs(0 - 0.55)) / 4
    assert expected_calibration_error(confidences, right, bins=10) == pytest.approx(expected)


@pytest.mark.parametrize(("confidence", "right"), [(1.0, True), (0.0, False)])
def test_the_ends_of_the_scale_have_bins(confidence, right):
    assert expected_calibration_error(np.array([confidence]), np.array([right]), bins=15) == 0


def test_scaling_mends_a_network_that_is_too_sure():
    logits, labels = too_sure(3.0)
    fitted, _ = calibrate_on(logits, labels, classifier="lenet-a", settings=CalibrationSettings())
    assert fitted.ece_before > 0.1
    assert fitted.ece_after < 0.02
    assert fitted.nll_after < fitted.nll_before
    assert (fitted.calibration_images, fitted.evaluation_images) == (10_000, 10_000)


def test_the_images_that_fit_the_temperature_do_not_judge_it():
    logits, labels = too_sure(3.0, images=1001)
    fitted, images = calibrate_on(logits, labels, classifier="lenet-a", settings=CalibrationSettings())
    fitting = (images["split"] == "calibration").to_numpy()
    assert fitted.temperature == fitted_temperature(logits[fitting], labels[fitting])
    assert fitted.nll_before == negative_log_likelihood(logits[~fitting], labels[~fitting])
    assert (fitting.sum(), (~fitting).sum()) == (500, 501)


def test_every_image_is_listed_with_the_confidence_of_its_prediction():
    logits, labels = too_sure(2.0, images=400)
    fitted, images = calibrate_on(logits, labels, classifier="lenet-a", settings=CalibrationSettings())
    raw = softmax(logits.astype(float), axis=1)
    assert images["image"].tolist() == list(range(400))
    np.testing.assert_array_equal(images["predicted"], raw.argmax(axis=1))
    np.testing.assert_allclose(images["confidence"], raw.max(axis=1), rtol=1e-6)
    np.testing.assert_allclose(images["log_odds"], logit(raw.max(axis=1)), rtol=1e-6)
    np.testing.assert_allclose(
        images["calibrated_confidence"], softmax(logits.astype(float) / fitted.temperature, axis=1).max(axis=1)
    )


def test_a_network_that_makes_no_mistakes_has_no_best_temperature():
    labels = np.arange(40) % 4
    logits = np.eye(4, dtype=np.float32)[labels]
    fitted, images = calibrate_on(logits, labels, classifier="faultless", settings=CalibrationSettings())
    assert np.isnan([fitted.temperature, fitted.nll_after, fitted.ece_after]).all()
    assert not np.isnan([fitted.nll_before, fitted.ece_before]).any()
    assert images["calibrated_confidence"].isna().all()


def test_log_odds_stay_exact_where_the_confidence_is_one():
    logits = np.zeros((4, 3), dtype=np.float32)
    logits[:, 0] = 40
    _, images = calibrate_on(logits, np.zeros(4, dtype=np.int64), classifier="sure", settings=CalibrationSettings())
    assert (images["confidence"] == 1).all()
    np.testing.assert_allclose(images["log_odds"], 40 - np.log(2))
