"""The shared style."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy.special import logit

from figures.drawn import heading, legend, x_labels, y_labels
from fooling.figures.style import (
    BACKGROUND,
    CHART,
    SATURATED,
    SERIES,
    Look,
    as_pdf,
    as_png,
    draw_note,
    draw_reference,
    draw_title,
    finite_log_odds,
    in_style,
    log_odds,
    on_networks,
    reference_handle,
    search_handles,
    searches_in,
    series,
    use_confidence_ticks,
    use_percent_ticks,
    visible,
)
from fooling.messages import counted


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


def test_networks_are_a_phrase():
    table = pd.DataFrame({"classifier": ["b", "a", "b"]})
    assert on_networks(table) == "b and a"
    assert on_networks(pd.DataFrame({"classifier": list("abcd")})) == "4 networks"


@pytest.mark.parametrize("marks", [True, False])
def test_the_legend_names_the_searches_in_the_order_of_the_study(marks):
    table = pd.DataFrame({"search": ["drift", "map-elites", "drift"]})
    assert searches_in(table) == ["map-elites", "drift"]
    handles = search_handles(table, marks=marks)
    assert [handle.get_label() for handle in handles] == ["evolution (MAP-Elites)", "drift (unselected)"]
    assert {handle.get_marker() for handle in handles} == {"o" if marks else "None"}


@pytest.fixture
def axes():
    return Figure().subplots()


def test_ticks_stand_where_their_labels_say(axes):
    use_confidence_ticks(axes, [log_odds(0.02), log_odds(0.99995)])
    assert y_labels(axes) == ["10 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %"]
    shares = [float(label.removesuffix(" %")) / 100 for label in y_labels(axes)]
    assert axes.get_yticks() == pytest.approx(logit(shares))


def test_an_axis_of_one_confidence_reaches_to_the_nearest_ticks(axes):
    use_confidence_ticks(axes, [log_odds(1 / 3)] * 3)
    assert y_labels(axes) == ["10 %", "50 %"]
    assert axes.get_ylim() == pytest.approx((log_odds(0.1), 0))


def test_ticks_are_thinned_to_the_largest_number(axes):
    use_confidence_ticks(axes, [log_odds(1e-7), log_odds(1 - 1e-7)], which="x", most=5)
    assert x_labels(axes) == ["0.001 %", "1 %", "90 %", "99.99 %", "99.99999 %"]


def test_ticks_far_from_the_values_do_not_overlap(axes):
    use_confidence_ticks(axes, [log_odds(0.9999), 2e5])
    assert len(axes.get_yticklabels()) == 1
    use_confidence_ticks(axes, [2e5])
    assert axes.get_ylim()[1] > 2e5


def test_log_odds_are_finite_at_both_ends():
    low, middle, high = finite_log_odds(pd.Series([0.0, 0.5, 1.0]))
    assert middle == 0
    assert low == pytest.approx(-high)
    assert high > log_odds(float(np.nextafter(np.float32(1), np.float32(0))))


def test_percent_ticks(axes):
    use_percent_ticks(axes, which="x")
    assert x_labels(axes) == ["0 %", "25 %", "50 %", "75 %", "100 %"]
    assert axes.get_xlim() == (-0.02, 1.02)


def test_99_99_percent_keeps_its_tick(axes):
    for most in range(2, 9):
        use_confidence_ticks(axes, [-SATURATED, SATURATED], most=most)
        assert len(y_labels(axes)) <= most
        assert "99.99 %" in y_labels(axes)


def test_log_odds_beyond_float32_are_drawn_at_its_end():
    assert visible(np.array([-40.0, 0.0, 40.0])).tolist() == [-SATURATED, 0, SATURATED]
    assert np.float32(1 / (1 + np.exp(-SATURATED - 0.01))) == 1


def test_a_reference_is_a_line_with_an_entry_in_the_legend(axes):
    axes.set_ylim(0, 10)
    draw_reference(axes, 5.0)
    assert list(axes.lines[0].get_ydata()) == [5.0, 5.0]
    handle = reference_handle(0.9999)
    assert handle.get_label() == "the paper's median, 99.99 %"
    assert handle.get_color() == axes.lines[0].get_color()
    assert handle.get_linestyle() == axes.lines[0].get_linestyle()


def test_a_vertical_reference(axes):
    draw_reference(axes, 3.0, which="x")
    assert list(axes.lines[0].get_xdata()) == [3.0, 3.0]
