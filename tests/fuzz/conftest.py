"""A small study made by the commands themselves: the real files that are damaged here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from fooling.datasets.dataset import Dataset, save_dataset

from .commands import called

ROOT = Path(__file__).parents[2]
INTERVALS = json.dumps({"confidence_level": 0.9})
CLASS_SETS = '{"class_sets": {"first": [[0, 0]]}, "bootstrap_samples": 99}'
SEARCH = {"start": 4, "offspring": 4, "generations": 1}


@dataclass(frozen=True)
class Study:
    """The files of the study."""

    folder: Path

    def __getattr__(self, name: str) -> Path:
        if name not in FILES:
            raise AttributeError(name)
        return self.folder / FILES[name]

    def run(self, experiment: str, search: str = "") -> Path:
        """A run of an experiment."""
        return self.folder / f"{experiment}/seed1{search}.safetensors"

    @property
    def runs(self) -> list[Path]:
        """The run of the direct encoding with its controls."""
        return [self.run("direct", search) for search in ("", ".random-search", ".drift")]


FILES = {
    "dataset": "dataset.safetensors",
    "network": "lenet.safetensors",
    "other": "other.safetensors",
    "batch": "runs.safetensors",
    "fooling_images": "images.safetensors",
    "retrained_network": "dnn2.safetensors",
    "retrained_batch": "dnn2.runs.safetensors",
    "control_network": "control.safetensors",
    "control_batch": "control.runs.safetensors",
    "retrained": "retrained.parquet",
    "retraining": "retraining.csv",
    "effects": "effects.csv",
    "shown": "shown.parquet",
    "transfer": "transfer.csv",
    "champions": "champions.parquet",
    "history": "history.parquet",
    "times": "times.parquet",
    "calibration": "calibration.csv",
    "real": "real.parquet",
    "examined": "examined.parquet",
    "start": "start.parquet",
    "distances": "distances.parquet",
    "ancestry": "ancestry.parquet",
    "lineage": "lineage.csv",
    "lineage_replays": "lineage_replays.parquet",
    "own_labels": "own_labels.parquet",
    "shown_part": "shown_part.parquet",
    "pair_parts": "pair_parts.parquet",
    "training": "training.csv",
    "classifiers": "classifiers.csv",
    "errors": "test_errors.csv",
    "variance": "variance.csv",
    "foolability": "foolability.csv",
    "class_sets": "class_sets.csv",
    "set_classes": "set_classes.parquet",
    "survival": "survival.csv",
    "presets": "presets.csv",
    "claims": "claims.csv",
    "page": "claims.md",
    "info": "run-info.json",
    "logs": "logs",
    "figure": "training_curves.png",
    "pdf": "training_curves.pdf",
    "html": "index.html",
    "families": "families.parquet",
    "family_images": "family_images.parquet",
    "robustness": "robustness.csv",
    "supernormal": "supernormal.parquet",
    "ablation": "ablation.parquet",
    "ablation_summary": "ablation_summary.csv",
    "climb": "ascent/lenet.safetensors",
    "ascent": "ascent.parquet",
    "ascent_times": "ascent_times.parquet",
    "ascent_curves": "ascent_curves.parquet",
    "ascent_evaluations": "ascent_evaluations.csv",
    "changed": "adversarial/lenet.safetensors",
    "adversarial": "adversarial.parquet",
    "adversarial_means": "adversarial_means.csv",
    "adversarial_transfer": "adversarial_transfer.csv",
    "universals": "universal/lenet.safetensors",
    "universal": "universal.csv",
    "universal_means": "universal_means.csv",
    "universal_labels": "universal_labels.csv",
    "universal_transfer": "universal_transfer.csv",
    "labelled": "label-only/other.safetensors",
    "label_only": "label_only.parquet",
    "label_only_curves": "label_only_curves.parquet",
    "label_only_transfer": "label_only_transfer.csv",
    "guarded": "guarded/hard.safetensors",
    "smooth": "guarded/smooth.safetensors",
    "detectors": "detectors.csv",
    "detector_means": "detector_means.csv",
    "detector_images": "detector_images.parquet",
    "metrics": "metrics.json",
    "curve": "curve.csv",
    "audit": "audit.json",
    "audit_seeds": "audit_seeds.csv",
    "audit_attacks": "audit_attacks.csv",
    "audits": "audits.csv",
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
}
#: What `tabulate-audits` reads of an audit.
AUDIT = {
    "version": 1,
    "network": "one",
    "classes": ["a", "b"],
    "input_shape": [1, 8, 8],
    "settings": {"budget": 400, "seed": 1, "threshold": 0.99},
    "searches": [
        {"name": name, "title": name, "control": control, "classes_searched": 2, "fooled": 1, "first_evaluation": first}
        | {"median_confidence": 0.5}
        for name, control, first in (("random-search", None, None), ("evolution", "random-search", 200))
    ],
    "small_changes": {"method": "deepfool", "images": 5, "misclassified": 4, "median_rms": 0.1}
    | {"misclassified_with_noise": 1, "evaluations": 60, "example": []},
    "universal": {"levels": 51, "images_used": 20, "fooled_used": 9, "images": 20, "fooled": 8}
    | {"fooled_by_random_signs": 0.6, "steps": 20, "example": []},
    "labels_alone": {"queries": 900, "classes": 2, "example": []}
    | {
        search: {"given": given, "fooled": 0, "median_confidence": 0.7}
        for search, given in (("evolution", 2), ("random_search", 1))
    },
}


def striped_images() -> Dataset:
    """Vertical, horizontal and no stripes under noise."""
    generator = np.random.default_rng(0)
    labels = np.arange(48) % 3
    pattern = np.zeros((3, 1, 16, 16))
    pattern[0, :, :, ::2], pattern[1, :, ::2, :] = 120, 120
    images = (pattern[labels] + generator.integers(0, 120, (48, 1, 16, 16))).astype(np.uint8)
    labels[40:] = labels[40:][::-1]
    return Dataset(
        name="stripes",
        class_names=("upright", "flat", "none"),
        provenance={},
        train_images=images[:24],
        train_labels=labels[:24],
        test_images=images[24:],
        test_labels=labels[24:],
    )


Given = dict[str, Path]  # the files that stand in for those of the study, by their names
OF_REPORT = (
    *("claims", "audits", "audit_attacks", "champions", "examined", "adversarial_means", "universal_means"),
    *("boundary", "families", "robustness", "supernormal", "rubbish_summary", "ray_slopes"),
    *("label_only", "label_only_transfer", "hardening", "fooled_summary", "detector_means"),
)
OF_CLAIMS = (
    "classifiers",
    *("history", "times", "start", "examined", "ancestry", "real", "distances"),
    *("transfer", "retrained", "retraining"),
    *("ablation", "ascent", "ascent_times", "adversarial", "adversarial_transfer"),
    *("boundary", "families", "robustness", "supernormal", "rubbish", "ray_slopes", "hardened"),
    *("universal", "universal_labels", "universal_transfer"),
    *("label_only", "label_only_transfer", "fooled", "detectors"),
)


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Two networks, a run of each encoding with its controls, every table, and the page."""
    made = Study(tmp_path_factory.mktemp("study"))
    save_dataset(made.dataset, striped_images())
    for path, seed in ((made.network, 1), (made.other, 2)):
        fooling("train", *training(made, path, seed=seed))
    for experiment in ("direct", "cppn"):
        fooling("attack", "evolution", *evolution(made, made.run(experiment), experiment))
    fooling("attack", "ascent", *ascent(made, made.climb))
    fooling("attack", "adversarial", *adversarial(made, made.changed))
    fooling("attack", "universal", *universal(made, made.universals))
    fooling("attack", "label-only", *label_only(made, made.labelled))
    make_guarded(made)
    make_retraining(made)
    make_findings(made)
    return made


