"""A message says what is wrong and how to fix it, a line each."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest

from fooling.errors import FoolingError, is_lack_of_memory, missing_package


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
