"""A study on a cluster ends with the bytes of a local run, whatever happens to jobs and nodes on the way."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from checkout import SMOKE, Checkout, differing
from pretended_gpus import pretend_gpus
from slurm.cluster import Cluster, Job, eventually

pytestmark = pytest.mark.slow

PROFILE = ("--profile", "profiles/slurm", "--configfile", SMOKE)
#: Snakemake, which looks every second how its jobs stand. As a command it waits ten seconds longer after each look at
#: which no job has ended.
SNAKEMAKE = """
from snakemake.cli import main
from snakemake_executor_plugin_slurm import Executor
Executor.next_seconds_between_status_checks = property(lambda executor: 1, lambda executor, seconds: None)
main()
"""
#: For a disk that shows every file at once.
QUICK = ("--latency-wait", "5")

#: A part of the smoke study with every kind of job that takes long: two networks, a group of runs on one and a run on
#: the other, a retraining chain.
PART = [
    f"results/smoke/{name}.safetensors"
    for name in (
        *(f"evolution/lenet-a/{encoding}/seed1" for encoding in ("direct", "cppn")),
        "evolution/lenet-b/direct/seed1",
        "retraining/fooling-class/lenet-a/champions/dnn2",
    )
]


class Study:
    """A study that is being made on a cluster."""

    def __init__(self, cluster: Cluster, checkout: Checkout, *arguments: str) -> None:
        self.cluster, self.checkout = cluster, checkout
        self._said = checkout.folder / "said"
        with self._said.open("w") as said:
            self._snakemake = subprocess.Popen(
                (sys.executable, "-c", SNAKEMAKE, *PROFILE, *QUICK, *arguments),
                cwd=checkout.folder,
                env=checkout.environment() | cluster.mark,
                stdout=said,
                stderr=said,
            )

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for something that is to happen before the study ends."""

        def holds_or_over() -> bool:
            return condition() or self._snakemake.poll() is not None

        eventually(holds_or_over, what)
        assert condition(), f"the study ended before this: {what}\n{self._said.read_text()[-4000:]}"

    def running(self, comment: str) -> Job:
        """The first job with this comment, once it runs."""
        self.wait_until(lambda: bool(self.cluster.jobs(comment, state="running")), f"{comment} runs")
        return self.cluster.jobs(comment, state="running")[0]

    def with_checkpoint(self, job: Job) -> psutil.Process:
        """The process of a job that does its work, once it has kept a state of it."""
        found: list[psutil.Process] = []

        def has_kept_a_state() -> bool:
            found[:] = [each for each in self.cluster.processes(job) if _has_kept_a_state(each)]
            return bool(found)

        self.wait_until(has_kept_a_state, f"{job.comment} keeps a state")
        return found[0]

    def logs_that_say(self, text: str) -> set[str]:
        """The logs, below the study's folder, that hold a text."""
        logs = self.checkout.folder / "logs/smoke"
        return {str(log.relative_to(logs)) for log in logs.rglob("*.log") if text in log.read_text()}

    def end(self) -> None:
        """Wait for the end, which is to be a good one."""
        assert self._snakemake.wait() == 0, self._said.read_text()[-4000:]


def _has_kept_a_state(process: psutil.Process) -> bool:
    """Whether a process holds a folder of checkpoints with a state in it."""
    try:
        files = [Path(file.path) for file in process.open_files()]
    except psutil.Error:
        return False
    return any(list(file.parent.glob("*.safetensors")) for file in files if file.parts[-3:-2] == (".checkpoints",))


