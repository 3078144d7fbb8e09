"""The shared style."""

import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib.figure import Figure

from figures.drawn import legend
from fooling.figures.style import (
    SERIES,
    Look,
    as_pdf,
    as_png,
    counted,
    draw_note,
    draw_search_legend,
    in_style,
    searches_in,
    series,
)


@pytest.mark.parametrize(
    ("count", "words", "text"),
    [
        (1, ("run",), "1 run"),
        (1500, ("run",), "1,500 runs"),
        (0, ("class", "classes"), "0 classes"),
        (1, ("class", "classes"), "1 class"),
    ],
)
def test_a_count_has_the_right_form_of_its_noun(count, words, text):
    assert counted(count, *words) == text


def test_looks_differ_in_more_than_colour_and_repeat_in_order():
    assert len({(look.dashes, look.marker) for look in SERIES}) == len(SERIES)
    assert series(8) == [*SERIES, *SERIES[:2]]


def test_a_line_style_is_solid_without_dashes():
    assert Look("", "#000000").linestyle == "-"
    assert Look("", "#000000", (4, 1.6)).linestyle == (0, (4, 1.6))


def test_the_users_own_settings_do_not_change_a_figure():
    @in_style
    def draw() -> Figure:
        figure = Figure(layout="constrained")
        figure.subplots().plot([1, 2], [1, 3], label="$a_1")
        draw_note(figure, "a note")
        return figure

    expected = as_png(draw())
    with mpl.rc_context({"font.size": 20, "axes.facecolor": "red", "text.parse_math": True}):
        assert as_png(draw()) == expected
    assert expected.startswith(b"\x89PNG")
    assert as_pdf(draw()).startswith(b"%PDF")


def test_a_note_is_wrapped_below_the_figure():
    figure = Figure()
    draw_note(figure, "word " * 60)
    assert all(len(line) <= 144 for line in figure.get_supxlabel().split("\n"))


@pytest.mark.parametrize("marks", [True, False])
def test_the_legend_names_the_searches_in_the_order_of_the_study(marks):
    table = pd.DataFrame({"search": ["drift", "map-elites", "drift"]})
    assert searches_in(table) == ["map-elites", "drift"]
    figure = Figure(layout="constrained")
    draw_search_legend(figure, table, marks=marks)
    assert legend(figure) == ["evolution (MAP-Elites)", "drift (unselected)"]
    assert {handle.get_marker() for handle in figure.legends[0].get_lines()} == {"o" if marks else "None"}
