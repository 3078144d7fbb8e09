"""`snakemake --logger fooling` on a workflow of a few steps: what it prints, and what it leaves out."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import warm
from checkout import ROOT
from snakemake_logger_plugin_fooling import duration, time_left

SNAKEFILE = """
rule all:
    input:
        "second.png",
        "page.html",


rule first:
    output:
        "first.txt",
    log:
        "first.log",
    message:
        "Write the first file"
    shell:
        "echo {marker} of the log > {log}; sleep {seconds}; {command} > {output}"


rule second:
    input:
        "first.txt",
    output:
        "{name}.png",
    message:
        "Draw {wildcards.name}"
    shell:
        "cp {input} {output}"


rule page:
    input:
        "second.png",
    output:
        "page.html",
    shell:
        "cp {input} {output}"
"""
EXPECTING = """
from snakemake_logger_plugin_fooling import Expectation, LogHandler


onstart:
    (handler,) = workflow.logger_manager.get_log_handlers()
    assert isinstance(handler, LogHandler)
    weights = {"first": 90.0, "second": 5.0, "page": 5.0, "all": 0.0}
    handler.expect(
        {
            workflow.dag.jobid(job): Expectation(job.rule.name, weights[job.rule.name])
            for job in workflow.dag.needrun_jobs(exclude_finished=False)
        }
    )
