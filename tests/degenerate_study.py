"""Studies of runs that are legal and degenerate, made and analysed by the commands themselves."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from fooling.claims.claim import Claims
from fooling.claims.estimands import ESTIMANDS
from fooling.classifiers.architectures import build_network
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.classifier_file import save_classifier
from fooling.cli.main import function_of
from fooling.datasets.dataset import Dataset, save_dataset
from fooling.figures.catalogue import FIGURES
from fooling.findings.intervals import FEWEST_UNITS
from fooling.settings import checked_settings

SHAPE = (1, 16, 16)
CLASSES = ("upright", "flat", "none")
CPU = torch.device("cpu")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a degenerate study consists of."""

    networks: tuple[str, ...]  # kinds of networks, see `made_network`
    seeds: int = 2
    search: Mapping[str, int]
    test_labels: tuple[int, ...] = (0, 1, 2)  # labels of the test images, in turn
    controls: bool = True


#: The degenerate studies by name.
PLANS = {
    "constant": Plan(networks=("constant",), search={"start": 4, "offspring": 2, "generations": 1}),
    "saturated": Plan(networks=("saturated",), search={"start": 60, "offspring": 2, "generations": 1}),
    "one of several": Plan(
        networks=("saturated", "fresh"), seeds=1, search={"start": 60, "offspring": 20, "generations": 2}
    ),
    "alone": Plan(networks=("fresh",), seeds=1, search={"start": 2, "offspring": 2, "generations": 1}, controls=False),
    "right and wrong": Plan(
        networks=("upright", "flat"), seeds=1, search={"start": 2, "offspring": 2, "generations": 1}, test_labels=(0,)
    ),
}


def made_images(labels: tuple[int, ...]) -> Dataset:
    """Stripes under noise; the test images have these ``labels`` in turn, and are training images if these are few."""
    generator = np.random.default_rng(0)
    shown = np.concatenate([np.arange(12) % 3, np.array(labels)[np.arange(12) % len(labels)]])
    pattern = np.zeros((3, *SHAPE))
    pattern[0, :, :, ::2], pattern[1, :, ::2, :] = 120, 120
    images = (pattern[shown] + generator.integers(0, 120, (24, *SHAPE))).astype(np.uint8)
    if len(labels) < len(CLASSES):
        images[12:] = images[0]
    parts = {"train_images": images[:12], "train_labels": shown[:12], "test_images": images[12:]}
    return Dataset(name="stripes", class_names=CLASSES, provenance={}, **parts, test_labels=shown[12:])


def made_network(kind: str, *, seed: int, classes: int = 3) -> torch.nn.Module:
    """A LeNet of this ``kind``.

    It has ``fresh`` weights; or weights of 0, ``constant`` or for one of the classes; or is ``saturated``, giving some
    class of about every image of noise a confidence of exactly 1.
    """
    torch.manual_seed(seed)
    network = build_network("lenet", input_shape=SHAPE, classes=classes, options={}).eval()
    with torch.no_grad():
        if kind in ("constant", *CLASSES):
            for parameter in network.parameters():
                parameter.zero_()
        if kind in CLASSES:
            network.fc2.bias[CLASSES.index(kind)] = 1
        if kind == "saturated":
            noise = torch.randint(0, 256, (200, *SHAPE)) / 256
            network.fc2.bias.sub_(network(noise).mean(dim=0))
            network.fc2.weight.mul_(1e6)
            network.fc2.bias.mul_(1e6)
    return network


def save_network(
    path: Path, images: Dataset, *, kind: str, seed: int, retraining: dict[str, Any] | None = None
) -> None:
    """Write a network as a classifier with its test error; one with a place in a retraining knows a fooling class."""
    names = (*CLASSES, "fooling") if retraining and retraining["fooling_images"] else CLASSES
    classifier = Classifier(
        name=path.stem,
        architecture="lenet",
        network=made_network(kind, seed=seed, classes=len(names)),
        input_shape=SHAPE,
        class_names=names,
        offset=torch.zeros(1, 1, 1),
        scale=torch.full((1, 1, 1), 1 / 256),
        training_mean=torch.zeros(SHAPE),
        chunk_size=50,
        device=CPU,
        fooling_class=len(names) > len(CLASSES),
    )
    predicted = classifier.confidences(torch.from_numpy(images.test_images)).argmax(dim=1).numpy()
    provenance = {
        **{"dataset": {"name": images.name, "sha256": "0"}, "test_images": len(predicted), "top5_error": None},
        **{"test_error": float((predicted != images.test_labels).mean()), "retraining": retraining},
        "history": [{"iteration": 1, "train_loss": 0.5, "test_error": 0.0, "top5_error": None}] * (kind == "upright"),
    }
    save_classifier(path, dataclasses.replace(classifier, provenance=provenance))


