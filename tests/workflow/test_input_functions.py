"""What rules are given follows from the resolved study: files, options and settings, without running Snakemake."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from snakemake.exceptions import WorkflowError

from checkout import ROOT, SMOKE
from fooling.auditing.settings import CommandSettings
from fooling.messages import FoolingError
from fooling.settings import read_settings
from fooling.study.resolved import Study, resolved_study
from rules.attacks import Attacks, Audits, Experiments
from rules.classifiers import Classifiers, Datasets
from rules.detectors import Guards
from rules.drawings import Figures
from rules.findings import Findings
from rules.page import Page, folder_of
from rules.priorities import CHAIN, CHAINS, FIRST, GALLERY, NETWORKS, PRINCIPLE, SECOND, SHOWN, Priorities
from rules.retraining import Chains, Retrainings
from rules.steps import Needs, as_json, by_wildcards, of_each, one_of, options
from rules.survey import HumanStudy

OWN = "examples/your_network/network.py:build"


class Rules:
    """The objects that the rules of a study use, as in rules/common.smk."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.datasets = Datasets(study)
        self.classifiers = Classifiers(study, self.datasets)
        self.experiments = Experiments(study)
        self.attacks = Attacks(study)
        self.audits = Audits(study)
        self.chains = Chains(study, self.classifiers)
        self.retrainings = Retrainings(study, self.chains)
        self.human_study = HumanStudy(study, self.experiments)
        self.guards = Guards(study, self.classifiers)
        made = (self.experiments, self.attacks, self.audits, self.retrainings, self.guards, self.human_study)
        self.findings = Findings(study, *made)
        self.figures = Figures(study, self.datasets, self.chains, self.human_study)
        self.page = Page(study, self.datasets)


def _rules(change: Callable[[dict[str, Any]], None] = lambda values: None) -> Rules:
    """The objects of the smoke study with its settings changed."""
    values = yaml.safe_load((ROOT / SMOKE).read_text())
    change(values)
    return Rules(resolved_study(values, source=SMOKE))


@pytest.fixture(scope="module")
def smoke_rules() -> Rules:
    return _rules()


def test_a_function_is_called_with_the_wildcards_that_its_parameters_name() -> None:
    wildcards = SimpleNamespace(chain="c", number="2", other="no")
    assert by_wildcards(lambda number, chain: f"{chain}/{number}")(wildcards) == "c/2"
    assert by_wildcards(lambda: "nothing")(wildcards) == "nothing"
    assert of_each(str.upper, lambda chain: ["b", chain, "b"])(wildcards) == ["B", "C"]


def test_options_name_each_file_of_an_input_or_output_once() -> None:
    files = {"history": ["a", "b"], "ascent_times": "c", "none": []}
    given = options("ascent_times", "none", "history", "page")(SimpleNamespace(), files, {"page": "d", "history": "e"})
    assert given == "--ascent-times c --history a --history b --page d"
    with pytest.raises(KeyError, match="histroy"):
        options("histroy")(SimpleNamespace(), files, {})


def test_settings_keep_their_meaning_without_braces_in_strings() -> None:
    settings = {"b": ["{wildcard}"], "a": {"c": 1}}
    assert json.loads(as_json(settings)) == settings
    assert "{wildcard}" not in as_json(settings)


def test_a_constraint_allows_its_names_alone() -> None:
    assert re.fullmatch(one_of(["a.b", "c"]), "a.b")
    assert not re.fullmatch(one_of(["a.b", "c"]), "axb")
    assert not re.fullmatch(one_of([]), "")


def test_large_images_need_larger_jobs() -> None:
    def enlarge(values: dict[str, Any]) -> None:
        values["datasets"][1]["size"] = 100

    small, large = (Needs(rules.study, {}) for rules in (_rules(), _rules(enlarge)))
    assert (small.memory(1500), small.minutes(30), small.decoders) == (1500, 30, 2)
    assert (large.memory(1500), large.memory(9000), large.minutes(30), large.decoders) == (6000, 9000, 300, 8)


def test_gpus_are_requested_where_the_machine_names_one(smoke_rules: Rules) -> None:
    needs = Needs(smoke_rules.study, {"FOOLING_DEVICE": "cuda:1", "FOOLING_TRAINING_PROCESSES": "4"})
    assert (needs.gpus, needs.gpus_in_training) == (1, 4)
    assert Needs(smoke_rules.study, {"FOOLING_DEVICE": "auto"}).gpus_in_training == 0
    with pytest.raises(FoolingError, match=r"FOOLING_TRAINING_PROCESSES(.|\n)*found: 'two'"):
        Needs(smoke_rules.study, {"FOOLING_TRAINING_PROCESSES": "two"})


