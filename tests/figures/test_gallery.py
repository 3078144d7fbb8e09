"""The gallery of champions."""

import numpy as np

from figures.drawn import shown_images, texts, titles, x_labels, y_labels
from figures.made_up_champions import made_examined, made_run
from fooling.figures.gallery import further_runs, gallery, kinds
from fooling.figures.image_grid import shown_classes
from fooling.findings.examination import KINDS
from fooling.messages import percent


def test_every_champion_stands_above_its_confidence(inputs):
    runs = inputs["gallery"]["runs"]
    sheet = gallery(**inputs["gallery"]).axes[0]
    assert len(sheet.images) == 20  # runs of the direct encoding look alike: two are shown
    shown = sheet.images[13]
    assert np.array_equal(shown.get_array(), runs[1].images[3, 0])
    below = [text for text in sheet.texts if text.get_text() == percent(float(runs[1].confidences[3]))]
    left, right, bottom, _ = shown.get_extent()
    assert any(left < text.get_position()[0] < right and 0 < text.get_position()[1] - bottom < 0.1 for text in below)


def test_classes_seeds_network_and_effort_are_named(inputs):
    written = texts(gallery(**inputs["gallery"]).axes[0])
    assert {*"0123456789", "seed 1", "seed 2"} <= set(written)
    assert "Images evolved with the direct encoding on lenet-a" in written
    assert any(text.startswith("3 runs (the first 2 shown), 20,200 images scored in each") for text in written)


def test_every_run_of_a_cppn_has_a_row(inputs):
    runs = [made_run(seed, encoding="cppn") for seed in (1, 2, 3)]
    sheet = gallery(runs=runs, examined=inputs["gallery"]["examined"]).axes[0]
    assert len(sheet.images) == 30
    assert any(text.startswith("3 runs, 20,200 images scored in each") for text in texts(sheet))


def test_below_stand_two_measures_with_their_medians(inputs):
    examined = inputs["gallery"]["examined"]
    figure = gallery(**inputs["gallery"])
    independent, distance = figure.axes[1:]
    assert titles(figure)[1:] == [
        "Confidence of lenet-b (independent network) in the same class",
        "Distance to the nearest training image",
    ]
    shown = examined[(examined["search"] == "map-elites") & (examined["seed"] <= 3)]
    medians = shown.groupby("class_index")[["nearest_distance", "independent_confidence"]].median()
    assert x_labels(distance) == [f"{value:.2f}" for value in medians["nearest_distance"]]
    assert x_labels(independent) == [percent(value, decimals=0) for value in medians["independent_confidence"]]
    assert sorted(distance.collections[0].get_offsets()[:, 1]) == sorted(shown["nearest_distance"])
    assert y_labels(independent) == ["0 %", "50 %", "100 %"]
    assert independent.get_xlim() == distance.get_xlim() == (-0.5, 9.5)


def test_bars_mark_the_medians_of_real_images(inputs):
    distance = gallery(**inputs["gallery"]).axes[2]
    bars = distance.collections[1].get_segments()
    assert [tuple(bar[0]) for bar in bars] == [(place - 0.42, 0.16) for place in range(10)]
    assert "real" in texts(distance)


def test_a_dot_is_filled_if_the_other_network_agrees(inputs):
    examined = inputs["gallery"]["examined"]
    examined["independent_label"] = np.where(examined["class_index"] == 4, 4, (examined["class_index"] + 1) % 10)
    dots = gallery(**inputs["gallery"]).axes[1].collections[0]
    dark = dots.get_facecolors()[:, 0] < 0.5
    assert dark.sum() == 3
    assert {round(x) for x in dots.get_offsets()[dark, 0]} == {4}


def test_without_an_independent_network_only_the_distance_is_shown(inputs):
    figure = gallery(runs=inputs["gallery"]["runs"], examined=made_examined(independent=None))
    assert titles(figure)[1:] == ["Distance to the nearest training image"]


def test_without_training_images_no_distance_is_shown(inputs):
    given = inputs["gallery"]
    figure = gallery(**given | {"examined": given["examined"].assign(nearest_distance=np.nan)})
    assert titles(figure)[1:] == ["Confidence of lenet-b (independent network) in the same class"]


