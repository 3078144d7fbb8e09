"""Attacks on a classifier, with their controls and checkpoints, and replays of finished runs."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from fooling.artifacts import write_bytes
from fooling.attacks.attack import Attack, finish, identity_of
from fooling.attacks.evolution.record import load_run
from fooling.attacks.evolution.replay import generations_shown, replayed, save_replay
from fooling.attacks.evolution.run import Evolution
from fooling.attacks.evolution.screening import lacking_bfloat16
from fooling.attacks.record import AttackRecord, chosen_settings, load_attack
from fooling.attacks.settings import ON_REAL_IMAGES, EvolutionSettings, attack_modules, attack_named
from fooling.auditing.settings import Opening
from fooling.classifiers.architectures import architecture_functions
from fooling.classifiers.classifier import Classifier
from fooling.cli._files import device_with_one_thread, named_paths, open_classifier
from fooling.datasets.dataset import load_dataset
from fooling.fingerprint import fingerprint
from fooling.inputs import digest_of
from fooling.messages import FoolingError, percent, say, share_percent
from fooling.reproducibility import CheckpointStore
from fooling.settings import LARGEST_SEED, Settings, checked_settings, read_settings

PANEL = "Attacks"

#: Imported by name, so that the fingerprint of attacks does not cover the code that draws them.
PICTURES = "fooling.figures.overview"

#: Imported by name as well: only attacks on services run the code of audits, and no rule makes one.
DOORS = "fooling.auditing.doors"

FIRST_SEED = 1
SURE = 0.9999  # the confidence at which messages count images


def attack(
    kind: str,
    *,
    classifier: Path | None = None,
    service: str = "",
    input_shape: str = "",
    classes: str = "",
    settings: str = "{}",
    output: Path | None = None,
    png: bool = False,
    name: str = "",
    seed: int | None = None,
    runs: int | None = None,
    controls: list[str] | None = None,
    pilots: list[Path] | None = None,
    threshold: float = SURE,
    dataset: Path | None = None,
    architecture: list[str] | None = None,
    checkpoints: Path = Path("results/.checkpoints"),
    device: str = "auto",
) -> None:
    """Find images that a classifier assigns to its classes, with an attack and its controls.

    An interrupted run resumes from its last checkpoint.

    Args:
        kind: Name of the attack: evolution, ascent, adversarial, universal or label-only.
        service: Address of a service to fool instead of a classifier file, as `audit` takes it. `label-only` needs
            nothing but its labels.
        input_shape: Size of the images of a service: channels x height x width, such as 1x28x28.
        classes: Classes of a service: their number, their names with commas between them, or a file of names.
        settings: Settings of the attack: one JSON object, or a YAML file that holds them. Default: CPPN images in 200
            generations, plain gradient ascent, all methods of adversarial examples, universal perturbations of four
            sizes, or CPPN images found with 20,000 labels.
        output: File to write: the images with their confidences, and how they were found. Default: named after the
            classifier, the attack and the seed, in this folder.
        png: Write also a picture of the images, beside each file.
        name: Name of the attack in the study.
        seed: Seed of the run, for attacks whose settings hold none. Default: 1.
        runs: Make so many runs with successive seeds, without controls, in one file.
        controls: A control to run as well, as name=path of the file to write: random-search or drift beside evolution.
        pilots: Files of this attack on other networks, each with settings to try. The settings that need the fewest
            evaluations there are used, with the seeds of `settings`.
        threshold: Confidence that the median class must reach on the pilots.
        dataset: Data set of the classifier. `adversarial` and `universal` change its images. With `precision` screened,
            its test images are among those on which the error of bfloat16 is measured.
    """
    chosen = attack_named(kind)
    checked = read_settings(chosen.settings_class, settings)
    if chosen.has_seeds and (seed is not None or runs is not None):
        remedy = "leave out --seed and --runs, and set `seeds` in --settings"
        raise FoolingError(f"the attack {kind} takes its seeds from its settings", remedy=remedy)
    first = FIRST_SEED if seed is None and not chosen.has_seeds else seed
    if (classifier is None) == (not service):
        found = "neither" if classifier is None else "both"
        remedy = "give the file of a classifier with --classifier, or the address of a service with --service"
        raise FoolingError("an attack needs a classifier or a service", found=found, expected="one", remedy=remedy)
    sha256 = hashlib.sha256(service.encode()).hexdigest() if classifier is None else digest_of(classifier)
    if pilots:
        records = {str(path): load_attack(path) for path in pilots}
        checked, choice = chosen_settings(records, checked, attacked=sha256, threshold=threshold)
        say(choice)
    _require_dataset(kind, checked, dataset)
    if classifier is None:
        network = _opened_service(service, input_shape=input_shape, classes=classes, device=device)
    else:
        network = open_classifier(classifier, device=device, architecture=architecture)
    stem = network.name if classifier is None else classifier.stem
    written = output or Path(f"{stem}-{kind}{_seeds_in_name(first, runs)}.safetensors")
    checked = _usable(checked, network.device)
    identity = identity_of(network, name=name or kind, sha256=sha256)
    real = _real_images(kind, checked, dataset)
    if dataset is not None and kind in ON_REAL_IMAGES:
        identity["dataset"] = {"name": real["dataset"].name, "sha256": digest_of(dataset)}
    prepared = chosen(settings=checked, classifier=network, identity=identity, **real)
    jobs = list(_jobs(prepared, kind, written, seed=first, runs=runs, controls=controls or []))
    described = checked.model_dump(mode="json")
    decides = {
        "work": kind,
        "device": network.device.type,
        **identity,
        "settings": described,
        "seed": first,
        "runs": runs,
    }
    modules = attack_modules(kind, described)
    if classifier is not None:
        modules += architecture_functions(network.architecture, network.options)
    with CheckpointStore(checkpoints, decides, code=fingerprint(f"{__name__}:attack", *modules)) as store:
        records_made: list[AttackRecord] = []
        for job in jobs:
            run = prepared.run(job.seed, control=job.control)
            finish(run, store=store, name=job.name, unit=chosen.unit)
            record = run.record()
            records_made.append(record)
            if job.path is not None:
                prepared.save(job.path, record)
            say(f"{job.name} on {network.name}: {_summary(record)}{f'; written to {job.path}' if job.path else ''}")
            if summary := run.summary():
                say(f"{job.name} on {network.name}: {summary}")
            _draw([record], job.path if png else None)
        if runs is not None:
            prepared.save_many(written, records_made)
            _draw(records_made, written if png else None)
            say(f"{runs} runs written to {written}")
        store.clear()


def _opened_service(address: str, *, input_shape: str, classes: str, device: str) -> Classifier:
    """Return the service at this address as a classifier, as an audit opens it."""
    values = {"input_shape": input_shape or None, "classes": classes or None}
    opening = checked_settings(Opening, values, source="the options of attack")
    opened: Classifier = importlib.import_module(DOORS).opened(address, opening, device=device_with_one_thread(device))
    return opened


def _seeds_in_name(seed: int | None, runs: int | None) -> str:
    """Return the part of a file's name with the seeds: ``-seed1``, ``-seeds1-5``, or nothing."""
    if seed is None:
        return ""
    return f"-seed{seed}" if runs is None else f"-seeds{seed}-{seed + runs - 1}"