@pytest.mark.parametrize(("kind", "sees_sizes"), [("folder", True), ("imagenet", False)])
def test_changed_pictures_are_seen_by_their_names_and_those_of_a_folder_by_their_sizes(
    tmp_path: Path, kind: str, sees_sizes: bool
) -> None:
    (tmp_path / "class").mkdir()
    picture = tmp_path / "class/a.png"
    picture.write_bytes(b"1")

    def name_folder(values: dict[str, Any]) -> None:
        next(each for each in values["datasets"] if each["kind"] == kind)["path"] = str(tmp_path)

    datasets = _rules(name_folder).datasets
    (name,) = datasets.of_kind(kind)
    before = datasets.pictures_seen(name)
    picture.write_bytes(b"22")
    assert (datasets.pictures_seen(name) != before) == sees_sizes
    picture.write_bytes(b"3")
    assert datasets.pictures_seen(name) == before
    picture.rename(picture.with_name("b.png"))
    assert datasets.pictures_seen(name) != before


def test_a_tar_file_of_pictures_is_seen_by_its_size_and_a_missing_one_by_its_absence(tmp_path: Path) -> None:
    def name_tar(values: dict[str, Any]) -> None:
        values["datasets"][3] |= {"path": str(tmp_path / "a.tar"), "class_list": str(tmp_path / "classes.csv")}

    datasets = _rules(name_tar).datasets
    assert (datasets.pictures_seen("smoke-imagenet"), datasets.classes_seen("smoke-imagenet")) == ("nothing", "nothing")
    (tmp_path / "a.tar").write_bytes(b"123")
    assert datasets.pictures_seen("smoke-imagenet") == "3 bytes"


def test_weights_are_looked_for_in_the_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def name_weights(values: dict[str, Any]) -> None:
        values["classifiers"][2]["weights"] = "models/some.safetensors"

    monkeypatch.setenv("FOOLING_MIRROR", str(tmp_path))
    classifiers = _rules(name_weights).classifiers
    assert classifiers.weights("own") == ["models/some.safetensors"]
    (tmp_path / "models").mkdir()
    (tmp_path / "models/some.safetensors").touch()
    assert classifiers.weights("own") == [f"{tmp_path}/models/some.safetensors"]


def test_a_network_is_built_by_a_file_of_the_user_or_by_modules_of_the_package(smoke_rules: Rules) -> None:
    classifiers = smoke_rules.classifiers
    files = classifiers.network_files(classifiers.this)
    assert files(SimpleNamespace(classifier="own")) == ["examples/your_network/network.py"]
    assert files(SimpleNamespace(classifier="both")) == []
    assert classifiers.architectures("both") == ["ensemble", "lenet", "lenet"]
    codes = {
        name: classifiers.fingerprint("fooling.cli.training:train", classifiers.this)(SimpleNamespace(classifier=name))
        for name in ("lenet-a", "lenet-b", "own")
    }
    assert codes["lenet-a"] == codes["lenet-b"] != codes["own"]


def test_the_users_files_are_named_for_the_networks_among_the_inputs() -> None:
    def retrain_own(values: dict[str, Any]) -> None:
        values["retraining"][0]["classifiers"] = ["streamed"]
        for key in ("classifiers", "experiments"):  # `hardened` learns from images that fooled lenet-a
            values[key] = [entry for entry in values[key] if entry["name"] != "hardened"]

    rules = _rules(retrain_own)
    dnn2 = rules.chains.file("fooling-class/streamed/champions/dnn2")
    assert dnn2 == "results/smoke/retraining/fooling-class/streamed/champions/dnn2.safetensors"
    for file in (dnn2, rules.classifiers.file("own")):
        named = rules.chains.own_files(SimpleNamespace(), [file, "results/other.csv"])
        assert shlex.split(named) == ["--architecture", OWN]
    assert rules.chains.own_files(SimpleNamespace(), rules.classifiers.members("both")) == ""


def test_runs_have_their_controls_unless_the_experiment_leaves_drift_out(smoke_rules: Rules) -> None:
    experiments = smoke_rules.experiments
    of_one = [Path(run).name for run in experiments.runs_on("direct", "lenet-b")]
    assert of_one == [f"seed{seed}{kind}.safetensors" for seed in (1, 2) for kind in ("", ".random-search", ".drift")]
    (variant,) = experiments.names(drift=False)[:1]
    assert [Path(run).name for run in experiments.all_runs(variant)] == [
        "seed1.safetensors",
        "seed1.random-search.safetensors",
    ]
    assert experiments.evolved("direct") == [
        f"results/smoke/evolution/{name}/direct/seed{seed}.safetensors"
        for name in ("lenet-a", "lenet-b")
        for seed in (1, 2)
    ]