def make_guarded(study: Study) -> None:
    """The network with a detector, and attacks on it with and without the detector."""
    fooling("guard-classifier", *guard(study, study.guarded.parent))
    for detector, hard, smooth in (("none", study.network, study.network), ("energy", study.guarded, study.smooth)):
        folder = study.guarded.parent / detector
        fooling("attack", "evolution", *evolution(study, folder / "evolution.safetensors", "direct", classifier=hard))
        fooling("attack", "evolution", *evolution(study, folder / "smooth.safetensors", "direct", classifier=smooth))
        fooling("attack", "ascent", *ascent(study, folder / "ascent.safetensors", classifier=smooth))


def guard(study: Study, out: Path, *, classifier: Path | None = None) -> list[object]:
    """The arguments of `guard-classifier`."""
    settings = '{"detector": {"kind": "energy"}, "rejects": 0.2}'
    words = ["--dataset", study.dataset, "--settings", settings, "--name", "guarded"]
    made = ["--output", out / "hard.safetensors", "--smooth", out / "smooth.safetensors"]
    return [classifier or study.network, *words, *made]


def detector_tables(study: Study, *, out: Path, guarded: Path | None = None) -> tuple[list[object], list[Path]]:
    """The call of `measure-detectors`, and what it must write."""
    made = [out / name for name in ("detectors.csv", "means.csv", "images.parquet")]
    folder, parts = study.guarded.parent, ("evolution", "smooth", "ascent")
    named: list[object] = [f"guards/lenet/none={study.network}", f"guards/lenet/energy={guarded or study.guarded}"]
    for detector in ("none", "energy"):
        for part in parts if detector == "energy" else (parts[0], parts[2]):
            named += [f"--{part}", f"guards/lenet/{detector}={folder / detector / part}.safetensors"]
        control = folder / detector / "evolution.random-search.safetensors"
        named += ["--random-search", f"guards/lenet/{detector}={control}"]
    outputs = zip(("--detectors", "--means", "--images"), made, strict=True)
    return ["measure-detectors", *named, "--settings", INTERVALS, *(word for pair in outputs for word in pair)], made


