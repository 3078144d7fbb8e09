"""The cluster of the tests leaves a real one alone, and nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from slurm import cluster as module
from slurm.cluster import CONFIGURATION, FILES, FOLDER, Cluster, why_not


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of Slurm's configuration, on a machine where a cluster could be started."""
    monkeypatch.setattr(module, "DAEMONS", ("sh",))
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(module, "CONFIGURATION", tmp_path)
    return tmp_path


def test_a_machine_of_a_real_cluster_is_refused(configuration: Path) -> None:
    (configuration / "slurm.conf").touch()
    assert why_not() == f"{configuration}/slurm.conf belongs to a real cluster"


def test_a_configuration_that_lies_elsewhere_is_a_real_one_too(configuration: Path) -> None:
    (configuration / "slurm.conf").symlink_to("/shared/slurm.conf")
    assert why_not() == f"{configuration}/slurm.conf belongs to a real cluster"


def test_what_a_killed_test_left_behind_is_no_real_cluster(configuration: Path) -> None:
    (configuration / "slurm.conf").symlink_to(f"/gone/{FOLDER}/slurm.conf")
    assert why_not() is None


@pytest.mark.slow
def test_nothing_of_a_cluster_stays(cluster: Cluster) -> None:
    cluster.run("sbatch", "--output", "/dev/null", "--wrap", "sleep infinity")
    module.eventually(lambda: bool(cluster.jobs(state="running")), "the job runs")
    cluster.close()
    assert not any(environment[module.MARK] == str(cluster.folder) for _, environment in module._marked_processes())
    assert not any((CONFIGURATION / file).is_symlink() for file in FILES)
