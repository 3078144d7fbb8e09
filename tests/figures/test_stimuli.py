"""The sheets of stimuli: every image on both in one place, and on one of them without a word of its class."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fooling.figures import stimuli_hidden, stimuli_shown


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def places(figure: Figure) -> list[tuple[float, ...]]:
    return [tuple(image.get_extent()) for image in figure.axes[0].images]


def test_without_labels_an_image_has_its_number_alone(inputs):
    figure = stimuli_hidden.draw(**inputs["stimuli_hidden"])
    assert texts(figure)[2:] == [str(number) for number in range(1, 13)]
    shown = [np.asarray(image.get_array()) for image in figure.axes[0].images]
    assert all(np.array_equal(a, b[0]) for a, b in zip(shown, inputs["stimuli_hidden"]["stimuli"].images, strict=True))


def test_with_labels_every_image_stands_in_the_same_place(inputs):
    hidden, shown = stimuli_hidden.draw(**inputs["stimuli_hidden"]), stimuli_shown.draw(**inputs["stimuli_shown"])
    assert places(hidden) == places(shown)
    assert len(set(places(shown))) == 12
    assert texts(shown)[2:6] == ["1", "90.00 %", "2", "99.00 %"]


@pytest.mark.parametrize(
    ("kind", "title"), [("champion", "evolved for"), ("ascent", "target classes"), ("real", "true classes")]
)
def test_a_sheet_says_what_its_labels_are(make_stimuli, kind, title):
    assert title in texts(stimuli_shown.draw(stimuli=make_stimuli(kind=kind)))[0]


def test_long_names_stay_apart(make_stimuli):
    figure = stimuli_shown.draw(stimuli=make_stimuli("golden retriever", "church", "Staffordshire bullterrier"))
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [text.get_window_extent(renderer) for text in figure.axes[0].texts[2:]]
    overlapping = [(a, b) for i, a in enumerate(boxes) for b in boxes[:i] if a.overlaps(b)]
    assert not overlapping