AUDITED = """\
study: ranking
audits:
  budget: 600
  seeds: {first: 4, count: 2}
  networks:
  - {name: own, network: "nets/own.py:build", weights: own.pth, input_shape: 1x8x8, classes: names.txt, mean: [0.5]}
  - {name: package, network: "torchvision:resnet50"}
  - {name: onnx, network: net.onnx, classes: [a, "b, c"], colour: bgr}
"""


def test_a_study_of_audits_alone_has_their_files_and_no_claims() -> None:
    rules = Rules(resolved_study(yaml.safe_load(AUDITED), source="study.yaml"))
    folders = [f"results/ranking/audits/{name}/seed{seed}" for name in ("own", "package", "onnx") for seed in (4, 5)]
    assert rules.audits.files() == [f"{folder}/audit.json" for folder in folders]
    tables = ("audit_seeds", "audit_attacks", "audits")
    assert rules.findings.files() == [f"results/ranking/findings/{name}.csv" for name in tables]
    assert rules.findings.conclusions() == rules.findings.claims == rules.findings.classifiers == []
    assert rules.figures.files() == ["results/ranking/figures/audits.png"]
    assert set(rules.figures.tables("audits")) == set(rules.findings.files())
    assert rules.page.runs() == rules.page.dataset() == []


def test_an_audit_is_given_what_the_study_states_and_nothing_else() -> None:
    audits = Rules(resolved_study(yaml.safe_load(AUDITED), source="study.yaml")).audits
    shared = {"budget": 600, "threshold": 0.9999, "precision": "float32", "single_images": 1000}
    own = {"weights": "own.pth", "input_shape": [1, 8, 8], "classes": "names.txt", "mean": [0.5]}
    assert json.loads(audits.settings("own")) == {**own, **shared}
    assert json.loads(audits.settings("package")) == shared
    assert json.loads(audits.settings("onnx")) == {"classes": ["a", "b, c"], "colour": "bgr", **shared}
    assert audits.network("package") == "torchvision:resnet50"
    for name in ("own", "onnx"):
        assert read_settings(CommandSettings, audits.settings(name)).class_file == (
            Path("names.txt") if name == "own" else None
        )


def test_the_files_of_an_audited_network_are_inputs_and_a_missing_one_is_named_with_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOLING_MIRROR", str(tmp_path))
    audits = Rules(resolved_study(yaml.safe_load(AUDITED), source="study.yaml")).audits
    (tmp_path / "nets").mkdir()
    for file in ("nets/own.py", "names.txt"):
        (tmp_path / file).touch()
    with pytest.raises(WorkflowError, match=r"audits\.networks\[own\]\.weights\n  found: no file own\.pth"):
        audits.network_files("own", "4")
    (tmp_path / "own.pth").touch()
    assert audits.network_files("own", "4") == [
        f"{tmp_path}/{file}" for file in ("nets/own.py", "own.pth", "names.txt")
    ]
    assert audits.network_files("package", "4") == []


def test_test_images_of_an_audited_network_are_a_file_of_its_own_or_a_data_set_of_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, smoke_rules: Rules
) -> None:
    monkeypatch.setenv("FOOLING_MIRROR", str(tmp_path))
    given = yaml.safe_load(AUDITED)
    given["audits"]["networks"][1]["test_images"] = "photos"
    audits = Rules(resolved_study(given, source="study.yaml")).audits
    assert audits.test_images("own", "4") == []
    with pytest.raises(WorkflowError, match=r"audits\.networks\[package\]\.test_images\n  found: no file photos"):
        audits.test_images("package", "4")
    (tmp_path / "photos").mkdir()
    assert audits.test_images("package", "4") == [f"{tmp_path}/photos"]
    assert "test_images" not in audits.settings("package")
    monkeypatch.chdir(tmp_path)
    assert smoke_rules.audits.test_images("lenet", "1") == ["results/datasets/smoke-digits.safetensors"], (
        "made by the study"
    )


def test_a_classifier_file_is_audited_with_the_code_of_every_architecture(smoke_rules: Rules) -> None:
    assert smoke_rules.audits.network_files("lenet", "1") == ["results/smoke/classifiers/lenet-a.safetensors"]
    package = Rules(resolved_study(yaml.safe_load(AUDITED), source="study.yaml")).audits.fingerprint("package")
    assert smoke_rules.audits.fingerprint("lenet") != package


