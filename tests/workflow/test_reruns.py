"""A change reruns what it touches and what follows from it, and nothing else."""

from __future__ import annotations

import ast
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from checkout import ROOT, SMOKE, Checkout

#: Rules that describe the whole study, and so follow from any change of a result.
DESCRIBING = {"run_info", "report"}

#: The figures of the human study that show its stimuli.
SHEETS = {
    f"stimuli_{kind}-{condition}"
    for kind in ("hidden", "shown")
    for condition in ("direct", "cppn", "regular", "noise", "real")
}

CPPN_SEEDS_1_TO_3 = "seeds: {first: 1, count: 3}\n  encoding: {kind: cppn}"
CPPN_SEED_1 = "seeds: {first: 1, count: 1}\n  encoding: {kind: cppn}"
CPPN_EXPERIMENT = "seeds: {first: 1, count: 2}\n  encoding: {kind: cppn}"
CHANGE = "assert True"  # of what a module executes whenever it is imported
ENVIRONMENTS = {"attacks", "datasets", "findings", "figures", "networks", "survey"}


def _names(outputs: set[str], kind: str = "") -> set[str]:
    """The names of these outputs, without folders and endings."""
    return {Path(output).name.split(".")[0] for output in outputs if output.endswith(kind)}


def test_nothing_is_to_be_done_after_a_run(smoke: Checkout) -> None:
    assert smoke.pending() == {}


def _trained(pending: dict[str, set[str]]) -> set[str]:
    """The networks that are trained or calibrated again."""
    return _names(pending.get("train", set()) | pending.get("calibrate", set()))


def test_touching_every_file_reruns_nothing(changed: Checkout) -> None:
    for file in changed.folder.rglob("*"):
        if file.is_file() and ".snakemake" not in file.parts:
            os.utime(file)
    assert changed.pending() == {}


def test_a_setting_of_one_experiment_reruns_its_runs_and_what_follows(changed: Checkout) -> None:
    changed.replace(SMOKE, CPPN_EXPERIMENT, CPPN_EXPERIMENT.replace("cppn}", "cppn, add_node_probability: 0.4}"))
    pending = changed.pending()
    assert set(pending) == DESCRIBING | {
        *("evolve", "sample", "examine", "tabulate", "trace_lineage", "variance", "compare"),
        *("join_lineage", "label_champions", "show_champions", "join_transfer"),
        *("compare_class_sets", "compare_networks", "compare_models", "tabulate_hardening", "survey_sample"),
        *("measure_distances", "ablate", "summarise_ablation", "stress", "probe_boundary", "compare_kinds"),
        *("tabulate_ascent", "claims", "summarise", "draw"),
    }
    assert all("/lenet-a/cppn/" in output for output in pending["evolve"])
    assert _names(pending["sample"]) == {"cppn"}
    assert _names(pending["tabulate"]) == {"cppn"}
    assert _names(pending["draw"], ".png") == {
        *(
            "further_runs-cppn",
            "family_tree-cppn",
            "same_label-lenet-a",
            "resembling-smoke-digits",
            "real_and_evolved-lenet-a",
            "confidence_over_evaluations-cppn",
            "calibration-lenet-a",
            "transfer_gallery-cppn",
            "ablation-cppn",
        ),
        *("distances-lenet-a", "variance_components", "option_effects", "ascent_over_evaluations-lenet-a"),
        *("class_sets", "foolability", "robustness", "boundary", "fooled", "hardening", "kinds"),
        *SHEETS,
    }


@pytest.mark.slow
def test_a_setting_of_a_gradient_ascent_reruns_it_and_what_follows(changed: Checkout) -> None:
    changed.replace(SMOKE, "steps: 20", "steps: 21")
    pending = changed.pending()
    following = {"tabulate_ascent", "compare_kinds", "survey_sample", "claims", "summarise", "draw"}
    assert set(pending) == DESCRIBING | {"attack"} | following
    assert _names(pending["draw"]) == {"ascent_gallery-lenet-a", "ascent_over_evaluations-lenet-a", "kinds", *SHEETS}


