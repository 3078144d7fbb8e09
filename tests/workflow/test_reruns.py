"""A change reruns what it touches and what follows from it, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

from checkout import SMOKE, Checkout

#: What tells of everything, and so follows from any change of a result.
TELLING = {"run_info", "report_page"}


def _names(outputs: set[str], kind: str = "") -> set[str]:
    """The names of these outputs, without folders and endings."""
    return {Path(output).name.split(".")[0] for output in outputs if output.endswith(kind)}


def test_nothing_is_to_be_done_after_a_run(smoke: Checkout) -> None:
    assert smoke.pending() == {}


def test_touching_every_file_reruns_nothing(changed: Checkout) -> None:
    for file in changed.folder.rglob("*"):
        if file.is_file() and ".snakemake" not in file.parts:
            os.utime(file)
    assert changed.pending() == {}


def test_a_setting_of_one_experiment_reruns_its_runs_and_what_follows(changed: Checkout) -> None:
    changed.replace(SMOKE, "encoding: {kind: cppn}", "encoding: {kind: cppn, add_node_probability: 0.4}")
    pending = changed.pending()
    assert set(pending) == TELLING | {
        *("evolve_cppn", "sample_cppn", "examine", "tabulate", "variance", "compare", "claims", "draw")
    }
    assert all("/lenet-a/cppn/" in output for output in pending["evolve_cppn"])
    assert _names(pending["tabulate"]) == {"cppn"}
    assert _names(pending["draw"], ".png") == {
        *("further_runs-cppn", "real_and_evolved-lenet-a", "confidence_over_evaluations-cppn", "calibration-lenet-a"),
        *("variance_components", "preset_comparison"),
    }


def test_the_budget_of_a_search_leaves_networks_and_random_images_alone(changed: Checkout) -> None:
    changed.replace(SMOKE, "generations: 10", "generations: 11")
    assert not {"train", "import_network", "calibrate", "sample_direct", "sample_cppn"} & set(changed.pending())


def test_a_module_of_the_cppn_encoding_reruns_cppn_runs_and_what_follows(changed: Checkout) -> None:
    changed.append("src/fooling/encodings/cppn/mutation.py", "# changed")
    pending = changed.pending()
    assert not {"train", "import_network", "calibrate", "evolve_direct", "sample_direct"} & set(pending)
    assert {"evolve_cppn", "sample_cppn"} <= set(pending)
    assert "gallery-direct" not in _names(pending["draw"])


def test_a_figure_module_reruns_that_figure_and_the_report(changed: Checkout) -> None:
    changed.append("src/fooling/figures/gallery.py", "# changed")
    pending = changed.pending()
    assert set(pending) == TELLING | {"draw"}
    assert _names(pending["draw"]) == {"gallery-direct"}


def test_an_option_of_a_figure_reruns_that_figure_and_the_report(changed: Checkout) -> None:
    changed.replace(SMOKE, "runs_shown: 2", "runs_shown: 1")
    pending = changed.pending()
    assert set(pending) == TELLING | {"draw"}
    assert _names(pending["draw"]) == {"gallery-direct"}


def test_a_network_reruns_what_was_found_with_it(changed: Checkout) -> None:
    changed.replace(SMOKE, "seed: 2", "seed: 3")
    pending = changed.pending()
    assert _names(pending["train"]) == {"lenet-b"}
    assert all("/lenet-b/" in output for output in pending["evolve_direct"])
    assert "evolve_cppn" not in pending


def test_one_architecture_leaves_the_networks_of_another_alone(changed: Checkout) -> None:
    changed.append("src/fooling/classifiers/alexnet.py", "# changed")
    assert changed.pending() == {}
    changed.append("examples/your_network/network.py", "# changed")
    assert {"import_network", "examine"} <= set(changed.pending())
    assert not {"train", "evolve_direct", "evolve_cppn"} & set(changed.pending())


def test_settings_of_the_findings_rerun_no_evolution(changed: Checkout) -> None:
    changed.replace(SMOKE, "bootstrap_samples: 199", "bootstrap_samples: 299")
    pending = changed.pending()
    assert set(pending) == TELLING | {"describe_classifiers", "compare", "claims", "draw"}


def test_help_texts_the_version_and_the_machine_rerun_nothing(changed: Checkout) -> None:
    changed.append("src/fooling/cli/commands.py", "# changed")
    changed.append("src/fooling/cli/main.py", "# changed")
    changed.append("src/fooling/__init__.py", "# changed")
    changed.append(SMOKE, "machine: {device: cpu, mirror: /nowhere}")
    assert changed.pending() == {}


def test_a_changed_picture_lists_and_reads_the_folder_again(changed: Checkout) -> None:
    (changed.folder / "config/test/pictures/circle/0.png").unlink()
    assert set(changed.pending()) == TELLING | {"list_pictures", "fetch_folder"}
