"""The figures of the human study: marked where answers are simulated, drawn from whatever people answered."""

from __future__ import annotations

import importlib

import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from fooling.figures.style import as_png
from fooling.figures.survey import CHANCE_DASHES, SYNTHETIC, looks_of
from fooling.figures.survey_power import draw as draw_power
from fooling.survey.power import PowerSettings, power_table
from made_up_answers import analysed, as_peoples, made_questionnaire, simulated

INPUTS = {
    "survey_accuracy": ("survey_accuracy",),
    "survey_images": ("survey_images",),
    "survey_confusion": ("survey_confusion",),
    "survey_confidence": ("survey_images", "survey_confidence"),
}
ASKED = made_questionnaire()


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return simulated(ASKED, participants=6)


@pytest.fixture(scope="module")
def of_people(files: dict[str, str]) -> dict[str, pd.DataFrame]:
    return analysed(as_peoples(files), ASKED)


@pytest.fixture(scope="module")
def of_simulated(files: dict[str, str]) -> dict[str, pd.DataFrame]:
    return analysed(files, ASKED)


def drawn(name: str, tables: dict[str, pd.DataFrame]) -> Figure:
    figure: Figure = importlib.import_module(f"fooling.figures.{name}").draw(
        **{key: tables[key] for key in INPUTS[name]}
    )
    return figure


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text)]


@pytest.mark.parametrize("name", INPUTS)
def test_simulated_answers_are_marked_across_the_figure_and_peoples_are_not(
    name: str, of_people: dict[str, pd.DataFrame], of_simulated: dict[str, pd.DataFrame]
) -> None:
    marked, plain = drawn(name, of_simulated), drawn(name, of_people)
    assert SYNTHETIC in texts(marked)
    assert SYNTHETIC not in texts(plain)
    assert as_png(marked) != as_png(plain)


def test_chance_is_dashed_where_there_is_one(of_people: dict[str, pd.DataFrame]) -> None:
    figure = drawn("survey_accuracy", of_people)
    places = []
    for axes in figure.axes:
        dashed = [line for line in axes.lines if line.get_linestyle() == "--" and len(set(line.get_xdata())) == 1]
        places.append([float(line.get_xdata()[0]) for line in dashed])
    assert places == [[0.5], [0.5], [0.1], []]
    assert CHANCE_DASHES[1]


def test_dots_are_sorted_and_every_image_has_one(of_people: dict[str, pd.DataFrame]) -> None:
    figure = drawn("survey_images", of_people)
    images = of_people["survey_images"]
    assert len(figure.axes) == 4 * 5
    panel = figure.axes[0]
    dots = sorted((x, y) for line in panel.lines if line.get_marker() == "o" for x, y in line.get_xydata())
    expected = images[
        (images["block"] == "two-way") & (images["foils"] == "random") & (images["condition"] == "direct")
    ]
    assert [y for _, y in dots] == sorted(expected["share"], reverse=True)


def test_one_condition_and_one_block_are_enough(of_people: dict[str, pd.DataFrame]) -> None:
    only = {
        name: table[(table["block"] == "free") & table["condition"].isin(["cppn", "all"])]
        for name, table in of_people.items()
    }
    for name in INPUTS:
        assert as_png(drawn(name, only)).startswith(b"\x89PNG")


def test_conditions_look_different() -> None:
    looks = looks_of(["direct", "cppn", "other", "another", "noise", "real"])
    assert len({(look.colour, look.marker) for look in looks.values()}) == 6


def test_power_says_what_was_supposed() -> None:
    table = power_table(PowerSettings(people=(10, 20), images=(10,), studies=100, effect=0.2))
    told = " ".join(texts(draw_power(survey_power=table)))
    assert "detect 70 % as above chance" in told
    assert "show chance to be below 60 %" in told
    assert "100 simulated studies of each size" in told