def test_colour_images_are_shown_in_colour():
    names = ("disc", "ring", "square", "triangle", "cross", "stripes", "checks", "dots", "spiral", "gradient")
    run = made_run(1, channels=3, side=32, names=names)
    sheet = gallery(runs=[run], examined=made_examined()).axes[0]
    assert np.array_equal(shown_images(sheet)[2], np.moveaxis(run.images[2], 0, -1))
    assert set(names) <= set(texts(sheet))


def test_the_most_confident_champions_and_ten_of_many_classes_are_shown(run_of_many, examined_of_many):
    sheet, strip = gallery(runs=[run_of_many], examined=examined_of_many).axes
    assert len(sheet.images) == 25 + 10  # of fifty classes, every two share an image
    assert any("10 of 50 classes, from the most to the least confident" in text for text in texts(sheet))
    assert any(text.startswith("the 25 most\nconfident") for text in texts(sheet))
    places = np.asarray(strip.collections[0].get_offsets())
    assert np.allclose(places, np.column_stack([np.arange(10), shown_classes([run_of_many]) / 100]))


def test_each_kind_has_its_image_confidence_cost_and_transfer(inputs):
    table = inputs["kinds"]["kinds"]
    (sheet,) = kinds(kinds=table).axes
    assert len(sheet.images) == len(table) == len(KINDS)
    written = [text.get_text().replace("\n", " ") for text in sheet.texts]
    assert set(KINDS.values()) <= set(written)
    assert "a real 7, changed 100,000 evaluations lenet-b: 6, not fooled" in written
    assert f"100 evaluations lenet-b: also 2, {percent(0.4)}" in written
    alone = kinds(kinds=table[:1].assign(other=None, transfers=None)).axes[0]
    assert "1 evaluation" in [text.get_text() for text in alone.texts]


def test_many_runs_stand_in_two_blocks():
    runs = [made_run(seed) for seed in range(1, 8)]
    sheet = further_runs(runs=runs, examined=made_examined(seeds=7)).axes[0]
    images = shown_images(sheet)
    assert len(images) == 70
    assert all(np.array_equal(images[10 * place + 3], run.images[3, 0]) for place, run in enumerate(runs))
    assert {str(seed) for seed in range(1, 8)} <= set(texts(sheet))
    assert len({round(image.get_extent()[0], 3) for image in sheet.images}) == 20
    assert "7 runs with the direct encoding on lenet-a" in texts(sheet)


def test_the_table_below_holds_medians_by_class(inputs):
    examined = inputs["further_runs"]["examined"]
    written = texts(further_runs(**inputs["further_runs"]).axes[0])
    rows = examined[(examined["search"] == "map-elites") & (examined["seed"] <= 3)]
    medians = rows.groupby("class_index")[["nearest_distance", "independent_confidence"]].median()
    start = written.index("distance to the nearest training image")
    assert written[start + 1 : start + 11] == [f"{value:.2f}" for value in medians["nearest_distance"]]
    start = written.index("confidence of lenet-b in the same class")
    assert written[start + 1 : start + 11] == [percent(value) for value in medians["independent_confidence"]]
    assert any("correlation of the pixels" in text for text in written)


def test_without_training_images_no_distance_is_written(inputs):
    given = inputs["further_runs"]
    written = texts(further_runs(**given | {"examined": given["examined"].assign(nearest_distance=np.nan)}).axes[0])
    assert "distance to the nearest training image" not in written
    assert "highest similarity to another run's image" in written


def test_ten_of_many_classes_are_shown(run_of_many, examined_of_many):
    table = examined_of_many.assign(similar_class=0, similar_correlation=np.arange(50) / 50)
    (sheet,) = further_runs(runs=[run_of_many] * 3, examined=table).axes
    assert len(sheet.images) == 30
    similarities = [f"{index / 50:.2f}" for index in shown_classes([run_of_many])]
    written = texts(sheet)
    assert any(written[start : start + 10] == similarities for start in range(len(written)))
