"""The commands of the findings one after the other on a small study, as the workflow calls them."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from fooling.artifacts import read_arrays, read_table
from fooling.attacks.evolution.record import load_run, load_runs
from fooling.attacks.record import load_attack
from fooling.claims.judgements import CLAIMS
from fooling.classifiers.classifier_file import load_classifier
from fooling.cli.attack import attack
from fooling.cli.attack_tables import tabulate_adversarial, tabulate_label_only, tabulate_universal
from fooling.cli.claims import claims, join_lineage, join_transfer, label_champions, show_champions, summarise
from fooling.cli.classifiers import assemble_ensemble, calibrate, match_refusal
from fooling.cli.comparisons import compare_kinds, compare_models, probe_boundary
from fooling.cli.examination import (
    ablate,
    examine,
    measure_distances,
    stress,
    transfer,
)
from fooling.cli.probes import probe_far, sample, sample_families, tabulate_hardening
from fooling.cli.retraining import collect_champions, paint, tabulate_budget, tabulate_refusal, tabulate_retraining
from fooling.cli.tables import (
    compare,
    compare_class_sets,
    compare_networks,
    describe_classifiers,
    summarise_ablation,
    tabulate,
    tabulate_ascent,
    trace_lineage,
    variance,
)
from fooling.cli.training import retrain, train
from fooling.datasets.dataset import Dataset, save_dataset
from fooling.findings.registry import every_table, table_named
from fooling.messages import FoolingError

ROOT = Path(__file__).parents[2]
NETWORKS = ("lenet-a", "lenet-b")
SEARCHES = {"": "map-elites", ".random-search": "random-search", ".drift": "drift"}
INTERVALS = json.dumps({"confidence_level": 0.9})
PERTURBATIONS = {
    **{"images": 20, "fewer_images": [], "unseen": 20, "sizes_linf": [0.3], "sizes_l2": [0.2], "compared_size": 0.3},
    **{"steps": 5, "batch": 10, "controls": 2, "rounds": 1, "tuning_steps": 2, "tuning_batch": 8, "examples": 2},
}
REFUSAL = json.dumps({**json.loads(INTERVALS), "rates": [0.1, 0.2], "seed": 1})


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """Two networks on striped images of three classes, one experiment with two seeds, and all its findings."""
    folder: Path = tmp_path_factory.mktemp("study")
    save_dataset(folder / "dataset.safetensors", striped_images())
    for seed, name in enumerate(NETWORKS):
        settings = {"seed": seed, "training": {"iterations": 20, "batch_size": 10}}
        train(
            dataset=folder / "dataset.safetensors",
            name=name,
            settings=json.dumps(settings),
            output=folder / f"{name}.safetensors",
            checkpoints=folder / "checkpoints",
        )
    search = {"start": 20, "offspring": 20, "generations": 3}
    for name, seed in itertools.product(NETWORKS, (1, 2)):
        attack(
            "evolution",
            classifier=folder / f"{name}.safetensors",
            settings=json.dumps({"encoding": {"kind": "direct"}, "search": search}),
            seed=seed,
            output=folder / name / f"seed{seed}.safetensors",
            controls=[
                f"{control}={folder / name / f'seed{seed}.{control}.safetensors'}"
                for control in ("random-search", "drift")
            ],
            checkpoints=folder / "checkpoints",
        )
    retrain_in(folder, search)
    for name in NETWORKS:
        attack(
            "ascent",
            name="plain",
            classifier=folder / f"{name}.safetensors",
            settings=json.dumps({"seeds": {"count": 2}, "steps": 5}),
            output=folder / "ascent" / name / "plain.safetensors",
            checkpoints=folder / "checkpoints",
        )
        attack(
            "adversarial",
            name="small",
            classifier=folder / f"{name}.safetensors",
            dataset=folder / "dataset.safetensors",
            settings=json.dumps({"images": 6, "methods": ["l-bfgs", "fgsm"], "sizes_linf": [0.3]}),
            output=folder / "adversarial" / f"{name}.safetensors",
            checkpoints=folder / "checkpoints",
        )
        attack(
            "universal",
            name="one",
            classifier=folder / f"{name}.safetensors",
            dataset=folder / "dataset.safetensors",
            settings=json.dumps(PERTURBATIONS),
            output=folder / "universal" / f"{name}.safetensors",
            checkpoints=folder / "checkpoints",
        )
        attack(
            "label-only",
            name="labels",
            classifier=folder / f"{name}.safetensors",
            settings=json.dumps({"queries": 200, "copies": 3, "start": 10, "offspring": 10, "seeds": {"count": 2}}),
            output=folder / "label-only" / f"{name}.safetensors",
            checkpoints=folder / "checkpoints",
        )
    sweep_in(folder)
    findings_of(folder, folder / "findings")
    return folder


def sweep_in(folder: Path) -> None:
    """Two settings of gradient ascent tried on the first network, and the best of them on the second one."""
    shared = {"seeds": {"count": 2}, "steps": 5}
    pilots = [folder / "pilots" / f"{name}.safetensors" for name in ("tuned-slow", "tuned-fast")]
    for path, progress in zip(pilots, (0.02, 1.0), strict=True):
        attack(
            "ascent",
            name=path.stem,
            classifier=folder / "lenet-a.safetensors",
            settings=json.dumps({**shared, "early_progress": progress, "late_progress": progress}),
            output=path,
            checkpoints=folder / "checkpoints",
        )
    attack(
        "ascent",
        name="tuned",
        classifier=folder / "lenet-b.safetensors",
        settings=json.dumps({"seeds": {"first": 5, "count": 1}}),
        output=folder / "tuned.safetensors",
        pilots=pilots,
        threshold=0.5,
        checkpoints=folder / "checkpoints",
    )


def retrain_in(folder: Path, search: dict[str, int]) -> None:
    """A second network that has learned champions and one that has learned random images, and runs against all."""
    supply = {"training_runs": 2, "test_runs": 1}
    network = {"seed": 5, "training": {"iterations": 20, "batch_size": 10}}

    def evolve(classifier: Path, output: Path) -> None:
        settings = json.dumps({"encoding": {"kind": "direct"}, "search": search})
        checkpoints = folder / "checkpoints"
        attack(
            "evolution",
            classifier=classifier,
            settings=settings,
            seed=7,
            runs=3,
            output=output,
            checkpoints=checkpoints,
        )

    chain = folder / "chain"
    evolve(folder / "lenet-a.safetensors", chain / "dnn1.runs.safetensors")
    collect_champions(
        [chain / "dnn1.runs.safetensors"], settings=json.dumps(supply), output=chain / "champions.images.safetensors"
    )
    paint(
        dataset=folder / "dataset.safetensors",
        settings=json.dumps({**supply, "encoding": {"kind": "direct"}, "seed": 3}),
        output=chain / "random.images.safetensors",
    )
    for filling in ("champions", "random"):
        retrain(
            dataset=folder / "dataset.safetensors",
            fooling=[chain / f"{filling}.images.safetensors"],
            settings=json.dumps({"network": network, "first": "lenet-a", "filled_with": filling, "number": 2}),
            name=f"chain/lenet-a/{filling}/dnn2",
            output=chain / f"{filling}.safetensors",
            checkpoints=folder / "checkpoints",
        )
        evolve(chain / f"{filling}.safetensors", chain / f"{filling}.runs.safetensors")
        match_refusal(
            classifier=chain / f"{filling}.safetensors",
            dataset=folder / "dataset.safetensors",
            settings='{"rate": 0.1, "seed": 1}',
            output=chain / f"{filling}.refusing.safetensors",
        )
        evolve(chain / f"{filling}.refusing.safetensors", chain / f"{filling}.refusing-runs.safetensors")


def striped_images() -> Dataset:
    """Vertical, horizontal and no stripes under noise; every tenth label is wrong."""
    generator = np.random.default_rng(0)
    labels = np.arange(150) % 3
    pattern = np.zeros((3, 1, 28, 28))
    pattern[0, :, :, ::2], pattern[1, :, ::2, :] = 120, 120
    images = (pattern[labels] + generator.integers(0, 120, (150, 1, 28, 28))).astype(np.uint8)
    told = np.where(np.arange(150) % 10 == 9, (labels + 1) % 3, labels)
    parts = {
        "train_images": images[:90],
        "train_labels": told[:90],
        "test_images": images[90:],
        "test_labels": told[90:],
    }
    return Dataset(name="stripes", class_names=("upright", "flat", "none"), provenance={}, **parts)


def findings_of(study: Path, out: Path) -> None:
    """Every command of the findings, written below ``out``."""
    networks = [study / f"{name}.safetensors" for name in NETWORKS]
    describe_classifiers(
        networks,
        settings=INTERVALS,
        training=out / "training.csv",
        networks=out / "classifiers.csv",
        errors=out / "test_errors.csv",
    )
    for name, classifier in zip(NETWORKS, networks, strict=True):
        calibrate(
            classifier=classifier,
            dataset=study / "dataset.safetensors",
            settings="{}",
            calibration=out / "calibration" / f"{name}.csv",
            images=out / "real" / f"{name}.parquet",
        )
        examine(
            sorted((study / name).glob("*.safetensors")),
            experiment="direct",
            calibration=out / "calibration" / f"{name}.csv",
            images=out / "real" / f"{name}.parquet",
            dataset=study / "dataset.safetensors",
            independent=study / f"{NETWORKS[1 - NETWORKS.index(name)]}.safetensors",
            settings=json.dumps({"real_images": 5}),
            output=out / "examined" / f"{name}.parquet",
        )
        measure_distances(
            classifier=classifier,
            dataset=study / "dataset.safetensors",
            runs=[f"direct={study / name / f'seed{seed}.safetensors'}" for seed in (1, 2)],
            calibration=out / "calibration" / f"{name}.csv",
            images=out / "real" / f"{name}.parquet",
            settings=json.dumps({"distance_images": 5}),
            output=out / "distances" / f"{name}.parquet",
        )
        ablate(
            sorted((study / name).glob("seed?.safetensors")),
            classifier=classifier,
            experiment="direct",
            settings="{}",
            output=out / "ablation" / f"{name}.parquet",
        )
        stress(
            classifier=classifier,
            dataset=study / "dataset.safetensors",
            runs=[f"direct={study / name / f'seed{seed}.safetensors'}" for seed in (1, 2)],
            settings=json.dumps({"changed_real_images": 5}),
            robustness=out / "robustness" / f"{name}.csv",
            supernormal=out / "supernormal" / f"{name}.parquet",
        )
        sample_families(
            classifier=classifier,
            settings=json.dumps({"family_images": 30}),
            output=out / "families" / f"{name}.parquet",
            images=out / "family_images" / f"{name}.parquet",
        )
        for experiment in ("direct", "cppn"):
            sample(
                classifier=classifier,
                experiment=experiment,
                settings=json.dumps({"encoding": {"kind": experiment}, "sample_images": 30}),
                output=out / "start" / name / f"{experiment}.parquet",
            )
    tabulate(
        [run for name in NETWORKS for run in (study / name).glob("*.safetensors")],
        experiment="direct",
        settings="{}",
        champions=out / "champions.parquet",
        history=out / "history.parquet",
        times=out / "times.parquet",
    )
    trace_lineage(
        [study / name / f"seed{seed}.safetensors" for name in NETWORKS for seed in (1, 2)],
        experiment="direct",
        settings=json.dumps({"parent_redraws": 19}),
        ancestry=out / "ancestry.parquet",
        lineage=out / "lineage.csv",
        replays=out / "lineage_replays.parquet",
    )
    summarise_ablation(sorted(out.glob("ablation/*.parquet")), settings=INTERVALS, output=out / "ablation_summary.csv")
    variance([out / "champions.parquet"], output=out / "variance.csv")
    compare_networks(
        history=[out / "history.parquet"],
        examined=[out / "examined" / "lenet-a.parquet", out / "examined" / "lenet-b.parquet"],
        settings='{"confidence_level": 0.9}',
        output=out / "foolability.csv",
    )
    compare_class_sets(
        [out / "champions.parquet"],
        settings='{"class_sets": {"first": [[0, 0]]}, "bootstrap_samples": 99}',
        classes=out / "set_classes.parquet",
        output=out / "class_sets.csv",
    )
    compare(
        [out / "times.parquet"],
        settings=json.dumps({"comparisons": []}),
        survival=out / "survival.csv",
        presets=out / "presets.csv",
    )
    transfer(
        networks,
        experiment="direct",
        runs=[study / name / f"seed{seed}.safetensors" for name in NETWORKS for seed in (1, 2)],
        settings=json.dumps({"permutations": 99}),
        shown=out / "shown.parquet",
        pairs=out / "transfer.csv",
    )
    evolved = [study / name / f"seed{seed}.safetensors" for name in NETWORKS for seed in (1, 2)]
    label_champions(networks, runs=evolved, output=out / "own_labels.parquet")
    show_champions(
        [networks[1]],
        experiment="direct",
        runs=evolved[:2],
        labelled=[out / "own_labels.parquet"],
        settings=json.dumps({"permutations": 99}),
        shown=out / "part.parquet",
        pairs=out / "pair_parts.parquet",
    )
    tabulate_retraining(
        [networks[0], *(study / "chain" / f"{filling}.safetensors" for filling in ("champions", "random"))],
        runs=sorted((study / "chain").glob("*.runs.safetensors")),
        retraining="chain",
        measured_runs=2,
        generations=2,
        settings=INTERVALS,
        champions=out / "retrained.parquet",
        networks=out / "retraining.csv",
        effects=out / "effects.csv",
    )
    retrained = [study / "chain" / f"{filling}.safetensors" for filling in ("champions", "random")]
    tabulate_budget(
        retrained,
        runs=sorted((study / "chain").glob("*.runs.safetensors")),
        retraining="chain",
        measured_runs=2,
        settings=INTERVALS,
        output=out / "budget.csv",
    )
    tabulate_refusal(
        [networks[0], *retrained],
        runs=sorted((study / "chain").glob("*.runs.safetensors")),
        refusing=sorted((study / "chain").glob("*.refusing.safetensors")),
        refusing_runs=sorted((study / "chain").glob("*.refusing-runs.safetensors")),
        dataset=study / "dataset.safetensors",
        retraining="chain",
        measured_runs=2,
        settings=REFUSAL,
        output=out / "refusal.csv",
    )
    tabulate_ascent(
        sorted(study.glob("ascent/*/plain.safetensors")),
        history=[out / "history.parquet"],
        times=[out / "times.parquet"],
        settings=INTERVALS,
        images=out / "ascent.parquet",
        ascent_times=out / "ascent_times.parquet",
        curves=[out / "ascent_curves" / f"{name}.parquet" for name in NETWORKS],
        evaluations=out / "ascent_evaluations.csv",
        pilots=[f"tuned={path}" for path in sorted((study / "pilots").iterdir())],
        sweeps=out / "ascent_sweeps.csv",
    )
    probe_far(
        [study / f"{name}.safetensors" for name in NETWORKS],
        dataset=study / "dataset.safetensors",
        settings=json.dumps({"inputs": 20, "rays": 3, "doublings": 3}),
        rubbish=out / "rubbish.csv",
        summary=out / "rubbish_summary.csv",
        rays=out / "rays.csv",
        slopes=out / "ray_slopes.parquet",
    )
    tabulate_hardening(
        networks,
        champions=[out / "champions.parquet"],
        real=[out / "real" / f"{name}.parquet" for name in NETWORKS[:1]],
        retrained=[out / "retrained.parquet"],
        dataset=study / "dataset.safetensors",
        settings=INTERVALS,
        hardened=out / "hardened.csv",
        hardening=out / "hardening.csv",
    )
    compare_models(
        [study / f"{name}.safetensors" for name in NETWORKS],
        runs=[f"direct={study / name / f'seed{seed}.safetensors'}" for name in NETWORKS for seed in (1, 2)],
        real=[out / "real" / f"{name}.parquet" for name in NETWORKS],
        rubbish=out / "rubbish.csv",
        settings=INTERVALS,
        output=out / "fooled.csv",
        summary=out / "fooled_summary.csv",
    )
    compare_kinds(
        study / "lenet-a.safetensors",
        other=study / "lenet-b.safetensors",
        runs=[f"direct={study / 'lenet-a' / 'seed1.safetensors'}"],
        ascents=[study / "ascent" / "lenet-a" / "plain.safetensors"],
        examples=[study / kind / "lenet-a.safetensors" for kind in ("adversarial", "universal", "label-only")],
        tables=[f"{name}={out / name / 'lenet-a.parquet'}" for name in ("families", "family_images")],
        output=out / "kinds.parquet",
    )
    probe_boundary(
        [study / f"{name}.safetensors" for name in NETWORKS],
        dataset=study / "dataset.safetensors",
        runs=[f"direct={study / name / f'seed{seed}.safetensors'}" for name in NETWORKS for seed in (1, 2)],
        settings=json.dumps({"images": 4}),
        output=out / "boundary.parquet",
    )
    tabulate_adversarial(
        [study / "adversarial" / f"{name}.safetensors" for name in NETWORKS],
        classifiers=networks,
        settings=INTERVALS,
        images=out / "adversarial.parquet",
        means=out / "adversarial_means.csv",
        transfer=out / "adversarial_transfer.csv",
    )
    tabulate_universal(
        [study / "universal" / f"{name}.safetensors" for name in NETWORKS],
        classifiers=networks,
        datasets=[study / "dataset.safetensors"],
        settings=INTERVALS,
        perturbations=out / "universal.csv",
        means=out / "universal_means.csv",
        labels=out / "universal_labels.csv",
        transfer=out / "universal_transfer.csv",
    )
    tabulate_label_only(
        [study / "label-only" / f"{name}.safetensors" for name in NETWORKS],
        own=[f"labels={study / name / f'seed{seed}.safetensors'}" for name in NETWORKS for seed in (1, 2)],
        classifiers=networks,
        settings=INTERVALS,
        images=out / "label_only.parquet",
        curves=out / "label_only_curves.parquet",
        transfer=out / "label_only_transfer.csv",
    )
    of_claims = {
        **{name: [f"{name}.csv"] for name in ("universal", "universal_labels", "universal_transfer")},
        "label_only": ["label_only.parquet"],
        "label_only_transfer": ["label_only_transfer.csv"],
        "classifiers": ["classifiers.csv"],
        "adversarial_transfer": ["adversarial_transfer.csv"],
        "start": ["start/*/*.parquet"],
        "examined": ["examined/*.parquet"],
        "real": ["real/*.parquet"],
        "distances": ["distances/*.parquet"],
        "transfer": ["transfer.csv"],
        "retraining": ["retraining.csv"],
        "refusal": ["refusal.csv"],
        "boundary": ["boundary.parquet"],
        "rubbish": ["rubbish.csv"],
        "hardened": ["hardened.csv"],
        "fooled": ["fooled.csv"],
        "ray_slopes": ["ray_slopes.parquet"],
        "ablation": ["ablation/*.parquet"],
        "families": ["families/*.parquet"],
        "robustness": ["robustness/*.csv"],
        "supernormal": ["supernormal/*.parquet"],
        **{
            name: [f"{name}.parquet"]
            for name in ("history", "times", "ancestry", "retrained", "ascent", "ascent_times", "adversarial")
        },
    }
    claims(
        declared=ROOT / "config" / "claims.yaml",
        tables=named_tables(out, of_claims),
        settings=INTERVALS,
        table=out / "claims.csv",
        page=out / "claims.md",
    )
    of_summary = {
        "classifiers": ["classifiers.csv"],
        "champions": ["champions.parquet"],
        "history": ["history.parquet"],
    }
    summarise(
        tables=named_tables(out, {**of_summary, "claims": ["claims.csv"]}),
        settings="{}",
        output=out / "metrics.json",
        curves=[out / "curves.csv"],
    )


def named_tables(folder: Path, patterns: dict[str, list[str]]) -> list[str]:
    """The files of these patterns, each with the name of its table."""
    return [
        f"{name}={path}"
        for name, found in patterns.items()
        for pattern in found
        for path in sorted(folder.glob(pattern))
    ]


TABLES = {
    "champions": "champions.parquet",
    "history": "history.parquet",
    "times": "times.parquet",
    "calibration": "calibration/lenet-a.csv",
    "real": "real/lenet-a.parquet",
    "start": "start/lenet-a/direct.parquet",
    "examined": "examined/lenet-a.parquet",
    "distances": "distances/lenet-a.parquet",
    "ancestry": "ancestry.parquet",
    "lineage": "lineage.csv",
    "lineage_replays": "lineage_replays.parquet",
    "own_labels": "own_labels.parquet",
    "pair_parts": "pair_parts.parquet",
    "training": "training.csv",
    "classifiers": "classifiers.csv",
    "test_errors": "test_errors.csv",
    "variance": "variance.csv",
    "foolability": "foolability.csv",
    "class_sets": "class_sets.csv",
    "set_classes": "set_classes.parquet",
    "survival": "survival.csv",
    "presets": "presets.csv",
    "shown": "shown.parquet",
    "transfer": "transfer.csv",
    "retrained": "retrained.parquet",
    "retraining": "retraining.csv",
    "effects": "effects.csv",
    "budget": "budget.csv",
    "refusal": "refusal.csv",
    "families": "families/lenet-a.parquet",
    "family_images": "family_images/lenet-a.parquet",
    "robustness": "robustness/lenet-a.csv",
    "supernormal": "supernormal/lenet-a.parquet",
    "ablation": "ablation/lenet-a.parquet",
    "ablation_summary": "ablation_summary.csv",
    "ascent": "ascent.parquet",
    "ascent_times": "ascent_times.parquet",
    "ascent_curves": "ascent_curves/lenet-a.parquet",
    "ascent_evaluations": "ascent_evaluations.csv",
    "ascent_sweeps": "ascent_sweeps.csv",
    "boundary": "boundary.parquet",
    "kinds": "kinds.parquet",
    "rubbish": "rubbish.csv",
    "rubbish_summary": "rubbish_summary.csv",
    "fooled": "fooled.csv",
    "fooled_summary": "fooled_summary.csv",
    "rays": "rays.csv",
    "ray_slopes": "ray_slopes.parquet",
    "hardened": "hardened.csv",
    "hardening": "hardening.csv",
    "adversarial": "adversarial.parquet",
    "adversarial_means": "adversarial_means.csv",
    "adversarial_transfer": "adversarial_transfer.csv",
    "universal": "universal.csv",
    "universal_means": "universal_means.csv",
    "universal_labels": "universal_labels.csv",
    "universal_transfer": "universal_transfer.csv",
    "label_only": "label_only.parquet",
    "label_only_curves": "label_only_curves.parquet",
    "label_only_transfer": "label_only_transfer.csv",
    "claims": "claims.csv",
    "curves": "curves.csv",
}


def as_written(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, float_precision="round_trip")


@pytest.mark.parametrize("table", TABLES)
def test_tables_are_read_as_they_were_written(study, table):
    path = study / "findings" / TABLES[table]
    read, written = read_table(path, table_named(table)), as_written(path)
    assert read.columns.tolist() == written.columns.tolist() == table_named(table).names
    assert len(read) == len(written)
    for name in written:
        known = read[name].dropna()
        assert known.tolist() == written[name].dropna().astype(known.dtype).tolist(), name


def test_every_table_of_the_findings_is_written():
    elsewhere = ("survey_", "audit", "pictures", "imagenet_classes")
    elsewhere += ("detector",)  # of the fuzzed study, where `measure-detectors` has guarded networks (tests/fuzz)
    assert {table.name for table in every_table() if not table.name.startswith(elsewhere)} == set(TABLES)


def test_every_run_and_search_is_in_every_table(study):
    findings = study / "findings"
    runs = {(name, search, seed) for name in NETWORKS for search in SEARCHES.values() for seed in (1, 2)}
    for name in ("champions", "history", "times"):
        table = as_written(findings / f"{name}.parquet")
        assert set(table[["classifier", "search", "seed"]].itertuples(index=False, name=None)) == runs
    assert len(as_written(findings / "history.parquet")) == len(runs) * 4 * 3
    examined = as_written(findings / "examined" / "lenet-a.parquet")
    assert examined["search"].value_counts().to_dict() == dict.fromkeys(SEARCHES.values(), 6) | {"real-images": 5}
    assert set(examined["independent"]) == {"lenet-b"}


def test_adversarial_examples_are_shown_to_the_other_network(study):
    images = as_written(study / "findings" / "adversarial.parquet")
    assert images.groupby(["classifier", "method", "change"]).size().tolist() == [6] * 8
    assert images.loc[(images["method"] == "l-bfgs") & (images["change"] == "method"), "unrounded_misclassified"].all()
    pairs = as_written(study / "findings" / "adversarial_transfer.csv")
    named = pairs.dropna(subset=["source"])
    assert set(zip(named["source"], named["target"], strict=True)) == {NETWORKS, NETWORKS[::-1]}


def test_champions_are_compared_with_the_real_images_of_their_own_network(study):
    table = as_written(study / "findings" / "fooled.csv")
    assert table[["classifier", "search", "runs"]].to_numpy().tolist() == [[name, "map-elites", 2] for name in NETWORKS]
    for row in table.to_dict("records"):
        real = as_written(study / "findings" / "real" / f"{row['classifier']}.parquet")
        right = real.loc[real["predicted"] == real["label"], "log_odds"]
        runs = [load_run(study / row["classifier"] / f"seed{seed}.safetensors") for seed in (1, 2)]
        above = [np.mean(run.log_odds > right.median()) for run in runs]
        assert (row["real_images"], row["above_median"]) == (len(right), pytest.approx(np.mean(above)))
        assert row["median_log_odds"] == pytest.approx(np.mean([np.median(run.log_odds) for run in runs]))
    rubbish = as_written(study / "findings" / "rubbish.csv").query("not clipped").set_index("classifier")
    assert table["rubbish_share"].tolist() == rubbish.loc[list(NETWORKS), "rubbish_share"].tolist()
    assert as_written(study / "findings" / "fooled_summary.csv")["networks"].tolist() == [2]


def test_models_are_not_compared_by_files_of_other_classifiers(study, tmp_path):
    first, last = (study / f"{name}.safetensors" for name in NETWORKS)
    run, real = study / "lenet-a" / "seed1.safetensors", study / "findings" / "real"
    given = {"output": tmp_path / "fooled.csv", "summary": tmp_path / "summary.csv"}
    with pytest.raises(FoolingError, match="a run is on another classifier"):
        compare_models([last], runs=[f"direct={run}"], real=[real / "lenet-b.parquet"], **given)
    with pytest.raises(FoolingError, match="the table real has no images of lenet-a"):
        compare_models([first], runs=[f"direct={run}"], real=[real / "lenet-b.parquet"], **given)
    with pytest.raises(FoolingError, match="--runs needs name=path"):
        compare_models([first], runs=[str(run)], real=[real / "lenet-a.parquet"], **given)
    with pytest.raises(FoolingError, match="classifier"):
        compare_models([run], runs=[f"direct={run}"], real=[real / "lenet-a.parquet"], **given)
    assert not list(tmp_path.iterdir())


def test_one_image_of_each_kind_is_shown_to_the_other_network(study):
    kinds = as_written(study / "findings" / "kinds.parquet")
    assert kinds["kind"].tolist() == [
        "direct-champion",
        "gradient-ascent",
        "label-only-champion",
        "adversarial-example",
        "universal-perturbation",
        "smooth-random-image",
    ]
    assert set(kinds["classifier"]) == {"lenet-a"}
    assert set(kinds["other"]) == {"lenet-b"}
    assert kinds["true_class"].notna().tolist() == [False, False, False, True, True, False]
    run = load_run(study / "lenet-a" / "seed1.safetensors")
    champion = kinds.iloc[0]
    assert champion["confidence"] == run.confidences[champion["class_index"]]
    assert champion["evaluations"] == run.individuals[champion["class_index"]] + 1
    with pytest.raises(FoolingError, match=r"some images were not made on .*lenet-b.safetensors\n  found: .* lenet-a"):
        compare_kinds(
            study / "lenet-b.safetensors",
            runs=[f"direct={study / 'lenet-a' / 'seed1.safetensors'}"],
            output=study / "none.parquet",
        )
    tables = {name: study / "findings" / name / "lenet-a.parquet" for name in ("families", "family_images")}
    with pytest.raises(FoolingError, match=r"not of the same images\n  found: images shown to lenet-a"):
        compare_kinds(
            study / "lenet-b.safetensors",
            tables=[f"{name}={path}" for name, path in tables.items()],
            output=study / "none.parquet",
        )


def test_images_with_universal_perturbations_are_shown_to_the_other_network(study):
    table = as_written(study / "findings" / "universal.csv")
    assert table.groupby("classifier").size().tolist() == [3, 3]
    assert (table.loc[table["round"] == 0, "former"].isna()).all()
    pairs = as_written(study / "findings" / "universal_transfer.csv").dropna(subset=["source"])
    assert set(zip(pairs["source"], pairs["target"], strict=True)) == {NETWORKS, NETWORKS[::-1]}
    plain = table[table["round"] == 0]
    assert pairs["own"].tolist() == plain["unseen"].tolist()


def test_champions_are_shown_to_the_other_network_beside_its_own_attack_with_labels_alone(study):
    images = as_written(study / "findings" / "label_only.parquet")
    assert images.groupby(["classifier", "search"]).size().tolist() == [6] * 6
    moved = images[images["search"] == "transfer"]
    assert set(zip(moved["source"], moved["classifier"], strict=True)) == {NETWORKS, NETWORKS[::-1]}
    pairs = as_written(study / "findings" / "label_only_transfer.csv").dropna(subset=["source"])
    assert pairs["images"].tolist() == [6, 6]
    assert (pairs["adaptive"] > 0).all()


def test_champions_need_the_attacked_network_to_be_shown(study, tmp_path):
    outputs = {"images": tmp_path / "a.parquet", "curves": tmp_path / "b.parquet", "transfer": tmp_path / "c.csv"}
    attacks = [study / "label-only" / "lenet-a.safetensors"]
    with pytest.raises(FoolingError, match=r"no file of lenet-a(.|\n)*--classifiers"):
        tabulate_label_only(attacks, own=[f"labels={study / 'lenet-b' / 'seed1.safetensors'}"], **outputs)
    tabulate_label_only(attacks, **outputs)
    assert as_written(tmp_path / "c.csv").empty


def test_the_history_ends_with_the_champions(study):
    history = as_written(study / "findings" / "history.parquet")
    champions = as_written(study / "findings" / "champions.parquet")
    last = history[history["generation"] == 3]
    np.testing.assert_array_equal(last["confidence"], champions["confidence"])
    assert set(last["evaluations"]) == {80}


def test_examined_champions_keep_the_confidence_of_their_run(study):
    examined = as_written(study / "findings" / "examined" / "lenet-a.parquet")
    champions = as_written(study / "findings" / "champions.parquet")
    keys = ["search", "seed", "class_index"]
    joined = examined.merge(champions[champions["classifier"] == "lenet-a"], on=keys, suffixes=("", "_of_run"))
    assert len(joined) == 18
    np.testing.assert_array_equal(joined["confidence"], joined["confidence_of_run"])


def test_measured_champions_have_the_confidence_of_their_run_and_the_distance_that_was_examined(study):
    measured = as_written(study / "findings" / "distances" / "lenet-a.parquet")
    assert measured["kind"].value_counts().to_dict() == {"real": 5, "noise": 5, "start": 6, "champion": 6}
    examined = as_written(study / "findings" / "examined" / "lenet-a.parquet")
    keys = ["seed", "class_index"]
    champions = measured[measured["kind"] == "champion"].merge(examined[examined["search"] == "map-elites"], on=keys)
    assert len(champions) == 6
    np.testing.assert_allclose(champions["confidence_x"], champions["confidence_y"], rtol=1e-6)
    np.testing.assert_array_equal(champions["pixel_distance"], champions["nearest_distance"])


def test_no_claim_on_mnist_is_judged_by_stripes(study):
    table = as_written(study / "findings" / "claims.csv")
    assert table.columns.tolist() == CLAIMS.names
    assert set(table["verdict"]) == {"not run here"}


def test_the_same_inputs_give_the_same_bytes(study, tmp_path):
    findings_of(study, tmp_path)
    first = {path.relative_to(study / "findings"): path.read_bytes() for path in study.glob("findings/**/*.*")}
    again = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.glob("**/*.*")}
    assert first == again
    assert len(first) == 78


def test_champions_that_do_not_vary_have_no_largest_share(study, tmp_path, capsys):
    champions = pd.read_parquet(study / "findings" / "champions.parquet")
    one = champions[(champions["classifier"] == "lenet-a") & (champions["seed"] == 1)].iloc[[0]]
    one.to_parquet(tmp_path / "one.parquet")
    variance([tmp_path / "one.parquet"], output=tmp_path / "variance.csv")
    assert "largest share of the variance: unknown" in capsys.readouterr().err


def test_a_fooling_class_is_learned_and_is_no_target(study):
    table = as_written(study / "findings" / "retrained.parquet")
    assert set(table["class_name"]) == {"upright", "flat", "none"}
    assert table.groupby(["filled_with", "number"])["seed"].nunique().tolist() == [2] * 4
    (champions,) = load_arrays(study / "chain" / "champions.images.safetensors")
    assert champions["train_images"].shape == (12, 1, 28, 28)
    networks = as_written(study / "findings" / "retraining.csv")
    assert networks.groupby("number")["fooling_images"].unique().apply(list).tolist() == [[0], [12]]


def test_longer_runs_are_read_at_an_earlier_generation(study):
    table = as_written(study / "findings" / "retrained.parquet")
    (run,) = [run for run in load_runs(study / "chain" / "random.runs.safetensors") if run.seed == 7]
    rows = table[(table["filled_with"] == "random") & (table["number"] == 2) & (table["seed"] == 7)]
    assert run.history.generations[-1] == 3
    np.testing.assert_array_equal(rows["log_odds"], run.history.log_odds[2])
    curve = as_written(study / "findings" / "budget.csv")
    assert curve.groupby("filled_with")["generation"].apply(list).tolist() == [[0, 1, 2, 3]] * 2
    (end,) = curve[(curve["filled_with"] == "random") & (curve["generation"] == 3)]["median"]
    levels = [run.log_odds for run in load_runs(study / "chain" / "random.runs.safetensors")[:2]]
    assert end == pytest.approx(1 / (1 + np.exp(-np.median(levels))))


def test_every_network_refuses_equally_many_real_images(study):
    table = as_written(study / "findings" / "refusal.csv")
    for _, rows in table.groupby("rate"):
        assert rows["refused_fitted"].nunique() == 1
    assert sorted(table["refused_fitted"].unique()) == pytest.approx([0.1, 0.2])
    assert table.groupby("attack")["number"].unique().apply(list).to_dict() == {
        "adaptive": [2],
        "not adaptive": [1, 2],
    }


def test_adaptive_champions_are_those_evolved_against_the_constant(study):
    table = as_written(study / "findings" / "refusal.csv")
    row = table[(table["attack"] == "adaptive") & (table["filled_with"] == "champions")].iloc[0]
    network = load_classifier(study / "chain" / "champions.refusing.safetensors", torch.device("cpu"))
    runs = load_runs(study / "chain" / "champions.refusing-runs.safetensors")[:2]
    shown = [network.logits(torch.from_numpy(run.images)).argmax(dim=1) for run in runs]
    assert row["accepted"] == pytest.approx(1 - np.mean([(classes == 3).double().mean() for classes in shown]))
    assert row["shift"] == network.refusal.shift


def test_a_classifier_without_a_constant_is_no_refusing_network(study, tmp_path):
    with pytest.raises(FoolingError, match=r"champions\.safetensors refuses no real images"):
        tabulate_refusal(
            [study / "chain" / "champions.safetensors"],
            runs=[study / "chain" / "champions.runs.safetensors"],
            refusing=[study / "chain" / "champions.safetensors"],
            refusing_runs=[study / "chain" / "champions.runs.safetensors"],
            dataset=study / "dataset.safetensors",
            retraining="chain",
            measured_runs=2,
            settings=REFUSAL,
            output=tmp_path / "refusal.csv",
        )
    assert not list(tmp_path.iterdir())


def test_too_few_runs_against_a_network_are_refused(study, tmp_path):
    with pytest.raises(FoolingError, match=r"too few runs against .*lenet-a"):
        tabulate_retraining(
            [study / "lenet-a.safetensors", study / "chain" / "random.safetensors"],
            runs=[study / "chain" / "random.runs.safetensors"],
            retraining="chain",
            measured_runs=2,
            generations=3,
            settings=INTERVALS,
            champions=tmp_path / "a",
            networks=tmp_path / "b",
            effects=tmp_path / "c",
        )
    assert not list(tmp_path.iterdir())


def test_too_few_runs_for_the_images_asked_for_are_refused(study, tmp_path):
    with pytest.raises(FoolingError, match=r"too few runs to supply(.|\n)*found: 3 runs"):
        collect_champions(
            [study / "chain" / "random.runs.safetensors"],
            settings='{"training_runs": 3, "test_runs": 1}',
            output=tmp_path / "a",
        )


def load_arrays(*paths: Path) -> list[dict[str, np.ndarray]]:
    return [read_arrays(path, kind="dataset", version=1)[0] for path in paths]


def test_images_of_a_network_that_is_not_there_are_refused(study, tmp_path):
    with pytest.raises(FoolingError, match=r"not evolved on these networks(.|\n)*found: runs on lenet-b"):
        transfer(
            [study / "lenet-a.safetensors"],
            experiment="direct",
            runs=[study / "lenet-b" / "seed1.safetensors"],
            settings="{}",
            shown=tmp_path / "a",
            pairs=tmp_path / "b",
        )
    assert not list(tmp_path.iterdir())


def test_the_curves_of_a_network_are_its_own_with_climbs_and_searches(study):
    for name in NETWORKS:
        curves = as_written(study / "findings" / "ascent_curves" / f"{name}.parquet")
        assert set(curves["classifier"]) == {name}
        assert set(curves["search"]) == {"gradient-ascent", "map-elites", "random-search"}
        climb = curves[(curves["search"] == "gradient-ascent") & (curves["seed"] == 1)]
        assert climb["evaluations"].tolist() == [3 * (3 * step + 1) for step in range(6)]  # three classes


def test_the_best_setting_of_the_pilots_climbs_on_another_network(study):
    tuned = load_attack(study / "tuned.safetensors")
    table = as_written(study / "findings" / "ascent_sweeps.csv")
    chosen = table.loc[table["chosen"], "experiment"].item()
    assert chosen == "tuned-fast"
    pilot = load_attack(study / "pilots" / f"{chosen}.safetensors")
    assert tuned.settings == {**pilot.settings, "seeds": {"first": 5, "count": 1}}
    assert tuned.classifier["name"] == "lenet-b"


def test_a_choice_is_not_reported_on_its_own_pilot(study, tmp_path):
    with pytest.raises(FoolingError, match=r"a pilot is on the classifier(.|\n)*tuned-fast"):
        attack(
            "ascent",
            name="tuned",
            classifier=study / "lenet-a.safetensors",
            settings="{}",
            output=tmp_path / "tuned.safetensors",
            pilots=[study / "pilots" / "tuned-fast.safetensors"],
            checkpoints=tmp_path / "checkpoints",
        )
    assert not list(tmp_path.iterdir())


def test_curves_for_other_networks_than_climbed_are_refused(study, tmp_path):
    with pytest.raises(FoolingError, match="expected: one for each of lenet-a, lenet-b"):
        tabulate_ascent(
            sorted(study.glob("ascent/*/plain.safetensors")),
            history=[study / "findings" / "history.parquet"],
            times=[study / "findings" / "times.parquet"],
            settings=INTERVALS,
            images=tmp_path / "images.parquet",
            ascent_times=tmp_path / "times.parquet",
            curves=[tmp_path / "curves.parquet"],
            evaluations=tmp_path / "evaluations.csv",
        )
    assert not list(tmp_path.iterdir())


def test_of_several_runs_against_a_network_the_first_ones_are_shown(study, tmp_path):
    transfer(
        [study / "chain" / "champions.safetensors"],
        experiment="chain",
        batches=[study / "chain" / "champions.runs.safetensors"],
        measured_runs=2,
        settings=json.dumps({"permutations": 99}),
        shown=tmp_path / "shown.parquet",
        pairs=tmp_path / "pairs.csv",
    )
    assert as_written(tmp_path / "shown.parquet")["seed"].unique().tolist() == [7, 8]


def test_transfer_in_parts_is_that_of_the_whole(study, tmp_path):
    parts = [(target, source) for target in NETWORKS for source in NETWORKS]
    labels = [tmp_path / f"{source}.labels.parquet" for source in NETWORKS]
    runs = {source: [study / source / f"seed{seed}.safetensors" for seed in (1, 2)] for source in NETWORKS}
    for source, path in zip(NETWORKS, labels, strict=True):
        label_champions([study / f"{source}.safetensors"], runs=runs[source], output=path)
    for target, source in parts:
        show_champions(
            [study / f"{target}.safetensors"],
            experiment="direct",
            runs=runs[source],
            labelled=labels,
            settings=json.dumps({"permutations": 99}),
            shown=tmp_path / f"{target}-{source}.parquet",
            pairs=tmp_path / f"{target}-{source}.pairs.parquet",
        )
    join_transfer(
        [tmp_path / f"{target}-{source}.parquet" for target, source in parts],
        pair_parts=[tmp_path / f"{target}-{source}.pairs.parquet" for target, source in parts],
        images=tmp_path / "shown.parquet",
        pairs=tmp_path / "transfer.csv",
    )
    for name in ("shown.parquet", "transfer.csv"):
        assert (tmp_path / name).read_bytes() == (study / "findings" / name).read_bytes()


def test_lineages_in_parts_are_those_of_the_whole(study, tmp_path):
    settings = json.dumps({"parent_redraws": 19})
    for name in NETWORKS:
        trace_lineage(
            [study / name / f"seed{seed}.safetensors" for seed in (1, 2)],
            experiment="direct",
            settings=settings,
            ancestry=tmp_path / f"{name}.parquet",
            replays=tmp_path / f"{name}.replays.parquet",
        )
    join_lineage(
        [tmp_path / f"{name}.parquet" for name in NETWORKS],
        replays=[tmp_path / f"{name}.replays.parquet" for name in NETWORKS],
        experiment="direct",
        settings=settings,
        champions=tmp_path / "ancestry.parquet",
        lineage=tmp_path / "lineage.csv",
    )
    for name in ("ancestry.parquet", "lineage.csv"):
        assert (tmp_path / name).read_bytes() == (study / "findings" / name).read_bytes()


def test_runs_on_other_networks_and_unknown_labels_are_refused(study, tmp_path):
    first, second = (study / f"{name}.safetensors" for name in NETWORKS)
    with pytest.raises(FoolingError, match=r"not evolved on these networks\n  found: runs on lenet-b"):
        label_champions([first], runs=[study / "lenet-b" / "seed1.safetensors"], output=tmp_path / "labels.parquet")
    label_champions([first], runs=[study / "lenet-a" / "seed1.safetensors"], output=tmp_path / "labels.parquet")
    with pytest.raises(FoolingError, match="labels of the champions on lenet-a, seed 2, are not known"):
        show_champions(
            [second],
            experiment="direct",
            runs=[study / "lenet-a" / "seed2.safetensors"],
            labelled=[tmp_path / "labels.parquet"],
            shown=tmp_path / "shown.parquet",
            pairs=tmp_path / "pairs.parquet",
        )
    with pytest.raises(FoolingError, match="a table is missing"):
        trace_lineage([], experiment="direct", ancestry=tmp_path / "ancestry.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["labels.parquet"]


def test_a_champion_left_as_it_is_keeps_the_confidence_of_its_run(study):
    ablation = as_written(study / "findings" / "ablation" / "lenet-a.parquet")
    champions = as_written(study / "findings" / "champions.parquet")
    own = champions[(champions["classifier"] == "lenet-a") & (champions["search"] == "map-elites")]
    joined = ablation[ablation["kind"] == "intact"].merge(own, on=["seed", "class_index"], suffixes=("", "_of_run"))
    assert len(joined) == 6
    np.testing.assert_array_equal(joined["log_odds"], joined["log_odds_of_run"])


def test_champions_are_shown_to_their_own_network_alone(study, tmp_path):
    with pytest.raises(FoolingError, match="does not attack"):
        ablate(
            sorted((study / "lenet-a").glob("seed?.safetensors")),
            classifier=study / "lenet-b.safetensors",
            experiment="direct",
            settings="{}",
            output=tmp_path / "ablation.parquet",
        )
    assert not list(tmp_path.iterdir())


def test_changed_champions_are_those_of_the_runs(study):
    beyond = as_written(study / "findings" / "supernormal" / "lenet-a.parquet")
    champions = as_written(study / "findings" / "champions.parquet")
    own = champions[(champions["classifier"] == "lenet-a") & (champions["search"] == "map-elites")]
    joined = beyond.merge(own, on=["seed", "class_index"], suffixes=("", "_of_run"))
    assert len(joined) == 6
    np.testing.assert_array_equal(joined["log_odds"], joined["log_odds_of_run"])
    # Here from the log-odds, in the run from torch's softmax, whose last bit depends on the processor.
    np.testing.assert_array_max_ulp(joined["confidence"].to_numpy(), joined["confidence_of_run"].to_numpy(), maxulp=1)
    changed = as_written(study / "findings" / "robustness" / "lenet-a.csv")
    real = [name for name in changed if name.startswith("real_")]
    assert (changed.groupby(["change", "strength"])[real].nunique(dropna=False) == 1).all(axis=None)


def test_random_cppns_are_as_many_as_those_of_other_families(study):
    families = as_written(study / "findings" / "families" / "lenet-b.parquet")
    assert families.groupby("family")["class_index"].nunique().to_dict() == dict.fromkeys(
        ("blobs", "cppn", "dct", "one-over-f", "uniform"), 3
    )
    assert set(families["evaluations"]) == {30}
    assert families["image"].between(0, 29).all()


def stressed(study: Path, tmp_path: Path, *runs: str) -> None:
    stress(
        classifier=study / "lenet-a.safetensors",
        dataset=study / "dataset.safetensors",
        runs=list(runs),
        settings=json.dumps({"changed_real_images": 5}),
        robustness=tmp_path / "robustness.csv",
        supernormal=tmp_path / "supernormal.parquet",
    )


def test_champions_of_another_network_are_not_changed(study, tmp_path):
    with pytest.raises(FoolingError, match="does not attack"):
        stressed(study, tmp_path, f"direct={study / 'lenet-b' / 'seed1.safetensors'}")
    with pytest.raises(FoolingError, match="there are no runs"):
        stressed(study, tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_ensemble_gives_no_logits(study, tmp_path, capsys):
    ensemble = tmp_path / "both.safetensors"
    members = [study / f"{name}.safetensors" for name in NETWORKS]
    assemble_ensemble(members, dataset=study / "dataset.safetensors", output=ensemble)
    search = {"start": 4, "offspring": 4, "generations": 1}
    attack(
        "evolution",
        classifier=ensemble,
        settings=json.dumps({"encoding": {"kind": "direct"}, "search": search}),
        seed=1,
        output=tmp_path / "run.safetensors",
        checkpoints=tmp_path / "checkpoints",
    )
    stress(
        classifier=ensemble,
        dataset=study / "dataset.safetensors",
        runs=[f"direct={tmp_path / 'run.safetensors'}"],
        settings=json.dumps({"changed_real_images": 5}),
        robustness=tmp_path / "robustness.csv",
        supernormal=tmp_path / "supernormal.parquet",
    )
    assert "both gives no logits, only probabilities" in capsys.readouterr().err
    beyond = as_written(tmp_path / "supernormal.parquet")
    assert beyond[["logit", "real_logit", "beyond_logit"]].isna().all(axis=None)
    assert beyond["beyond_log_odds"].notna().all()