def make_retraining(study: Study) -> None:
    """A second network that has learned the champions of the first one, one that has not, and runs against all."""
    words = ("--settings", json.dumps({"encoding": {"kind": "direct"}, "search": SEARCH}), "--seed", 1, "--runs", 3)
    checkpoints = ("--checkpoints", study.batch.parent / "checkpoints")
    fooling("attack", "evolution", "--classifier", study.network, *words, "--output", study.batch, *checkpoints)
    supply = ("--settings", '{"training_runs": 2, "test_runs": 1}')
    fooling("collect-champions", study.batch, *supply, "--output", study.fooling_images)
    learned = ("--fooling", study.fooling_images)
    for filling, images, network, batch in (
        ("champions", learned, study.retrained_network, study.retrained_batch),
        ("nothing", (), study.control_network, study.control_batch),
    ):
        training = {"seed": 3, "training": {"iterations": 8, "batch_size": 6}}
        place = {"network": training, "first": "lenet", "filled_with": filling, "number": 2}
        fooling(
            *("retrain", "--dataset", study.dataset, *images, "--name", f"chain/{filling}/dnn2"),
            *("--settings", json.dumps(place), "--output", network, *checkpoints),
        )
        fooling("attack", "evolution", "--classifier", network, *words, "--output", batch, *checkpoints)


def retraining_tables(study: Study, given: Given, *, out: Path) -> tuple[list[object], list[Path]]:
    """The call of `tabulate-retraining`, and what it must write."""
    made = [out / "champions.parquet", out / "networks.csv", out / "effects.csv"]
    networks = [study.network, study.control_network, given.get("retrained_network", study.retrained_network)]
    batches = (study.batch, study.control_batch, given.get("retrained_batch", study.retrained_batch))
    runs = [word for batch in batches for word in ("--runs", batch)]
    words = ["--retraining", "chain", "--measured-runs", 2, "--settings", '{"confidence_level": 0.9}']
    outputs = ["--champions", made[0], "--networks", made[1], "--effects", made[2]]
    return ["tabulate-retraining", *networks, *runs, *words, *outputs], made


