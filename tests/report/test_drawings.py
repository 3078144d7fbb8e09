import numpy as np
import pytest

from fooling.figures.catalogue import FIGURES
from fooling.images import png_bytes
from fooling.report import drawings
from fooling.report.drawings import ANSWERS, COMPARISON, CURVES, REPEATS, Drawings


def noise(side: int) -> bytes:
    return png_bytes(np.random.default_rng(0).integers(0, 256, (1, side, side)).astype(np.uint8))


def test_every_place_names_a_figure_of_the_catalogue():
    assert {COMPARISON, CURVES, *REPEATS, *(name for names in ANSWERS.values() for name in names)} <= set(FIGURES)


def test_figures_are_in_the_order_of_the_catalogue_and_of_their_files():
    names = ("training_curves", "calibration-b", "calibration-a", "unknown")
    assert [one.name for one in Drawings(dict.fromkeys(names, noise(4))).all] == [
        *("calibration-b", "calibration-a", "training_curves"),
    ]


def test_a_figure_with_images_is_no_plot():
    shown = Drawings(dict.fromkeys(("calibration-a", "family_tree-direct", "resembling-a"), noise(4)))
    assert {one.name: one.is_plot for one in shown.all} == {
        "calibration-a": True,
        "family_tree-direct": False,
        "resembling-a": False,
    }


def test_the_largest_further_figures_are_left_out_and_named(monkeypatch: pytest.MonkeyPatch):
    sides = {"training_curves": 8, "foolability": 64, "calibration-a": 16, "distances-a": 64}
    shown = Drawings({name: noise(side) for name, side in sides.items()})
    monkeypatch.setattr(drawings, "MOST_FURTHER", 2000)
    assert list(shown.further()) == ["Calibration", "Training curves"]
    assert shown.left_out() == ["foolability"]
    assert shown.place_of("foolability", "") == ""
    assert [one.name for one in shown.answering("why")] == ["distances-a"]  # it has a place of its own


def test_the_place_of_a_figure_is_that_of_the_experiment_or_else_the_first():
    shown = Drawings(dict.fromkeys(("transfer-cppn", "transfer-direct"), noise(4)))
    assert shown.place_of("transfer", "direct") == "figure-transfer-direct"
    assert shown.place_of("transfer", "other") == "figure-transfer-cppn"
    assert shown.place_of("same_label", "direct") == ""
    assert shown.place_of("", "direct") == ""
