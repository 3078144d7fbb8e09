"""The figures that sum up: searches, presets, random images, calibration, components of variance."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from fooling.figures import (
    calibration,
    distances,
    preset_comparison,
    random_images,
    search_comparison,
    variance_components,
)


def labels(axes):
    return [label.get_text() for label in axes.get_yticklabels()]


def dots(axes):
    """All points of a panel, as rows of x and y."""
    return np.concatenate([np.asarray(points.get_offsets()) for points in axes.collections])


def test_each_run_of_each_search_is_a_dot(inputs):
    champions = inputs["search_comparison"]["champions"]
    confidence, classes = search_comparison.draw(**inputs["search_comparison"]).axes
    runs = ["experiment", "search", "classifier", "seed"]
    medians = champions.groupby(runs)["log_odds"].median()
    assert sorted(dots(confidence)[:, 0]) == pytest.approx(sorted(medians))
    reached = (champions["confidence"] >= 0.9999).groupby([champions[name] for name in runs]).sum()
    assert sorted(dots(classes)[:, 0]) == sorted(reached)
    assert labels(confidence) == ["direct", "cppn"]
    assert classes.get_title(loc="left") == "Classes at 99.99 % or more"
    first = reached.loc["direct", "map-elites"].mean()
    assert classes.texts[0].get_text() == f"{first:.1f}"


def test_an_experiment_without_a_control_is_left_out(inputs):
    champions = inputs["search_comparison"]["champions"]
    alone = champions[(champions["experiment"] != "cppn") | (champions["search"] == "map-elites")]
    assert labels(search_comparison.draw(champions=alone, reference=0.9999).axes[0]) == ["direct"]


def test_random_images_tell_how_many_get_more_than_half(inputs):
    start = inputs["random_images"]["start"]
    left, right = random_images.draw(**inputs["random_images"]).axes
    assert labels(left) == ["lenet-a, direct", "lenet-a, cppn", "lenet-b, direct", "lenet-b, cppn"]
    first = start[(start["classifier"] == "lenet-a") & (start["experiment"] == "direct")]
    assert left.texts[0].get_text() == f"{(first['top_confidence'] > 0.5).mean():.0%}".replace("%", " %")
    assert right.get_title(loc="left") == "The best of 200, class by class"


def test_presets_stand_in_families_with_their_reference_first(inputs):
    figure = preset_comparison.draw(**inputs["preset_comparison"])
    curves, means, effects, _, other = figure.axes
    assert labels(means) == ["0", "1", "2", "3"]
    assert figure.subfigs[0].get_suptitle() == "direct-options, by option"
    assert labels(other) == ["cppn"]
    assert labels(effects) == ["crossover: faulty instead of none", "extra batch: true instead of false"]
    survival = inputs["preset_comparison"]["survival"]
    direct = survival[survival["experiment"] == "direct-options-0"]
    assert np.array_equal(curves.lines[0].get_ydata(), 1 - direct["survival"])
    assert means.texts[0].get_text() == "9 of 12 runs"


def test_without_presets_to_compare_there_are_only_curves_and_means(inputs):
    survival, presets = inputs["preset_comparison"].values()
    figure = preset_comparison.draw(survival=survival, presets=presets[presets["contrast"] == "mean"])
    assert len(figure.axes) == 2


def test_in_a_large_family_only_the_reference_is_coloured(make_presets):
    survival, presets = make_presets(9)
    curves = preset_comparison.draw(survival=survival, presets=presets).axes[0]
    colours = [line.get_color() for line in curves.lines]
    assert len(colours) == 9
    assert len(set(colours[1:])) == 1
    assert colours[0] not in colours[1:]


def test_reliability_counts_the_right_answers_in_each_bin():
    confidences = np.array([0.05, 0.55, 0.58, 0.96, 0.97, 1.0])
    right = np.array([False, True, False, True, True, True])
    mean, share, low, high = calibration.reliability(confidences, right)
    assert mean == pytest.approx([0.05, 0.565, (0.96 + 0.97 + 1) / 3])
    assert share == pytest.approx([0, 0.5, 1])
    wilson = [binomtest(hits, total).proportion_ci(method="wilson") for hits, total in ((0, 1), (1, 2), (3, 3))]
    assert low == pytest.approx([interval.low for interval in wilson])
    assert high == pytest.approx([interval.high for interval in wilson])


def test_calibration_shows_real_images_and_champions(inputs):
    figure = calibration.draw(**inputs["calibration"])
    assert labels(figure.axes[1]) == ["real images,\nclassified correctly", "direct"]
    assert "temperature 1.40, fitted on 20 real test images" in figure.get_supxlabel()
    assert len(figure.legends[0].get_texts()) == 2


def test_where_no_temperature_fits_only_raw_confidences_are_drawn(inputs):
    given = inputs["calibration"]
    for table in (given["real"], given["examined"]):
        table["calibrated_confidence"] = np.nan
    given["calibration"][["temperature", "nll_after", "ece_after"]] = np.nan
    figure = calibration.draw(**given)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["uncalibrated (0.021)"]
    assert "no best temperature" in figure.get_supxlabel()


def test_bars_are_cut_into_the_shares_of_the_components(inputs):
    variance = inputs["variance_components"]["variance"]
    axes = variance_components.draw(variance=variance).axes[0]
    assert labels(axes)[0] == "direct: evolution (MAP-Elites)"
    first = variance[(variance["experiment"] == "direct") & (variance["search"] == "map-elites")]
    widths = pd.Series([bars[0].get_width() for bars in axes.containers])
    assert sorted(widths) == pytest.approx(sorted(first["share"]))
    assert widths.sum() == pytest.approx(1)


def test_distances_stand_against_confidence_with_the_real_images_for_reference(inputs):
    table = inputs["distances"]["distances"]
    figure = distances.draw(distances=table)
    assert len(figure.axes) == 4
    dots = figure.axes[0].collections[-1].get_offsets()
    champions = table[(table["kind"] == "champion") & (table["encoding"] == "direct")]
    np.testing.assert_allclose(dots, champions[["pixel_ratio", "log_odds"]])
    lines = sorted(line.get_xdata()[0] for line in figure.axes[1].lines)
    real = table.loc[table["kind"] == "real", "feature_ratio"]
    np.testing.assert_allclose(lines, [real.quantile(0.5), real.quantile(0.99)])
    table["calibrated_confidence"] = np.nan
    assert len(distances.draw(distances=table).axes) == 2


def test_distances_are_drawn_where_all_real_images_are_copies_of_training_images(inputs):
    table = inputs["distances"]["distances"]
    table[["pixel_ratio", "feature_ratio"]] = np.nan
    assert len(distances.draw(distances=table).axes) == 4
