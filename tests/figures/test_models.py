"""The figures of inputs far from the data: marks at their numbers, published ones named as unverified."""

from __future__ import annotations

import matplotlib.colors
import numpy as np
import pandas as pd
import pytest

from figures.drawn import heading, legend, note, texts, titles, x_labels, y_labels
from fooling.figures.models import LANES, fooled, rays, rubbish
from fooling.figures.style import REAL, SEARCHES
from fooling.findings.far import PUBLISHED
from made_up_models import REAL as REAL_IMAGES


def test_means_networks_and_published_numbers_are_drawn_in_the_row_of_their_kind(inputs):
    tables = inputs["rubbish"]
    figure = rubbish(**tables)
    shares, confidences = figure.axes
    rows = [label.get_text().replace("\n", " ") for label in shares.get_yticklabels()]
    assert rows == [
        "lenet, weight decay 0.0005",
        "maxout",
        "lenet, weight decay 0.0005, network 2 of chain, champions",
    ]
    marks = [line for axes in (shares, confidences) for line in axes.lines if line.get_marker() == "D"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in marks] == [
        (number, 1) for number in PUBLISHED["maxout", "softmax"]
    ]
    means = tables["rubbish_summary"]
    drawn = next(line for line in shares.lines if line.get_marker() == "o")
    np.testing.assert_allclose(drawn.get_xdata(), means.loc[~means["clipped"], "rubbish_share"])
    np.testing.assert_allclose(np.array(drawn.get_ydata(), dtype=float).round(), [0, 1, 2])


def test_the_figure_says_that_it_shows_no_attack_and_which_numbers_are_unverified(inputs):
    figure = rubbish(**inputs["rubbish"])
    assert legend(figure) == ["inputs from N(0, I)", "clipped to 0 to 1", "Goodfellow et al. 2014, unverified"]
    assert heading(figure) == "Random inputs that get a class"
    assert note(figure).replace("\n", " ").endswith("not what an attack would find.")


def test_rays_are_medians_averaged_over_networks_on_logarithmic_axes(inputs):
    table = inputs["rays"]["rays"]
    figure = rays(rays=table)
    assert titles(figure) == [
        f"{words}, {ending}"
        for words in ("real test images", "random directions")
        for ending in ("not clipped", "clipped to 0 to 1")
    ]
    axes = figure.axes[2]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "symlog")
    lenets = table[(table["built_as"] == "lenet") & (table["direction"] == "noise") & ~table["clipped"]]
    np.testing.assert_allclose(axes.lines[0].get_xdata(), [1, 2, 4, 8, 16, 32])
    np.testing.assert_allclose(axes.lines[0].get_ydata(), lenets.groupby("factor")["median_log_odds"].mean())
    assert legend(figure) == ["lenet, weight decay 0.0005", "maxout"]
    assert "No attack chooses the directions" in note(figure)


@pytest.mark.parametrize("count", [7, 40])
def test_many_kinds_of_networks_have_looks_of_their_own(inputs, count):
    table = inputs["rays"]["rays"]
    alone = table[table["built_as"] == "maxout"]
    many = [alone.assign(built_as=f"net {number}", classifier=f"net-{number}") for number in range(count)]
    figure = rays(rays=table._append(many, ignore_index=True) if count else table)
    drawn = [(line.get_color(), str(line._dash_pattern)) for line in figure.axes[0].lines[:-1]]
    assert len(drawn) == count + 2
    if count < 30:
        assert len(set(drawn)) == len(drawn)


@pytest.fixture
def table(inputs) -> pd.DataFrame:
    return inputs["fooled"]["fooled"]


def test_every_model_has_a_row_and_every_encoding_a_panel(table):
    figure = fooled(fooled=table)
    assert titles(figure) == ["Direct encoding", "CPPN encoding"]
    assert y_labels(figure.axes[0]) == list(REAL_IMAGES)
    assert legend(figure) == ["real images: 5 % to 95 %", "evolution (MAP-Elites)", "random search"]
    assert heading(figure).startswith("Who is fooled?")
    assert note(figure).endswith("not shown to be safe.")


