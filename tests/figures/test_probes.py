"""The figures of random images of several families, of changed champions, and of distances to the boundary."""

import numpy as np
import pytest
from scipy.special import logit

from figures.drawn import heading, legend, note, shown_images, texts, titles, y_labels
from fooling.figures.probes import (
    LOOKS,
    OF_REAL,
    REAL_DOTS,
    boundary,
    families,
    family_examples,
    robustness,
    shares_of_networks,
)
from fooling.figures.style import ENCODINGS
from fooling.findings.random_images import pictures_in
from fooling.messages import FoolingError


def test_each_family_on_each_network_is_a_mark_at_its_median_and_its_share(inputs):
    table = inputs["families"]["families"]
    figure = families(**inputs["families"])
    confidence, reached = figure.axes
    assert y_labels(confidence) == ["lenet-a", "lenet-b"]
    grouped = table.groupby(["family", "classifier"])
    for place, (family, look) in enumerate(LOOKS.items()):
        medians, shares = confidence.lines[place], reached.lines[place]
        assert medians.get_color() == shares.get_color() == look.colour
        np.testing.assert_allclose(medians.get_xdata(), grouped["log_odds"].median()[family])
        np.testing.assert_allclose(
            shares.get_xdata(), grouped["confidence"].agg(lambda found: (found.astype(float) >= 0.9999).mean())[family]
        )
        np.testing.assert_array_equal(medians.get_ydata(), shares.get_ydata())
    assert titles(figure) == ["Median over the classes", "Classes at 99.99 % or more"]
    assert legend(figure) == [*(look.label for look in LOOKS.values()), "the paper's median, 99.99 %"]
    assert heading(figure) == "Is it the CPPN, or any smooth image?"
    assert "the best of 1,000 random images" in note(figure)
    assert "not fooled by stored images is not the same as not foolable" in note(figure)


def test_without_a_reference_there_is_one_panel(inputs):
    (axes,) = families(**inputs["families"] | {"reference": None}).axes
    assert len(axes.lines) == len(LOOKS)
    with_reference = families(**inputs["families"]).axes[0]
    assert with_reference.lines[-1].get_xdata()[0] == pytest.approx(logit(0.9999))


def test_families_that_were_not_drawn_are_left_out(inputs):
    table = inputs["families"]["families"]
    figure = families(families=table[table["family"] != "blobs"], reference=None)
    assert "Gaussian blobs" not in legend(figure)


def test_examples_have_a_row_for_each_family_and_a_column_for_each_class(inputs):
    table = inputs["family_examples"]["family_images"]
    (axes,) = family_examples(**inputs["family_examples"]).axes
    images = shown_images(axes)
    pictures = pictures_in(table)
    expected = [pictures[family, index][0] for family in LOOKS for index in (0, 4, 9)]
    assert len(images) == len(expected) == 15
    for image, wanted in zip(images, expected, strict=True):
        np.testing.assert_array_equal(image, wanted)
    written = texts(axes)
    assert {"0", "4", "9", "random CPPNs", "low-frequency\nDCT noise"} <= set(written)
    assert sum(text.endswith("%") for text in written) == 15


def test_an_example_that_is_missing_is_named(inputs):
    table = inputs["family_examples"]["family_images"]
    lost = table[(table["family"] != "dct") | (table["class_index"] != 4)]
    with pytest.raises(FoolingError, match="none of dct, class 4"):
        family_examples(family_images=lost)


def thick(axes, colour):
    """The line of the mean over the networks."""
    (line,) = [line for line in axes.lines if line.get_color() == colour and line.get_linewidth() > 1]
    return line


