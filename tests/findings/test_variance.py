"""Variance components against simulations, statsmodels and arithmetic by hand; sets of classes by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api
import statsmodels.formula.api

from fooling.findings.runs import champions_table
from fooling.findings.variance import ClassSetSettings, class_set_table, classes_table, components_of, variance_table
from fooling.messages import FoolingError
from fooling.settings import read_settings

COMPONENTS = ["classifier", "seed", "class", "classifier:seed", "classifier:class", "seed:class", "residual"]


def simulated(shape: tuple[int, int, int], variances: dict[str, float], generator: np.random.Generator) -> np.ndarray:
    axes = {"classifier": 0, "seed": 1, "class": 2}
    total = np.zeros(shape)
    for component, variance in variances.items():
        named = axes if component == "residual" else component.split(":")
        size = [shape[axis] if name in named else 1 for name, axis in axes.items()]
        total += generator.normal(scale=np.sqrt(variance), size=size)
    return total


def test_known_components_are_found_on_average():
    generator = np.random.default_rng(0)
    truth = dict(zip(COMPONENTS, [4.0, 1.0, 3.0, 0.5, 2.0, 0.7, 1.5], strict=True))
    found = [components_of(simulated((8, 12, 10), truth, generator)).set_index("component") for _ in range(300)]
    mean = pd.concat([table["variance"] for table in found], axis=1).mean(axis=1)
    assert mean.to_dict() == pytest.approx(truth, rel=0.15)


def test_mean_squares_agree_with_statsmodels():
    """The components rebuilt into mean squares, against an analysis of variance of the same numbers."""
    shape = (3, 4, 5)
    truth = dict.fromkeys(COMPONENTS, 1.0)
    values = simulated(shape, truth | {"classifier": 30, "seed": 30, "class": 30}, np.random.default_rng(1))
    index = pd.MultiIndex.from_product([range(levels) for levels in shape], names=["n", "s", "k"])
    data = pd.DataFrame({"y": values.ravel()}, index=index).reset_index()
    model = statsmodels.formula.api.ols("y ~ C(n) * C(s) + C(n) * C(k) + C(s) * C(k)", data).fit()
    anova = statsmodels.api.stats.anova_lm(model)
    table = components_of(values).set_index("component")
    assert (table["variance"] > 0).all()  # nothing was cut off, so that the squares can be rebuilt
    v = table["variance"]
    residual = v["residual"]
    expected = {
        "Residual": residual,
        "C(n):C(s)": residual + 5 * v["classifier:seed"],
        "C(s):C(k)": residual + 3 * v["seed:class"],
        "C(n)": residual + 5 * v["classifier:seed"] + 4 * v["classifier:class"] + 20 * v["classifier"],
        "C(k)": residual + 4 * v["classifier:class"] + 3 * v["seed:class"] + 12 * v["class"],
    }
    assert {term: anova.loc[term, "sum_sq"] / anova.loc[term, "df"] for term in expected} == pytest.approx(expected)
    assert table["degrees_of_freedom"].to_dict() == {
        "classifier": 2, "seed": 3, "class": 4, "classifier:seed": 6, "classifier:class": 8, "seed:class": 12,
        "residual": 24,
    }  # fmt: skip


def test_two_factors_agree_with_restricted_maximum_likelihood():
    """One network: seed and class of a mixed model, which restricted maximum likelihood estimates by iteration."""
    values = simulated((1, 12, 6), {"seed": 4.0, "class": 2.0, "residual": 1.0}, np.random.default_rng(2))
    data = pd.DataFrame(values[0]).stack().rename("y").rename_axis(["s", "k"]).reset_index()
    formulas = {"seed": "0 + C(s)", "class": "0 + C(k)"}
    model = statsmodels.api.MixedLM.from_formula("y ~ 1", data, groups=np.ones(len(data)), vc_formula=formulas)
    fitted = model.fit(reml=True)
    expected = dict(zip(sorted(formulas), fitted.vcomp, strict=True)) | {"residual": fitted.scale}
    found = components_of(values).set_index("component")["variance"]
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-3)


def test_one_network_says_what_it_cannot_tell():
    values = simulated((1, 5, 10), {"seed": 1.0, "class": 1.0, "residual": 1.0}, np.random.default_rng(3))
    table = components_of(values).set_index("component")
    told = table["variance"].notna()
    assert told[told].index.tolist() == ["seed", "class", "residual"]
    assert table["share"].sum() == pytest.approx(1)
    assert table.loc["classifier", "note"] == "not estimable: one classifier"
    assert table.loc["classifier:seed", "note"] == "not estimable: one classifier"
    assert table.loc["seed", "note"] == "contains classifier:seed"
    assert table.loc["seed:class", "note"] == "not distinguishable from the residual"
    assert table.loc["residual", "note"] == "contains seed:class"


def test_one_run_leaves_everything_in_the_residual():
    values = np.random.default_rng(4).normal(size=(1, 1, 10))
    table = components_of(values).set_index("component")
    assert table["variance"].dropna().to_dict() == {"residual": pytest.approx(values.var(ddof=1))}
    assert table.loc["classifier:seed", "note"] == "not estimable: one classifier and one seed"


def test_equal_champions_have_no_shares():
    table = components_of(np.ones((2, 3, 4)))
    assert (table["variance"] == 0).all()
    assert table["share"].isna().all()


def test_each_experiment_and_search_is_split_on_its_own(make_run):
    runs = [
        make_run([[0.1 * seed, 0.2, 0.5]], classifier=classifier, search=search, seed=seed)
        for classifier in ("a", "b")
        for search in ("drift", "map-elites")
        for seed in (1, 2, 3)
    ]
    table = variance_table(champions_table(runs, experiment="noise"))
    assert table[["experiment", "search"]].drop_duplicates().to_numpy().tolist() == [
        ["noise", "drift"],
        ["noise", "map-elites"],
    ]
    assert table["component"].tolist() == COMPONENTS * 2
    assert set(table["quantity"]) == {"log_odds"}


def test_a_single_value_has_no_components():
    table = components_of(np.zeros((1, 1, 1)))
    assert table["variance"].isna().all()
    assert (table["degrees_of_freedom"] == 0).all()


def test_values_that_differ_by_their_rounding_have_no_variance():
    values = np.full((2, 3, 4), np.log(1 / 2))
    values[:, :, 1] = np.nextafter(values[0, 0, 0], 0)
    components = components_of(values)
    assert (components["variance"] == 0).all()
    assert components["share"].isna().all()
    assert components_of(values + np.arange(4) * 1e-9).set_index("component")["share"]["class"] > 0.99


def champions(confidences: np.ndarray, individuals: np.ndarray | None = None) -> pd.DataFrame:
    """The table of champions of one network, (seeds, classes); each class has its own image if none are given."""
    seeds, classes = np.indices(confidences.shape).reshape(2, -1)
    images = classes if individuals is None else individuals.ravel()
    run = {"classifier": "lenet-a", "experiment": "cppn", "encoding": "cppn", "search": "map-elites"}
    return pd.DataFrame(
        {**{"seed": seeds, "class_index": classes, "confidence": confidences.ravel()}, "individual": images, **run}
    )


def compared(
    confidences: np.ndarray, sets: dict[str, list[tuple[int, int]]], individuals: np.ndarray | None = None
) -> pd.DataFrame:
    settings = ClassSetSettings(class_sets=sets, bootstrap_samples=999)
    classes = classes_table(champions(confidences, individuals), settings)
    return class_set_table(classes, settings).set_index("class_set")


def test_a_class_counts_once_with_the_median_of_its_runs():
    found = compared(
        np.array([[0.1, 0.9, 0.5, 0.3], [0.2, 0.8, 0.5, 0.4], [0.9, 0.7, 0.5, 0.2]]), {"ends": [(0, 0), (3, 3)]}
    )
    row = found.loc["ends"]
    assert (row["classes"], row["other_classes"], row["runs"]) == (2, 2, 3)
    assert row["median"] == pytest.approx((0.2 + 0.3) / 2)
    assert row["median_elsewhere"] == pytest.approx((0.8 + 0.5) / 2)
    assert row["superiority"] == 0


def test_superiority_counts_pairs_and_ties_half():
    generator = np.random.default_rng(1)
    values = generator.integers(0, 6, 30) / 6
    row = compared(values[None], {"some": [(0, 4), (20, 29)]}).loc["some"]
    inside, others = values[[*range(5), *range(20, 30)]], values[5:20]
    pairs = [(a > b) + 0.5 * (a == b) for a in inside for b in others]
    assert row["superiority"] == pytest.approx(np.mean(pairs))
    assert row["low"] <= row["superiority"] <= row["high"]


@pytest.mark.parametrize("sharing", [1, 8])
@pytest.mark.slow
def test_the_interval_covers_at_its_rate_also_where_classes_share_champions(sharing: int) -> None:
    generator = np.random.default_rng(2)
    images = np.arange(400) // sharing
    held = []
    for _ in range(120):
        values = generator.uniform(size=(1, 400 // sharing)).repeat(sharing, axis=1)
        row = compared(values, {"some": [(0, 159)]}, images).loc["some"]
        assert (row["groups"], row["other_groups"]) == (160 // sharing, 240 // sharing)
        held.append(row["low"] <= 0.5 <= row["high"])
    assert 0.89 <= np.mean(held) <= 0.995


def test_classes_linked_by_any_run_are_one_group_and_too_few_have_no_interval() -> None:
    confidences = np.linspace(0, 1, 16).reshape(2, 8)
    images = np.array([[0, 0, 1, 2, 3, 4, 5, 6], [0, 1, 1, 2, 3, 4, 5, 5]])  # 0-1-2 are linked, and 6-7
    settings = ClassSetSettings(class_sets={"low": [(0, 3)]}, bootstrap_samples=99)
    classes = classes_table(champions(confidences, images), settings)
    numbers = classes["group"].tolist()
    assert numbers[0] == numbers[1] == numbers[2]
    assert numbers[6] == numbers[7]
    assert len(set(numbers)) == 5
    row = compared(confidences, {"low": [(0, 3)]}, images).loc["low"]
    assert (row["groups"], row["other_groups"]) == (2, 3)
    assert np.isnan(row["low"])
    assert np.isnan(row["high"])
    assert "fewer than 3 groups" in row["note"]


def test_one_run_says_nothing_of_other_seeds() -> None:
    assert "other seeds" in compared(np.linspace(0, 1, 10)[None], {"low": [(0, 4)]}).loc["low", "note"]
    assert compared(np.linspace(0, 1, 20).reshape(2, 10), {"low": [(0, 4)]}).loc["low", "note"] == ""


def test_every_set_is_compared_on_its_own():
    found = compared(np.linspace(0, 1, 10)[None], {"low": [(0, 4)], "odd": [(1, 1), (3, 3)]})
    assert found["superiority"].tolist() == pytest.approx([0, 3 / 16])


def test_without_sets_there_are_no_rows():
    assert compared(np.ones((1, 3)), {}).empty


@pytest.mark.parametrize("stretches", [[(0, 10)], [(0, 9)]])
def test_a_set_that_leaves_nothing_to_compare_is_refused(stretches):
    with pytest.raises(FoolingError, match=r"findings\.class_sets: the set 'all' cannot be compared(.|\n)*0 to 9"):
        compared(np.ones((1, 10)), {"all": stretches})


@pytest.mark.parametrize("stretches", ["[[5, 3]]", "[[3, 5], [4, 8]]", "[[6, 8], [1, 2]]", "[[0, 2], [2, 3]]", "[]"])
def test_stretches_that_do_not_ascend_are_refused(stretches):
    with pytest.raises(FoolingError, match=r"class_sets"):
        read_settings(ClassSetSettings, f'{{"class_sets": {{"some": {stretches}}}}}')
