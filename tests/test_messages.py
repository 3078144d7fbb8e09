"""A message says what is wrong and how to fix it, a line each."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooling import messages
from fooling.messages import (
    FoolingError,
    capitalised,
    cell,
    counted,
    is_lack_of_memory,
    listed,
    missing_package,
    percent,
    share_percent,
    short_percent,
    table_row,
    whole_percent,
)


def test_only_what_is_known_is_said() -> None:
    assert str(FoolingError("the sky has fallen")) == "the sky has fallen"
    message = str(FoolingError("the sky has fallen", found=0, expected="a sky", remedy="lift it"))
    assert message == "the sky has fallen\n  found: 0\n  expected: a sky\n  to fix it: lift it"


def test_a_text_of_several_lines_stands_below_its_label() -> None:
    assert str(FoolingError("wrong", remedy="first\nsecond")) == "wrong\n  to fix it:\n    first\n    second"


def test_a_message_holds_no_memory_address() -> None:
    assert str(FoolingError("bad", found=object())) == "bad\n  found: <object object>"


@pytest.mark.parametrize(
    ("error", "lacks"),
    [
        (MemoryError(), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."), True),
        (RuntimeError("std::bad_alloc"), True),
        (OSError(12, "Cannot allocate memory"), True),
        (OSError(28, "No space left on device"), False),
        (RuntimeError("memory format option is only supported by strided tensors"), False),
    ],
    ids=str,
)
def test_a_lack_of_memory_is_recognised(error: Exception, lacks: bool) -> None:
    assert is_lack_of_memory(error) == lacks


def test_a_missing_optional_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "statsmodels", None)
    with pytest.raises(ImportError) as caught:
        import statsmodels.stats.multitest  # noqa: F401
    expected = "this needs the package statsmodels\n  found: not installed\n  to fix it: pip install 'fooling[study]'"
    assert str(missing_package(caught.value)) == expected


def test_a_missing_package_is_found_behind_the_error_of_another_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError) as caught:
        pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "table.parquet", engine="pyarrow")
    assert "pip install 'fooling[study]'" in str(missing_package(caught.value))


def test_other_missing_packages_are_none_of_the_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "colorsys", None)
    with pytest.raises(ImportError) as caught:
        import colorsys  # noqa: F401
    assert missing_package(caught.value) is None


@pytest.mark.parametrize(
    ("confidence", "text"), [(0.99989, "99.98 %"), (0.98999, "98.99 %"), (0.5, "50.00 %"), (0.0, "0.00 %")]
)
def test_percentages_are_truncated(confidence, text):
    assert percent(confidence) == text


@pytest.mark.parametrize("confidence", [0.9999, 0.99996, float(np.nextafter(np.float32(1), np.float32(0))), 1.0])
def test_the_highest_percentage_stands_for_all_above_it(confidence):
    assert percent(confidence) == "≥ 99.99 %"
    assert percent(confidence, decimals=0) == "≥ 99 %"


def test_just_below_the_threshold_there_is_no_sign():
    assert percent(float(np.float32(0.9999))) == "99.98 %"  # the float32 nearest to .9999 is below it
    assert percent(0.989, decimals=0) == "98 %"


@given(st.floats(0, 1))
def test_the_text_is_at_most_the_confidence_and_less_than_a_step_below(confidence):
    text = percent(confidence)
    shown = float(text.removeprefix("≥ ").removesuffix(" %")) / 100
    assert shown <= confidence + 1e-12
    assert confidence < shown + 1e-4 + 1e-12
    assert text.startswith("≥") == (confidence >= 0.9999)


def test_the_short_form_has_the_decimals_it_needs():
    assert short_percent(0.9999) == "99.99 %"
    assert short_percent(0.5) == "50 %"


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0 %"),
        (0.004, "< 1 %"),
        (0.37, "37 %"),
        (0.986, "99 %"),
        (0.996, "> 99 %"),
        (0.99999, "> 99 %"),
        (1, "100 %"),
    ],
)
def test_whole_percent_are_never_rounded_to_nothing_or_all(share, text):
    assert whole_percent(share) == text


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "0 %"),
        (0.0094, "0.94 %"),
        (0.00957, "0.96 %"),
        (0.5, "50 %"),
        (0.9899999, "99 %"),
        (0.9915, "99.15 %"),
        (0.9999, "99.99 %"),
        (0.99996, "> 99.99 %"),
        (float(np.float32(0.9999)), "99.98 %"),
        (float(np.nextafter(1.0, 0)), "> 99.99 %"),
        (1.0, "100 %"),
    ],
)
def test_shares_are_rounded_but_never_to_100(share, words):
    assert share_percent(share) == words


@given(st.floats(0.99, 1, exclude_max=True))
def test_a_percentage_near_100_is_never_more_than_it_was(share):
    shown = float(share_percent(share).removeprefix("> ").removesuffix(" %")) / 100
    assert shown <= share * (1 + 1e-15)
    assert shown < 1


def test_no_number_is_unknown():
    assert (percent(float("nan")), share_percent(float("nan"))) == ("unknown", "unknown")


def test_a_pipe_or_a_line_break_in_a_cell_breaks_no_row():
    row = table_row(["a|b", "two\nlines", 3])
    assert row == "| a\\|b | two lines | 3 |\n"


def test_other_characters_stay():
    assert cell("`x` *y* <z>") == "`x` *y* <z>"


def test_a_log_gets_a_line_when_it_is_time(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(messages, "LOG_INTERVAL", 0.0)
    with messages.progress(total=3, done=1, description="walk") as counter:
        counter.advance(note=lambda: "uphill")
        counter.advance()
    assert capsys.readouterr().err == "walk: 2 of 3 steps, uphill\nwalk: 3 of 3 steps\n"


def test_between_two_lines_nothing_is_said_or_asked(capsys: pytest.CaptureFixture[str]) -> None:
    def never() -> str:
        raise AssertionError

    with messages.progress(total=2, description="walk") as counter:
        counter.advance(note=never)
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", terminal)
    with messages.progress(total=2, description="walk") as counter:
        counter.advance(2)
    assert "walk: 100%" in terminal.getvalue()


def test_without_a_known_total_only_what_is_done_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(messages, "LOG_INTERVAL", 0.0)
    with messages.progress(total=None, description="walk") as counter:
        counter.advance(2)
    assert capsys.readouterr().err == "walk: 2 steps\n"


def test_counts_and_lists_are_phrases():
    assert [counted(count, "run") for count in (0, 1, 1200)] == ["0 runs", "1 run", "1,200 runs"]
    assert counted(2, "class", "classes") == "2 classes"
    assert [listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
    assert capitalised("CPPN encoding") == "CPPN encoding"
    assert capitalised("direct encoding") == "Direct encoding"