def transfer_tables(study: Study, given: Given, *, out: Path) -> tuple[list[object], list[Path]]:
    """The call of `transfer`, and what it must write."""
    made = [out / "shown.parquet", out / "transfer.csv"]
    networks = [study.network, given.get("retrained_network", study.retrained_network)]
    runs = [study.batch, given.get("retrained_batch", study.retrained_batch)]
    batches = ["--batches", runs[0], "--batches", runs[1], "--measured-runs", 2]
    words = ["--experiment", "chain", "--settings", '{"permutations": 99}']
    return ["transfer", *networks, *batches, *words, "--shown", made[0], "--pairs", made[1]], made


def show(study: Study, given: Given, *, shown: Path, pairs: Path) -> list[object]:
    """The arguments of `show-champions`: the champions of one run, shown to another network."""
    labels = given.get("own_labels", study.own_labels)
    words = ["--runs", study.run("direct"), "--labelled", labels, "--experiment", "direct"]
    return [study.other, *words, "--settings", '{"permutations": 99}', "--shown", shown, "--pairs", pairs]


def fooling(command: str, *arguments: object) -> None:
    """Call a command that must succeed."""
    outcome = called(command, *arguments)
    assert outcome.succeeded, outcome.message


def training(study: Study, output: Path, *, dataset: Path | None = None, seed: int = 1) -> list[object]:
    """The arguments of a short training."""
    settings = {"seed": seed, "training": {"iterations": 8, "batch_size": 6}}
    return [
        *("--dataset", dataset or study.dataset, "--settings", json.dumps(settings), "--name", output.stem),
        *("--output", output, "--checkpoints", output.parent / "checkpoints"),
    ]


def evolution(study: Study, output: Path, experiment: str, *, classifier: Path | None = None) -> list[object]:
    """The arguments of a short evolution with its controls."""
    settings = {"encoding": {"kind": experiment}, "search": SEARCH}
    return [
        *("--classifier", classifier or study.network, "--settings", json.dumps(settings), "--seed", 1),
        *("--output", output, "--checkpoints", output.parent / "checkpoints"),
        *("--controls", f"random-search={output.with_suffix('.random-search.safetensors')}"),
        *("--controls", f"drift={output.with_suffix('.drift.safetensors')}"),
    ]


def ascent(study: Study, output: Path, *, classifier: Path | None = None) -> list[object]:
    """The arguments of a short gradient ascent."""
    return [
        *("--classifier", classifier or study.network, "--settings", '{"steps": 3, "seeds": {"count": 1}}'),
        *("--name", "plain", "--output", output, "--checkpoints", output.parent / "checkpoints"),
    ]


def adversarial(study: Study, output: Path, *, dataset: Path | None = None) -> list[object]:
    """The arguments of a few adversarial examples."""
    few = {"images": 3, "chunk": 2, "pgd_steps": 2, "sizes_l2": [0.1], "sizes_linf": [0.1, 0.2]}
    few |= {"penalty_searches": 1, "iterations": 3, "boundary_steps": 1, "boundary_queries": 5}
    return [
        *("--classifier", study.network, "--dataset", dataset or study.dataset, "--settings", json.dumps(few)),
        *("--name", "small", "--output", output, "--checkpoints", output.parent / "checkpoints"),
    ]


def adversarial_tables(study: Study, changed: Path, *, out: Path) -> tuple[list[object], list[Path]]:
    """The call of `tabulate-adversarial`, and what it must write."""
    made = [out / name for name in ("adversarial.parquet", "means.csv", "transfer.csv")]
    networks = ["--classifiers", study.network, "--classifiers", study.other, "--settings", INTERVALS]
    outputs = zip(("--images", "--means", "--transfer"), made, strict=True)
    return ["tabulate-adversarial", changed, *networks, *(word for pair in outputs for word in pair)], made


