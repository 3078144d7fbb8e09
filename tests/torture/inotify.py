"""What happens in folders and files, told by the Linux kernel at once."""

from __future__ import annotations

import ctypes
import os
import struct
from dataclasses import dataclass
from pathlib import Path

OPEN, MODIFY, MOVED_TO, CREATE, DELETE = 0x20, 0x2, 0x80, 0x100, 0x200

_LIBC = ctypes.CDLL(None, use_errno=True)
_HEADER = struct.Struct("iIII")  # watch, mask, cookie, length of the name


@dataclass(frozen=True)
class Event:
    """Something that happened to ``path``."""

    path: Path
    mask: int


class Inotify:
    """Watches that are read like a file: ``fileno`` becomes readable when there are events."""

    def __init__(self) -> None:
        self._handle = _checked(_LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        self._watched: dict[int, Path] = {}

    def watch(self, path: Path, mask: int) -> None:
        """Tell from now on what of ``mask`` happens to the file ``path``, or in the folder ``path``."""
        self._watched[_checked(_LIBC.inotify_add_watch(self._handle, os.fsencode(path), mask))] = path

    def fileno(self) -> int:
        return self._handle

    def read(self) -> list[Event]:
        """What happened since it was last read."""
        try:
            content = os.read(self._handle, 2**16)
        except BlockingIOError:
            return []
        events, start = [], 0
        while start < len(content):
            watch, mask, _, length = _HEADER.unpack_from(content, start)
            start += _HEADER.size + length
            name = content[start - length : start].rstrip(b"\0").decode()
            events.append(Event(self._watched[watch] / name, mask))
        return events

    def __enter__(self) -> Inotify:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
