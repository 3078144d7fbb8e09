"""What a run shows beside its steps: their expected seconds, the draft of the report, and at the end what was found.

The expected seconds weight the share done and the time left (``snakemake --logger fooling``). Nothing here decides a
result.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from fooling.artifacts import read_json, read_table, write_text
from fooling.findings.audits import AUDITS
from fooling.messages import FoolingError, share_percent, short_percent
from fooling.report.run_info import wall_seconds
from snakemake_logger_plugin_fooling import Expectation, LogHandler

#: Mean seconds of a job of each rule in the default study, on two cores, or a low guess for rules that it does not run.
#: Jobs of all other rules take about a second.
SECONDS = {
    "fetch_digits": 9,
    "fetch_shapes": 16,
    "fetch_mnist": 20,
    "list_folder": 10,
    "fetch_folder": 20,
    "list_imagenet": 10,
    "fetch_imagenet": 20,
    "train": 50,
    "train_on_all_pictures": 50,
    "fit": 10,
    "assemble_ensemble": 5,
    "import_network": 20,
    "evolve": 20,
    "evolve_without_drift": 14,
    "attack": 16,
    "attack_images": 6,
    "audit": 4,
    "guard_classifier": 3,
    "evolve_guarded": 4,
    "evolve_smooth": 3,
    "ascend_guarded": 3,
    "measure_detectors": 5,
    "sample": 12,
    "sample_families": 5,
    "stress": 4,
    "measure_distances": 7,
    "ablate": 2,
    "probe_far": 10,
    "probe_boundary": 6,
    "compare_kinds": 1,
    "compare_models": 2,
    "paint": 2,
    "evolve_many": 34,
    "retrain": 32,
    "retrain_on_all_pictures": 32,
    "match_refusal": 5,
    "tabulate_refusal": 5,
    "claims": 3,
    "summarise_ablation": 3,
}


class Rule(Protocol):
    """A rule of Snakemake."""

    name: str


class Job(Protocol):
    """A job of Snakemake."""

    rule: Rule
    benchmark: str | None
    output: Sequence[str]


class Jobs(Protocol):
    """The graph of the jobs of a run (``workflow.dag``)."""

    def needrun_jobs(self, exclude_finished: bool) -> Iterable[Job]:
        """Return the jobs of this run."""

    def jobid(self, job: Job) -> int:
        """Return the number of a job."""


def expect(jobs: Jobs, handlers: Iterable[object]) -> None:
    """Tell the log handlers of ``--logger fooling`` how long the jobs are expected to take."""
    for handler in handlers:
        if isinstance(handler, LogHandler):
            handler.expect({jobs.jobid(job): expectation(job) for job in jobs.needrun_jobs(exclude_finished=False)})


def expectation(job: Job) -> Expectation:
    """Return the seconds that a job took in an earlier run, by its benchmark file; otherwise those of :data:`SECONDS`.

    A job without a benchmark file of its own, such as ``all``, takes no time.
    """
    name = job.rule.name
    if job.benchmark is None:
        return Expectation(name, 0.0)
    try:
        seconds = wall_seconds(name, Path(job.benchmark).read_text())
    except (OSError, ValueError, FoolingError):  # there is none, or it was cut off when an earlier run was killed
        seconds = 0.0
    return Expectation(name, seconds or float(SECONDS.get(name, 1)))


def makes(jobs: Jobs, file: str) -> bool:
    """Return whether a job of this run writes ``file``."""
    return any(file in job.output for job in jobs.needrun_jobs(exclude_finished=False))


def write_draft(path: str, *, study: str, figures: Mapping[str, str], report: str) -> None:
    """Write the draft of the report.

    Args:
        path: Page to write.
        study: Name of the study.
        figures: Path of each figure by its name.
        report: Path of the report.
    """
    from fooling.report.drawings import draft  # imports matplotlib, which Snakemake's other processes do not need

    urls = {name: _url(file, path) for name, file in figures.items()}
    write_text(Path(path), draft(study=study, figures=urls, report=_url(report, path)))


def remove_draft(path: str) -> None:
    """Delete the draft of the report, if there is one."""
    Path(path).unlink(missing_ok=True)


def found(metrics: str, *, threshold: float) -> Iterator[str]:
    """Yield in sentences what a study found, from its metrics: how many images evolution made that fool a network.

    ``threshold`` is the confidence at or above which an image counts as fooling.
    """
    summary: Mapping[str, Any] = read_json(Path(metrics))
    yield f"Images that networks give a class with at least {short_percent(threshold)} confidence:"
    for experiment, classifiers in summary["champions"].items():
        shares: dict[str, list[float]] = {}
        for searches in classifiers.values():
            for search, values in searches.items():
                shares.setdefault(search, []).append(values["share_at_threshold"])
        means = {search: share_percent(sum(values) / len(values)) for search, values in shares.items()}
        control = f", by random search {means['random-search']}" if "random-search" in means else ""
        yield f"  {experiment}: by evolution {means['map-elites']}{control}"


def found_by_audits(table: str) -> Iterator[str]:
    """Yield in a sentence which networks the audits of a study fooled most, from its table ``audits``."""
    from fooling.report.story import which_are_fooled_most

    yield which_are_fooled_most(read_table(Path(table), AUDITS))


def _url(file: str, page: str) -> str:
    """Return the path of a file relative to a page."""
    return Path(os.path.relpath(file, Path(page).parent)).as_posix()