def test_runs_on_gpus_with_a_cancelled_job(
    cluster: Cluster, smoke: Checkout, fresh_checkout: Checkout, tmp_path: Path
) -> None:
    checkout = fresh_checkout.copy(tmp_path / "repository")
    checkout.run("snakemake", "results/datasets/smoke-digits.safetensors", "--cores", "1", "--configfile", SMOKE)
    used = pretend_gpus(checkout, 1)
    runs = [f"results/smoke/evolution/lenet-a/cppn/seed{seed}.safetensors" for seed in (1, 2)]
    study = Study(cluster, checkout, *runs, "--config", "machine={device: cuda}")
    cluster.run("scancel", study.running("train").number)
    study.end()
    jobs = sorted(cluster.jobs(), key=lambda job: int(job.number))
    assert [(job.comment.split("_")[1], job.state) for job in jobs] == [
        ("train", "CANCELLED"),
        ("train", "COMPLETED"),
        ("evolution", "COMPLETED"),  # both runs
    ]
    assert {job.partition for job in jobs} == {"gpu"}
    asked = cluster.run("squeue", "-h", "-t", "all", "-j", jobs[-1].number, "-o", "%l %m %C").split()
    assert asked == ["1:00:00", "1500M", "1"], "a group asks for the time of all, and the memory and core of one"
    assert set(used.read_text().split()) == {"0"}, "Slurm gave more than one GPU"
    made, whole = checkout.digests(), smoke.digests()
    assert len(made) == 7
    assert made == {name: whole[name] for name in made}


def test_a_study_that_loses_jobs_and_nodes(cluster: Cluster, fresh_checkout: Checkout, tmp_path: Path) -> None:
    undisturbed = fresh_checkout.copy(tmp_path / "undisturbed")
    undisturbed.replace("src/fooling/reproducibility.py", "INTERVAL = 2.0", "INTERVAL = 0.5")
    undisturbed.replace(SMOKE, "{iterations: 60}", "{iterations: 300}")  # longer than until the first checkpoint
    undisturbed.replace(SMOKE, "generations: 10", "generations: 200")
    undisturbed.replace(SMOKE, "measured_generations: 12", "measured_generations: 202")
    study = Study(cluster, undisturbed.copy(tmp_path / "disturbed"), "--", *PART)

    cancelled = study.running("train_wildcards_lenet-a")
    study.with_checkpoint(cancelled)
    cluster.run("scancel", cancelled.number)

    drained = study.running("train_wildcards_lenet-b")
    cluster.run("scontrol", "update", f"NodeName={drained.node}", "State=DRAIN", "Reason=test")
    before = {job.number for job in cluster.jobs() if job.node}

    lost = study.running("evolution")
    survivor = study.with_checkpoint(lost)
    survivor.suspend()  # so that it is sure to be still at work when its copy starts
    cluster.kill_daemon(lost.node)
    study.wait_until(lambda: bool(study.logs_that_say("waiting until it ends")), "the copy waits")
    (run,) = study.logs_that_say("waiting until it ends")
    assert "down" in cluster.states()[lost.node]
    assert survivor.status() == psutil.STATUS_STOPPED
    survivor.resume()
    study.end()

    jobs = cluster.jobs()
    state = {job.number: job.state for job in jobs}
    assert state[cancelled.number] == "CANCELLED"
    assert state[drained.number] == "COMPLETED", "draining a node lets its jobs end"
    assert state[lost.number] == "NODE_FAIL"
    assert drained.node not in {job.node for job in jobs if job.number not in before}
    assert "Restarts=0" in cluster.run("scontrol", "show", "job", lost.number), "Slurm has queued it again as well"

    assert study.logs_that_say("training resumes after") == {"classifiers/lenet-a.log"}
    assert run in study.logs_that_say("evolution resumes after")
    options = ("--dry-run", "--configfile", SMOKE, "--", *PART)
    assert "Nothing to be done" in study.checkout.run("snakemake", *options)
    assert not list((study.checkout.folder / "results/.checkpoints").iterdir())

    undisturbed.run("snakemake", "--cores", "2", "--configfile", SMOKE, "--", *PART)
    made = undisturbed.digests()
    assert len(made) > len(PART)
    assert differing(made, study.checkout.digests()) == set()
