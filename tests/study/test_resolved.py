"""A study file is checked as a whole, and what does not fit is named with what would."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from fooling.attacks.settings import EvolutionSettings
from fooling.findings.runs import ThresholdSettings
from fooling.messages import FoolingError
from fooling.study.resolved import Study, SurveyPlan, resolved_study
from rules.drawings import drawings, runs_of

ROOT = Path(__file__).parents[2]

ASCENT = {"kind": "ascent"}


def _resolved(values: dict[str, Any]) -> Study:
    return resolved_study(values, source="study.yaml")


def _refusal(values: dict[str, Any]) -> str:
    with pytest.raises(FoolingError) as refused:
        _resolved(values)
    return str(refused.value)


def test_entries_are_found_by_name_and_in_the_order_of_the_file(values: dict[str, Any]) -> None:
    study = _resolved(values)
    assert list(study.datasets) == ["digits", "shapes"]
    assert list(study.classifiers) == ["one", "two", "three"]
    assert list(study.experiments) == ["direct", "cppn"]


def test_a_command_is_given_only_its_own_settings(values: dict[str, Any]) -> None:
    study = _resolved(values)
    assert set(study.classifiers["one"].section()) == {
        *("architecture", "options", "seed", "input", "chunk_size", "training")
    }
    assert "name" not in study.datasets["digits"].section()
    assert set(study.experiments["direct"].evolution()) == {"encoding", "search"}
    assert study.findings(ThresholdSettings) == {"threshold": 0.9999}


def test_the_machine_reaches_commands_as_environment_variables(values: dict[str, Any]) -> None:
    values["machine"] = {"device": "cpu", "mirror": "data", "training_processes": 2}
    variables = {"FOOLING_DEVICE": "cpu", "FOOLING_MIRROR": "data", "FOOLING_TRAINING_PROCESSES": "2"}
    assert _resolved(values).machine_variables() == variables


def test_an_unknown_classifier_is_named_with_the_closest_known_one(values: dict[str, Any]) -> None:
    values["experiments"][0]["classifiers"] = ["one", "twoo"]
    message = _refusal(values)
    assert "experiments[direct].classifiers" in message
    assert "found: 'twoo'" in message
    assert "allowed: one of one, two, three" in message
    assert message.endswith("classifiers:\n      - one\n      - two")


@pytest.mark.parametrize("collection", ["datasets", "classifiers", "experiments"])
def test_names_are_unique_whatever_their_case(values: dict[str, Any], collection: str) -> None:
    values[collection].append({**values[collection][0], "name": values[collection][0]["name"].upper()})
    assert "unique names" in _refusal(values)


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", "", "-dash", "two words", "a\n"])
def test_names_are_safe_in_paths(values: dict[str, Any], name: str) -> None:
    values["study"] = name
    assert "- study" in _refusal(values)


def test_the_folder_of_shared_data_sets_is_no_study(values: dict[str, Any]) -> None:
    values["study"] = "datasets"
    assert "any name but 'datasets'" in _refusal(values)


@pytest.mark.parametrize("independent", ["one", "three", "four"])
def test_the_independent_network_is_another_one_of_the_same_data(values: dict[str, Any], independent: str) -> None:
    values["classifiers"][0]["independent"] = independent
    message = _refusal(values)
    assert "classifiers[one].independent" in message
    assert message.endswith("independent: two")


def test_a_classifier_needs_a_known_data_set(values: dict[str, Any]) -> None:
    values["classifiers"][1]["dataset"] = "digit"
    assert "classifiers:\n    - name: two\n      dataset: digits\n" in _refusal(values)


def test_an_experiment_has_classifiers_of_one_data_set(values: dict[str, Any]) -> None:
    values["experiments"][0]["classifiers"] = ["one", "three"]
    assert "classifiers of one data set" in _refusal(values)


def test_an_experiment_names_each_classifier_once(values: dict[str, Any]) -> None:
    values["experiments"][0]["classifiers"] = ["one", "one"]
    assert "unique classifiers" in _refusal(values)


def test_means_fit_the_channels_of_the_data(values: dict[str, Any]) -> None:
    values["classifiers"][2]["input"] = {"mean": [0.5, 0.5, 0.5], "std": [0.2]}
    message = _refusal(values)
    assert "classifiers[three].input.std" in message
    assert "1 numbers for the 3 channels of shapes" in message


def test_a_crop_lies_within_the_images(values: dict[str, Any]) -> None:
    values["classifiers"][0]["input"] = {"crop": 29}
    message = _refusal(values)
    assert "classifiers[one].input.crop" in message
    assert "29, and the images of digits have 28 pixels a side" in message
    assert message.endswith("crop: 28")


def test_ten_views_need_a_crop(values: dict[str, Any]) -> None:
    values["classifiers"][0]["input"] = {"views": "ten"}
    message = _refusal(values)
    assert "classifiers[one].input" in message
    assert "views: ten needs a crop" in message


@pytest.mark.parametrize("architecture", ["alexnet", "squeezenet", "torchvision:resnet18"])
def test_networks_for_colour_are_given_colour(values: dict[str, Any], architecture: str) -> None:
    values["classifiers"][0]["architecture"] = architecture
    message = _refusal(values)
    assert "classifiers[one].architecture" in message
    assert f"{architecture}, which needs colour images, with the grey images of digits" in message


def test_torchvisions_weights_are_for_torchvisions_networks(values: dict[str, Any]) -> None:
    imported = {"kind": "imported", "architecture": "alexnet", "weights": "torchvision"}
    values["classifiers"][2] = {"name": "three", "dataset": "shapes", **imported}
    assert "weights: torchvision need architecture: torchvision:<name>" in _refusal(values)


def test_an_experiment_is_compared_with_another_one(values: dict[str, Any]) -> None:
    values["experiments"][1]["compared_with"] = "cppn"
    assert "experiments[cppn].compared_with" in _refusal(values)


def test_figures_of_an_experiment_are_known(values: dict[str, Any]) -> None:
    values["experiments"][0]["figures"] = ["galery"]
    assert "not 'galery'" in _refusal(values)


def test_numbers_with_an_exponent_are_numbers(values: dict[str, Any]) -> None:
    values["classifiers"][0]["training"] = {"learning_rate": "1e-4"}  # as PyYAML reads 1e-4
    assert _resolved(values).classifiers["one"].section()["training"]["learning_rate"] == 1e-4


def test_comparisons_name_what_is_compared(values: dict[str, Any]) -> None:
    assert _resolved(values).comparisons == [{"reference": "direct", "variants": {"direct": {}, "cppn": {}}}]


def test_a_gradient_ascent_is_what_its_preset_and_itself_say(values: dict[str, Any]) -> None:
    values["attacks"] = [
        {"name": "mild", **ASCENT, "preset": "s-188", "classifiers": ["one"], "steps": 7},
        {"name": "plain", **ASCENT},
    ]
    values["attacks"][1] |= {"classifiers": ["one", "two"], "seeds": {"count": 2}}
    study = _resolved(values)
    mild, plain = (study.attacks[name].section() for name in ("mild", "plain"))
    assert (mild["steps"], mild["blur_radius"], mild["decay"]) == (7, 0.4, 0.001)
    assert (plain["steps"], plain["decay"], plain["seeds"]) == (500, 0, {"first": 1, "count": 2})
    assert not {"name", "kind", "preset", "classifiers"} & set(plain)
    assert study.attacks_on("two") == ["plain"]
    assert study.attacks_on("one") == ["mild", "plain"]


def test_a_sweep_is_tried_on_its_pilots_and_reported_under_its_own_name(values: dict[str, Any]) -> None:
    sweep = [{"early_progress": [0.02, 0.3], "late_progress": [0.9]}, {"method": ["adam"], "learning_rate": [5.0]}]
    tuned = {
        "name": "tuned",
        "kind": "ascent",
        "classifiers": ["one"],
        "pilots": ["two"],
        "sweep": sweep,
        "seeds": {"count": 2},
    }
    values["attacks"] = [{"name": "plain", **ASCENT, "classifiers": ["one", "two"]}, tuned]
    study = _resolved(values)
    assert study.attacks_on("one") == ["plain", "tuned"]
    assert study.attacks_on("two", kind="ascent") == ["plain"]
    tried = study.sweeps["tuned"]
    words = ["early-progress-0.02-late-progress-0.9", "early-progress-0.3-late-progress-0.9", "adam-learning-rate-5.0"]
    assert list(tried) == [f"tuned-{word}" for word in words]
    assert study.pilots_of("tuned") == [("two", f"tuned-{word}") for word in words]
    assert study.pilots_of("plain") == []
    adam = tried[f"tuned-{words[2]}"].section()
    assert (adam["method"], adam["learning_rate"], adam["seeds"]) == ("adam", 5.0, {"first": 1, "count": 2})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"pilots": []}, "both sweep and pilots"),
        ({"pilots": ["one"]}, "one is both"),
        ({"pilots": ["three"]}, "pilots of shapes, for classifiers of digits"),
        ({"pilots": ["twoo"]}, "pilots:\n      - two"),
        ({"sweep": [{"late": [0.1]}]}, "not 'late'"),
        ({"sweep": [{}]}, "no empty mapping"),
        ({"sweep": [{"decay": [0.0, 2.0]}]}, "decay: Input should be less than 1"),
        ({"sweep": [{"method": ["adam"]}]}, "a learning_rate with method adam"),
        ({"sweep": [{"decay": [0.0]}, {"decay": [0.0]}]}, "tuned-decay-0.0 is a duplicate"),
        ({"sweep": [{"steps": list(range(1, 1002))}]}, "at most 1000 settings"),
        ({"name": "plain"}, "unique names"),
    ],
)
def test_a_wrong_sweep_is_refused(values: dict[str, Any], wrong: dict[str, Any], message: str) -> None:
    right = {
        "name": "tuned",
        "kind": "ascent",
        "classifiers": ["one"],
        "pilots": ["two"],
        "sweep": [{"early_progress": [0.02, 0.3]}],
    }
    values["attacks"] = [{"name": "plain", **ASCENT, "classifiers": ["one"]}, right | wrong]
    assert message in _refusal(values)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"preset": "s-189"}, "preset: s-188"),
        ({"classifiers": ["one", "three"]}, "classifiers of one data set"),
        ({"classifiers": ["on"]}, "classifiers:\n      - one"),
        ({"decay": 1.5}, "attacks[a].decay"),
        ({"name": "A"}, "unique names"),
    ],
)
def test_a_wrong_gradient_ascent_is_refused(values: dict[str, Any], wrong: dict[str, Any], message: str) -> None:
    right = {"name": "b", **ASCENT, "classifiers": ["one"]}
    values["attacks"] = [
        {"name": "a", **ASCENT, "classifiers": ["one"]} | ({} if "name" in wrong else wrong),
        right | wrong,
    ]
    if "name" not in wrong:
        values["attacks"][1] = right
    assert message in _refusal(values)


FITTED = {"name": "four", "kind": "fitted", "dataset": "digits", "model": {"kind": "gaussian", "rejects": 0.05}}


@pytest.mark.parametrize(
    "attack", [{"kind": "ascent"}, {"kind": "universal"}, {"kind": "adversarial", "methods": ["fgsm"]}]
)
def test_gradient_attacks_on_fitted_models_are_refused(values: dict[str, Any], attack: dict[str, Any]) -> None:
    values["classifiers"].append(FITTED)
    values["attacks"] = [{"name": "a", "classifiers": ["one", "four"], **attack}]
    assert "found: four, which has no gradients" in _refusal(values)
    values["attacks"][0]["classifiers"] = ["one"]
    _resolved(values)


def test_attacks_by_labels_on_fitted_models_are_allowed(values: dict[str, Any]) -> None:
    values["classifiers"].append(FITTED)
    by_labels = {"kind": "adversarial", "methods": ["hop-skip-jump"], "classifiers": ["four"]}
    values["attacks"] = [{"name": "a", **by_labels}, {"name": "b", "kind": "label-only", "classifiers": ["four"]}]
    _resolved(values)
    values["boundary"] = {"classifiers": ["four"]}
    assert "found: four, which has no gradients" in _refusal(values)


def test_a_model_that_rejects_images_is_no_member_and_labels_nothing(values: dict[str, Any]) -> None:
    values["classifiers"] += [
        FITTED,
        {"name": "both", "kind": "ensemble", "dataset": "digits", "members": ["one", "four"]},
    ]
    assert "classifiers[both].members" in _refusal(values)
    values["classifiers"][-1]["members"] = ["one", "two"]
    values["classifiers"][0]["independent"] = "four"
    assert "classifiers[one].independent" in _refusal(values)


def test_distances_are_measured_on_networks_alone(values: dict[str, Any]) -> None:
    plain = {**FITTED, "model": {"kind": "gaussian"}}
    values["classifiers"] += [
        plain,
        {"name": "both", "kind": "ensemble", "dataset": "digits", "members": ["one", "four"]},
    ]
    values["experiments"][0]["classifiers"] = ["one", "four", "both"]
    study = _resolved(values)
    assert [name for name in study.classifiers if study.has_features(name)] == ["one", "two", "three"]
    assert {name for name in drawings(study) if name.startswith("distances")} == {"distances-one"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"precision": "bfloat16"}, "classifiers[four].precision"),
        ({"model": {"kind": "forest"}}, "random-forest"),
        ({"model": {"kind": "svm", "rejects": 0.1}}, "rejects"),
        ({"architecture": "svm"}, "architecture"),
    ],
)
def test_wrong_settings_of_fitted_models_are_refused(
    values: dict[str, Any], wrong: dict[str, Any], message: str
) -> None:
    values["classifiers"].append(FITTED | wrong)
    assert message in _refusal(values)


def test_ties_are_decided_by_log_odds_only_in_float32(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="only with precision: float32"):
        EvolutionSettings.model_validate({"search": {"ties": "log-odds"}, "precision": "bfloat16"})


@pytest.mark.parametrize("name", ["mnist", "mnist-chains", "models", "imagenet", "imagenet-small", "test/smoke"])
def test_a_study_holds_nothing_of_the_default_one(name: str) -> None:
    default = _resolved(yaml.safe_load((ROOT / "config/config.yaml").read_text()))
    other = _resolved(yaml.safe_load((ROOT / f"config/{name}.yaml").read_text()))
    assert other.name != default.name
    assert not set(other.datasets) & set(default.datasets)
    if name in ("mnist", "models"):
        assert not set(other.classifiers) & set(default.classifiers)
        assert {classifier.dataset for classifier in other.classifiers.values()} == {"mnist"}


def _only_tested_on(values: dict[str, Any], **network: Any) -> dict[str, Any]:
    """The values, with a data set without training images and a network on it."""
    samples = {"name": "samples", "kind": "imagenet", "path": "samples.tar", "train_pictures": 0}
    imported = {"name": "four", "kind": "imported", "dataset": "samples", "architecture": "alexnet", "weights": "w"}
    values["datasets"].append(samples)
    values["classifiers"].append(imported | network)
    values["experiments"].append({"name": "colour", "classifiers": ["four"], "encoding": {"kind": "cppn"}})
    return values


def test_nothing_is_trained_without_training_images(values: dict[str, Any]) -> None:
    trained = {"name": "five", "kind": "trained", "dataset": "samples"}
    values = _only_tested_on(values)
    values["classifiers"].append(trained)
    message = _refusal(values)
    assert "classifiers[five].dataset" in message
    assert "samples, which has no training images" in message


def test_only_pictures_in_a_folder_can_all_be_trained_on(values: dict[str, Any]) -> None:
    network = {"kind": "trained", "training": {"pictures": "all"}}
    folder = {"name": "mine", "kind": "folder", "path": "pictures", "colour": "grey"}
    values["datasets"].append(folder)
    values["classifiers"].append(network | {"name": "four", "dataset": "mine"})
    _resolved(values)
    values["classifiers"].append(network | {"name": "five", "dataset": "digits"})
    message = _refusal(values)
    assert "classifiers[five].training.pictures" in message
    assert "all, of digits, which is of kind digits" in message
    assert "pictures: kept" in message


def test_no_mean_is_subtracted_without_training_images(values: dict[str, Any]) -> None:
    message = _refusal(_only_tested_on(values, input={"subtract_mean": True}))
    assert "classifiers[four].input.subtract_mean" in message
    assert "false, or set mean" in message


def test_without_training_images_no_figure_compares_with_them(values: dict[str, Any]) -> None:
    study = _resolved(_only_tested_on(values))
    comparing = {drawing for drawing in drawings(study) if drawing.startswith(("distances", "resembling"))}
    assert comparing == {"distances-one", "distances-two", "resembling-digits"}
    assert "gallery-colour" in drawings(study)


def test_only_a_study_that_trains_networks_shows_how_they_were_trained(values: dict[str, Any]) -> None:
    assert "training_curves" in drawings(_resolved(values))
    for place, network in enumerate(values["classifiers"]):
        kept = {key: network[key] for key in ("name", "dataset", "independent") if key in network}
        own = {"kind": "imported", "architecture": "lenet", "weights": "own.safetensors"}
        values["classifiers"][place] = {**kept, **own}
    shown = drawings(_resolved(values))
    assert "training_curves" not in shown
    assert "foolability" in shown


def test_the_principle_is_drawn_once_for_each_data_set() -> None:
    study = _resolved(yaml.safe_load((ROOT / "config/config.yaml").read_text()))
    shown = {name for name in drawings(study) if name.startswith(("same_label", "real_and_evolved"))}
    assert shown == {
        *("same_label-lenet-a", "same_label-alexnet"),
        *("real_and_evolved-lenet-a", "real_and_evolved-alexnet"),
    }


def test_champions_are_compared_with_their_class_only_if_an_independent_network_labels_them() -> None:
    study = _resolved(yaml.safe_load((ROOT / "config/config.yaml").read_text()))
    assert [name for name in drawings(study) if name.startswith("resembling")] == ["resembling-digits"]
    pairs = {tuple(run.split("/")[3:5]) for run in runs_of(drawings(study)["resembling-digits"], study)}
    assert pairs == set(itertools.product(("lenet-a", "lenet-b", "lenet-c"), ("direct", "cppn")))


def test_variance_is_divided_only_if_an_experiment_has_several_runs(values: dict[str, Any]) -> None:
    assert "variance_components" in drawings(_resolved(values))
    for experiment in values["experiments"]:
        experiment |= {"classifiers": experiment["classifiers"][:1], "seeds": {"count": 1}}
    values["experiments"].append({**values["experiments"][0], "name": "many", "seeds": {"count": 3}})
    assert "variance_components" in drawings(_resolved(values))
    values["experiments"][-1]["tables"] = "champions"  # without the table that the figure needs
    assert "variance_components" not in drawings(_resolved(values))


def test_presets_and_options_have_figures_if_they_are_compared(values: dict[str, Any]) -> None:
    comparing = {"preset_comparison", "option_effects"}
    default, mnist = (
        _resolved(yaml.safe_load((ROOT / f"config/{name}.yaml").read_text())) for name in ("config", "mnist")
    )
    assert not comparing & set(drawings(default))
    assert comparing & set(drawings(_resolved(values))) == {"preset_comparison"}
    assert comparing <= set(drawings(mnist))


def test_a_figure_of_one_run_shows_the_first_experiment_of_each_encoding() -> None:
    study = _resolved(yaml.safe_load((ROOT / "config/mnist.yaml").read_text()))
    shown = runs_of(drawings(study)["real_and_evolved-lenet-1"], study)
    assert shown == [f"results/mnist/evolution/lenet-1/{name}/seed1.safetensors" for name in ("direct", "cppn")]


def _audits(*networks: dict[str, Any], **settings: Any) -> dict[str, Any]:
    return {"study": "ranking", "audits": {"networks": list(networks), **settings}}


def test_a_study_may_consist_of_audits_alone() -> None:
    study = _resolved(_audits({"name": "one", "network": "torchvision:resnet18"}, budget=800))
    assert not study.datasets and not study.classifiers and not study.experiments
    assert list(study.audited) == ["one"]
    assert study.settings.audits is not None
    assert list(study.settings.audits.seeds.values()) == [1, 2, 3]


@pytest.mark.parametrize("left_out", ["experiments", "audits"])
def test_a_study_without_experiments_has_audits_and_nothing_else(values: dict[str, Any], left_out: str) -> None:
    del values["experiments"]
    if left_out == "experiments":
        values["audits"] = {"networks": [{"name": "one", "network": "torchvision:resnet18"}]}
    message = _refusal(values)
    assert "- experiments\n  found: nothing" in message
    assert "only a study of `audits` has neither" in message
    assert "experiments:\n    - name: cppn\n      classifiers:\n      - one" in message


@pytest.mark.parametrize("network", ["resnet50", "keras:resnet50", "torchvision:", "net.py", "net.txt"])
def test_a_network_to_audit_has_a_known_form(network: str) -> None:
    message = _refusal(_audits({"name": "one", "network": network}))
    assert "- audits.networks[one].network" in message
    assert "allowed: path/to/file.py:function, torchvision:<name>" in message


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("input_shape", "28x28", "channels first"),
        ("input_shape", [2, 28, 28], "channels first"),
        ("divisor", 0, "greater than 0"),
        ("weight", "a.pth", "weights"),
        ("mirror", "somewhere", "unknown key"),
    ],
)
def test_what_is_stated_about_a_network_to_audit_is_checked(key: str, value: Any, allowed: str) -> None:
    message = _refusal(_audits({"name": "one", "network": "net.onnx", key: value}))
    assert f"- audits.networks[one].{key}" in message
    assert allowed in message


def test_networks_to_audit_have_unique_names_and_a_sufficient_budget() -> None:
    one = {"name": "one", "network": "net.onnx"}
    message = _refusal(_audits(one, {**one, "name": "ONE"}))
    assert "- audits.networks\n  found: the name 'one', 2 times" in message
    assert "- audits.budget" in _refusal(_audits(one, budget=100))


def test_the_classifiers_of_distances_to_the_boundary_are_known(values: dict[str, Any]) -> None:
    values["boundary"] = {"classifiers": ["three", "one"]}
    assert "- boundary.classifiers\n  found: classifiers of digits and shapes" in _refusal(values)


def test_a_part_of_the_training_images_is_one_of_its_parts_and_not_retrained(values: dict[str, Any]) -> None:
    values["classifiers"][0]["training"] = {"part": {"number": 3, "of": 2}}
    assert "number: a whole number from 1 to 2" in _refusal(values)
    values["classifiers"][0]["training"] = {"part": {"number": 2}, "pictures": "all"}
    assert "part: only with pictures: kept" in _refusal(values)
    values["classifiers"][0]["training"] = {"part": {"number": 2}}
    assert _resolved(values).classifiers["one"].section()["training"]["part"]["of"] == 2
    values["retraining"] = [{"name": "chain", "classifiers": ["one"], "encoding": {"kind": "cppn"}}]
    assert "- retraining[chain].classifiers\n  found: one, which is trained on a part" in _refusal(values)


def test_the_classifiers_of_inputs_far_from_the_data_are_known_and_of_one_data_set(values: dict[str, Any]) -> None:
    values["far"] = {"classifiers": ["onw"]}
    message = _refusal(values)
    assert "- far.classifiers\n  found: 'onw'" in message
    assert "allowed: one of one, two, three" in message


Values = dict[str, Any]


def survey_of(values: Values, **survey: Any) -> SurveyPlan:
    found = resolved_study(values | {"survey": survey}, source="study.yaml").survey
    assert found is not None
    return found


@pytest.fixture
def with_ascents(values: Values) -> Values:
    """The small study with a gradient ascent on each of its networks for digits, and a crossed experiment."""
    ascents = [
        {"name": "plain", "kind": "ascent", "classifiers": ["one"]},
        {"name": "other", "kind": "ascent", "classifiers": ["two"]},
    ]
    crossed = {
        "name": "options",
        "classifiers": ["one"],
        "encoding": {"kind": "direct"},
        "cross": {"encoding.crossover": ["none", "faulty"]},
    }
    return values | {"attacks": ascents, "experiments": [*values["experiments"], crossed]}


def test_a_study_without_one_has_no_survey(values: Values) -> None:
    assert resolved_study(values, source="study.yaml").survey is None


def test_everything_on_the_first_network_is_shown_where_nothing_is_named(with_ascents: Values) -> None:
    survey = survey_of(with_ascents)
    assert (survey.classifier, survey.experiments, survey.ascents) == ("one", ("direct", "cppn"), ("plain",))
    assert survey.conditions == ("direct", "cppn", "plain", "noise", "real")


def test_what_is_named_is_shown(with_ascents: Values) -> None:
    survey = survey_of(with_ascents, classifier="two", experiments=[])
    assert survey.conditions == ("other", "real")


def test_the_questionnaire_is_given_nothing_of_the_analysis(with_ascents: Values) -> None:
    first, second = (survey_of(with_ascents, fastest_ms=number).questionnaire() for number in (100, 200))
    assert first == second
    assert first["stimuli_per_condition"] == 20


def test_the_analysis_is_given_the_rules_of_exclusion_and_the_margin(with_ascents: Values) -> None:
    expected = {"fastest_ms": 100, "failed_catch_allowed": 1, "too_fast_share": 0.2, "margin": 0.05}
    assert survey_of(with_ascents, fastest_ms=100, margin=0.05).analysis() == expected


@pytest.mark.parametrize(
    ("survey", "reason"),
    [
        ({"classifier": "onne"}, r"survey\.classifier(.|\n)*allowed: one of one, two, three(.|\n)*classifier: one"),
        ({"experiments": ["dircet"]}, r"survey\.experiments(.|\n)*'dircet'(.|\n)*direct, cppn"),
        ({"experiments": ["options-none"]}, "'options-none'"),
        ({"classifier": "two", "experiments": ["cppn"]}, "those on two that are not crossed: direct"),
        ({"ascents": ["other"]}, r"survey\.ascents(.|\n)*'other'(.|\n)*plain"),
        ({"ascents": ["plain", "plain"]}, "more than one condition called 'plain'"),
        ({"stimuli_per_condition": 0}, r"survey\.stimuli_per_condition"),
        ({"post_url": "ftp://here"}, r"survey\.post_url"),
        ({"looks": "best"}, "an unknown key"),
    ],
)
def test_what_does_not_fit_the_study_is_refused(survey: Mapping[str, Any], reason: str, with_ascents: Values) -> None:
    with pytest.raises(FoolingError, match=reason):
        survey_of(with_ascents, **survey)


@pytest.mark.parametrize("name", ["Plain", "real"])
def test_conditions_have_names_of_their_own(name: str, with_ascents: Values) -> None:
    with_ascents["experiments"][0] = with_ascents["experiments"][0] | {"name": name}
    with_ascents["experiments"][1].pop("compared_with", None)
    with pytest.raises(FoolingError, match="more than one condition called"):
        survey_of(with_ascents)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"tables": "champions"}, "with `tables: champions`"),
        ({"cross": {"encoding.crossover": ["none", "faulty"]}}, "with `cross`"),
    ],
)
def test_a_study_without_a_complete_experiment_is_refused(
    values: dict[str, Any], change: dict[str, Any], found: str
) -> None:
    direct = {"name": "direct", "classifiers": [values["classifiers"][0]["name"]], "encoding": {"kind": "direct"}}
    refusal = _refusal({**values, "experiments": [direct | change]})
    assert f"found: direct {found}\n" in refusal and "allowed: at least one without `cross`" in refusal
    _resolved({**values, "experiments": [direct | change, direct | {"name": "whole"}]})