def _draw(records: Sequence[AttackRecord], beside: Path | None) -> None:
    """Write a picture of the records in a file beside it; None: no picture."""
    if beside is not None:
        picture = beside.with_suffix(".png")
        write_bytes(picture, importlib.import_module(PICTURES).picture_of_records(records))
        say(f"picture written to {picture}")


def _precision(settings: Settings) -> str:
    """Return the number format in which an attack scores; attacks that have no choice compute in float32."""
    return str(getattr(settings, "precision", "float32"))


def _require_dataset(kind: str, settings: Settings, dataset: Path | None) -> None:
    """Raise :class:`FoolingError` unless there is a data set exactly where the attack uses one."""
    if kind in ON_REAL_IMAGES:
        if dataset is None:
            remedy = "give the data set of the classifier, whose test images are changed"
            raise FoolingError(f"the attack {kind} needs --dataset", found="no --dataset", remedy=remedy)
        return
    if (_precision(settings) == "screened") != (dataset is not None):
        raise FoolingError(
            "`precision: screened` and --dataset belong together",
            found=f"precision: {_precision(settings)}, {'no --dataset' if dataset is None else f'--dataset {dataset}'}",
            expected="both, or neither",
            remedy="give the data set of the classifier, on whose images the error of bfloat16 is measured"
            if dataset is None
            else "leave out --dataset",
        )