def test_a_sweep_depends_on_its_pilots_and_the_threshold(smoke_rules: Rules) -> None:
    attacks = smoke_rules.attacks
    assert len(attacks.pilots("tuned")) == 3
    assert all("/lenet-b/tuned-" in pilot for pilot in attacks.pilots("tuned"))
    assert (attacks.pilots("regular"), attacks.threshold("regular")) == ([], "")
    assert attacks.threshold("tuned") == "--threshold 0.9999"


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "screened"])
def test_the_precision_of_a_classifier_reaches_evolution_alone(precision: str) -> None:
    def change(values: dict[str, Any]) -> None:
        values["classifiers"][0]["precision"] = precision

    usual, rules = _rules(), _rules(change)
    added = {} if precision == "float32" else {"precision": precision}
    network = "fooling-class/lenet-a/champions/dnn2"
    for found, before in (
        (rules.experiments.settings("cppn", "lenet-a"), usual.experiments.settings("cppn", "lenet-a")),
        (rules.chains.evolution(network), usual.chains.evolution(network)),
    ):
        assert json.loads(found) == json.loads(before) | added
    data = ["results/datasets/smoke-digits.safetensors"] if precision == "screened" else []
    assert rules.classifiers.screened_on("lenet-a") == rules.chains.screened_on(network) == data
    assert rules.experiments.settings("direct", "lenet-b") == usual.experiments.settings("direct", "lenet-b")
    assert rules.classifiers.screened_on("lenet-b") == []
    assert rules.classifiers.settings("lenet-a") == usual.classifiers.settings("lenet-a")
    assert rules.attacks.settings("tuned") == usual.attacks.settings("tuned")


def test_chains_share_their_first_network_which_is_that_of_the_study(smoke_rules: Rules) -> None:
    chains = smoke_rules.chains
    assert chains.file("fooling-class/lenet-a/dnn1") == "results/smoke/classifiers/lenet-a.safetensors"
    assert chains.networks("fooling-class/lenet-a/random") == [
        "fooling-class/lenet-a/dnn1",
        "fooling-class/lenet-a/random/dnn2",
    ]
    assert chains.networks("fooling-class/lenet-a/champions")[0] == chains.networks("fooling-class/lenet-a/random")[0]


def test_a_chain_learns_the_images_of_its_supplier(smoke_rules: Rules) -> None:
    chains = smoke_rules.chains
    images = "results/smoke/retraining/fooling-class/lenet-a/champions/images1.safetensors"
    assert chains.fooling_images("fooling-class/lenet-a/champions", "2") == [images]
    assert chains.fooling_images("fooling-class/lenet-a/nothing", "2") == []
    assert chains.painted() == ["fooling-class/lenet-a/random", "refusing/lenet-a/noise"]
    assert json.loads(chains.painting("refusing/lenet-a/noise", "1"))["encoding"]["kind"] == "direct"


def test_a_retrained_network_has_a_seed_of_its_own_and_names_an_unusual_exposure(smoke_rules: Rules) -> None:
    first, usual, unusual = (
        json.loads(text)
        for text in (
            smoke_rules.classifiers.settings("lenet-a"),
            smoke_rules.chains.retraining("fooling-class/lenet-a/champions", "2"),
            smoke_rules.chains.retraining("refusing/lenet-a/noise", "2"),
        )
    )
    assert usual["network"]["seed"] != first["seed"]
    assert usual["network"] | {"seed": first["seed"]} == first
    assert "exposure" not in usual
    assert unusual["exposure"] == "equal-passes"


def test_networks_that_refuse_are_measured_by_the_same_seeds(smoke_rules: Rules) -> None:
    chains, retrainings = smoke_rules.chains, smoke_rules.retrainings
    assert retrainings.with_refusal() == retrainings.with_longer_runs() == ["refusing"]
    assert retrainings.refusing("refusing") == [f"{chain}/dnn2/refusing" for chain in chains.with_refusal()]
    with_and_without = zip(retrainings.refusing("refusing"), retrainings.last_networks("refusing"), strict=True)
    for refusing, network in with_and_without:
        assert chains.seeds(refusing, "1") == chains.seeds(network, "1")
    assert len(retrainings.runs_against_refusing("refusing")) == len(retrainings.runs_against_last("refusing")) == 2


