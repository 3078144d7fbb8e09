"""The workflow keeps to its conventions: lint, format, one rule per command, pins that agree, settings that hold."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from checkout import ROOT, SMOKE, Checkout
from fooling.cli.main import commands, function_of

RULES = sorted(ROOT.glob("rules/*.smk"))


def test_the_workflow_is_free_of_lint(fresh_checkout: Checkout) -> None:
    assert "good condition" in fresh_checkout.run("snakemake", "--lint")


def test_the_workflow_is_formatted() -> None:
    command = [Path(sys.executable).with_name("snakefmt"), "--check", "Snakefile", "rules", "workflow"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


#: Commands that no study needs: they write files of the repository, show a file, or plan a study.
BY_HAND = ("write-config", "build-site", "freeze-claims", "record", "show", "survey power", "survey simulate")


def test_every_command_is_a_step_of_the_workflow() -> None:
    shells = "".join(path.read_text() for path in RULES)
    called = set(re.findall(r'"fooling ((?:survey )?[a-z-]+(?:\{params\.\w+\})?) ', shells))
    for command in commands():
        by_pattern = {re.sub(r"(digits|shapes|mnist|folder|imagenet)$", "{params.kind}", command)}
        by_pattern |= {re.sub(r"(direct|cppn)$", "{params.encoding}", command)}
        assert command in BY_HAND or called & (by_pattern | {command}), f"no rule calls `fooling {command}`"


def test_every_command_that_loads_a_classifier_is_given_its_own_files() -> None:
    shells = re.findall(
        r"    shell:\n(.*?)(?:\n\n|\Z)", "\n\n".join(path.read_text() for path in RULES), flags=re.DOTALL
    )
    given = {
        re.sub(r"\{params\.\w+\}", "cppn", shell.split('"fooling ')[1]) for shell in shells if "own_files" in shell
    }
    for command in commands():
        if "architecture" in inspect.signature(function_of(command)).parameters:
            assert any(shell.startswith(f"{command.replace('direct', 'cppn')} ") for shell in given), command


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_every_rule_says_what_it_takes(path: Path) -> None:
    for rule in re.split(r"\n(?=rule \w+:)", path.read_text())[1:]:
        directives = re.findall(r"^    (\w+):", rule, flags=re.MULTILINE)
        for directive in ("log", "benchmark", "conda", "resources", "message"):
            assert directive in directives, rule.splitlines()[0]
        assert re.search(r"mem_mb=(memory\()?\d+", rule) and re.search(r"runtime=(minutes\()?\d+", rule), (
            rule.splitlines()[0]
        )
        assert "code=" in rule and "environment=" in rule, rule.splitlines()[0]


def test_environments_pin_what_the_constraints_pin() -> None:
    pins = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"python_full_version": "3.11.0"}):
            pins[requirement.name] = str(requirement.specifier)
    environments = sorted(ROOT.glob("envs/*.yaml"))
    assert environments
    for path in environments:
        python, _, packages = yaml.safe_load(path.read_text())["dependencies"]
        assert python == "python=3.11"
        for package in map(Requirement, packages["pip"]):
            assert str(package.specifier) == pins[package.name], f"{path.name}: {package.name}"
        assert path.with_name(f"{path.stem}.post-deploy.sh").is_file()


def _effective(checkout: Checkout, *calls: tuple[str, ...]) -> list[dict[str, str]]:
    """Every setting of Snakemake in each of these calls, as text."""
    code = (
        "import json, sys\n"
        "from snakemake.cli import parse_args\n"
        "def told(value):\n"
        "    return sorted(map(str, value)) if isinstance(value, set) else getattr(value, '__dict__', value)\n"
        "for call in json.loads(sys.argv[1]):\n"
        "    _, args = parse_args(call)\n"
        "    print('EFFECTIVE', json.dumps({name: str(told(value)) for name, value in vars(args).items()}))"
    )
    said = checkout.run(sys.executable, "-c", code, json.dumps(calls)).splitlines()
    return [json.loads(line.removeprefix("EFFECTIVE")) for line in said if line.startswith("EFFECTIVE")]


def test_the_default_profile_is_in_force(fresh_checkout: Checkout) -> None:
    (effective,) = _effective(fresh_checkout, ())
    assert int(effective["max_checksum_file_size"]) >= 10**12
    assert {effective[name] for name in ("rerun_incomplete", "keep_going", "show_failed_logs")} == {"True"}


def test_every_setting_of_a_profile_is_in_force_beside_the_default_one(fresh_checkout: Checkout) -> None:
    no_default, profiles = ("--workflow-profile", "none"), ("slurm", "gpu")
    chosen = [("--profile", f"profiles/{profile}") for profile in profiles]
    calls = ((*no_default, "--cores", "7"), (), *chosen, *((*no_default, *profile) for profile in chosen))
    none, default, *effective = _effective(fresh_checkout, *calls)
    for profile, both, alone in zip(profiles, effective[:2], effective[2:], strict=True):
        for name in _settings_in(profile):
            assert both[name] == alone[name] != none[name], name
        for name in _settings_in("default"):
            assert both[name] == default[name] != none[name], name


def _settings_in(profile: str) -> set[str]:
    """The settings that a profile names."""
    named = yaml.safe_load((ROOT / "profiles" / profile / "config.yaml").read_text())
    return {key.replace("-", "_") for key in named if not key.startswith("__")}


def test_retries_are_snakemakes_alone() -> None:
    for path in RULES:
        assert "retries" not in path.read_text(), f"{path.name}: inside its allocation a job must not be retried"
    assert {"retries", "slurm_no_requeue"} <= _settings_in("slurm")


ON_A_NETWORK = {
    *(
        "train",
        "train_on_all_pictures",
        "import_network",
        "assemble_ensemble",
        "attack",
        "attack_images",
        "audit",
        "evolve",
        "evolve_without_drift",
        "replay",
        "evolve_many",
        "retrain",
        "retrain_on_all_pictures",
        "match_refusal",
        "guard_classifier",
        "evolve_guarded",
        "evolve_smooth",
        "ascend_guarded",
        "measure_detectors",
        "tabulate_adversarial",
        "tabulate_universal",
        "tabulate_label_only",
        "tabulate_hardening",
        "tabulate_refusal",
        "ablate",
        "sample",
        "sample_families",
        "stress",
        "calibrate",
        "examine",
        "measure_distances",
        "probe_far",
        "probe_boundary",
        "compare_kinds",
        "label_champions",
        "show_champions",
        "transfer_in_chain",
        "survey_sample",
    ),
    "run_info",  # names the device
}


@pytest.mark.parametrize(
    ("device", "asking"),
    [
        ("auto", set()),
        ("cuda", ON_A_NETWORK),
        pytest.param("cpu", set(), marks=pytest.mark.slow),
        pytest.param("'cuda:1'", ON_A_NETWORK, marks=pytest.mark.slow),
    ],
)
def test_jobs_on_a_network_ask_for_a_gpu_where_the_study_names_one(
    fresh_checkout: Checkout, tmp_path: Path, device: str, asking: set[str]
) -> None:
    checkout = fresh_checkout.copy(tmp_path / "repository")
    with_gpu = 'rule.name for rule in workflow.rules if getattr(rule.resources.get("gpu"), "value", 0) == 1'
    checkout.append("Snakefile", f"print('asking for a GPU:', *({with_gpu}))")
    said = checkout.run("snakemake", "--list", "--configfile", SMOKE, "--config", f"machine={{device: {device}}}")
    (line,) = re.findall("asking for a GPU:(.*)", said)
    assert set(line.split()) == asking


def _refusal(checkout: Checkout, *arguments: str) -> str:
    command = ("snakemake", "--dry-run", *arguments)
    done = subprocess.run(command, cwd=checkout.folder, env=checkout.environment(), capture_output=True, text=True)
    assert done.returncode != 0
    return done.stdout + done.stderr


def test_a_wrong_study_is_refused_in_plain_words(fresh_checkout: Checkout, tmp_path: Path) -> None:
    study = tmp_path / "study.yaml"
    text = (ROOT / "config/test/smoke.yaml").read_text()
    study.write_text(text.replace("bootstrap_samples", "bootstrap_sample"))
    message = _refusal(fresh_checkout, "--configfile", str(study))
    assert "findings.bootstrap_sample" in message
    assert "corrected:" in message
    assert "Traceback" not in message


def test_a_study_without_a_human_study_has_no_page(fresh_checkout: Checkout, tmp_path: Path) -> None:
    study = tmp_path / "study.yaml"
    study.write_text(re.sub(r"^survey: .*\n?", "", (ROOT / SMOKE).read_text(), flags=re.MULTILINE))
    message = _refusal(fresh_checkout, "--configfile", str(study), "--", "survey_build")
    assert "the study smoke has no human study" in message
    assert "most recent call last" not in message  # Snakemake itself names the line of the rule


def test_without_training_images_no_distance_to_them_is_measured(fresh_checkout: Checkout, tmp_path: Path) -> None:
    study = tmp_path / "study.yaml"
    values = yaml.safe_load((ROOT / SMOKE).read_text())
    values["classifiers"].append(values["classifiers"][2] | {"name": "seen", "dataset": "smoke-imagenet"})
    values["experiments"] += [{"name": "colour", "classifiers": ["seen"], "encoding": {"kind": "direct"}}]
    study.write_text(yaml.safe_dump(values))
    said = fresh_checkout.run("snakemake", "--summary", "--configfile", str(study))
    assert "findings/examined/seen/colour.parquet" in said
    assert "findings/distances/lenet-a.parquet" in said
    assert "findings/distances/seen.parquet" not in said


@pytest.mark.slow
def test_a_setting_on_the_command_line_changes_the_default_study(fresh_checkout: Checkout) -> None:
    assert "- study" in _refusal(fresh_checkout, "--config", "study=datasets")
    said = fresh_checkout.run("snakemake", "--dry-run", "--config", "study=mine", "--quiet", "host", "reason")
    assert "Draw" in said


@pytest.mark.slow
def test_pictures_and_their_classes_are_found_in_the_mirror_of_the_study(
    fresh_checkout: Checkout, tmp_path: Path
) -> None:
    checkout, mirror, made = fresh_checkout.copy(tmp_path / "repository"), tmp_path / "mirror", "smoke-imagenet"
    mirror.mkdir()
    for name in ("imagenet", "imagenet_classes.csv"):
        (checkout.folder / "config/test" / name).rename(mirror / name)
        checkout.replace(SMOKE, f"config/test/{name},", f"{name},")
    target = ("--cores", "1", "--configfile", SMOKE, "--", f"results/datasets/{made}.safetensors")
    assert "imagenet does not exist" in checkout.attempt("snakemake", *target).stdout
    checkout.append(SMOKE, f"machine: {{mirror: {json.dumps(str(mirror))}}}")
    checkout.run("snakemake", *target)
    mirror = mirror.rename(tmp_path / "elsewhere")
    checkout.replace(SMOKE, str(tmp_path / "mirror"), str(mirror))
    assert "Nothing to be done" in checkout.run("snakemake", *target)


STUDY_OF_IMPORTED_NETWORKS = """\
study: imported
datasets: [{{name: shapes, kind: shapes}}]
classifiers:
- {{name: file, kind: imported, dataset: shapes, architecture: squeezenet, weights: models/some.safetensors}}
- {{name: named, kind: imported, dataset: shapes, architecture: "torchvision:alexnet", weights: torchvision}}
experiments: [{{name: noise, classifiers: [file, named], encoding: {{kind: direct}}}}]
machine: {{mirror: {mirror}}}
"""


@pytest.mark.slow
def test_weights_are_inputs_here_or_in_the_mirror_and_torchvisions_own_are_none(
    fresh_checkout: Checkout, tmp_path: Path
) -> None:
    study, weights = tmp_path / "study.yaml", tmp_path / "models/some.safetensors"
    study.write_text(STUDY_OF_IMPORTED_NETWORKS.format(mirror=json.dumps(str(tmp_path))))
    file, named = (f"results/imported/classifiers/{name}.safetensors" for name in ("file", "named"))
    fresh_checkout.run("snakemake", "--dry-run", named, "--configfile", str(study))
    assert "models/some.safetensors" in _refusal(fresh_checkout, file, "--configfile", str(study))
    weights.parent.mkdir()
    weights.touch()
    fresh_checkout.run("snakemake", "--dry-run", file, "--configfile", str(study))


@pytest.mark.slow
def test_the_ranking_of_networks_is_planned_once_its_files_are_there(fresh_checkout: Checkout, tmp_path: Path) -> None:
    checkout, mirror = fresh_checkout.copy(tmp_path / "repository"), tmp_path / "mirror"
    study = "config/networks.yaml"
    options = ("--configfile", study, "--config", f"machine={{mirror: {mirror}}}")
    entries = yaml.safe_load((ROOT / study).read_text())["audits"]["networks"]
    named = [entry.get("weights") for entry in entries] + [entry["network"].partition(":")[0] for entry in entries]
    for file in filter(None, named):
        place = checkout.folder / file if file.startswith("results/") else mirror / file
        if place.suffix and not (checkout.folder / file).is_file():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
    said = checkout.run("snakemake", "--dry-run", "--quiet", "host", "reason", *options)
    assert len(set(re.findall(r"Audit [\w-]+, seed [123]", said))) == 18
    assert "Judge the claims" not in said
    assert "Write the report" in said
    (mirror / "digit_recognizer/models/handwriting_model.pth").unlink()
    message = _refusal(checkout, *options)
    assert "audits.networks[digit-recognizer].weights\n" in message
    assert "most recent call last" not in message


@pytest.mark.slow
@pytest.mark.skipif("FOOLING_MIRROR" not in os.environ, reason="MNIST is fetched from a mirror only where there is one")
def test_mnist_is_fetched_from_the_mirror(fresh_checkout: Checkout, tmp_path: Path) -> None:
    checkout = fresh_checkout.copy(tmp_path / "repository")
    mirror = os.environ["FOOLING_MIRROR"]
    checkout.append("config/mnist.yaml", f"machine: {{mirror: {json.dumps(mirror)}}}")
    checkout.run("snakemake", "datasets", "--cores", "1", "--configfile", "config/mnist.yaml")
    assert (checkout.folder / "results/datasets/mnist.safetensors").stat().st_size > 50e6
