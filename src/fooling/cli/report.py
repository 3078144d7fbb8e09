"""The report of a study, one HTML page, and the record of how the study was run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fooling.artifacts import read_bytes, read_json, read_table, read_tables, write_json, write_text
from fooling.attacks.evolution.record import RunRecord
from fooling.attacks.evolution.replay import load_replay
from fooling.claims.claim import Claims
from fooling.claims.judgements import CLAIMS
from fooling.cli._files import named_paths, read_named_runs, single_file, table_files
from fooling.datasets.dataset import load_dataset
from fooling.figures.image_grid import of_classes, shown_classes
from fooling.findings.adversarial import ADVERSARIAL_MEANS
from fooling.findings.audits import AUDIT_ATTACKS, AUDITS
from fooling.findings.boundary import BOUNDARY
from fooling.findings.calibration import REAL
from fooling.findings.classifiers import CLASSIFIERS
from fooling.findings.detectors import DETECTOR_MEANS
from fooling.findings.distances import DISTANCES
from fooling.findings.examination import EXAMINED
from fooling.findings.far import RUBBISH_SUMMARY
from fooling.findings.fooled_tables import FOOLED_SUMMARY
from fooling.findings.hardening import HARDENING
from fooling.findings.label_only import LABEL_ONLY, LABEL_ONLY_TRANSFER
from fooling.findings.random_images import FAMILIES_TABLE
from fooling.findings.rays import RAY_SLOPES
from fooling.findings.retraining import EFFECTS, RETRAINING
from fooling.findings.runs import CHAMPIONS, ThresholdSettings
from fooling.findings.stress import ROBUSTNESS, SUPERNORMAL
from fooling.findings.transfer import TRANSFER
from fooling.findings.universal import UNIVERSAL_MEANS
from fooling.images import read_png
from fooling.messages import FoolingError, say
from fooling.report.claim_rows import Recorded
from fooling.report.page import Content, Tables, page
from fooling.report.pictures import (
    Course,
    RealImages,
    course,
    first_of_encodings,
    galleries,
    one_label,
    questions,
    start_and_end,
)
from fooling.report.run_info import (
    Job,
    NetworkInformation,
    RunInformation,
    finished_job,
    machine,
    package_versions,
    read_record,
    steps_of,
)
from fooling.report.story import summarise_experiment
from fooling.schemas import checked_header
from fooling.settings import checked_settings, read_settings
from fooling.table import Table

MOST_BYTES = 500_000  # of a file that the page carries
SHOWN = (
    *(CLAIMS, AUDITS, AUDIT_ATTACKS, CHAMPIONS, EXAMINED, REAL, TRANSFER, DISTANCES, RETRAINING, EFFECTS),
    *(BOUNDARY, FAMILIES_TABLE, ROBUSTNESS, SUPERNORMAL, RUBBISH_SUMMARY, RAY_SLOPES, ADVERSARIAL_MEANS),
    UNIVERSAL_MEANS,
    *(LABEL_ONLY, LABEL_ONLY_TRANSFER, HARDENING, FOOLED_SUMMARY, DETECTOR_MEANS),
)

PANEL = "Report"


def report(
    *,
    study: str,
    deviations: str,
    threshold: float,
    output: Path,
    tables: list[str] | None = None,
    figures: list[Path] | None = None,
    runs: list[str] | None = None,
    replays: list[str] | None = None,
    dataset: Path | None = None,
    declared: Path | None = None,
    recorded: Path | None = None,
    run_info: Path | None = None,
    draft: bool = False,
) -> None:
    """Write the whole study as one HTML page that needs no other file and no network.

    A part whose files are not given is left out. The galleries show ``runs`` in the order given.

    Args:
        study: Name of the study.
        deviations: Page that lists where the study departs from the paper; the report links to a URL, and names a file.
        threshold: Confidence from which a champion is counted as fooling the network.
        output: HTML file to write.
        tables: A table to show, as name=path: `claims`, `audits`, `audit_attacks`, `champions` of each experiment to
            summarise, `examined`, `real`, `transfer`, `distances`, `retraining`, `effects`, `boundary`, `families`,
            `robustness`, `supernormal`, `rubbish_summary`, `ray_slopes`, `adversarial_means`, `universal_means`,
            `label_only`, `label_only_transfer`, `hardening`, `fooled_summary` and `detector_means`; give the option
            once for each file.
        figures: PNG files of the figures to show.
        runs: A run whose images are shown, as experiment=path.
        replays: Champions of one of these runs over its generations, as experiment=path: the file that `replay` wrote
            from the first run of the experiment.
        dataset: Data set of the first run: its test images are shown beside evolved ones. Needs the table `real`.
        declared: YAML file that declares the claims, for their bounds and how each is measured.
        recorded: Folder that `record` wrote from another study, such as docs/results/mnist: its claims are shown beside
            those of this study.
        run_info: How the study was run: the file that `run-info` wrote.
        draft: Mark the page as the draft of a study that is still running, and name what is still to come.
    """
    checked_settings(ThresholdSettings, {"threshold": threshold}, source="--threshold")
    given = table_files(tables or [], *SHOWN)
    records = read_named_runs(runs or [])
    images = _real_images(records, dataset, _all(given, REAL))
    pngs = {path.stem: read_png(path) for path in figures or []}
    content = Content(
        study=study,
        threshold=threshold,
        deviations=deviations,
        experiments=[
            summarise_experiment(read_table(path, CHAMPIONS), threshold=threshold) for path in given[CHAMPIONS.name]
        ],
        galleries=galleries(records, _all(given, EXAMINED)),
        figures=pngs,
        tables=Tables(
            transfer=[read_table(path, TRANSFER) for path in given[TRANSFER.name]],
            distances=[read_table(path, DISTANCES) for path in given[DISTANCES.name]],
            retraining=_all(given, RETRAINING),
            effects=_all(given, EFFECTS),
            rubbish_summary=_all(given, RUBBISH_SUMMARY),
            fooled_summary=_all(given, FOOLED_SUMMARY),
            ray_slopes=_all(given, RAY_SLOPES),
            boundary=_all(given, BOUNDARY),
            families=_all(given, FAMILIES_TABLE),
            robustness=_all(given, ROBUSTNESS),
            supernormal=_all(given, SUPERNORMAL),
            adversarial_means=_all(given, ADVERSARIAL_MEANS),
            universal_means=_all(given, UNIVERSAL_MEANS),
            label_only=_all(given, LABEL_ONLY),
            label_only_transfer=_all(given, LABEL_ONLY_TRANSFER),
            detector_means=_all(given, DETECTOR_MEANS),
            audits=_all(given, AUDITS),
            audit_attacks=_all(given, AUDIT_ATTACKS),
            hardening=_all(given, HARDENING),
        ),
        claims=read_table(single_file(given[CLAIMS.name], CLAIMS), CLAIMS) if given[CLAIMS.name] else None,
        declared=None if declared is None else read_settings(Claims, str(declared)),
        recorded=None if recorded is None else Recorded(*read_record(recorded)),
        information=None
        if run_info is None
        else checked_header(RunInformation, read_json(run_info), source=run_info).model_dump(),
        downloads=_downloads(given, run_info),
        courses=_courses(records, replays or []),
        is_draft=draft,
        same_label=one_label(first_of_encodings(records), images),
        questions=questions(first_of_encodings(records, seed=1), images),
    )
    written = page(content)
    write_text(output, written)
    say(
        f"{sum(map(len, records.values()))} runs and {len(pngs)} figures on one page of {len(written) / 1e6:.1f} MB: "
        f"{output}"
    )


def _all(given: Mapping[str, Sequence[Path]], table: Table) -> pd.DataFrame | None:
    """Return the rows of all files of a table; None if there are none."""
    return read_tables(given[table.name], table) if given[table.name] else None


def _real_images(
    records: Mapping[str, Sequence[RunRecord]], dataset: Path | None, real: pd.DataFrame | None
) -> RealImages | None:
    """Return the test images of the classifier of the first run; None without a data set or the table ``real``."""
    first = next(iter(records.values()), None)
    if dataset is None or real is None or not first:
        return None
    return RealImages(load_dataset(dataset), real, classifier=str(first[0].classifier["name"]))


def _courses(records: Mapping[str, Sequence[RunRecord]], replays: Sequence[str]) -> list[Course]:
    """Return the champions over the generations: of the replays, or else after the start and at the end."""
    named = named_paths(replays, option="--replays", example="direct=some/seed1.replay.safetensors")
    if unknown := [name for name in named if name not in records]:
        raise FoolingError("--replays names an experiment without runs", found=unknown[0], expected=", ".join(records))
    if not named:
        return [start_and_end(run) for run in first_of_encodings(records).values()]
    found = []
    for name, (path, *_) in named.items():
        run, replay = records[name][0], load_replay(path)
        if replay.images.shape[1:] != run.images.shape:
            shapes = f"{replay.images.shape[1:]} and {run.images.shape}"
            raise FoolingError(f"{path} is not a replay of the first run of {name}", found=shapes)
        classes = shown_classes([run])
        found.append(
            course(
                of_classes(run, classes),
                generations=replay.generations,
                evaluations=replay.evaluations,
                confidences=replay.confidences[:, classes],
                images=np.ascontiguousarray(replay.images[:, classes]),
            )
        )
    return found


def _downloads(given: Mapping[str, Sequence[Path]], run_info: Path | None) -> dict[str, tuple[bytes, str]]:
    """Return the small files that the page carries, with a description of each, by name; larger ones are left out."""
    found = {
        path.name: (content, words)
        for table, words in {
            CLAIMS: "all claims with values, intervals and verdicts",
            AUDITS: "audits of networks: classes fooled by each search",
            AUDIT_ATTACKS: "audits of networks: small changes, one perturbation for all images, and labels alone",
            TRANSFER: "transfer between networks",
            RETRAINING: "networks of the retraining chains",
            EFFECTS: "effect of the fooling class",
            FOOLED_SUMMARY: "who is fooled: champions beside the real images of their own model",
            RUBBISH_SUMMARY: "random inputs that get a class with more than 50 %",
            ADVERSARIAL_MEANS: "adversarial examples: size of the changes, and images misclassified",
            UNIVERSAL_MEANS: "universal perturbations: shares of images that one change fools",
            DETECTOR_MEANS: "detectors: classes that get through, with images found without and with the detector",
            LABEL_ONLY_TRANSFER: "champions of other networks beside attacks with labels alone",
        }.items()
        for path in given[table.name]
        if len(content := read_bytes(path)) <= MOST_BYTES
    }
    if run_info is not None:
        found[run_info.name] = (read_bytes(run_info), "machine, packages, seeds, time and memory")
    return found


def run_info(
    *,
    study: str,
    logs: list[Path],
    output: Path,
    champions: list[Path] | None = None,
    classifiers: Path | None = None,
    device: str = "auto",
) -> None:
    """Record how a study was run: machine, versions, seeds, time and memory of every step.

    Args:
        study: Name of the study.
        champions: Tables of champions, one for each experiment; they list the runs.
        classifiers: Table of the networks; a study of audits alone has none.
        logs: Folder with the logs of the jobs, and Snakemake's benchmark files beside them.
        output: JSON file to write.
    """
    networks = [] if classifiers is None else _networks_in(read_table(classifiers, CLASSIFIERS))
    runs = [_runs_in(read_table(path, CHAMPIONS)) for path in champions or []]
    jobs = [job for folder in logs for job in _jobs_in(folder)]
    steps = steps_of(jobs)
    information: dict[str, Any] = {
        "study": study,
        "machine": {**machine(), "device": _described(device)},
        "packages": package_versions(),
        "classifiers": networks,
        "experiments": runs,
        "steps": [step._asdict() for step in steps],
        "jobs": [job._asdict() for job in jobs],
    }
    write_json(output, information)
    most = max((step.peak_memory_mb for step in steps), default=0)
    seconds = sum(step.wall_seconds for step in steps)
    say(f"{len(jobs)} jobs took {seconds:,.0f} s in all, and none more than {most} MB; written to {output}")


def _networks_in(networks: pd.DataFrame) -> list[dict[str, Any]]:
    """Return each network with its test error; the seed of an imported network is unknown."""
    described = networks[list(NetworkInformation.model_fields)].convert_dtypes()
    found: list[dict[str, Any]] = json.loads(described.to_json(orient="records"))
    return found


def _runs_in(champions: pd.DataFrame) -> dict[str, Any]:
    """Return an experiment with its networks, searches and seeds."""
    columns = {"classifiers": "classifier", "searches": "search", "seeds": "seed"}
    found = {name: champions[column].drop_duplicates().sort_values().tolist() for name, column in columns.items()}
    return {"experiment": champions["experiment"].iloc[0], "encoding": champions["encoding"].iloc[0], **found}


def _jobs_in(folder: Path) -> list[Job]:
    """Return the finished jobs whose logs are in ``folder``, each with its benchmark file if there is one."""
    found = []
    for log in sorted(folder.rglob("*.log")):
        measured = log.with_suffix(".tsv")
        benchmark = measured.read_text(errors="replace") if measured.is_file() else None
        name = str(log.relative_to(folder.parent).with_suffix(""))
        job = finished_job(name, log=log.read_text(errors="replace"), benchmark=benchmark)
        found += [] if job is None else [job]
    return found


def _described(device: str) -> str:
    """Return ``cpu``, or the name of the GPU; the page is written without torch, which takes seconds to import."""
    import torch

    from fooling.classifiers.devices import chosen_device

    chosen = chosen_device(device)
    return chosen.type if chosen.type != "cuda" else torch.cuda.get_device_name(chosen)