@pytest.mark.slow
def test_a_setting_of_a_sweep_reruns_its_pilots_and_the_choice(changed: Checkout) -> None:
    changed.replace(SMOKE, "early_progress: [0.02, 0.3]", "early_progress: [0.02, 0.4]")
    pending = changed.pending()
    assert set(pending) == DESCRIBING | {"attack", "tabulate_ascent", "claims", "summarise", "draw"}
    ascended = {Path(output).parent.name + "/" + Path(output).stem for output in pending["attack"]}
    assert ascended == {"lenet-b/tuned-early-progress-0.4-late-progress-0.9", "lenet-a/tuned"}
    assert _names(pending["draw"]) == {"ascent_gallery-lenet-a", "ascent_over_evaluations-lenet-a"}


@pytest.mark.slow
def test_a_setting_of_adversarial_examples_reruns_them_and_what_follows(changed: Checkout) -> None:
    changed.replace(SMOKE, "sizes_linf: [0.1, 0.2]", "sizes_linf: [0.1, 0.3]")
    pending = changed.pending()
    following = {"tabulate_adversarial", "compare_kinds", "claims", "summarise", "draw"}
    assert set(pending) == DESCRIBING | {"attack_images"} | following
    assert _names(pending["draw"]) == {"adversarial_success", "adversarial_gallery", "kinds"}


@pytest.mark.slow
def test_a_setting_of_universal_perturbations_reruns_them_and_what_follows(changed: Checkout) -> None:
    changed.replace(SMOKE, "  fewer_images: [5]", "  fewer_images: [6]")
    pending = changed.pending()
    assert set(pending) == DESCRIBING | {
        "attack_images",
        "tabulate_universal",
        "compare_kinds",
        "claims",
        "summarise",
        "draw",
    }
    assert _names(pending["draw"]) == {"universal_rates", "universal_gallery", "kinds"}


@pytest.mark.slow
def test_a_setting_of_an_attack_with_labels_alone_reruns_it_and_what_follows(changed: Checkout) -> None:
    changed.replace(SMOKE, "queries: 150", "queries: 160")
    pending = changed.pending()
    assert set(pending) == DESCRIBING | {
        "attack",
        "tabulate_label_only",
        "compare_kinds",
        "claims",
        "summarise",
        "draw",
    }
    assert _names(pending["draw"]) == {"label_only", "label_only_gallery", "kinds"}


@pytest.mark.slow
def test_a_setting_of_the_detectors_reruns_them_the_attacks_and_what_follows(changed: Checkout) -> None:
    changed.replace(SMOKE, "detectors: [{kind: energy}]", "detectors: [{kind: energy, temperature: 2.0}]")
    pending = changed.pending()
    attacks = {"evolve_guarded", "evolve_smooth", "ascend_guarded"}
    following = {"measure_detectors", "claims", "summarise", "draw"}
    assert set(pending) == DESCRIBING | {"guard_classifier"} | attacks | following
    assert _names(pending["draw"]) == {"detectors", "detector_gallery"}


@pytest.mark.slow
def test_a_setting_of_the_audits_reruns_them_and_what_follows(changed: Checkout) -> None:
    changed.replace(SMOKE, "  budget: 400", "  budget: 600")
    pending = changed.pending()
    assert set(pending) == DESCRIBING | {"audit", "tabulate_audits", "draw"}
    assert _names(pending["draw"]) == {"audits"}


@pytest.mark.slow
def test_a_setting_of_the_inputs_far_from_the_data_measures_them_again(changed: Checkout) -> None:
    changed.replace(SMOKE, "inputs: 100, rays: 5", "inputs: 100, rays: 6")
    pending = changed.pending()
    assert set(pending) == DESCRIBING | {"probe_far", "compare_models", "claims", "summarise", "draw"}
    assert _names(pending["draw"]) == {"rubbish", "rays", "fooled"}


