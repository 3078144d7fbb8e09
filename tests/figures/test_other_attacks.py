"""The figures of gradient ascent."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from scipy.special import logit

from figures.conftest import MANY_CLASSES
from figures.drawn import heading, legend, lines_by_label, note, shown_class_names, shown_images, texts
from fooling.figures.other_attacks import ascent_gallery, ascent_over_evaluations, label_only, label_only_gallery
from fooling.figures.style import log_odds, visible
from fooling.messages import percent


def test_a_gallery_shows_the_first_start_of_every_setting(inputs):
    ascents = inputs["ascent_gallery"]["ascents"]
    (sheet,) = ascent_gallery(ascents=ascents).axes
    images, written = shown_images(sheet), texts(sheet)
    assert len(images) == 20
    for place in range(10):
        assert np.array_equal(images[10 + place], ascents[1].images[place, 0])
        assert percent(float(ascents[1].confidences[place])) in written
    assert {"plain", "500 steps", "s-360", "1,500 steps", *"0123456789"} <= set(written)
    assert written[0] == "Images made by gradient ascent on lenet-a"


def test_the_contrast_of_faint_images_is_magnified_by_a_stated_factor(inputs):
    plain = inputs["ascent_gallery"]["ascents"][0]
    levels = 100 + np.arange(plain.images.size).reshape(plain.images.shape) % 21  # ten levels around 110
    (sheet,) = ascent_gallery(ascents=[replace(plain, images=levels.astype(np.uint8))]).axes
    assert "500 steps\ncontrast 11-fold" in texts(sheet)
    assert np.array_equal(shown_images(sheet)[3], 128 + 11 * (levels[3, 0] - 110))


def test_a_gallery_shows_ten_of_many_target_classes(inputs):
    few, many = inputs["ascent_gallery"]["ascents"]
    spread = replace(few, class_names=MANY_CLASSES, classes=5 * few.classes)
    (sheet,) = ascent_gallery(ascents=[spread]).axes
    assert shown_class_names(sheet, MANY_CLASSES) == list(MANY_CLASSES[::5])
    assert len(sheet.images) == 10
    twenty = {name: getattr(many, name).repeat(2, axis=0) for name in ("images", "confidences", "classes", "seeds")}
    twenty["classes"] = np.tile(np.arange(0, 40, 2), 2)
    (sheet,) = ascent_gallery(ascents=[replace(many, class_names=MANY_CLASSES, **twenty)]).axes
    assert shown_class_names(sheet, MANY_CLASSES) == list(MANY_CLASSES[0:40:4])
    assert len(sheet.images) == 10


def test_what_a_setting_adds_to_plain_ascent_stands_beside_its_row(inputs):
    plain = inputs["ascent_gallery"]["ascents"][0]
    settings = {"decay": 0.01, "blur_radius": 0.3, "small_norm_percentile": 20.0, "small_benefit_percentile": 0.0}
    (sheet,) = ascent_gallery(ascents=[plain, replace(plain, name="s-360", settings=settings)]).axes
    assert "500 steps" in texts(sheet)
    assert "500 steps\ndecay 1 %\nblur 0.3 px\npixels reset" in texts(sheet)


def test_gradient_ascent_is_drawn_beside_the_searches(inputs):
    figure = ascent_over_evaluations(**inputs["ascent_over_evaluations"])
    (axes,) = figure.axes
    lines = lines_by_label(axes)
    expected_labels = [
        *("gradient ascent, plain", "gradient ascent, s-360"),
        *("cppn, evolution", "cppn, random search"),
        *("direct, evolution", "direct, random search"),
    ]
    assert list(lines) == expected_labels
    assert legend(figure) == [*expected_labels, "the paper's median, 99.99 %"]
    assert heading(figure) == "Gradient ascent compared with evolution on lenet-a"
    curves = inputs["ascent_over_evaluations"]["ascent_curves"]
    for label, search, experiment in (
        ("gradient ascent, plain", "gradient-ascent", "plain"),
        ("direct, random search", "random-search", "direct"),
    ):
        rows = curves[(curves["search"] == search) & (curves["experiment"] == experiment)]
        expected = rows.assign(log_odds=visible(rows["log_odds"])).groupby("evaluations")["log_odds"].median()
        assert lines[label].get_ydata() == pytest.approx(expected.to_numpy())
        assert lines[label].get_xdata() == pytest.approx(expected.index)
    assert axes.get_xscale() == "log"
    assert axes.get_xlim() == (curves["evaluations"].min(), curves["evaluations"].max())
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("evaluations of the network", "confidence (log-odds axis)")
    assert "A step counts as three evaluations" in note(figure)


def test_evolution_is_solid_random_search_dotted_and_without_a_band(inputs):
    (axes,) = ascent_over_evaluations(**inputs["ascent_over_evaluations"]).axes
    lines = lines_by_label(axes)
    for experiment in ("cppn", "direct"):
        evolution, random = lines[f"{experiment}, evolution"], lines[f"{experiment}, random search"]
        assert evolution.get_color() == random.get_color()
        assert (evolution.get_linestyle(), random.get_linestyle()) == ("-", "--")
    banded = [tuple(band.get_facecolor()[0][:3]) for band in axes.collections]
    expected = [to_rgb(line.get_color()) for label, line in lines.items() if not label.endswith("random search")]
    assert np.allclose(banded, expected)


def test_the_papers_median_is_a_line_if_it_is_given(inputs):
    given = inputs["ascent_over_evaluations"]
    with_line, without = (ascent_over_evaluations(**given | {"reference": value}).axes[0] for value in (0.9999, None))
    constant = [line.get_ydata()[0] for line in with_line.lines if len(line.get_xdata()) == 2]
    assert constant == pytest.approx([logit(0.9999)])
    assert not texts(with_line)
    assert len(without.lines) == len(with_line.lines) - 1


def test_the_curves_end_at_the_budget_with_the_median_of_the_runs(inputs):
    confidence, noise, *others = label_only(**inputs["label_only"]).axes
    evolved, random = confidence.lines[:2]
    assert evolved.get_ydata()[-1] == pytest.approx(log_odds(0.75), abs=1e-5)
    assert evolved.get_xdata()[-1] == random.get_xdata()[-1] == 1990
    assert [line.get_ydata()[-1] for line in noise.lines] == [30, 0]
    assert len(others) == 2


def test_the_mark_of_transfer_stands_at_one_query_for_each_class(inputs):
    (mark,) = [line for line in label_only(**inputs["label_only"]).axes[0].lines if line.get_marker() == "D"]
    odds = np.linspace(-1, 9, 16).reshape(4, 4).diagonal()
    assert mark.get_xdata().tolist() == [4]
    assert mark.get_ydata()[0] == pytest.approx(np.median(odds))


def test_without_transfer_there_is_no_mark(inputs):
    tables = inputs["label_only"]
    alone = tables["label_only"][tables["label_only"]["search"] != "transfer"]
    figure = label_only(label_only=alone, label_only_curves=tables["label_only_curves"])
    assert len(figure.axes[0].lines) == 2


def test_a_classifier_that_gives_labels_alone_has_an_empty_panel_of_confidences(inputs):
    confidence, noise = label_only(**inputs["label_only"]).axes[2:4]
    assert len(confidence.lines) == 0
    assert len(noise.lines) == 2


def test_the_gallery_has_a_row_for_each_search_and_names_what_is_missing(inputs):
    (sheet,) = label_only_gallery(**inputs["label_only_gallery"]).axes
    written = [text.get_text() for text in sheet.texts]
    assert len(sheet.images) == 3 + 2 + 4
    assert written.count("none") == 1 + 2
    assert "Images found with labels alone on lenet-a" in written
    assert {"MAP-Elites", "random search", "another network's\nchampions"} <= set(written)
    assert "89.99 %" in written