def universal(study: Study, output: Path) -> list[object]:
    """The arguments of a few universal perturbations."""
    few = {"images": 6, "fewer_images": [3], "unseen": 6, "sizes_linf": [0.2], "sizes_l2": [0.2], "compared_size": 0.2}
    few |= {"steps": 2, "batch": 4, "controls": 1, "rounds": 1, "tuning_steps": 1, "tuning_batch": 4, "examples": 1}
    return [
        *("--classifier", study.network, "--dataset", study.dataset, "--settings", json.dumps(few)),
        *("--name", "one", "--output", output, "--checkpoints", output.parent / "checkpoints"),
    ]


def universal_tables(study: Study, universals: Path, *, out: Path) -> tuple[list[object], list[Path]]:
    """The call of `tabulate-universal`, and what it must write."""
    made = [out / f"{name}.csv" for name in ("universal", "means", "labels", "transfer")]
    networks = ["--classifiers", study.network, "--classifiers", study.other, "--datasets", study.dataset]
    outputs = zip(("--perturbations", "--means", "--labels", "--transfer"), made, strict=True)
    words = [word for pair in outputs for word in pair]
    return ["tabulate-universal", universals, *networks, "--settings", INTERVALS, *words], made


def label_only(study: Study, output: Path) -> list[object]:
    """The arguments of a short attack with labels alone."""
    few = {"queries": 60, "copies": 2, "noise": [50, 150], "start": 4, "offspring": 4, "seeds": {"count": 2}}
    return [
        *("--classifier", study.other, "--settings", json.dumps(few), "--name", "labels"),
        *("--output", output, "--checkpoints", output.parent / "checkpoints"),
    ]


def label_only_tables(study: Study, labelled: Path, *, out: Path) -> tuple[list[object], list[Path]]:
    """The call of `tabulate-label-only`, and what it must write."""
    made = [out / name for name in ("images.parquet", "curves.parquet", "transfer.csv")]
    words = ["--own", f"labels={study.run('direct')}", "--classifiers", study.other, "--settings", INTERVALS]
    outputs = zip(("--images", "--curves", "--transfer"), made, strict=True)
    return ["tabulate-label-only", labelled, *words, *(word for pair in outputs for word in pair)], made


def ablate(study: Study, run: Path, *, output: Path, classifier: Path | None = None) -> list[object]:
    """The arguments of `ablate`."""
    words = ["--experiment", "cppn", "--settings", '{"removal_draws": 1}', "--output", output]
    return [run, "--classifier", classifier or study.network, *words]


def stress(study: Study, run: Path, *, out: Path, classifier: Path | None = None) -> list[object]:
    """The arguments of `stress`."""
    return [
        *("--classifier", classifier or study.network, "--dataset", study.dataset, "--runs", f"direct={run}"),
        *("--settings", '{"changed_real_images": 3}'),
        *("--robustness", out / "robustness.csv", "--supernormal", out / "supernormal.parquet"),
    ]


def boundary(study: Study, run: Path, *, output: Path, classifier: Path | None = None) -> list[object]:
    """The arguments of `probe-boundary`."""
    words = ["--dataset", study.dataset, "--runs", f"direct={run}", "--settings", '{"images": 3}', "--output", output]
    return [classifier or study.network, *words]


def hardening(study: Study, files: Given) -> list[object]:
    """What `tabulate-hardening` reads."""
    names = ("champions", "retrained", "real")
    tables = [word for name in names for word in (f"--{name}", files.get(name, getattr(study, name)))]
    return [study.network, *tables, "--dataset", study.dataset]


def kinds(study: Study, given: Given, *, output: Path) -> list[object]:
    """The arguments of `compare-kinds`."""
    files = {name: given.get(name, getattr(study, name)) for name in ("climb", "changed", "families", "family_images")}
    return [
        *(study.network, "--other", study.other, "--runs", f"direct={study.run('direct')}"),
        *("--ascents", files["climb"], "--examples", files["changed"]),
        *("--tables", f"families={files['families']}", "--tables", f"family_images={files['family_images']}"),
        *("--output", output),
    ]


