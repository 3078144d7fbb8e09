"""The figures of detectors under attack."""

from __future__ import annotations

import numpy as np

from fooling.figures.detectors import ADAPTIVE, STATIC, detector_gallery, detectors


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