@pytest.mark.slow
def test_a_setting_of_the_distances_to_the_boundary_measures_them_again(changed: Checkout) -> None:
    changed.replace(
        SMOKE, "boundary: {classifiers: [lenet-a], images: 3}", "boundary: {classifiers: [lenet-a], images: 4}"
    )
    pending = changed.pending()
    assert set(pending) == DESCRIBING | {"probe_boundary", "claims", "summarise", "draw"}
    assert _names(pending["draw"]) == {"boundary"}


@pytest.mark.slow
def test_a_setting_of_the_questionnaire_draws_its_stimuli_again(changed: Checkout) -> None:
    changed.replace(SMOKE, "stimuli_per_condition: 5", "stimuli_per_condition: 4")
    pending = changed.pending()
    assert set(pending) == DESCRIBING | {"survey_sample", "draw"}
    assert _names(pending["draw"]) == SHEETS


@pytest.mark.slow
def test_a_rule_of_exclusion_leaves_the_questionnaire_alone(changed: Checkout) -> None:
    changed.replace(SMOKE, "survey: {", "survey: {fastest_ms: 300, ")
    assert changed.pending() == {}


@pytest.mark.slow
def test_answers_are_analysed_and_drawn_once_there_are_any(changed: Checkout) -> None:
    (changed.folder / "answers").mkdir()
    changed.replace(SMOKE, "survey: {", "survey: {response_folder: answers, ")
    assert changed.pending() == {}
    (changed.folder / "answers/one.csv").write_text("a first participant")
    pending = changed.pending()
    assert set(pending) == DESCRIBING | {"survey_analyse", "claims", "summarise", "draw"}
    assert _names(pending["draw"]) == {f"survey_{name}" for name in ("accuracy", "images", "confusion", "confidence")}


@pytest.mark.slow
def test_the_budget_of_a_search_leaves_networks_and_random_images_alone(changed: Checkout) -> None:
    changed.replace(SMOKE, "generations: 10", "generations: 11")
    pending = changed.pending()
    assert not {"import_network", "sample"} & set(pending)
    assert _trained(pending) == {"hardened"}, "its outliers are fooling images"


def test_a_module_of_the_cppn_encoding_reruns_cppn_runs_and_what_follows(changed: Checkout) -> None:
    changed.append("src/fooling/encodings/cppn/encoding.py", CHANGE)
    pending = changed.pending()
    assert "import_network" not in pending
    assert _trained(pending) == {"hardened"}, "its outliers are fooling images"
    assert all("/label-only/" in output for output in pending["attack"]), "its images are CPPNs"
    assert all("cppn" in output for step in ("evolve", "sample") for output in pending[step])
    assert {"evolve", "sample"} <= set(pending)
    assert "gallery-direct" not in _names(pending["draw"])


def test_a_figure_module_reruns_that_figure_and_the_report(changed: Checkout) -> None:
    changed.append("src/fooling/figures/gallery.py", CHANGE)
    pending = changed.pending()
    assert set(pending) == DESCRIBING | {"draw"}
    assert _names(pending["draw"]) == {"gallery-direct", "further_runs-cppn", "kinds"}


def test_a_function_reruns_only_what_calls_it(changed: Checkout) -> None:
    changed.replace("src/fooling/figures/gallery.py", "sheet(WIDTH, below + 1.5)", "sheet(WIDTH, below + 1.6)")
    changed.append("src/fooling/attacks/settings.py", "NEW = 1\n\ndef new() -> int:\n    return NEW")
    pending = changed.pending()
    assert set(pending) == DESCRIBING | {"draw"}
    assert _names(pending["draw"]) == {"further_runs-cppn"}


def test_comments_docstrings_and_formatting_rerun_nothing(changed: Checkout) -> None:
    for path in (changed.folder / "src/fooling").rglob("*.py"):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                node.value.value = "Other words."
        path.write_text(f"# Another layout.\n{ast.unparse(tree)}\n")
    assert changed.pending() == {}


@pytest.mark.slow
def test_an_annotation_that_is_not_read_at_run_time_reruns_nothing(changed: Checkout) -> None:
    changed.replace("src/fooling/reproducibility.py", ") -> int:", ") -> object:")
    assert changed.pending() == {}


