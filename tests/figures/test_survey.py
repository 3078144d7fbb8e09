"""The figures of the human study: marked if answers are simulated, and drawn from whatever people answered."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.text import Text
from scipy.special import logit

from figures.drawn import legend, titles, x_labels, y_labels
from fooling.figures.style import BACKGROUND, as_png
from fooling.figures.survey import (
    BLOCKS,
    SYNTHETIC,
    looks_of,
    survey_accuracy,
    survey_confidence,
    survey_confusion,
    survey_images,
)
from made_up_answers import analysed, as_peoples, made_questionnaire, simulated

Tables = dict[str, pd.DataFrame]
QUESTIONNAIRE = made_questionnaire()
CONDITIONS = ["direct", "cppn", "gradient", "noise", "real"]
DRAWN: dict[str, Callable[[Tables], Figure]] = {
    "survey_accuracy": lambda tables: survey_accuracy(survey_accuracy=tables["survey_accuracy"]),
    "survey_images": lambda tables: survey_images(survey_images=tables["survey_images"]),
    "survey_confusion": lambda tables: survey_confusion(survey_confusion=tables["survey_confusion"]),
    "survey_confidence": lambda tables: survey_confidence(
        survey_images=tables["survey_images"], survey_confidence=tables["survey_confidence"]
    ),
}


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return simulated(QUESTIONNAIRE, participants=6)


@pytest.fixture(scope="module")
def of_people(files: dict[str, str]) -> Tables:
    return analysed(as_peoples(files), QUESTIONNAIRE)


@pytest.fixture(scope="module")
def of_simulated(files: dict[str, str]) -> Tables:
    return analysed(files, QUESTIONNAIRE)


def all_texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)]


@pytest.mark.parametrize("name", DRAWN)
def test_simulated_answers_are_marked_across_the_figure_and_peoples_are_not(
    name: str, of_people: Tables, of_simulated: Tables
) -> None:
    marked, plain = DRAWN[name](of_simulated), DRAWN[name](of_people)
    assert SYNTHETIC in all_texts(marked)
    assert SYNTHETIC not in all_texts(plain)
    assert as_png(marked) != as_png(plain)


def test_accuracy_has_a_panel_for_each_block_and_a_row_for_each_condition(of_people: Tables) -> None:
    table = of_people["survey_accuracy"]
    figure = DRAWN["survey_accuracy"](of_people)
    assert titles(figure) == list(BLOCKS.values())
    assert y_labels(figure.axes[0]) == CONDITIONS
    assert x_labels(figure.axes[0]) == ["0 %", "50 %", "100 %"]
    correct = table[(table["block"] == "all-way") & (table["outcome"] == "right answer")].set_index("condition")
    marks = [container.lines[0] for container in figure.axes[2].containers if isinstance(container, ErrorbarContainer)]
    assert [line.get_xdata()[0] for line in marks] == pytest.approx(correct.loc[CONDITIONS, "share"].tolist())
    assert "6 participants" in figure.get_supxlabel()


def test_chance_is_dashed_if_there_is_any(of_people: Tables) -> None:
    places = []
    for axes in DRAWN["survey_accuracy"](of_people).axes:
        dashed = [line for line in axes.lines if line.get_linestyle() == "--" and len(set(line.get_xdata())) == 1]
        places.append([float(line.get_xdata()[0]) for line in dashed])
    assert places == [[0.5], [0.5], [0.1], []]


def test_every_image_has_a_dot_and_they_are_sorted(of_people: Tables) -> None:
    figure = DRAWN["survey_images"](of_people)
    images = of_people["survey_images"]
    assert len(figure.axes) == 4 * 5
    assert titles(figure)[:5] == CONDITIONS
    assert [axes.get_ylabel() for axes in figure.axes[::5]] == list(BLOCKS.values())
    panel = figure.axes[0]
    dots = sorted((x, y) for line in panel.lines if line.get_marker() == "o" for x, y in line.get_xydata())
    expected = images[
        (images["block"] == "two-way") & (images["foils"] == "random") & (images["condition"] == "direct")
    ]
    assert [y for _, y in dots] == sorted(expected["share"], reverse=True)
    assert y_labels(panel) == ["0 %", "50 %", "100 %"]


def test_a_dot_is_filled_if_its_image_differs_from_chance(of_people: Tables) -> None:
    images = of_people["survey_images"].assign(p_holm=lambda table: np.where(table["share"] == 1, 0.01, 0.5))
    filled, hollow = (line for line in survey_images(survey_images=images).axes[0].lines if line.get_marker() == "o")
    assert set(filled.get_ydata()) == {1.0}
    assert 1.0 not in hollow.get_ydata()
    assert hollow.get_markerfacecolor() == BACKGROUND


def test_confusions_are_shares_of_the_answers_to_each_label(of_people: Tables) -> None:
    table = of_people["survey_confusion"]
    figure = DRAWN["survey_confusion"](of_people)
    assert titles(figure)[:5] == CONDITIONS
    assert figure.get_supylabel() == "the network's label (real images: the true class)"
    axes = figure.axes[4]
    assert x_labels(axes) == y_labels(axes) == list("0123456789")
    rows = table[(table["block"] == "all-way") & (table["condition"] == "real")]
    shares = np.ma.filled(axes.images[0].get_array(), np.nan)
    for row in rows.itertuples():
        assert shares[int(row.class_name), int(row.response)] == pytest.approx(row.share)
    written = sorted(text.get_text() for text in axes.texts if text.get_text() != "no such image")
    assert written == sorted(f"{100 * share:.0f}" for share in shares[shares >= 0.01])


def test_confidence_has_a_mark_for_each_image_and_its_correlation(of_people: Tables) -> None:
    images, correlations = of_people["survey_images"], of_people["survey_confidence"]
    figure = DRAWN["survey_confidence"](of_people)
    assert len(figure.axes) == 2 * 4
    panel = figure.axes[0]
    assert panel.get_ylabel() == "correct answers"
    assert figure.axes[4].get_ylabel() == "certainty (1 to 5)"
    first = images[(images["block"] == "two-way") & (images["foils"] == "random") & (images["condition"] == "direct")]
    assert panel.lines[0].get_xdata() == pytest.approx(logit(first["confidence"].to_numpy(dtype=float)))
    assert list(panel.lines[0].get_ydata()) == first["share"].tolist()
    rows = correlations[
        (correlations["block"] == "two-way")
        & (correlations["foils"] == "random")
        & (correlations["measure"] == "share")
    ]
    value = rows.loc[rows["condition"] == "all", "correlation"].item()
    assert panel.get_title(loc="right").startswith(f"Spearman {value:.2f} [")
    assert legend(figure) == CONDITIONS


def test_without_correlations_the_panels_say_so(of_people: Tables) -> None:
    without = of_people["survey_confidence"].assign(correlation=np.nan)
    figure = survey_confidence(survey_images=of_people["survey_images"], survey_confidence=without)
    assert {axes.get_title(loc="right") for axes in figure.axes} == {"no correlation"}


def test_one_condition_and_one_block_are_enough(of_people: Tables) -> None:
    only = {
        name: table[(table["block"] == "free") & table["condition"].isin(["cppn", "all"])]
        for name, table in of_people.items()
    }
    panels = {name: len(draw(only).axes) for name, draw in DRAWN.items()}
    assert panels == {"survey_accuracy": 1, "survey_images": 1, "survey_confusion": 1, "survey_confidence": 2}


def test_conditions_look_different() -> None:
    looks = looks_of(["direct", "cppn", "other", "another", "noise", "real"])
    assert len({(look.colour, look.marker) for look in looks.values()}) == 6
