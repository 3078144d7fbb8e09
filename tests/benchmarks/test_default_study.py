"""The cost of the default study, read from Snakemake's benchmark files."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.default_study import job_costs, measured

HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A folder with a finished run of three jobs, one of them too short to be measured."""
    jobs = {"evolution/lenet-a/cppn/seed1": "20.5", "evolution/lenet-a/direct/seed1": "19.5", "claims": "NA"}
    for job, cpu in jobs.items():
        path = tmp_path / f"logs/digits/{job}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{HEADER}30\t0:00:30\t-\t-\t-\t-\t-\t-\t-\t{cpu}\n")
    (tmp_path / "results/digits").mkdir(parents=True)
    (tmp_path / "results/digits/run-info.json").write_text("{}")
    return tmp_path


def test_the_cpu_time_of_all_jobs_is_added_up(finished: Path) -> None:
    figure = measured(finished)
    assert figure["value"] == 40.0
    assert figure["met"]
    assert figure["steps"] == {"evolution/lenet-a": 40.0}
    assert list(job_costs(finished / "logs/digits").columns) == ["step", "cpu_seconds"]


def test_without_a_finished_study_nothing_is_measured(finished: Path) -> None:
    (finished / "results/digits/run-info.json").unlink()
    figure = measured(finished)
    assert figure["value"] is None
    assert "make run" in figure["not_measured"]
