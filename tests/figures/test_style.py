"""The shared style."""

import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib.figure import Figure

from figures.drawn import heading, legend
from fooling.figures.style import (
    BACKGROUND,
    CHART,
    SERIES,
    Look,
    as_pdf,
    as_png,
    capitalised,
    counted,
    draw_note,
    draw_title,
    in_style,
    listed,
    on_networks,
    search_handles,
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


def test_a_note_is_wrapped_to_the_width_of_its_figure():
    for width in (CHART, 2 * CHART):
        figure = Figure(figsize=(width, 3), layout="constrained")
        draw_note(figure, "word-with-hyphens " * 60)
        figure.draw_without_rendering()
        assert figure.get_tightbbox().x1 < width
        assert all(line.endswith("hyphens") for line in figure.get_supxlabel().split("\n"))


def test_a_title_stands_above_the_legend_and_both_within_the_figure():
    figure = Figure(figsize=(CHART, 3), layout="constrained")
    (line,) = figure.subplots().plot([1, 2], label="a line with quite a long name")
    draw_title(figure, "A title that is too long for one line of a figure this narrow, so it has two", [line] * 6)
    figure.draw_without_rendering()
    box = figure.legends[0].get_window_extent().transformed(figure.transFigure.inverted())
    assert box.x0 >= 0
    assert box.x1 <= 1
    assert "\n" in figure.legends[0].get_title().get_text()
    assert legend(figure) == ["a line with quite a long name"] * 6


def test_a_title_without_a_legend_stands_alone():
    figure = Figure(figsize=(CHART, 3), layout="constrained")
    draw_title(figure, "a title")
    assert (figure.get_suptitle(), figure.legends) == ("a title", [])
    assert heading(figure) == "a title"


def test_every_surface_has_the_same_light_background():
    @in_style
    def draw() -> Figure:
        figure = Figure()
        figure.subplots()
        return figure

    figure = draw()
    assert mpl.colors.to_hex(figure.get_facecolor()) == BACKGROUND.lower()
    assert mpl.colors.to_hex(figure.axes[0].get_facecolor()) == BACKGROUND.lower()
    red, green, blue = mpl.colors.to_rgb(BACKGROUND)
    assert red == green == blue  # grey, so that a sheet of grey images is a grey picture
    assert 0.93 < red < 0.98


def test_names_are_a_phrase():
    assert [listed(names) for names in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
    table = pd.DataFrame({"classifier": ["b", "a", "b"]})
    assert on_networks(table) == "b and a"
    assert on_networks(pd.DataFrame({"classifier": list("abcd")})) == "4 networks"
    assert capitalised("CPPN encoding") == "CPPN encoding"
    assert capitalised("direct encoding") == "Direct encoding"


@pytest.mark.parametrize("marks", [True, False])
def test_the_legend_names_the_searches_in_the_order_of_the_study(marks):
    table = pd.DataFrame({"search": ["drift", "map-elites", "drift"]})
    assert searches_in(table) == ["map-elites", "drift"]
    handles = search_handles(table, marks=marks)
    assert [handle.get_label() for handle in handles] == ["evolution (MAP-Elites)", "drift (unselected)"]
    assert {handle.get_marker() for handle in handles} == {"o" if marks else "None"}
