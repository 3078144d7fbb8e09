"""The sheet of many runs."""

import numpy as np

from figures.drawn import shown_images, texts
from figures.made_up_champions import made_examined, made_run
from fooling.figures.further_runs import further_runs
from fooling.figures.image_grid import shown_classes
from fooling.formatting import percent


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
