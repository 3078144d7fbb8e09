"""A study with a hundred networks is planned in a bounded number of jobs, none of which is large or long."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
import yaml

from checkout import Checkout
from fooling.study.resolved import resolved_study
from rules.attacks import Experiments
from rules.parts import SCORES, SCORES_ON_LARGE, Parts

NETWORKS, SEEDS = 100, 3
#: The most memory in MB and minutes that a job may request, apart from those that make or attack one network.
MEMORY, MINUTES = 8000, 60
#: Jobs on one network: how long they take does not depend on the number of networks.
OF_ONE_NETWORK = {
    *("train", "evolve_without_drift", "calibrate", "sample", "sample_families", "examine", "measure_distances"),
    *("stress", "fetch_digits", "fetch_imagenet", "list_imagenet"),
}
#: Print the rule of each planned job with the memory and the minutes that it requests.
PLAN = """
import json, sys
from pathlib import Path
from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, OutputSettings, Quietness, ResourceSettings

with SnakemakeApi(OutputSettings(dryrun=True, quiet={Quietness.ALL})) as api:
    files = ConfigSettings(configfiles=[Path(sys.argv[1])])
    workflow = api.workflow(
        resource_settings=ResourceSettings(cores=1), config_settings=files, snakefile=Path("Snakefile"), workdir=Path()
    )
    workflow.dag().execute_workflow(executor="dryrun")
    jobs = [(job.rule.name, job.resources.get("mem_mb"), job.resources.get("runtime"))
            for job in workflow._workflow.dag.jobs]
print("jobs:", json.dumps(jobs))
"""
DATASETS = {
    "small": {"name": "digits", "kind": "digits"},
    "large": {
        **{"name": "pictures", "kind": "imagenet", "path": "config/test/imagenet", "size": 224, "train_pictures": 1},
        "class_list": "config/test/imagenet_classes.csv",
    },
}


def hundred(images: str, *, networks: int = NETWORKS) -> dict[str, object]:
    """A study of many networks that are shown each other's champions, on small or large images."""
    dataset = DATASETS[images]
    names = [f"net-{number:03d}" for number in range(networks)]
    experiment = {
        **{"name": "direct", "classifiers": names, "seeds": {"first": 1, "count": SEEDS}, "drift": False},
        **{"encoding": {"kind": "direct"}, "search": {"start": 20, "offspring": 20, "generations": 2}},
        "figures": ["transfer"],
    }
    of_network = {
        "kind": "trained",
        "dataset": dataset["name"],
        "architecture": "alexnet" if images == "large" else "lenet",
    }
    classifiers = [{"name": name, "seed": seed, **of_network} for seed, name in enumerate(names)]
    return {"study": "hundred", "datasets": [dataset], "classifiers": classifiers, "experiments": [experiment]}


def planned(checkout: Checkout, study: Path) -> list[tuple[str, int, int]]:
    """The jobs of a study without results: rule, memory in MB and minutes, without the job that needs all others."""
    said = checkout.run("python", "-c", PLAN, str(study))
    jobs: list[tuple[str, int, int]] = json.loads(said.split("jobs: ")[-1].splitlines()[0])
    return [job for job in map(tuple, jobs) if job[0] != "all"]


@pytest.mark.parametrize("images", ["small", pytest.param("large", marks=pytest.mark.slow)])
def test_no_job_of_a_hundred_networks_is_large_or_long(fresh_checkout: Checkout, tmp_path: Path, images: str) -> None:
    study = tmp_path / "hundred.yaml"
    study.write_text(yaml.safe_dump(hundred(images)))
    jobs = planned(fresh_checkout, study)
    counts = Counter(rule for rule, _, _ in jobs)
    assert len(jobs) < (1200 if images == "small" else 2500)
    assert counts["trace_lineage"] == (4 if images == "small" else NETWORKS)
    assert counts["show_champions"] == (4 if images == "small" else 10 * NETWORKS)
    assert counts["join_lineage"] == counts["join_transfer"] == 1
    assert [job for job in jobs if job[1] > MEMORY and job[0] not in ("fetch_imagenet",)] == []
    assert [job for job in jobs if job[2] > MINUTES and job[0] not in OF_ONE_NETWORK] == []
    if images == "small":
        assert {rule for rule, _, minutes in jobs if minutes > MINUTES} == {"train"}


@pytest.mark.parametrize(("images", "networks"), [("small", 3), ("small", 100), ("large", 3), ("large", 100)])
def test_parts_have_every_network_once_in_the_order_of_the_table(images: str, networks: int) -> None:
    study = resolved_study(hundred(images, networks=networks), source="a test")
    parts = Parts(study, Experiments(study))
    names = list(study.classifiers)
    shown = [
        (target, run.split("/")[3])
        for part in range(1, len(parts.shown_tables("direct")) + 1)
        for target in parts.targets("direct", str(part))
        for run in parts.shown_runs("direct", str(part))
        if run.endswith("seed1.safetensors")
    ]
    assert shown == [(target, source) for target in names for source in names]
    traced = [run for part in range(1, len(parts.ancestry("direct")) + 1) for run in parts.traced("direct", str(part))]
    assert traced == Experiments(study).evolved("direct")
    for part in range(1, len(parts.shown_tables("direct")) + 1):
        targets, runs = parts.targets("direct", str(part)), parts.shown_runs("direct", str(part))
        labelled = [
            run
            for table in parts.labels("direct", str(part))
            for run in parts.labelled_runs("direct", Path(table).stem)
        ]
        assert set(runs) <= set(labelled)
        scores = len(targets) * len(runs) * (10 if images == "small" else 1000)
        assert scores <= (SCORES if images == "small" else SCORES_ON_LARGE)
        assert images == "small" or len(targets) == 1