"""


class Workflow:
    """A workflow in a folder of its own, without the profile of the study."""

    def __init__(self, folder: Path, *, command: str = "echo done", seconds: float = 0, added: str = "") -> None:
        self.folder = folder
        text = SNAKEFILE.replace("{marker}", "UNIQUE").replace("{seconds}", str(seconds)).replace("{command}", command)
        (folder / "Snakefile").write_text(text + added)

    def call(self, *options: str, logger: Sequence[str] = ("--logger", "fooling")) -> list[str]:
        """The command that runs it."""
        return ["snakemake", *logger, "--quiet", "host", "reason", "--show-failed-logs", "--cores", "1", *options]

    def environment(self) -> dict[str, str]:
        """The environment of the tests, with the plugin of this repository; ``snakemake`` starts in a warm process."""
        path = os.pathsep.join([str(warm.commands()), str(Path(sys.executable).parent), os.environ["PATH"]])
        return os.environ | {"PATH": path, "PYTHONPATH": str(ROOT / "src"), "TERM": "xterm"}

    def run(self, *options: str) -> subprocess.CompletedProcess[str]:
        """How it ends, with all that it prints as ``stdout``."""
        return subprocess.run(
            self.call(*options),
            cwd=self.folder,
            env=self.environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )


def test_each_finished_step_is_a_line(tmp_path: Path) -> None:
    done = Workflow(tmp_path).run()
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "4 steps to do",
        "1 of 4 steps: Write the first file",
        "2 of 4 steps: Draw second",
        "To look at: second.png",
        "3 of 4 steps: page",
        "To look at: page.html",
    ]
    (complete,) = (tmp_path / ".snakemake/log").iterdir()
    assert "Finished jobid: 0 (Rule: all)" in complete.read_text()


def test_a_target_with_a_message_prints_it_alone(tmp_path: Path) -> None:
    added = '\nrule pictures:\n    input: "second.png"\n    message: "Done: pictures"\n'
    lines = Workflow(tmp_path, added=added).run("pictures").stdout.splitlines()
    assert lines[0] == "3 steps to do"
    assert lines[-1] == "Done: pictures"


def test_expected_seconds_give_the_share_and_the_time_left(tmp_path: Path) -> None:
    done = Workflow(tmp_path, seconds=1.5, added=EXPECTING).run()
    assert done.returncode == 0, done.stdout
    lines = [line for line in done.stdout.splitlines() if " %" in line]
    pattern = r" *(\d+) %, (under 1 min|\d+ min) left: (.*) \((\d+\.\d) s\)"
    found = [re.fullmatch(pattern, line) for line in lines]
    assert all(found), done.stdout
    shares, _, messages, seconds = zip(*(one.groups() for one in found if one), strict=True)
    assert messages == ("Write the first file", "Draw second", "page")
    assert float(seconds[0]) >= 1.5
    assert all(int(share) < 100 for share in shares)  # the rule `all` is to come


def test_a_failure_shows_the_error_and_its_log(tmp_path: Path) -> None:
    done = Workflow(tmp_path, command="false").run()
    assert done.returncode == 1
    assert "Error in rule first" in done.stdout
    assert "UNIQUE of the log" in done.stdout
    assert "At least one job did not complete successfully" in done.stdout
    assert "Complete log(s):" in done.stdout
    assert "steps: " not in done.stdout
    assert "Traceback" not in done.stdout


def test_a_broken_workflow_is_reported(tmp_path: Path) -> None:
    done = Workflow(tmp_path, added="\nrule broken:\n    input: nothing\n").run()
    assert done.returncode == 1
    assert "NameError" in done.stdout
    assert "name 'nothing' is not defined" in done.stdout


def test_a_missing_input_is_reported(tmp_path: Path) -> None:
    done = Workflow(tmp_path, added='\nrule lacking:\n    input: "absent"\n    output: "other"\n').run("other")
    assert done.returncode == 1
    assert "Missing input files for rule lacking" in done.stdout


def test_a_dry_run_is_printed_as_usual(tmp_path: Path) -> None:
    workflow = Workflow(tmp_path)
    done = workflow.run("--dry-run")
    assert done.returncode == 0
    usual = subprocess.run(
        workflow.call("--dry-run", logger=()),
        cwd=tmp_path,
        env=workflow.environment(),
        text=True,
        capture_output=True,
    ).stdout
    assert "Job 2: Write the first file" in usual
    assert _timeless(done.stdout) == _timeless(usual)
    assert not (tmp_path / "first.txt").exists()


def test_it_says_that_nothing_is_to_be_done(tmp_path: Path) -> None:
    workflow = Workflow(tmp_path)
    workflow.run()
    assert workflow.run().stdout.splitlines() == [
        "Nothing to be done (all requested files are present and up to date)."
    ]


def test_quiet_prints_nothing(tmp_path: Path) -> None:
    assert Workflow(tmp_path).run("--quiet", "all").stdout == ""


def test_shell_commands_are_printed_on_request(tmp_path: Path) -> None:
    assert "cp first.txt second.png" in Workflow(tmp_path).run("--printshellcmds").stdout


def test_a_terminal_shows_what_is_running(tmp_path: Path) -> None:
    shown = _on_a_terminal(Workflow(tmp_path, seconds=2.5))
    assert "0 of 4 steps. Running: Write the first file" in shown
    assert "\r\x1b[K1 of 4 steps: Write the first file\r\n" in shown
    assert shown.removesuffix("\r\x1b[K").endswith("\r\x1b[KTo look at: page.html\r\n\r\x1b[K")


def test_ctrl_c_ends_a_run_on_a_terminal(tmp_path: Path) -> None:
    shown = _on_a_terminal(Workflow(tmp_path, seconds=300), interrupt_once=tmp_path / "first.log")
    assert "Running: Write the first file" in shown
    assert "1 of 4 steps" not in shown
    assert not (tmp_path / "first.txt").exists()


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (9.4, "9.4 s"), (12.4, "12 s"), (185, "3 min 5 s"), (7800, "2 h 10 min")]
)
def test_durations_are_read_as_from_a_clock(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "under 1 min"), (29, "under 1 min"), (31, "1 min"), (1700, "28 min"), (7800, "2 h 10 min")],
)
def test_the_time_left_is_given_in_minutes(seconds: float, text: str) -> None:
    assert time_left(seconds) == text


def _timeless(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("[")]


def _on_a_terminal(workflow: Workflow, *, interrupt_once: Path | None = None) -> str:
    """All that a run writes to a terminal of its own; it gets Ctrl-C once the file ``interrupt_once`` is there."""
    ours, its = pty.openpty()
    run = subprocess.Popen(
        [str(Path(sys.executable).parent / "snakemake"), *workflow.call()[1:]],  # which owns its terminal
        cwd=workflow.folder,
        env=workflow.environment(),
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored in the background
    )
    os.close(its)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the run has closed its end
            break
        if not part:
            break
        shown += part
        if interrupt_once is not None and interrupt_once.exists():
            os.killpg(run.pid, signal.SIGINT)  # as the terminal does
            interrupt_once = None
    os.close(ours)
    run.wait()
    return shown.decode()
