"""The figures of retraining: curves, budget and refusal."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from figures.drawn import heading, legend, lines_by_label, note, titles, x_labels
from figures.made_up_tables import made_retraining
from fooling.figures.retraining import PAPER_MEDIANS, retraining_budget, retraining_curve, retraining_refusal
from fooling.figures.style import FILLINGS


def test_the_curve_has_the_medians_of_the_chain_its_controls_and_the_paper(inputs):
    table = inputs["retraining_curve"]["retraining"]
    figure = retraining_curve(**inputs["retraining_curve"])
    medians = figure.axes[0]
    paper = lines_by_label(medians)["the paper (MNIST, one chain)"]
    assert paper.get_ydata() == pytest.approx(logit(np.array(PAPER_MEDIANS[:4]) / 100))
    assert list(paper.get_xdata()) == [1, 2, 3, 4]  # as far as the chain, so that the line stays in the frame
    bars = {container.get_label(): container.lines[0] for container in medians.containers}
    assert list(bars) == [FILLINGS[filling].label for filling in ("champions", "random", "nothing")]
    for filling in ("champions", "random", "nothing"):
        rows = table[table["filled_with"] == filling]
        assert bars[FILLINGS[filling].label].get_ydata() == pytest.approx(logit(rows["median"].to_numpy()))
    assert medians.get_xlim() == (0.5, 4.5)
    assert x_labels(medians) == ["1", "2", "3", "4"]
    assert (medians.get_xlabel(), medians.get_ylabel()) == ("network of the chain (DNN)", "confidence (log-odds axis)")
    assert legend(figure) == [
        "the paper (MNIST, one chain)",
        *(FILLINGS[filling].label for filling in ("champions", "random", "nothing")),
    ]
    assert heading(figure).startswith("Does retraining with a fooling class help?")


def test_the_lower_panels_show_what_the_fooling_class_recognises_and_costs(inputs):
    table = inputs["retraining_curve"]["retraining"]
    figure = retraining_curve(**inputs["retraining_curve"])
    _, recognised, errors = figure.axes
    assert titles(figure)[1:] == ["Classified as fooling images", "Test error on real images"]
    champions = table[table["filled_with"] == "champions"]
    lines = lines_by_label(recognised)
    assert list(lines) == ["evolved on the previous network", "evolved on earlier networks", "real test images"]
    assert list(lines["evolved on the previous network"].get_ydata()) == [0.4, 0.4, 0.4]
    assert list(lines["real test images"].get_ydata()) == [0.002] * 3
    assert errors.lines[0].get_ydata() == pytest.approx(champions["test_error"].to_numpy())
    assert errors.get_ylim() == pytest.approx((0, 1.08 * table["test_error"].max()))
    assert "1 chain, 6 runs against each network" in note(figure)
    random = "Champions minus the control (retraining on random images): -2.40 (-3.00 to -1.80) log-odds."
    assert random in note(figure)
    assert "(retraining with only a new seed): -5.10 log-odds." in note(figure)
    assert all(not line.endswith("-") for line in figure.get_supxlabel().split("\n"))  # a sign stays with its number


def test_of_a_long_chain_every_second_network_has_a_tick(inputs):
    figure = retraining_curve(**inputs["retraining_curve"] | {"retraining": made_retraining(15)})
    assert x_labels(figure.axes[0]) == [str(number) for number in range(1, 16, 2)]
    assert list(lines_by_label(figure.axes[0])["the paper (MNIST, one chain)"].get_xdata()) == list(range(1, 16))


def test_several_chains_are_pale_lines_below_their_common_one(inputs):
    table = inputs["retraining_curve"]["retraining"]
    chains = [table.assign(first=name) for name in ("lenet-a", "lenet-b", "lenet-c")]
    together = table.assign(first=None, units=3)
    figure = retraining_curve(retraining=pd.concat([*chains, together]), effects=inputs["retraining_curve"]["effects"])
    pale = [line for line in figure.axes[0].lines if line.get_alpha() == 0.25]
    assert len(pale) == 3 * 3
    assert "3 chains" in note(figure)


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
    assert "1,000 generations, 10 runs for each filling" in note(figure)
    assert not axes.collections  # no band for a single chain


def test_the_budget_of_several_chains_has_bands(inputs):
    table = inputs["retraining_budget"]["budget"]
    chains = [table.assign(first=name) for name in ("a", "b", "c")]
    bounds = {"median_low": table["median"] - 0.01, "median_high": (1 + table["median"]) / 2}
    together = table.assign(first=None, units=3, **bounds)
    figure = retraining_budget(budget=pd.concat([*chains, together]))
    assert len(figure.axes[0].collections) == 2
    assert "bands: 95 % confidence intervals over chains" in note(figure)


def accepted(axes):
    """The places and values of the markers of each error bar, the lines before the filled markers."""
    return [np.asarray(container.lines[0].get_xydata()) for container in axes.containers]


def test_refusal_shows_the_accepted_champions_against_each_network(inputs):
    table = inputs["retraining_refusal"]["refusal"]
    figure = retraining_refusal(refusal=table)
    of_networks, log_odds, of_rates, _ = figure.axes
    assert titles(figure) == [
        "Champions accepted,\n1 % of real images refused",
        "Median confidence among\nthe real classes (log-odds axis)",
        "Champions accepted,\nnetwork 3",
        "Real images refused\n(other half)",
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
    assert "3 chains, 30 runs against the networks of each number" in note(figure)
