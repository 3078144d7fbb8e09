"""The training curves."""

import numpy as np
import pandas as pd
import pytest

from figures.drawn import titles
from fooling.errors import FoolingError
from fooling.figures.style import as_png
from fooling.figures.training_curves import training_curves
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