@pytest.mark.slow
def test_an_annotation_that_pydantic_or_typer_reads_reruns_what_reads_it(changed: Checkout) -> None:
    changed.replace("src/fooling/findings/ancestry.py", "parent_redraws: int", "parent_redraws: float")
    changed.replace(
        "src/fooling/cli/tables.py",
        "def variance(champions: list[Path], *, output: Path)",
        "def variance(champions: list[Path], *, output: Path | None)",
    )
    assert {"trace_lineage", "join_lineage", "variance"} <= set(changed.pending())
    assert not {"tabulate", "compare", "train", "evolve"} & set(changed.pending())


@pytest.mark.slow
def test_a_module_that_nothing_imports_reruns_nothing(changed: Checkout) -> None:
    changed.append("src/fooling/attacks/evolution/unused.py", CHANGE)
    assert changed.pending() == {}


@pytest.mark.slow
def test_the_stylesheet_of_the_page_reruns_the_page(changed: Checkout) -> None:
    changed.append("src/fooling/report/templates/style.css", "p { color: red }")
    assert set(changed.pending()) == DESCRIBING | {"audit", "tabulate_audits", "draw"}


@pytest.mark.slow
def test_code_that_is_edited_while_a_job_runs_reruns_it(changed: Checkout) -> None:
    picture = "results/smoke/figures/gallery-direct.png"
    (changed.folder / picture).unlink()
    wrapper = changed.folder / "bin/fooling"
    wrapper.parent.mkdir()
    fooling = Path(sys.executable).with_name("fooling")
    wrapper.write_text(f"#!/bin/sh\necho '{CHANGE}' >> src/fooling/figures/gallery.py\nexec {fooling} \"$@\"\n")
    wrapper.chmod(0o755)
    changed.run("snakemake", "--cores", "1", picture, "--configfile", SMOKE)
    assert (changed.folder / picture).is_file()
    assert _names(changed.pending()["draw"]) == {"gallery-direct", "further_runs-cppn", "kinds"}


@pytest.mark.slow
def test_an_option_of_a_figure_reruns_that_figure_and_the_report(changed: Checkout) -> None:
    changed.replace(SMOKE, "runs_shown: 2", "runs_shown: 1")
    pending = changed.pending()
    assert set(pending) == DESCRIBING | {"draw"}
    assert _names(pending["draw"]) == {"gallery-direct", "family_tree-cppn", "ablation-cppn"}


def test_a_network_reruns_what_was_found_with_it(changed: Checkout) -> None:
    changed.replace(SMOKE, "seed: 2", "seed: 3")
    pending = changed.pending()
    assert _names(pending["train"]) == {"lenet-b"}
    assert all("/lenet-b/direct/" in output for output in pending["evolve"])


def test_the_precision_of_a_classifier_reruns_evolution_on_it_and_what_follows(changed: Checkout) -> None:
    changed.replace(SMOKE, "  seed: 2\n", "  seed: 2\n  precision: screened\n")
    pending = changed.pending()
    assert not {"train", "retrain", "sample", "attack", "import_network", "assemble_ensemble"} & set(pending)
    assert all("/lenet-b/direct/" in output for output in pending["evolve"])


@pytest.mark.slow
def test_one_architecture_leaves_the_networks_of_another_alone(changed: Checkout) -> None:
    changed.append("src/fooling/classifiers/vision.py", CHANGE)  # which importing a network may read, too
    assert not {"train", "evolve_direct", "evolve_cppn"} & set(changed.pending())
    changed.append("examples/your_network/network.py", "# changed")
    assert {"import_network", "examine"} <= set(changed.pending())
    assert not {"train", "evolve"} & set(changed.pending())


@pytest.mark.slow
def test_settings_of_the_findings_rerun_no_evolution(changed: Checkout) -> None:
    changed.replace(SMOKE, "bootstrap_samples: 199", "bootstrap_samples: 199, confidence_level: 0.9")
    pending = changed.pending()
    assert set(pending) == DESCRIBING | {
        *("describe_classifiers", "trace_lineage", "join_lineage", "compare", "tabulate_ascent"),
        *("show_champions", "join_transfer", "transfer_in_chain"),
        *("compare_class_sets", "compare_networks", "compare_models", "probe_far"),
        *("tabulate_adversarial", "tabulate_universal", "measure_detectors"),
        *("tabulate_label_only", "tabulate_hardening"),
        *("tabulate_retraining", "tabulate_budget", "tabulate_refusal", "summarise_ablation"),
        *("claims", "summarise", "draw"),
    }


