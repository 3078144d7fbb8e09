"""The training curves."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from figures.drawn import heading, legend, note, texts, titles, x_labels, y_labels
from fooling.figures.classifiers import FEWEST, calibration, reliability, training_curves
from fooling.figures.style import as_png
from fooling.messages import FoolingError
from made_up_networks import made_up_header, made_up_networks


def test_there_is_a_row_of_panels_for_each_data_set(inputs):
    training = inputs["training_curves"]["training"]
    figure = training_curves(**inputs["training_curves"])
    assert titles(figure) == [
        *("digits: training loss", "digits: test error"),
        *("shapes: training loss", "shapes: test error"),
    ]
    for place, (name, column) in {2: ("alexnet", "train_loss"), 3: ("alexnet", "test_error")}.items():
        rows = training[training["classifier"] == name]
        assert np.array_equal(figure.axes[place].lines[0].get_ydata(), rows[column])
        assert np.array_equal(figure.axes[place].lines[0].get_xdata(), rows["iteration"])


def test_the_axes_and_the_final_errors_are_named(inputs):
    loss, error, *_ = training_curves(**inputs["training_curves"]).axes
    assert (loss.get_yscale(), loss.get_ylabel(), loss.get_xlabel()) == ("log", "cross-entropy", "training steps")
    assert error.get_ylabel() == "share of test images"
    assert error.get_yscale() == "log"
    legend = [text.get_text() for text in error.get_legend().get_texts()]
    assert legend == ["lenet-a: 1.10 %", "lenet-b: 1.40 %", "the paper's network: 0.94 %"]
    assert [loss.yaxis.get_major_formatter()(value, 0) for value in (0.01, 0.1, 1)] == ["0.01", "0.1", "1"]
    assert error.yaxis.get_major_formatter()(0.02, 0) == "2 %"


def test_no_part_of_a_curve_is_cut_off(inputs):
    training = inputs["training_curves"]["training"]
    _, error, *_ = training_curves(**inputs["training_curves"]).axes
    digits = training[training["classifier"].isin(["lenet-a", "lenet-b"])]["test_error"]
    low, high = error.get_ylim()
    assert low < digits.min()
    assert digits.max() < high


def test_an_error_of_0_keeps_the_axis_linear(inputs):
    training = inputs["training_curves"]["training"].assign(test_error=0.0)
    error = training_curves(**inputs["training_curves"] | {"training": training}).axes[1]
    assert error.get_yscale() == "linear"
    assert error.get_ylim()[0] == 0


def test_few_epochs_are_markers(inputs):
    training = inputs["training_curves"]["training"]
    few = training[training.groupby("classifier").cumcount() < 3]
    for epochs, marker in ((training, "None"), (few, "o")):
        loss = training_curves(**inputs["training_curves"] | {"training": epochs}).axes[0]
        assert loss.lines[0].get_marker() == marker


def test_the_papers_error_is_a_line_if_it_is_given(inputs):
    given = inputs["training_curves"]
    with_line, without = (training_curves(**given | {"reference_error": value}).axes[1] for value in (0.0094, None))
    assert list(with_line.lines[-1].get_ydata()) == [0.0094, 0.0094]
    assert len(without.lines) == len(with_line.lines) - 1
    assert len(without.get_legend().get_texts()) == 2


def test_networks_without_a_training_history_are_left_out(inputs):
    given = inputs["training_curves"]
    imported = made_up_networks(
        made_up_header("own", dataset="digits"), made_up_header("other", dataset="letters", test_error=0.4)
    )
    beside = training_curves(**given | {"classifiers": pd.concat([imported, given["classifiers"]])})
    assert as_png(beside) == as_png(training_curves(**given))  # also in the colours of the legend
    with pytest.raises(FoolingError, match="no network has a training history"):
        training_curves(**given | {"classifiers": imported})


def test_reliability_counts_the_correct_answers_in_each_bin():
    confidences = np.array([0.05, 0.55, 0.58, 0.96, 0.97, 1.0])
    right = np.array([False, True, False, True, True, True])
    mean, share, low, high, count = reliability(confidences, right)
    assert count.tolist() == [1, 2, 3]
    assert mean == pytest.approx([0.05, 0.565, (0.96 + 0.97 + 1) / 3])
    assert share == pytest.approx([0, 0.5, 1])
    wilson = [binomtest(hits, total).proportion_ci(method="wilson") for hits, total in ((0, 1), (1, 2), (3, 3))]
    assert low == pytest.approx([interval.low for interval in wilson])
    assert high == pytest.approx([interval.high for interval in wilson])


def many_real(real):
    """The real images ten times, so that each group has enough."""
    return pd.concat([real] * 10, ignore_index=True)


@pytest.fixture
def given(inputs):
    """The inputs with ten times as many real images, of many confidences, so that several groups have enough."""
    real = pd.concat([inputs["calibration"]["real"]] * 10, ignore_index=True)
    confidence = np.linspace(0.25, 0.995, len(real))
    real = real.assign(confidence=confidence.astype(np.float32), calibrated_confidence=confidence**1.2)
    return inputs["calibration"] | {"real": real}


def test_the_figure_shows_real_images_and_champions(given):
    figure = calibration(**given)
    upper, lower = figure.axes
    assert heading(figure) == "Does the confidence of lenet-a mean what it says?"
    assert titles(figure) == ["Real test images", "Champions and real images"]
    assert (upper.get_xlabel(), upper.get_ylabel()) == ("mean confidence of a group of images", "accuracy")
    assert x_labels(upper) == y_labels(upper) == ["0 %", "25 %", "50 %", "75 %", "100 %"]
    assert y_labels(lower) == ["real images,\nclassified correctly", "direct"]
    assert len(lower.patches) == 4  # a box for each row and scale
    assert "temperature 1.40, fitted on 20 real test images" in note(figure)
    assert legend(figure) == [
        *("uncalibrated (error 2.1 %)", "after temperature scaling (error 1.2 %)"),
        "the paper's median, 99.99 %",
    ]


def test_the_markers_are_the_reliability_of_groups_with_enough_images(given):
    evaluated = given["real"][given["real"]["split"] == "evaluation"]
    correct = (evaluated["label"] == evaluated["predicted"]).to_numpy()
    upper = calibration(**given).axes[0]
    diagonal, *markers = upper.lines
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) == [0, 1]
    counts = []
    for line, column in zip(markers, ("confidence", "calibrated_confidence"), strict=True):
        mean, share, _, _, count = reliability(evaluated[column].to_numpy(dtype=float), correct)
        assert line.get_xdata() == pytest.approx(mean[count >= FEWEST])
        assert line.get_ydata() == pytest.approx(share[count >= FEWEST])
        counts += [f"{number:.0f}" for number in count if number >= FEWEST]
    assert texts(upper) == counts


def test_images_of_similar_confidence_have_a_sentence_in_place_of_a_diagram(inputs):
    real = inputs["calibration"]["real"].assign(confidence=0.9875, calibrated_confidence=0.95)
    real["predicted"] = real["label"]
    real.loc[1, "predicted"] += 1
    figure = calibration(**inputs["calibration"] | {"real": real})
    assert titles(figure) == ["Champions and real images"]
    assert "their accuracy is 95.0 %, and their mean confidence 98.7 %" in note(figure)


def test_without_a_temperature_only_uncalibrated_confidences_are_drawn(given):
    for table in (given["real"], given["examined"]):
        table["calibrated_confidence"] = np.nan
    given["calibration"][["temperature", "nll_after", "ece_after"]] = np.nan
    figure = calibration(**given)
    assert legend(figure)[:-1] == ["uncalibrated (error 2.1 %)"]
    assert len(figure.axes[1].patches) == 2
    assert "no best temperature" in note(figure)


def test_the_papers_median_is_a_line_if_it_is_given(given):
    counts = [len(calibration(**given | {"reference": value}).axes[1].lines) for value in (0.9999, None)]
    assert counts[0] == counts[1] + 1
