"""How a study was run: the machine, and the jobs."""

from __future__ import annotations

import numpy
import torch

from fooling import __version__
from fooling.report.run_info import Job, Step, finished_job, machine, package_versions, steps_of


def test_the_machine_is_described():
    described = machine()
    assert described["cores"] >= 1
    assert described["memory_mb"] > 100
    assert all(described[name] for name in ("system", "processor", "python"))


def test_versions_are_those_installed_and_leave_out_what_only_developers_need():
    versions = package_versions()
    assert versions["numpy"] == numpy.__version__
    assert versions["torch"] == torch.__version__
    assert versions["fooling"] == __version__
    assert "hypothesis" not in versions


LOG = "epoch 1 of 2\nlenet-a: 1.0 % errors\nfooling train: 12.3 s, peak memory 345 MB\n"
BENCHMARK = "s\th:m:s\tmax_rss\n14.25\t0:00:14\t207.98\n"


def test_a_job_has_snakemakes_wall_time_and_its_own_peak_memory():
    job = finished_job("digits/classifiers/lenet-a", log=LOG, benchmark=BENCHMARK)
    assert job == Job("digits/classifiers/lenet-a", "train", 14.25, 345)


def test_by_hand_the_commands_own_seconds_count():
    job = finished_job("lenet-a", log=LOG, benchmark=None)
    assert job is not None
    assert job.wall_seconds == 12.3


def test_a_repeated_job_took_all_its_attempts():
    job = finished_job("lenet-a", log=LOG, benchmark=BENCHMARK + "2.5\t0:00:02\t1.0\n")
    assert job is not None
    assert job.wall_seconds == 16.75


def test_a_log_without_its_last_line_is_no_finished_job():
    assert finished_job("lenet-a", log="epoch 1 of 2\n", benchmark=None) is None


def test_jobs_are_summed_up_by_command_the_longest_first():
    jobs = [Job("a", "draw", 2.0, 200), Job("b", "draw", 3.5, 180), Job("c", "evolve-cppn", 20.0, 400)]
    assert steps_of(jobs) == [Step("evolve-cppn", 1, 20.0, 20.0, 400), Step("draw", 2, 5.5, 3.5, 200)]
    assert steps_of([]) == []
