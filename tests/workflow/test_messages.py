"""What goes wrong around the workflow ends in a message that names it, and never in a traceback."""

from __future__ import annotations

import io
import logging
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from snakemake.logging import ColorizingTextHandler

from checkout import ROOT, SMOKE, Checkout
from fooling.messages import FoolingError
from rules.process import end_without_traceback_on_ctrl_c, message_at_end
from rules.steps import without_wildcards
from rules.study_file import paths_in, require_no_braces, study_from

MAKE = ("make", "run", "INSTALLED=Makefile", "CORES=1 --dry-run --quiet all")
SETTINGS = {
    "study": "one",
    "datasets": [{"name": "digits", "kind": "digits"}],
    "classifiers": [
        {"name": "own", "kind": "imported", "dataset": "digits", "architecture": "a.py:b", "weights": "w.safetensors"}
    ],
    "experiments": [{"name": "direct", "classifiers": ["own"], "encoding": {"kind": "direct"}}],
}


@pytest.mark.parametrize("config", ["config/mistyped.yaml", "config", "/dev/zero", "docs-as-picture.png"])
def test_make_names_a_study_file_that_is_none(fresh_checkout: Checkout, tmp_path: Path, config: str) -> None:
    if config.endswith(".png"):
        config = str(tmp_path / config)
        Path(config).write_bytes(b"\x89PNG\xff")
    done = fresh_checkout.attempt(*MAKE, f"CONFIG={config}")
    assert done.returncode != 0
    assert f"CONFIG={config} is not a text file. Name a study file:" in done.stdout
    assert "Traceback" not in done.stdout


def test_make_needs_no_home(fresh_checkout: Checkout, tmp_path: Path) -> None:
    checkout = fresh_checkout.copy(tmp_path / "repository")
    checkout.run("env", "HOME=/dev/null/none", *MAKE, f"CONFIG={SMOKE}")


@pytest.mark.parametrize(
    ("argument", "read", "expected"),
    [
        ("findings={threshold: .9}", {"threshold": ".9"}, {"threshold": 0.9}),
        ("findings={threshold: '0.9'}", {"threshold": "0.9"}, {"threshold": "0.9"}),
        ("findings={'threshold': 0.9}", {"threshold": 0.9}, {"threshold": 0.9}),  # given by a program
    ],
)
def test_settings_of_the_command_line_are_read_as_those_of_a_file(
    argument: str, read: object, expected: object
) -> None:
    settings, _ = study_from(SETTINGS | {"findings": read}, files=(), arguments=[argument])
    assert settings["findings"] == expected


def test_a_refused_setting_of_the_command_line_is_blamed_on_it() -> None:
    with pytest.raises(FoolingError, match=r"a.json \+ --config: 1 invalid setting") as refusal:
        study_from(SETTINGS | {"study": 2024}, files=["a.json"], arguments=["study=2024"])
    assert "study: '2024'" in str(refusal.value)
    _, study = study_from(SETTINGS | {"study": 2024}, files=(), arguments=['study="2024"'])
    assert study.name == "2024"


def test_a_target_that_is_read_as_a_study_file_is_named() -> None:
    with pytest.raises(FoolingError, match="Name targets before --configfile, or after `--`"):
        study_from(SETTINGS | {"claims": 1}, files=["a.json", "results/metrics.json"], arguments=())


def test_an_architecture_of_no_known_form_is_refused_with_the_settings() -> None:
    classifier = SETTINGS["classifiers"][0] | {"architecture": ":"}  # type: ignore[index,operator]
    with pytest.raises(FoolingError, match=re.escape("classifiers[own].architecture")):
        study_from(SETTINGS | {"classifiers": [classifier]}, files=(), arguments=())


@pytest.mark.parametrize(
    ("key", "mirror"), [("architecture", None), ("weights", None), ("none", "/a/{mirror}")], ids=str
)
def test_braces_in_paths_are_refused(key: str, mirror: str | None) -> None:
    values = {"architecture": "{a}.py:b", "weights": "{w}.safetensors"}
    changed = {key: values[key]} if key in values else {}
    classifier = SETTINGS["classifiers"][0] | changed  # type: ignore[index,operator]
    _, study = study_from(SETTINGS | {"classifiers": [classifier]}, files=(), arguments=())
    with pytest.raises(FoolingError, match="has braces in its path"):
        require_no_braces(paths_in(study, mirror=mirror))


def test_braces_in_names_are_no_wildcards(fresh_checkout: Checkout, tmp_path: Path) -> None:
    study = tmp_path / "study.yaml"
    study.write_text((ROOT / SMOKE).read_text().replace("low digits", "'low {digits}'"))
    fresh_checkout.run("snakemake", "--dry-run", "--quiet", "all", "--configfile", str(study))
    assert without_wildcards(r'{"a \"{b}": 1}') == r'{"a \"\u007bb\u007d": 1}'


def test_a_repository_with_braces_in_its_path_is_refused(fresh_checkout: Checkout, tmp_path: Path) -> None:
    done = fresh_checkout.copy(tmp_path / "{repository}").attempt("snakemake", "--dry-run")
    assert done.returncode != 0
    assert "the folder of this repository has braces in its path" in done.stdout
    assert "Traceback" not in done.stdout


def test_what_is_left_is_counted() -> None:
    assert message_at_end(failed=1, left=3).startswith("The run ended early: 1 jobs failed, 3 are left.")


class InterruptedStream(io.StringIO):
    """A stream that the user interrupts as often as something is written to it, at the worst moment."""

    def write(self, text: str) -> int:
        os.kill(os.getpid(), signal.SIGINT)
        return super().write(text)


def test_ctrl_c_within_a_message_ends_once_it_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    """The log handler of Snakemake swallows what is raised within it."""
    stream = InterruptedStream()
    handler = ColorizingTextHandler(nocolor=True, stream=stream)
    record = logging.makeLogRecord({"msg": "a message", "levelno": logging.INFO, "levelname": "INFO"})
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGALRM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        end_without_traceback_on_ctrl_c()
        with pytest.raises(SystemExit) as end:
            handler.emit(record)
            time.sleep(10)
    finally:
        for number, action in before.items():
            signal.signal(number, action)
    assert end.value.code == 130
    assert stream.getvalue() == "a message\n"
    assert capsys.readouterr().err == "Interrupted. To resume, type the same command again.\n"


def test_ctrl_c_ends_without_a_traceback(fresh_checkout: Checkout, tmp_path: Path) -> None:
    checkout = fresh_checkout.copy(tmp_path / "repository")
    command = checkout.folder / "bin/fooling"
    command.parent.mkdir()
    command.write_text("#!/bin/sh\ntouch begun\nexec sleep 600\n")
    command.chmod(0o755)
    run = subprocess.Popen(
        ["snakemake", "--cores", "1", "datasets"],
        cwd=checkout.folder,
        env=checkout.environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored where tests run in the background
    )
    while not (checkout.folder / "begun").exists():
        assert run.poll() is None
    for _ in range(3):
        os.killpg(run.pid, signal.SIGINT)
    said = run.communicate()[0]
    assert run.returncode != 0
    assert "Interrupted. To resume, type the same command again." in said
    assert "Traceback" not in said
