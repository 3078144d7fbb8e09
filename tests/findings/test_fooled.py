"""Who is fooled: the definition beside an independent computation, ties, rejections, and means over networks."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooling.findings.fooled import (
    COMPARED,
    ComparedModelsSettings,
    at_equal_budget,
    bars_of,
    compared_model,
    exceeds,
    ties,
)
from fooling.findings.fooled_tables import FOOLED, FOOLED_SUMMARY, fooled_tables, in_short
from fooling.messages import FoolingError
from fooling.table import require_valid
from made_up_models import CLASSES, made_fooled, made_model, made_models_run
from made_up_networks import made_up_header

SETTINGS = ComparedModelsSettings()
NUMBERS = st.floats(-1000, 1000, allow_nan=False).map(lambda number: round(number, 3))


def rows_of(models, runs, rubbish=None, settings=SETTINGS):
    return fooled_tables(models, {"direct": runs}, rubbish, settings)


def only(table: pd.DataFrame) -> dict:
    (row,) = table.to_dict("records")
    return row


@given(
    real=st.lists(NUMBERS, min_size=1, max_size=60),
    champions=st.lists(NUMBERS, min_size=CLASSES, max_size=CLASSES),
)
def test_the_definition_agrees_with_counting_images(real, champions):
    """The numbers have three decimals, so that no two of them are equal but for rounding."""
    model = made_model("lenet", real=np.array(real))
    table, _ = rows_of([model], [made_models_run([champions], classifier="lenet")])
    row, ordered = only(table), sorted(real)
    half = len(ordered) // 2
    median = ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
    place = 0.95 * (len(ordered) - 1)
    below, part = int(place), place - int(place)
    high = ordered[below] * (1 - part) + ordered[min(below + 1, len(ordered) - 1)] * part
    assert row["above_median"] == sum(one > median + 1e-6 for one in champions) / CLASSES
    assert row["tied"] == sum(abs(one - median) <= 1e-6 for one in champions) / CLASSES
    assert row["above_95th"] == sum(one > high + 1e-6 for one in champions) / CLASSES
    false_alarms = [bound for bound in ordered if sum(one < bound for one in ordered) <= len(ordered) / 20]
    assert row["real_bound"] == max(false_alarms), "the highest image below which at most 5 % lie"
    assert row["rejected"] == sum(one < row["real_bound"] - 1e-6 for one in champions) / CLASSES
    assert (row["real_least"], row["real_most"], row["real_images"]) == (ordered[0], ordered[-1], len(real))


@given(at=NUMBERS, gap=st.floats(1e-15, 1e-12))
def test_log_odds_that_differ_by_rounding_alone_are_equal(at, gap):
    near = np.array([at * (1 + gap), at * (1 - gap), at])
    assert not exceeds(near, at).any() and ties(near, at).all()
    further = np.array([at + 1e-6 * max(abs(at), 1)])
    assert exceeds(further, at).all() and not ties(further, at).any()


def test_a_tie_at_the_ceiling_of_the_model_is_counted_beside_and_fools_nobody():
    """All confidences of k-nearest neighbours are counts: champions and most real images have the highest."""
    row = only(rows_of([made_model("n", "nearest")], [made_models_run([[3.0, 3.0, 2.5, 3.0]], classifier="n")])[0])
    assert (row["above_median"], row["tied"], row["above_95th"], row["rejected"]) == (0.0, 0.75, 0.0, 0.25)
    assert row["evaluations_median"] == math.inf


def test_champions_that_float32_rounds_to_one_are_compared_by_their_log_odds():
    real = np.array([40.0, 50.0, 60.0])
    run = made_models_run([[45.0, 50.0, 55.0, 61.0]], classifier="lenet")
    assert (run.confidences == 1).all()
    row = only(rows_of([made_model("lenet", real=real)], [run])[0])
    assert (row["above_median"], row["tied"], row["above_95th"], row["at_threshold"]) == (0.5, 0.25, 0.25, 1.0)


def test_a_model_that_is_never_sure_is_fooled_by_its_own_measure():
    run = made_models_run([[-2.3, -2.3, -2.3, -2.3], [-2.15, -2.0, -1.0, -2.25]], classifier="ada")
    row = only(rows_of([made_model("ada", "adaboost")], [run])[0])
    assert (row["above_median"], row["above_95th"], row["at_threshold"]) == (0.75, 0.5, 0.0)
    assert row["evaluations_sure"] == math.inf and row["evaluations_median"] == pytest.approx(400)


def test_evaluations_are_those_of_the_median_class():
    grown = [[-1.0, -1.0, 9.0, 9.0], [9.0, 3.0, 9.0, 9.0], [9.0, 9.0, 9.0, 9.0]]
    row = only(rows_of([made_model("lenet")], [made_models_run(grown, classifier="lenet")])[0])
    assert [row["evaluations_sure"], row["evaluations_median"]] == pytest.approx([400, 400])
    assert row["median"] == pytest.approx(1 / (1 + math.exp(-9)))


def test_experiments_with_other_budgets_are_compared_at_the_end_of_each():
    long = [made_models_run([[0.0] * 4, [5.0] * 4, [10.0] * 4], classifier="a", search=search) for search in COMPARED]
    short = [made_models_run([[0.0] * 4, [5.0] * 4], classifier="b", search=search) for search in COMPARED]
    other = [made_models_run([[0.0] * 4], classifier="a", encoding="cppn")]
    models = [made_model("a"), made_model("b", "gaussian")]
    table, summary = fooled_tables(models, {"long": long, "short": short, "cppn": other}, None, SETTINGS)
    direct = table[table["encoding"] == "direct"]
    assert direct.groupby(["classifier", "search"])["budget"].apply(list).to_dict() == {
        **{("a", search): [400, 600] for search in COMPARED},
        **{("b", search): [400] for search in COMPARED},
    }
    assert direct.set_index(["classifier", "search", "budget"]).loc[("a", COMPARED[0], 400), "median_log_odds"] == 5.0
    assert table.loc[table["encoding"] == "cppn", "budget"].tolist() == [200]
    shown = list(at_equal_budget(summary[summary["encoding"] == "direct"]))
    assert [(kind["built_as"].iloc[0], set(kind["budget"])) for kind in shown] == [
        ("lenet", {400}),
        ("gaussian", {400}),
    ]


def test_a_budget_that_ends_before_the_start_of_a_run_is_left_out():
    late = made_models_run([[0.0] * 4], classifier="a")
    late = dataclasses.replace(late, history=dataclasses.replace(late.history, evaluations=np.array([500])))
    early = made_models_run([[0.0] * 4], classifier="b")
    table, summary = fooled_tables(
        [made_model("a"), made_model("b")], {"late": [late], "early": [early]}, None, SETTINGS
    )
    assert table["budget"].tolist() == [500, 200]
    assert [set(kind["experiment"]) for kind in at_equal_budget(summary)] == [{"late"}], "one kind of model"


def test_a_class_for_rejected_images_counts_the_champions_that_it_gets():
    model = made_model("open", rejects=True, real_rejected=0.03)
    run = made_models_run([[1.0] * 4, [2.0, 2.0, 2.0, -3.0]], classifier="open")
    logits = np.array([[3, 0, 0, 0, 1], [0, 3, 0, 0, 1], [0, 0, 3, 0, 1], [0, 0, 0, 1, 4]], dtype=np.float32)
    short = made_models_run([[1.0] * 4], classifier="open")
    runs = [dataclasses.replace(run, logits=logits)]
    row = only(rows_of([model], runs)[0])
    assert (row["rejected_by_class"], row["real_rejected_by_class"]) == (0.25, 0.03)
    both, _ = fooled_tables(
        [model], {"direct": runs, "short": [dataclasses.replace(short, logits=logits)]}, None, SETTINGS
    )
    within = both.set_index(["experiment", "budget"])["rejected_by_class"]
    assert math.isnan(within["direct", 200]) and within["direct", 400] == 0.25, "only the last champions are stored"
    with pytest.raises(FoolingError, match=r"found: champions of 4 classes with 4 scores\s+expected: .* with 5 scores"):
        rows_of([model], [run])


def test_both_tables_are_valid_and_means_need_three_networks_for_an_interval():
    table, summary = made_fooled()
    require_valid(table, FOOLED, source="table")
    require_valid(summary, FOOLED_SUMMARY, source="summary")
    assert table.groupby("classifier", sort=False).size().tolist() == [4] * 12
    assert set(summary["networks"]) == {3} and summary["above_median_low"].notna().all()
    lenet = summary[(summary["built_as"] == "lenet") & (summary["search"] == "map-elites")].iloc[0]
    own = table[(table["built_as"] == "lenet") & (table["search"] == "map-elites") & (table["experiment"] == "direct")]
    assert lenet["above_median"] == pytest.approx(own["above_median"].mean())
    assert lenet["runs"] == own["runs"].sum() == 6
    assert summary["rubbish_share"].isna().all() and summary["rejected_by_class"].isna().all()


def test_one_network_has_means_without_intervals():
    run = made_models_run([[9.0] * 4], classifier="lenet")
    summary = rows_of([made_model("lenet")], [run])[1]
    require_valid(summary, FOOLED_SUMMARY, source="summary")
    row = only(summary)
    assert (row["networks"], row["above_median"]) == (1, 1.0)
    assert all(math.isnan(row[name]) for name in summary if name.endswith(("_low", "_high")))


def test_networks_of_one_kind_share_architecture_weight_decay_and_size_of_their_part():
    models = [
        made_model("a", part="5000 images"),
        made_model("b", part="5000 images"),
        made_model("c"),
        made_model("d", weight_decay=0.1),
        made_model("e", dataset="digits"),
    ]
    runs = [made_models_run([[9.0] * 4], classifier=model.name) for model in models]
    assert rows_of(models, runs)[1]["networks"].tolist() == [2, 1, 1, 1]


def test_random_inputs_are_averaged_over_the_networks_that_have_them():
    rubbish = pd.DataFrame(
        {"classifier": ["a", "a", "b"], "clipped": [False, True, False], "rubbish_share": [0.2, 1.0, 0.6]}
    )
    models = [made_model(name) for name in "abc"]
    table, summary = rows_of(models, [made_models_run([[9.0] * 4], classifier=name) for name in "abc"], rubbish)
    np.testing.assert_array_equal(table["rubbish_share"], [0.2, 0.6, np.nan])
    assert only(summary)["rubbish_share"] == pytest.approx(0.4)


def test_a_model_that_gets_no_image_right_has_nothing_to_be_compared_with():
    models = [made_model("a", real=np.zeros(0)), made_model("b")]
    runs = [made_models_run([[9.0] * 4], classifier=name) for name in "ab"]
    table, summary = rows_of(models, runs)
    require_valid(table, FOOLED, source="table")
    empty = table.iloc[0][["real_median", "above_median", "tied", "above_95th", "evaluations_median", "rejected"]]
    assert empty.isna().all() and table["at_threshold"].notna().all()
    assert only(summary)["above_median"] == 1.0, "of the other network"
    alone = rows_of(models[:1], runs[:1])[1]
    require_valid(alone, FOOLED_SUMMARY, source="summary")
    assert in_short(alone).endswith("not measured")


def test_drift_is_not_compared_and_runs_are_needed():
    drift = made_models_run([[9.0] * 4], classifier="lenet", search="drift")
    with pytest.raises(FoolingError, match="there are no runs to compare models by"):
        rows_of([made_model("lenet")], [drift])


def test_runs_are_on_these_classifiers_as_their_files_are():
    run = made_models_run([[9.0] * 4], classifier="lenet")
    with pytest.raises(FoolingError, match=r"a run is on another classifier\s+found: a run on lenet\s+expected: .* a,"):
        rows_of([made_model("a")], [run])
    with pytest.raises(FoolingError, match="a run is on an earlier classifier"):
        rows_of([made_model("lenet", sha256="1")], [run])
    with pytest.raises(FoolingError, match=r"a run is given twice\s+found: direct on lenet, map-elites, seed 1"):
        rows_of([made_model("lenet")], [run, run])
    with pytest.raises(FoolingError, match=r"two classifiers have one name\s+found: lenet"):
        rows_of([made_model("lenet"), made_model("lenet")], [run])


def real_images(**columns) -> pd.DataFrame:
    told = {"classifier": "a", "label": [0, 1, 2, 0], "predicted": [0, 1, 0, 3], "log_odds": [5.0, 7.0, 9.0, 1.0]}
    return pd.DataFrame(told | columns)


def header(**changes):
    training = {"optimiser": {"weight_decay": 0.5}, "loss": "sigmoids", "part": {"number": 2, "of": 4, "images": 500}}
    told = made_up_header("a", architecture="rbf", settings={"training": training})
    return told | {"class_names": ("x", "y", "z", "rejected"), "fooling_class": True, "options": {"width": 3}} | changes


def test_a_model_is_what_its_file_and_its_real_images_say():
    model = compared_model(header(), real_images(), sha256="7")
    assert (model.built_as, model.weight_decay, model.part) == ("rbf, width 3, sigmoids", 0.5, "500 images")
    assert (model.targets, model.rejects, model.real_rejected, model.sha256) == (3, True, 0.25, "7")
    assert model.real.tolist() == [5.0, 7.0], "correctly classified ones"
    other = compared_model(
        header(fooling_class=False, provenance=made_up_header("a")["provenance"]), real_images(), sha256="7"
    )
    assert (other.built_as, other.weight_decay, other.part, other.targets) == ("rbf, width 3", None, None, 4)
    assert not other.rejects and math.isnan(other.real_rejected)


def test_a_network_trained_against_fooling_is_of_a_kind_of_its_own():
    told = header()
    told["provenance"]["settings"]["training"] = {"label_smoothing": 0.1}
    assert compared_model(told, real_images(), sha256="7").built_as == "rbf, width 3, label smoothing 0.1"


def test_a_part_without_a_number_of_images_is_a_share():
    told = header()
    told["provenance"]["settings"]["training"]["part"]["images"] = None
    assert compared_model(told, real_images(), sha256="7").part == "1 of 4 parts"


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"classifier": "b"}, "the table real has no images of a"),
        ({"label": [0, 1, 2, 3]}, "the table real of a does not fit the classifier"),
        ({"predicted": [0, 1, 2, 4]}, "the table real of a does not fit the classifier"),
    ],
)
def test_real_images_of_another_classifier_are_refused(columns, message):
    with pytest.raises(FoolingError, match=message):
        compared_model(header(), real_images(**columns), sha256="7")


def test_bars_of_no_images_are_unknown():
    assert all(math.isnan(number) for number in dataclasses.astuple(bars_of(np.zeros(0))))
