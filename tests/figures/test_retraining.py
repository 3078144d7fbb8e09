"""The figures of retraining: curves, budget and refusal."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from figures.drawn import legend, lines_by_label, titles, x_labels
from fooling.figures.retraining import PAPER_MEDIANS, retraining_budget, retraining_curve, retraining_refusal
from fooling.figures.style import FILLINGS


def test_the_curve_has_the_medians_of_the_chain_its_controls_and_the_paper(inputs):
    table = inputs["retraining_curve"]["retraining"]
    figure = retraining_curve(**inputs["retraining_curve"])
    medians = figure.axes[0]
    paper = lines_by_label(medians)["the paper (MNIST, one chain)"]
    assert paper.get_ydata() == pytest.approx(logit(np.array(PAPER_MEDIANS) / 100))
    assert list(paper.get_xdata()) == list(range(1, 16))
    bars = {container.get_label(): container.lines[0] for container in medians.containers}
    assert list(bars) == [FILLINGS[filling].label for filling in ("champions", "random", "nothing")]
    for filling in ("champions", "random", "nothing"):
        rows = table[table["filled_with"] == filling]
        assert bars[FILLINGS[filling].label].get_ydata() == pytest.approx(logit(rows["median"].to_numpy()))
    assert medians.get_xlim() == (0.5, 4.5)
    assert x_labels(medians) == ["1", "2", "3", "4"]
    assert medians.get_xlabel() == "network of the chain (DNN)"


def test_the_lower_panels_show_what_the_fooling_class_recognises_and_costs(inputs):
    table = inputs["retraining_curve"]["retraining"]
    figure = retraining_curve(**inputs["retraining_curve"])
    _, recognised, errors = figure.axes
    assert titles(figure)[1:] == ["Classified as fooling images", "Test error on real images"]
    champions = table[table["filled_with"] == "champions"]
    lines = lines_by_label(recognised)
    assert list(lines) == ["fooled the network before", "fooled earlier networks", "real test images"]
    assert list(lines["fooled the network before"].get_ydata()) == [0.4, 0.4, 0.4]
    assert list(lines["real test images"].get_ydata()) == [0.002] * 3
    assert errors.lines[0].get_ydata() == pytest.approx(champions["test_error"].to_numpy())
    assert errors.get_ylim() == pytest.approx((0, 1.08 * table["test_error"].max()))
    note = figure.get_supxlabel().replace("\n", " ")
    assert "1 chain, 6 runs against each network" in note
    assert "Difference in log-odds to retraining on random images: -2.40 (-3.00 to -1.80)." in note
    assert "retraining with only a new seed: -5.10." in note


def test_several_chains_are_pale_lines_below_their_common_one(inputs):
    table = inputs["retraining_curve"]["retraining"]
    chains = [table.assign(first=name) for name in ("lenet-a", "lenet-b", "lenet-c")]
    together = table.assign(first=None, units=3)
    figure = retraining_curve(retraining=pd.concat([*chains, together]), effects=inputs["retraining_curve"]["effects"])
    pale = [line for line in figure.axes[0].lines if line.get_alpha() == 0.25]
    assert len(pale) == 3 * 3
    assert "3 chains" in figure.get_supxlabel()


def test_without_a_chain_of_champions_nothing_is_recognised(inputs):
    given = inputs["retraining_curve"]
    controls = given["retraining"][given["retraining"]["filled_with"] != "champions"]
    recognised = retraining_curve(**given | {"retraining": controls}).axes[1]
    assert [text.get_text() for text in recognised.texts] == ["no chain is trained on champions"]
    assert not recognised.lines


def test_the_budget_has_a_line_for_each_filling(inputs):
    table = inputs["retraining_budget"]["budget"]
    figure = retraining_budget(budget=table)
    (axes,) = figure.axes
    lines = lines_by_label(axes)
    assert list(lines) == [FILLINGS["champions"].label, FILLINGS["nothing"].label]
    rows = table[table["filled_with"] == "nothing"]
    assert lines[FILLINGS["nothing"].label].get_ydata() == pytest.approx(logit(rows["median"].to_numpy()))
    assert list(lines[FILLINGS["nothing"].label].get_xdata()) == rows["evaluations"].tolist()
    assert (axes.get_xscale(), axes.get_xlabel()) == ("log", "images scored")
    assert "1,000 generations, 10 runs for each filling" in figure.get_supxlabel()
    assert not axes.collections  # no band for a single chain


def test_the_budget_of_several_chains_has_bands(inputs):
    table = inputs["retraining_budget"]["budget"]
    chains = [table.assign(first=name) for name in ("a", "b", "c")]
    bounds = {"median_low": table["median"] - 0.01, "median_high": (1 + table["median"]) / 2}
    together = table.assign(first=None, units=3, **bounds)
    figure = retraining_budget(budget=pd.concat([*chains, together]))
    assert len(figure.axes[0].collections) == 2
    assert "bands: 95 % confidence intervals over chains" in figure.get_supxlabel()


def accepted(axes):
    """The places and values of the markers of each error bar, the lines before the filled markers."""
    return [np.asarray(container.lines[0].get_xydata()) for container in axes.containers]


def test_refusal_shows_the_accepted_champions_against_each_network(inputs):
    table = inputs["retraining_refusal"]["refusal"]
    figure = retraining_refusal(refusal=table)
    of_networks, log_odds, of_rates, _ = figure.axes
    assert titles(figure) == [
        "Champions accepted, 1 % of real images refused",
        "Confidence among the real classes (median)",
        "Champions accepted, network 3",
        "Real images refused (other half)",
    ]
    together = table[table["first"].isna() & (table["filled_with"] == "champions") & (table["rate"] == 0.01)]
    plain = together[together["attack"] == "not adaptive"]
    line, adaptive = accepted(of_networks)[:2]
    assert line[:, 1] == pytest.approx(plain["accepted"].to_numpy())
    assert np.round(line[:, 0]).tolist() == [1, 2, 3]
    assert adaptive[:, 1].tolist() == [1.0]
    assert 3 < adaptive[0, 0] < 3.5
    assert accepted(log_odds)[0][:, 1] == pytest.approx(plain["log_odds"].to_numpy())
    assert np.round(accepted(of_rates)[0][:, 0], 2).tolist() == [0.01, 0.02]
    assert of_networks.get_ylim() == (-0.06, 1.06)
    assert x_labels(of_networks) == ["1", "2", "3"]


def test_refusal_shows_the_real_images_refused_against_the_target(inputs):
    figure = retraining_refusal(**inputs["retraining_refusal"])
    refused = figure.axes[3]
    *lines, diagonal = refused.lines
    assert len(lines) == 3
    assert all(np.allclose(line.get_xydata(), [(0.01, 0.011), (0.02, 0.022)]) for line in lines)
    assert np.allclose(diagonal.get_xdata(), diagonal.get_ydata())
    assert refused.get_xlim() == refused.get_ylim()
    assert legend(figure) == [
        *(FILLINGS[filling].label for filling in ("champions", "noise", "nothing")),
        "not adaptive: scored again with the constant",
        "adaptive: evolved against the network with the constant",
    ]
    assert "3 chains, 30 runs against the networks of each number" in figure.get_supxlabel()