class DegenerateStudy:
    """The files of a study and the calls that make and analyse it."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        """An empty study in ``folder``."""
        self.folder, self.plan, self.findings = folder, plan, folder / "findings"
        self.names = tuple(f"lenet-{'ab'[place]}" for place in range(len(plan.networks)))
        self.dataset = folder / "dataset.safetensors"
        self.chain = ("lenet-a", *(f"dnn2-{filling}" for filling in ("champions", "random", "nothing")))

    def network(self, name: str) -> Path:
        return self.folder / "classifiers" / f"{name}.safetensors"

    def run(self, name: str, experiment: str, seed: int, search: str = "") -> Path:
        return self.folder / "runs" / name / experiment / f"seed{seed}{search}.safetensors"

    def evolved(self, experiment: str, name: str | None = None) -> list[Path]:
        names = self.names if name is None else (name,)
        return [self.run(name, experiment, seed) for name in names for seed in self.seeds]

    def searched(self, experiment: str, name: str | None = None) -> list[Path]:
        """The runs of evolution, and of its controls where there are any."""
        found = [self.run(name or "*", experiment, seed, search) for seed in self.seeds for search in SEARCHES]
        return sorted(path for pattern in found for path in self.folder.glob(str(pattern.relative_to(self.folder))))

    @property
    def seeds(self) -> range:
        return range(1, self.plan.seeds + 1)

    def make(self) -> None:
        """The networks and runs."""
        images = made_images(self.plan.test_labels)
        save_dataset(self.dataset, images)
        for seed, (name, kind) in enumerate(zip(self.names, self.plan.networks, strict=True), start=1):
            save_network(self.network(name), images, kind=kind, seed=seed)
        for name in self.chain[1:]:
            filled = name.removeprefix("dnn2-")
            count = 0 if filled == "nothing" else 4
            place = {"first": "lenet-a", "filled_with": filled, "number": 2, "fooling_images": count}
            judged = [{"supplied_by": 0, "images": 12, "share": 0.0}]
            judged += [{"supplied_by": 1, "images": 2, "share": 1.0}] if count else []
            save_network(
                self.network(name),
                images,
                kind=self.plan.networks[0],
                seed=9,
                retraining={**place, "recognised": judged},
            )
        checkpoints = self.folder / "checkpoints"
        for name, experiment, seed in itertools.product(self.names, ENCODINGS, self.seeds):
            controls = ("random-search", "drift") if self.plan.controls else ()
            function_of("attack")(
                "evolution",
                classifier=self.network(name),
                settings=self.evolution(experiment),
                seed=seed,
                output=self.run(name, experiment, seed),
                checkpoints=checkpoints,
                device="cpu",
                controls=[f"{search}={self.run(name, experiment, seed, f'.{search}')}" for search in controls],
            )
        for name in self.names:
            function_of("attack")(
                "ascent",
                name="plain",
                classifier=self.network(name),
                settings=json.dumps({"seeds": {"count": self.plan.seeds}, "steps": 2}),
                output=self.folder / "ascent" / f"{name}.safetensors",
                checkpoints=checkpoints,
                device="cpu",
            )
        for name, methods in self.attacked.items():
            function_of("attack")(
                "adversarial",
                name="small",
                classifier=self.network(name),
                dataset=self.dataset,
                settings=json.dumps({"images": 4, "methods": methods, "pgd_steps": 2, "boundary_steps": 1}),
                output=self.folder / "adversarial" / f"{name}.safetensors",
                checkpoints=checkpoints,
                device="cpu",
            )
        for name in self.with_gradients:
            function_of("attack")(
                "universal",
                name="one",
                classifier=self.network(name),
                dataset=self.dataset,
                settings=json.dumps(UNIVERSAL),
                output=self.folder / "universal" / f"{name}.safetensors",
                checkpoints=checkpoints,
                device="cpu",
            )
        labels = {"queries": 60, "copies": 2, "noise": [50, 150], "start": 4, "offspring": 4}
        for name in self.names:
            function_of("attack")(
                "label-only",
                name="labels",
                classifier=self.network(name),
                settings=json.dumps({**labels, "seeds": {"count": self.plan.seeds}}),
                output=self.folder / "label-only" / f"{name}.safetensors",
                checkpoints=checkpoints,
                device="cpu",
            )
        for name in self.names:
            self.make_guarded(name, checkpoints)
        for name in self.chain[1:]:
            function_of("match-refusal")(
                classifier=self.network(name),
                dataset=self.dataset,
                settings=json.dumps({"rate": 0.2, "seed": 1}),
                output=self.network(self.refusing(name)),
                device="cpu",
            )
        for name in (*self.chain, *map(self.refusing, self.chain[1:])):
            function_of("attack")(
                "evolution",
                classifier=self.network(name),
                settings=self.evolution("direct"),
                seed=1,
                runs=self.plan.seeds,
                output=self.batch(name),
                checkpoints=checkpoints,
                device="cpu",
            )

    def make_guarded(self, name: str, checkpoints: Path) -> None:
        """A network with a detector, and the attacks on it with and without the detector."""
        function_of("guard-classifier")(
            self.network(name),
            dataset=self.dataset,
            settings=json.dumps({"detector": {"kind": "energy"}, "rejects": 0.2}),
            output=self.guarded(name, "energy", "hard"),
            smooth=self.guarded(name, "energy", "smooth"),
            device="cpu",
        )
        for detector in DETECTORS:
            hard, smooth = (
                self.network(name) if detector == "none" else self.guarded(name, detector, kind)
                for kind in ("hard", "smooth")
            )
            for kind, attacked, output in (
                ("evolution", hard, "evolution"),
                *([] if detector == "none" else [("evolution", smooth, "smooth-evolution")]),
                ("ascent", smooth, "ascent"),
            ):
                searched = {"settings": self.evolution("direct"), "seed": 1}
                climbed = {"settings": json.dumps({"seeds": {"count": 1}, "steps": 2})}
                control = f"random-search={self.guarded(name, detector, 'random-search')}"
                function_of("attack")(
                    kind,
                    name="guards",
                    classifier=attacked,
                    **(searched if kind == "evolution" else climbed),
                    output=self.guarded(name, detector, output),
                    controls=[control] if output == "evolution" else None,
                    checkpoints=checkpoints,
                    device="cpu",
                )

    def guarded(self, name: str, detector: str, part: str) -> Path:
        return self.folder / "detectors" / name / detector / f"{part}.safetensors"

    def against_detectors(self) -> dict[str, list[str]]:
        """The arguments of `measure-detectors` that name classifiers and attacks."""
        files = {"evolution": "evolution", "random_search": "random-search", "ascent": "ascent"}
        named = {
            option: [
                f"guards/{name}/{detector}={self.guarded(name, detector, part)}"
                for name in self.names
                for detector in DETECTORS
            ]
            for option, part in files.items()
        }
        smooth = [f"guards/{name}/energy={self.guarded(name, 'energy', 'smooth-evolution')}" for name in self.names]
        return {**named, "smooth": smooth}

    @property
    def attacked(self) -> dict[str, list[str]]:
        """The methods for each network that gets an image right; a network of constants has no gradients."""
        every = ["l-bfgs", "fgsm", "pgd-l2", "deepfool", "hop-skip-jump"]
        right = {name: kind for name, kind in zip(self.names, self.plan.networks, strict=True) if kind != "flat"}
        return {name: every if kind in ("saturated", "fresh") else every[-1:] for name, kind in right.items()}

    @property
    def with_gradients(self) -> list[str]:
        """The networks whose gradients are not all zero."""
        return [name for name, methods in self.attacked.items() if len(methods) > 1]

    def universal(self) -> list[Path]:
        return [self.folder / "universal" / f"{name}.safetensors" for name in self.with_gradients]

    def adversarial(self) -> list[Path]:
        return [self.folder / "adversarial" / f"{name}.safetensors" for name in self.attacked]

    def evolution(self, encoding: str) -> str:
        return json.dumps({"encoding": {"kind": encoding}, "search": self.plan.search})

    def refusing(self, name: str) -> str:
        return f"{name}-refusing"

    def batch(self, name: str) -> Path:
        return self.folder / "chain" / f"{name}.runs.safetensors"

    def calls(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Every command that reads networks and runs, in the order in which they can be called."""
        out = self.findings

        def call(command: str, *arguments: Any, **options: Any) -> tuple[str, Callable[[], None]]:
            return command, lambda: function_of(command)(*arguments, **options)

        networks = [self.network(name) for name in self.names]
        yield call(
            "describe-classifiers",
            networks,
            settings="{}",
            training=out / "training.csv",
            networks=out / "classifiers.csv",
            errors=out / "test_errors.csv",
        )
        for name in self.names:
            measured = {"calibration": out / f"calibration/{name}.csv", "images": out / f"real/{name}.parquet"}
            yield call("calibrate", classifier=self.network(name), dataset=self.dataset, settings="{}", **measured)
            for experiment in ENCODINGS:
                others = [self.network(other) for other in self.names if other != name]
                yield call(
                    "examine",
                    self.searched(experiment, name),
                    experiment=experiment,
                    **measured,
                    dataset=self.dataset,
                    independent=others[0] if others else None,
                    settings=json.dumps({"real_images": 3}),
                    output=out / f"examined/{name}/{experiment}.parquet",
                )
                yield call(
                    "sample",
                    classifier=self.network(name),
                    experiment=experiment,
                    settings=json.dumps({"encoding": {"kind": experiment}, "sample_images": 3}),
                    output=out / f"start/{name}/{experiment}.parquet",
                )
            yield call(
                "measure-distances",
                classifier=self.network(name),
                dataset=self.dataset,
                runs=[f"{experiment}={run}" for experiment in ENCODINGS for run in self.evolved(experiment, name)],
                **measured,
                settings=json.dumps({"distance_images": 3}),
                output=out / f"distances/{name}.parquet",
            )
            yield call(
                "sample-families",
                classifier=self.network(name),
                settings=json.dumps({"family_images": 3}),
                output=out / f"families/{name}.parquet",
                images=out / f"family_images/{name}.parquet",
            )
            yield call(
                "stress",
                classifier=self.network(name),
                dataset=self.dataset,
                runs=[f"{experiment}={run}" for experiment in ENCODINGS for run in self.evolved(experiment, name)],
                settings=json.dumps({"changed_real_images": 3}),
                robustness=out / f"robustness/{name}.csv",
                supernormal=out / f"supernormal/{name}.parquet",
            )
            yield call(
                "ablate",
                self.evolved("cppn", name),
                classifier=self.network(name),
                experiment="cppn",
                settings="{}",
                output=out / f"ablation/{name}/cppn.parquet",
            )
        for experiment in ENCODINGS:
            tables = {table: out / table / f"{experiment}.parquet" for table in ("champions", "history", "times")}
            yield call("tabulate", self.searched(experiment), experiment=experiment, settings="{}", **tables)
            yield call(
                "trace-lineage",
                self.evolved(experiment),
                experiment=experiment,
                settings=json.dumps({"parent_redraws": 19}),
                ancestry=out / f"ancestry/{experiment}.parquet",
                lineage=out / f"lineage/{experiment}.csv",
            )
            yield call(
                "transfer",
                networks,
                experiment=experiment,
                runs=self.evolved(experiment),
                settings=json.dumps({"permutations": 99}),
                shown=out / f"transfer/{experiment}.shown.parquet",
                pairs=out / f"transfer/{experiment}.pairs.csv",
            )
        champions, history, times = (
            [out / table / f"{experiment}.parquet" for experiment in ENCODINGS]
            for table in ("champions", "history", "times")
        )
        chained = [self.network(name) for name in self.chain[1:]]
        yield call(
            "probe-far",
            [*networks, *chained],
            dataset=self.dataset,
            settings=json.dumps({"inputs": 4, "rays": 2, "doublings": 2}),
            rubbish=out / "far/rubbish.csv",
            summary=out / "far/rubbish_summary.csv",
            rays=out / "far/rays.csv",
            slopes=out / "far/ray_slopes.parquet",
            device="cpu",
        )
        yield call(
            "compare-kinds",
            self.network(self.names[0]),
            other=self.network(self.names[-1]),
            runs=[f"{name}={self.evolved(name, self.names[0])[0]}" for name in ENCODINGS],
            tables=[f"{table}={out}/{table}/{self.names[0]}.parquet" for table in ("families", "family_images")],
            output=out / "kinds.parquet",
            device="cpu",
        )
        yield call(
            "probe-boundary",
            networks,
            dataset=self.dataset,
            runs=[f"{name}={run}" for name in ENCODINGS for run in self.evolved(name)],
            settings=json.dumps({"images": 2}),
            output=out / "boundary.parquet",
            device="cpu",
        )
        yield call(
            "summarise-ablation", self.of("ablation/*/*.parquet"), settings="{}", output=out / "ablation_summary.csv"
        )
        yield call("variance", champions, output=out / "variance.csv")
        yield call(
            "compare-networks",
            history=history,
            examined=self.of("examined/*/*.parquet"),
            settings="{}",
            output=out / "foolability.csv",
        )
        runs = [f"{name}={run}" for name in ENCODINGS for run in self.searched(name)]
        yield call(
            "compare-models",
            [self.network(name) for name in self.names],
            runs=runs,
            real=self.of("real/*.parquet"),
            rubbish=out / "far/rubbish.csv",
            settings="{}",
            output=out / "fooled.csv",
            summary=out / "fooled_summary.csv",
        )
        yield call(
            "compare-class-sets",
            champions,
            settings=json.dumps({"class_sets": {"first": [[0, 0]]}, "bootstrap_samples": 99}),
            classes=out / "set_classes.parquet",
            output=out / "class_sets.csv",
        )
        variants = {"reference": "direct", "variants": {"direct": {"kind": "direct"}, "cppn": {"kind": "cppn"}}}
        yield call(
            "compare",
            times,
            settings=json.dumps({"comparisons": [variants]}),
            survival=out / "survival.csv",
            presets=out / "presets.csv",
        )
        yield call(
            "tabulate-retraining",
            [self.network(name) for name in self.chain],
            runs=[self.batch(name) for name in self.chain],
            retraining="chain",
            measured_runs=self.plan.seeds,
            settings="{}",
            champions=out / "retraining/chain.champions.parquet",
            networks=out / "retraining/chain.networks.csv",
            effects=out / "retraining/chain.effects.csv",
        )
        measured = {
            "runs": [self.batch(name) for name in self.chain[1:]],
            "retraining": "chain",
            "measured_runs": self.plan.seeds,
        }
        yield call(
            "tabulate-budget",
            [self.network(name) for name in self.chain[1:]],
            **measured,
            settings="{}",
            output=out / "retraining/chain.budget.csv",
        )
        yield call(
            "tabulate-refusal",
            [self.network(name) for name in self.chain[1:]],
            **measured,
            refusing=[self.network(self.refusing(name)) for name in self.chain[1:]],
            refusing_runs=[self.batch(self.refusing(name)) for name in self.chain[1:]],
            dataset=self.dataset,
            settings=json.dumps({"rates": [0.2], "evolved_rate": 0.2, "seed": 1}),
            output=out / "retraining/chain.refusal.csv",
            device="cpu",
        )
        yield call(
            "transfer",
            [self.network(name) for name in self.chain[:2]],
            experiment="chain/lenet-a",
            batches=[self.batch(name) for name in self.chain[:2]],
            measured_runs=1,
            settings=json.dumps({"permutations": 99}),
            shown=out / "transfer/chain.shown.parquet",
            pairs=out / "transfer/chain.pairs.csv",
        )
        yield call(
            "tabulate-ascent",
            [self.folder / "ascent" / f"{name}.safetensors" for name in self.names],
            history=history,
            times=times,
            settings="{}",
            images=out / "ascent.parquet",
            ascent_times=out / "ascent_times.parquet",
            curves=[out / f"ascent_curves/{name}.parquet" for name in self.names],
            evaluations=out / "ascent_evaluations.csv",
        )
        yield call(
            "tabulate-hardening",
            [*networks, *chained],
            champions=champions,
            real=self.of("real/*.parquet"),
            retrained=self.of("retraining/*.champions.parquet"),
            dataset=self.dataset,
            settings="{}",
            hardened=out / "hardened.csv",
            hardening=out / "hardening.csv",
            device="cpu",
        )
        yield call(
            "tabulate-adversarial",
            self.adversarial(),
            classifiers=networks,
            settings="{}",
            images=out / "adversarial.parquet",
            means=out / "adversarial_means.csv",
            transfer=out / "adversarial_transfer.csv",
            device="cpu",
        )
        if self.with_gradients:
            yield call(
                "tabulate-universal",
                self.universal(),
                classifiers=networks,
                datasets=[self.dataset],
                settings="{}",
                perturbations=out / "universal.csv",
                means=out / "universal_means.csv",
                labels=out / "universal_labels.csv",
                transfer=out / "universal_transfer.csv",
                device="cpu",
            )
        yield call(
            "tabulate-label-only",
            [self.folder / "label-only" / f"{name}.safetensors" for name in self.names],
            own=[f"labels={run}" for run in self.evolved("cppn")],
            classifiers=[self.network(name) for name in self.names],
            settings="{}",
            images=out / "label_only.parquet",
            curves=out / "label_only_curves.parquet",
            transfer=out / "label_only_transfer.csv",
            device="cpu",
        )
        yield call(
            "measure-detectors",
            [
                f"guards/{name}/{detector}="
                f"{self.network(name) if detector == 'none' else self.guarded(name, detector, 'hard')}"
                for name in self.names
                for detector in DETECTORS
            ],
            **self.against_detectors(),
            settings="{}",
            detectors=out / "detectors.csv",
            means=out / "detector_means.csv",
            images=out / "detector_images.parquet",
            device="cpu",
        )
        (self.folder / "claims.yaml").write_text(yaml.safe_dump({"claims": every_claim()}))
        of_claims = {
            "classifiers": [out / "classifiers.csv"],
            "history": history,
            "times": times,
            "start": self.of("start/*/*.parquet"),
            "examined": self.of("examined/*/*.parquet"),
            "ancestry": self.of("ancestry/*.parquet"),
            "real": self.of("real/*.parquet"),
            "distances": self.of("distances/*.parquet"),
            "transfer": self.of("transfer/*.pairs.csv"),
            "retrained": [out / "retraining/chain.champions.parquet"],
            "retraining": [out / "retraining/chain.networks.csv"],
            "refusal": [out / "retraining/chain.refusal.csv"],
            "families": self.of("families/*.parquet"),
            "robustness": self.of("robustness/*.csv"),
            "supernormal": self.of("supernormal/*.parquet"),
            "ablation": self.of("ablation/*/*.parquet"),
            "ascent": [out / "ascent.parquet"],
            "ascent_times": [out / "ascent_times.parquet"],
            "boundary": [out / "boundary.parquet"],
            "rubbish": [out / "far/rubbish.csv"],
            "hardened": [out / "hardened.csv"],
            "fooled": [out / "fooled.csv"],
            "ray_slopes": [out / "far/ray_slopes.parquet"],
            "adversarial": [out / "adversarial.parquet"],
            "adversarial_transfer": [out / "adversarial_transfer.csv"],
            **{name: self.of(f"{name}.csv") for name in ("universal", "universal_labels", "universal_transfer")},
            "label_only": [out / "label_only.parquet"],
            "label_only_transfer": [out / "label_only_transfer.csv"],
            "detectors": [out / "detectors.csv"],
        }
        yield call(
            "claims",
            declared=self.folder / "claims.yaml",
            tables=named(of_claims),
            settings="{}",
            table=out / "claims.csv",
            page=out / "claims.md",
        )
        of_summary = {"classifiers": [out / "classifiers.csv"], "champions": champions, "history": history}
        yield call(
            "summarise",
            tables=named({**of_summary, "claims": [out / "claims.csv"]}),
            settings="{}",
            output=out / "metrics.json",
            curves=[out / f"curves/{experiment}.csv" for experiment in ENCODINGS],
        )
        yield call(
            "survey sample",
            study="degenerate",
            classifier=self.network("lenet-a"),
            dataset=self.dataset,
            settings=json.dumps({"stimuli_per_condition": 4, "trials_per_block": 2, "catch_trials": 2, "options": 3}),
            output=self.folder / "survey" / "questionnaire.json",
            runs=[f"{name}={run}" for name in ENCODINGS for run in self.evolved(name, "lenet-a")],
            ascents=[self.folder / "ascent" / "lenet-a.safetensors"],
            device="cpu",
        )
        yield call(
            "survey simulate",
            questionnaire=self.folder / "survey" / "questionnaire.json",
            settings=json.dumps({"participants": 1, "careless": 0}),
            output=self.folder / "survey" / "responses",
        )
        kinds = (
            "files",
            "exclusions",
            "accuracy",
            "images",
            "agreement",
            "confidence",
            "confusion",
            "consistency",
            "trials",
        )
        yield call(
            "survey analyse",
            self.folder / "survey" / "responses",
            questionnaire=self.folder / "survey" / "questionnaire.json",
            settings="{}",
            **{kind: out / f"survey/{kind}.csv" for kind in kinds},
        )
        yield call(
            "run-info",
            study="degenerate",
            champions=champions,
            classifiers=out / "classifiers.csv",
            logs=[],
            output=self.folder / "run-info.json",
            device="cpu",
        )
        yield call(
            "report",
            study="degenerate",
            tables=named(
                {
                    "claims": [out / "claims.csv"],
                    "champions": champions,
                    "examined": self.of("examined/*/*.parquet"),
                    "boundary": [out / "boundary.parquet"],
                    "rubbish_summary": [out / "far/rubbish_summary.csv"],
                    "hardening": [out / "hardening.csv"],
                    "fooled_summary": [out / "fooled_summary.csv"],
                    "ray_slopes": [out / "far/ray_slopes.parquet"],
                    "families": self.of("families/*.parquet"),
                    "robustness": self.of("robustness/*.csv"),
                    "supernormal": self.of("supernormal/*.parquet"),
                    **{"claims": [out / "claims.csv"], "champions": champions},
                    **{"examined": self.of("examined/*/*.parquet")},
                    "adversarial_means": [out / "adversarial_means.csv"],
                    "universal_means": self.of("universal_means.csv"),
                    "label_only": [out / "label_only.parquet"],
                    "label_only_transfer": [out / "label_only_transfer.csv"],
                    "detector_means": [out / "detector_means.csv"],
                }
            ),
            runs=[f"{name}={run}" for name in ENCODINGS for run in self.evolved(name, "lenet-a")],
            figures=[],
            run_info=self.folder / "run-info.json",
            deviations=str(self.folder / "deviations.md"),
            threshold=0.9999,
            output=self.folder / "report" / "index.html",
        )

    def drawings(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """The command that draws each figure of the study, once all tables are there."""
        for figure in FIGURES:
            for subject, given in self.figures(figure):
                name = f"{figure}-{subject}"
                yield (
                    f"draw {name}",
                    lambda figure=figure, given=given, name=name: function_of("draw")(
                        figure,
                        **given,
                        png=self.folder / "figures" / f"{name}.png",
                        pdf=self.folder / "figures" / f"{name}.pdf",
                    ),
                )

    def of(self, pattern: str) -> list[Path]:
        """The tables that are there."""
        return sorted(self.findings.glob(pattern))

    def figures(self, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """For everything that the study has one such figure of: what `draw` is given."""
        figure = FIGURES[name]
        subjects: dict[str, list[dict[str, str]]] = {
            "experiment": [{"experiment": one} for one in ENCODINGS if figure.encoding in (None, one)],
            "classifier": [{"classifier": one} for one in self.names],
            "first classifier of a data set": [{"classifier": "lenet-a"}],
            "data set with independent networks": [{}] if len(self.names) > 1 else [],
            "study with universal perturbations": [{}] if self.with_gradients else [],
            "study with compared experiments": [],  # its experiments are compared as variants of one
            "study with repeated runs": [{}] if self.plan.seeds > 1 or len(self.names) > 1 else [],
            "classifier with ascents": [{"classifier": one} for one in self.names],
            "retraining": [{"retraining": "chain", "chain": "chain"}],
            "retraining with longer runs": [{"retraining": "chain"}],
            "retraining with refusal": [{"retraining": "chain"}],
            "condition": [{"condition": one} for one in ("direct", "noise")],
            "study with audits": [],  # of networks that the study has not trained
            "study with trained networks": [{}] if "upright" in self.plan.networks else [],
        }
        if name == "search_comparison" and not self.plan.controls:
            return  # a study always has random search
        if name.endswith("transfer") or name == "transfer_gallery":
            subjects["experiment"] = subjects["experiment"] if len(self.names) > 1 else []
        for subject in subjects.get(figure.one_per, [{}]):
            wildcards = {"classifier": "*", "experiment": "*", **subject}
            tables = [
                f"{table}={path}"
                for table, pattern in figure.tables.items()
                for path in self.of(pattern.format(**wildcards).removeprefix("findings/"))
            ]
            given: dict[str, Any] = {"tables": tables}
            if figure.seeds is not None:
                names = [subject.get("experiment")] if "experiment" in subject else ENCODINGS
                owner = subject.get("classifier", "lenet-a")
                seeds = slice(1) if figure.seeds == "first" else slice(None)
                given["runs"] = [run for one in names for run in self.evolved(one, owner)[seeds]]
            if figure.batches:
                given["batches"] = [self.batch(one) for one in self.chain[:2]]
            if figure.needs_ascents:
                given["ascents"] = [self.folder / "ascent" / f"{subject['classifier']}.safetensors"]
            if figure.examples_of is not None:
                given["examples"] = self.adversarial() if figure.examples_of == "adversarial" else self.universal()
            if figure.needs_stimuli:
                given["stimuli"] = f"{subject['condition']}={self.folder / 'survey' / 'questionnaire.json'}"
            if figure.needs_dataset:
                given["dataset"] = self.dataset
            defaults = {"reference": 0.9999, "reference_error": None}
            given["settings"] = json.dumps({option: defaults[option] for option in figure.options})
            yield "-".join(subject.values()) or "study", given


ENCODINGS = ("direct", "cppn")
DETECTORS = ("none", "energy")
SEARCHES = ("", ".random-search", ".drift")
UNIVERSAL = {
    **{"images": 4, "fewer_images": [2], "unseen": 4, "sizes_linf": [0.2], "sizes_l2": [0.1], "compared_size": 0.2},
    **{"steps": 2, "batch": 2, "controls": 1, "rounds": 1, "tuning_steps": 1, "tuning_batch": 2, "examples": 1},
}


def every_claim() -> list[dict[str, Any]]:
    """A claim on each estimand that can be measured."""
    told = {
        "architecture": "lenet",
        "built_as": "lenet",
        "experiment": "cppn",
        "ascent": "plain",
        "adversarial": "small",
        "label_only": "labels",
        "guards": "guards",
        "detector": "energy",
        "method": "hop-skip-jump",
        "universal": "one",
        "norm": "linf",
        "size": 0.2,
        "round": 1,
        "fill": "mean",
        "removed": 1,
        "random_images": "blobs",
        "change": "blur",
        "strength": 1.0,
        "control": "random-search",
        "shown_to": "lenet",
        "retraining": "chain",
        "way": "label smoothing 0.1",
        "control_filling": "random",
        "network": 2,
        "asked": "all-way",
        "level": 0.5,
        "count": 2,
        "generation": 1,
    }
    fixed = {
        **{"where": "here", "claim": "A claim.", "kind": "asked here", "declared": "2026-11-28", "dataset": "stripes"},
        **{"paper": None, "source_status": "-", "comparison": "at-least", "threshold": 0.5, "null_value": 0.5},
        **{"minimum": FEWEST_UNITS, "unit": "ratio"},
    }
    claims = [
        {"id": name, "estimand": name, **fixed, **{key: told[key] for key in estimand.needs}}
        for name, estimand in ESTIMANDS.items()
    ]
    checked_settings(Claims, {"claims": claims}, source="every claim")
    return claims


def named(tables: dict[str, list[Path]]) -> list[str]:
    """All files, each with the name of its table."""
    return [f"{name}={path}" for name, paths in tables.items() for path in paths]