def test_tables_are_one_for_each_experiment_or_classifier_that_the_pattern_names(smoke_rules: Rules) -> None:
    findings = smoke_rules.findings
    assert [Path(file).stem for file in findings.tables("history/{experiment}.parquet")] == ["direct", "cppn", "models"]
    assert [Path(file).stem for file in findings.tables("real/{classifier}.parquet")] == [
        "lenet-a",
        "lenet-b",
        "bounded",
    ]
    assert len(findings.tables("history/{experiment}.parquet", smoke_rules.study.experiments)) == 6
    assert len(findings.files()) == len(set(findings.files()))


def test_random_images_and_changed_champions_have_a_table_for_each_network_with_experiments(smoke_rules: Rules) -> None:
    findings, folder = smoke_rules.findings, "results/smoke/findings"
    names = ("lenet-a", "lenet-b", "bounded")
    assert findings.families() == [f"{folder}/families/{name}.parquet" for name in names]
    assert findings.stressed("robustness") == [f"{folder}/robustness/{name}.csv" for name in names]
    supernormal = [f"{folder}/supernormal/{name}.parquet" for name in names]
    assert findings.stressed("supernormal") == supernormal
    assert {*findings.families(), *findings.stressed("robustness")} <= set(findings.files())
    assert findings.cppn_modules() == ["fooling.encodings.cppn.encoding"]


def test_only_champions_in_the_cppn_encoding_are_ablated(smoke_rules: Rules) -> None:
    assert smoke_rules.findings.ablations() == ["results/smoke/findings/ablation/lenet-a/cppn.parquet"]


def test_images_are_transferred_where_there_are_several_networks() -> None:
    def leave_one(values: dict[str, Any]) -> None:
        values |= {key: [] for key in ("retraining", "attacks")} | {"experiments": values["experiments"][1:2]}
        values["classifiers"] = [{**values["classifiers"][0], "independent": None}]
        del values["survey"], values["far"]

    assert _rules(leave_one).findings.transfer("pairs.csv") == []
    assert len(_rules().findings.transfer("pairs.csv")) == 3


def test_distances_are_measured_on_networks_alone(smoke_rules: Rules) -> None:
    names = ("lenet-a", "lenet-b")
    assert smoke_rules.findings.distances() == [f"results/smoke/findings/distances/{name}.parquet" for name in names]


def test_people_are_asked_where_the_study_has_a_survey(smoke_rules: Rules) -> None:
    def ask_nobody(values: dict[str, Any]) -> None:
        del values["survey"]

    nobody = _rules(ask_nobody)
    assert nobody.human_study.files() == nobody.human_study.tables("accuracy") == []
    with pytest.raises(WorkflowError, match="the study smoke has no human study"):
        nobody.human_study.questionnaire()
    assert smoke_rules.human_study.questionnaire() == ["results/smoke/survey/questionnaire.json"]
    runs, named = smoke_rules.human_study.runs(), shlex.split(smoke_rules.human_study.run_options())
    assert [name.partition("=")[2] for name in named[1::2]] == runs
    assert all("/lenet-a/" in run for run in runs)


def test_answers_are_analysed_where_there_are_any(tmp_path: Path) -> None:
    def name_folder(values: dict[str, Any]) -> None:
        values["survey"]["response_folder"] = str(tmp_path / "some answers")

    human_study = _rules(name_folder).human_study
    assert human_study.responses() == human_study.tables("accuracy") == []
    (tmp_path / "some answers").mkdir()
    for name in ("b.json", "a.json", ".hidden"):
        (tmp_path / "some answers" / name).touch()
    assert [Path(file).name for file in human_study.responses()] == ["a.json", "b.json"]
    assert human_study.tables("accuracy") == ["results/smoke/findings/survey/accuracy.csv"]
    assert shlex.split(human_study.response_folder()) == [str(tmp_path / "some answers")]


def test_a_figure_is_given_the_inputs_that_it_waits_for(smoke_rules: Rules) -> None:
    figures = smoke_rules.figures
    for name in figures.all:
        inputs = {
            *(*figures.tables(name), *figures.runs(name), *figures.batches(name), *figures.ascents(name)),
            *(*figures.stimuli(name), *figures.dataset(name), *figures.examples(name)),
        }
        given = shlex.split(figures.drawn_from(name))
        assert {value.rpartition("=")[2] for value in given[1::2]} == inputs, name