@pytest.mark.slow
def test_a_setting_of_the_families_reruns_their_images_and_what_follows(changed: Checkout) -> None:
    changed.replace(SMOKE, "family_images: 100", "family_images: 100, blob_count: 5")
    pending = changed.pending()
    assert set(pending) == DESCRIBING | {"sample_families", "compare_kinds", "claims", "summarise", "draw"}
    assert _names(pending["draw"]) == {"families", "family_examples-lenet-a", "kinds"}


@pytest.mark.slow
def test_a_strength_of_a_change_reruns_the_changed_champions_and_what_follows(changed: Checkout) -> None:
    changed.replace(SMOKE, "changed_real_images: 10", "changed_real_images: 10, blur_pixels: [1.0]")
    pending = changed.pending()
    assert set(pending) == DESCRIBING | {"stress", "claims", "summarise", "draw"}
    assert _names(pending["draw"]) == {"robustness"}


def test_help_texts_the_version_and_the_machine_rerun_nothing(changed: Checkout) -> None:
    changed.append("src/fooling/cli/main.py", CHANGE)
    changed.append("src/fooling/cli/main.py", CHANGE)
    changed.append("src/fooling/__init__.py", CHANGE)
    changed.append(SMOKE, "machine: {device: cuda, mirror: /nowhere}")
    assert changed.pending() == {}


@pytest.mark.slow
def test_a_changed_picture_lists_and_reads_the_folder_again(changed: Checkout) -> None:
    (changed.folder / "config/test/pictures/circle/0.png").unlink()
    assert set(changed.pending()) == DESCRIBING | {
        *("list_folder", "fetch_folder", "train_on_all_pictures", "describe_classifiers"),
        *("claims", "summarise", "draw"),
    }


@pytest.mark.slow
def test_a_picture_more_of_imagenet_or_another_list_of_its_classes_reads_it_again(changed: Checkout) -> None:
    changed.append("config/test/imagenet_classes.csv", "3,n03417042,garbage truck")
    assert set(changed.pending()) == DESCRIBING | {"list_imagenet", "fetch_imagenet"}
    changed.replace("config/test/imagenet_classes.csv", "\n3,n03417042,garbage truck\n", "")
    assert changed.pending() == {}
    folder = changed.folder / "config/test/imagenet/n01440764"
    shutil.copy(folder / "n01440764_1.png", folder / "n01440764_2.png")
    assert set(changed.pending()) == DESCRIBING | {"list_imagenet", "fetch_imagenet"}


@pytest.mark.slow
def test_one_more_network_in_a_chain_runs_its_own_jobs_and_what_follows(changed: Checkout) -> None:
    chain = "networks: 2\n  filled_with: [champions"
    changed.replace(SMOKE, chain, chain.replace("2", "3"))
    pending = changed.pending()
    assert set(pending) == DESCRIBING | {
        *("collect_champions", "paint", "retrain", "evolve_many"),
        *("tabulate_retraining", "tabulate_hardening", "transfer_in_chain", "probe_far", "compare_models"),
        *("claims", "summarise", "draw"),
    }
    assert _names(pending["collect_champions"] | pending["paint"]) == {"images2"}
    assert _names(pending["retrain"]) == {"dnn3"}
    assert all("/dnn3/" in output for output in pending["evolve_many"])
    others = {"rubbish", "rays", "fooled", "hardening"}
    assert all("retraining" in output or _names({output}) <= others for output in pending["draw"])


