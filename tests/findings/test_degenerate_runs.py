"""Runs that are legal and degenerate pass through every table, claim, figure and the page, with the right values."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import pytest

import fooling.cli.pictures
from degenerate_study import ENCODINGS, PLANS, DegenerateStudy
from fooling.artifacts import read_table
from fooling.attacks.evolution.record import load_run
from fooling.claims.estimands import ESTIMANDS
from fooling.figures.catalogue import FIGURES
from fooling.findings.ancestry import LineageSettings, ancestry_table, lineage_table, replays_table, traced
from fooling.findings.classifiers import FoolabilitySettings, foolability_table
from fooling.findings.comparison import ComparisonSettings, presets_table, survival_table
from fooling.findings.intervals import IntervalSettings
from fooling.findings.registry import table_named
from fooling.findings.runs import champions_table, history_table, times_table
from fooling.findings.variance import variance_table
from made_up_run import made_up_run


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, DegenerateStudy]:
    """The studies that were made so far."""
    return {}


@pytest.fixture
def study(request: pytest.FixtureRequest, studies, tmp_path_factory) -> DegenerateStudy:
    """The study of the plan that the test names, with all its findings and figures."""
    name = request.param
    if name not in studies:
        made = DegenerateStudy(tmp_path_factory.mktemp("degenerate"), PLANS[name])
        made.make()
        call_all(made.calls())
        studies[name] = made
    return studies[name]


def call_all(calls) -> None:
    """Make each of these calls; a warning is a failure."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="vert: bool was deprecated")  # seaborn's affair
        for call, make in calls:
            try:
                make()
            except Exception as error:
                error.add_note(f"in {call}")
                raise


def laid_out(figure, form: str) -> bytes:
    """A figure that is laid out once and not rendered, which would take several times as long."""
    if form == "as_png":
        figure.draw_without_rendering()
    return b""


def table(study: DegenerateStudy, name: str, path: str) -> pd.DataFrame:
    """A table as every reader of it gets it."""
    return read_table(study.findings / path, table_named(name))


def measured(study: DegenerateStudy) -> pd.DataFrame:
    return table(study, "claims", "claims.csv").set_index("id")


#: The plan of the quick tests; the others take as long.
QUICK = ("constant",)


def of(*plans: str):
    marked = [plan if plan in QUICK else pytest.param(plan, marks=pytest.mark.slow) for plan in plans]
    return pytest.mark.parametrize("study", marked, indirect=True)


@of(*PLANS)
def test_every_table_and_claim_and_the_page_are_made(study):
    assert set(measured(study).index) == set(ESTIMANDS)
    for experiment in ENCODINGS:
        lineage = table(study, "lineage", f"lineage/{experiment}.csv")
        assert set(lineage["measure"]) >= {"other_parent", "steps", "common_start"}
    text = (study.folder / "report" / "index.html").read_text()
    assert "nan" not in text.split("</style>")[1].replace("dominant", "")
    page = (study.findings / "claims.md").read_text()
    assert "nan" not in page.replace("dominant", "")
    assert json.loads((study.findings / "metrics.json").read_text())["champions"].keys() == set(ENCODINGS)


#: Figures of what some of these studies lack: audits, several networks or runs, controls, presets, or a training.
NEED_MORE = {
    "audits",
    *("preset_comparison", "resembling", "search_comparison", "training_curves"),
    *("transfer", "transfer_gallery", "variance_components"),
}


@pytest.mark.slow
@of(*PLANS)
def test_every_figure_is_drawn(study, monkeypatch):
    for form in ("as_png", "as_pdf"):
        monkeypatch.setattr(fooling.cli.pictures, form, lambda figure, form=form: laid_out(figure, form))
    call_all(study.drawings())
    drawn = {path.stem.partition("-")[0] for path in (study.folder / "figures").glob("*.png")}
    need_gradients = set() if study.with_gradients else {"universal_rates", "universal_gallery"}
    assert set(FIGURES) - drawn <= NEED_MORE | need_gradients


@of("constant")
def test_a_constant_network_has_no_best_temperature_and_no_distance_in_features(study):
    calibration = table(study, "calibration", "calibration/lenet-a.csv").iloc[0]
    assert np.isnan(calibration["temperature"])
    assert calibration["nll_before"] == pytest.approx(np.log(3))
    found = measured(study)
    assert found.loc["median-of-runs", "ours"] == pytest.approx(1 / 3)
    missing = ["calibrated-median-of-runs", "feature-distance-ratio"]
    assert (found.loc[missing, "verdict"] == "not run here").all()
    variance = table(study, "variance", "variance.csv")
    assert variance["share"].isna().all()
    assert (variance["variance"].dropna() == 0).all()


