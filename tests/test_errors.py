"""A message says what is wrong and how to fix it, a line each."""

from __future__ import annotations

import pytest

from fooling.errors import FoolingError, is_lack_of_memory


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