def models(study: Study, given: Given, *, out: Path) -> list[object]:
    """The arguments of `compare-models`."""
    files = {name: given.get(name, getattr(study, name)) for name in ("real", "rubbish")}
    runs = [word for run in study.runs for word in ("--runs", f"direct={run}")]
    return [
        *(study.network, *runs, "--real", files["real"], "--rubbish", files["rubbish"]),
        *("--output", out / "fooled.csv", "--summary", out / "fooled_summary.csv"),
    ]


def make_findings(study: Study) -> None:
    """Every command that reads what the others have made."""
    outputs = ("--training", study.training, "--networks", study.classifiers, "--errors", study.errors)
    fooling("describe-classifiers", study.network, study.other, "--settings", INTERVALS, *outputs)
    measured = ("--calibration", study.calibration, "--images", study.real)
    fooling("calibrate", "--classifier", study.network, "--dataset", study.dataset, "--settings", "{}", *measured)
    fooling(
        *("examine", *study.runs, "--experiment", "direct", *measured, "--dataset", study.dataset),
        *("--independent", study.other, "--settings", '{"real_images": 3}', "--output", study.examined),
    )
    fooling(
        *("sample", "--classifier", study.network, "--experiment", "direct", "--output", study.start),
        *("--settings", '{"encoding": {"kind": "direct"}, "sample_images": 4}'),
    )
    fooling(
        *("sample-families", "--classifier", study.network, "--settings", '{"family_images": 4}'),
        *("--output", study.families, "--images", study.family_images),
    )
    fooling("stress", *stress(study, study.run("direct"), out=study.folder))
    tables = ("--champions", study.champions, "--history", study.history, "--times", study.times)
    fooling("tabulate", *study.runs, "--experiment", "direct", "--settings", "{}", *tables)
    fooling(
        *("measure-distances", "--classifier", study.network, "--dataset", study.dataset, *measured),
        *("--runs", f"direct={study.run('direct')}", "--settings", '{"distance_images": 3}'),
        *("--output", study.distances),
    )
    traced = ("--ancestry", study.ancestry, "--lineage", study.lineage, "--replays", study.lineage_replays)
    fooling("trace-lineage", study.run("direct"), "--experiment", "direct", "--settings", INTERVALS, *traced)
    fooling("label-champions", study.network, "--runs", study.run("direct"), "--output", study.own_labels)
    fooling("show-champions", *show(study, {}, shown=study.shown_part, pairs=study.pair_parts))
    fooling("variance", study.champions, "--output", study.variance)
    together = ("--history", study.history, "--examined", study.examined)
    fooling("compare-networks", *together, "--settings", INTERVALS, "--output", study.foolability)
    compared = ("--classes", study.set_classes, "--output", study.class_sets)
    fooling("compare-class-sets", study.champions, "--settings", CLASS_SETS, *compared)
    compared = ("--survival", study.survival, "--presets", study.presets)
    fooling("compare", study.times, "--settings", '{"comparisons": []}', *compared)
    call, made = retraining_tables(study, {}, out=study.retrained.parent / "made")
    fooling(*map(str, call))
    shown, pairs = transfer_tables(study, {}, out=study.retrained.parent / "made")
    fooling(*map(str, shown))
    files = (study.retrained, study.retraining, study.effects, study.shown, study.transfer)
    for path, file in zip([*made, *pairs], files, strict=True):
        path.rename(file)
    fooling("ablate", *ablate(study, study.run("cppn"), output=study.ablation))
    fooling("summarise-ablation", study.ablation, "--settings", INTERVALS, "--output", study.ablation_summary)
    outputs = ("--images", study.ascent, "--ascent-times", study.ascent_times, "--curves", study.ascent_curves)
    inputs = ("--history", study.history, "--times", study.times, "--settings", INTERVALS)
    fooling("tabulate-ascent", study.climb, *inputs, *outputs, "--evaluations", study.ascent_evaluations)
    far = ("--rubbish", study.rubbish, "--summary", study.rubbish_summary, "--rays", study.rays)
    fooling(
        *("probe-far", study.network, study.other, "--dataset", study.dataset, *far, "--slopes", study.ray_slopes),
        *("--settings", '{"inputs": 4, "rays": 2, "doublings": 2}'),
    )
    fooling("tabulate-hardening", *hardening(study, {}), "--hardened", study.hardened, "--hardening", study.hardening)
    fooling("compare-models", *models(study, {}, out=study.folder))
    fooling("compare-kinds", *kinds(study, {}, output=study.kinds))
    fooling("probe-boundary", *boundary(study, study.run("direct"), output=study.boundary))
    call, made = adversarial_tables(study, study.changed, out=study.retrained.parent / "made")
    fooling(*map(str, call))
    for path, file in zip(made, (study.adversarial, study.adversarial_means, study.adversarial_transfer), strict=True):
        path.rename(file)
    call, made = universal_tables(study, study.universals, out=study.retrained.parent / "made")
    fooling(*map(str, call))
    tables = (study.universal, study.universal_means, study.universal_labels, study.universal_transfer)
    for path, file in zip(made, tables, strict=True):
        path.rename(file)
    call, made = label_only_tables(study, study.labelled, out=study.retrained.parent / "made")
    fooling(*map(str, call))
    for path, file in zip(made, (study.label_only, study.label_only_curves, study.label_only_transfer), strict=True):
        path.rename(file)
    call, made = detector_tables(study, out=study.retrained.parent / "made")
    fooling(*map(str, call))
    for path, file in zip(made, (study.detectors, study.detector_means, study.detector_images), strict=True):
        path.rename(file)
    study.audit.write_text(json.dumps(AUDIT))
    written = ("--seeds", study.audit_seeds, "--attacks", study.audit_attacks, "--output", study.audits)
    fooling("tabulate-audits", study.audit, *written)
    fooling("claims", *claims(study, {}, table=study.claims, page=study.page))
    (study.logs / "train").mkdir(parents=True)
    (study.logs / "train" / "lenet.log").write_text("fooling train: 12.3 s, peak memory 345 MB\n")
    (study.logs / "train" / "lenet.tsv").write_text("s\th:m:s\n14.25\t0:00:14\n")
    fooling(
        *("run-info", "--study", "small", "--champions", study.champions, "--classifiers", study.classifiers),
        *("--logs", study.logs, "--output", study.info),
    )
    fooling("draw", "training_curves", *figure(study, {}, ("training", "classifiers"), study.figure, study.pdf))
    fooling("report", *report(study, {}, output=study.html))


