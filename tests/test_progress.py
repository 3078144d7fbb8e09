"""Progress: a line now and then in a log, a bar on a terminal."""

from __future__ import annotations

import io
import sys

import pytest

from fooling import progress


def test_a_log_gets_a_line_when_it_is_time(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "LOG_INTERVAL", 0.0)
    with progress.progress(total=3, done=1, description="walk") as counter:
        counter.advance(note=lambda: "uphill")
        counter.advance()
    assert capsys.readouterr().err == "walk: 2 of 3 steps, uphill\nwalk: 3 of 3 steps\n"


def test_between_two_lines_nothing_is_said_or_asked(capsys: pytest.CaptureFixture[str]) -> None:
    def never() -> str:
        raise AssertionError

    with progress.progress(total=2, description="walk") as counter:
        counter.advance(note=never)
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress.progress(total=2, description="walk") as counter:
        counter.advance(2)
    assert "walk: 100%" in terminal.getvalue()


def test_without_a_known_total_only_what_is_done_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "LOG_INTERVAL", 0.0)
    with progress.progress(total=None, description="walk") as counter:
        counter.advance(2)
    assert capsys.readouterr().err == "walk: 2 steps\n"