def test_all_modules_are_found_wherever_the_workflow_comes_from() -> None:
    (listed,) = re.findall(r"MODULES = (\(.*?\))", (ROOT / "rules/common.smk").read_text(), flags=re.DOTALL)
    assert set(ast.literal_eval(listed)) == {path.stem for path in ROOT.glob("rules/*.py")}
    (found,) = re.findall(r"find_modules(\(.*?\))", (ROOT / "Snakefile").read_text(), flags=re.DOTALL)
    assert set(ast.literal_eval(found)) == {"sharing/__init__.py", *_imported("sharing", from_text="Snakefile")}


def _imported(package: str, *, from_text: str) -> set[str]:
    """The files of this package that a file imports, directly or not."""
    named = re.findall(rf"^from ({package}\.\w+) import", (ROOT / from_text).read_text(), flags=re.MULTILINE)
    files = {f"{name.replace('.', '/')}.py" for name in named}
    return files.union(*(_imported(package, from_text=file) for file in files))


def test_rules_know_nothing_of_sharing_and_have_no_lambdas() -> None:
    for path in ROOT.glob("rules/*"):
        if path.is_file():
            text = path.read_text()
            assert not re.search(r"^\s*(from|import) sharing", text, flags=re.MULTILINE), path.name
            assert "lambda" not in text, path.name


def test_the_jobs_of_the_first_gallery_go_first(smoke_rules: Rules) -> None:
    priorities = Priorities(smoke_rules.study)
    assert priorities.figure("gallery-direct") == GALLERY
    assert priorities.dataset("smoke-digits") == GALLERY
    assert priorities.network("lenet-a") == priorities.network("lenet-b") == GALLERY  # lenet-b is independent
    assert priorities.calibration("lenet-a") == GALLERY
    assert priorities.examination("lenet-a", "direct") == GALLERY
    assert priorities.run("lenet-a", "direct", "1") == priorities.run("lenet-a", "direct", "2") == GALLERY


def test_then_the_principle_then_what_takes_seconds_then_the_chain_that_is_shown(smoke_rules: Rules) -> None:
    priorities = Priorities(smoke_rules.study)
    assert priorities.figure("same_label-lenet-a") == priorities.run("lenet-a", "cppn", "1") == PRINCIPLE
    assert priorities.run("lenet-a", "cppn", "2") == priorities.classifier("lenet-a") == FIRST
    assert priorities.figure("gallery-cppn") == priorities.examination("lenet-a", "cppn") == SHOWN
    (chain, *_) = smoke_rules.chains.filled_with("champions")
    (control, *_) = smoke_rules.chains.filled_with("nothing")
    assert priorities.chain(chain) == priorities.chained(f"{chain}/dnn2") == CHAIN
    assert priorities.chained(chain.replace("champions", "dnn1")) == CHAIN
    assert priorities.chain(control) == priorities.chained(f"{control}/dnn2") == CHAINS
    assert GALLERY > PRINCIPLE > SHOWN > CHAIN > FIRST > SECOND > NETWORKS > CHAINS


def test_classifiers_are_worked_on_in_the_order_of_the_study_from_the_one_of_the_gallery_on() -> None:
    def reorder(values: dict[str, Any]) -> None:
        values["classifiers"].insert(0, values["classifiers"].pop(3))
        values.pop("survey")  # its ascents are those on the first classifier

    study = _rules(reorder).study
    assert list(study.classifiers) == ["streamed", "lenet-a", "lenet-b", "own", "hardened", "both", "bounded"]
    order = [Priorities(study).classifier(name) for name in ("lenet-a", "streamed", "lenet-b", "own", "both")]
    assert order[:2] == [FIRST, SECOND]
    assert CHAINS > order[2] > order[3] == order[4] > 0


def test_a_gallery_waits_for_the_first_classifier_alone() -> None:
    rules = _rules(lambda values: values["experiments"][0].update(classifiers=["lenet-a", "lenet-b"]))
    assert rules.figures.tables("gallery-direct") == ["results/smoke/findings/examined/lenet-a/direct.parquet"]
    assert all("/lenet-a/" in run for run in rules.figures.runs("gallery-direct"))


def test_a_study_without_gallery_makes_networks_first() -> None:
    def without_gallery(values: dict[str, Any]) -> None:
        values["experiments"][0]["figures"].remove("gallery")

    priorities = Priorities(_rules(without_gallery).study)
    assert priorities.network("lenet-a") == priorities.dataset("smoke-digits") == NETWORKS
    assert priorities.figure("same_label-lenet-a") == SHOWN
    assert priorities.run("lenet-a", "direct", "1") == FIRST


