"""A message says what is wrong and how to fix it, a line each."""

from __future__ import annotations

from fooling.errors import FoolingError


def test_only_what_is_known_is_said() -> None:
    assert str(FoolingError("the sky has fallen")) == "the sky has fallen"
    message = str(FoolingError("the sky has fallen", found=0, expected="a sky", remedy="lift it"))
    assert message == "the sky has fallen\n  found: 0\n  expected: a sky\n  to fix it: lift it"


def test_a_text_of_several_lines_stands_below_its_label() -> None:
    assert str(FoolingError("wrong", remedy="first\nsecond")) == "wrong\n  to fix it:\n    first\n    second"


def test_a_message_holds_no_memory_address() -> None:
    assert str(FoolingError("bad", found=object())) == "bad\n  found: <object object>"
