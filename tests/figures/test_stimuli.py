"""The sheets of stimuli: each image has one place on both, and only one sheet names the classes."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from figures.drawn import shown_images, texts
from figures.made_up_champions import made_stimuli
from fooling.figures.stimuli import stimuli_hidden, stimuli_shown


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
