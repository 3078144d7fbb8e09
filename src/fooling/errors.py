"""The one exception a user is meant to see: what is wrong, what was found, what was expected, how to fix it."""

from __future__ import annotations

import re

#: Differs from run to run, and says nothing to a reader: `<_io.BytesIO object at 0x7f0c…>`.
MEMORY_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")

#: How to fix a file that a command of the study made.
REMEDY = "delete it and make it again"


class FoolingError(Exception):
    """A mistake in what the user gave (a file, a key, a value), told so that it can be fixed.

    The command line prints the message alone, without a traceback, and exits with status 2.
    """

    def __init__(
        self, problem: str, *, found: object = None, expected: object = None, remedy: str | None = None
    ) -> None:
        lines = [problem]
        for label, value in (("found", found), ("expected", expected), ("to fix it", remedy)):
            if value is not None:
                lines.append(_labelled(label, str(value)))
        super().__init__(MEMORY_ADDRESS.sub("", "\n".join(lines)))


def _labelled(label: str, text: str) -> str:
    """One indented line, or for a text of several lines an indented block below its label."""
    if "\n" not in text:
        return f"  {label}: {text}"
    return f"  {label}:\n" + "\n".join(f"    {line}" for line in text.splitlines())
