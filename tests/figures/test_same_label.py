"""The figures of real and evolved images with the same label."""

import numpy as np

from figures.drawn import shown_images, texts
from fooling.figures.same_label import real_and_evolved, same_label
from fooling.messages import percent


def test_real_images_are_the_first_that_are_classified_correctly(inputs):
    dataset, real = inputs["real_and_evolved"]["dataset"], inputs["real_and_evolved"]["real"]
    sheet = real_and_evolved(**inputs["real_and_evolved"]).axes[0]
    images = shown_images(sheet)
    assert len(images) == 30
    assert real.loc[3, "label"] != real.loc[3, "predicted"]
    assert np.array_equal(images[3], dataset.test_images[13, 0])
    assert percent(float(real.loc[13, "confidence"])) in texts(sheet)


def test_below_stand_the_champions_of_each_encoding(inputs):
    runs = inputs["real_and_evolved"]["runs"]
    sheet = real_and_evolved(**inputs["real_and_evolved"]).axes[0]
    images, written = shown_images(sheet), texts(sheet)
    for row, run in enumerate(runs, start=1):
        assert np.array_equal(images[10 * row + 7], run.images[7, 0])
        assert percent(float(run.confidences[7])) in written
    assert {"real", "direct\nencoding", "CPPN\nencoding", *"0123456789"} <= set(written)
    assert written[0] == "Real images and images evolved for the same class on lenet-a"


def test_a_class_that_is_never_classified_correctly_has_no_real_image(inputs):
    real = inputs["real_and_evolved"]["real"]
    real.loc[real["label"] == 5, "predicted"] = 6
    sheet = real_and_evolved(**inputs["real_and_evolved"]).axes[0]
    assert len(sheet.images) == 29
    assert "none" in texts(sheet)


def test_a_real_and_evolved_images_of_one_label_stand_beside_the_loop(inputs):
    given = inputs["same_label"]
    sheet, bars = same_label(**given).axes
    images = shown_images(sheet)
    label = int(np.argmax(np.min([run.confidences for run in given["runs"]], axis=0)))
    correct = given["real"][(given["real"]["label"] == label) & (given["real"]["predicted"] == label)]
    assert np.array_equal(images[0], given["dataset"].test_images[correct["image"].iloc[0], 0])
    for place, run in enumerate(given["runs"], start=1):
        assert np.array_equal(images[place], run.images[label, 0])
        assert percent(float(run.confidences[label])) in texts(sheet)
    assert texts(sheet).count(f"“{label}”") == 3
    assert texts(sheet).count("lenet-a") == 2
    assert len(images) == 3 + 2 * 10
    assert np.allclose([bar.get_height() for bar in bars.patches], 0.1)  # equal logits
    assert {"real image", "evolved,\ndirect encoding", "evolved,\nCPPN encoding"} <= set(texts(sheet))


def test_the_class_is_that_with_the_highest_minimum_confidence(inputs):
    for run, best in zip(inputs["same_label"]["runs"], (3, 6), strict=True):
        run.confidences[:] = 0.5
        run.confidences[[best, 8]] = 0.9, 0.8
    assert texts(same_label(**inputs["same_label"]).axes[0]).count("“8”") == 3


def test_without_a_correctly_classified_test_image_there_is_no_label_to_share(inputs):
    real = inputs["same_label"]["real"]
    real["predicted"] = (real["label"] + 1) % 10
    sheet = same_label(**inputs["same_label"]).axes[0]
    assert texts(sheet)[0] == "lenet-a classifies no test image correctly"
    assert not sheet.images
