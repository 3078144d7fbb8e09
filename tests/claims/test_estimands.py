"""Every estimand of a claim on made-up runs whose answer is known."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from fooling.claims.claim import Claim, Claims
from fooling.claims.estimand import Context, ContextSettings, NotRun, Tables
from fooling.claims.estimands import ESTIMANDS
from fooling.claims.parameters import PHRASES, Filter
from fooling.findings.runs import history_table, times_table
from fooling.settings import read_settings
from made_up_run import made_up_run
from made_up_studies import made_up_study

ROOT = Path(__file__).parents[2]
SETTINGS = ContextSettings()
NETWORKS = pd.DataFrame(
    {
        "classifier": ["lenet-a", "lenet-b", "other"],
        "dataset": ["mnist", "mnist", "shapes"],
        "architecture": ["lenet", "lenet", "alexnet"],
        "test_error": [0.009, 0.011, 0.5],
    }
)


def averaged(probabilities: np.ndarray) -> float:
    """The mean of probabilities on the scale of log-odds."""
    return float(expit(logit(np.asarray(probabilities, dtype=float)).mean()))


def tables_of(records=(), *, start=None, examined=None, ablation=None, ascent=None, ascent_times=None) -> Tables:
    by_experiment = {"history": {}, "times": {}}
    if records:
        by_experiment["history"] = {"noise": history_table(records, experiment="noise")}
        by_experiment["times"] = {"noise": times_table(records, experiment="noise", threshold=0.9999)}
    images = {
        "start": {} if start is None else {"noise": start},
        "examined": {} if examined is None else {"noise": examined},
        "ablation": {} if ablation is None else {"noise": ablation},
        "ascent": {} if ascent is None else {"plain": ascent},
        "ascent_times": {} if ascent_times is None else {"plain": ascent_times},
    }
    return Tables(networks=NETWORKS, **by_experiment, **images)


def measure(estimand: str, tables: Tables, *, dataset: str = "mnist", may_be_shorter: bool = False, **chosen):
    chosen = {"experiment": "noise", "generation": 2} | chosen
    measurement = Context(
        filter=Filter(**chosen),
        dataset=dataset,
        tables=tables,
        settings=SETTINGS,
        may_be_shorter=may_be_shorter,
    )
    return ESTIMANDS[estimand].evaluate(measurement)


def runs(histories: dict[tuple[str, int], list[list[float]]], **options):
    return [made_up_run(history, classifier=name, seed=seed, **options) for (name, seed), history in histories.items()]


def noisy_runs(generations: int = 3, classes: int = 4, **options):
    generator = np.random.default_rng(0)
    names = [(name, seed) for name in ("lenet-a", "lenet-b") for seed in range(1, 6)]
    values = {name: np.sort(generator.random((generations, classes)), axis=0) for name in names}
    return runs(values, **options), np.array([values[name] for name in names])


def test_the_test_error_is_averaged_over_the_networks_of_the_data_set():
    estimate = measure("mean-test-error", tables_of(), architecture="lenet")
    assert (estimate.value, estimate.runs) == (pytest.approx(0.01), 2)
    assert (math.isnan(estimate.low), estimate.units, estimate.note) == (True, 2, "2 classifiers: an interval needs 3")
    with pytest.raises(NotRun, match="no such classifier of shapes"):
        measure("mean-test-error", tables_of(), architecture="lenet", dataset="shapes")


def test_three_readings_of_a_median():
    records, values = noisy_runs()
    last = logit(values[:, 2]).reshape(2, 5, 4)
    expected = {
        "median-of-runs": averaged(expit(np.median(np.median(last, axis=2), axis=1))),
        "median-of-classes": averaged(expit(np.median(np.median(last, axis=1), axis=1))),
        "pooled-median": averaged(expit(np.median(last, axis=(1, 2)))),
    }
    for estimand, value in expected.items():
        estimate = measure(estimand, tables_of(records))
        assert estimate.value == pytest.approx(value, abs=1e-6)
        assert (estimate.units, estimate.runs) == (2, 10)
    assert len(set(expected.values())) == 3


def test_the_generation_and_the_search_are_the_claims():
    records, values = noisy_runs()
    tables = tables_of([*records, *runs_with_half_the_confidence(values)])
    for search, start in (("map-elites", values[:, 0]), ("drift", values[:, 0] / 2)):
        medians = expit(np.median(np.median(logit(start), axis=1).reshape(2, 5), axis=1))
        found = measure("median-of-runs", tables, generation=0, search=search)
        assert found.value == pytest.approx(averaged(medians), rel=1e-5)
    with pytest.raises(NotRun, match="no random-search of the experiment noise"):
        measure("median-of-runs", tables, search="random-search")


def runs_with_half_the_confidence(values):
    names = [(name, seed) for name in ("lenet-a", "lenet-b") for seed in range(1, 6)]
    return runs(dict(zip(names, values / 2, strict=True)), search="drift")


def test_runs_that_end_too_early_are_no_answer_but_may_stand_in():
    tables = tables_of(noisy_runs()[0])
    with pytest.raises(NotRun, match="the runs end at generation 2, but the claim is about generation 200"):
        measure("median-of-runs", tables, generation=200)
    early = measure("median-of-runs", tables, generation=200, may_be_shorter=True)
    assert early.value == measure("median-of-runs", tables, generation=2).value


def test_the_most_confident_champions_of_every_run():
    records, values = noisy_runs(classes=30)
    most_confident = np.sort(values[:, 2], axis=1)[:, -8:].reshape(2, 5, 8)
    for estimand, of_runs in (
        ("mean-of-most-confident", most_confident.mean(axis=2)),
        ("lowest-of-most-confident", most_confident[:, :, 0]),
    ):
        expected = averaged(np.median(of_runs, axis=1))
        assert measure(estimand, tables_of(records), count=8).value == pytest.approx(expected, rel=1e-5)
    with pytest.raises(NotRun, match="have 30 classes, but the claim is about 40"):
        measure("mean-of-most-confident", tables_of(records), count=40)


def test_medians_in_real_images():
    confidences = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    real = pd.DataFrame(
        {
            "classifier": ["lenet-a"] * 6 + ["lenet-b"] * 6 + ["other"],
            "label": 0,
            "predicted": [0, 0, 0, 1, 1, 1] * 2 + [0],
            "log_odds": logit(np.array([*confidences, *(value + 0.2 for value in confidences), 0.99])),
        }
    )

    def of_medians(first: float, second: float) -> float:
        return averaged(np.array([first, second]))

    within = expit((logit(0.3) + logit(0.4)) / 2), expit((logit(0.5) + logit(0.6)) / 2)
    tables = dataclasses.replace(tables_of(), real=real)
    expected = {
        "median-in-real-images": of_medians(*within),
        "median-in-images-judged-rightly": of_medians(0.2, 0.4),
        "median-in-images-judged-wrongly": of_medians(0.5, 0.7),
    }
    for estimand, value in expected.items():
        estimate = measure(estimand, tables, architecture="lenet")
        assert (estimate.value, estimate.runs) == (pytest.approx(value), 2)
    with pytest.raises(NotRun, match="no such real test image of shapes"):
        measure("median-in-images-judged-wrongly", tables, dataset="shapes", architecture="alexnet")
    with pytest.raises(NotRun, match="no such real test image of shapes"):
        measure("median-in-real-images", dataclasses.replace(tables, real=real[:-1]), dataset="shapes")


def test_shares_of_champions():
    histories = {
        (name, seed): [[0.99989998, 0.9999, 0.99995, 1.0]] for name in ("lenet-a", "lenet-b") for seed in (1, 2, 3)
    }
    tables = tables_of(runs(histories))
    assert measure("share-of-classes-at-threshold", tables, generation=0).value == 0.5  # float32(.9999) is below .9999
    assert measure("share-saturated", tables, generation=0).value == 0.25


def test_shares_at_a_level_of_their_own():
    tables = tables_of(runs({("lenet-a", seed): [[0.5, 0.9, 0.99, 0.999]] for seed in (1, 2)}))
    assert measure("share-of-classes-at-level", tables, generation=0, level=0.95).value == 0.5
    assert measure("share-of-classes-at-level", tables, generation=0, level=0.4).value == 1


def test_some_classes_alone():
    tables = tables_of(runs({("lenet-a", seed): [[0.1, 0.9, 0.3, 0.5]] for seed in (1, 2)}))
    assert measure("median-of-runs", tables, generation=0, classes=((1, 1),)).value == pytest.approx(0.9)
    assert measure("median-of-runs", tables, generation=0, classes=((0, 0), (2, 3))).value == pytest.approx(0.3)
    with pytest.raises(NotRun, match="have no class 4"):
        measure("median-of-runs", tables, generation=0, classes=((0, 4),))


def test_of_a_thinned_history_the_last_generation_before_counts():
    tables = tables_of(runs({("lenet-a", seed): [[0.1], [0.2], [0.3], [0.9]] for seed in (1, 2)}))
    thinned = {name: table[table["generation"] != 2] for name, table in tables.history.items()}
    found = measure("median-of-runs", dataclasses.replace(tables, history=thinned), generation=2)
    assert found.value == pytest.approx(0.2)


def test_times_count_what_did_not_happen_in_time_as_never():
    late = [[0.1, 0.1]] * 2 + [[0.99999, 0.1], [0.99999, 0.99999]]
    early = [[0.1, 0.99999]] + [[0.99999, 0.99999]] * 3
    histories = {("lenet-a", seed): early if seed <= 4 else late for seed in range(1, 8)}
    tables = tables_of(runs(histories))
    assert math.isnan(measure("generation-all-reached", tables).value)
    assert (
        measure("generation-all-reached", tables).note == "3 of 7 runs did not reach the target: see the share that did"
    )
    assert measure("generation-all-reached", tables, generation=3).value == pytest.approx(
        2 ** (4 / 7) * 4 ** (3 / 7) - 1
    )
    assert measure("generation-median-reached", tables, generation=3).value < 2
    assert measure("share-of-runs-all-reached", tables).value == pytest.approx(4 / 7)
    assert measure("share-of-runs-all-reached", tables, generation=3).value == 1


def test_a_run_that_ends_before_anything_can_have_happened_says_nothing():
    tables = tables_of(runs({("lenet-a", 1): [[0.1, 0.1]] * 3}))
    with pytest.raises(NotRun, match="the runs end at generation 2"):
        measure("generation-all-reached", tables, generation=200)
    assert measure("generation-all-reached", tables, generation=200, may_be_shorter=True).value == math.inf


def test_the_gain_is_taken_run_by_run():
    """Runs scatter far more than evolution gains: only pairs show it."""
    generator = np.random.default_rng(0)
    names = [(name, seed) for name in ("lenet-a", "lenet-b", "lenet-c") for seed in range(1, 6)]
    log_odds = {name: generator.normal(scale=2, size=(1, 3)) for name in names}

    def confidence(shift):
        return {name: 1 / (1 + np.exp(-(values + shift))) for name, values in log_odds.items()}

    records = [*runs(confidence(0.5)), *runs(confidence(0), search="random-search")]
    third = NETWORKS.iloc[:1].assign(classifier="lenet-c")
    tables = dataclasses.replace(tables_of(records), networks=pd.concat([NETWORKS, third]))
    estimate = measure("gain-in-log-odds", tables, generation=0, control="random-search")
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((0.5,) * 3, abs=1e-3)
    assert (estimate.units, estimate.runs) == (3, 15)
    with pytest.raises(NotRun, match="no drift"):
        measure("gain-in-log-odds", tables_of(records), generation=0, control="drift")


def test_a_control_that_lacks_runs_is_no_control():
    records, values = noisy_runs()
    tables = tables_of([*records, *(r for r in runs_with_half_the_confidence(values) if r.seed < 3)])
    with pytest.raises(NotRun, match="some runs have no drift"):
        measure("gain-in-log-odds", tables, control="drift")


def test_single_images_are_summed_up_network_by_network():
    start = pd.DataFrame(
        {
            "classifier": ["lenet-a"] * 3 + ["lenet-b"] * 3,
            "experiment": "noise",
            "top_confidence": np.array([0.1, 0.5, 0.9, 0.6, 0.7, 0.9], dtype=np.float32),
        }
    )
    estimate = measure("single-image-top-confidence", tables_of(start=start))
    assert (estimate.value, estimate.runs) == (pytest.approx(averaged(np.array([0.5, 0.7]))), 2)


def examined_table_of(grids: dict[str, np.ndarray], *, real: tuple[float, ...] = (0.2, 0.4)) -> pd.DataFrame:
    """Champions of two networks, three seeds and two classes, and two real images a network."""
    networks, seeds, classes = np.meshgrid(["lenet-a", "lenet-b"], [1, 2, 3], [0, 1], indexing="ij")
    columns = {"classifier": networks.ravel(), "experiment": "noise", "encoding": "direct", "search": "map-elites"}
    table = pd.DataFrame({**columns, "seed": seeds.ravel(), "class_index": classes.ravel()})
    table = table.assign(**{name: grid.ravel() for name, grid in grids.items()})
    real_rows = pd.DataFrame({"classifier": ["lenet-a", "lenet-a", "lenet-b", "lenet-b"], "search": "real-images"})
    return pd.concat([table, real_rows.assign(experiment="noise", nearest_distance=[*real, *real])])


GRID = np.random.default_rng(3).random((2, 3, 2))


@pytest.mark.parametrize("column", ["calibrated", "independent"])
def test_champions_in_other_eyes(column):
    tables = tables_of(examined=examined_table_of({f"{column}_confidence": GRID}))
    estimate = measure(f"{column}-median-of-runs", tables)
    assert estimate.value == pytest.approx(averaged(expit(np.median(np.median(logit(GRID), axis=2), axis=1))))
    assert estimate.runs == 6


def test_networks_without_a_column_are_left_out():
    grid = GRID.copy()
    grid[1] = np.nan  # the temperature of lenet-b could not be told
    tables = tables_of(examined=examined_table_of({"calibrated_confidence": grid}))
    estimate = measure("calibrated-median-of-runs", tables)
    assert (estimate.value, estimate.runs) == (pytest.approx(expit(np.median(logit(GRID[0]).mean(axis=1)))), 3)
    nothing = tables_of(examined=examined_table_of({"independent_confidence": np.full_like(GRID, np.nan)}))
    with pytest.raises(NotRun, match="no classifier has values in the column independent_confidence"):
        measure("independent-median-of-runs", nothing)


def test_distances_are_relative_to_those_of_the_random_start():
    names, seeds, image = (index.ravel() for index in np.indices((2, 3, 4)))
    start = pd.DataFrame({"classifier": np.array(["lenet-a", "lenet-b"])[names], "seed": seeds, "image": image})
    start = start.assign(kind="start", pixel_distance=2.0 + seeds)
    champions = start.assign(kind="champion", pixel_distance=(2.0 + seeds) * (1 + seeds))
    table = pd.concat([start, champions])
    tables = Tables(networks=NETWORKS, history={}, times={}, start={}, examined={}, distances={"noise": table})
    assert measure("distance-over-start", tables).value == pytest.approx(2)
    touching = table.assign(pixel_distance=table["pixel_distance"].where(table["kind"] == "champion", 0.0))
    with pytest.raises(NotRun, match="consists of training images"):
        measure("distance-over-start", dataclasses.replace(tables, distances={"noise": touching}))


def test_motifs_recur_where_the_most_alike_champion_is_of_the_same_class():
    alike = np.array([[[0, 1], [0, 0], [1, 0]], [[0, 1], [0, 1], [0, 1]]], dtype=float)
    tables = tables_of(examined=examined_table_of({"similar_class": alike}))
    assert measure("share-of-recurring-motifs", tables).value == pytest.approx(9 / 12)


def test_every_quantity_says_in_words_what_it_is():
    assert all(len(estimand.words.split()) > 5 for estimand in ESTIMANDS.values())
    assert all("median over" in estimand.words for name, estimand in ESTIMANDS.items() if name.endswith("-of-runs"))


def made_ascent(confidences: list[list[float]]) -> pd.DataFrame:
    """Images of gradient ascent, one list of classes for each start, on one network."""
    seeds, classes = np.indices(np.shape(confidences))
    table = {"seed": seeds.ravel(), "class_index": classes.ravel(), "confidence": np.ravel(confidences)}
    return pd.DataFrame(table).assign(classifier="lenet-a", experiment="plain")


def test_images_of_gradient_ascent_count_at_the_threshold():
    tables = tables_of(ascent=made_ascent([[0.99995, 0.5], [1.0, 0.99991], [0.2, 0.1]]))
    estimate = measure("share-of-ascents-at-threshold", tables, ascent="plain")
    assert (estimate.value, estimate.runs) == (0.5, 3)
    with pytest.raises(NotRun, match="no gradient ascent strict on classifiers of mnist"):
        measure("share-of-ascents-at-threshold", tables, ascent="strict")


def test_evaluations_of_climbs_are_set_beside_those_of_the_runs_with_the_same_seed():
    fast, never = [[0.1, 0.1], [1.0, 1.0]], [[0.1, 0.1], [0.2, 0.2]]
    records = [made_up_run(history, seed=seed) for seed, history in enumerate([fast, never, fast, fast], start=1)]
    climbs = pd.DataFrame(
        {
            "classifier": "lenet-a",
            "seed": [1, 2, 3, 5],
            "target": "median",
            "evaluations": [100, 300, 50, 40],
            "reached": [True, True, False, True],
        }
    )
    tables = tables_of(records, ascent_times=climbs)
    estimate = measure("ascent-evaluations-ratio", tables, ascent="plain")
    # Seed 2: the search never arrives; seed 3: the climb never does; 4 and 5 have no partner.
    assert (math.isnan(estimate.value), estimate.runs) == (True, 3)
    assert estimate.note == "2 of 3 runs did not reach the target: see the share that did"
    two = [made_up_run(fast, seed=seed) for seed in (1, 2)]
    both = measure("ascent-evaluations-ratio", tables_of(two, ascent_times=climbs), ascent="plain")
    assert both.value == pytest.approx(math.sqrt(100 / 400 * 300 / 400))
    with pytest.raises(NotRun, match="no classifier and seed has both"):
        measure("ascent-evaluations-ratio", tables_of(records[3:], ascent_times=climbs), ascent="plain")


def ancestry_of(values: dict[str, np.ndarray]) -> Tables:
    """Two networks, three seeds, four classes, with these columns (2, 3, 4)."""
    names, seeds, classes = (index.ravel() for index in np.indices((2, 3, 4)))
    table = pd.DataFrame(
        {
            "classifier": np.array(["lenet-a", "lenet-b"])[names],
            "seed": seeds,
            "class_index": classes,
            **{name: column.ravel() for name, column in values.items()},
        }
    )
    return Tables(networks=NETWORKS, history={}, times={}, start={}, examined={}, ancestry={"noise": table})


def test_champions_with_an_ancestor_of_another_class():
    switches = np.zeros((2, 3, 4))
    switches[0, 0, :3] = [1, 2, 0.5]
    found = measure("share-with-other-ancestor", ancestry_of({"switches": switches}))
    assert (found.value, found.runs) == (3 / 24, 6)


def test_likeness_of_relatives_counts_champions_that_have_one():
    likeness = np.full((2, 3, 4), np.nan)
    likeness[:, :, 0] = 0.75
    likeness[1, 2, 1] = 0.25
    found = measure(
        "likeness-of-relatives", ancestry_of({"similarity": likeness, "similarity_unrelated": likeness / 2})
    )
    assert found.value == pytest.approx((6 * 0.375 + 0.125) / 7)
    assert (math.isnan(found.low), found.units, found.runs) == (True, 2, 6)
    nothing = np.full((2, 3, 4), np.nan)
    with pytest.raises(NotRun, match="have a common ancestor"):
        measure("likeness-of-relatives", ancestry_of({"similarity": nothing, "similarity_unrelated": nothing}))


def test_distances_of_champions_alone_are_measured():
    names, seeds, image = (index.ravel() for index in np.indices((2, 3, 4)))
    champions = pd.DataFrame(
        {
            "classifier": np.array(["lenet-a", "lenet-b"])[names],
            "kind": "champion",
            "seed": seeds,
            "image": image,
            "feature_ratio": 1.0 + seeds + image,
            "pixel_beyond": image > 0,
            "feature_beyond": image > 2,
        }
    )
    table = pd.concat([champions, champions.assign(kind="start", feature_ratio=99.0, pixel_beyond=True)])
    tables = Tables(networks=NETWORKS, history={}, times={}, start={}, examined={}, distances={"noise": table})
    assert measure("feature-distance-ratio", tables).value == pytest.approx(1 + 1 + 1.5)
    assert measure("share-beyond-in-pixels", tables).value == 0.75
    assert measure("share-beyond-in-features", tables).value == 0.25


def made_ablation() -> pd.DataFrame:
    """Three runs of two champions on one network; of each run the first one repeats itself, in the last run neither."""
    intact = {"fill": None, "kind": "intact", "draw": 0, "removed": 0, "confidence": 1.0, "change": 0.0}
    rows = [
        {"seed": seed, "class_index": index, "copies": 3 * (index == 0 and seed < 3)} | intact
        for seed in (1, 2, 3)
        for index in (0, 1)
    ]
    for seed, confidence, change, control in ((1, 0.995, -2.0, -5.0), (2, 0.5, -8.0, -7.0)):
        removed = {"seed": seed, "class_index": 0, "copies": 3, "fill": "mean", "draw": 0, "removed": 1}
        rows.append(removed | {"kind": "copy", "confidence": confidence, "change": change})
        rows.append(removed | {"kind": "control", "confidence": 0.9, "change": control})
    return pd.DataFrame(rows).assign(classifier="lenet-a", experiment="noise")


def test_removals_are_measured_on_the_champions_that_repeat_themselves():
    tables = tables_of(ablation=made_ablation())
    share = measure("share-of-champions-repeating", tables)
    assert (share.value, share.runs) == (pytest.approx(1 / 3), 3)
    removed = {"fill": "mean", "removed": 1}
    sure = measure("share-still-sure-without-copies", tables, **removed)
    assert (sure.value, sure.runs) == (0.5, 2)
    over = measure("copies-over-control", tables, **removed)
    assert (over.value, over.runs) == (pytest.approx((3 - 1) / 2), 2)
    in_all = measure("copies-over-control-in-all", tables, fill="mean")
    assert (in_all.value, in_all.runs) == (over.value, 2)  # nothing but single copies was removed
    with pytest.raises(NotRun, match="no champion of noise has more than 2 copies of an element"):
        measure("copies-over-control", tables, fill="mean", removed=2)


def made_families() -> pd.DataFrame:
    """The best images of three classes on two networks of MNIST and on another one."""
    odds = {
        ("lenet-a", "cppn"): (1, 2, 9),
        ("lenet-a", "blobs"): (4, 5, 6),
        ("lenet-b", "cppn"): (0, 1, 2),
        ("lenet-b", "blobs"): (-1, 0, 8),
        ("other", "cppn"): (50, 50, 50),
        ("other", "blobs"): (0, 0, 0),
    }
    rows = [
        {"classifier": name, "family": family, "class_index": index, "log_odds": float(value)}
        for (name, family), values in odds.items()
        for index, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


def test_random_images_are_compared_with_random_cppns_of_the_same_network():
    tables = dataclasses.replace(tables_of(), families=made_families())
    gain = measure("family-gain-in-log-odds", tables, random_images="blobs")
    assert (gain.value, gain.units, gain.runs) == (pytest.approx(((5 - 2) + (0 - 1)) / 2), 2, 2)
    median = measure("median-of-random-images", tables, random_images="blobs")
    assert median.value == pytest.approx(averaged(expit([5, 0])))
    with pytest.raises(NotRun, match="no random images of the family blobs were shown to classifiers of mnist"):
        measure("family-gain-in-log-odds", tables_of(), random_images="blobs")


def made_robustness() -> pd.DataFrame:
    counts = {"images": 10, "real_images": 20, "real_kept": 10}
    rows = [
        {"classifier": name, "seed": seed, "change": "blur", "strength": strength, "kept": kept} | counts
        for name, seed, strength, kept in (
            *(("lenet-a", 1, 1.0, 4), ("lenet-a", 2, 1.0, 2), ("lenet-b", 1, 1.0, 10), ("lenet-b", 2, 1.0, 0)),
            *((name, seed, 2.0, 10) for name in ("lenet-a", "lenet-b") for seed in (1, 2)),
        )
    ]
    return pd.DataFrame(rows)


def test_survival_is_that_of_champions_minus_that_of_real_images():
    tables = dataclasses.replace(tables_of(), robustness={"noise": made_robustness()})
    found = measure("survival-over-real-images", tables, change="blur", strength=1)
    assert (found.value, found.units, found.runs) == (pytest.approx(0.4 - 0.5), 2, 4)
    assert measure("survival-over-real-images", tables, change="blur", strength=2).value == pytest.approx(0.5)
    with pytest.raises(NotRun, match="no change shift of strength 2"):
        measure("survival-over-real-images", tables, change="shift", strength=2)


def test_only_networks_that_give_logits_count_as_supernormal():
    rows = [
        {"classifier": name, "seed": seed, "class_index": index, "beyond_logit": beyond}
        for name, seed, beyonds in (("lenet-a", 1, (1, 0)), ("lenet-a", 2, (1, 1)), ("lenet-b", 1, (pd.NA, pd.NA)))
        for index, beyond in enumerate(beyonds)
    ]
    table = pd.DataFrame(rows).astype({"beyond_logit": "Int64"})
    found = measure("share-supernormal", dataclasses.replace(tables_of(), supernormal={"noise": table}))
    assert (found.value, found.units, found.runs) == (0.75, 1, 2)
    silent = table[table["classifier"] == "lenet-b"]
    with pytest.raises(NotRun, match="no classifier has values in the column beyond_logit"):
        measure("share-supernormal", dataclasses.replace(tables_of(), supernormal={"noise": silent}))


class Recorder:
    """A filter that remembers which of its parameters were read."""

    def __init__(self, chosen: Filter) -> None:
        self.chosen, self.read = chosen, set[str]()

    def __getattr__(self, name: str) -> object:
        self.read.add(name)
        return getattr(self.chosen, name)


CLAIMS = read_settings(Claims, str(ROOT / "config" / "claims.yaml")).claims


@pytest.mark.parametrize("name", ESTIMANDS)
def test_an_estimand_reads_exactly_the_parameters_that_it_declares(name: str) -> None:
    read = set[str]()
    for claim in CLAIMS:
        if claim.estimand == name:
            recorder = Recorder(claim)
            context = Context(
                filter=recorder,  # type: ignore[arg-type]
                dataset=claim.dataset,
                tables=made_up_study(claim, "high", units=3),
                settings=ContextSettings(),
            )
            ESTIMANDS[name].evaluate(context)
            read |= recorder.read
    assert read == ESTIMANDS[name].parameters


@pytest.mark.parametrize("claim", [claim for claim in CLAIMS if claim.estimand], ids=lambda claim: claim.id)
def test_the_sentence_on_a_claim_has_every_parameter(claim: Claim) -> None:
    words = ESTIMANDS[str(claim.estimand)].in_words(claim, dataset=claim.dataset)
    for parameter in claim.model_fields_set & set(Filter.model_fields):
        value = getattr(claim, parameter)
        shown = [str(number) for pair in value for number in pair] if isinstance(value, tuple) else [str(value)]
        assert all(part in words for part in shown), (parameter, words)


def test_every_parameter_has_its_phrase() -> None:
    assert set(PHRASES) == set(Filter.model_fields)


def adversarial_tables(**columns) -> Tables:
    """Two networks with four images each, of which the method changes all and noise one; and both pairs of them."""
    names = ("lenet-a", "lenet-b")
    rows = [
        {"classifier": name, "change": change, "unrounded_misclassified": image < wrong, "rms": 0.02 * (image + 1)}
        for name in names
        for change, wrong in (("method", 4), ("noise", 1))
        for image in range(4)
    ]
    images = pd.DataFrame(rows).assign(method="l-bfgs", size=np.nan, **columns)
    pairs = pd.DataFrame({"source": names, "target": names[::-1], "excess": [0.2, 0.4]})
    pairs = pairs.assign(
        method="l-bfgs", size=np.nan, relation="same architecture", training_images=["same", "disjoint"]
    )
    return Tables(
        networks=NETWORKS,
        history={},
        times={},
        start={},
        examined={},
        adversarial={"small": images},
        adversarial_transfer={"small": pairs},
    )


def test_adversarial_examples_are_measured_by_attack_method_and_size():
    chosen = {"adversarial": "small", "method": "l-bfgs"}
    assert measure("mean-distortion", adversarial_tables(), **chosen).value == pytest.approx(0.05)
    assert measure("fooled-by-method-over-noise", adversarial_tables(), **chosen).value == pytest.approx(0.75)
    found = measure("adversarial-transfer-over-noise", adversarial_tables(), **chosen)
    assert (found.value, found.units) == (pytest.approx(0.3), 2)
    halves = measure("adversarial-transfer-over-noise", adversarial_tables(), **chosen, training_images="disjoint")
    assert halves.value == pytest.approx(0.4)
    for wrong in ({"adversarial": "other"}, {"method": "fgsm"}, {"size": 0.1}):
        with pytest.raises(NotRun, match="no adversarial examples"):
            measure("fooled-by-method-over-noise", adversarial_tables(), **chosen | wrong)
    with pytest.raises(NotRun, match="gets every image of l-bfgs right"):
        measure("mean-distortion", adversarial_tables(unrounded_misclassified=False), **chosen)
    with pytest.raises(NotRun, match="not of the same classifiers"):
        measure("fooled-by-method-over-noise", adversarial_tables(change="method"), **chosen)
    with pytest.raises(NotRun, match="was shown to a classifier of the other architecture"):
        measure("adversarial-transfer-over-noise", adversarial_tables(), **chosen, relation="other architecture")


def universal_tables() -> Tables:
    """Two networks, each with a perturbation found on few and on many images, and one after fine-tuning."""
    rows = [
        {"classifier": name, "images": images, "round": number, "unseen": unseen, "random": 0.1}
        for name in ("lenet-a", "lenet-b")
        for images, number, unseen in ((10, 0, 0.2), (100, 0, 0.7), (100, 1, 0.4))
    ]
    chosen = {"norm": "linf", "size": 0.2}
    labels = [
        {"classifier": name, "rank": rank, "share": 0.8 / rank} for name in ("lenet-a", "lenet-b") for rank in (1, 2)
    ]
    pairs = pd.DataFrame({"source": ["lenet-a", "lenet-b"], "target": ["lenet-b", "lenet-a"], "excess": [0.2, 0.4]})
    return Tables(
        networks=NETWORKS,
        history={},
        times={},
        start={},
        examined={},
        universal={"one": pd.DataFrame(rows).assign(**chosen)},
        universal_labels={"one": pd.DataFrame(labels).assign(**chosen)},
        universal_transfer={"one": pairs.assign(**chosen, relation="same architecture")},
    )


def test_universal_perturbations_are_measured_by_attack_norm_and_size():
    chosen = {"universal": "one", "norm": "linf", "size": 0.2}
    tables = universal_tables()
    assert measure("universal-rate", tables, **chosen).value == pytest.approx(0.7)
    assert measure("universal-over-random", tables, **chosen).value == pytest.approx(0.6)
    assert measure("universal-over-random", tables, **chosen, round=1).value == pytest.approx(0.3)
    assert measure("universal-transfer-over-random", tables, **chosen).value == pytest.approx(0.3)
    assert measure("universal-dominant-label", tables, **chosen).value == pytest.approx(0.8)
    for wrong in ({"universal": "other"}, {"norm": "l2"}, {"size": 0.1}):
        with pytest.raises(NotRun, match="no universal perturbations"):
            measure("universal-rate", tables, **chosen | wrong)
    with pytest.raises(NotRun, match="no classifiers that were fine-tuned 2 times"):
        measure("universal-rate", tables, **chosen, round=2)
    with pytest.raises(NotRun, match="was shown to a classifier of the other architecture"):
        measure("universal-transfer-over-random", tables, **chosen, relation="other architecture")


def label_only_tables(**columns) -> Tables:
    """Two networks with two seeds and two classes, of which random search finds one; and both pairs of them."""
    names = ("lenet-a", "lenet-b")
    rows = [
        {
            **{"classifier": name, "search": search, "seed": seed, "class_index": index, "found_at": found},
            **{"label_correct": not np.isnan(found), "confidence": confidence},
        }
        for name in names
        for search, last in (("map-elites", (10.0, 0.9)), ("random-search", (np.nan, np.nan)))
        for seed in (1, 2)
        for index, (found, confidence) in enumerate([(10.0, 0.5), last])
    ]
    pairs = pd.DataFrame({"source": [*names, np.nan], "target": [*names[::-1], np.nan], "transferred": [0.4, 0.8, 0.6]})
    return Tables(
        networks=NETWORKS,
        history={},
        times={},
        start={},
        examined={},
        label_only={"labels": pd.DataFrame(rows).assign(**columns)},
        label_only_transfer={"labels": pairs.assign(runs=5)},
    )


def test_detectors_are_judged_by_attacks_that_know_them():
    rows = [
        {"guards": "guards", "classifier": name, "detector": "energy", "static_sure": 0.2, "adaptive_sure": share}
        for name, share in (("lenet-a", 0.9), ("lenet-b", 0.7), ("other", 0.0))
    ]
    tables = Tables(networks=NETWORKS, history={}, times={}, start={}, examined={}, detectors=pd.DataFrame(rows))
    chosen = {"guards": "guards", "detector": "energy"}
    share = measure("adaptive-share-with-detector", tables, **chosen)
    assert (share.value, share.units) == (pytest.approx(0.8), 2)
    assert measure("adaptive-over-static-with-detector", tables, **chosen).value == pytest.approx(0.6)
    nothing = Tables(networks=NETWORKS, history={}, times={}, start={}, examined={})
    for given, wrong in ((tables, {"guards": "other"}), (tables, {"detector": "openmax"}), (nothing, {})):
        with pytest.raises(NotRun, match=r"no detector (energy|openmax) of (guards|other) on classifiers"):
            measure("adaptive-share-with-detector", given, **chosen | wrong)


def test_labels_alone_are_compared_with_random_search_and_transfer():
    chosen = {"label_only": "labels"}
    found = measure("label-only-over-random", label_only_tables(), **chosen)
    assert (found.value, found.units, found.runs) == (pytest.approx(0.7 - 0.25), 2, 4)
    moved = measure("label-only-transfer", label_only_tables(), **chosen)
    assert (moved.value, moved.units, moved.runs) == (pytest.approx(0.6), 2, 10)
    for estimand in ("label-only-over-random", "label-only-transfer"):
        with pytest.raises(NotRun, match="no attack other with labels alone on classifiers"):
            measure(estimand, label_only_tables(), label_only="other")
    with pytest.raises(NotRun, match="the attack labels has no random-search"):
        measure("label-only-over-random", label_only_tables(search="map-elites"), **chosen)
    with pytest.raises(NotRun, match="the classifiers give labels alone"):
        measure("label-only-over-random", label_only_tables(found_at=1.0, confidence=np.nan), **chosen)
