"""Two runs, or two commands at the same work, in one folder at once: the second is told, and disturbs nothing."""

from __future__ import annotations

import subprocess

import pytest

from checkout import MAKE_RUN, SMOKE, Checkout, differing
from torture.processes import LOOK, Job, a_run_standing_still

pytestmark = pytest.mark.slow

REPORT = "results/smoke/report/index.html"
RUN = "results/smoke/evolution/lenet-a/cppn/seed1.safetensors"


def _second(checkout: Checkout, *command: str, until: str) -> subprocess.Popen[str]:
    """A second command, once it has said this."""
    second = subprocess.Popen(
        command,
        cwd=checkout.folder,
        env=checkout.environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert second.stdout is not None
    said = ""
    while until not in said:
        line = second.stdout.readline()
        assert line, said
        said += line
    return second


def test_a_second_run_is_refused_by_snakemake_and_waits_in_make(changed_tiny: Checkout, tiny: Checkout) -> None:
    (changed_tiny.folder / REPORT).unlink()
    with a_run_standing_still(changed_tiny, *MAKE_RUN) as first:
        refused = changed_tiny.attempt("snakemake", "--cores", "1", "--configfile", SMOKE)
        assert refused.returncode != 0
        assert "Directory cannot be locked" in refused.stdout
        assert "--unlock" in refused.stdout
        second = _second(changed_tiny, *MAKE_RUN, until="Another run is active in this folder: waiting for it.")
        first.go_on()
        assert first.status() == 0
        assert "Nothing to be done" in second.communicate()[0]
        assert second.returncode == 0
    assert differing(tiny.digests(), changed_tiny.digests()) == set()
    assert (changed_tiny.folder / REPORT).stat().st_size > 0


def test_two_commands_at_the_same_work_follow_each_other(changed: Checkout, smoke: Checkout) -> None:
    command = changed.command_of(RUN)
    (changed.folder / RUN).unlink()
    with a_run_standing_still(changed, *command) as first:
        first.go_on()
        while not (job := Job.of(first.pid)) or not job.checkpoints():
            assert first.is_alive()
            first.wait(LOOK)
        first.stop()
        second = _second(changed, *command, until="waiting until it ends")
        first.go_on()
        assert first.status() == 0
        assert second.wait() == 0
    assert differing(smoke.digests(), changed.digests()) == set()
    assert not list((changed.folder / "results/.checkpoints").iterdir())
