"""On one machine with GPUs as many jobs compute on networks at a time as there are GPUs, each on its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkout import SMOKE, Checkout
from pretended_gpus import pretend_gpus

pytestmark = pytest.mark.slow

#: Without the one that reads its pictures: its processes exchange them through sockets, which so long a name of the
#: temporary folder does not allow.
NETWORKS = ("lenet-a", "lenet-b", "own", "both")


def test_each_job_has_a_gpu_for_itself(fresh_checkout: Checkout, tmp_path: Path) -> None:
    checkout = fresh_checkout.copy(tmp_path / "repository")
    used = pretend_gpus(checkout, 2)
    # The number of GPUs is counted by the profile; here it is only pretended.
    checkout.run(
        *("snakemake", "--profile", "profiles/gpu", "--configfile", SMOKE, "--resources", "gpu=2", "--cores", "4"),
        *("--", *(f"results/smoke/classifiers/{name}.safetensors" for name in NETWORKS)),
    )
    assert len(list((checkout.folder / "results/smoke/classifiers").iterdir())) == 4
    gpus = used.read_text().split()
    assert len(gpus) == 4 and set(gpus) == {"0", "1"}
    for log in (checkout.folder / "logs/smoke/classifiers").glob("*.log"):
        assert "waiting" not in log.read_text(), "Snakemake started more jobs than there are GPUs"