@pytest.mark.slow
def test_the_weight_of_outliers_reruns_the_network_trained_with_them(changed: Checkout) -> None:
    changed.replace(SMOKE, "first: lenet-a, per_batch: 16", "first: lenet-a, per_batch: 16, weight: 1")
    pending = changed.pending()
    assert set(pending) == DESCRIBING | {
        *("train", "calibrate", "describe_classifiers", "evolve_without_drift", "tabulate", "tabulate_hardening"),
        *("compare", "claims", "summarise", "draw"),
    }
    assert _names(pending["train"]) == {"hardened"}
    assert _names(pending["draw"]) == {"hardening", "training_curves", "option_effects"}


@pytest.mark.slow
def test_a_setting_of_a_retraining_reruns_its_runs_and_what_follows(changed: Checkout) -> None:
    entry = "classifiers: [lenet-a]\n  encoding: {kind: cppn}\n  search: *budget\n  networks"
    changed.replace(SMOKE, entry, entry.replace("cppn}", "cppn, add_node_probability: 0.4}"))
    pending = changed.pending()
    assert len(pending["evolve_many"]) == 4
    assert _names(pending["train"]) == {"hardened"}  # which learns from its fooling images
    assert not {"evolve", "join_transfer"} & set(pending)


@pytest.mark.slow
def test_a_refusal_rate_reruns_its_networks_and_runs_and_what_follows(changed: Checkout) -> None:
    changed.replace(SMOKE, "rates: [0.02]", "rates: [0.02, 0.04]")
    telling = DESCRIBING | {"draw", "claims", "summarise"}
    pending = changed.pending()
    assert set(pending) == telling | {"tabulate_refusal"}
    assert _names(pending["draw"]) == {"retraining_refusal-refusing"}
    changed.replace(SMOKE, "evolved_rate: 0.02", "evolved_rate: 0.04")
    pending = changed.pending()
    assert set(pending) == telling | {"match_refusal", "evolve_many", "tabulate_refusal"}
    assert all("/dnn2/refusing/" in output for output in pending["evolve_many"])


@pytest.mark.slow
def test_a_longer_measurement_reruns_the_runs_against_the_last_networks_and_what_follows(changed: Checkout) -> None:
    changed.replace(SMOKE, "measured_generations: 12", "measured_generations: 14")
    pending = changed.pending()
    assert {"tabulate_budget", "tabulate_retraining", "tabulate_refusal"} <= set(pending)
    assert all("/dnn2/" in output for output in pending["evolve_many"])
    assert not {"train", "retrain", "match_refusal", "paint"} & set(pending)


def test_one_more_seed_reruns_its_own_runs_and_what_follows(changed: Checkout) -> None:
    changed.replace(SMOKE, CPPN_EXPERIMENT, CPPN_SEEDS_1_TO_3)
    pending = changed.pending()
    assert _names(pending["evolve"]) == {"seed3"}
    assert all("/cppn/" in output for output in pending["evolve"])
    assert _names(pending["tabulate"]) == {"cppn"}


@pytest.mark.slow
def test_one_seed_less_reruns_only_what_showed_it(changed: Checkout) -> None:
    changed.replace(SMOKE, CPPN_EXPERIMENT, CPPN_SEED_1)
    assert "evolve" not in changed.pending()
    assert "tabulate" in changed.pending()


@pytest.mark.slow
def test_a_setting_of_a_data_set_reruns_it_and_what_was_found_with_it(changed: Checkout) -> None:
    changed.replace(SMOKE, "kind: shapes, size: 32", "kind: shapes, size: 40")
    assert set(changed.pending()) == DESCRIBING | {"fetch_shapes"}


def test_a_result_changed_by_hand_reruns_what_was_made_from_it(changed: Checkout) -> None:
    changed.append("results/smoke/findings/variance.csv", "changed")
    pending = changed.pending()
    assert _names(pending["draw"]) == {"variance_components"}
    assert set(pending) == DESCRIBING | {"draw"}


def test_a_deleted_result_is_made_again_with_what_follows(changed: Checkout) -> None:
    (changed.folder / "results/smoke/figures/gallery-direct.png").unlink()
    pending = changed.pending()
    assert set(pending) == DESCRIBING | {"draw"}
    assert _names(pending["draw"]) == {"gallery-direct"}


