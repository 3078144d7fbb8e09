"""The figure of calibration."""

import numpy as np
import pytest
from scipy.stats import binomtest

from figures.drawn import legend, titles, x_labels, y_labels
from fooling.figures.calibration import calibration, reliability


def test_reliability_counts_the_correct_answers_in_each_bin():
    confidences = np.array([0.05, 0.55, 0.58, 0.96, 0.97, 1.0])
    right = np.array([False, True, False, True, True, True])
    mean, share, low, high = reliability(confidences, right)
    assert mean == pytest.approx([0.05, 0.565, (0.96 + 0.97 + 1) / 3])
    assert share == pytest.approx([0, 0.5, 1])
    wilson = [binomtest(hits, total).proportion_ci(method="wilson") for hits, total in ((0, 1), (1, 2), (3, 3))]
    assert low == pytest.approx([interval.low for interval in wilson])
    assert high == pytest.approx([interval.high for interval in wilson])


def test_the_figure_shows_real_images_and_champions(inputs):
    figure = calibration(**inputs["calibration"])
    left, right = figure.axes
    assert titles(figure) == ["Real test images", "Champions and real images"]
    assert (left.get_xlabel(), left.get_ylabel()) == ("mean confidence of a group of images", "accuracy")
    assert x_labels(left) == y_labels(left) == ["0 %", "25 %", "50 %", "75 %", "100 %"]
    assert y_labels(right) == ["real images,\nclassified correctly", "direct"]
    assert len(right.patches) == 4  # a box for each row and scale
    assert "temperature 1.40, fitted on 20 real test images" in figure.get_supxlabel()
    assert legend(figure) == ["uncalibrated (0.021)", "after temperature scaling (0.012)"]


def test_the_markers_are_the_reliability_of_the_evaluation_images(inputs):
    real = inputs["calibration"]["real"]
    left = calibration(**inputs["calibration"]).axes[0]
    evaluated = real[real["split"] == "evaluation"]
    correct = (evaluated["label"] == evaluated["predicted"]).to_numpy()
    diagonal, *markers = left.lines
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) == [0, 1]
    for line, column in zip(markers, ("confidence", "calibrated_confidence"), strict=True):
        mean, share, _, _ = reliability(evaluated[column].to_numpy(dtype=float), correct)
        assert line.get_xdata() == pytest.approx(mean)
        assert line.get_ydata() == pytest.approx(share)


def test_without_a_temperature_only_uncalibrated_confidences_are_drawn(inputs):
    given = inputs["calibration"]
    for table in (given["real"], given["examined"]):
        table["calibrated_confidence"] = np.nan
    given["calibration"][["temperature", "nll_after", "ece_after"]] = np.nan
    figure = calibration(**given)
    assert legend(figure) == ["uncalibrated (0.021)"]
    assert len(figure.axes[1].patches) == 2
    assert "no best temperature" in figure.get_supxlabel()


def test_the_papers_median_is_a_line_if_it_is_given(inputs):
    counts = [
        len(calibration(**inputs["calibration"] | {"reference": value}).axes[1].lines) for value in (0.9999, None)
    ]
    assert counts[0] == counts[1] + 1