def test_figures_have_the_formats_of_the_study() -> None:
    rules = _rules(lambda values: values["figures"].update(formats=["png", "pdf"]))
    assert rules.figures.pdf_outputs() == ["<results>/figures/{figure}.pdf"]
    assert {Path(file).suffix for file in rules.figures.files()} == {".png", ".pdf"}
    assert {Path(file).suffix for file in rules.figures.files("png")} == {".png"}
    assert _rules().figures.pdf_outputs() == []


def test_the_report_shows_the_first_runs_on_each_classifier_and_repeats_the_first() -> None:
    rules = _rules(lambda values: values["experiments"][0].update(classifiers=["lenet-a", "lenet-b"]))
    folder = "results/smoke/evolution"
    assert rules.page.runs() == [
        f"{folder}/{classifier}/direct/seed{seed}.safetensors"
        for classifier in ("lenet-a", "lenet-b")
        for seed in (1, 2)
    ]
    assert rules.page.runs_options().startswith(
        f"--runs direct={folder}/lenet-a/direct/seed1.safetensors --runs direct="
    )
    assert rules.page.replays() == [f"{folder}/lenet-a/direct/seed1.replay.safetensors"]
    assert rules.page.replays_options() == f"--replays direct={folder}/lenet-a/direct/seed1.replay.safetensors"
    assert rules.page.dataset() == ["results/datasets/smoke-digits.safetensors"]


def test_runs_on_large_images_are_not_repeated_for_the_report() -> None:
    rules = _rules(lambda values: values["datasets"][0].update(size=128))
    assert rules.page.runs()
    assert rules.page.replays() == []


def test_a_study_without_gallery_has_no_images_on_its_report() -> None:
    rules = _rules(lambda values: values["experiments"][0]["figures"].remove("gallery"))
    assert rules.page.runs() == rules.page.replays() == rules.page.dataset() == []


def test_the_folder_of_a_recorded_study_is_passed_if_it_is_there() -> None:
    of_files = folder_of("recorded")
    files = {"recorded": ["docs/results/mnist/record.json"]}
    assert of_files(SimpleNamespace(), files) == "--recorded docs/results/mnist"  # type: ignore[arg-type]
    assert of_files(SimpleNamespace(), {"recorded": []}) == ""  # type: ignore[arg-type]


def test_inputs_far_from_the_data_are_measured_on_the_networks_and_their_chains(smoke_rules: Rules) -> None:
    findings = smoke_rules.findings
    assert findings.far_names()[:3] == findings.far_built() == ["lenet-a", "lenet-b", "own"]
    fillings = ("champions", "random", "nothing")
    chained = [f"fooling-class/lenet-a/{filling}/dnn2" for filling in fillings]
    chained += [f"refusing/lenet-a/{filling}/dnn2" for filling in ("noise", "nothing")]
    assert findings.far_names()[3:] == chained
    assert findings.far_files() == [
        *(f"results/smoke/classifiers/{name}.safetensors" for name in ("lenet-a", "lenet-b", "own")),
        *(f"results/smoke/retraining/{name}.safetensors" for name in chained),
    ]
    assert findings.far_dataset() == ["results/datasets/smoke-digits.safetensors"]
    settings = json.loads(findings.far_settings())
    assert settings == {
        **{"inputs": 100, "rays": 5, "doublings": 10, "seed": 1, "threshold": 0.9999},
        "confidence_level": 0.95,
    }
    assert smoke_rules.figures.tables("rays") == ["results/smoke/findings/far/rays.csv"]


def test_distances_to_the_boundary_are_measured_on_the_runs_of_the_plain_experiments(smoke_rules: Rules) -> None:
    findings = smoke_rules.findings
    assert findings.boundary_classifiers() == ["lenet-a"]
    assert findings.boundary_files() == ["results/smoke/classifiers/lenet-a.safetensors"]
    assert findings.boundary_dataset() == ["results/datasets/smoke-digits.safetensors"]
    assert findings.boundary_runs() == [
        f"results/smoke/evolution/lenet-a/{name}/seed{seed}.safetensors"
        for name in ("direct", "cppn")
        for seed in (1, 2)
    ]
    assert findings.boundary_runs_options().startswith("--runs direct=results/smoke/evolution/lenet-a/direct/seed1")
    assert json.loads(findings.boundary_settings()) == {"images": 3, "overshoot": 0.02, "seed": 1}
    assert smoke_rules.figures.tables("boundary") == findings.boundary() == ["results/smoke/findings/boundary.parquet"]