def claims(study: Study, given: Given, *, table: Path, page: Path, declared: Path | None = None) -> list[object]:
    """The arguments of `claims`."""
    return [
        *("--declared", declared or ROOT / "config" / "claims.yaml", "--settings", INTERVALS),
        *(word for name in OF_CLAIMS for word in named_table(study, given, name)),
        *("--table", table, "--page", page),
    ]


def named_table(study: Study, given: Given, name: str) -> list[object]:
    """The option that names a table and its file."""
    return ["--tables", f"{name}={given.get(name, getattr(study, name))}"]


def figure(study: Study, given: Given, tables: tuple[str, ...], png: Path, pdf: Path) -> list[object]:
    """The options of `draw` for a figure that is drawn from ``tables``."""
    settings = {"reference_error": 0.01} if "training" in tables else {}
    named = [word for name in tables for word in named_table(study, given, name)]
    return [*named, "--settings", json.dumps(settings), "--png", png, "--pdf", pdf]


def report(study: Study, given: Given, *, output: Path) -> list[object]:
    """The arguments of `report`."""
    return [
        *("--study", "small", "--threshold", 0.9999, "--output", output, "--deviations", "docs/deviations.md"),
        *(word for name in OF_REPORT for word in named_table(study, given, name)),
        *("--runs", f"direct={given.get('run', study.run('direct'))}"),
        *("--figures", given.get("figure", study.figure), "--run-info", given.get("info", study.info)),
    ]
