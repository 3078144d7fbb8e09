"""The record of how a study was run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from fooling.artifacts import read_table, write_json
from fooling.classifiers.devices import chosen_device
from fooling.findings.classifiers import CLASSIFIERS
from fooling.findings.runs import CHAMPIONS
from fooling.progress import say
from fooling.report.run_info import Job, NetworkInformation, finished_job, machine, package_versions, steps_of

PANEL = "Report"


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
    """Return ``cpu``, or the name of the GPU."""
    chosen = chosen_device(device)
    if chosen.type != "cuda":
        return chosen.type
    import torch

    return torch.cuda.get_device_name(chosen)
