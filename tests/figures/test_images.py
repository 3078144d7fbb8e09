"""The figures made of pictures: galleries, the sheet of many runs, real images beside evolved ones."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.text import Text

from fooling.errors import FoolingError
from fooling.figures import (
    ablation,
    ascent_gallery,
    family_tree,
    further_runs,
    gallery,
    real_and_evolved,
    resembling,
    retraining_gallery,
    retraining_over_generations,
    retraining_transfer,
    same_label,
)
from fooling.figures.percentages import percent


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_a_gallery_shows_every_champion_above_its_confidence(inputs):
    runs = inputs["gallery"]["runs"]
    sheet = gallery.draw(**inputs["gallery"]).axes[0]
    assert len(sheet.images) == 30
    shown = sheet.images[13]
    assert np.array_equal(shown.get_array(), runs[1].images[3, 0])
    below = [text for text in sheet.texts if text.get_text() == percent(float(runs[1].confidences[3]))]
    left, right, bottom, _ = shown.get_extent()
    assert any(left < text.get_position()[0] < right and 0 < text.get_position()[1] - bottom < 0.1 for text in below)


def test_a_gallery_names_classes_seeds_network_and_effort(inputs):
    written = texts(gallery.draw(**inputs["gallery"]).axes[0])
    assert {"0", "9", "seed 1", "seed 3"} <= set(written)
    assert any("direct encoding" in text and "lenet-a" in text for text in written)
    assert any(text.startswith("3 runs, 20,200 images scored in each") for text in written)


def test_below_a_gallery_stand_two_proxies_with_their_medians(inputs):
    examined = inputs["gallery"]["examined"]
    independent, distance = gallery.draw(**inputs["gallery"]).axes[1:]
    assert "Confidence of lenet-b" in independent.get_title(loc="left")
    assert "nearest training image" in distance.get_title(loc="left")
    shown = examined[(examined["search"] == "map-elites") & (examined["seed"] <= 3)]
    medians = shown.groupby("class_index")["nearest_distance"].median()
    assert [label.get_text() for label in distance.get_xticklabels()] == [f"{value:.2f}" for value in medians]
    dots = distance.collections[0].get_offsets()
    assert sorted(dots[:, 1]) == sorted(shown["nearest_distance"])


def test_a_dot_is_filled_where_the_other_network_agrees(inputs):
    examined = inputs["gallery"]["examined"]
    examined["independent_label"] = np.where(examined["class_index"] == 4, 4, (examined["class_index"] + 1) % 10)
    dots = gallery.draw(**inputs["gallery"]).axes[1].collections[0]
    dark = dots.get_facecolors()[:, 0] < 0.5
    assert dark.sum() == 3
    assert {round(x) for x in dots.get_offsets()[dark, 0]} == {4}


def test_without_an_independent_network_only_the_distance_is_shown(inputs, make_examined):
    figure = gallery.draw(runs=inputs["gallery"]["runs"], examined=make_examined(independent=None))
    assert len(figure.axes) == 2
    assert "nearest training image" in figure.axes[1].get_title(loc="left")


def test_without_training_images_no_distance_is_shown(inputs):
    for name, module in (("gallery", gallery), ("further_runs", further_runs)):
        given = inputs[name] | {"examined": inputs[name]["examined"].assign(nearest_distance=np.nan)}
        figure = module.draw(**given)
        titles = [axes.get_title(loc="left") for axes in figure.axes[1:]]
        assert not any("nearest training image" in told for told in [*titles, *texts(figure.axes[0])])


def test_colour_images_are_shown_in_colour(make_run, make_examined):
    names = ("disc", "ring", "square", "triangle", "cross", "stripes", "checks", "dots", "spiral", "gradient")
    run = make_run(1, channels=3, side=32, names=names)
    image = gallery.draw(runs=[run], examined=make_examined()).axes[0].images[2]
    assert np.array_equal(image.get_array(), np.moveaxis(run.images[2], 0, -1))


def test_many_runs_stand_in_two_blocks_with_numbers_below(make_run, make_examined):
    figure = further_runs.draw(runs=[make_run(seed) for seed in range(1, 8)], examined=make_examined(seeds=7))
    sheet = figure.axes[0]
    assert len(sheet.images) == 70
    assert {str(seed) for seed in range(1, 8)} <= set(texts(sheet))
    columns = {round(image.get_extent()[0], 3) for image in sheet.images}
    assert len(columns) == 20
    assert any("correlation of the pixels" in text for text in texts(sheet))
    assert "confidence of lenet-b in the same class" in texts(sheet)


def test_real_images_are_the_first_that_the_network_gets_right(inputs):
    dataset, real = inputs["real_and_evolved"]["dataset"], inputs["real_and_evolved"]["real"]
    sheet = real_and_evolved.draw(**inputs["real_and_evolved"]).axes[0]
    assert len(sheet.images) == 30
    assert real.loc[3, "label"] != real.loc[3, "predicted"]
    assert np.array_equal(sheet.images[3].get_array(), dataset.test_images[13, 0])
    assert percent(float(real.loc[13, "confidence"])) in texts(sheet)
    assert {"real", "direct\nencoding", "CPPN\nencoding"} <= set(texts(sheet))


def test_a_class_that_the_network_never_gets_right_has_no_real_image(inputs):
    real = inputs["real_and_evolved"]["real"]
    real.loc[real["label"] == 5, "predicted"] = 6
    sheet = real_and_evolved.draw(**inputs["real_and_evolved"]).axes[0]
    assert len(sheet.images) == 29
    assert "none" in texts(sheet)


def test_a_gallery_of_climbs_shows_the_first_start_of_every_setting(inputs):
    ascents = inputs["ascent_gallery"]["ascents"]
    (sheet,) = ascent_gallery.draw(ascents=ascents).axes
    assert len(sheet.images) == 20
    assert np.array_equal(sheet.images[13].get_array(), ascents[1].images[3, 0])
    written = texts(sheet)
    assert {"plain", "500 steps", "s-360", "1,500 steps"} <= set(written)
    assert percent(float(ascents[1].confidences[3])) in written


def test_climbs_too_faint_to_be_seen_are_magnified_and_the_sheet_says_how_much(inputs):
    plain = inputs["ascent_gallery"]["ascents"][0]
    levels = 100 + np.arange(plain.images.size).reshape(plain.images.shape) % 21  # ten levels about 110
    faint = replace(plain, images=levels.astype(np.uint8))
    (sheet,) = ascent_gallery.draw(ascents=[faint]).axes
    assert "500 steps\ncontrast x11" in texts(sheet)
    assert np.array_equal(sheet.images[3].get_array(), 128 + 11 * (levels[3, 0] - 110))


def test_examples_of_removals_stand_beside_their_confidences(inputs):
    table, runs = inputs["ablation"]["ablation"], inputs["ablation"]["runs"]
    sheet, *panels = ablation.draw(ablation=table, runs=runs).axes
    intact = table[table["kind"] == "intact"]
    most = intact.sort_values("copies", ascending=False, kind="stable").iloc[0]
    assert most["copies"] > 1
    assert np.array_equal(sheet.images[0].get_array(), runs[most["seed"] - 1].images[most["class_index"], 0])
    first = table[(table["seed"] == most["seed"]) & (table["class_index"] == most["class_index"])]
    first = first[(first["fill"] == "mean") & (first["draw"] == 0) & (first["removed"] == 1)]
    for kind in ("copy", "control"):
        assert percent(float(first.loc[first["kind"] == kind, "confidence"].item())) in texts(sheet)
    gone = (sheet.images[0].get_array() != sheet.images[1].get_array()).mean()
    assert 0 < gone <= first["area"].iloc[0]
    assert len(panels) == 3
    assert f"{(intact['copies'] > 0).sum()} of 20 champions have a repeated element" in "".join(texts(sheet))


def test_without_copies_the_sheet_says_so(inputs):
    table, runs = inputs["ablation"]["ablation"], inputs["ablation"]["runs"]
    silent = table[table["kind"] == "intact"].assign(copies=0)
    sheet = ablation.draw(ablation=silent, runs=runs).axes[0]
    assert "No champion of the runs shown has a repeated element." in texts(sheet)
    assert not sheet.images


def test_a_family_tree_has_a_row_for_each_class_with_its_first_and_last_champion(inputs):
    runs = inputs["family_tree"]["runs"]
    figure = family_tree.draw(runs=runs)
    sheet, *trees = figure.axes
    assert (len(sheet.images), len(trees)) == (2 * 10 * len(runs), len(runs))
    assert np.array_equal(sheet.images[0].get_array(), runs[0].start_images[0, 0])
    assert np.array_equal(sheet.images[1].get_array(), runs[0].images[0, 0])
    assert {"0", "9"} <= set(texts(sheet))
    assert any(
        text.startswith("seed 2: ") and "descend from a champion of another class" in text for text in texts(sheet)
    )


def test_a_family_tree_has_every_line_and_colours_those_that_last(inputs):
    run = inputs["family_tree"]["runs"][0]
    tree = family_tree.draw(runs=[run]).axes[1]
    faint, strong = tree.collections[2], tree.collections[5]
    assert len(faint.get_offsets()) + len(strong.get_offsets()) == 20  # two generations after the start
    last = {(round(float(x) ** 2), int(y)) for x, y in strong.get_offsets()}
    assert {(2, row) for row in range(10)} <= last


def test_a_real_and_evolved_images_of_one_label_stand_beside_the_loop(inputs):
    shown = inputs["same_label"]
    figure = same_label.draw(**shown)
    sheet, bars = figure.axes
    label = int(np.argmax(np.min([run.confidences for run in shown["runs"]], axis=0)))
    right = shown["real"][(shown["real"]["label"] == label) & (shown["real"]["predicted"] == label)]
    assert np.array_equal(sheet.images[0].get_array(), shown["dataset"].test_images[right["image"].iloc[0], 0])
    for place, run in enumerate(shown["runs"], start=1):
        assert np.array_equal(sheet.images[place].get_array(), run.images[label, 0])
        assert percent(float(run.confidences[label])) in texts(sheet)
    assert texts(sheet).count(f"“{label}”") == 3
    assert len(sheet.images) == 3 + 2 * 10
    assert len(bars.patches) == 10


def test_without_a_test_image_that_is_right_there_is_no_label_to_share(inputs):
    inputs["same_label"]["real"]["predicted"] = (inputs["same_label"]["real"]["label"] + 1) % 10
    sheet = same_label.draw(**inputs["same_label"]).axes[0]
    assert "lenet-a classifies no test image correctly" in texts(sheet)


def test_champions_that_resemble_their_class_stand_above_the_nearest_training_image(inputs):
    shown = inputs["resembling"]
    sheet = resembling.draw(**shown).axes[0]
    assert len(sheet.images) == 20
    first = shown["examined"].query("search == 'map-elites' and seed == 1 and class_index == 0").iloc[0]
    assert np.array_equal(sheet.images[0].get_array(), shown["runs"][0].images[0, 0])
    assert np.array_equal(sheet.images[1].get_array(), shown["dataset"].train_images[first["nearest_index"], 0])
    assert texts(sheet).count("1 of 3") == 10


def test_of_several_that_resemble_their_class_the_surest_is_shown_and_none_that_is_farther_than_real_images(inputs):
    shown, table = inputs["resembling"], inputs["resembling"]["examined"]
    of_class = (table["search"] == "map-elites") & (table["class_index"] == 4)
    table.loc[of_class, ["nearest_label", "independent_label"]] = 4
    table.loc[of_class, "nearest_distance"] = [0.1, 0.12, 0.161]  # the farthest real image: 0.16
    table.loc[of_class, "independent_confidence"] = [0.7, 0.8, 0.9]
    sheet = resembling.draw(**shown).axes[0]
    assert np.array_equal(sheet.images[8].get_array(), shown["runs"][1].images[4, 0])
    assert {"80.00 %", "2 of 3", "0.12"} <= set(texts(sheet))


def test_where_nothing_resembles_its_class_the_figure_says_so(inputs):
    inputs["resembling"]["examined"]["nearest_distance"] += 0.5 * (inputs["resembling"]["examined"]["seed"] < 4)
    inputs["resembling"]["examined"].loc[lambda table: table["search"] == "real-images", "nearest_distance"] = 0.16
    sheet = resembling.draw(**inputs["resembling"]).axes[0]
    assert "none of 30 champions resembles its class" in texts(sheet)
    assert not sheet.images


def test_a_table_of_other_runs_is_refused(inputs, make_examined):
    with pytest.raises(FoolingError, match="not of these runs"):
        resembling.draw(**inputs["resembling"] | {"examined": make_examined()})


def test_long_names_of_classes_stay_within_a_family_tree(make_run):
    run = make_run(1, names=("a class with quite a long name, longer than there is room for", *"123456789"))
    figure = family_tree.draw(runs=[run])
    assert figure.get_tightbbox().x0 > -0.06


@pytest.mark.parametrize("kind", [retraining_gallery, retraining_over_generations, retraining_transfer])
def test_a_figure_of_one_chain_says_which(inputs, kind):
    figure = kind.draw(**inputs[kind.__name__.rpartition(".")[2]])
    assert any("lenet-a's chain" in text.get_text().replace("\n", " ") for text in figure.findobj(Text))