@of("saturated")
def test_where_every_champion_is_at_exactly_one_nothing_is_ever_born(study):
    runs = [load_run(path) for path in study.evolved("direct")]
    assert all((run.confidences == 1).all() and len(run.lineage.individual) == 3 for run in runs)
    lineage = table(study, "lineage", "lineage/direct.csv").set_index("measure")
    unborn = ["other_parent", "other_parent_of_all", "switches_per_step"]
    assert lineage.loc[unborn, ["value", "low", "high", "chance"]].isna().all(axis=None)
    assert (lineage.loc[unborn, "runs"] == 0).all()
    assert lineage.loc["steps", ["value", "chance"]].tolist() == [0, 0]
    champions = table(study, "champions", "champions/direct.parquet")
    assert champions["saturated"].all()
    metrics = json.loads((study.findings / "metrics.json").read_text())["champions"]["direct"]["lenet-a"]
    assert metrics["map-elites"] == {"median_confidence": 1.0, "share_at_threshold": 1.0}


@of("one of several")
def test_a_run_without_births_stands_beside_one_that_has_some(study):
    lengths = [len(load_run(path).lineage.individual) for path in study.evolved("direct")]
    assert lengths[0] == 3 < lengths[1]
    lineage = table(study, "lineage", "lineage/direct.csv").set_index("measure")
    alone = traced([load_run(study.evolved("direct", "lenet-b")[0])], settings=LineageSettings(parent_redraws=19))
    own = lineage_table(
        replays_table(alone, experiment="direct"), settings=LineageSettings(parent_redraws=19)
    ).set_index("measure")
    for measure in ("other_parent", "other_parent_of_all", "switches_per_step"):
        assert lineage.loc[measure, "runs"] == 1
        assert lineage.loc[measure, ["value", "chance"]].tolist() == own.loc[measure, ["value", "chance"]].tolist()
    assert lineage.loc["steps", "runs"] == 2
    assert lineage.loc["steps", "value"] == own.loc["steps", "value"] / 2


@of("alone")
def test_a_single_run_has_numbers_and_no_interval(study):
    found = measured(study)
    known = found[found["verdict"] != "not run here"]
    assert len(known) > 20
    assert known[["low", "high"]].isna().all(axis=None)
    assert (known["verdict"] == "too few").all()
    missing = {"gain-in-log-odds", "share-of-recurring-motifs", "transfer-over-chance", "likeness-of-relatives"}
    assert missing <= set(found.index[found["verdict"] == "not run here"])


@of("right and wrong")
def test_a_network_that_is_never_right_beside_one_that_always_is(study):
    errors = table(study, "classifiers", "classifiers.csv").set_index("classifier")["test_error"]
    assert errors.to_dict() == {"lenet-a": 0, "lenet-b": 1}
    for name, real in {"lenet-a": 3, "lenet-b": 0}.items():
        examined = table(study, "examined", f"examined/{name}/direct.parquet")
        assert (examined["search"] == "real-images").sum() == real
    found = measured(study)
    assert found.loc["median-in-images-judged-rightly", "units"] == 1
    assert table(study, "calibration", "calibration/lenet-a.csv")["temperature"].isna().all()


def test_a_run_of_one_class_has_every_number_that_one_class_can_have():
    runs = [made_up_run([[0.2], [0.2]], seed=seed, start=True) for seed in (1, 2)]
    settings = IntervalSettings()
    champions, history = champions_table(runs, experiment="e"), history_table(runs, experiment="e")
    times = times_table(runs, experiment="e", threshold=0.9)
    assert (survival_table(times, settings=settings)["survival"] == 1).any()
    assert np.isfinite(presets_table(times, settings=ComparisonSettings(comparisons=[]))["value"]).all()
    variance = variance_table(champions).set_index("component")
    assert np.isnan(variance.loc["class", "variance"])
    assert "one class" in variance.loc["class", "note"]
    examined = champions.assign(calibrated_confidence=champions["confidence"])
    (row,) = foolability_table(history, examined, FoolabilitySettings()).to_dict("records")
    assert (row["median"], row["classes"]) == (pytest.approx(0.2), 1)
    lineage = LineageSettings(parent_redraws=19)
    measures = lineage_table(replays_table(traced(runs, settings=lineage), experiment="e"), settings=lineage).set_index(
        "measure"
    )
    assert np.isnan(measures.loc["common_start", "value"])
    assert ancestry_table(traced(runs, settings=lineage), experiment="e")["relative"].isna().all()