@pytest.mark.parametrize("search", ["map-elites", "random-search"])
def test_marks_are_means_over_networks_beside_the_share_above_the_median(table, search):
    axes = fooled(fooled=table).axes[0]
    rows = table[(table["search"] == search) & (table["encoding"] == "direct")]
    kinds = rows.groupby("built_as", sort=False)
    marks = [line for line in axes.lines if line.get_marker() == SEARCHES[search].marker]
    np.testing.assert_allclose([float(mark.get_xdata()[0]) for mark in marks], kinds["median_log_odds"].mean())
    np.testing.assert_allclose([float(mark.get_ydata()[0]) for mark in marks], np.arange(4) + LANES[search])
    small = [line for line in axes.lines if line.get_marker() == "." and line.get_color() == SEARCHES[search].colour]
    np.testing.assert_allclose(np.concatenate([dots.get_xdata() for dots in small]), rows["median_log_odds"])
    words = [text.get_text() for text in axes.texts if text.get_color() == SEARCHES[search].colour]
    assert words[list(REAL_IMAGES).index("nearest")] == "0 % (= 75 %)", "ties are named"
    above = kinds["above_median"].mean()
    assert words[0].startswith(f"{above['adaboost'] * 100:.0f} %") and len(words) == 4


def test_real_images_are_bands_and_lines_at_their_median_and_95th_percentile(table):
    axes = fooled(fooled=table).axes[1]
    drawn = [
        collection.get_segments()[0]
        for collection in axes.collections
        if matplotlib.colors.same_color(collection.get_edgecolor()[0][:3], REAL)
    ]
    upright = [float(segment[0][0]) for segment in drawn if segment[0][0] == segment[1][0]]
    first = table.drop_duplicates("built_as").set_index("built_as")
    expected = [first.loc[kind, column] for kind in REAL_IMAGES for column in ("real_median", "real_95th")]
    np.testing.assert_allclose(upright[:2], expected[:2])
    assert set(expected) <= set(upright)


def test_models_are_drawn_at_the_largest_budget_that_all_have(table):
    longer = table[table["built_as"] == "lenet"].assign(budget=table["budget"] * 2, median_log_odds=99.0)
    figure = fooled(fooled=pd.concat([table, longer], ignore_index=True))
    assert not any(99.0 in np.asarray(line.get_xdata(), dtype=float) for line in figure.axes[0].lines)


def test_a_narrow_axis_has_percentages_and_a_wide_one_log_odds(table):
    narrow, wide = (fooled(fooled=table[table["built_as"].isin(kinds)]) for kinds in (["lenet"], ["lenet", "gaussian"]))
    for figure in (narrow, wide):
        figure.canvas.draw()
    assert {"50 %", "90 %", "99 %", "99.99 %"} <= set(x_labels(narrow.axes[0]))
    assert {"50 %", "99.99 %", "100", "1,000"} <= set(x_labels(wide.axes[0]))
    assert "90 %" not in x_labels(wide.axes[0])


def test_one_encoding_one_search_and_a_model_without_real_images_can_be_drawn(table):
    rows = table[(table["encoding"] == "cppn") & (table["search"] == "map-elites")].copy()
    empty = rows["built_as"] == "lenet"
    real = [name for name in rows if name.startswith("real_") and rows[name].dtype == float]
    rows.loc[empty, [*real, "above_median", "tied"]] = np.nan
    figure = fooled(fooled=rows)
    assert len(figure.axes) == 1 and len(texts(figure.axes[0])) == 3
    assert fooled(fooled=rows[empty]).axes


def test_data_sets_and_parts_are_named_if_there_are_several(table):
    other = table.assign(dataset="digits", part="500 images")
    names = y_labels(fooled(fooled=pd.concat([table, other], ignore_index=True)).axes[0])
    assert names[0] == "adaboost\non mnist" and names[4] == "adaboost\n500 images\non digits"
