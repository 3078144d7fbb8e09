"""The figures of one retraining chain."""

import dataclasses

import numpy as np
import pytest

from figures.conftest import MANY_CLASSES
from figures.drawn import heading, legend, lines_by_label, note, shown_class_names, shown_images, texts, titles
from figures.made_up_champions import made_run
from fooling.figures.image_grid import shown_classes
from fooling.figures.retraining_chain import retraining_gallery, retraining_over_generations
from fooling.figures.style import SATURATED
from fooling.messages import percent


def test_the_gallery_has_a_row_for_each_network(inputs):
    given = inputs["retraining_gallery"]
    (sheet,) = retraining_gallery(**given).axes
    runs = [batch[0] for batch in given["batches"]]
    images, written = shown_images(sheet), texts(sheet)
    assert len(images) == 20
    assert np.array_equal(images[13], runs[1].images[3, 0])
    assert percent(float(runs[1].confidences[3])) in written
    assert {"DNN 1", "DNN 2", *"0123456789"} <= set(written)
    assert written[0] == "Images evolved with the direct encoding against 2 networks of lenet-a's chain"
    medians = given["retraining"].query("filled_with == 'champions'")["median"].iloc[:2]
    assert {f"median {percent(value)}" for value in medians} <= set(written)


def test_the_gallery_shows_ten_of_many_classes(run_of_many, inputs):
    batches = [[run_of_many], [dataclasses.replace(run_of_many, seed=2)]]
    (sheet,) = retraining_gallery(batches=batches, retraining=inputs["retraining_gallery"]["retraining"]).axes
    assert shown_class_names(sheet, MANY_CLASSES) == [MANY_CLASSES[index] for index in shown_classes([run_of_many])]
    assert len(sheet.images) == 20


def test_the_curves_are_the_median_and_the_most_confident_class(inputs):
    batches = inputs["retraining_over_generations"]["batches"]
    figure = retraining_over_generations(batches=batches)
    median, highest = figure.axes
    assert titles(figure) == ["Median over the classes", "The most confident class"]
    assert legend(figure) == ["DNN 1", "DNN 2"]
    for place, runs in enumerate(batches):
        levels = np.stack([run.history.log_odds for run in runs]).clip(-SATURATED, SATURATED)
        assert median.lines[place].get_ydata() == pytest.approx(np.median(np.median(levels, axis=2), axis=0))
        assert highest.lines[place].get_ydata() == pytest.approx(np.median(levels.max(axis=2), axis=0))
    assert len(median.collections) == 2  # a band over the runs of each network
    assert median.get_xlim() == (0, 8)
    assert (median.get_xlabel(), median.get_ylabel()) == ("generation", "confidence (log-odds axis)")
    assert heading(figure) == "Evolution against each network of the chain: direct encoding"
    assert "2 networks of lenet-a's chain, from dark to light; 2 runs against each." in note(figure)


def test_of_many_networks_the_first_and_the_last_are_named(inputs):
    batches = 5 * inputs["retraining_over_generations"]["batches"]
    assert legend(retraining_over_generations(batches=batches)) == ["DNN 1", "DNN 10"]


def test_with_the_papers_number_of_classes_its_medians_are_drawn():
    long = np.array([0, 10, 50, 60, 100, 150, 200, 500, 1000])
    runs = [made_run(seed, names=tuple(map(str, range(1000)))) for seed in (1, 2)]
    batches = [[dataclasses.replace(run, history=dataclasses.replace(run.history, generations=long))] for run in runs]
    median, highest = retraining_over_generations(batches=batches).axes
    lines = lines_by_label(median)
    assert list(lines["the paper, 1001 classes"].get_xdata()) == [60, 200, 500]
    assert list(lines["the paper, 1000 classes"].get_xdata()) == [50, 100, 200, 500, 1000]
    assert np.allclose(lines["DNN 1"].get_ydata(), np.median(batches[0][0].history.log_odds, axis=1))
    assert np.allclose(highest.lines[1].get_ydata(), batches[1][0].history.log_odds.max(axis=1).clip(max=SATURATED))