def test_the_first_network_is_fooled_in_every_way_that_the_study_has(smoke_rules: Rules) -> None:
    findings = smoke_rules.findings
    assert (findings.kinds_classifier(), findings.kinds_other()) == (["lenet-a"], ["lenet-b"])
    assert findings.kinds_runs() == [
        f"results/smoke/evolution/lenet-a/{name}/seed1.safetensors" for name in ("direct", "cppn")
    ]
    assert findings.kinds_attacks("ascent") == ["results/smoke/ascent/lenet-a/regular.safetensors"]
    assert findings.kinds_attacks("adversarial") == ["results/smoke/adversarial/lenet-a/small-changes.safetensors"]
    assert findings.kinds_families("families") == ["results/smoke/findings/families/lenet-a.parquet"]
    assert smoke_rules.figures.tables("kinds") == findings.kinds() == ["results/smoke/findings/kinds.parquet"]


def test_all_classifiers_of_plain_experiments_are_compared_with_random_search(smoke_rules: Rules) -> None:
    findings = smoke_rules.findings
    names = ["lenet-a", "lenet-b", "bounded"]
    assert findings.compared() == names
    assert findings.compared_files() == [f"results/smoke/classifiers/{name}.safetensors" for name in names]
    assert findings.compared_runs() == [
        f"results/smoke/evolution/{classifier}/{name}/seed{seed}{search}.safetensors"
        for name, classifier, seeds in (
            *(("direct", "lenet-a", 2), ("direct", "lenet-b", 2), ("cppn", "lenet-a", 2)),
            ("models", "bounded", 1),
        )
        for seed in range(1, seeds + 1)
        for search in ("", ".random-search")
    ]
    assert (
        smoke_rules.figures.tables("fooled") == findings.fooled("fooled.csv") == ["results/smoke/findings/fooled.csv"]
    )


def test_a_study_without_the_key_measures_no_distances_to_the_boundary() -> None:
    rules = _rules(lambda values: values.pop("boundary"))
    assert rules.findings.boundary() == rules.findings.boundary_files() == rules.findings.boundary_runs() == []
    assert "boundary" not in rules.figures.all


def test_a_study_without_the_key_measures_no_inputs_far_from_the_data() -> None:
    rules = _rules(lambda values: values.pop("far"))
    assert rules.findings.far_names() == rules.findings.far_files() == rules.findings.far_dataset() == []
    assert rules.findings.far("rubbish.csv") == []
    assert not {"rubbish", "rays"} & set(rules.figures.all)


def test_each_detector_is_attacked_in_every_way_beside_the_network_without_one() -> None:
    def with_two(values: dict[str, Any]) -> None:
        (entry,) = values["detectors"]
        entry |= {"classifiers": ["lenet-a", "own"], "detectors": [{"kind": "energy"}, {"kind": "disagreement"}]}

    guards = _rules(with_two).guards
    folder = "results/smoke/detectors/guards"
    assert guards.network("guards", "own", "none") == "results/smoke/classifiers/own.safetensors"
    assert guards.smooth("guards", "own", "energy") == f"{folder}/own/energy/smooth.safetensors"
    assert guards.others("guards", "own", "disagreement") == ["results/smoke/classifiers/lenet-a.safetensors"]
    assert guards.others("guards", "own", "energy") == []
    assert (
        len(guards.attacks("evolution")) == len(guards.attacks("random-search")) == len(guards.attacks("ascent")) == 6
    )
    assert len(guards.attacks("smooth-evolution")) == 4
    assert f"--smooth guards/own/energy={folder}/own/energy/smooth-evolution.safetensors" in guards.measured()
    assert guards.own_files("guards") == f"--architecture {OWN}"
    assert json.loads(guards.settings("guards", "energy"))["detector"] == {"kind": "energy", "temperature": 1.0}
    assert guards.tables()[0] == "results/smoke/findings/detectors.csv"


def test_a_study_without_the_key_has_no_detectors() -> None:
    rules = _rules(lambda values: values.pop("detectors"))
    assert rules.guards.files() == rules.guards.tables() == rules.guards.kinds() == []
    assert not {"detectors", "detector_gallery"} & set(rules.figures.all)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classifiers": ["lenet-z"]}, "lenet-z"),
        ({"detectors": [{"kind": "energy"}, {"kind": "energy"}]}, "energy is there twice"),
        ({"detectors": [{"kind": "disagreement"}]}, "disagreement needs at least two classifiers"),
        ({"detectors": [{"kind": "magic"}]}, "magic"),
        ({"rejects": 1.0}, "rejects"),
        ({"rejects": 0}, "rejects"),
    ],
)
def test_inconsistent_detectors_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(FoolingError, match=message):
        _rules(lambda values: values["detectors"][0].update(changes))
