"""The figures of detectors under attack."""

from __future__ import annotations

import numpy as np

from figures.drawn import heading, legend, note, titles
from fooling.figures.defences import ADAPTIVE, STATIC, detector_gallery, detectors, hardening
from fooling.figures.style import SEARCHES, log_odds


def test_both_numbers_stand_in_one_row(inputs):
    figure = detectors(**inputs["detectors"])
    sure, median = figure.axes
    labels = [label.get_text() for label in sure.get_yticklabels()]
    assert labels[0] == "no detector"
    assert labels[1].startswith("energy") and labels[2].startswith("Mahalanobis")  # the strongest one last
    means = inputs["detectors"]["detector_means"].set_index("detector")
    for look, column in ((STATIC, "static_sure"), (ADAPTIVE, "adaptive_sure")):
        drawn = [
            float(bars.lines[0].get_xdata()[0]) for bars in sure.containers if bars.lines[0].get_color() == look.colour
        ]
        np.testing.assert_allclose(drawn, means.loc[["none", "energy", "mahalanobis"], column])
    assert "rejects 6.25 % of real images" in labels[2]
    assert median.get_xlabel() == "median confidence if accepted"


def test_the_gallery_names_the_confidence_of_each_image(inputs):
    (sheet,) = detector_gallery(**inputs["detector_gallery"]).axes
    written = [text.get_text() for text in sheet.texts]
    assert written.count("≥ 99.99 %") >= 4 + 4 + 2
    assert "98.03 %" in written
    assert {"no\ndetector", "energy", "Mahalanobis\ndistance"} <= set(written)
    assert len(sheet.images) == 12


def test_a_class_without_an_accepted_image_is_pale(inputs):
    tables = inputs["detector_gallery"]["detector_images"]
    none = tables.assign(confidence=0.0)
    (sheet,) = detector_gallery(detector_images=none).axes
    assert [text.get_text() for text in sheet.texts].count("rejected") == 12


def rows_of(table, **wanted):
    for column, value in wanted.items():
        table = table[table[column] == value]
    return table


def test_each_way_has_its_row_with_networks_and_test_error(inputs):
    figure = hardening(**inputs["hardening"])
    assert heading(figure) == "Does training make a network harder to fool?"
    assert legend(figure) == ["evolution (MAP-Elites)", "random search"]
    assert titles(figure) == [
        title
        for name in ("cppn", "direct")
        for title in (f"{name}: confidence of the champions", "Champions accepted at equal refusal")
    ]
    names = [label.get_text().replace("\n", " ") for label in figure.axes[0].get_yticklabels()]
    assert names == [
        f"{way} 3 networks, test error 1.2 %"
        for way in ("plain", "label smoothing 0.1", "outliers noise", "fooling class: champions")
    ]


def test_means_intervals_and_networks_are_drawn_at_their_numbers(inputs):
    tables = inputs["hardening"]
    figure = hardening(**tables)
    for axes, column, single, transformed in (
        (figure.axes[0], "median", "log_odds", True),
        (figure.axes[1], "accepted", "accepted", False),
    ):
        for search, look in SEARCHES.items():
            means = rows_of(tables["hardening"], experiment="cppn", search=search)
            marks = [line for line in axes.lines if line.get_marker() == look.marker]
            if search == "drift":
                assert not marks
                continue
            values = means[column].astype(float)
            wanted = [log_odds(value) for value in values] if transformed else values
            np.testing.assert_allclose(marks[0].get_xdata(), wanted)
            np.testing.assert_allclose(np.round(np.asarray(marks[0].get_ydata(), dtype=float)), range(len(means)))
            dots = [line for line in axes.lines if line.get_marker() == "." and line.get_color() == look.colour]
            networks = rows_of(tables["hardened"], experiment="cppn", search=search)
            np.testing.assert_allclose(dots[0].get_xdata(), networks[single])
    caps = [line for line in figure.axes[0].lines if line.get_marker() == "|"]
    low = rows_of(tables["hardening"], experiment="cppn", search="map-elites")["median_low"].astype(float)
    np.testing.assert_allclose(caps[0].get_xdata(), [log_odds(value) for value in low])


def test_the_note_gives_the_share_of_real_images_refused(inputs):
    text = note(hardening(**inputs["hardening"])).replace("\n", " ")
    assert "The images were evolved against each network itself." in text
    assert "% of the real test images that it classifies correctly" in text


def test_without_thresholds_the_note_says_so(inputs):
    tables = inputs["hardening"]
    nothing = dict.fromkeys(("refused", "accepted", "accepted_low", "accepted_high", "excess"), np.nan)
    without = {
        name: table.assign(**{key: nothing[key] for key in nothing if key in table}) for name, table in tables.items()
    }
    assert "enough real test images correctly for a threshold" in note(hardening(**without)).replace("\n", " ")


def test_a_network_without_a_mean_still_has_its_row(inputs):
    tables = inputs["hardening"]
    means = tables["hardening"]
    figure = hardening(hardened=tables["hardened"], hardening=means[means["way"] != "outliers noise"])
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert "outliers noise" in names


def test_a_way_that_one_experiment_lacks_is_named_like_the_others(inputs):
    """All rows of panels share their names."""
    tables = inputs["hardening"]
    last = list(tables["hardening"]["experiment"])[-1]
    without = {
        name: table[~((table["experiment"] == last) & (table["way"] == "outliers noise"))]
        for name, table in tables.items()
    }
    for axes in (hardening(**without).axes[0], hardening(**without).axes[2]):
        (label,) = (each.get_text() for each in axes.get_yticklabels() if "outliers noise" in each.get_text())
        assert "network" in label and "test error" in label