def _usable(settings: Settings, device: torch.device) -> Settings:
    """Return the settings with ``precision: float32``, and say so, if the device is not made for bfloat16."""
    if _precision(settings) == "float32" or (lacking := lacking_bfloat16(device)) is None:
        return settings
    say(f"{lacking}: precision float32 instead of {_precision(settings)}")
    return settings.model_copy(update={"precision": "float32"})


def _real_images(kind: str, settings: Settings, dataset: Path | None) -> dict[str, Any]:
    """Return the argument that gives an attack real images, if it uses some."""
    if dataset is None:
        return {}
    if kind in ON_REAL_IMAGES:
        return {"dataset": load_dataset(dataset)}
    return {"real": load_dataset(dataset).test_images} if _precision(settings) == "screened" else {}


class _Job(NamedTuple):
    name: str
    seed: int | None
    control: str
    path: Path | None  # None: written with others as one file


def _jobs(
    attack: Attack, kind: str, output: Path, *, seed: int | None, runs: int | None, controls: Sequence[str]
) -> Iterator[_Job]:
    """Yield the runs to make, in order."""
    last = seed if runs is None or seed is None else seed + runs - 1
    if seed is not None and last is not None and not 0 <= seed <= last <= LARGEST_SEED:
        expected = f"seeds from 0 to {LARGEST_SEED:,}, at least one run"
        raise FoolingError("--seed and --runs are invalid", found=f"{seed} to {last}", expected=expected)
    named = named_paths(controls, option="--controls", example="drift=some/file.safetensors")
    if unknown := [name for name in named if name not in attack.controls]:
        expected = ", ".join(attack.controls) or "none"
        raise FoolingError(f"{kind} has no such control", found=unknown[0], expected=expected)
    if runs is not None and named:
        raise FoolingError("several runs in one file have no controls", remedy="leave out --runs or --controls")
    if runs is not None and seed is not None:
        yield from (_Job(f"seed{each}", each, "", None) for each in range(seed, seed + runs))
        return
    yield _Job(kind, seed, "", output)
    yield from (_Job(name, seed, name, path) for name, paths in named.items() for path in paths)


def _summary(record: AttackRecord) -> str:
    sure, median = int((record.confidences.astype(float) >= SURE).sum()), percent(record.median_confidence)
    return f"median confidence {median}, {sure} of {len(record.images)} images at {share_percent(SURE)} or more"


def replay(
    run: Path,
    *,
    classifier: Path,
    output: Path,
    count: int = 12,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Repeat a run of evolution, and keep its champions at some generations.

    A run file holds only the champions of the random start and of the end. The repetition scores in float32.

    Args:
        run: Run file that `attack evolution` wrote.
        classifier: Classifier file of the network that the run fooled.
        count: Number of generations to keep, from the random start to the end; at most so many.
    """
    if count < 2:
        raise FoolingError("--count must include the start and the end", found=count, expected="2 or more")
    record = load_run(run)
    if (digest := digest_of(classifier)) != record.classifier["sha256"]:
        remedy = f"give the file of {record.classifier['name']} with which the run was made"
        raise FoolingError(f"{classifier} is not the classifier of {run}", found=f"SHA-256 {digest}", remedy=remedy)
    network = open_classifier(classifier, device=device, architecture=architecture)
    settings = checked_settings(EvolutionSettings, {**record.settings, "precision": "float32"}, source=str(run))
    identity = {"classifier": record.classifier, "versions": record.versions}
    control = "" if record.search == "map-elites" else record.search
    repeated = Evolution(settings=settings, classifier=network, identity=identity).run(record.seed, control=control)

    def champions() -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        archive = repeated.archive
        return archive.confidences.cpu().numpy().copy(), archive.images.cpu().numpy().copy()

    shown = generations_shown(int(record.history.generations[-1]), count)
    found = replayed(record, repeated.advance, champions, generations=shown)
    save_replay(output, found)
    same = "the same confidences as the run" if found.is_same else "other confidences than the run, on another machine"
    say(f"{len(shown)} generations of {run}, with {same}; written to {output}")