def test_champions_and_real_images_of_each_experiment_are_drawn_against_the_strength(inputs):
    table = inputs["robustness"]["robustness"]
    figure = robustness(**inputs["robustness"])
    panels = np.array(figure.axes).reshape(2, 3)
    assert [axes.get_ylabel().split("\n")[0] for axes in panels[:, 0]] == ["direct", "waves"]
    assert [axes.get_xlabel().split("\n")[0] for axes in panels[-1]] == ["shift", "blur", "shuffled patches"]
    rows = table[(table["experiment"] == "waves") & (table["change"] == "blur")]
    kept = rows.groupby("strength")["kept"].mean() / 10  # equally many champions in every run
    real = rows.groupby("strength")["real_kept"].mean() / 20
    champions, control = (thick(panels[1, 1], colour) for colour in (ENCODINGS["cppn"].colour, OF_REAL.colour))
    np.testing.assert_allclose(champions.get_xdata(), [0, 0.5, 1, 2])
    np.testing.assert_allclose(champions.get_ydata(), [1, *kept])
    np.testing.assert_allclose(control.get_ydata(), [1, *real])
    thin = [line for line in panels[1, 1].lines if line.get_linewidth() < 1]
    assert len(thin) == 2 * table["classifier"].nunique()
    assert legend(figure) == ["champions, direct encoding", "champions, CPPN encoding", OF_REAL.label]
    assert heading(figure).startswith("What survives print and shuffled patches")
    assert "does not show that no image survives it" in note(figure)


def test_runs_without_champions_of_their_class_have_no_weight(inputs):
    table = inputs["robustness"]["robustness"]
    shares = shares_of_networks(table.assign(images=table["images"].where(table["seed"] == 1, 0)).assign(kept=5))
    assert shares["kept_share"].max() == pytest.approx(1.0)
    empty = shares_of_networks(table.assign(images=0, kept=0))
    assert empty["kept_share"].isna().all()


def test_a_network_without_champions_of_their_class_is_left_out_of_the_mean(inputs):
    table = inputs["robustness"]["robustness"]
    silent = table["classifier"] == "lenet-b"
    figure = robustness(
        robustness=table.assign(images=table["images"].mask(silent, 0), kept=table["kept"].mask(silent, 0))
    )
    rows = table[~silent & (table["experiment"] == "direct") & (table["change"] == "shift")]
    line = thick(figure.axes[0], ENCODINGS["direct"].colour)
    np.testing.assert_allclose(line.get_ydata()[1:], rows.groupby("strength")["kept"].mean() / 10)


def test_an_experiment_without_a_change_has_an_empty_panel(inputs):
    table = inputs["robustness"]["robustness"]
    fewer = table[(table["experiment"] != "waves") | (table["change"] != "blur")]
    figure = robustness(robustness=fewer)
    assert [len(axes.lines) > 0 for axes in figure.axes] == [True, True, True, True, False, True]


def test_images_and_the_medians_of_networks_are_drawn(inputs):
    table = inputs["boundary"]["boundary"]
    figure = boundary(**inputs["boundary"])
    images, medians = figure.axes
    assert sum(len(line.get_xdata()) for line in images.lines) == len(table)
    real = next(line for line in images.lines if line.get_color() == REAL_DOTS.colour)
    np.testing.assert_allclose(real.get_xdata(), table.loc[table["kind"] == "real", "distance"])
    assert [label.get_text() for label in medians.get_yticklabels()] == [
        "real images", "direct\nstarts", "direct\nchampions", "waves\nstarts", "waves\nchampions",
    ]  # fmt: skip
    marks = [line for line in medians.lines if line.get_marker() != "None"]
    champions = table[(table["kind"] == "champion") & (table["experiment"] == "waves")]
    np.testing.assert_allclose(marks[-1].get_xdata(), champions.groupby("classifier")["distance"].median())
    assert legend(figure)[0] == REAL_DOTS.label
    assert heading(figure) == "Where champions lie, on lenet-a and lenet-b"
    assert "not provably the smallest" in note(figure)


def test_images_without_a_boundary_are_counted(inputs):
    table = inputs["boundary"]["boundary"]
    missing = table["classifier"] == "lenet-b"
    figure = boundary(boundary=table.assign(distance=table["distance"].mask(missing)))
    assert f"No boundary was found for {missing.sum()} of {len(table)} images." in note(figure)


@pytest.mark.parametrize("kept", ["real", "champion"])
def test_one_kind_alone_is_drawn(inputs, kept):
    table = inputs["boundary"]["boundary"]
    figure = boundary(boundary=table[table["kind"] == kept])
    assert (ENCODINGS["cppn"].colour in {line.get_color() for line in figure.axes[0].lines}) == (kept == "champion")


def test_nothing_at_all_is_drawn(inputs):
    table = inputs["boundary"]["boundary"]
    assert not boundary(boundary=table[:0]).axes[0].lines
