"""The sheets of stimuli, of which only one names the classes, and the figure of the power."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from figures.drawn import legend, shown_images, texts, titles, x_labels
from figures.made_up_champions import made_stimuli
from fooling.figures.planned_survey import stimuli_hidden, stimuli_shown, survey_power
from fooling.survey.simulation import PowerSettings, power_table


def places(figure: Figure) -> list[tuple[float, ...]]:
    return [tuple(image.get_extent()) for image in figure.axes[0].images]


def test_without_labels_an_image_has_only_its_number(inputs):
    (sheet,) = stimuli_hidden(**inputs["stimuli_hidden"]).axes
    assert texts(sheet)[0] == "What do these images show? Condition cppn"
    assert texts(sheet)[1] == "12 images in their random order"
    assert texts(sheet)[2:] == [str(number) for number in range(1, 13)]
    expected = inputs["stimuli_hidden"]["stimuli"].images
    assert all(np.array_equal(shown, image[0]) for shown, image in zip(shown_images(sheet), expected, strict=True))


def test_with_labels_every_image_stands_in_the_same_place(inputs):
    hidden, shown = stimuli_hidden(**inputs["stimuli_hidden"]), stimuli_shown(**inputs["stimuli_shown"])
    assert places(hidden) == places(shown)
    assert len(set(places(shown))) == 12
    assert texts(shown.axes[0])[1:6] == [
        "below each class: the confidence of lenet-a in it",
        *("1", "90.00 %", "2", "99.00 %"),
    ]


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        *(("champion", "evolved"), ("ascent", "target classes of gradient ascent")),
        *(("real", "true classes"), ("noise", "top classes")),
    ],
)
def test_a_sheet_says_what_its_labels_are(kind, title):
    assert title in texts(stimuli_shown(stimuli=made_stimuli(kind=kind)).axes[0])[0]


def test_long_names_do_not_overlap():
    figure = stimuli_shown(stimuli=made_stimuli("golden retriever", "church", "Staffordshire bullterrier"))
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [text.get_window_extent(renderer) for text in figure.axes[0].texts[2:]]
    assert not [(a, b) for i, a in enumerate(boxes) for b in boxes[:i] if a.overlaps(b)]


@pytest.fixture(scope="module")
def table():
    return power_table(PowerSettings(people=(10, 20), images=(10, 15), studies=100, effect=0.2))


def test_a_line_for_each_number_of_images(table):
    figure = survey_power(survey_power=table)
    for axes, measure in zip(figure.axes, ("above_chance", "equivalent", "half_width"), strict=True):
        for line, (_, rows) in zip(axes.lines, table.groupby("images"), strict=False):
            assert list(line.get_xdata()) == [10, 20]
            assert list(line.get_ydata()) == rows[measure].tolist()
        assert x_labels(axes) == ["10", "20"]
        assert axes.get_xlabel() == "participants"
    assert legend(figure) == ["10 images", "15 images"]


def test_the_assumptions_are_stated(table):
    figure = survey_power(survey_power=table)
    assert titles(figure) == [
        "detect 70 % as above chance",
        "show chance to be below 60 %",
        "half the interval's width",
    ]
    assert figure.axes[0].get_ylabel() == "share of simulated studies"
    assert "100 simulated studies of each size" in figure.get_supxlabel()


def test_the_usual_power_is_dotted_in_the_panels_of_shares(table):
    panels = survey_power(survey_power=table).axes
    assert [list(axes.lines[-1].get_ydata()) for axes in panels[:2]] == [[0.8, 0.8]] * 2
    assert len(panels[2].lines) == 2