@pytest.mark.slow
def test_deleted_logs_rerun_nothing(changed: Checkout) -> None:
    shutil.rmtree(changed.folder / "logs")
    assert changed.pending() == {}


def test_the_command_of_a_rule_reruns_its_jobs_and_what_follows(changed: Checkout) -> None:
    changed.replace("rules/findings.smk", "fooling variance {input.champions}", "fooling  variance {input.champions}")
    pending = changed.pending()
    assert set(pending) == DESCRIBING | {"variance", "draw"}


@pytest.mark.slow
def test_what_a_rule_needs_and_says_reruns_nothing(changed: Checkout) -> None:
    changed.replace("rules/attacks.smk", "memory(1500)", "memory(3000)")
    changed.replace("rules/attacks.smk", "minutes(30)", "minutes(60)")
    changed.replace("rules/attacks.smk", "Evolve images:", "Evolve pictures:")
    changed.append("rules/attacks.smk", "# changed")
    changed.append("Snakefile", "# changed")
    assert changed.pending() == {}


@pytest.mark.slow
@pytest.mark.parametrize("environment", sorted(ENVIRONMENTS))
def test_a_package_version_reruns_the_steps_of_its_environment(changed: Checkout, environment: str) -> None:
    changed.append(f"envs/{environment}.yaml", "# another comment")
    changed.replace(f"envs/{environment}.yaml", "numpy==2", "numpy==3")
    rerun = {rule for rule in changed.pending() if _environment_of(rule) == environment}
    assert rerun == {rule for rule in _rules_run(changed) if _environment_of(rule) == environment}


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["slurm", "gpu"])
def test_another_profile_reruns_nothing(changed: Checkout, profile: str) -> None:
    assert changed.pending("--profile", f"profiles/{profile}") == {}
    assert changed.pending("--cores", "1") == {}


@pytest.mark.slow
def test_another_folder_on_another_machine_reruns_nothing(changed: Checkout, tmp_path: Path) -> None:
    moved = Checkout(tmp_path / "elsewhere")
    shutil.copytree(changed.folder, moved.folder, copy_function=shutil.copyfile)  # all dates are new
    assert moved.pending() == {}


@pytest.mark.slow
def test_without_the_records_of_snakemake_a_changed_setting_is_not_seen(changed: Checkout) -> None:
    shutil.rmtree(changed.folder / ".snakemake/metadata")
    changed.replace(SMOKE, "encoding: {kind: cppn}", "encoding: {kind: cppn, add_node_probability: 0.4}")
    assert "evolve" not in changed.pending(), "this is why records are published with the results"


def test_every_line_of_the_table_is_a_test_and_every_test_a_line() -> None:
    text = (ROOT / "docs/reruns.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+)` \|$", text, flags=re.MULTILINE)
    here = re.findall(r"^def (test_\w+)", Path(__file__).read_text(encoding="utf-8"), flags=re.MULTILINE)
    elsewhere = {
        name
        for path in ROOT.glob("tests/*/test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    assert set(here) - set(named) == {"test_every_line_of_the_table_is_a_test_and_every_test_a_line"}
    assert set(named) <= elsewhere
    assert len(named) == len(set(named))


def _environment_of(rule: str) -> str:
    """The environment that a rule names in the repository."""
    text = "".join(path.read_text() for path in sorted(ROOT.glob("rules/*.smk")))
    ((base, body),) = re.findall(
        rf"^(?:use )?rule (?:(\w+) as )?{rule}(?: with)?:\n(.*?)(?=^(?:use )?rule |\Z)", text, re.M | re.S
    )
    if base and "environment=" not in body:
        return _environment_of(base)
    (environment,) = re.findall(r'environment=environment\("(\w+)"\)', body)
    return str(environment)


def _rules_run(checkout: Checkout) -> set[str]:
    """The rules that made the results of the smoke study."""
    lines = checkout.run("snakemake", "--summary", "--configfile", SMOKE).splitlines()
    return {line.split("\t")[2] for line in lines if line.count("\t") == 5} - {"rule"}
